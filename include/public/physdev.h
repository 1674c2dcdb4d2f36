/* SPDX-License-Identifier: MIT */
/*
 * physdev_op(cmd, arg): real interrupts, I/O ports and PCI devices, for domains that drive
 * hardware. Errors: -XEN_EPERM not allowed, -XEN_EINVAL, -XEN_ESRCH no such domain, -XEN_ENODEV no
 * such device, -XEN_ENOSYS unknown command, -XEN_EFAULT.
 */
#ifndef __XEN_PUBLIC_PHYSDEV_H__
#define __XEN_PUBLIC_PHYSDEV_H__

#include "xen.h"

/*
 * Commands, each with the structure that it takes.
 *
 * A pirq is a domain's own number for a real interrupt: a line of the IO-APICs (a GSI), or a
 * message of a device (MSI, MSI-X). PHYSDEVOP_map_pirq makes one, EVTCHNOP_bind_pirq gives it a
 * port, and its events arrive there.
 */
#define PHYSDEVOP_irq_status_query   5  /* physdev_irq_status_query */
#define PHYSDEVOP_set_iopl           6  /* physdev_set_iopl */
#define PHYSDEVOP_set_iobitmap       7  /* physdev_set_iobitmap */
#define PHYSDEVOP_apic_read          8  /* physdev_apic */
#define PHYSDEVOP_apic_write         9  /* physdev_apic */
#define PHYSDEVOP_alloc_irq_vector   10 /* physdev_irq */
#define PHYSDEVOP_free_irq_vector    11 /* physdev_irq */
#define PHYSDEVOP_eoi                12 /* physdev_eoi: the guest has dealt with the interrupt */
#define PHYSDEVOP_map_pirq           13 /* physdev_map_pirq */
#define PHYSDEVOP_unmap_pirq         14 /* physdev_unmap_pirq */
#define PHYSDEVOP_manage_pci_add     15 /* physdev_manage_pci */
#define PHYSDEVOP_manage_pci_remove  16 /* physdev_manage_pci */
#define PHYSDEVOP_pirq_eoi_gmfn_v1   17 /* physdev_pirq_eoi_gmfn; unmasking then sends the eoi */
#define PHYSDEVOP_restore_msi        19 /* physdev_restore_msi */
#define PHYSDEVOP_manage_pci_add_ext 20 /* physdev_manage_pci_ext */
#define PHYSDEVOP_setup_gsi          21 /* physdev_setup_gsi */
#define PHYSDEVOP_get_free_pirq      23 /* physdev_get_free_pirq */
#define PHYSDEVOP_pci_mmcfg_reserved 24 /* physdev_pci_mmcfg_reserved */
#define PHYSDEVOP_pci_device_add     25 /* physdev_pci_device_add */
#define PHYSDEVOP_pci_device_remove  26 /* physdev_pci_device */
#define PHYSDEVOP_restore_msi_ext    27 /* physdev_pci_device */
#define PHYSDEVOP_pirq_eoi_gmfn_v2   28 /* physdev_pirq_eoi_gmfn */
#define PHYSDEVOP_dbgp_op            29 /* physdev_dbgp_op */
#define PHYSDEVOP_prepare_msix       30 /* physdev_pci_device */
#define PHYSDEVOP_release_msix       31 /* physdev_pci_device */
#if __XEN_INTERFACE_VERSION__ < 0x00040200
#define PHYSDEVOP_pirq_eoi_gmfn      PHYSDEVOP_pirq_eoi_gmfn_v1
#else
#define PHYSDEVOP_pirq_eoi_gmfn      PHYSDEVOP_pirq_eoi_gmfn_v2
#endif

/* physdev_irq_status_query.flags */
#define _XENIRQSTAT_needs_eoi (0) /* the interrupt stays off until PHYSDEVOP_eoi */
#define XENIRQSTAT_needs_eoi  (1U << _XENIRQSTAT_needs_eoi)
#define _XENIRQSTAT_shared    (1) /* other domains have it too */
#define XENIRQSTAT_shared     (1U << _XENIRQSTAT_shared)

/* physdev_map_pirq.type */
#define MAP_PIRQ_TYPE_MSI       0x0
#define MAP_PIRQ_TYPE_GSI       0x1
#define MAP_PIRQ_TYPE_UNKNOWN   0x2
#define MAP_PIRQ_TYPE_MSI_SEG   0x3 /* MSI, with the PCI segment in bits 16-31 of bus */
#define MAP_PIRQ_TYPE_MULTI_MSI 0x4 /* several MSIs, their number in entry_nr */

#define XEN_PCI_MMCFG_RESERVED 0x1 /* the firmware reserves the range */

/* physdev_pci_device_add.flags */
#define XEN_PCI_DEV_EXTFN  0x1
#define XEN_PCI_DEV_VIRTFN 0x2
#define XEN_PCI_DEV_PXM    0x4 /* optarr[0] is the proximity domain */

/* physdev_dbgp_op */
#define PHYSDEVOP_DBGP_RESET_PREPARE 1
#define PHYSDEVOP_DBGP_RESET_DONE    2
#define PHYSDEVOP_DBGP_BUS_UNKNOWN   0
#define PHYSDEVOP_DBGP_BUS_PCI       1

#ifndef __ASSEMBLY__

/* After an interrupt of a pirq whose status says needs_eoi; for others it is not needed. */
struct physdev_eoi {
    uint32_t irq; /* pirq */
};
typedef struct physdev_eoi physdev_eoi_t;
DEFINE_XEN_GUEST_HANDLE(physdev_eoi_t);

/*
 * A page of the caller in which the hypervisor keeps a bit per pirq: needs eoi. Once per domain
 * (-XEN_EBUSY).
 */
struct physdev_pirq_eoi_gmfn {
    xen_pfn_t gmfn;
};
typedef struct physdev_pirq_eoi_gmfn physdev_pirq_eoi_gmfn_t;
DEFINE_XEN_GUEST_HANDLE(physdev_pirq_eoi_gmfn_t);

/* How a pirq wants to be treated. */
struct physdev_irq_status_query {
    uint32_t irq;
    uint32_t flags; /* OUT: XENIRQSTAT_... */
};
typedef struct physdev_irq_status_query physdev_irq_status_query_t;
DEFINE_XEN_GUEST_HANDLE(physdev_irq_status_query_t);

/* The calling vCPU's I/O privilege level, as its kernel sees it. */
struct physdev_set_iopl {
    uint32_t iopl; /* 0-3 */
};
typedef struct physdev_set_iopl physdev_set_iopl_t;
DEFINE_XEN_GUEST_HANDLE(physdev_set_iopl_t);

/* Which ports guest user mode of the calling vCPU may use: a clear bit allows. */
struct physdev_set_iobitmap {
    XEN_GUEST_HANDLE(uint8) bitmap;
    uint32_t nr_ports; /* bits; at most 65536 */
};
typedef struct physdev_set_iobitmap physdev_set_iobitmap_t;
DEFINE_XEN_GUEST_HANDLE(physdev_set_iobitmap_t);

/* A register of an IO-APIC, which is named by its machine address. */
struct physdev_apic {
    unsigned long apic_physbase; /* of the IO-APIC */
    uint32_t reg;
    uint32_t value; /* OUT when reading */
};
typedef struct physdev_apic physdev_apic_t;
DEFINE_XEN_GUEST_HANDLE(physdev_apic_t);

/*
 * The vector of a line. Kernels that would write it into the IO-APIC themselves ask for it; the
 * hypervisor does that, and the number is only for them to be content.
 */
struct physdev_irq {
    uint32_t irq;
    uint32_t vector; /* OUT */
};
typedef struct physdev_irq physdev_irq_t;
DEFINE_XEN_GUEST_HANDLE(physdev_irq_t);

/* Makes a pirq of a line, or of a message of the PCI function bus:devfn. */
struct physdev_map_pirq {
    domid_t domid;       /* for whom */
    int type;            /* MAP_PIRQ_TYPE_... */
    int index;           /* GSI: the line; MSI: -1 */
    int pirq;            /* IN: wanted, or -1; OUT */
    int bus;             /* the rest for MSI */
    int devfn;
    int entry_nr;        /* MSI-X entry; multi-MSI: IN and OUT number of vectors */
    uint64_t table_base; /* of the MSI-X table; 0: plain MSI */
};
typedef struct physdev_map_pirq physdev_map_pirq_t;
DEFINE_XEN_GUEST_HANDLE(physdev_map_pirq_t);

/* Takes it back; its port stays, and gets no more events. */
struct physdev_unmap_pirq {
    domid_t domid;
    int pirq;
};
typedef struct physdev_unmap_pirq physdev_unmap_pirq_t;
DEFINE_XEN_GUEST_HANDLE(physdev_unmap_pirq_t);

/* A PCI function that the first domain has found, or that is gone. */
struct physdev_manage_pci {
    uint8_t bus;
    uint8_t devfn;
};
typedef struct physdev_manage_pci physdev_manage_pci_t;
DEFINE_XEN_GUEST_HANDLE(physdev_manage_pci_t);

/* After a function has lost its state, by sleep or reset: its messages are written to it again. */
struct physdev_restore_msi {
    uint8_t bus;
    uint8_t devfn;
};
typedef struct physdev_restore_msi physdev_restore_msi_t;
DEFINE_XEN_GUEST_HANDLE(physdev_restore_msi_t);

/* The same as physdev_manage_pci, with more about functions beyond the usual ones. */
struct physdev_manage_pci_ext {
    uint8_t bus;
    uint8_t devfn;
    uint32_t is_extfn;
    uint32_t is_virtfn;
    struct {
        uint8_t bus;
        uint8_t devfn;
    } physfn;
};
typedef struct physdev_manage_pci_ext physdev_manage_pci_ext_t;
DEFINE_XEN_GUEST_HANDLE(physdev_manage_pci_ext_t);

/* Command and argument in one, as physdev_op_compat takes them. */
struct physdev_op {
    uint32_t cmd;
    union {
        physdev_irq_status_query_t irq_status_query;
        physdev_set_iopl_t set_iopl;
        physdev_set_iobitmap_t set_iobitmap;
        physdev_apic_t apic_op;
        physdev_irq_t irq_op;
    } u;
};
typedef struct physdev_op physdev_op_t;
DEFINE_XEN_GUEST_HANDLE(physdev_op_t);

/* What ACPI says about a line of the IO-APICs. */
struct physdev_setup_gsi {
    int gsi;
    uint8_t triggering; /* 0 edge, 1 level */
    uint8_t polarity;   /* 0 high, 1 low */
};
typedef struct physdev_setup_gsi physdev_setup_gsi_t;
DEFINE_XEN_GUEST_HANDLE(physdev_setup_gsi_t);

/* A number that is free, for a message that is mapped to it later. */
struct physdev_get_free_pirq {
    int type;      /* MAP_PIRQ_TYPE_... */
    uint32_t pirq; /* OUT */
};
typedef struct physdev_get_free_pirq physdev_get_free_pirq_t;
DEFINE_XEN_GUEST_HANDLE(physdev_get_free_pirq_t);

/* A memory-mapped configuration space that ACPI reports. */
struct physdev_pci_mmcfg_reserved {
    uint64_t address;
    uint16_t segment;
    uint8_t start_bus;
    uint8_t end_bus;
    uint32_t flags; /* XEN_PCI_MMCFG_RESERVED */
};
typedef struct physdev_pci_mmcfg_reserved physdev_pci_mmcfg_reserved_t;
DEFINE_XEN_GUEST_HANDLE(physdev_pci_mmcfg_reserved_t);

/* The newest form of the report that a function is there. */
struct physdev_pci_device_add {
    uint16_t seg;
    uint8_t bus;
    uint8_t devfn;
    uint32_t flags; /* XEN_PCI_DEV_... */
    struct {
        uint8_t bus;
        uint8_t devfn;
    } physfn;       /* with XEN_PCI_DEV_VIRTFN: the physical function */
    uint32_t optarr[XEN_FLEX_ARRAY_DIM];
};
typedef struct physdev_pci_device_add physdev_pci_device_add_t;
DEFINE_XEN_GUEST_HANDLE(physdev_pci_device_add_t);

/*
 * A function that is gone (pci_device_remove), whose messages are to be restored (restore_msi_ext),
 * or whose memory ranges will not (prepare_msix) or may again (release_msix) change.
 */
struct physdev_pci_device {
    uint16_t seg;
    uint8_t bus;
    uint8_t devfn;
};
typedef struct physdev_pci_device physdev_pci_device_t;
DEFINE_XEN_GUEST_HANDLE(physdev_pci_device_t);

/* The USB debug port's controller is about to be, or has been, reset. */
struct physdev_dbgp_op {
    uint8_t op;  /* PHYSDEVOP_DBGP_RESET_... */
    uint8_t bus; /* PHYSDEVOP_DBGP_BUS_... */
    union {
        physdev_pci_device_t pci;
    } u;
};
typedef struct physdev_dbgp_op physdev_dbgp_op_t;
DEFINE_XEN_GUEST_HANDLE(physdev_dbgp_op_t);

#endif /* !__ASSEMBLY__ */

#endif
