/* SPDX-License-Identifier: MIT */
/* mmu_update, mmuext_op, update_va_mapping, descriptors. */
#include "fuzz.h"

#define MOST 4

/* Whose page tables in the high half, whose frames in the low one. */
static unsigned int two_domains(struct run *r)
{
    return some_domain(r) | (percent(r, 5) ? (some_domain(r) + 1u) << 16 : 0);
}

static unsigned int some_count(struct run *r, unsigned int n)
{
    static const unsigned int odd[] = { 0xffffffffu, 0x7fffffffu, 0x10000u };

    if (percent(r, 97))
        return n;
    /* A large count ends at the first entry that is not there, or is bad. */
    return PICK(r, odd);
}

static unsigned int *some_done(struct run *r)
{
    static unsigned int done;

    return percent(r, 50) ? NULL : percent(r, 90) ? &done : (unsigned int *)bad_address(r);
}

static long call_update(struct run *r, unsigned int cmd)
{
    struct mmu_update list[MOST];
    unsigned int n = 1 + (unsigned int)below(r, MOST);

    for (unsigned int i = 0; i < n; i++) {
        list[i].ptr = some_slot(r) | cmd;
        if (percent(r, 3))
            list[i].ptr += 4;           /* not at an entry; less would be another command */
        list[i].val = pte_for_slot(some_pte(r, some_mfn(r)), list[i].ptr);
    }
    for (unsigned int i = 0; i < n && fuzz_log; i++)
        pv_printf(" {%#lx %#lx}", list[i].ptr, list[i].val);
    memset(r->page, 0xff, PV_PAGE_SIZE / 2);        /* what a large count finds: no command */
    r->args[0] = list[0].ptr;
    r->args[1] = list[0].val;
    r->args[2] = n;
    return HYPERVISOR_mmu_update(put_arg(r, list, n * sizeof(*list)), some_count(r, n),
                                 some_done(r), two_domains(r));
}

static long call_machphys(struct run *r, unsigned int cmd)
{
    unsigned int i = (unsigned int)below(r, NR_FRAMES);
    uint64_t mfn = percent(r, 80) ? frames[i].mfn : wild(r) | 1UL << 50;
    struct mmu_update op = { .ptr = mfn << PV_PAGE_SHIFT | cmd, .val = wild(r) };
    long rc = HYPERVISOR_mmu_update(put_arg(r, &op, sizeof(op)), 1, some_done(r), two_domains(r));

    op.ptr = frames[i].mfn << PV_PAGE_SHIFT | MMU_MACHPHYS_UPDATE;
    op.val = pv_va_to_pfn(frames[i].home).nr;
    if (!frames[i].gone)
        HYPERVISOR_mmu_update(&op, 1, NULL, DOMID_SELF);
    return rc;
}

/* A frame is made a root, in use as such and empty; false: it is in some use. */
static bool make_root(unsigned int i)
{
    if (set_home(i, PV_PROT_RW))
        return false;
    memset(frames[i].home, 0, PV_PAGE_SIZE);
    return !set_home(i, PV_PROT_RO) && !pv_pin(pv_mfn(frames[i].mfn), 4);
}

/* Entries of two roots for each other and for themselves, which must be read-only. */
static long call_linear(struct run *r, unsigned int cmd)
{
    const unsigned int first = TABLES_END - 2;
    long rc = 0;

    for (unsigned int i = 0; i < 2; i++)
        if (!make_root(first + i)) {
            if (i)
                pv_unpin(pv_mfn(frames[first].mfn));
            return -XEN_EAGAIN;
        }
    for (unsigned int i = 0; i < MOST; i++) {
        struct mmu_update op = {
            .ptr = frames[first + below(r, 2)].mfn << PV_PAGE_SHIFT | 8 * some_index(r) | cmd,
            .val = pv_pte(pv_mfn(frames[first + below(r, 2)].mfn), PV_PTE_P | PV_PTE_USER),
        };

        if (percent(r, 40))
            op.val = percent(r, 30) ? op.val | PV_PTE_RW : 0;
        rc = rc * 31 + HYPERVISOR_mmu_update(&op, 1, NULL, DOMID_SELF);
    }
    for (unsigned int i = 0; i < 2; i++)
        pv_unpin(pv_mfn(frames[first + i].mfn));
    for (unsigned int i = 0; i < 2; i++)
        if (set_home(first + i, PV_PROT_RW) == 0)
            memset(frames[first + i].home, 0, PV_PAGE_SIZE);
    return rc ? -0x70000 - (rc & 0xffff) : 0;
}

static uint64_t some_flush(struct run *r)
{
    static uint64_t mask = 1;

    if (percent(r, 80))         /* a kind of flush that there is: docs/fuzzing.md */
        return below(r, 3) | below(r, 2) << 2;
    return (percent(r, 50) ? (uint64_t)&mask : bad_address(r) & ~7UL) | (1 + below(r, 2));
}

static long call_va_mapping(struct run *r, unsigned int cmd)
{
    uint64_t va = some_va(r), pte = some_pte(r, some_mfn(r)), flags = some_flush(r);

    r->args[0] = va;
    r->args[1] = pte;
    r->args[2] = flags;
    if (fuzz_log) {
        const uint64_t *old = pv_find_pte(pv_current_root(), va, 1);

        pv_printf(" {was %#lx}", old ? *old : 0);
    }
    if (cmd)
        return HYPERVISOR_update_va_mapping_otherdomain(va, pte, flags, some_domain(r));
    return HYPERVISOR_update_va_mapping(va, pte, flags);
}

/* ---- mmuext_op ---- */

static long extended(struct run *r, struct mmuext_op *op)
{
    r->args[0] = op->cmd;
    r->args[1] = op->arg1.mfn;
    r->args[2] = op->arg2.src_mfn;
    memset(r->page, 0xff, PV_PAGE_SIZE / 2);
    r->args[3] = percent(r, 95) ? DOMID_SELF : some_domain(r);
    return HYPERVISOR_mmuext_op(put_arg(r, op, sizeof(*op)), some_count(r, 1), some_done(r),
                                (unsigned int)r->args[3]);
}

static long call_pin(struct run *r, unsigned int cmd)
{
    unsigned int level = cmd - MMUEXT_PIN_L1_TABLE + 1, i = some_table(r, level);
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = frames[i].mfn };

    /* A data frame that we have given back could be had as a table, and would stay one. */
    if (percent(r, 5))
        op.arg1.mfn = percent(r, 50) ? spare_l1[below(r, 2)] : wild(r) | 1UL << 45;
    else if (percent(r, 70))
        build_table(r, i, level);
    show_frame(i);
    return extended(r, &op);
}

static long call_unpin(struct run *r, unsigned int cmd)
{
    struct mmuext_op op = { .cmd = cmd };

    op.arg1.mfn = frames[TABLES_FROM + below(r, TABLES_END - TABLES_FROM)].mfn;
    if (percent(r, 10))
        op.arg1.mfn = wild(r) | 1UL << 45;
    return extended(r, &op);
}

/* Only the root that is there already will do; a data frame that is always writable never does. */
static long call_baseptr(struct run *r, unsigned int cmd)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = pv_current_root().nr };

    if (percent(r, 50))
        op.arg1.mfn = percent(r, 50)
                          ? frames[GIVE_FRAMES + below(r, DATA_FRAMES - GIVE_FRAMES)].mfn
                          : wild(r) | 1UL << 45;
    return extended(r, &op);
}

static long call_user_baseptr(struct run *r, unsigned int cmd)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = frames[some_table(r, 4)].mfn };
    long rc;

    if (percent(r, 30))
        op.arg1.mfn = percent(r, 50) ? 0 : wild(r) | 1UL << 45;
    rc = extended(r, &op);
    if (percent(r, 70))
        pv_mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, pv_user_root());
    return rc;
}

static long call_flush(struct run *r, unsigned int cmd)
{
    static uint64_t mask = 1;
    struct mmuext_op op = { .cmd = cmd, .arg1.linear_addr = percent(r, 80) ? some_va(r) : wild(r) };

    if (cmd == MMUEXT_TLB_FLUSH_MULTI || cmd == MMUEXT_INVLPG_MULTI)
        set_xen_guest_handle(op.arg2.vcpumask,
                             percent(r, 85) ? &mask : (void *)bad_address(r));
    return extended(r, &op);
}

static long call_ldt(struct run *r, unsigned int cmd)
{
    struct mmuext_op op = { .cmd = cmd, .arg2.nr_ents = (unsigned int)below(r, 9000) };

    op.arg1.linear_addr = percent(r, 85) ? (uint64_t)frames[below(r, NR_FRAMES)].home : wild(r);
    return extended(r, &op);
}

static long call_clear(struct run *r, unsigned int cmd)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = frames[below(r, TABLES_END)].mfn };

    if (percent(r, 10))
        op.arg1.mfn = wild(r) | 1UL << 45;
    if (cmd == MMUEXT_COPY_PAGE)
        op.arg2.src_mfn = percent(r, 90) ? frames[below(r, TABLES_END)].mfn : wild(r) | 1UL << 45;
    return extended(r, &op);
}

static long call_unknown(struct run *r, unsigned int cmd)
{
    struct mmuext_op op = { .cmd = cmd + (unsigned int)below(r, 1000) };

    return extended(r, &op);
}

/* ---- Descriptors ---- */

static uint64_t some_descriptor(struct run *r)
{
    static const uint64_t good[] = {
        0, 0x00cff3000000ffff, 0x00affb000000ffff, 0x00cffb000000ffff, 0x0000f20000000000,
    };
    uint64_t d = PICK(r, good);

    return percent(r, 80) ? d : percent(r, 50) ? d ^ 1UL << below(r, 64) : wild(r);
}

static long call_gdt(struct run *r, unsigned int cmd)
{
    xen_ulong_t list[2] = { frames[TABLES_END].mfn, frames[TABLES_END + 1].mfn };
    unsigned int entries = (unsigned int)below(r, 1025);
    long rc;

    (void)cmd;
    if (percent(r, 10))
        list[below(r, 2)] = some_mfn(r);
    if (percent(r, 10))
        entries = (unsigned int)wild(r) | 16384;
    if (percent(r, 70) && !set_home(TABLES_END, PV_PROT_RW)) {
        memset(frames[TABLES_END].home, 0, PV_PAGE_SIZE);
        for (unsigned int i = 0; i < 4; i++)
            frames[TABLES_END].home[below(r, 512)] = some_descriptor(r);
        set_home(TABLES_END, PV_PROT_RO);
    }
    show_frame(TABLES_END);
    r->args[0] = entries;
    r->args[1] = list[0];
    r->args[2] = list[1];
    rc = HYPERVISOR_set_gdt(put_arg(r, list, sizeof(list)), entries);
    if (percent(r, 50))
        HYPERVISOR_set_gdt(NULL, 0);
    return rc;
}

static long call_descriptor(struct run *r, unsigned int cmd)
{
    uint64_t at = frames[TABLES_END + below(r, 2)].mfn << PV_PAGE_SHIFT | 8 * below(r, 512);

    (void)cmd;
    if (percent(r, 10))
        at = percent(r, 50) ? wild(r) | 1UL << 60 : at + 1 + below(r, 7);
    r->args[0] = at;
    r->args[1] = some_descriptor(r);
    return HYPERVISOR_update_descriptor(at, r->args[1]);
}

static const struct op ops[] = {
    OP("mmu_update.normal", call_update, MMU_NORMAL_PT_UPDATE, 20),
    OP("mmu_update.preserve_ad", call_update, MMU_PT_UPDATE_PRESERVE_AD, 8),
    OP("mmu_update.no_translate", call_update, MMU_PT_UPDATE_NO_TRANSLATE, 2),
    OP("mmu_update.machphys", call_machphys, MMU_MACHPHYS_UPDATE, 3),
    OP_ALONE("mmu_update.linear", call_linear, MMU_NORMAL_PT_UPDATE, 2),
    OP("update_va_mapping", call_va_mapping, 0, 20),
    OP("update_va_mapping_otherdomain", call_va_mapping, 1, 6),
    OP("mmuext_op.pin_l1", call_pin, MMUEXT_PIN_L1_TABLE, 8),
    OP("mmuext_op.pin_l2", call_pin, MMUEXT_PIN_L2_TABLE, 6),
    OP("mmuext_op.pin_l3", call_pin, MMUEXT_PIN_L3_TABLE, 5),
    OP("mmuext_op.pin_l4", call_pin, MMUEXT_PIN_L4_TABLE, 4),
    OP("mmuext_op.unpin", call_unpin, MMUEXT_UNPIN_TABLE, 8),
    OP("mmuext_op.new_baseptr", call_baseptr, MMUEXT_NEW_BASEPTR, 2),
    OP("mmuext_op.new_user_baseptr", call_user_baseptr, MMUEXT_NEW_USER_BASEPTR, 3),
    OP("mmuext_op.tlb_flush_local", call_flush, MMUEXT_TLB_FLUSH_LOCAL, 1),
    OP("mmuext_op.invlpg_local", call_flush, MMUEXT_INVLPG_LOCAL, 1),
    OP("mmuext_op.tlb_flush_multi", call_flush, MMUEXT_TLB_FLUSH_MULTI, 1),
    OP("mmuext_op.invlpg_multi", call_flush, MMUEXT_INVLPG_MULTI, 1),
    OP("mmuext_op.tlb_flush_all", call_flush, MMUEXT_TLB_FLUSH_ALL, 1),
    OP("mmuext_op.invlpg_all", call_flush, MMUEXT_INVLPG_ALL, 1),
    OP_NEVER("mmuext_op.flush_cache", call_flush, MMUEXT_FLUSH_CACHE, 1,
             GUEST, "only a domain with devices has caches to flush"),
    OP_NEVER("mmuext_op.flush_cache_global", call_flush, MMUEXT_FLUSH_CACHE_GLOBAL, 1,
             GUEST, "only a domain with devices has caches to flush"),
    OP("mmuext_op.set_ldt", call_ldt, MMUEXT_SET_LDT, 3),
    OP("mmuext_op.clear_page", call_clear, MMUEXT_CLEAR_PAGE, 3),
    OP("mmuext_op.copy_page", call_clear, MMUEXT_COPY_PAGE, 3),
    OP_NEVER("mmuext_op.mark_super", call_clear, MMUEXT_MARK_SUPER, 1,
             ANY, "there are no superpages"),
    OP_NEVER("mmuext_op.unmark_super", call_clear, MMUEXT_UNMARK_SUPER, 1,
             ANY, "there are no superpages"),
    OP_NEVER("mmuext_op.unknown", call_unknown, 21, 1, ANY, "there is no such command"),
    OP("set_gdt", call_gdt, 0, 4),
    OP("update_descriptor", call_descriptor, 0, 4),
};
const struct op_table mmu_table = { ops, PV_ARRAY_SIZE(ops) };
