/* SPDX-License-Identifier: MIT */
/*
 * Linear page tables: an entry of a level-4 table that names a level-4 table, so that the guest
 * sees its own tables as memory. Read-only, one table deep, and that at level 4 only.
 */
#include "../lib/case.h"

#define SLOT    300UL           /* of the root, which nobody else uses */
#define LINEAR  (PV_PTE_P | PV_PTE_USER | PV_PTE_A | PV_PTE_D)

/* The address with these indexes at levels 4 to 1. */
static uint64_t va_of(uint64_t l4, uint64_t l3, uint64_t l2, uint64_t l1)
{
    return (l4 >= 256 ? 0xffffUL << 48 : 0) | l4 << 39 | l3 << 30 | l2 << 21 | l1 << 12;
}

static uint64_t slot_of(pv_mfn_t table, uint64_t slot)
{
    return (table.nr << PV_PAGE_SHIFT) + slot * 8;
}

static int map_linear(pv_mfn_t root, pv_mfn_t table)
{
    return pv_write_pte(slot_of(root, SLOT), pv_pte(table, LINEAR));
}

static pv_mfn_t pinned_l4(void **page)
{
    *page = pv_alloc_table();
    EXPECT_EQ(pv_pin(pv_va_to_mfn(*page), 4), 0);
    return pv_va_to_mfn(*page);
}

static void drop_l4(void *page)
{
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(page)), 0);
    EXPECT_EQ(pv_free_table(page), 0);
}

CASE(linear_self, "an L4 may have a read-only entry for itself, and shows all tables through it",
     "linear.self:effect")
{
    pv_mfn_t root = pv_current_root();
    const uint64_t *l4 = pv_pfn_to_va(pv_mfn_to_pfn(root));
    uint64_t va = (uint64_t)l4, value = 0;

    EXPECT_EQ(map_linear(root, root), 0);
    EXPECT_FAULT(pv_probe_read(va_of(SLOT, SLOT, SLOT, SLOT) + SLOT * 8, &value), PV_NO_FAULT);
    EXPECT_EQ(value, l4[SLOT]);
    EXPECT_FAULT(pv_probe_read(va_of(SLOT, SLOT, SLOT, va >> 39 & 511) + (va >> 30 & 511) * 8,
                               &value), PV_NO_FAULT);
    EXPECT_EQ(pv_pte_mfn(value).nr, pv_pte_mfn(*pv_find_pte(root, va, 3)).nr);
    EXPECT_FAULT(pv_probe_read(va_of(SLOT, va >> 39 & 511, va >> 30 & 511, va >> 21 & 511) +
                               (va >> 12 & 511) * 8, &value), PV_NO_FAULT);
    EXPECT_EQ(pv_pte_mfn(value).nr, root.nr);
    EXPECT_EQ(pv_write_pte(slot_of(root, SLOT), 0), 0);
    EXPECT_EQ(pv_load_root(root), 0);
    EXPECT_TRUE(pv_probe_read(va_of(SLOT, SLOT, SLOT, SLOT), &value) != PV_NO_FAULT);
}

CASE(linear_pin, "an L4 that has an entry for itself can be pinned, if that is read-only",
     "linear.self:effect linear.write:refused")
{
    uint64_t *l4 = pv_alloc_page();
    pv_mfn_t mfn = pv_va_to_mfn(l4);

    l4[SLOT] = pv_pte(mfn, LINEAR | PV_PTE_RW);
    EXPECT_EQ(pv_update_va((uint64_t)l4, pv_pte(mfn, PV_PROT_RO), UVMF_INVLPG), 0);
    EXPECT_EQ(pv_pin(mfn, 4), -XEN_EINVAL);
    EXPECT_EQ(pv_update_va((uint64_t)l4, pv_pte(mfn, PV_PROT_RW), UVMF_INVLPG), 0);
    l4[SLOT] = pv_pte(mfn, LINEAR);
    EXPECT_EQ(pv_update_va((uint64_t)l4, pv_pte(mfn, PV_PROT_RO), UVMF_INVLPG), 0);
    EXPECT_EQ(pv_pin(mfn, 4), 0);
    drop_l4(l4);
}

CASE(linear_writable, "XSA-182: a linear entry can't be made writable, not even by a change of "
     "that flag alone",
     "linear.write:refused")
{
    pv_mfn_t root = pv_current_root();
    uint64_t entry = pv_pte(root, LINEAR);

    EXPECT_EQ(pv_write_pte(slot_of(root, SLOT), entry | PV_PTE_RW), -XEN_EINVAL);
    EXPECT_EQ(pv_write_pte(slot_of(root, SLOT), entry), 0);
    EXPECT_EQ(pv_write_pte(slot_of(root, SLOT), entry | PV_PTE_RW), -XEN_EINVAL);
    EXPECT_EQ(pv_write_pte(slot_of(root, SLOT) | MMU_PT_UPDATE_PRESERVE_AD, entry | PV_PTE_RW),
              -XEN_EINVAL);
    EXPECT_EQ(pv_write_pte(slot_of(root, SLOT), entry | PV_PTE_NX), 0);
    EXPECT_FAULT(pv_probe_write(va_of(SLOT, SLOT, SLOT, SLOT), 0),
                 PV_FAULT(PV_PF, PV_PF_PRESENT | PV_PF_WRITE));
    EXPECT_EQ(pv_write_pte(slot_of(root, SLOT), 0), 0);
    EXPECT_EQ(pv_load_root(root), 0);
}

CASE(linear_hypervisor, "nothing of the hypervisor but the M2P's tables is read through a linear "
     "entry",
     "linear.hypervisor:refused")
{
    static const unsigned int hidden[] = { 257, 258, 259, 260, 261, 262, 263, 270, 271 };
    pv_mfn_t root = pv_current_root();
    uint64_t value;

    EXPECT_EQ(map_linear(root, root), 0);
    for (size_t i = 0; i < PV_ARRAY_SIZE(hidden); i++) {
        unsigned int h = hidden[i];

        EXPECT_EQ(pv_fault_vector(pv_probe_read(va_of(SLOT, h, 0, 0), &value)), PV_PF);
        EXPECT_EQ(pv_fault_vector(pv_probe_read(va_of(SLOT, SLOT, h, 0), &value)), PV_PF);
        EXPECT_EQ(pv_fault_vector(pv_probe_read(va_of(SLOT, SLOT, SLOT, h), &value)), PV_PF);
        EXPECT_EQ(pv_fault_vector(pv_probe_write(va_of(SLOT, SLOT, SLOT, h), 0)), PV_PF);
    }
    EXPECT_EQ(pv_write_pte(slot_of(root, SLOT), 0), 0);
    EXPECT_EQ(pv_load_root(root), 0);
}

CASE(linear_other, "an L4 may have a read-only entry for another L4 that is in use, and keeps it "
     "so",
     "linear.other:effect")
{
    void *page, *named;
    pv_mfn_t l4 = pinned_l4(&page), other = pinned_l4(&named);

    EXPECT_EQ(pv_write_pte(slot_of(l4, SLOT), pv_pte(other, LINEAR | PV_PTE_RW)), -XEN_EINVAL);
    EXPECT_EQ(map_linear(l4, other), 0);
    EXPECT_EQ(pv_write_pte(slot_of(l4, SLOT), pv_pte(other, LINEAR | PV_PTE_RW)), -XEN_EINVAL);
    EXPECT_EQ(pv_unpin(other), 0);
    EXPECT_EQ(pv_update_va((uint64_t)named, pv_pte(other, PV_PROT_RW), UVMF_INVLPG), -XEN_EBUSY);
    EXPECT_EQ(pv_pin(other, 3), -XEN_EINVAL);
    EXPECT_EQ(pv_pin(other, 4), 0);
    EXPECT_EQ(pv_unpin(other), 0);
    drop_l4(page);
    EXPECT_EQ(pv_free_table(named), 0);
}

CASE(linear_depth, "XSA-240: an L4 that has a linear entry for another can't be named by one, nor "
     "the other way round",
     "linear.depth:refused")
{
    void *a, *b, *c;
    pv_mfn_t l4 = pinned_l4(&a), named = pinned_l4(&b), third = pinned_l4(&c);

    EXPECT_EQ(map_linear(l4, named), 0);
    EXPECT_EQ(map_linear(named, l4), -XEN_EINVAL);
    EXPECT_EQ(map_linear(named, third), -XEN_EINVAL);
    EXPECT_EQ(map_linear(third, l4), -XEN_EINVAL);
    EXPECT_EQ(map_linear(named, named), 0);
    EXPECT_EQ(map_linear(third, named), 0);
    EXPECT_EQ(pv_write_pte(slot_of(named, SLOT), 0), 0);
    EXPECT_EQ(map_linear(l4, third), -XEN_EINVAL);
    EXPECT_EQ(pv_write_pte(slot_of(third, SLOT), 0), 0);
    EXPECT_EQ(map_linear(l4, third), 0);
    /* Given up, both may be anything again. */
    EXPECT_EQ(pv_write_pte(slot_of(l4, SLOT), 0), 0);
    EXPECT_EQ(map_linear(named, l4), 0);
    drop_l4(b);
    drop_l4(a);
    drop_l4(c);
}

CASE(linear_not_in_use, "an L4 that is not in use as one is no linear table: it is taken for an L3",
     "linear.other:EINVAL")
{
    void *page, *root;
    pv_mfn_t l4 = pinned_l4(&page);

    root = pv_alloc_table();
    EXPECT_EQ(map_linear(l4, pv_va_to_mfn(root)), 0);
    EXPECT_EQ(pv_pin(pv_va_to_mfn(root), 4), -XEN_EINVAL);
    EXPECT_EQ(pv_write_pte(slot_of(l4, SLOT), 0), 0);
    drop_l4(page);
    EXPECT_EQ(pv_free_table(root), 0);
}

CASE(linear_lower, "an L3 or L2 with an entry for itself",
     "linear.lower:refused")
{
    for (unsigned int level = 2; level <= 3; level++) {
        void *table = pv_alloc_table();
        pv_mfn_t mfn = pv_va_to_mfn(table);

        EXPECT_EQ(pv_pin(mfn, level), 0);
        EXPECT_ON(map_linear(mfn, mfn), 0, -XEN_EINVAL,
                  "Xen has linear entries at levels 2 and 3 too; no 64-bit kernel uses them");
        EXPECT_EQ(pv_write_pte(slot_of(mfn, SLOT), pv_pte(mfn, LINEAR | PV_PTE_RW)), -XEN_EINVAL);
        EXPECT_EQ(pv_unpin(mfn), 0);
        EXPECT_EQ(pv_free_table(table), 0);
    }
}

CASE(linear_update_va, "update_va_mapping changes no entry through a linear address, nor does a "
     "store of the kernel's",
     "linear.update:refused")
{
    pv_mfn_t root = pv_current_root();
    uint64_t *page = pv_alloc_page(), va = (uint64_t)page;
    uint64_t pte = va_of(SLOT, va >> 39 & 511, va >> 30 & 511, va >> 21 & 511);
    uint64_t old = pv_pte(pv_va_to_mfn(page), PV_PROT_RW);

    EXPECT_EQ(map_linear(root, root), 0);
    EXPECT_EQ(pv_update_va(pte, old, UVMF_INVLPG), -XEN_EINVAL);
    EXPECT_EQ(pv_update_va(va_of(SLOT, SLOT, SLOT, SLOT), old, UVMF_INVLPG), -XEN_EINVAL);
    EXPECT_FAULT(pv_probe_write(pte + (va >> 12 & 511) * 8, pv_pte(root, PV_PROT_RW)),
                 PV_FAULT(PV_PF, PV_PF_PRESENT | PV_PF_WRITE));
    EXPECT_EQ(pv_write_pte(slot_of(root, SLOT), 0), 0);
    EXPECT_EQ(pv_load_root(root), 0);
    pv_free_page(page);
}
