# SPDX-License-Identifier: MIT
#
# The conformance guests: one from each folder tests/guest/conf-<area>, which holds its cases, and
# the kit in tests/guest/lib. Two are special, and tests/harness/ends.py runs them: each case of
# conf-end ends the domain and has a boot of its own; conf-broken must fail.

CONF_AREAS := basic cpu trap mmu frames event sched state emulate pointer control grant device \
    latency

# What a guest has beside its own folder's files.
CONF_MORE_latency := $(addprefix tests/guest/conf-control/,child.c child.S)
CONF_MORE_grant := $(addprefix tests/guest/conf-control/,child.c child.S)
CONF_MORE_device := $(CONF_MORE_grant)

CONF_LIB := $(addprefix tests/guest/lib/,main.c frame.c frame.S)

# CONF_GUEST(area)
define CONF_GUEST
$$(eval $$(call GUEST,conf-$(1),$$(CONF_LIB) $$(CONF_MORE_$(1)) \
    $$(sort $$(wildcard tests/guest/conf-$(1)/*.[cS]))))
$$(BUILD)/guests/conf-$(1).elf: GUEST_LDFLAGS += -Wl,-T,tests/guest/lib/cases.lds
$$(BUILD)/guests/conf-$(1).elf: tests/guest/lib/cases.lds
endef

$(foreach area,$(CONF_AREAS) end broken,$(eval $(call CONF_GUEST,$(area))))

CONFORMANCE_GUESTS += $(CONF_AREAS:%=$(BUILD)/guests/conf-%.elf)

# The fuzz guest (docs/fuzzing.md) has main() and options of its own, and the kit's frames.
$(eval $(call GUEST,fuzz,$(wildcard tests/guest/fuzz/*.c) \
    $(addprefix tests/guest/lib/,frame.c frame.S)))
