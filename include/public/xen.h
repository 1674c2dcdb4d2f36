/* SPDX-License-Identifier: MIT */
/*
 * The core of the 64-bit PV guest interface: hypercall numbers, memory-management commands, the
 * pages that guest and hypervisor share, and what a guest finds when it starts.
 *
 * Rules that hold for every header here
 * - A hypercall takes its number in rax and its arguments in rdi, rsi, rdx, r10, r8; the result
 *   comes back in rax; rcx and r11 are lost, and the argument registers may be. 0 or a positive
 *   value means success, -XEN_Exxx (errno.h) failure.
 * - A number without a hypercall behind it, or an unknown sub-command, gives -XEN_ENOSYS.
 * - A guest pointer that is unmapped, read-only where the hypervisor must write, non-canonical or
 *   in the hypervisor's own range gives -XEN_EFAULT.
 * - Addresses are guest-virtual unless said otherwise; a "machine address" is mfn << 12 plus the
 *   offset in the frame.
 * - Times are nanoseconds of system time (since the hypervisor started) unless said otherwise.
 */
#ifndef __XEN_PUBLIC_XEN_H__
#define __XEN_PUBLIC_XEN_H__

#include "xen-compat.h"

#ifndef __x86_64__
#error "64-bit x86 only"
#endif

#include "arch-x86/xen.h"

#ifndef __ASSEMBLY__
/* Guest handles: a guest pointer in a type of its own, so that it can't be followed by mistake. */
DEFINE_XEN_GUEST_HANDLE(void);
DEFINE_XEN_GUEST_HANDLE(char);
__DEFINE_XEN_GUEST_HANDLE(uchar, unsigned char);
DEFINE_XEN_GUEST_HANDLE(int);
__DEFINE_XEN_GUEST_HANDLE(uint, unsigned int);
__DEFINE_XEN_GUEST_HANDLE(ulong, unsigned long);
__DEFINE_XEN_GUEST_HANDLE(uint8, uint8_t);
__DEFINE_XEN_GUEST_HANDLE(uint16, uint16_t);
__DEFINE_XEN_GUEST_HANDLE(uint32, uint32_t);
__DEFINE_XEN_GUEST_HANDLE(uint64, uint64_t);
DEFINE_XEN_GUEST_HANDLE(uint32_t);
DEFINE_XEN_GUEST_HANDLE(uint64_t);
DEFINE_XEN_GUEST_HANDLE(xen_pfn_t);
DEFINE_XEN_GUEST_HANDLE(xen_ulong_t);

/* The handle and integer types of the toolstack's interfaces: eight bytes, eight-byte aligned. */
#ifndef uint64_aligned_t
#define uint64_aligned_t uint64_t
#endif
#ifndef int64_aligned_t
#define int64_aligned_t int64_t
#endif
#define XEN_GUEST_HANDLE_64(name) XEN_GUEST_HANDLE(name)

/* What stands between the brackets of a trailing array of unknown length. */
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L
#define XEN_FLEX_ARRAY_DIM
#else
#define XEN_FLEX_ARRAY_DIM 0
#endif

/* Constants with their type in C, plain in assembly. */
#define __xen_mk_uint(x)   x ## U
#define __xen_mk_ulong(x)  x ## UL
#define __xen_mk_ullong(x) x ## ULL
#define xen_mk_uint(x)     __xen_mk_uint(x)
#define xen_mk_ulong(x)    __xen_mk_ulong(x)
#define xen_mk_ullong(x)   __xen_mk_ullong(x)
#else
#define xen_mk_uint(x)   x
#define xen_mk_ulong(x)  x
#define xen_mk_ullong(x) x
#endif

/*
 * Hypercall numbers. The arguments of those that a PV guest may issue are listed in hypercalls.def;
 * the others are named because their numbers are taken.
 */
#define __HYPERVISOR_set_trap_table                0
#define __HYPERVISOR_mmu_update                    1
#define __HYPERVISOR_set_gdt                       2
#define __HYPERVISOR_stack_switch                  3
#define __HYPERVISOR_set_callbacks                 4
#define __HYPERVISOR_fpu_taskswitch                5
#define __HYPERVISOR_sched_op_compat               6
#define __HYPERVISOR_platform_op                   7
#define __HYPERVISOR_set_debugreg                  8
#define __HYPERVISOR_get_debugreg                  9
#define __HYPERVISOR_update_descriptor             10
#define __HYPERVISOR_memory_op                     12
#define __HYPERVISOR_multicall                     13
#define __HYPERVISOR_update_va_mapping             14
#define __HYPERVISOR_set_timer_op                  15
#define __HYPERVISOR_event_channel_op_compat       16
#define __HYPERVISOR_xen_version                   17
#define __HYPERVISOR_console_io                    18
#define __HYPERVISOR_physdev_op_compat             19
#define __HYPERVISOR_grant_table_op                20
#define __HYPERVISOR_vm_assist                     21
#define __HYPERVISOR_update_va_mapping_otherdomain 22
#define __HYPERVISOR_iret                          23
#define __HYPERVISOR_vcpu_op                       24
#define __HYPERVISOR_set_segment_base              25
#define __HYPERVISOR_mmuext_op                     26
#define __HYPERVISOR_xsm_op                        27
#define __HYPERVISOR_nmi_op                        28
#define __HYPERVISOR_sched_op                      29
#define __HYPERVISOR_callback_op                   30
#define __HYPERVISOR_xenoprof_op                   31
#define __HYPERVISOR_event_channel_op              32
#define __HYPERVISOR_physdev_op                    33
#define __HYPERVISOR_hvm_op                        34
#define __HYPERVISOR_sysctl                        35
#define __HYPERVISOR_domctl                        36
#define __HYPERVISOR_kexec_op                      37
#define __HYPERVISOR_tmem_op                       38
#define __HYPERVISOR_argo_op                       39
#define __HYPERVISOR_xenpmu_op                     40
#define __HYPERVISOR_dm_op                         41
#define __HYPERVISOR_hypfs_op                      42

/*
 * Virtual interrupts, bound with EVTCHNOP_bind_virq. "vCPU": one per virtual CPU; "global": one in
 * the system, held by the domain that handles it.
 */
#define VIRQ_TIMER      0  /* vCPU: the one-shot or periodic timer has expired */
#define VIRQ_DEBUG      1  /* vCPU: print your state */
#define VIRQ_CONSOLE    2  /* global: input for the emergency console */
#define VIRQ_DOM_EXC    3  /* global: a domain was shut down, crashed or destroyed */
#define VIRQ_TBUF       4  /* global: the trace buffer has records */
#define VIRQ_DEBUGGER   6  /* global: a domain paused itself for its debugger */
#define VIRQ_XENOPROF   7  /* vCPU: profiling samples */
#define VIRQ_CON_RING   8  /* global: text in the hypervisor's log */
#define VIRQ_PCPU_STATE 9  /* global: a processor went online or offline */
#define VIRQ_MEM_EVENT  10 /* global: a memory event */
#define VIRQ_ARGO       11 /* per domain: an argo message */
#define VIRQ_ENOMEM     12 /* global: memory is running low */
#define VIRQ_XENPMU     13 /* vCPU: performance-counter interrupt */
#define VIRQ_ARCH_0     16 /* 16-23 are the architecture's; on x86 16 is machine checks */
#define VIRQ_ARCH_1     17
#define VIRQ_ARCH_2     18
#define VIRQ_ARCH_3     19
#define VIRQ_ARCH_4     20
#define VIRQ_ARCH_5     21
#define VIRQ_ARCH_6     22
#define VIRQ_ARCH_7     23
#define NR_VIRQS        24

/*
 * Domain identifiers that are not numbers of running domains; all are at or above
 * DOMID_FIRST_RESERVED.
 */
#define DOMID_FIRST_RESERVED xen_mk_uint(0x7FF0)
#define DOMID_SELF           xen_mk_uint(0x7FF0) /* the caller */
#define DOMID_IO             xen_mk_uint(0x7FF1) /* owner of device memory */
#define DOMID_XEN            xen_mk_uint(0x7FF2) /* owner of frames the hypervisor shares */
#define DOMID_COW            xen_mk_uint(0x7FF3) /* owner of shared copy-on-write frames */
#define DOMID_INVALID        xen_mk_uint(0x7FF4) /* nobody */
#define DOMID_IDLE           xen_mk_uint(0x7FFF) /* the idle domain */
#define DOMID_MASK           xen_mk_uint(0x7FFF)

/*
 * mmu_update(ureqs, count, pdone, foreigndom): change page-table entries or the machine-to-physical
 * table.
 *
 * The two low bits of mmu_update.ptr are the command, the rest is a machine address, 8-byte
 * aligned.
 *   MMU_NORMAL_PT_UPDATE       ptr: the entry to change, val: its new value. The table may be at
 *                              any level, pinned or not; the new entry must refer to a frame that
 *                              may be used so: a table of the level below, or data of the caller
 *                              or of the foreign domain.
 *   MMU_MACHPHYS_UPDATE        ptr: machine address of a frame of the caller, val: its pfn.
 *   MMU_PT_UPDATE_PRESERVE_AD  as the first, but the Accessed and Dirty bits stay as they are.
 *   MMU_PT_UPDATE_NO_TRANSLATE as the first; val is an mfn whatever the caller's kind.
 *
 * foreigndom: low 16 bits are the domain whose frames new entries may refer to (DOMID_SELF as a
 * rule, DOMID_IO for devices); high 16 bits, if not zero, are 1 + the domain that owns the page
 * tables to change. pdone, if not NULL, receives the number of requests done; after an error that
 * is the index of the one that failed.
 *
 * Errors: -XEN_EINVAL a bad frame, reserved bits, a table mapped writable, or a frame that can't
 * take the needed type; -XEN_EPERM, -XEN_ESRCH a foreign domain not allowed or unknown; -XEN_ENOSYS
 * unknown command; -XEN_EFAULT.
 */
#define MMU_NORMAL_PT_UPDATE       0
#define MMU_MACHPHYS_UPDATE        1
#define MMU_PT_UPDATE_PRESERVE_AD  2
#define MMU_PT_UPDATE_NO_TRANSLATE 3

/*
 * mmuext_op(uops, count, pdone, foreigndom): the other operations on page tables and translation
 * caches.
 *
 * Command            arg1          arg2      effect
 * PIN_Ln_TABLE       mfn                     validate the table at level n, keep it so
 * UNPIN_TABLE        mfn                     drop that pin
 * NEW_BASEPTR        mfn                     make this L4 the guest kernel's root and load it
 * NEW_USER_BASEPTR   mfn                     set the root used in guest user mode; 0: none
 * TLB_FLUSH_LOCAL                            flush this vCPU's translations
 * INVLPG_LOCAL       linear_addr             flush one address here
 * TLB_FLUSH_MULTI                  vcpumask  flush on the vCPUs of a bitmap
 * INVLPG_MULTI       linear_addr   vcpumask  flush one address on these
 * TLB_FLUSH_ALL                              flush on every vCPU of the domain
 * INVLPG_ALL         linear_addr             flush one address on every vCPU
 * FLUSH_CACHE                                write back and invalidate caches (hardware access)
 * FLUSH_CACHE_GLOBAL                         the same on all processors
 * SET_LDT            linear_addr   nr_ents   LDT: page-aligned, 0 to 8192 entries
 * CLEAR_PAGE         mfn                     fill a frame with zeros
 * COPY_PAGE          mfn           src_mfn   copy a frame
 * MARK_SUPER, UNMARK_SUPER                   -XEN_EOPNOTSUPP
 *
 * pdone, foreigndom: as for mmu_update. Errors: -XEN_EINVAL bad or unsuitable frame, already
 * pinned, not pinned, count too large; -XEN_EPERM; -XEN_ESRCH; -XEN_ENOSYS unknown command;
 * -XEN_EFAULT.
 */
#define MMUEXT_PIN_L1_TABLE       0
#define MMUEXT_PIN_L2_TABLE       1
#define MMUEXT_PIN_L3_TABLE       2
#define MMUEXT_PIN_L4_TABLE       3
#define MMUEXT_UNPIN_TABLE        4
#define MMUEXT_NEW_BASEPTR        5
#define MMUEXT_TLB_FLUSH_LOCAL    6
#define MMUEXT_INVLPG_LOCAL       7
#define MMUEXT_TLB_FLUSH_MULTI    8
#define MMUEXT_INVLPG_MULTI       9
#define MMUEXT_TLB_FLUSH_ALL      10
#define MMUEXT_INVLPG_ALL         11
#define MMUEXT_FLUSH_CACHE        12
#define MMUEXT_SET_LDT            13
#define MMUEXT_NEW_USER_BASEPTR   15
#define MMUEXT_CLEAR_PAGE         16
#define MMUEXT_COPY_PAGE          17
#define MMUEXT_FLUSH_CACHE_GLOBAL 18
#define MMUEXT_MARK_SUPER         19
#define MMUEXT_UNMARK_SUPER       20

/*
 * update_va_mapping(va, val, flags): set the L1 entry that maps va in the current address space,
 * then flush as the flags say. update_va_mapping_otherdomain has a fourth argument: whose frame val
 * refers to.
 *
 * The low two bits of flags are the kind of flush. With UVMF_TLB_FLUSH or UVMF_INVLPG the remaining
 * bits say where: 0 (UVMF_LOCAL) this vCPU, 1<<2 (UVMF_ALL) every vCPU, otherwise the address of a
 * bitmap of vCPUs (UVMF_MULTI). Errors: -XEN_EINVAL no L1 entry for va, or an entry that is not
 * acceptable; -XEN_EPERM; -XEN_ESRCH.
 */
#define UVMF_NONE           (xen_mk_ulong(0) << 0)
#define UVMF_TLB_FLUSH      (xen_mk_ulong(1) << 0)
#define UVMF_INVLPG         (xen_mk_ulong(2) << 0)
#define UVMF_FLUSHTYPE_MASK (xen_mk_ulong(3) << 0)
#define UVMF_MULTI          (xen_mk_ulong(0) << 2)
#define UVMF_LOCAL          (xen_mk_ulong(0) << 2)
#define UVMF_ALL            (xen_mk_ulong(1) << 2)

/*
 * console_io(cmd, count, buffer): write count bytes to the emergency console, or read at most count
 * bytes of input. A write returns 0, a read the number of bytes. Only for the first domain unless
 * the hypervisor was built to listen to all (-XEN_EPERM); -XEN_ENOSYS for another command.
 */
#define CONSOLEIO_write 0
#define CONSOLEIO_read  1

/*
 * vm_assist(cmd, type): switch one kind of help on or off for this domain. Kinds for 64-bit guests:
 * writable_pagetables: a guest's own write to an L1 table that is mapped read-only is carried out
 * after checks; runstate_update_flag: see XEN_RUNSTATE_UPDATE; m2p_strict: the machine-to-physical
 * table is visible to the kernel's address spaces only; architectural_iopl: IOPL shows in the saved
 * flags. -XEN_EINVAL for others, -XEN_ENOSYS for another command.
 */
#define VMASST_CMD_enable                0
#define VMASST_CMD_disable               1
#define VMASST_TYPE_4gb_segments         0
#define VMASST_TYPE_4gb_segments_notify  1
#define VMASST_TYPE_writable_pagetables  2
#define VMASST_TYPE_pae_extended_cr3     3
#define VMASST_TYPE_architectural_iopl   4
#define VMASST_TYPE_runstate_update_flag 5
#define VMASST_TYPE_m2p_strict           32

/* start_info.flags */
#define SIF_PRIVILEGED      (1 << 0)    /* may use the control interfaces */
#define SIF_INITDOMAIN      (1 << 1)    /* the first domain */
#define SIF_MULTIBOOT_MOD   (1 << 2)    /* mod_start points to a list of multiboot modules */
#define SIF_MOD_START_PFN   (1 << 3)    /* mod_start is a pfn, the module is not mapped */
#define SIF_VIRT_P2M_4TOOLS (1 << 4)    /* the toolstack understands p2m_vaddr */
#define SIF_PM_MASK         (0xFF << 8) /* power-management bits for the first domain */

#ifndef __ASSEMBLY__

typedef uint16_t domid_t;

struct mmu_update {
    uint64_t ptr; /* machine address and, in bits 0-1, the command */
    uint64_t val; /* new entry, or pfn */
};
typedef struct mmu_update mmu_update_t;
DEFINE_XEN_GUEST_HANDLE(mmu_update_t);

struct mmuext_op {
    unsigned int cmd; /* MMUEXT_... */
    union {
        xen_pfn_t mfn;
        unsigned long linear_addr;
    } arg1;
    union {
        unsigned int nr_ents;
        XEN_GUEST_HANDLE(const_void) vcpumask; /* bitmap, as many bits as the domain has vCPUs */
        xen_pfn_t src_mfn;
    } arg2;
};
typedef struct mmuext_op mmuext_op_t;
DEFINE_XEN_GUEST_HANDLE(mmuext_op_t);

/*
 * multicall(call_list, nr_calls): a list of hypercalls in one. Each result is stored in its entry;
 * the call itself fails only when the list can't be read or written (-XEN_EFAULT). After an iret in
 * the list the rest is not done.
 */
struct multicall_entry {
    xen_ulong_t op;      /* __HYPERVISOR_... */
    xen_ulong_t result;  /* OUT */
    xen_ulong_t args[6];
};
typedef struct multicall_entry multicall_entry_t;
DEFINE_XEN_GUEST_HANDLE(multicall_entry_t);

#if __XEN_INTERFACE_VERSION__ < 0x00040400
#define NR_EVENT_CHANNELS EVTCHN_2L_NR_CHANNELS
#endif

/*
 * Time of one vCPU, written by the hypervisor. Read it as with a sequence lock: an odd version, or
 * one that changed while reading, means read again. With d = rdtsc - tsc_timestamp, shifted left by
 * tsc_shift (right if negative):
 *     now = system_time + ((d * tsc_to_system_mul) >> 32)
 */
struct vcpu_time_info {
    uint32_t version;
    uint32_t pad0;
    uint64_t tsc_timestamp; /* the TSC when this was written */
    uint64_t system_time;   /* ns at that moment */
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
    uint8_t flags; /* XEN_PVCLOCK_... */
    uint8_t pad1[2];
};
typedef struct vcpu_time_info vcpu_time_info_t;

#define XEN_PVCLOCK_TSC_STABLE_BIT (1 << 0) /* all vCPUs' times agree: no need to compare them */
#define XEN_PVCLOCK_GUEST_STOPPED  (1 << 1)

/*
 * Events and time of one vCPU. To send an event the hypervisor sets the port's bit in
 * shared_info.evtchn_pending; if the port is not masked, the bit of that word in
 * evtchn_pending_sel; then evtchn_upcall_pending, and calls the event callback unless
 * evtchn_upcall_mask is set, which it sets itself while it calls. The guest clears in this order:
 * upcall_pending, the selector (atomic exchange), the pending bits; and looks at upcall_pending
 * again after unmasking.
 */
struct vcpu_info {
    uint8_t evtchn_upcall_pending;
    uint8_t evtchn_upcall_mask;
    xen_ulong_t evtchn_pending_sel; /* bit n: look at evtchn_pending[n] */
    struct arch_vcpu_info arch;
    vcpu_time_info_t time;
};
typedef struct vcpu_info vcpu_info_t;

/* One page per domain; start_info has its machine address. */
struct shared_info {
    struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS]; /* higher vCPUs register theirs (vcpu.h) */
    xen_ulong_t evtchn_pending[sizeof(xen_ulong_t) * 8]; /* a bit per port */
    xen_ulong_t evtchn_mask[sizeof(xen_ulong_t) * 8];
    uint32_t wc_version; /* wall clock at system time 0; read it like vcpu_time_info */
    uint32_t wc_sec;     /* seconds since 1970, UTC, low half */
    uint32_t wc_nsec;
    uint32_t wc_sec_hi;
#define xen_wc_sec_hi wc_sec_hi
    struct arch_shared_info arch;
};
typedef struct shared_info shared_info_t;

/*
 * What a guest finds at its start. rsi of the first vCPU holds its address.
 *
 * The guest enters in its kernel mode with a stack, flat segments, events masked, and page tables
 * (validated, mapped read-only) that cover from the bottom of the image to at least 512 KiB past
 * the stack.
 */
struct start_info {
    char magic[32];            /* "xen-<version>-x86_64" with an optional 'p' appended */
    unsigned long nr_pages;    /* of this domain */
    unsigned long shared_info; /* machine address */
    uint32_t flags;            /* SIF_... */
    xen_pfn_t store_mfn;       /* xenstore ring, 0 if none */
    uint32_t store_evtchn;
    union {
        struct {
            xen_pfn_t mfn; /* console ring */
            uint32_t evtchn;
        } domU;
        struct {
            uint32_t info_off;  /* dom0_vga_console_info: offset from this structure, size */
            uint32_t info_size; /* 0: none */
        } dom0;
    } console;
    unsigned long pt_base;      /* the L4 */
    unsigned long nr_pt_frames; /* tables of all levels, from pt_base */
    unsigned long mfn_list;     /* the P2M: mfn of each pfn */
    unsigned long mod_start;    /* ramdisk: address, or pfn with SIF_MOD_START_PFN; 0 if none */
    unsigned long mod_len;      /* bytes */
#define MAX_GUEST_CMDLINE 1024
    int8_t cmd_line[MAX_GUEST_CMDLINE]; /* zero-terminated */
    unsigned long first_p2m_pfn;        /* frames of a P2M outside the initial mapping */
    unsigned long nr_p2m_frames;
};
typedef struct start_info start_info_t;

/* One module of the list that SIF_MULTIBOOT_MOD announces. */
struct xen_multiboot_mod_list {
    uint32_t mod_start; /* first byte */
    uint32_t mod_end;   /* last byte */
    uint32_t cmdline;
    uint32_t pad; /* 0 */
};

/*
 * The display that the first domain may take over. A shorter structure than this one lacks the last
 * fields.
 */
typedef struct dom0_vga_console_info {
    uint8_t video_type;
#define XEN_VGATYPE_TEXT_MODE_3 0x03
#define XEN_VGATYPE_VESA_LFB    0x23
#define XEN_VGATYPE_EFI_LFB     0x70
    union {
        struct {
            uint16_t font_height; /* scan lines */
            uint16_t cursor_x, cursor_y;
            uint16_t rows, columns;
        } text_mode_3;
        struct {
            uint16_t width, height; /* pixels */
            uint16_t bytes_per_line;
            uint16_t bits_per_pixel;
            uint32_t lfb_base; /* physical address, low half */
            uint32_t lfb_size; /* in units of 64 KiB */
            uint8_t red_pos, red_size; /* bit position and number of bits of each colour */
            uint8_t green_pos, green_size;
            uint8_t blue_pos, blue_size;
            uint8_t rsvd_pos, rsvd_size;
            uint32_t gbl_caps; /* VESA: capabilities of the controller, attributes */
            uint16_t mode_attrs;
            uint16_t pad;
            uint32_t ext_lfb_base; /* high half */
        } vesa_lfb;
    } u;
} dom0_vga_console_info_t;
#define xen_vga_console_info   dom0_vga_console_info
#define xen_vga_console_info_t dom0_vga_console_info_t

/* A domain's UUID as the toolstack gave it. */
typedef uint8_t xen_domain_handle_t[16];

/* A bitmap in the toolstack's memory, lowest bit of the first byte first. */
struct xenctl_bitmap {
    XEN_GUEST_HANDLE_64(uint8) bitmap;
    uint32_t nr_bits;
};
typedef struct xenctl_bitmap xenctl_bitmap_t;

#endif /* !__ASSEMBLY__ */

#endif
