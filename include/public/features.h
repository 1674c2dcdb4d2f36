/* SPDX-License-Identifier: MIT */
/*
 * Bit numbers of XENVER_get_features and of the ELF notes about features.
 *
 * The hypervisor says by them what it does for this guest; a kernel, in its notes, what it can use
 * and what it can't do without. Bits 0 to 3 describe guests of other kinds: a 64-bit PV kernel must
 * do without.
 */
#ifndef __XEN_PUBLIC_FEATURES_H__
#define __XEN_PUBLIC_FEATURES_H__

#define XENFEAT_writable_page_tables       0  /* the guest writes its page tables without asking */
#define XENFEAT_writable_descriptor_tables 1  /* and its descriptor tables */
#define XENFEAT_auto_translated_physmap    2  /* the hypervisor translates pfns */
#define XENFEAT_supervisor_mode_kernel     3  /* the guest kernel runs in ring 0 */
#define XENFEAT_pae_pgdir_above_4gb        4  /* page-table roots may lie anywhere */
#define XENFEAT_mmu_pt_update_preserve_ad  5  /* MMU_PT_UPDATE_PRESERVE_AD exists */
#define XENFEAT_highmem_assist             6
#define XENFEAT_gnttab_map_avail_bits      7  /* grant mappings set an entry's available bits */
#define XENFEAT_hvm_callback_vector        8
#define XENFEAT_hvm_safe_pvclock           9
#define XENFEAT_hvm_pirqs                  10
#define XENFEAT_dom0                       11 /* this is, or the kernel can be, the first domain */
#define XENFEAT_memory_op_vnode_supported  13 /* XENMEMF_vnode */
#define XENFEAT_ARM_SMCCC_supported        14
#define XENFEAT_linux_rsdp_unrestricted    15 /* the ACPI root pointer may lie above 4 GiB */
#define XENFEAT_not_direct_mapped          16
#define XENFEAT_direct_mapped              17 /* gfn and mfn are equal */

#define XENFEAT_NR_SUBMAPS                 1  /* words of 32 bits */

#endif
