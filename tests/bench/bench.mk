# SPDX-License-Identifier: MIT
#
# The benchmark guest, and `make bench`, which runs it on Pavane and on Xen and writes
# $(BUILD)/bench.json and $(BUILD)/bench.svg. HYPERVISORS=xen runs it on one of them only.

$(eval $(call GUEST,bench,$(addprefix tests/bench/guest/,main.c entry.S calls.c events.c traps.c \
    tables.c roots.c emulate.c grants.c)))

# The control domain with a program that creates and destroys a guest, in an archive of its own.
LIFETIME           := $(BUILD)/tests/bench/lifetime
LIFETIME_INITRAMFS := $(BUILD)/tests/bench/initramfs.cpio

$(LIFETIME): $(call objs,tools,tests/bench/lifetime/main.c)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(TOOLS_LDFLAGS) $^ -o $@ && $(OBJCOPY) --strip-all $@

$(LIFETIME_INITRAMFS): $(INITRAMFS) $(LIFETIME) $(addprefix tests/bench/lifetime/,init lifetime.cfg)
	$(call say,CPIO,$@)
	$(Q)mkdir -p $(@D) && scripts/mkinitramfs $@ initramfs/control $(INITRAMFS_BASE) \
	    $(CONTROL_FILES) bin/lifetime=$(LIFETIME) \
	    bin/lifetime-init=tests/bench/lifetime/init \
	    etc/xen/lifetime.cfg=tests/bench/lifetime/lifetime.cfg

# The control domain and a guest, each with a program that reads and writes a raw disk, and what
# counts its instructions from within QEMU.
DISKIO                 := $(BUILD)/tests/bench/diskio
DISKIO_INITRAMFS       := $(BUILD)/tests/bench/diskio-initramfs.cpio
DISKIO_GUEST_INITRAMFS := $(BUILD)/tests/bench/diskio-guest-initramfs.cpio
COUNTER                := $(BUILD)/tests/bench/counter.so

$(DISKIO): $(call objs,tools,tests/bench/diskio/main.c)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(TOOLS_LDFLAGS) $^ -o $@ && $(OBJCOPY) --strip-all $@

$(COUNTER): tests/bench/counter/counter.c
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(HOSTCC) -std=gnu11 -O2 $(WARN) -shared -fPIC $< -o $@

$(DISKIO_GUEST_INITRAMFS): $(GUEST_INITRAMFS) $(DISKIO) tests/bench/diskio/guest-init
	$(call say,CPIO,$@)
	$(Q)mkdir -p $(@D) && scripts/mkinitramfs $@ initramfs/guest $(INITRAMFS_BASE) \
	    bin/diskio=$(DISKIO) bin/diskio-init=tests/bench/diskio/guest-init

$(DISKIO_INITRAMFS): $(INITRAMFS) $(DISKIO) $(DISKIO_GUEST_INITRAMFS) \
                     $(addprefix tests/bench/diskio/,control-init diskio.cfg)
	$(call say,CPIO,$@)
	$(Q)mkdir -p $(@D) && scripts/mkinitramfs $@ initramfs/control $(INITRAMFS_BASE) \
	    $(CONTROL_FILES) bin/diskio=$(DISKIO) \
	    bin/diskio-init=tests/bench/diskio/control-init \
	    boot/diskio-guest.cpio=$(DISKIO_GUEST_INITRAMFS) \
	    etc/xen/diskio.cfg=tests/bench/diskio/diskio.cfg

HYPERVISORS ?= pavane xen
BENCH_NEEDS := $(BUILD)/guests/bench.elf $(BUILD)/guests/pv-kernel.elf $(LIFETIME_INITRAMFS) \
    $(DISKIO_INITRAMFS) $(COUNTER) \
    $(if $(filter pavane,$(HYPERVISORS)),$(BUILD)/pavane)

.PHONY: bench

bench:                      ## instructions per operation, on Pavane and on Xen
	@scripts/setup test
	@$(MAKE) --no-print-directory $(BENCH_NEEDS)
	@tests/bench/report.py $(HYPERVISORS)
