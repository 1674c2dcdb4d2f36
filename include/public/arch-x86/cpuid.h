/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's CPUID leaves. They start at XEN_CPUID_FIRST_LEAF, or at a later multiple of
 * 0x100 if another interface sits there; ebx, ecx, edx of the first leaf spell "XenVMMXenVMM". A PV
 * guest asks with XEN_CPUID (xen.h).
 *
 * Leaf + 0  eax: number of the last leaf; ebx, ecx, edx: signature
 * Leaf + 1  eax: major << 16 | minor version
 * Leaf + 2  eax: number of hypercall pages; ebx: register that fills one;
 *           ecx, edx: features (XEN_CPUID_FEAT1_...)
 * Leaf + 3  time. Sub-leaf 0, eax: bit 0 the TSC is emulated, bit 1 it is reliable, bit 2 rdtscp
 *           exists; ebx: mode; ecx: kHz; edx: incarnation. Sub-leaf 1: eax, ebx: offset of the
 *           virtual TSC; ecx: scale; edx: shift.
 *           Sub-leaf 2, eax: kHz of the processor
 * Leaf + 4  HVM guests only: XEN_HVM_CPUID_...
 * Leaf + 5  PV guests. Sub-leaf 0, ebx: XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK
 */
#ifndef __XEN_PUBLIC_ARCH_X86_CPUID_H__
#define __XEN_PUBLIC_ARCH_X86_CPUID_H__

#define XEN_CPUID_FIRST_LEAF 0x40000000
#define XEN_CPUID_LEAF(i)    (XEN_CPUID_FIRST_LEAF + (i))

#define XEN_CPUID_SIGNATURE_EBX 0x566e6558 /* "XenV" */
#define XEN_CPUID_SIGNATURE_ECX 0x65584d4d /* "MMXe" */
#define XEN_CPUID_SIGNATURE_EDX 0x4d4d566e /* "nVMM" */

#define _XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD 0
#define XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD  (1u << 0)

#define XEN_HVM_CPUID_APIC_ACCESS_VIRT (1u << 0)
#define XEN_HVM_CPUID_X2APIC_VIRT      (1u << 1)
#define XEN_HVM_CPUID_IOMMU_MAPPINGS   (1u << 2)
#define XEN_HVM_CPUID_VCPU_ID_PRESENT  (1u << 3)
#define XEN_HVM_CPUID_DOMID_PRESENT    (1u << 4)
#define XEN_HVM_CPUID_EXT_DEST_ID      (1u << 5)
#define XEN_HVM_CPUID_UPCALL_VECTOR    (1u << 6)

/* Number of bits of a machine address. */
#define XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK (0xffu << 0)

#define XEN_CPUID_MAX_NUM_LEAVES 5

#endif
