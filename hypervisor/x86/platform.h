/* SPDX-License-Identifier: MIT */
/*
 * What the files of x86/ that drive the machine share among themselves: model-specific numbers,
 * and the few calls that no other room needs. x86.h is the room's door.
 */
#ifndef X86_PLATFORM_H
#define X86_PLATFORM_H

#include "x86/x86.h"

#define CR0_PE 0x00000001ul
#define CR0_MP 0x00000002ul
#define CR0_TS 0x00000008ul
#define CR0_ET 0x00000010ul
#define CR0_NE 0x00000020ul
#define CR0_WP 0x00010000ul
#define CR0_AM 0x00040000ul
#define CR0_PG 0x80000000ul
/*
 * What every CPU runs with. AM does nothing in ring 0: it lets a guest's programs have #AC, if they
 * set AC in their flags.
 */
#define CR0_VALUE (CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG)

#define CR4_TSD        BIT(2)
#define CR4_DE         BIT(3)
#define CR4_PAE        BIT(5)
#define CR4_MCE        BIT(6)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_FSGSBASE   BIT(16)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)

/* Model-specific registers that the hypervisor itself uses; msr.h has those that guests see. */
#define MSR_APIC_BASE     0x1bu
#define MSR_ARCH_CAPS     0x10au
#define MSR_SYSENTER_CS   0x174u
#define MSR_SYSENTER_ESP  0x175u
#define MSR_SYSENTER_EIP  0x176u
#define MSR_PAT           0x277u
#define MSR_X2APIC_BASE   0x800u
#define MSR_EFER          0xc0000080u
#define MSR_STAR          0xc0000081u
#define MSR_LSTAR         0xc0000082u
#define MSR_CSTAR         0xc0000083u
#define MSR_SFMASK        0xc0000084u

#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)             /* shown by the processor, never written */
#define EFER_NXE BIT(11)

#define APIC_BASE_BSP    BIT(8)         /* the processor that the firmware started */
#define APIC_BASE_X2APIC BIT(10)
#define APIC_BASE_ENABLE BIT(11)

/*
 * Entries 0 to 7: WB, WT, UC-, UC, WC, WP, UC, UC. The ABI's: guests' page-table flags rely on it.
 */
#define PAT_VALUE 0x0000050100070406ull

/* ---- cpu.c ---- */
u64 cpu_efer(void);                 /* the EFER that every CPU gets, LMA left out */
void cpu_write_protect(bool on);    /* CR0.WP: off for the few writes to read-only data at boot */

/* ---- stacks.c: the top of @cpu's stack, mapped or not ---- */
struct cpu_info *stack_cpu_info(unsigned int cpu);

/*
 * ---- irq.c ---- The handler runs with interrupts off, and only notes work. No lock guards the
 * table: at boot, or by pirq.c, one binding at a time.
 */
void irq_set_handler(u8 vector, void (*handler)(void *), void *arg);
/* A vector for a device's interrupt: the vector, or -ENOSPC. */
int irq_vector_get(void (*handler)(void *), void *arg);
void irq_vector_put(u8 vector);         /* the device can raise it no more, or only once */
/* irq_claim() with the line still masked; returns its vector, for irq_unclaim(). */
int irq_claim_masked(unsigned int gsi, void (*handler)(void *), void *arg);
void irq_unclaim(unsigned int gsi, u8 vector);

/* ---- ioapic.c ---- */
void ioapic_init(void);
/*
 * Routes @gsi to @vector on the boot CPU, masked; -ENODEV when no IO-APIC has that line, -EBUSY
 * when it is routed already.
 */
int ioapic_route(unsigned int gsi, u8 vector);
void ioapic_unroute(unsigned int gsi);              /* it is masked */
void ioapic_mask(unsigned int gsi, bool masked);    /* one that is routed */
unsigned int ioapic_lines(void);                    /* their numbers are below */
bool ioapic_is_level(unsigned int gsi);
/*
 * How the line behaves, from now on if @idle, that is if it is routed and masked, else from its
 * next routing on: 0; -EINVAL: no such line; -EEXIST: it is routed and not idle.
 */
int ioapic_set_mode(unsigned int gsi, bool level, bool low, bool idle);
/* A register of the IO-APIC at @base, as a guest asks for it: 0 or -EINVAL. */
int ioapic_read_guest(u64 base, u32 reg, u32 *value);

/* ---- apic.c: @apic_id is the hardware's number, @cpu ours ---- */
u32 apic_id(void);                      /* of this CPU */
void apic_set_cpu(unsigned int cpu, u32 apic_id);   /* which APIC is our CPU number @cpu */
u32 apic_id_of(unsigned int cpu);
bool apic_in_service(u8 vector);        /* whether this CPU's APIC waits for an EOI of @vector */
u32 apic_take_errors(void);             /* those since the last look, which they are cleared by */
void apic_send_init(u32 apic_id);
void apic_send_startup(u32 apic_id, u8 page);       /* it begins in real mode at @page << 12 */
void apic_timer_calibrate(u64 tsc_hz);  /* on the boot CPU */
void apic_timer_fired(void);

/* boot/trampoline.S: copied to a page below 1 MiB; the arguments lie inside it. */
struct trampoline_args {
    u32 cr3, efer;
    u64 stack, entry;
};
extern const char trampoline_start[], trampoline_end[];
extern const struct trampoline_args trampoline_args;

/* time.c */
/* A reading of a counter, and the TSC when it was read: @gap TSC ticks passed around it. */
struct clock_sample {
    u64 count, tsc, gap;
};
struct clock_sample clock_sample(u64 (*read)(void));
/* Busy, but serves the calls of other CPUs: for waits on hardware. */
void time_delay_us(unsigned int us);
/* A CPU that starts and the boot CPU compare their TSCs: each calls its one at the same time. */
void time_sync_source(void);
void time_sync_target(void);

/* timescale.c: arithmetic only, host-tested. */
/* The frequency in [lo, hi] that is a multiple of the largest power of ten. */
u64 roundest_between(u64 lo, u64 hi);
/*
 * The likeliest frequency of a clock that counted @n, give or take @n_err, while one of @hz counted
 * @ref, give or take @ref_err.
 */
u64 rate_of(u64 n, u64 n_err, u64 ref, u64 ref_err, u64 hz);
struct tsc_scale tsc_scale_of(u64 hz);
/* mul such that a * mul >> 32 turns counts at @from_hz into counts at @to_hz. */
u64 ratio_32(u64 to_hz, u64 from_hz);
s64 seconds_since_1970(unsigned int year, unsigned int month, unsigned int day,
                       unsigned int hour, unsigned int minute, unsigned int second);

/* The clock's registers as they are read: in BCD or binary, 12 or 24 hours, as status_b says. */
struct cmos_time {
    u8 second, minute, hour, day, month, year, century, status_b;
};
/* Reads the register values as the clock's mode has them; -EINVAL when they are no date. */
int cmos_to_seconds(const struct cmos_time *t, s64 *seconds);

#endif
