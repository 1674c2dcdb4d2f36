# SPDX-License-Identifier: MIT
#
# The conformance guests: one from each folder tests/guest/conf-<area>, which holds its cases, and
# the kit in tests/guest/lib. Some are special. tests/harness/ends.py runs conf-end, of which each
# case ends the domain and has a boot of its own, and conf-broken, which must fail; starts.py those
# that need a ramdisk or somebody who types.

CONF_AREAS := basic cpu trap mmu frames event sched state emulate pointer control grant device \
    latency

# What a guest has beside its own folder's files.
CONF_MORE_latency := $(addprefix tests/guest/conf-control/,child.c child.S)
CONF_MORE_grant := $(addprefix tests/guest/conf-control/,child.c child.S)
CONF_MORE_device := $(CONF_MORE_grant)

CONF_LIB := $(addprefix tests/guest/lib/,main.c frame.c frame.S)

# CONF_IMAGE(name, sources, start object if not `start`)
define CONF_IMAGE
$$(eval $$(call GUEST,$(1),$$(CONF_LIB) $(2),$(3)))
$$(BUILD)/guests/$(1).elf: GUEST_LDFLAGS += -Wl,-T,tests/guest/lib/cases.lds
$$(BUILD)/guests/$(1).elf: tests/guest/lib/cases.lds
endef

# CONF_GUEST(area)
CONF_GUEST = $(call CONF_IMAGE,conf-$(1),$$(CONF_MORE_$(1)) \
    $$(sort $$(wildcard tests/guest/conf-$(1)/*.[cS])))

$(foreach area,$(CONF_AREAS) end broken input,$(eval $(call CONF_GUEST,$(area))))

# The same cases' two halves: a kernel without notes about its start, and one with them.
$(eval $(call CONF_IMAGE,conf-start,tests/guest/conf-start/mapped.c))
$(eval $(call CONF_IMAGE,conf-start-p2m,tests/guest/conf-start/apart.c,start-p2m))

CONFORMANCE_GUESTS += $(CONF_AREAS:%=$(BUILD)/guests/conf-%.elf)

# The fuzz guest (docs/fuzzing.md) has main() and options of its own, and the kit's frames.
$(eval $(call GUEST,fuzz,$(wildcard tests/guest/fuzz/*.c) \
    $(addprefix tests/guest/lib/,frame.c frame.S)))
