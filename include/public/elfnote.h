/* SPDX-License-Identifier: MIT */
/*
 * ELF notes, owner "Xen", by which a kernel image says how it wants to be loaded. A number is
 * stored in 4 or 8 bytes, a text with its terminating zero.
 */
#ifndef __XEN_PUBLIC_ELFNOTE_H__
#define __XEN_PUBLIC_ELFNOTE_H__

#define XEN_ELFNOTE_INFO               0  /* text, for old images: name=value pairs */
#define XEN_ELFNOTE_ENTRY              1  /* address of the first instruction; default: ELF's */
#define XEN_ELFNOTE_HYPERCALL_PAGE     2  /* virtual address of a page to fill with stubs */
#define XEN_ELFNOTE_VIRT_BASE          3  /* virtual address at which pfn 0 is mapped */
#define XEN_ELFNOTE_PADDR_OFFSET       4  /* to subtract from ELF physical addresses; default 0 */
#define XEN_ELFNOTE_XEN_VERSION        5  /* text, "xen-3.0" */
#define XEN_ELFNOTE_GUEST_OS           6  /* text */
#define XEN_ELFNOTE_GUEST_VERSION      7  /* text */
#define XEN_ELFNOTE_LOADER             8  /* text, "generic" */
#define XEN_ELFNOTE_PAE_MODE           9  /* text, "yes"; for 32-bit kernels */
#define XEN_ELFNOTE_FEATURES           10 /* text: names between '|', '!' before those it needs */
#define XEN_ELFNOTE_BSD_SYMTAB         11 /* text, "yes": load the symbol table behind the image */
#define XEN_ELFNOTE_HV_START_LOW       12 /* lowest address that the hypervisor may take */
#define XEN_ELFNOTE_L1_MFN_VALID       13 /* pairs (mask, value): when an entry holds an mfn */
#define XEN_ELFNOTE_SUSPEND_CANCEL     14 /* 1: can go on after a suspension that was cancelled */
#define XEN_ELFNOTE_INIT_P2M           15 /* virtual address where the P2M shall be mapped */
#define XEN_ELFNOTE_MOD_START_PFN      16 /* not 0: the ramdisk need not be mapped */
#define XEN_ELFNOTE_SUPPORTED_FEATURES 17 /* bit per XENFEAT_... */
#define XEN_ELFNOTE_PHYS32_ENTRY       18 /* physical address of the PVH entry */
#define XEN_ELFNOTE_MAX                XEN_ELFNOTE_PHYS32_ENTRY

/* In crash dumps of the hypervisor and of domains. */
#define XEN_ELFNOTE_CRASH_INFO              0x1000001
#define XEN_ELFNOTE_CRASH_REGS              0x1000002
#define XEN_ELFNOTE_DUMPCORE_NONE           0x2000000
#define XEN_ELFNOTE_DUMPCORE_HEADER         0x2000001
#define XEN_ELFNOTE_DUMPCORE_XEN_VERSION    0x2000002
#define XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION 0x2000003

#endif
