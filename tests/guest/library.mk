# SPDX-License-Identifier: MIT
#
# Guests that test the guest library: each folder tests/guest/lib-<area> is one, made with the
# conformance kit of tests/guest/lib.

# LIBRARY_GUEST(area)
define LIBRARY_GUEST
$$(eval $$(call GUEST,lib-$(1),$$(CONF_LIB) $$(sort $$(wildcard tests/guest/lib-$(1)/*.[cS]))))
LIBRARY_GUESTS += $$(BUILD)/guests/lib-$(1).elf
$$(BUILD)/guests/lib-$(1).elf: GUEST_LDFLAGS += -Wl,-T,tests/guest/lib/cases.lds
$$(BUILD)/guests/lib-$(1).elf: tests/guest/lib/cases.lds
endef

$(foreach area,exercise memory,$(eval $(call LIBRARY_GUEST,$(area))))
