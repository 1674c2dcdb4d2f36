/* SPDX-License-Identifier: MIT */
/* Which bits an entry of each level may have. */
#include "../lib/case.h"

#define PLACE 0xffffd10000000000UL

struct tables {
    uint64_t *page, *l1, *l2, *l3;
};

/* A page below an L1 below an L2 below an L3, all unpinned. */
static struct tables build(uint64_t leaf_flags)
{
    struct tables t = { pv_alloc_page(), pv_alloc_page(), pv_alloc_table(), pv_alloc_table() };

    t.l1[0] = pv_pte(pv_va_to_mfn(t.page), leaf_flags);
    pv_update_va((uint64_t)t.l1, pv_pte(pv_va_to_mfn(t.l1), PV_PROT_RO), UVMF_INVLPG);
    return t;
}

static void drop(struct tables *t)
{
    EXPECT_EQ(pv_free_table(t->l1), 0);
    EXPECT_EQ(pv_free_table(t->l2), 0);
    EXPECT_EQ(pv_free_table(t->l3), 0);
    pv_free_page(t->page);
}

static const struct flag {
    const char *name;
    uint64_t bits;
    int leaf, table; /* what pinning an L1, or an upper table, with such an entry says */
} flags[] = {
    { "none", 0, 0, 0 },
    { "RW", PV_PTE_RW, 0, 0 },
    { "USER", PV_PTE_USER, 0, 0 },
    { "A", PV_PTE_A, 0, 0 },
    { "D", PV_PTE_D, 0, 0 },
    { "NX", PV_PTE_NX, 0, 0 },
    { "AVAIL", 0xe00, 0, 0 },
    { "AVAIL_HIGH", 0x7ffUL << 52, 0, 0 },
    { "G", PV_PTE_G, 0, -XEN_EINVAL },
    { "PWT", PV_PTE_PWT, 0, -XEN_EINVAL },
    { "PCD", PV_PTE_PCD, 0, -XEN_EINVAL },
    { "PAT or PSE", PV_PTE_PSE, 0, -XEN_EINVAL },
    { "address bit 51", 1UL << 51, -XEN_EPERM, -XEN_EINVAL },
};

CASE(flags_l1, "a leaf of the first domain may have every bit; a frame past the machine's is I/O "
     "memory that it may not map",
     "mmu_flags.l1:allowed mmu_flags.l1:refused mmuext_op.pin_l1:effect mmuext_op.pin_l1:EINVAL")
{
    for (size_t i = 0; i < PV_ARRAY_SIZE(flags); i++) {
        struct tables t = build(PV_PTE_P | flags[i].bits);
        int rc = pv_pin(pv_va_to_mfn(t.l1), 1);

        EXPECT_ROW(rc, flags[i].leaf, flags[i].name);
        if (!rc)
            EXPECT_ROW(pv_unpin(pv_va_to_mfn(t.l1)), 0, flags[i].name);
        drop(&t);
    }
}

static int pin_upper(uint64_t *table, uint64_t *below, unsigned int level, uint64_t bits)
{
    uint64_t va = (uint64_t)table;
    int rc;

    pv_update_va(va, pv_pte(pv_va_to_mfn(table), PV_PROT_RW), UVMF_INVLPG);
    table[3] = pv_pte(pv_va_to_mfn(below), PV_PTE_P | bits);
    pv_update_va(va, pv_pte(pv_va_to_mfn(table), PV_PROT_RO), UVMF_INVLPG);
    rc = pv_pin(pv_va_to_mfn(table), level);
    return rc ? rc : pv_unpin(pv_va_to_mfn(table));
}

CASE(flags_l2, "an L2 entry may not have G, PWT, PCD nor PSE: there are no large pages",
     "mmu_flags.l2:allowed mmu_flags.l2:refused mmuext_op.pin_l2:effect mmuext_op.pin_l2:EINVAL "
     "security.large_page:refused")
{
    for (size_t i = 0; i < PV_ARRAY_SIZE(flags); i++) {
        struct tables t = build(PV_PTE_P);

        EXPECT_ROW(pin_upper(t.l2, t.l1, 2, flags[i].bits), flags[i].table, flags[i].name);
        drop(&t);
    }
}

CASE(flags_l3, "an L3 entry may not have them either",
     "mmu_flags.l3:allowed mmu_flags.l3:refused mmuext_op.pin_l3:effect mmuext_op.pin_l3:EINVAL "
     "security.large_page:refused")
{
    for (size_t i = 0; i < PV_ARRAY_SIZE(flags); i++) {
        struct tables t = build(PV_PTE_P);

        EXPECT_ROW(pin_upper(t.l3, t.l2, 3, flags[i].bits), flags[i].table, flags[i].name);
        drop(&t);
    }
}

CASE(flags_l4, "nor may an L4 entry",
     "mmu_flags.l4:allowed mmu_flags.l4:refused mmuext_op.pin_l4:effect mmuext_op.pin_l4:EINVAL")
{
    for (size_t i = 0; i < PV_ARRAY_SIZE(flags); i++) {
        struct tables t = build(PV_PTE_P);
        uint64_t *l4 = pv_alloc_table();

        EXPECT_ROW(pin_upper(l4, t.l3, 4, flags[i].bits), flags[i].table, flags[i].name);
        EXPECT_EQ(pv_free_table(l4), 0);
        drop(&t);
    }
}

CASE(flags_update, "an update of one entry keeps the same rules as pinning",
     "mmu_flags.l2:refused mmu_flags.l1:refused update_va_mapping:EINVAL")
{
    struct tables t = build(PV_PTE_P);
    uint64_t base = pv_va_to_mfn(t.l2).nr << 12;

    EXPECT_EQ(pv_pin(pv_va_to_mfn(t.l2), 2), 0);
    for (size_t i = 0; i < PV_ARRAY_SIZE(flags); i++) {
        EXPECT_ROW(pv_write_pte(base, pv_pte(pv_va_to_mfn(t.l1), PV_PTE_P | flags[i].bits)),
                   flags[i].table, flags[i].name);
        EXPECT_EQ(pv_write_pte(base, 0), 0);
    }
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(t.l2)), 0);
    drop(&t);
}

CASE(flags_user_forced, "an entry reads back with its frame and its RW, A, D, NX and AVAIL bits",
     "mmu_flags.l1:readback")
{
    static const uint64_t sets[] = {
        PV_PTE_P, PV_PROT_RW, PV_PROT_RO, PV_PROT_RX, PV_PROT_RW | 0xa00, PV_PROT_RW | PV_PTE_USER,
    };
    uint64_t kept = PV_PTE_FRAME | PV_PTE_P | PV_PTE_RW | PV_PTE_A | PV_PTE_D | PV_PTE_NX | 0xe00;
    void *page = pv_alloc_page();

    for (size_t i = 0; i < PV_ARRAY_SIZE(sets); i++) {
        uint64_t pte = pv_pte(pv_va_to_mfn(page), sets[i]);

        EXPECT_EQ(pv_map(PLACE, pv_va_to_mfn(page), sets[i]), 0);
        EXPECT_EQ(*pv_find_pte(pv_current_root(), PLACE, 1) & kept, pte & kept);
        /* And what is read back may be written again. */
        EXPECT_EQ(pv_update_va(PLACE, *pv_find_pte(pv_current_root(), PLACE, 1), UVMF_INVLPG), 0);
    }
    EXPECT_EQ(pv_unmap(PLACE, 1), 0);
    pv_free_page(page);
}
