# SPDX-License-Identifier: MIT
#
# Unit tests: cmocka programs that run on the building machine under AddressSanitizer and UBSan and
# link the real sources of the part that they test. To add one:
#
#     $(eval $(call unit_test,elf,tests/unit/elf.c hypervisor/boot/elf.c))
#
# The program is $(BUILD)/unit/elf; each cmocka test in it counts as one test of `make test`.
# Sources that need include paths beyond include/ get them by CFLAGS_unit.

CC_unit     := $(HOSTCC)
CFLAGS_unit := $(HOST_CFLAGS) -Itests/unit

# unit_test(name, sources, flavour): the flavour is `unit` where none is given.
define unit_test
UNIT_TESTS += $$(BUILD)/unit/$(1)
$$(BUILD)/unit/$(1): $$(call objs,$(or $(3),unit),$(2))
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D) && $$(HOSTCC) $$(HOST_LDFLAGS) $$^ -lcmocka -o $$@
endef

$(eval $(call flavour,unit))

# The hypervisor's pure parts.
CFLAGS_unit += -Ihypervisor
$(eval $(call unit_test,time,tests/unit/time_test.c hypervisor/x86/timescale.c))
$(eval $(call unit_test,evtchn_bits,tests/unit/evtchn_bits_test.c hypervisor/event/evtchn_bits.c))
$(eval $(call unit_test,fifo_words,tests/unit/fifo_words_test.c hypervisor/event/fifo_words.c))
$(eval $(call unit_test,grant_entry,tests/unit/grant_entry_test.c \
    hypervisor/grant/grant_entry.c))
$(eval $(call unit_test,timer_queue,tests/unit/timer_queue_test.c \
    hypervisor/domain/timer_queue.c))
$(eval $(call unit_test,decode,tests/unit/decode_test.c hypervisor/x86/decode.c))
$(eval $(call unit_test,rules,tests/unit/rules_test.c hypervisor/x86/rules.c))
$(eval $(call unit_test,nospec,tests/unit/nospec_test.c))
$(eval $(call unit_test,string,tests/unit/string_test.c))
$(eval $(call unit_test,vsnprintf,tests/unit/vsnprintf_test.c))
$(eval $(call unit_test,options,tests/unit/options_test.c hypervisor/boot/cmdline.c \
    hypervisor/lib/console_options.c))
$(eval $(call unit_test,elf,tests/unit/elf_test.c hypervisor/boot/elf.c))
$(eval $(call unit_test,bootinfo,tests/unit/bootinfo_test.c hypervisor/boot/multiboot.c \
    hypervisor/boot/memory_map.c))
$(eval $(call unit_test,acpi,tests/unit/acpi_test.c hypervisor/boot/acpi_tables.c))

# mm/ on a fake machine: host.h, included first, gives it addresses that a program can have.
CC_unit_mm     := $(HOSTCC)
CFLAGS_unit_mm  = $(CFLAGS_unit) -Itests/unit/mm -include tests/unit/mm/host.h \
    -Wno-unused-parameter
$(eval $(call flavour,unit_mm))
UNIT_MM_SOURCES := $(addprefix tests/unit/mm/,machine.c heap.c tlb_model.c model.c) \
    $(addprefix hypervisor/mm/,claims.c domain_frames.c exchange.c frame.c guest_map.c \
    memory_info.c memory_op.c mmuext.c page_type.c pt_entry.c pt_linear.c pt_update.c \
    pt_walk.c release.c root.c tlb.c validate.c) hypervisor/control/policy.c \
    hypervisor/lib/spinlock.c hypervisor/x86/rules.c
$(eval $(call unit_test,mm_types,tests/unit/mm/types_test.c $(UNIT_MM_SOURCES),unit_mm))
$(eval $(call unit_test,mm_entries,tests/unit/mm/entries_test.c $(UNIT_MM_SOURCES),unit_mm))
$(eval $(call unit_test,mm_advisories,tests/unit/mm/advisories_test.c $(UNIT_MM_SOURCES),unit_mm))
$(eval $(call unit_test,mm_exchange,tests/unit/mm/exchange_test.c $(UNIT_MM_SOURCES),unit_mm))
$(eval $(call unit_test,mm_grants,tests/unit/mm/grants_test.c $(addprefix hypervisor/grant/, \
    grant_copy.c grant_entry.c grant_map.c maptrack.c pin.c) hypervisor/mm/pt_grant.c \
    $(UNIT_MM_SOURCES),unit_mm))
$(eval $(call unit_test,mm_pairs,tests/unit/mm/pairs_test.c $(UNIT_MM_SOURCES),unit_mm))
$(eval $(call unit_test,mm_fuzz,$(addprefix tests/unit/mm/,fuzz_test.c steps.c lifetime.c) \
    $(UNIT_MM_SOURCES),unit_mm))
$(eval $(call unit_test,page_alloc,tests/unit/mm/page_alloc_test.c $(UNIT_MM_SOURCES),unit_mm))
$(eval $(call unit_test,retire,tests/unit/retire_test.c hypervisor/domain/retire.c,unit_mm))
$(eval $(call unit_test,lookup,tests/unit/mm/lookup_test.c hypervisor/x86/extable.c))

# pv-kernel's.
include tests/unit/pvk/pvk.mk

include tests/unit/guest/guest.mk
include tests/unit/tools/tools.mk
