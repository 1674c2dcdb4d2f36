# SPDX-License-Identifier: MIT
#
# The hypervisor: $(BUILD)/pavane, which QEMU's -kernel and GRUB load; $(BUILD)/pavane.debug, the
# same with symbols and debug information; $(BUILD)/pavane.syms, its addresses by name (nm).
#
#     make EMBEDDED_KERNEL=file     another first domain inside the image
#     make DEBUG=1                  checks the order of locks at every acquisition

PAVANE_VERSION  := 0.1
EMBEDDED_KERNEL ?= $(BUILD)/guests/pv-kernel.elf
# What goes into the image: the same without debug information. One file for each kernel, so that
# another kernel changes the flags.
EMBEDDED_FILE   := $(BUILD)/gen/$(subst /,-,$(EMBEDDED_KERNEL)).stripped
DEBUG           ?= 0

# Room by room, the list of what there is.
HV_LIB := console_options.c panic.c printk.c serial.c spinlock.c string.c symbols.c \
    vsnprintf.c
HV_BOOT := acpi.c acpi_tables.c bootinfo.c cmdline.c dom0_build.c dom0_tables.c early_traps.c \
    elf.c embedded.S head.S machine.c memory_map.c multiboot.c start.c trampoline.S
HV_X86 := apic.c bounce.c context.c context_get.c cpu.c cpuid.c debugreg.c decode.c descriptors.c \
    dump.c emulate.c emulate_io.c emulate_msr.c emulate_pte.c emulate_string.c entry.S exit.c \
    extable.c fpu.c guest_calls.c guest_desc.c guest_mode.c ioapic.c irq.c msi.c pci.c rules.c \
    smp.c stacks.c store_op.c time.c timescale.c traps.c uaccess.c
HV_MM := audit.c buddy.c claims.c domain_frames.c exchange.c frame.c guest_map.c hv_map.c \
    memory_info.c memory_op.c mmuext.c page_alloc.c page_type.c pt_entry.c pt_grant.c \
    pt_linear.c pt_update.c pt_walk.c release.c root.c tlb.c validate.c
HV_DOMAIN := destroy.c domain.c park.c pause.c retire.c runstate.c sched.c sched_op.c shutdown.c \
    softirq.c timer.c timer_queue.c vcpu.c vcpu_op.c vcpu_timer.c watchdog.c
HV_EVENT := audit.c evtchn.c evtchn_bits.c fifo.c fifo_words.c pirq.c ports.c reset.c two_level.c \
    virq.c
HV_HYPERCALL := console_io.c dispatch.c multicall.c page.c physdev.c platform.c version.c
HV_CONTROL := audit.c debug_keys.c domctl.c domctl_vcpu.c info.c policy.c sysctl.c
HV_GRANT := audit.c grant_copy.c grant_entry.c grant_map.c grant_table.c maptrack.c pin.c

HV_SRCS := $(addprefix hypervisor/lib/,$(HV_LIB)) \
    $(addprefix hypervisor/boot/,$(HV_BOOT)) \
    $(addprefix hypervisor/x86/,$(HV_X86)) \
    $(addprefix hypervisor/mm/,$(HV_MM)) \
    $(addprefix hypervisor/domain/,$(HV_DOMAIN)) \
    $(addprefix hypervisor/event/,$(HV_EVENT)) \
    $(addprefix hypervisor/hypercall/,$(HV_HYPERCALL)) \
    $(addprefix hypervisor/control/,$(HV_CONTROL)) \
    $(addprefix hypervisor/grant/,$(HV_GRANT))

# Position-independent code, though linked at one address: compiler.h says why. __XEN__ selects the
# hypervisor's half of the public headers. Handlers of one table share a signature, and seldom need
# all of it: hence no warning about unused parameters.
CFLAGS_hv := $(CFLAGS_FREESTANDING) -fpie -mcmodel=small -fvisibility=hidden \
    -fomit-frame-pointer -Wno-unused-parameter \
    -include hypervisor/compiler.h -Ihypervisor -Iinclude \
    -D__XEN__ -DDEBUG=$(DEBUG) -DPAVANE_VERSION='"$(PAVANE_VERSION)"' \
    -DEMBEDDED_KERNEL='"$(EMBEDDED_FILE)"'

HV_OBJS  := $(call objs,hv,$(HV_SRCS))
HV_LDS   := $(BUILD)/gen/hv.lds
HV_IMAGE := $(BUILD)/pavane

ALL += $(HV_IMAGE)

$(eval $(call flavour,hv))

$(call objs,hv,hypervisor/boot/embedded.S): $(EMBEDDED_FILE)

$(EMBEDDED_FILE): $(EMBEDDED_KERNEL)
	$(call say,STRIP,$@)
	$(Q)mkdir -p $(@D) && $(OBJCOPY) --strip-debug $< $@

$(HV_LDS): hypervisor/hv.lds.S $(BUILD)/obj/hv/.flags
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D) && $(CC) -E -P -x assembler-with-cpp $(CFLAGS_hv) \
	    -MMD -MP -MF $(BUILD)/obj/hv/hv.lds.d -MT $@ $< -o $@

# Two links: the first says where the functions are, the second has the table of them.
HV_LINK = $(LD) -nostdlib -static --build-id=none -z max-page-size=4096 -z noexecstack \
    -T $(HV_LDS) $(HV_OBJS)

$(BUILD)/gen/symbols%.o: $(BUILD)/gen/symbols%.S
	$(Q)$(CC) $(filter-out -include hypervisor/compiler.h,$(CFLAGS_hv)) -c $< -o $@

$(BUILD)/gen/symbols0.S: scripts/mksyms
	$(Q)mkdir -p $(@D) && scripts/mksyms ffff828000000000 < /dev/null > $@

$(BUILD)/gen/symbols1.S: $(BUILD)/gen/pavane0 scripts/mksyms
	$(Q)nm -n $< | scripts/mksyms ffff828000000000 > $@

$(BUILD)/gen/pavane0: $(HV_OBJS) $(HV_LDS) $(BUILD)/gen/symbols0.o
	$(Q)$(HV_LINK) $(BUILD)/gen/symbols0.o -o $@

$(HV_IMAGE).debug: $(BUILD)/gen/symbols1.o
	$(call say,LD,$@)
	$(Q)$(HV_LINK) $< -o $@

$(HV_IMAGE).syms: $(HV_IMAGE).debug
	$(Q)nm -n $< > $@

$(HV_IMAGE): $(HV_IMAGE).debug $(HV_IMAGE).syms
	$(Q)$(OBJCOPY) --strip-all $< $@
