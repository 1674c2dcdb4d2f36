/* SPDX-License-Identifier: MIT */
/*
 * What x86/ keeps of a guest's virtual CPU. Fields are the vCPU's own: only the CPU that runs it,
 * or whoever holds it paused, touches them; nmi_pending alone is set by anyone.
 *
 * While the vCPU is loaded, some of it lives in the CPU and the copy here is old: registers,
 * selectors, bases, FPU. What is here that a guest chose has been checked when it was set, so that
 * loading it can't fault; the selectors are the exception (context.c).
 */
#ifndef X86_GUEST_CPU_H
#define X86_GUEST_CPU_H

#include "mm/frame_types.h"
#include "x86/regs.h"
#include <xen/xen.h>

#define GUEST_GDT_PAGES FIRST_RESERVED_GDT_PAGE
#define GUEST_LDT_PAGES 16

struct guest_cpu {
    /*
     * entry.S reads kernel_mode; it decides which root is loaded (mm_load_root) and what SYSCALL
     * means.
     */
    bool kernel_mode;           /* which of the two ring-3 worlds runs */
    bool ts;                    /* virtual CR0.TS */
    bool nmi_pending;           /* by any CPU, which then raises SOFTIRQ_EXIT on the vCPU's */
    bool nmi_masked;            /* from its delivery to the next iret */
    /* Whether that callback starts with events masked. The event callback always does. */
    bool syscall_masks_events, failsafe_masks_events, syscall32_masks_events, sysenter_masks_events;
    u8 iopl;                    /* virtual IOPL, 0-3 */

    u64 kernel_sp;              /* where bounce frames from user mode go; any number (bounce.c) */
    /*
     * Canonical; 0: not registered, and then what would go there is refused, or crashes the
     * domain.
     */
    u64 event_callback, failsafe_callback, syscall_callback, syscall32_callback, sysenter_callback;

    /* Segment state while not loaded; gs_base_* : kernel mode's and user mode's GS base. */
    u16 ds, es, fs, gs;
    bool failsafe_pending;      /* a selector above could not be loaded: failsafe callback is due */
    u16 kernel_ss;
    u16 gdt_entries;            /* 0: no guest GDT; of gdt_frames only those that hold them count */
    u32 ldt_entries;            /* 0: no LDT */
    /* Each canonical, or loading it would fault in ring 0. */
    u64 fs_base, gs_base_kernel, gs_base_user;
    u64 ldt_base;               /* guest linear address, in the kernel's root; page-aligned */
    u16 ldt_mapped;             /* bit n: page n of the LDT is in the window, and holds a use */
    mfn_t gdt_frames[GUEST_GDT_PAGES];  /* each holds a reference and a segment-descriptor use */
    mfn_t ldt_frames[GUEST_LDT_PAGES];

    u64 cr4;                    /* the guest-controlled bits: TSD, DE, FSGSBASE, OSXSAVE */
    u64 xcr0;                   /* 0: no XSAVE */
    u64 debugreg[8];            /* 0-3 addresses, 6 and 7: always the truth, also while loaded */
    u8 io_hits;                 /* breakpoints on ports hit by what is just emulated; see DR6 */
    u64 tsc_aux;
    void *fpu;                  /* FXSAVE or XSAVE area: always one that XRSTOR takes (fpu.c) */

    unsigned long iobmp;        /* guest address of its I/O bitmap; read at each access */
    u32 iobmp_ports;            /* how many ports it speaks of; 0: none */
    u32 pci_address;            /* what this vCPU last wrote to port 0xcf8 */

    struct cpu_regs regs;       /* while not on a CPU */
    struct trap_info traps[256];    /* by vector; address 0: none, else canonical */
};

#endif
