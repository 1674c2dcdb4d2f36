# SPDX-License-Identifier: MIT
#
# What a Linux under test runs: the program probe. tests/harness/linux.py packs it with busybox and
# the scripts of tests/linux.

LINUX_PROBE := $(BUILD)/tests/linux/probe

CFLAGS_linux := -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -pthread
$(eval $(call flavour,linux))

$(LINUX_PROBE): $(call objs,linux,$(addprefix tests/linux/,probe.c memory.c cpu.c time.c))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) -static -pthread $^ -o $@ && $(OBJCOPY) --strip-all $@

test-programs: $(LINUX_PROBE) $(LINUX_INITRAMFS)
