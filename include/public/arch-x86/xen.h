/* SPDX-License-Identifier: MIT */
/*
 * The x86 part of the core interface: guest handles, trap tables, vCPU contexts. Comes with
 * <xen/xen.h>.
 */
#include "../xen.h"

#ifndef __XEN_PUBLIC_ARCH_X86_XEN_H__
#define __XEN_PUBLIC_ARCH_X86_XEN_H__

/*
 * A handle named "name" is a struct around a pointer to "type"; "const_name" goes with it. In a
 * handle's memory there is just the pointer.
 */
#define ___DEFINE_XEN_GUEST_HANDLE(name, type) typedef struct { type *p; } __guest_handle_ ## name
#define __DEFINE_XEN_GUEST_HANDLE(name, type)   \
    ___DEFINE_XEN_GUEST_HANDLE(name, type);     \
    ___DEFINE_XEN_GUEST_HANDLE(const_##name, const type)
#define DEFINE_XEN_GUEST_HANDLE(name)       __DEFINE_XEN_GUEST_HANDLE(name, name)
#define __XEN_GUEST_HANDLE(name)            __guest_handle_ ## name
#define XEN_GUEST_HANDLE(name)              __XEN_GUEST_HANDLE(name)
#define XEN_GUEST_HANDLE_PARAM(name)        XEN_GUEST_HANDLE(name)
#define set_xen_guest_handle_raw(hnd, val)  do { (hnd).p = (val); } while (0)
#define set_xen_guest_handle(hnd, val)      set_xen_guest_handle_raw(hnd, val)

#include "xen-x86_64.h"

#define XEN_HAVE_PV_GUEST_ENTRY  1
#define XEN_HAVE_PV_UPCALL_MASK  1

/*
 * The GDT has 16 pages; the guest's set_gdt fills the first 14 at most, the rest holds the
 * hypervisor's segments.
 */
#define FIRST_RESERVED_GDT_PAGE  14
#define FIRST_RESERVED_GDT_BYTE  (FIRST_RESERVED_GDT_PAGE * 4096)
#define FIRST_RESERVED_GDT_ENTRY (FIRST_RESERVED_GDT_BYTE / 8)

/* vCPUs that have their vcpu_info in the shared page. */
#define XEN_LEGACY_MAX_VCPUS     32

#ifndef __ASSEMBLY__

typedef unsigned long xen_pfn_t;
#define PRI_xen_pfn "lx"
#define PRIu_xen_pfn "lu"

typedef unsigned long xen_ulong_t;
#define PRI_xen_ulong "lx"

/*
 * One entry of set_trap_table's list, which ends with an address of 0; no list at all (NULL) clears
 * the table. An entry replaces the handler of its vector and leaves the others as they are. The
 * handler gets the frame that the processor would push, below it rcx and r11. flags, bits 0-1:
 * lowest privilege that may raise the vector with an int instruction; bit 2: mask events on entry.
 */
#define TI_GET_DPL(_ti)       ((_ti)->flags & 3)
#define TI_GET_IF(_ti)        ((_ti)->flags & 4)
#define TI_SET_DPL(_ti, _dpl) ((_ti)->flags |= (_dpl))
#define TI_SET_IF(_ti, _if)   ((_ti)->flags |= ((!!(_if)) << 2))
struct trap_info {
    uint8_t vector;
    uint8_t flags;
    uint16_t cs;           /* a privilege level below 3 in it is raised to 3 */
    unsigned long address; /* of the handler */
};
typedef struct trap_info trap_info_t;
DEFINE_XEN_GUEST_HANDLE(trap_info_t);

typedef uint64_t tsc_timestamp_t;

/*
 * All of one vCPU's state, for VCPUOP_initialise and the toolstack. Page-table roots, in ctrlreg[3]
 * (kernel) and ctrlreg[1] (user), are mfns in the form of xen_pfn_to_cr3().
 */
struct vcpu_guest_context {
    struct { char x[512]; } fpu_ctxt; /* as fxsave stores it */
#define VGCF_I387_VALID                (1 << 0)
#define VGCF_IN_KERNEL                 (1 << 2)
#define _VGCF_i387_valid               0 /* fpu_ctxt holds something */
#define VGCF_i387_valid                (1 << _VGCF_i387_valid)
#define _VGCF_in_kernel                2 /* starts in guest kernel mode */
#define VGCF_in_kernel                 (1 << _VGCF_in_kernel)
#define _VGCF_failsafe_disables_events 3 /* the callbacks mask events on entry */
#define VGCF_failsafe_disables_events  (1 << _VGCF_failsafe_disables_events)
#define _VGCF_syscall_disables_events  4
#define VGCF_syscall_disables_events   (1 << _VGCF_syscall_disables_events)
#define _VGCF_online                   5 /* the vCPU is up */
#define VGCF_online                    (1 << _VGCF_online)
    unsigned long flags;             /* VGCF_... */
    struct cpu_user_regs user_regs;
    struct trap_info trap_ctxt[256]; /* by vector */
    unsigned long ldt_base, ldt_ents;
    unsigned long gdt_frames[16], gdt_ents; /* mfns; number of entries */
    unsigned long kernel_ss, kernel_sp;     /* as stack_switch sets them */
    unsigned long ctrlreg[8];
    unsigned long debugreg[8];
    unsigned long event_callback_eip;
    unsigned long failsafe_callback_eip;
    unsigned long syscall_callback_eip;
    unsigned long vm_assist; /* bit per VMASST_TYPE_... */
    uint64_t fs_base;
    uint64_t gs_base_kernel;
    uint64_t gs_base_user;
};
typedef struct vcpu_guest_context vcpu_guest_context_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_guest_context_t);

/* Filled by the guest, for the toolstack that saves it or reads its memory. */
struct arch_shared_info {
    unsigned long max_pfn;                /* number of pfns in the P2M */
    xen_pfn_t pfn_to_mfn_frame_list_list; /* top of a 3-level list of the P2M's mfns; ~0: none */
    unsigned long nmi_reason;             /* XEN_NMIREASON_... */
    unsigned long p2m_cr3;                /* root for p2m_vaddr in cr3 form; 0: not used */
    unsigned long p2m_vaddr;              /* the P2M as one linear array */
    unsigned long p2m_generation;         /* odd while the guest changes how the array is mapped */
};
typedef struct arch_shared_info arch_shared_info_t;

/*
 * The x86 part of XEN_DOMCTL_createdomain. Both fields are 0 for a PV domain, but for
 * XEN_X86_EMU_PIT in the first and XEN_X86_MSR_RELAXED (unknown registers read as 0 rather than
 * fault) in the second.
 */
struct xen_arch_domainconfig {
#define _XEN_X86_EMU_LAPIC    0
#define XEN_X86_EMU_LAPIC     (1U << _XEN_X86_EMU_LAPIC)
#define _XEN_X86_EMU_HPET     1
#define XEN_X86_EMU_HPET      (1U << _XEN_X86_EMU_HPET)
#define _XEN_X86_EMU_PM       2
#define XEN_X86_EMU_PM        (1U << _XEN_X86_EMU_PM)
#define _XEN_X86_EMU_RTC      3
#define XEN_X86_EMU_RTC       (1U << _XEN_X86_EMU_RTC)
#define _XEN_X86_EMU_IOAPIC   4
#define XEN_X86_EMU_IOAPIC    (1U << _XEN_X86_EMU_IOAPIC)
#define _XEN_X86_EMU_PIC      5
#define XEN_X86_EMU_PIC       (1U << _XEN_X86_EMU_PIC)
#define _XEN_X86_EMU_VGA      6
#define XEN_X86_EMU_VGA       (1U << _XEN_X86_EMU_VGA)
#define _XEN_X86_EMU_IOMMU    7
#define XEN_X86_EMU_IOMMU     (1U << _XEN_X86_EMU_IOMMU)
#define _XEN_X86_EMU_PIT      8
#define XEN_X86_EMU_PIT       (1U << _XEN_X86_EMU_PIT)
#define _XEN_X86_EMU_USE_PIRQ 9
#define XEN_X86_EMU_USE_PIRQ  (1U << _XEN_X86_EMU_USE_PIRQ)
#define _XEN_X86_EMU_VPCI     10
#define XEN_X86_EMU_VPCI      (1U << _XEN_X86_EMU_VPCI)
#define XEN_X86_EMU_ALL       ((1U << (_XEN_X86_EMU_VPCI + 1)) - 1)
    uint32_t emulation_flags; /* XEN_X86_EMU_... */
#define XEN_X86_MSR_RELAXED   (1u << 0)
    uint32_t misc_flags; /* XEN_X86_MSR_RELAXED */
};
#define XEN_X86_MISC_FLAGS_MAX XEN_X86_MSR_RELAXED

/* One CPUID leaf and one machine-specific register, as the toolstack passes them. */
typedef struct xen_cpuid_leaf {
#define XEN_CPUID_NO_SUBLEAF 0xffffffffu
    uint32_t leaf, subleaf;
    uint32_t a, b, c, d;
} xen_cpuid_leaf_t;
DEFINE_XEN_GUEST_HANDLE(xen_cpuid_leaf_t);

typedef struct xen_msr_entry {
    uint32_t idx;
    uint32_t flags; /* 0 */
    uint64_t val;
} xen_msr_entry_t;
DEFINE_XEN_GUEST_HANDLE(xen_msr_entry_t);

#endif /* !__ASSEMBLY__ */

/*
 * Ahead of a cpuid instruction, this asks for the hypervisor's answer rather than the processor's.
 */
#ifdef __ASSEMBLY__
#define XEN_EMULATE_PREFIX .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e;
#define XEN_CPUID          XEN_EMULATE_PREFIX cpuid
#else
#define XEN_EMULATE_PREFIX ".byte 0x0f,0x0b,0x78,0x65,0x6e ; "
#define XEN_CPUID          XEN_EMULATE_PREFIX "cpuid"
#endif

#endif
