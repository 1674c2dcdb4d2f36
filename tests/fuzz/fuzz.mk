# SPDX-License-Identifier: MIT
#
# Fuzz targets: one program a file of this folder, with clang's libFuzzer, AddressSanitizer and
# UBSan, linked with the real sources of the part that reads what somebody else wrote. To add one:
#
#     $(eval $(call fuzz_target,elf,hypervisor/boot/elf.c))
#
# The program is $(BUILD)/fuzz/elf, made of tests/fuzz/elf.c and those sources. `make fuzz` runs
# them; tests/harness/fuzzers.py says how long each runs in `make test`.

# libFuzzer comes with clang alone, whatever compiler the product is built with.
FUZZ_CC      := clang
FUZZ_CFLAGS  := -std=gnu11 -O1 -g $(WARN) -Itests/fuzz -Iinclude -fno-omit-frame-pointer \
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_LDFLAGS := -fsanitize=fuzzer,address,undefined

# fuzz_target(name, sources, flavour): the flavour is `fuzz` where none is given.
define fuzz_target
FUZZ_TARGETS += $$(BUILD)/fuzz/$(1)
$$(BUILD)/fuzz/$(1): $$(call objs,$(or $(3),fuzz),tests/fuzz/$(1).c tests/fuzz/fuzz.c $(2))
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D) && $$(FUZZ_CC) $$(FUZZ_LDFLAGS) $$^ $$(FUZZ_LIBS) -o $$@
endef

# fuzz_flavour(name, more flags)
define fuzz_flavour
CC_$(1) := $$(FUZZ_CC)
CFLAGS_$(1) = $$(FUZZ_CFLAGS) $(2)
$$(eval $$(call flavour,$(1)))
endef

# The hypervisor's pure parts.
$(eval $(call fuzz_flavour,fuzz,-Ihypervisor))
$(eval $(call fuzz_target,decode,hypervisor/x86/decode.c hypervisor/x86/store_op.c))
$(eval $(call fuzz_target,rules,hypervisor/x86/rules.c))
$(eval $(call fuzz_target,grant,hypervisor/grant/grant_entry.c))
$(eval $(call fuzz_target,elf,hypervisor/boot/elf.c))
$(eval $(call fuzz_target,multiboot,hypervisor/boot/multiboot.c hypervisor/boot/memory_map.c))
$(eval $(call fuzz_target,acpi,hypervisor/boot/acpi_tables.c))

# mm/ on the fake machine of the unit tests.
$(eval $(call fuzz_flavour,fuzz_mm,-Ihypervisor -Itests/unit/mm -include tests/unit/mm/host.h \
    -Wno-unused-parameter))
$(eval $(call fuzz_target,mmu,tests/unit/mm/lifetime.c $(UNIT_MM_SOURCES),fuzz_mm))

# The toolstack, and the daemons.
$(eval $(call fuzz_flavour,fuzz_tools,-I. -D_GNU_SOURCE))
$(eval $(call fuzz_target,image,$(addprefix tools/xl-lite/,image.c layout.c message.c),fuzz_tools))
$(eval $(call fuzz_target,config,$(addprefix tools/xl-lite/,config.c message.c),fuzz_tools))
$(BUILD)/fuzz/config: FUZZ_LIBS := -lconfig
$(eval $(call fuzz_target,store,$(STORE_SRCS),fuzz_tools))
$(eval $(call fuzz_target,rings,tools/consoled/ring.c \
    tools/xenstored-lite/ring.c $(addprefix tools/xl-lite/,evtchn.c hv.c message.c),fuzz_tools))

# pv-kernel.
$(eval $(call fuzz_flavour,fuzz_pvk,-Iguest-abi/include -Ipv-kernel -Itests/unit/pvk))
$(eval $(call fuzz_target,program,pv-kernel/proc/elf.c,fuzz_pvk))
$(eval $(call fuzz_target,cpio,pv-kernel/fs/cpio.c,fuzz_pvk))
$(eval $(call fuzz_target,ext2,$(UNIT_PVK_FILES) \
    $(addprefix pv-kernel/fs/,ext2.c ext2_dir.c),fuzz_pvk))
$(eval $(call fuzz_target,blkback,$(addprefix pv-kernel/,back/block.c block/block.c),fuzz_pvk))
$(eval $(call fuzz_target,virtqueue,pv-kernel/drivers/virtqueue.c,fuzz_pvk))
$(eval $(call fuzz_target,pci,$(addprefix pv-kernel/drivers/,pci.c virtio.c virtqueue.c \
    virtio_blk.c),fuzz_pvk))

# The guest library, with hypercalls that are functions of the target's.
$(eval $(call fuzz_flavour,fuzz_guest,-Iguest-abi -Iguest-abi/include -Itests/unit/guest \
    -include host.h))
$(eval $(call fuzz_target,xenbus,guest-abi/xenbus.c guest-abi/xenbus_state.c,fuzz_guest))
