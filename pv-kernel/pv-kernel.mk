# SPDX-License-Identifier: MIT
#
# The mini kernel, $(BUILD)/guests/pv-kernel.elf, which is also the guest that the hypervisor
# embeds.

CFLAGS_pvk := $(CFLAGS_guest) -Ipv-kernel
$(eval $(call flavour,pvk))

PVK_SRCS := pv-kernel/main.c
PVK_SRCS += $(addprefix pv-kernel/arch/,platform.c)
PVK_SRCS += $(addprefix pv-kernel/monitor/,monitor.c commands.c input.c)

$(eval $(call GUEST,pv-kernel,$(PVK_SRCS),,pvk))

DEFAULT_GUEST := $(BUILD)/guests/pv-kernel.elf
