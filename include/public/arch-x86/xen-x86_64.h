/* SPDX-License-Identifier: MIT */
/*
 * Selectors, the hypervisor's address range and the register file of a 64-bit guest. Comes with
 * <xen/xen.h>.
 */
#include "../xen.h"

#ifndef __XEN_PUBLIC_ARCH_X86_XEN_X86_64_H__
#define __XEN_PUBLIC_ARCH_X86_XEN_X86_64_H__

/* Segments that every GDT has. Guest kernel and guest user both run at privilege level 3. */
#define FLAT_RING3_CS32 0xe023
#define FLAT_RING3_CS64 0xe033
#define FLAT_RING3_DS32 0xe02b
#define FLAT_RING3_DS64 0x0000
#define FLAT_RING3_SS32 0xe02b
#define FLAT_RING3_SS64 0xe02b

#define FLAT_KERNEL_DS64 FLAT_RING3_DS64
#define FLAT_KERNEL_DS32 FLAT_RING3_DS32
#define FLAT_KERNEL_DS   FLAT_KERNEL_DS64
#define FLAT_KERNEL_CS64 FLAT_RING3_CS64
#define FLAT_KERNEL_CS32 FLAT_RING3_CS32
#define FLAT_KERNEL_CS   FLAT_KERNEL_CS64
#define FLAT_KERNEL_SS64 FLAT_RING3_SS64
#define FLAT_KERNEL_SS32 FLAT_RING3_SS32
#define FLAT_KERNEL_SS   FLAT_KERNEL_SS64

#define FLAT_USER_DS64 FLAT_RING3_DS64
#define FLAT_USER_DS32 FLAT_RING3_DS32
#define FLAT_USER_DS   FLAT_USER_DS64
#define FLAT_USER_CS64 FLAT_RING3_CS64
#define FLAT_USER_CS32 FLAT_RING3_CS32
#define FLAT_USER_CS   FLAT_USER_CS64
#define FLAT_USER_SS64 FLAT_RING3_SS64
#define FLAT_USER_SS32 FLAT_RING3_SS32
#define FLAT_USER_SS   FLAT_USER_SS64

/*
 * L4 slots 256 to 271 are the hypervisor's. The range starts with the machine-to-physical table,
 * which guests may read: the pfn of each mfn, 8 bytes an entry.
 */
#define __HYPERVISOR_VIRT_START 0xFFFF800000000000
#define __HYPERVISOR_VIRT_END   0xFFFF880000000000
#define __MACH2PHYS_VIRT_START  0xFFFF800000000000
#define __MACH2PHYS_VIRT_END    0xFFFF804000000000

#ifndef HYPERVISOR_VIRT_START
#define HYPERVISOR_VIRT_START   xen_mk_ulong(__HYPERVISOR_VIRT_START)
#define HYPERVISOR_VIRT_END     xen_mk_ulong(__HYPERVISOR_VIRT_END)
#endif
#define MACH2PHYS_VIRT_START    xen_mk_ulong(__MACH2PHYS_VIRT_START)
#define MACH2PHYS_VIRT_END      xen_mk_ulong(__MACH2PHYS_VIRT_END)
#define MACH2PHYS_NR_ENTRIES    ((MACH2PHYS_VIRT_END - MACH2PHYS_VIRT_START) >> 3)
#ifndef machine_to_phys_mapping
#define machine_to_phys_mapping ((unsigned long *)HYPERVISOR_VIRT_START)
#endif

/*
 * set_segment_base(which, base): the FS base, the GS base in user mode, the GS base in kernel mode,
 * or the selector that GS gets in user mode. -XEN_EINVAL for a base that is not canonical or
 * another "which".
 */
#define SEGBASE_FS          0
#define SEGBASE_GS_USER     1
#define SEGBASE_GS_KERNEL   2
#define SEGBASE_GS_USER_SEL 3

/* Flag in iret_context: leave by sysret, which loses rcx and r11. */
#define _VGCF_in_syscall 8
#define VGCF_in_syscall  (1 << _VGCF_in_syscall)
#define VGCF_IN_SYSCALL  VGCF_in_syscall

#ifndef __ASSEMBLY__

/*
 * What the iret hypercall finds at the guest kernel's rsp. A cs of privilege level 3 returns to
 * guest user mode (which needs a user root), a lower one stays in the kernel. rflags.IF clear masks
 * events, set unmasks them. With VGCF_in_syscall in flags rcx and r11 are lost. There is no error:
 * a frame that can't be read or loaded is a crash of the domain, or a #GP in the guest, or goes to
 * the failsafe callback.
 */
struct iret_context {
    uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};

/*
 * Each register is a union that gives the parts their names. Guests get rNN and eNN, both 64 bits,
 * and _eNN, its low half; tools (and hypervisors) that define __XEN_TOOLS__ or __XEN__ get the
 * names that assembly uses: rax, eax, ax, al, ah; r8, r8d, r8w, r8b.
 */
#if defined(__XEN__) || defined(__XEN_TOOLS__)
#define __XEN_REG_ABCD(n) \
    union { uint64_t r##n##x; uint32_t e##n##x; uint16_t n##x; struct { uint8_t n##l, n##h; }; }
#define __XEN_REG_LO8(n) union { uint64_t r##n; uint32_t e##n; uint16_t n; uint8_t n##l; }
#define __XEN_REG_LO16(n) union { uint64_t r##n; uint32_t e##n; uint16_t n; }
#define __XEN_REG_NUM(n) \
    union { uint64_t r##n; uint32_t r##n##d; uint16_t r##n##w; uint8_t r##n##b; }
#else
#define __XEN_REG_LO16(n) union { uint64_t r##n, e##n; uint32_t _e##n; }
#define __XEN_REG_LO8(n)  __XEN_REG_LO16(n)
#define __XEN_REG_ABCD(n) __XEN_REG_LO16(n##x)
#define __XEN_REG_NUM(n)  uint64_t r##n
#endif

struct cpu_user_regs {
    __XEN_REG_NUM(15);
    __XEN_REG_NUM(14);
    __XEN_REG_NUM(13);
    __XEN_REG_NUM(12);
    __XEN_REG_LO8(bp);
    __XEN_REG_ABCD(b);
    __XEN_REG_NUM(11);
    __XEN_REG_NUM(10);
    __XEN_REG_NUM(9);
    __XEN_REG_NUM(8);
    __XEN_REG_ABCD(a);
    __XEN_REG_ABCD(c);
    __XEN_REG_ABCD(d);
    __XEN_REG_LO8(si);
    __XEN_REG_LO8(di);
    uint32_t error_code;   /* private to the hypervisor */
    uint32_t entry_vector; /* private to the hypervisor */
    __XEN_REG_LO16(ip);
    uint16_t cs, _pad0[1];
    uint8_t saved_upcall_mask; /* in a frame pushed for a handler: the event mask before it */
    uint8_t _pad1[3];
    __XEN_REG_LO16(flags);
    __XEN_REG_LO8(sp);
    uint16_t ss, _pad2[3];
    uint16_t es, _pad3[3];
    uint16_t ds, _pad4[3];
    uint16_t fs, _pad5[3]; /* a non-null selector takes the place of the base */
    uint16_t gs, _pad6[3];
};
typedef struct cpu_user_regs cpu_user_regs_t;
DEFINE_XEN_GUEST_HANDLE(cpu_user_regs_t);

#undef __XEN_REG_NUM
#undef __XEN_REG_ABCD
#undef __XEN_REG_LO8
#undef __XEN_REG_LO16

/* Page-table roots as cr3 holds them. */
#define xen_pfn_to_cr3(pfn) ((unsigned long)(pfn) << 12)
#define xen_cr3_to_pfn(cr3) ((unsigned long)(cr3) >> 12)

struct arch_vcpu_info {
    unsigned long cr2; /* address of the last page fault delivered */
    unsigned long pad;
};
typedef struct arch_vcpu_info arch_vcpu_info_t;

/* Address of a callback. */
typedef unsigned long xen_callback_t;

#endif /* !__ASSEMBLY__ */

#endif
