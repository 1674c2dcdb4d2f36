# SPDX-License-Identifier: MIT
#
# The toolchain: which programs build Pavane, the flags that every part shares, and the one rule
# that turns a source into an object. A part of the tree adds its flags in its own fragment and
# names its sources:
#
#     CFLAGS_hv := $(CFLAGS_FREESTANDING) -Ihypervisor -Iinclude -mcmodel=kernel
#     HV_OBJS   := $(call objs,hv,hypervisor/boot/head.S hypervisor/boot/start.c)
#     $(eval $(call flavour,hv))
#
# A flavour is a set of flags. The same source may be built in several (hv, guest, host). An object
# keeps its source's whole name, so that start.S and start.c can live side by side:
# $(BUILD)/obj/hv/hypervisor/boot/start.c.o. A changed compiler or flag rebuilds the flavour's
# objects; a changed header rebuilds what includes it.

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin AR),default)
AR := ar
endif
ifeq ($(origin LD),default)
LD := ld
endif
OBJCOPY ?= objcopy
# Unit tests want gcc's sanitizers, whatever compiler the product is built with.
HOSTCC  ?= gcc

WARN := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wundef -Wvla

# Code that runs without an operating system under it. No SSE: the registers belong to the guest.
CFLAGS_FREESTANDING := -std=gnu11 -O2 -g $(WARN) -ffreestanding -fno-common -fno-strict-aliasing \
    -fno-pic -fno-asynchronous-unwind-tables -fno-stack-protector -fcf-protection=none \
    -m64 -march=x86-64 -mno-red-zone -mno-mmx -mno-sse -mgeneral-regs-only

# Unit tests and other programs for the machine that builds; any undefined behaviour ends them.
HOST_CFLAGS  := -std=gnu11 -O1 -g $(WARN) -Iinclude -fno-omit-frame-pointer \
    -fsanitize=address,undefined -fno-sanitize-recover=all
HOST_LDFLAGS := -fsanitize=address,undefined

# objs(flavour, sources): the objects of these sources in this flavour.
objs = $(patsubst %,$(BUILD)/obj/$(1)/%.o,$(2))

# flavour(name): the rules for its objects. CFLAGS_<name> are its flags, CC_<name> its compiler if
# not $(CC).
define flavour
FLAVOURS += $(1)

$$(BUILD)/obj/$(1)/%.c.o: %.c $$(BUILD)/obj/$(1)/.flags
	$$(call say,CC,$$@)
	$$(Q)mkdir -p $$(@D) && $$(call compiler,$(1)) -MMD -MP -c $$< -o $$@

$$(BUILD)/obj/$(1)/%.S.o: %.S $$(BUILD)/obj/$(1)/.flags
	$$(call say,AS,$$@)
	$$(Q)mkdir -p $$(@D) && $$(call compiler,$(1)) -MMD -MP -D__ASSEMBLY__ -c $$< -o $$@
endef

# stamp(name): $(BUILD)/obj/<name>/.flags holds the compiler and flags of the last build, and is
# written again when they differ. The top Makefile asks for it once all flags are known.
compiler = $(strip $(or $(CC_$(1)),$(CC)) $(CFLAGS_$(1)))
last_compiler = $(file < $(BUILD)/obj/$(1)/.flags)
define stamp
$$(BUILD)/obj/$(1)/.flags: $(if $(findstring <$(compiler)>,<$(last_compiler)>),,FORCE)
	@mkdir -p $$(@D) && printf '%s\n' '$(subst ','\'',$(compiler))' > $$@
endef

# `make V=1` shows whole command lines.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2:$(BUILD)/%=%))

.PHONY: FORCE
FORCE:
.DELETE_ON_ERROR:
.SUFFIXES:
