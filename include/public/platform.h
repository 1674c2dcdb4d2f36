/* SPDX-License-Identifier: MIT */
/*
 * platform_op(op): what the first domain's kernel tells and asks about the machine. Errors:
 * -XEN_EACCES wrong interface version, -XEN_EPERM not the first domain, -XEN_EINVAL, -XEN_ENOSYS
 * unknown command, -XEN_EFAULT. The list of commands is not complete: it has what a kernel needs to
 * run as first domain.
 */
#ifndef __XEN_PUBLIC_PLATFORM_H__
#define __XEN_PUBLIC_PLATFORM_H__

#include "xen.h"

#define XENPF_INTERFACE_VERSION 0x03000001

#define XENPF_settime32        17 /* xenpf_settime32 */
#define XENPF_add_memtype      31 /* xenpf_add_memtype */
#define XENPF_del_memtype      32 /* xenpf_del_memtype */
#define XENPF_read_memtype     33 /* xenpf_read_memtype */
#define XENPF_microcode_update 35 /* xenpf_microcode_update */
#define XENPF_platform_quirk   39 /* xenpf_platform_quirk */
#define XENPF_get_cpu_version  48 /* xenpf_pcpu_version */
#define XENPF_firmware_info    50 /* xenpf_firmware_info */
#define XENPF_enter_acpi_sleep 51 /* xenpf_enter_acpi_sleep */
#define XENPF_change_freq      52 /* xenpf_change_freq */
#define XENPF_getidletime      53 /* xenpf_getidletime */
#define XENPF_get_cpuinfo      55 /* xenpf_pcpuinfo */
#define XENPF_cpu_online       56 /* xenpf_cpu_ol */
#define XENPF_cpu_offline      57 /* xenpf_cpu_ol */
#define XENPF_settime64        62 /* xenpf_settime64 */
#define XENPF_get_symbol       63 /* xenpf_symdata */
#if __XEN_INTERFACE_VERSION__ < 0x00040600
#define XENPF_settime          XENPF_settime32
#define xenpf_settime          xenpf_settime32
#else
#define XENPF_settime          XENPF_settime64
#define xenpf_settime          xenpf_settime64
#endif

#ifndef __ASSEMBLY__

/* Set the wall clock: secs since 1970 and nsecs held when system time was system_time (ns). */
struct xenpf_settime32 {
    uint32_t secs;
    uint32_t nsecs;
    uint64_t system_time;
};
typedef struct xenpf_settime32 xenpf_settime32_t;

/* The same, for years beyond 2106. */
struct xenpf_settime64 {
    uint64_t secs;
    uint32_t nsecs;
    uint32_t mbz; /* 0 */
    uint64_t system_time;
};
typedef struct xenpf_settime64 xenpf_settime64_t;
typedef struct xenpf_settime xenpf_settime_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_settime_t);

/* Memory type range registers. */
struct xenpf_add_memtype {
    xen_pfn_t mfn;
    uint64_t nr_mfns;
    uint32_t type;
    uint32_t handle; /* OUT */
    uint32_t reg;    /* OUT */
};
typedef struct xenpf_add_memtype xenpf_add_memtype_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_add_memtype_t);

struct xenpf_del_memtype {
    uint32_t handle;
    uint32_t reg;
};
typedef struct xenpf_del_memtype xenpf_del_memtype_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_del_memtype_t);

struct xenpf_read_memtype {
    uint32_t reg;
    xen_pfn_t mfn;    /* OUT, as the rest */
    uint64_t nr_mfns;
    uint32_t type;
};
typedef struct xenpf_read_memtype xenpf_read_memtype_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_read_memtype_t);

/* An update for the processors, as their maker gives it out. */
struct xenpf_microcode_update {
    XEN_GUEST_HANDLE(const_void) data;
    uint32_t length; /* bytes */
};
typedef struct xenpf_microcode_update xenpf_microcode_update_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_microcode_update_t);

/* Faults of the chipset that the kernel has found. */
#define QUIRK_NOIRQBALANCING     1
#define QUIRK_IOAPIC_BAD_REGSEL  2
#define QUIRK_IOAPIC_GOOD_REGSEL 3
struct xenpf_platform_quirk {
    uint32_t quirk_id;
};
typedef struct xenpf_platform_quirk xenpf_platform_quirk_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_platform_quirk_t);

/*
 * What the firmware left behind; -XEN_ESRCH past the last index, -XEN_ENOSYS a type that this
 * machine has not.
 */
#define XEN_FW_DISK_INFO          1
#define XEN_FW_DISK_MBR_SIGNATURE 2
#define XEN_FW_VBEDDC_INFO        3
#define XEN_FW_EFI_INFO           4
#define XEN_FW_EFI_VERSION          0 /* index under XEN_FW_EFI_INFO */
#define XEN_FW_EFI_CONFIG_TABLE     1
#define XEN_FW_EFI_VENDOR           2
#define XEN_FW_EFI_MEM_INFO         3
#define XEN_FW_EFI_RT_VERSION       4
#define XEN_FW_EFI_PCI_ROM          5
#define XEN_FW_EFI_APPLE_PROPERTIES 6
#define XEN_FW_KBD_SHIFT_FLAGS    5
struct xenpf_firmware_info {
    uint32_t type;  /* IN */
    uint32_t index; /* IN */
    union {         /* OUT */
        struct {
            uint8_t device; /* BIOS number of the disk */
            uint8_t version;
            uint16_t interface_support;
            uint16_t legacy_max_cylinder;
            uint8_t legacy_max_head;
            uint8_t legacy_sectors_per_track;
            XEN_GUEST_HANDLE(void) edd_params; /* IN: first two bytes are the room there */
        } disk_info;
        struct {
            uint8_t device;
            uint32_t mbr_signature;
        } disk_mbr_signature;
        struct {
            uint8_t capabilities;
            uint8_t edid_transfer_time;
            XEN_GUEST_HANDLE(uint8) edid; /* room for 128 bytes */
        } vbeddc_info;
        union xenpf_efi_info {
            uint32_t version;
            struct {
                uint64_t addr;
                uint32_t nent;
            } cfg;
            struct {
                uint32_t revision;
                uint32_t bufsz; /* bytes */
                XEN_GUEST_HANDLE(void) name;
            } vendor;
            struct {
                uint64_t addr; /* IN: an address in the range */
                uint64_t size;
                uint64_t attr;
                uint32_t type;
            } mem;
            struct {
                uint16_t segment; /* IN, with bus, devfn, vendor, devid */
                uint8_t bus;
                uint8_t devfn;
                uint16_t vendor;
                uint16_t devid;
                uint64_t address;
                xen_ulong_t size;
            } pci_rom;
            struct {
                uint64_t address;
                xen_ulong_t size;
            } apple_properties;
        } efi_info;
        uint8_t kbd_shift_flags;
    } u;
};
typedef struct xenpf_firmware_info xenpf_firmware_info_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_firmware_info_t);

/*
 * Enter an ACPI sleep state by writing these values to PM1a and PM1b control. State 5 powers off
 * and does not return.
 */
struct xenpf_enter_acpi_sleep {
    uint16_t val_a;
    uint16_t val_b;
    uint32_t sleep_state; /* 1-5 */
#define XENPF_ACPI_SLEEP_EXTENDED 0x00000001 /* values for the sleep control register */
    uint32_t flags;
};
typedef struct xenpf_enter_acpi_sleep xenpf_enter_acpi_sleep_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_enter_acpi_sleep_t);

/* The kernel has changed a processor's clock: times are computed anew. */
struct xenpf_change_freq {
    uint32_t flags; /* 0 */
    uint32_t cpu;
    uint64_t freq; /* Hz */
};
typedef struct xenpf_change_freq xenpf_change_freq_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_change_freq_t);

struct xenpf_getidletime {
    XEN_GUEST_HANDLE(uint8) cpumap_bitmap; /* IN: which processors; OUT: those that are there */
    uint32_t cpumap_nr_cpus;               /* IN: bits */
    XEN_GUEST_HANDLE(uint64) idletime;     /* OUT: ns each was idle */
    uint64_t now;                          /* OUT: system time, ns */
};
typedef struct xenpf_getidletime xenpf_getidletime_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_getidletime_t);

/*
 * A processor of the machine. One that does not exist gets XEN_PCPU_FLAGS_INVALID rather than an
 * error.
 */
struct xenpf_pcpuinfo {
    uint32_t xen_cpuid;   /* IN */
    uint32_t max_present; /* OUT, as the rest: highest number in use */
#define XEN_PCPU_FLAGS_ONLINE  1
#define XEN_PCPU_FLAGS_INVALID 2
    uint32_t flags;
    uint32_t apic_id;
    uint32_t acpi_id;
};
typedef struct xenpf_pcpuinfo xenpf_pcpuinfo_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_pcpuinfo_t);

/* What a processor says of itself by CPUID; of one that does not exist all is 0. */
struct xenpf_pcpu_version {
    uint32_t xen_cpuid;   /* IN */
    uint32_t max_present; /* OUT, as the rest */
    char vendor_id[12];   /* not zero-terminated */
    uint32_t family;
    uint32_t model;
    uint32_t stepping;
};
typedef struct xenpf_pcpu_version xenpf_pcpu_version_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_pcpu_version_t);

/* Takes a processor out of use, or into it again. */
struct xenpf_cpu_ol {
    uint32_t cpuid;
};
typedef struct xenpf_cpu_ol xenpf_cpu_ol_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_cpu_ol_t);

/* The hypervisor's symbols one by one; namelen of 0: no more. */
struct xenpf_symdata {
    uint32_t namelen;            /* IN: room, OUT: length with the zero */
    uint32_t symnum;             /* IN: which, OUT: the next */
    XEN_GUEST_HANDLE(char) name;
    uint64_t address;            /* OUT */
    char type;                   /* OUT */
};
typedef struct xenpf_symdata xenpf_symdata_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_symdata_t);

/* The argument of each command; results go back into it. */
struct xen_platform_op {
    uint32_t cmd;               /* XENPF_... */
    uint32_t interface_version; /* XENPF_INTERFACE_VERSION */
    union {
        xenpf_settime_t settime;
        xenpf_settime32_t settime32;
        xenpf_settime64_t settime64;
        xenpf_add_memtype_t add_memtype;
        xenpf_del_memtype_t del_memtype;
        xenpf_read_memtype_t read_memtype;
        xenpf_microcode_update_t microcode;
        xenpf_platform_quirk_t platform_quirk;
        xenpf_firmware_info_t firmware_info;
        xenpf_enter_acpi_sleep_t enter_acpi_sleep;
        xenpf_change_freq_t change_freq;
        xenpf_getidletime_t getidletime;
        xenpf_pcpuinfo_t pcpu_info;
        xenpf_pcpu_version_t pcpu_version;
        xenpf_cpu_ol_t cpu_ol;
        xenpf_symdata_t symdata;
        uint8_t pad[128];
    } u;
};
typedef struct xen_platform_op xen_platform_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_platform_op_t);

#endif /* !__ASSEMBLY__ */

#endif
