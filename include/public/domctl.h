/* SPDX-License-Identifier: MIT */
/*
 * domctl(op): how the toolstack makes, inspects, steers and destroys domains.
 *
 * struct xen_domctl (at the end of this file) names the command, the domain and the arguments;
 * results are stored in it. Errors that any command may give: -XEN_EACCES another interface
 * version, -XEN_EPERM the caller has no privilege over the domain, -XEN_ESRCH no such domain,
 * -XEN_EINVAL bad argument, -XEN_EFAULT, -XEN_ENOSYS unknown command.
 *
 * The list holds the commands that concern PV domains.
 */
#ifndef __XEN_PUBLIC_DOMCTL_H__
#define __XEN_PUBLIC_DOMCTL_H__

#include "xen.h"
#include "event_channel.h"
#include "grant_table.h"
#include "memory.h"

#define XEN_DOMCTL_INTERFACE_VERSION 0x00000015

/* Commands; the structure after each, or none. */
#define XEN_DOMCTL_createdomain      1  /* createdomain; domain: wanted or 0, OUT; paused */
#define XEN_DOMCTL_destroydomain     2  /* - */
#define XEN_DOMCTL_pausedomain       3  /* -; pauses count; -XEN_EINVAL on oneself */
#define XEN_DOMCTL_unpausedomain     4  /* -; -XEN_EINVAL if not paused by the toolstack */
#define XEN_DOMCTL_getdomaininfo     5  /* getdomaininfo; this domain, or the next higher */
#define XEN_DOMCTL_setvcpuaffinity   9  /* vcpuaffinity */
#define XEN_DOMCTL_shadow_op         10 /* shadow_op: log of the pages that a domain dirties */
#define XEN_DOMCTL_max_mem           11 /* max_mem */
#define XEN_DOMCTL_setvcpucontext    12 /* vcpucontext; a null handle resets the vCPU */
#define XEN_DOMCTL_getvcpucontext    13 /* vcpucontext; -XEN_ENODATA: not initialised */
#define XEN_DOMCTL_getvcpuinfo       14 /* getvcpuinfo */
#define XEN_DOMCTL_max_vcpus         15 /* max_vcpus: create the vCPUs */
#define XEN_DOMCTL_scheduler_op      16 /* scheduler_op */
#define XEN_DOMCTL_setdomainhandle   17 /* setdomainhandle */
#define XEN_DOMCTL_setdebugging      18 /* setdebugging */
#define XEN_DOMCTL_irq_permission    19 /* irq_permission */
#define XEN_DOMCTL_iomem_permission  20 /* iomem_permission */
#define XEN_DOMCTL_ioport_permission 21 /* ioport_permission */
#define XEN_DOMCTL_hypercall_init    22 /* hypercall_init: fill a hypercall page */
#define XEN_DOMCTL_settimeoffset     24 /* settimeoffset */
#define XEN_DOMCTL_getvcpuaffinity   25 /* vcpuaffinity */
#define XEN_DOMCTL_resumedomain      27 /* -; let a suspended domain go on */
#define XEN_DOMCTL_sendtrigger       28 /* sendtrigger */
#define XEN_DOMCTL_subscribe         29 /* subscribe: its event channel that tells of suspension */
#define XEN_DOMCTL_set_address_size  35 /* address_size */
#define XEN_DOMCTL_get_address_size  36 /* address_size */
#define XEN_DOMCTL_memory_mapping    39 /* memory_mapping; PV: gives the right to map, no more */
#define XEN_DOMCTL_ioport_mapping    40 /* ioport_mapping */
#define XEN_DOMCTL_set_ext_vcpucontext 42 /* ext_vcpucontext */
#define XEN_DOMCTL_get_ext_vcpucontext 43 /* ext_vcpucontext */
#define XEN_DOMCTL_set_target        46 /* set_target: the domain gets privilege over another */
#define XEN_DOMCTL_gettscinfo        59 /* tsc_info */
#define XEN_DOMCTL_settscinfo        60 /* tsc_info */
#define XEN_DOMCTL_getpageframeinfo3 61 /* getpageframeinfo3 */
#define XEN_DOMCTL_setvcpuextstate   62 /* vcpuextstate */
#define XEN_DOMCTL_getvcpuextstate   63 /* vcpuextstate */
#define XEN_DOMCTL_set_virq_handler  66 /* set_virq_handler: it gets a global virtual interrupt */
#define XEN_DOMCTL_setnodeaffinity   68 /* nodeaffinity */
#define XEN_DOMCTL_getnodeaffinity   69 /* nodeaffinity */
#define XEN_DOMCTL_get_vcpu_msrs     72 /* vcpu_msrs */
#define XEN_DOMCTL_set_vcpu_msrs     73 /* vcpu_msrs */
#define XEN_DOMCTL_setvnumainfo      74 /* vnuma */
#define XEN_DOMCTL_soft_reset        79 /* - */
#define XEN_DOMCTL_get_cpu_policy    82 /* cpu_policy */
#define XEN_DOMCTL_set_cpu_policy    83 /* cpu_policy */

#ifndef __ASSEMBLY__

/* -XEN_EEXIST the number is taken, -XEN_ENOMEM, -XEN_EINVAL flags or limits that can't be. */
struct xen_domctl_createdomain {
    uint32_t ssidref;           /* security label, 0 without a security module */
    xen_domain_handle_t handle; /* UUID */
#define _XEN_DOMCTL_CDF_hvm          0 /* else PV */
#define XEN_DOMCTL_CDF_hvm           (1U << _XEN_DOMCTL_CDF_hvm)
#define _XEN_DOMCTL_CDF_hap          1
#define XEN_DOMCTL_CDF_hap           (1U << _XEN_DOMCTL_CDF_hap)
#define _XEN_DOMCTL_CDF_s3_integrity 2
#define XEN_DOMCTL_CDF_s3_integrity  (1U << _XEN_DOMCTL_CDF_s3_integrity)
#define _XEN_DOMCTL_CDF_oos_off      3
#define XEN_DOMCTL_CDF_oos_off       (1U << _XEN_DOMCTL_CDF_oos_off)
#define _XEN_DOMCTL_CDF_xs_domain    4 /* it runs xenstore */
#define XEN_DOMCTL_CDF_xs_domain     (1U << _XEN_DOMCTL_CDF_xs_domain)
#define _XEN_DOMCTL_CDF_iommu        5
#define XEN_DOMCTL_CDF_iommu         (1U << _XEN_DOMCTL_CDF_iommu)
#define _XEN_DOMCTL_CDF_nested_virt  6
#define XEN_DOMCTL_CDF_nested_virt   (1U << _XEN_DOMCTL_CDF_nested_virt)
#define XEN_DOMCTL_CDF_vpmu          (1U << 7)
#define XEN_DOMCTL_CDF_MAX           XEN_DOMCTL_CDF_vpmu
    uint32_t flags;
#define _XEN_DOMCTL_IOMMU_no_sharept 0
#define XEN_DOMCTL_IOMMU_no_sharept  (1U << _XEN_DOMCTL_IOMMU_no_sharept)
#define XEN_DOMCTL_IOMMU_MAX         XEN_DOMCTL_IOMMU_no_sharept
    uint32_t iommu_opts;
    uint32_t max_vcpus;
    uint32_t max_evtchn_port;    /* highest port it may have */
    int32_t max_grant_frames;    /* negative: the default */
    int32_t max_maptrack_frames;
#define XEN_DOMCTL_GRANT_version_mask 0xf
#define XEN_DOMCTL_GRANT_version(v)   ((v) & XEN_DOMCTL_GRANT_version_mask)
    uint32_t grant_opts;         /* highest version of its grant table */
    uint32_t vmtrace_size;       /* 0 */
    uint32_t cpupool_id;
    struct xen_arch_domainconfig arch;
};

struct xen_domctl_getdomaininfo {
    domid_t domain; /* OUT: whose */
    uint16_t pad1;
#define _XEN_DOMINF_dying      0 /* being torn down */
#define XEN_DOMINF_dying       (1U << _XEN_DOMINF_dying)
#define _XEN_DOMINF_hvm_guest  1
#define XEN_DOMINF_hvm_guest   (1U << _XEN_DOMINF_hvm_guest)
#define _XEN_DOMINF_shutdown   2 /* shut down; the reason is in bits 16-23 */
#define XEN_DOMINF_shutdown    (1U << _XEN_DOMINF_shutdown)
#define _XEN_DOMINF_paused     3 /* by the toolstack */
#define XEN_DOMINF_paused      (1U << _XEN_DOMINF_paused)
#define _XEN_DOMINF_blocked    4 /* all vCPUs wait for events */
#define XEN_DOMINF_blocked     (1U << _XEN_DOMINF_blocked)
#define _XEN_DOMINF_running    5 /* a vCPU is on a processor */
#define XEN_DOMINF_running     (1U << _XEN_DOMINF_running)
#define _XEN_DOMINF_debugged   6
#define XEN_DOMINF_debugged    (1U << _XEN_DOMINF_debugged)
#define _XEN_DOMINF_xs_domain  7
#define XEN_DOMINF_xs_domain   (1U << _XEN_DOMINF_xs_domain)
#define _XEN_DOMINF_hap        8
#define XEN_DOMINF_hap         (1U << _XEN_DOMINF_hap)
#define XEN_DOMINF_shutdownmask  255
#define XEN_DOMINF_shutdownshift 16
    uint32_t flags;
    uint64_aligned_t tot_pages;
    uint64_aligned_t max_pages;
    uint64_aligned_t outstanding_pages; /* claimed */
    uint64_aligned_t shr_pages;
    uint64_aligned_t paged_pages;
    uint64_aligned_t shared_info_frame; /* mfn */
    uint64_aligned_t cpu_time;          /* ns, all vCPUs together */
    uint32_t nr_online_vcpus;
#define XEN_INVALID_MAX_VCPU_ID (~0U) /* it has no vCPU yet */
    uint32_t max_vcpu_id;
    uint32_t ssidref;
    xen_domain_handle_t handle;
    uint32_t cpupool;
    uint8_t gpaddr_bits;
    uint8_t pad2[7];
    struct xen_arch_domainconfig arch_config;
};
typedef struct xen_domctl_getdomaininfo xen_domctl_getdomaininfo_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_getdomaininfo_t);

/*
 * Types of frames: each entry of the array goes in as an mfn and comes out as one of these. At most
 * 1024 entries.
 */
#define XEN_DOMCTL_PFINFO_LTAB_SHIFT    28
#define XEN_DOMCTL_PFINFO_NOTAB         (0x0U << 28)
#define XEN_DOMCTL_PFINFO_L1TAB         (0x1U << 28)
#define XEN_DOMCTL_PFINFO_L2TAB         (0x2U << 28)
#define XEN_DOMCTL_PFINFO_L3TAB         (0x3U << 28)
#define XEN_DOMCTL_PFINFO_L4TAB         (0x4U << 28)
#define XEN_DOMCTL_PFINFO_LTABTYPE_MASK (0x7U << 28)
#define XEN_DOMCTL_PFINFO_LPINTAB       (0x1U << 31) /* pinned, together with one of the above */
#define XEN_DOMCTL_PFINFO_XTAB          (0xfU << 28) /* not a frame of the domain */
#define XEN_DOMCTL_PFINFO_XALLOC        (0xeU << 28)
#define XEN_DOMCTL_PFINFO_BROKEN        (0xdU << 28)
#define XEN_DOMCTL_PFINFO_LTAB_MASK     (0xfU << 28)

struct xen_domctl_getpageframeinfo3 {
    uint64_aligned_t num;
    XEN_GUEST_HANDLE_64(xen_pfn_t) array;
};

#define XEN_DOMCTL_SHADOW_OP_OFF             0
#define XEN_DOMCTL_SHADOW_OP_ENABLE_TEST     1
#define XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY 2
#define XEN_DOMCTL_SHADOW_OP_CLEAN           11 /* read the bitmap and clear it */
#define XEN_DOMCTL_SHADOW_OP_PEEK            12 /* read it */
#define XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION  30
#define XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION  31
#define XEN_DOMCTL_SHADOW_OP_ENABLE          32
#define XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL     (1 << 0) /* mode: last round, domain paused */

struct xen_domctl_shadow_op_stats {
    uint32_t fault_count;
    uint32_t dirty_count;
};

struct xen_domctl_shadow_op {
    uint32_t op; /* XEN_DOMCTL_SHADOW_OP_... */
    uint32_t mode;
    uint32_t mb;
    XEN_GUEST_HANDLE_64(uint8) dirty_bitmap;
    uint64_aligned_t pages; /* IN: bits there is room for, OUT: bits written */
    struct xen_domctl_shadow_op_stats stats; /* OUT */
};

struct xen_domctl_max_mem {
    uint64_aligned_t max_memkb; /* KiB */
};

struct xen_domctl_vcpucontext {
    uint32_t vcpu;
    XEN_GUEST_HANDLE_64(vcpu_guest_context_t) ctxt;
};

struct xen_domctl_getvcpuinfo {
    uint32_t vcpu;             /* IN */
    uint8_t online;            /* OUT, as the rest */
    uint8_t blocked;
    uint8_t running;
    uint64_aligned_t cpu_time; /* ns */
    uint32_t cpu;              /* where it runs or ran last */
};

struct xen_domctl_nodeaffinity {
    struct xenctl_bitmap nodemap;
};

/*
 * Where a vCPU may run (hard) and where it had better (soft). The maps come back as they took
 * effect.
 */
struct xen_domctl_vcpuaffinity {
    uint32_t vcpu;
#define _XEN_VCPUAFFINITY_HARD  0
#define XEN_VCPUAFFINITY_HARD   (1U << _XEN_VCPUAFFINITY_HARD)
#define _XEN_VCPUAFFINITY_SOFT  1
#define XEN_VCPUAFFINITY_SOFT   (1U << _XEN_VCPUAFFINITY_SOFT)
#define _XEN_VCPUAFFINITY_FORCE 2
#define XEN_VCPUAFFINITY_FORCE  (1U << _XEN_VCPUAFFINITY_FORCE)
    uint32_t flags; /* which of the maps */
    struct xenctl_bitmap cpumap_hard;
    struct xenctl_bitmap cpumap_soft;
};

struct xen_domctl_max_vcpus {
    uint32_t max;
};

/* Schedulers. */
#define XEN_SCHEDULER_CREDIT   5
#define XEN_SCHEDULER_CREDIT2  6
#define XEN_SCHEDULER_ARINC653 7
#define XEN_SCHEDULER_RTDS     8
#define XEN_SCHEDULER_NULL     9

struct xen_domctl_sched_credit {
    uint16_t weight; /* share, 256 is the usual */
    uint16_t cap;    /* percent of one processor, 0: none */
};

struct xen_domctl_sched_credit2 {
    uint16_t weight;
    uint16_t cap;
};

struct xen_domctl_sched_rtds {
    uint32_t period; /* us, as budget */
    uint32_t budget;
#define _XEN_DOMCTL_SCHEDRT_extra 0
#define XEN_DOMCTL_SCHEDRT_extra  (1U << _XEN_DOMCTL_SCHEDRT_extra)
    uint32_t flags;
};

typedef struct xen_domctl_schedparam_vcpu {
    union {
        struct xen_domctl_sched_credit credit;
        struct xen_domctl_sched_credit2 credit2;
        struct xen_domctl_sched_rtds rtds;
    } u;
    uint32_t vcpuid;
} xen_domctl_schedparam_vcpu_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_schedparam_vcpu_t);

/* -XEN_EINVAL if sched_id is not the domain's scheduler. */
#define XEN_DOMCTL_SCHEDOP_putinfo     0
#define XEN_DOMCTL_SCHEDOP_getinfo     1
#define XEN_DOMCTL_SCHEDOP_putvcpuinfo 2
#define XEN_DOMCTL_SCHEDOP_getvcpuinfo 3
struct xen_domctl_scheduler_op {
    uint32_t sched_id; /* XEN_SCHEDULER_... */
    uint32_t cmd;      /* XEN_DOMCTL_SCHEDOP_... */
    union {
        struct xen_domctl_sched_credit credit;
        struct xen_domctl_sched_credit2 credit2;
        struct xen_domctl_sched_rtds rtds;
        struct {
            XEN_GUEST_HANDLE_64(xen_domctl_schedparam_vcpu_t) vcpus;
            uint32_t nr_vcpus;
            uint32_t padding;
        } v;
    } u;
};

struct xen_domctl_setdomainhandle {
    xen_domain_handle_t handle;
};

struct xen_domctl_setdebugging {
    uint8_t enable;
};

/* Rights to hardware. allow_access: 1 gives, 0 takes. */
struct xen_domctl_irq_permission {
    uint32_t pirq;
    uint8_t allow_access;
    uint8_t pad[3];
};

struct xen_domctl_iomem_permission {
    uint64_aligned_t first_mfn;
    uint64_aligned_t nr_mfns;
    uint8_t allow_access;
};

struct xen_domctl_ioport_permission {
    uint32_t first_port;
    uint32_t nr_ports;
    uint8_t allow_access;
};

struct xen_domctl_hypercall_init {
    uint64_aligned_t gmfn; /* frame to fill */
};

struct xen_domctl_settimeoffset {
    int64_aligned_t time_offset_seconds; /* from UTC, of the wall clock that the domain sees */
};

struct xen_domctl_address_size {
    uint32_t size; /* bits: 64 */
};

#define XEN_DOMCTL_SENDTRIGGER_NMI   0
#define XEN_DOMCTL_SENDTRIGGER_RESET 1
#define XEN_DOMCTL_SENDTRIGGER_INIT  2
#define XEN_DOMCTL_SENDTRIGGER_POWER 3
#define XEN_DOMCTL_SENDTRIGGER_SLEEP 4
struct xen_domctl_sendtrigger {
    uint32_t trigger;
    uint32_t vcpu;
};

#define DPCI_ADD_MAPPING    1
#define DPCI_REMOVE_MAPPING 0
struct xen_domctl_memory_mapping {
    uint64_aligned_t first_gfn;
    uint64_aligned_t first_mfn;
    uint64_aligned_t nr_mfns;
    uint32_t add_mapping; /* DPCI_..._MAPPING */
    uint32_t padding;
};

struct xen_domctl_ioport_mapping {
    uint32_t first_gport;
    uint32_t first_mport;
    uint32_t nr_ports;
    uint32_t add_mapping;
};

/* Machine-check state of a vCPU. */
struct hvm_vmce_vcpu {
    uint64_t caps;
    uint64_t mci_ctl2_bank0;
    uint64_t mci_ctl2_bank1;
    uint64_t mcg_ext_ctl;
};

/* The entry points that vcpu_guest_context has no room for. */
struct xen_domctl_ext_vcpucontext {
    uint32_t vcpu;
    uint32_t size; /* IN: bytes valid when setting, OUT: bytes stored when getting */
    uint64_aligned_t syscall32_callback_eip;
    uint64_aligned_t sysenter_callback_eip;
    uint16_t syscall32_callback_cs;
    uint16_t sysenter_callback_cs;
    uint8_t syscall32_disables_events;
    uint8_t sysenter_disables_events;
    union {
        uint64_aligned_t mcg_cap;
        struct hvm_vmce_vcpu vmce;
    };
};

struct xen_domctl_set_target {
    domid_t target;
};

/*
 * What cpuid and rdmsr show. Numbers are IN: entries or room, OUT: entries; errors point to the one
 * that was wrong.
 */
struct xen_domctl_cpu_policy {
    uint32_t nr_leaves;
    uint32_t nr_msrs;
    XEN_GUEST_HANDLE_64(xen_cpuid_leaf_t) leaves;
    XEN_GUEST_HANDLE_64(xen_msr_entry_t) msrs;
    uint32_t err_leaf, err_subleaf, err_msr; /* OUT, ~0: none */
};
typedef struct xen_domctl_cpu_policy xen_domctl_cpu_policy_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_cpu_policy_t);

struct xen_domctl_subscribe {
    uint32_t port;
};

struct xen_domctl_tsc_info {
    uint32_t tsc_mode; /* 0 emulated if need be, 1 always, 2 never */
    uint32_t gtsc_khz;
    uint32_t incarnation; /* how often the domain was restored */
    uint32_t pad;
    uint64_aligned_t elapsed_nsec; /* since it was created */
};

struct xen_domctl_set_virq_handler {
    uint32_t virq;
};

/* Extended processor state; without a buffer: OUT mask and size. */
struct xen_domctl_vcpuextstate {
    uint32_t vcpu;
    uint64_aligned_t xfeature_mask;
    uint64_aligned_t size; /* bytes */
    XEN_GUEST_HANDLE_64(uint64) buffer;
};

struct xen_domctl_vcpu_msr {
    uint32_t index;
    uint32_t reserved; /* 0 */
    uint64_aligned_t value;
};
typedef struct xen_domctl_vcpu_msr xen_domctl_vcpu_msr_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_vcpu_msr_t);

/* -XEN_ENOBUFS: too little room; without a list: OUT how many there are. */
struct xen_domctl_vcpu_msrs {
    uint32_t vcpu;
    uint32_t msr_count;
    XEN_GUEST_HANDLE_64(xen_domctl_vcpu_msr_t) msrs;
};

struct xen_domctl_vnuma {
    uint32_t nr_vnodes;
    uint32_t nr_vmemranges;
    uint32_t nr_vcpus;
    uint32_t pad; /* 0 */
    XEN_GUEST_HANDLE_64(uint) vdistance;
    XEN_GUEST_HANDLE_64(uint) vcpu_to_vnode;
    XEN_GUEST_HANDLE_64(uint) vnode_to_pnode;
    XEN_GUEST_HANDLE_64(xen_vmemrange_t) vmemrange;
};

struct xen_domctl {
    uint32_t cmd;               /* XEN_DOMCTL_... */
    uint32_t interface_version; /* XEN_DOMCTL_INTERFACE_VERSION */
    domid_t domain;
    uint16_t _pad[3];
    union {
        struct xen_domctl_createdomain createdomain;
        struct xen_domctl_getdomaininfo getdomaininfo;
        struct xen_domctl_getpageframeinfo3 getpageframeinfo3;
        struct xen_domctl_nodeaffinity nodeaffinity;
        struct xen_domctl_vcpuaffinity vcpuaffinity;
        struct xen_domctl_shadow_op shadow_op;
        struct xen_domctl_max_mem max_mem;
        struct xen_domctl_vcpucontext vcpucontext;
        struct xen_domctl_getvcpuinfo getvcpuinfo;
        struct xen_domctl_max_vcpus max_vcpus;
        struct xen_domctl_scheduler_op scheduler_op;
        struct xen_domctl_setdomainhandle setdomainhandle;
        struct xen_domctl_setdebugging setdebugging;
        struct xen_domctl_irq_permission irq_permission;
        struct xen_domctl_iomem_permission iomem_permission;
        struct xen_domctl_ioport_permission ioport_permission;
        struct xen_domctl_hypercall_init hypercall_init;
        struct xen_domctl_settimeoffset settimeoffset;
        struct xen_domctl_tsc_info tsc_info;
        struct xen_domctl_address_size address_size;
        struct xen_domctl_sendtrigger sendtrigger;
        struct xen_domctl_memory_mapping memory_mapping;
        struct xen_domctl_ioport_mapping ioport_mapping;
        struct xen_domctl_ext_vcpucontext ext_vcpucontext;
        struct xen_domctl_set_target set_target;
        struct xen_domctl_subscribe subscribe;
        struct xen_domctl_cpu_policy cpu_policy;
        struct xen_domctl_vcpuextstate vcpuextstate;
        struct xen_domctl_vcpu_msrs vcpu_msrs;
        struct xen_domctl_set_virq_handler set_virq_handler;
        struct xen_domctl_vnuma vnuma;
        uint8_t pad[128];
    } u;
};
typedef struct xen_domctl xen_domctl_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_t);

#endif /* !__ASSEMBLY__ */

#endif
