# SPDX-License-Identifier: MIT
#
# What the kernel's user space starts with, two archives: the control domain's, which brings the
# tools and, below /boot, what its guests are made of; and the guests'. Both are busybox and a few
# scripts.

PAVANE_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pavane
BUSYBOX := $(PAVANE_CACHE)/busybox/bin/busybox

INITRAMFS       := $(BUILD)/initramfs.cpio
GUEST_INITRAMFS := $(BUILD)/guest-initramfs.cpio
GUEST_KERNEL    := $(BUILD)/gen/guest-kernel.elf

# In each archive: the programs behind all others, and where the kernel mounts something.
INITRAMFS_BASE := bin/busybox=$(BUSYBOX) bin/sh@busybox dev/ proc/ root/ run/ tmp/

CONTROL_TOOLS := xl-lite xenstored-lite consoled
CONTROL_FILES := $(foreach tool,$(CONTROL_TOOLS),bin/$(tool)=$(BUILD)/gen/tools/$(tool)) \
    boot/pv-kernel=$(GUEST_KERNEL) boot/guest.cpio=$(GUEST_INITRAMFS)

# tree(folder): its files.
tree = $(shell find initramfs/$(1) -type f)

$(GUEST_INITRAMFS): scripts/mkinitramfs $(BUSYBOX) $(call tree,guest)
	$(call say,CPIO,$@)
	$(Q)mkdir -p $(@D) && scripts/mkinitramfs $@ initramfs/guest mnt/ $(INITRAMFS_BASE)

$(INITRAMFS): scripts/mkinitramfs $(BUSYBOX) $(call tree,control) $(GUEST_INITRAMFS) \
              $(GUEST_KERNEL) $(addprefix $(BUILD)/gen/tools/,$(CONTROL_TOOLS))
	$(call say,CPIO,$@)
	$(Q)mkdir -p $(@D) && scripts/mkinitramfs $@ initramfs/control $(INITRAMFS_BASE) \
	    $(CONTROL_FILES)

$(GUEST_KERNEL): $(BUILD)/guests/pv-kernel.elf
	$(call say,STRIP,$@)
	$(Q)mkdir -p $(@D) && $(OBJCOPY) --strip-debug $< $@

$(BUILD)/gen/tools/%: $(BUILD)/tools/%
	$(call say,STRIP,$@)
	$(Q)mkdir -p $(@D) && $(OBJCOPY) --strip-all $< $@

$(BUSYBOX):
	$(Q)scripts/setup build

ALL += $(INITRAMFS)
