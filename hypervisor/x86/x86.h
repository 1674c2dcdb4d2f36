/* SPDX-License-Identifier: MIT */
/*
 * The door of x86/: the machine, and how a guest's CPU is made of it. No policy here.
 *
 * The hypervisor runs with interrupts off; irq_window() in long loops and the idle loop let them
 * in. Interrupt handlers only note work (softirqs, pending events); it is done on the way out.
 *
 * In which order to read the room:
 *
 *     regs.h, guest_cpu.h                 the stack and its frame; a virtual CPU's state
 *     entry.S, offsets.h, exit.c          every way in, the one way out
 *     traps.c, extable.h, dump.c          exceptions: a guest's, and our own
 *     bounce.c, guest_mode.[hc]           how a guest gets a frame; its two modes; iret
 *     guest_calls.c                       hypercalls about the caller's own CPU
 *     context.c, context_get.c            a vCPU on and off a CPU, and its whole state at once
 *     guest_desc.c, debugreg.c, fpu.c,    parts of that state; what a guest may have in them
 *       rules.c
 *     decode.c, emulate*.c, store_op.c,   instructions that are carried out for a guest
 *       cpuid.c
 *     uaccess.[hc]                        guest memory
 *     cpu.c, descriptors.c, stacks.c      what each CPU is set up with
 *     irq.c, apic.c, ioapic.c, msi.c,     interrupts and devices
 *       pci.c
 *     smp.c, time.c, timescale.c          the other CPUs; clocks
 *
 * Where a function takes @v and says "of the running vCPU", @v is `current`, and what it changes is
 * in this CPU's registers as well.
 */
#ifndef X86_X86_H
#define X86_X86_H

#include "mm/frame_types.h"
#include "x86/asm.h"
#include "x86/percpu.h"
#include "x86/regs.h"
#include "x86/uaccess.h"
#include <xen/xen.h>

struct domain;

/* ---- cpu.c: features and control registers ---- */
/*
 * Set by cpu_init_boot() on CPU 0, constant afterwards: the other CPUs are taken to be alike.
 * linear_bits: of an address, as four levels of tables have it.
 */
struct cpu_features {
    bool smep, smap, nx, fsgsbase, xsave, xsaveopt, gbpages, tsc_invariant, pku;
    bool intel, amd, sysenter, syscall32;
    u8 phys_bits, linear_bits;
    bool l1tf, meltdown;            /* affected by, as far as CPUID and the MSRs tell */
};
extern struct cpu_features cpu_has;

void cpu_init_boot(void);           /* CPU 0: reads features, sets control registers */
void cpu_init(void);                /* every CPU: control registers, SYSCALL MSRs, GDT, IDT, TSS */
/*
 * Real CR4 follows the running guest's in TSD, DE and FSGSBASE; other bits of @bits are left out.
 */
void cpu_set_cr4_guest_bits(u64 bits);
unsigned int cpu_count(void);       /* CPUs that are running */
u64 cpu_online_mask(void);

/* ---- descriptors.c: our own GDT page, IDT, TSS ---- */
/* Flat selectors, as the ABI fixes them: slots 4-6 of GDT page 14. */
#define SEL_RING3_CS32  0xe023
#define SEL_RING3_DS    0xe02b
#define SEL_RING3_CS64  0xe033
#define SEL_HV_CS       0xe008
#define SEL_HV_DS       0x0000
#define SEL_TSS         0xe040
void descriptors_init(void);        /* on each CPU */

/* ---- stacks.c ---- */
void stack_map(unsigned int cpu);   /* maps a CPU's stack block, guard pages left out */

/* ---- traps.c: exceptions ---- */
void dump_regs(const struct cpu_regs *regs);          /* registers and, for our own, a backtrace */
void dump_guest(const struct cpu_regs *regs);         /* registers and the top of the guest stack */

/* ---- bounce.c: frames onto guest stacks ---- */
#define TRAP_NO_ERROR (-1)
/*
 * Delivers exception @vector to the running guest now: a frame goes on its stack, and @regs are
 * those of its handler afterwards. @error_code: TRAP_NO_ERROR, or what goes into the frame. A guest
 * that has no handler, or no stack that takes the frame, crashes; the caller just returns.
 */
void inject_trap(struct cpu_regs *regs, u8 vector, s64 error_code);
/* @error_code: the processor's; whether it was user mode is put right here. */
void inject_page_fault(struct cpu_regs *regs, u64 cr2, u32 error_code);
void inject_gp(struct cpu_regs *regs, u32 error_code);
/* The event callback, and the NMI's handler: @v is open for one, which the caller has looked at. */
void deliver_upcall(struct vcpu *v, struct cpu_regs *regs);
void deliver_nmi(struct vcpu *v, struct cpu_regs *regs);

/* ---- guest_mode.c: kernel and user mode, segment bases ---- */
void toggle_guest_mode(struct vcpu *v);   /* kernel <-> user: root, GS base */

/* ---- guest_desc.c: a guest's GDT and LDT ---- */
/* Our LDT descriptor, beside the TSS's; it is loaded while the running guest has an LDT. */
#define SEL_LDT         0xe050
bool descriptor_ok(u64 *desc);            /* may a guest install it? DPL may be raised in place */
u16 fixup_selector(u16 sel);              /* raises RPL to 3 */
/* Each frame becomes a segment-descriptor page, or none does and the old GDT stays. -EINVAL. */
int guest_gdt_set(struct vcpu *v, const mfn_t *frames, unsigned int entries);
void guest_gdt_drop(struct vcpu *v);      /* gives the frames back; GDT and LDT */
/* LDT pages are taken when they are first touched. -EINVAL if guest_ldt_ok() says no. */
bool guest_ldt_ok(unsigned long base, unsigned long entries);
int guest_ldt_set(struct vcpu *v, unsigned long base, unsigned int entries);
void guest_ldt_drop(struct vcpu *v);      /* gives the pages taken so far back; the LDT stays set */
void guest_desc_load(struct vcpu *v);     /* maps v's GDT and LDT into this CPU's window */
void guest_desc_unload(struct vcpu *v);
/*
 * A fault in this CPU's LDT window: maps the guest's LDT page, 0. -EFAULT: there is none that it
 * may have; the guest's fault is at v->cpu.ldt_base + (addr - LDT_WINDOW). -ERESTART: the page was
 * a page table, given up half taken apart, and still is; the access must be made again after
 * softirqs.
 */
int guest_ldt_fault(struct vcpu *v, unsigned long addr);
/* The descriptor that @sel names in the loaded tables, as a segment; false: null or not present. */
struct guest_segment {
    u64 base, limit;                      /* limit: last byte */
    bool code, long_mode, big, readable, writable, expand_down;
};
bool guest_segment(struct vcpu *v, u16 sel, struct guest_segment *seg);

/* ---- emulate.c ---- */
/*
 * A #GP(0) of the guest, kernel or user mode: true if it is dealt with, because the instruction
 * is one of those that we emulate (then it is done, or the guest has got the fault that belongs
 * to it).
 */
bool emulate_privileged(struct vcpu *v, struct cpu_regs *regs);
/* A write fault of guest kernel mode: true if it was a store into a level-1 table, and is done. */
bool emulate_pte_write(struct vcpu *v, struct cpu_regs *regs, u64 cr2);
/* A #UD: the forced-emulation prefix and CPUID; true if it was one. */
bool emulate_forced_cpuid(struct vcpu *v, struct cpu_regs *regs);
/* cpuid.c: for the running vCPU. */
struct cpuid_regs guest_cpuid(const struct vcpu *v, u32 leaf, u32 subleaf);
/* vm_assist types that a guest may turn on. */
#define VM_ASSIST_KNOWN \
    (BIT(VMASST_TYPE_4gb_segments) | BIT(VMASST_TYPE_4gb_segments_notify) | \
     BIT(VMASST_TYPE_writable_pagetables) | BIT(VMASST_TYPE_pae_extended_cr3) | \
     BIT(VMASST_TYPE_architectural_iopl) | BIT(VMASST_TYPE_runstate_update_flag) | \
     BIT(VMASST_TYPE_m2p_strict))
u64 guest_cr4_bits(u64 cr4);              /* those of @cr4 that a guest may choose here */

/* ---- guest_calls.c: PHYSDEVOP_set_iopl and set_iobitmap, of the running vCPU ---- */
long guest_set_iopl(XEN_GUEST_HANDLE(void) arg);
long guest_set_iobitmap(XEN_GUEST_HANDLE(void) arg);

/* ---- debugreg.c ---- */
/*
 * 0; -EPERM: a breakpoint that a guest may not have; -ENODEV: no such register. @v runs or is off
 * the CPU.
 */
int guest_debugreg_set(struct vcpu *v, unsigned int reg, u64 value);
/* The same numbers; -ENODEV. */
int guest_debugreg_get(const struct vcpu *v, unsigned int reg, u64 *value);
void guest_debugreg_no_io(struct vcpu *v);   /* CR4.DE goes: so do breakpoints on I/O ports */
/* To and from the real ones; only a vCPU with a breakpoint enabled costs anything. */
void guest_debugreg_load(const struct vcpu *v);
void guest_debugreg_unload(const struct vcpu *v);

/* ---- fpu.c ---- */
void fpu_init(void);                      /* each CPU, after cpu_init() */
size_t fpu_area_size(void);
u64 fpu_xcr0_mask(void);                  /* what a guest may set in XCR0; 0: no XSAVE */
bool fpu_xcr0_ok(u64 xcr0);
/* The area for @v's state, as after reset: 0 or -ENOMEM. */
int fpu_vcpu_init(struct vcpu *v);
void fpu_vcpu_free(struct vcpu *v);
/* The legacy 512 bytes as a guest passes them, NULL: as after reset. @v is not on a CPU. */
void fpu_set_state(struct vcpu *v, const void *fxsave);
void fpu_get_state(const struct vcpu *v, void *fxsave);
/*
 * Of the vCPU that leaves or comes; in between, the registers are those of the one that is loaded.
 */
void fpu_save(struct vcpu *v);
void fpu_load(struct vcpu *v);
void guest_xcr0_set(struct vcpu *v, u64 xcr0);   /* of the running vCPU; already checked */
/* Virtual CR0.TS of the running vCPU; the real one follows it while the guest runs. */
void guest_set_ts(struct vcpu *v, bool on);

/* ---- context.c ---- */
int guest_cpu_init(struct vcpu *v);       /* resources and reset state of a new vCPU */
void guest_cpu_free(struct vcpu *v);
/*
 * A whole vCPU state from a guest (VCPUOP_initialise, domctl) or our dom0 builder; checked. @v is
 * off every CPU. On an error nothing is held and nothing has changed; -ERESTART: call again.
 * Whether it is up (VGCF_online) is the caller's business.
 */
int guest_cpu_set_context(struct vcpu *v, const struct vcpu_guest_context *ctx);
/* The other way; @ctx is zeroed, and @v off every CPU. */
void guest_cpu_get_context(const struct vcpu *v, struct vcpu_guest_context *ctx);
/* Off the CPU: registers from the stack frame, segments, FPU, debug registers; current = NULL. */
void guest_cpu_save(struct vcpu *v);
/* On to this CPU: the reverse; sets current and the stack frame. */
void guest_cpu_load(struct vcpu *v);
/* Loads a guest's GS selector, as if in the other mode: its base lands in KERNEL_GS_BASE. */
void load_inactive_gs(u16 sel);
/* Drops all C frames of this stack and goes on: to the loaded guest, or into idle(). */
noreturn void return_to_guest(void);
noreturn void reset_stack_and_call(void (*fn)(void));

/* ---- uaccess.c: guest memory; see uaccess.h ---- */

/* ---- irq.c, apic.c, ioapic.c ---- */
enum irq_vector {                         /* ours; device interrupts take 0x30 to 0xdf */
    VECTOR_DEVICE_FIRST = 0x30, VECTOR_DEVICE_LAST = 0xdf,
    VECTOR_SPURIOUS = 0xff, VECTOR_ERROR = 0xfe, VECTOR_TIMER = 0xfd,
    VECTOR_EVENT_CHECK = 0xfc, VECTOR_CALL = 0xfb,
};
/* The boot CPU calls irq_init(), apic_init(), time_init() and smp_boot_all(), in this order. */
void irq_init(void);                      /* the old controllers off, our own vectors */
void irq_dispatch(struct cpu_regs *regs); /* from entry.S, vectors 0x20 and up */
/*
 * Interrupts of line @gsi call @handler(@arg) on the boot CPU from now on; -ENODEV, -EBUSY as
 * ioapic_route(), -ENOSPC: no vector is left.
 */
int irq_claim(unsigned int gsi, void (*handler)(void *), void *arg);
void apic_init(void);                     /* each CPU */
void apic_eoi(void);
/* What was stored before is visible to @cpu when it takes the interrupt. */
void apic_send_ipi(unsigned int cpu, u8 vector);
void apic_timer_set(u64 deadline_ns);     /* 0: off */

/* ---- smp.c ---- */
/* The page below 1 MiB where other CPUs start: to be kept from the heap. 0: there is none. */
u64 smp_trampoline_page(void);
void smp_boot_all(void);
void smp_kick(unsigned int cpu);          /* makes a CPU look at its softirqs */
/*
 * Runs @fn(arg) on each CPU of @mask (this one included if in it) and waits until all have. @fn
 * takes no lock and calls no CPU; the caller may hold locks, but LOCK_FIFO.
 */
void smp_call(u64 mask, void (*fn)(void *), void *arg);
void smp_serve_calls(void);               /* does what others asked of this CPU */
noreturn void smp_stop_all(void);         /* the end: halts the other CPUs, then this one */

/* ---- time.c ---- */
void time_init(void);
u64 now_ns(void);                         /* since boot; never backwards, on one CPU or across */
void time_init_domain(struct domain *d);  /* wall clock into shared_info */
/* The wall clock: it showed this when the system time was @system_ns. All domains see it. */
void time_set_wall(u64 seconds, u32 ns, u64 system_ns);
void time_update_vcpu(struct vcpu *v);    /* vcpu_time_info, before it runs */
/* ns = (ticks << shift) * mul >> 32; khz: the TSC's rate. As guests get it, the same for all. */
struct tsc_scale { u32 mul; s8 shift; u32 khz; };
extern struct tsc_scale tsc_scale;

/* ---- acpi.c, machine.c ---- */
noreturn void machine_reboot(void);
noreturn void machine_power_off(void);
noreturn void machine_halt(void);

#endif
