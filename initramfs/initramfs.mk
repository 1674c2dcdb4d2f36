# SPDX-License-Identifier: MIT
#
# What the kernel's user space starts with, two archives: the control domain's, which brings the
# tools and, below /boot, what its guests are made of; and the guests'. Both are busybox and a few
# scripts. For guests with Debian's Linux the second brings modules besides; kernel, archive and
# config are too large for the control domain's memory, so they are a disk.

PAVANE_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pavane
BUSYBOX := $(PAVANE_CACHE)/busybox/bin/busybox

INITRAMFS       := $(BUILD)/initramfs.cpio
GUEST_INITRAMFS := $(BUILD)/guest-initramfs.cpio
LINUX_INITRAMFS := $(BUILD)/linux-initramfs.cpio
LINUX_DISK      := $(BUILD)/linux.img
GUEST_KERNEL    := $(BUILD)/gen/guest-kernel.elf

# In each archive: the programs behind all others, and where the kernel mounts something.
INITRAMFS_BASE := bin/busybox=$(BUSYBOX) bin/sh@busybox dev/ mnt/ proc/ root/ run/ \
    tmp/

CONTROL_TOOLS := xl-lite xenstored-lite consoled
CONTROL_FILES := $(foreach tool,$(CONTROL_TOOLS),bin/$(tool)=$(BUILD)/gen/tools/$(tool)) \
    boot/pv-kernel=$(GUEST_KERNEL) boot/guest.cpio=$(GUEST_INITRAMFS)

# Debian's kernel, and the modules for a disk with ext2, in the order in which they are loaded.
LINUX_CACHE   := $(PAVANE_CACHE)/linux
LINUX_MODULES := crc16 mbcache crc32c_generic jbd2 ext4 xen-blkfront
LINUX_FILES   := init=initramfs/linux/init bin/guest=initramfs/guest/init sys/ \
    sbin/poweroff=initramfs/linux/end sbin/reboot=initramfs/linux/end \
    $(foreach i,1 2 3 4 5 6,$(addprefix modules/$(i)=$(LINUX_CACHE)/modules/,\
        $(addsuffix .ko,$(word $(i),$(LINUX_MODULES)))))

# tree(folder): its files.
tree = $(shell find initramfs/$(1) -type f)

$(GUEST_INITRAMFS): scripts/mkinitramfs $(BUSYBOX) $(call tree,guest)
	$(call say,CPIO,$@)
	$(Q)mkdir -p $(@D) && scripts/mkinitramfs $@ initramfs/guest $(INITRAMFS_BASE)

$(INITRAMFS): scripts/mkinitramfs $(BUSYBOX) $(call tree,control) $(GUEST_INITRAMFS) \
              $(GUEST_KERNEL) $(addprefix $(BUILD)/gen/tools/,$(CONTROL_TOOLS))
	$(call say,CPIO,$@)
	$(Q)mkdir -p $(@D) && scripts/mkinitramfs $@ initramfs/control $(INITRAMFS_BASE) \
	    $(CONTROL_FILES)

$(LINUX_INITRAMFS): scripts/mkinitramfs $(BUSYBOX) $(call tree,guest) $(call tree,linux) \
                    $(LINUX_CACHE)/vmlinux
	$(call say,CPIO,$@)
	$(Q)mkdir -p $(@D) && scripts/mkinitramfs $@ initramfs/guest $(INITRAMFS_BASE) $(LINUX_FILES)

# An ext2 file system with what linux.cfg names, and linux.cfg.
$(LINUX_DISK): $(LINUX_INITRAMFS) $(LINUX_CACHE)/vmlinux
	$(call say,MKE2FS,$@)
	$(Q)rm -rf $@ $@.d && mkdir $@.d && truncate -s 128M $@ && \
	cp $(LINUX_CACHE)/vmlinux initramfs/linux/linux.cfg $@.d && cp $< $@.d/initramfs.cpio && \
	PATH=$$PATH:/sbin:/usr/sbin mke2fs -q -t ext2 -b 4096 -d $@.d $@ && rm -r $@.d

$(GUEST_KERNEL): $(BUILD)/guests/pv-kernel.elf
	$(call say,STRIP,$@)
	$(Q)mkdir -p $(@D) && $(OBJCOPY) --strip-debug $< $@

$(BUILD)/gen/tools/%: $(BUILD)/tools/%
	$(call say,STRIP,$@)
	$(Q)mkdir -p $(@D) && $(OBJCOPY) --strip-all $< $@

$(BUSYBOX):
	$(Q)scripts/setup build

$(LINUX_CACHE)/vmlinux:
	$(Q)scripts/setup linux

ALL += $(INITRAMFS)
