/* SPDX-License-Identifier: MIT */
/* mmuext_op: pinning, roots, flushes, the LDT, and pages. */
#include "../lib/case.h"

static long one(struct mmuext_op op, unsigned int domain)
{
    return HYPERVISOR_mmuext_op(&op, 1, NULL, domain);
}

CASE(ext_pin_twice, "a table is pinned once: again is -EINVAL, as is unpinning one that is not "
     "pinned",
     "mmuext_op.pin_l1:EINVAL mmuext_op.unpin:effect mmuext_op.unpin:EINVAL")
{
    void *l1 = pv_alloc_table();
    pv_mfn_t mfn = pv_va_to_mfn(l1);

    EXPECT_EQ(pv_unpin(mfn), -XEN_EINVAL);
    EXPECT_EQ(pv_pin(mfn, 1), 0);
    EXPECT_EQ(pv_pin(mfn, 1), -XEN_EINVAL);
    EXPECT_EQ(pv_unpin(mfn), 0);
    EXPECT_EQ(pv_unpin(mfn), -XEN_EINVAL);
    EXPECT_EQ(pv_free_table(l1), 0);
}

CASE(ext_pin_bad_frame, "a frame that is absent or not the caller's can't be pinned",
     "mmuext_op.pin_l1:EINVAL mmuext_op.pin_l4:EINVAL mmuext_op.unpin:EINVAL")
{
    for (unsigned int level = 1; level <= 4; level++) {
        EXPECT_EQ(pv_pin(pv_mfn(1), level), -XEN_EINVAL);
        EXPECT_EQ(pv_pin(pv_mfn(~0UL >> 12), level), -XEN_EINVAL);
    }
    EXPECT_EQ(pv_unpin(pv_mfn(~0UL >> 12)), -XEN_EINVAL);
}

/* A copy of the current root with a mark of its own in an otherwise empty slot. */
static uint64_t *copy_root(void)
{
    uint64_t *l4 = pv_alloc_page();
    const uint64_t *current = pv_pfn_to_va(pv_mfn_to_pfn(pv_current_root()));

    memcpy(l4, current, PV_PAGE_SIZE);
    for (unsigned int slot = 256; slot < 272; slot++)
        l4[slot] = 0;
    EXPECT_EQ(pv_update_va((uint64_t)l4, pv_pte(pv_va_to_mfn(l4), PV_PROT_RO), UVMF_INVLPG), 0);
    return l4;
}

CASE(ext_new_baseptr, "NEW_BASEPTR validates and loads another root, also one that is not pinned",
     "mmuext_op.new_baseptr:effect")
{
    pv_mfn_t old = pv_current_root();
    uint64_t *l4 = copy_root();

    EXPECT_EQ(pv_load_root(pv_va_to_mfn(l4)), 0);
    EXPECT_TRUE(l4[256] & PV_PTE_P);
    EXPECT_EQ(machine_to_phys_mapping[old.nr], pv_mfn_to_pfn(old).nr);
    EXPECT_EQ(pv_load_root(pv_va_to_mfn(l4)), 0);
    EXPECT_EQ(pv_load_root(old), 0);
    EXPECT_EQ(pv_free_table(l4), 0);
}

CASE(ext_new_baseptr_bad, "a frame that can't be an L4 is -EINVAL, and the old root stays",
     "mmuext_op.new_baseptr:EINVAL")
{
    void *page = pv_alloc_page(), *l1 = pv_alloc_table();
    pv_mfn_t old = pv_current_root();

    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_BASEPTR, pv_va_to_mfn(page)), -XEN_EINVAL);
    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_BASEPTR, pv_mfn(~0UL >> 12)), -XEN_EINVAL);
    EXPECT_EQ(pv_pin(pv_va_to_mfn(l1), 1), 0);
    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_BASEPTR, pv_va_to_mfn(l1)), -XEN_EINVAL);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l1)), 0);
    EXPECT_EQ(pv_load_root(old), 0);
    EXPECT_EQ(pv_free_table(l1), 0);
    pv_free_page(page);
}

CASE(ext_new_user_baseptr, "NEW_USER_BASEPTR takes an L4 or 0",
     "mmuext_op.new_user_baseptr:effect mmuext_op.new_user_baseptr:EINVAL")
{
    void *l4 = pv_alloc_table(), *page = pv_alloc_page();

    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, pv_va_to_mfn(l4)), 0);
    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, pv_va_to_mfn(page)), -XEN_EINVAL);
    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, pv_mfn(~0UL >> 12)), -XEN_EINVAL);
    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, pv_mfn(0)), 0);
    EXPECT_EQ(pv_free_table(l4), 0);
    EXPECT_EQ(pv_user_init(), 0);
    pv_free_page(page);
}

CASE(ext_flushes, "all kinds of flush succeed",
     "mmuext_op.tlb_flush_local:effect mmuext_op.invlpg_local:effect "
     "mmuext_op.tlb_flush_multi:effect mmuext_op.invlpg_multi:effect "
     "mmuext_op.tlb_flush_all:effect mmuext_op.invlpg_all:effect mmuext_op.flush_cache:effect "
     "mmuext_op.flush_cache_global:effect")
{
    static const unsigned int cmds[] = {
        MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_INVLPG_LOCAL, MMUEXT_TLB_FLUSH_ALL, MMUEXT_INVLPG_ALL,
        MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI, MMUEXT_FLUSH_CACHE, MMUEXT_FLUSH_CACHE_GLOBAL,
    };
    uint64_t mask = 1;

    for (size_t i = 0; i < PV_ARRAY_SIZE(cmds); i++) {
        struct mmuext_op op = { .cmd = cmds[i], .arg1.linear_addr = (uint64_t)&mask };
        char what[24];

        snprintf(what, sizeof(what), "command %u", cmds[i]);
        if (cmds[i] == MMUEXT_TLB_FLUSH_MULTI || cmds[i] == MMUEXT_INVLPG_MULTI)
            set_xen_guest_handle(op.arg2.vcpumask, &mask);
        EXPECT_ROW(one(op, DOMID_SELF), 0, what);
    }
}

CASE(ext_flush_mask, "a bitmap of vCPUs that can't be read is an error",
     "mmuext_op.tlb_flush_multi:EINVAL mmuext_op.invlpg_multi:EINVAL")
{
    struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_MULTI };

    set_xen_guest_handle(op.arg2.vcpumask, (void *)CONF_EMPTY_VA);
    EXPECT_EQ(one(op, DOMID_SELF), -XEN_EINVAL);
    op.cmd = MMUEXT_INVLPG_MULTI;
    EXPECT_EQ(one(op, DOMID_SELF), -XEN_EINVAL);
}

CASE(ext_flush_absent, "XSA-307: a bitmap of vCPUs may name some, or only some, that the domain "
     "does not have; those that it has are flushed",
     "mmuext_op.tlb_flush_multi:absent_vcpu mmuext_op.invlpg_multi:absent_vcpu")
{
    static const unsigned int cmds[] = { MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI };
    static uint64_t all = ~0UL, absent = ~0UL << 32;
    uint64_t va = pv_vmap_alloc(1), *pages[2] = { pv_alloc_page(), pv_alloc_page() }, value;

    *pages[0] = 10;
    *pages[1] = 11;
    EXPECT_EQ(pv_map(va, pv_va_to_mfn(pages[0]), PV_PROT_RW), 0);
    EXPECT_FAULT(pv_probe_read(va, &value), PV_NO_FAULT);
    for (unsigned int i = 0; i < PV_ARRAY_SIZE(cmds); i++) {
        struct mmuext_op op = { .cmd = cmds[i], .arg1.linear_addr = va };
        unsigned int page = (i + 1) % 2;

        EXPECT_EQ(pv_write_pte(pv_pte_maddr(pv_current_root(), va, 1),
                               pv_pte(pv_va_to_mfn(pages[page]), PV_PROT_RW)), 0);
        set_xen_guest_handle(op.arg2.vcpumask, &absent);
        EXPECT_EQ(one(op, DOMID_SELF), 0);
        set_xen_guest_handle(op.arg2.vcpumask, &all);
        EXPECT_EQ(one(op, DOMID_SELF), 0);
        EXPECT_FAULT(pv_probe_read(va, &value), PV_NO_FAULT);
        EXPECT_EQ(value, 10 + page);
    }
    EXPECT_EQ(pv_update_va(va, pv_pte(pv_va_to_mfn(pages[1]), PV_PROT_RW),
                           UVMF_TLB_FLUSH | UVMF_MULTI | (unsigned long)&all), 0);
    EXPECT_FAULT(pv_probe_read(va, &value), PV_NO_FAULT);
    EXPECT_EQ(value, 11);
    EXPECT_EQ(pv_unmap(va, 1), 0);
    pv_free_page(pages[0]);
    pv_free_page(pages[1]);
}

CASE(ext_flush_effect, "INVLPG_LOCAL makes a changed entry visible",
     "mmuext_op.invlpg_local:effect")
{
    uint64_t va = pv_vmap_alloc(1), value = 0;
    uint64_t *a = pv_alloc_page(), *b = pv_alloc_page();

    *a = 1;
    *b = 2;
    EXPECT_EQ(pv_map(va, pv_va_to_mfn(a), PV_PROT_RW), 0);
    EXPECT_FAULT(pv_probe_read(va, &value), PV_NO_FAULT);
    EXPECT_EQ(pv_write_pte(pv_pte_maddr(pv_current_root(), va, 1),
                           pv_pte(pv_va_to_mfn(b), PV_PROT_RW)), 0);
    EXPECT_EQ(pv_mmuext_va(MMUEXT_INVLPG_LOCAL, va), 0);
    EXPECT_FAULT(pv_probe_read(va, &value), PV_NO_FAULT);
    EXPECT_EQ(value, 2);
    EXPECT_EQ(pv_unmap(va, 1), 0);
    pv_free_page(a);
    pv_free_page(b);
}

CASE(ext_clear_copy, "CLEAR_PAGE fills a frame with zeroes, COPY_PAGE copies one",
     "mmuext_op.clear_page:effect mmuext_op.copy_page:effect")
{
    uint64_t *a = pv_alloc_page(), *b = pv_alloc_page();
    struct mmuext_op op = { .cmd = MMUEXT_COPY_PAGE, .arg1.mfn = pv_va_to_mfn(b).nr,
                            .arg2.src_mfn = pv_va_to_mfn(a).nr };

    a[0] = 0x11;
    a[511] = 0x22;
    EXPECT_EQ(one(op, DOMID_SELF), 0);
    EXPECT_EQ(memcmp(a, b, PV_PAGE_SIZE), 0);
    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_CLEAR_PAGE, pv_va_to_mfn(b)), 0);
    EXPECT_EQ(b[0] | b[511], 0);
    pv_free_page(a);
    pv_free_page(b);
}

CASE(ext_clear_table, "a page table can't be cleared or copied over",
     "mmuext_op.clear_page:EINVAL mmuext_op.copy_page:EINVAL security.clear_table:refused")
{
    void *l1 = pv_alloc_table(), *page = pv_alloc_page();
    struct mmuext_op op = { .cmd = MMUEXT_COPY_PAGE, .arg1.mfn = pv_va_to_mfn(l1).nr,
                            .arg2.src_mfn = pv_va_to_mfn(page).nr };

    EXPECT_EQ(pv_pin(pv_va_to_mfn(l1), 1), 0);
    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_CLEAR_PAGE, pv_va_to_mfn(l1)), -XEN_EINVAL);
    EXPECT_EQ(one(op, DOMID_SELF), -XEN_EINVAL);
    op.arg1.mfn = pv_va_to_mfn(page).nr;
    op.arg2.src_mfn = ~0UL >> 12;
    EXPECT_EQ(one(op, DOMID_SELF), -XEN_EINVAL);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l1)), 0);
    EXPECT_EQ(pv_free_table(l1), 0);
    pv_free_page(page);
}

static long set_ldt(uint64_t va, unsigned int entries)
{
    return one((struct mmuext_op){ .cmd = MMUEXT_SET_LDT, .arg1.linear_addr = va,
                                   .arg2.nr_ents = entries }, DOMID_SELF);
}

CASE(ext_set_ldt, "an LDT is mapped when a selector of it is first used",
     "mmuext_op.set_ldt:effect")
{
    uint64_t *ldt = pv_alloc_page();
    uint32_t ds = 0x1f; /* entry 3 of the LDT, RPL 3 */
    pv_fault_t f;

    ldt[3] = 0x00cff3000000ffffUL;
    EXPECT_EQ(pv_update_va((uint64_t)ldt, pv_pte(pv_va_to_mfn(ldt), PV_PROT_RO), UVMF_INVLPG), 0);
    EXPECT_EQ(set_ldt((uint64_t)ldt, 8), 0);
    PV_TRY_ASM(f, "mov %[s], %%ds", PV_OUT(), PV_IN([s] "r"(ds)));
    EXPECT_FAULT(f, PV_NO_FAULT);
    PV_TRY_ASM(f, "mov %[s], %%ds", PV_OUT(), PV_IN([s] "r"(0)));
    EXPECT_EQ(set_ldt(0, 0), 0);
    PV_TRY_ASM(f, "mov %[s], %%ds", PV_OUT(), PV_IN([s] "r"(ds)));
    EXPECT_FAULT(f, PV_FAULT(PV_GP, 0x1c));
    EXPECT_EQ(pv_free_table(ldt), 0);
}

/* A copy of the root that is in use, not in use itself. */
static pv_mfn_t another_root(uint64_t **l4)
{
    const uint64_t *root = pv_pfn_to_va(pv_mfn_to_pfn(pv_current_root()));

    *l4 = pv_alloc_page();
    for (unsigned int i = 0; i < 512; i++)
        (*l4)[i] = i >= 256 && i < 272 ? 0 : root[i];
    EXPECT_EQ(pv_update_va((uint64_t)*l4, pv_pte(pv_va_to_mfn(*l4), PV_PROT_RO), UVMF_INVLPG), 0);
    return pv_va_to_mfn(*l4);
}

CASE(ext_ldt_root, "a page of the LDT is in use until there is another root, or another LDT; a "
     "root that is refused, or there already, does not end it",
     "mmuext_op.set_ldt:in_use mmuext_op.new_baseptr:ldt")
{
    uint64_t *ldt = pv_alloc_page(), *l4;
    uint64_t va = (uint64_t)ldt, writable = pv_pte(pv_va_to_mfn(ldt), PV_PROT_RW);
    uint64_t readable = pv_pte(pv_va_to_mfn(ldt), PV_PROT_RO);
    pv_mfn_t root = pv_current_root(), other = another_root(&l4);
    uint32_t ds = 0x1f;
    pv_fault_t f;

    ldt[3] = 0x00cff3000000ffffUL;
    EXPECT_EQ(pv_update_va(va, readable, UVMF_INVLPG), 0);
    EXPECT_EQ(set_ldt(va, 8), 0);
    for (unsigned int i = 0; i < 2; i++) {
        PV_TRY_ASM(f, "mov %[s], %%ds", PV_OUT(), PV_IN([s] "r"(ds)));
        EXPECT_FAULT(f, PV_NO_FAULT);
        PV_TRY_ASM(f, "mov %[s], %%ds", PV_OUT(), PV_IN([s] "r"(0)));
        EXPECT_EQ(pv_update_va(va, writable, UVMF_INVLPG), -XEN_EBUSY);
        if (i)
            break;
        EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_BASEPTR, pv_va_to_mfn(ldt)), -XEN_EINVAL);
        EXPECT_EQ(pv_update_va(va, writable, UVMF_INVLPG), -XEN_EBUSY);
        EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_BASEPTR, root), 0);
        EXPECT_EQ(pv_update_va(va, writable, UVMF_INVLPG), -XEN_EBUSY);
        EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_BASEPTR, other), 0);
        EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_BASEPTR, root), 0);
        EXPECT_EQ(pv_update_va(va, writable, UVMF_INVLPG), 0);
        EXPECT_EQ(pv_update_va(va, readable, UVMF_INVLPG), 0);
    }
    EXPECT_EQ(set_ldt(0, 0), 0);
    EXPECT_EQ(pv_free_table(ldt), 0);
    EXPECT_EQ(pv_free_table(l4), 0);
}

CASE(ext_set_ldt_bad, "an LDT of too many entries, not on a page, or in the hypervisor's range is "
     "-EINVAL",
     "mmuext_op.set_ldt:EINVAL")
{
    EXPECT_EQ(set_ldt((uint64_t)CONF_EMPTY_VA, 8193), -XEN_EINVAL);
    EXPECT_EQ(set_ldt((uint64_t)CONF_EMPTY_VA + 8, 8), -XEN_EINVAL);
    EXPECT_EQ(set_ldt(CONF_HYPERVISOR_VA, 8), -XEN_EINVAL);
    EXPECT_EQ(set_ldt(CONF_BAD_VA, 8), -XEN_EINVAL);
}

CASE(ext_super, "MARK_SUPER and UNMARK_SUPER are not offered",
     "mmuext_op.mark_super:EOPNOTSUPP mmuext_op.unmark_super:EOPNOTSUPP")
{
    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_MARK_SUPER, pv_mfn(512)), -XEN_EOPNOTSUPP);
    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_UNMARK_SUPER, pv_mfn(512)), -XEN_EOPNOTSUPP);
}

CASE(ext_unknown, "another command is -ENOSYS", "mmuext_op:ENOSYS")
{
    EXPECT_EQ(pv_mmuext_mfn(14, pv_mfn(0)), -XEN_ENOSYS);
    EXPECT_EQ(pv_mmuext_mfn(21, pv_mfn(0)), -XEN_ENOSYS);
    EXPECT_EQ(pv_mmuext_mfn(~0u, pv_mfn(0)), -XEN_ENOSYS);
}

CASE(ext_list, "a list is done up to the first that fails, whose index pdone gets; bad pointers "
     "are -EFAULT",
     "mmuext_op:done mmuext_op:EFAULT mmuext_op:ESRCH")
{
    struct mmuext_op list[] = {
        { .cmd = MMUEXT_TLB_FLUSH_LOCAL }, { .cmd = 99 }, { .cmd = MMUEXT_TLB_FLUSH_LOCAL },
    };
    unsigned int done = 77;

    EXPECT_EQ(HYPERVISOR_mmuext_op(list, 3, &done, DOMID_SELF), -XEN_ENOSYS);
    EXPECT_EQ(done, 1);
    EXPECT_EQ(HYPERVISOR_mmuext_op(list, 1, &done, DOMID_SELF), 0);
    EXPECT_EQ(done, 1);
    EXPECT_EQ(HYPERVISOR_mmuext_op((void *)CONF_EMPTY_VA, 1, NULL, DOMID_SELF), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_mmuext_op((void *)CONF_HYPERVISOR_VA, 1, NULL, DOMID_SELF), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_mmuext_op(list, 1, NULL, 77), -XEN_ESRCH);
}

CASE(ext_nobodys, "DOMID_IO and DOMID_XEN own no frame that would do: -EINVAL; what is no "
     "operation on a frame is refused for them: -EPERM",
     "mmuext_op:foreign")
{
    static const struct {
        unsigned int cmd;
        long rc;
    } rows[] = {
        { MMUEXT_PIN_L1_TABLE, -XEN_EINVAL }, { MMUEXT_PIN_L4_TABLE, -XEN_EINVAL },
        { MMUEXT_UNPIN_TABLE, -XEN_EINVAL }, { MMUEXT_NEW_BASEPTR, -XEN_EPERM },
        { MMUEXT_NEW_USER_BASEPTR, -XEN_EPERM }, { MMUEXT_TLB_FLUSH_LOCAL, -XEN_EPERM },
        { MMUEXT_INVLPG_LOCAL, -XEN_EPERM }, { MMUEXT_TLB_FLUSH_MULTI, -XEN_EPERM },
        { MMUEXT_INVLPG_MULTI, -XEN_EPERM }, { MMUEXT_TLB_FLUSH_ALL, -XEN_EPERM },
        { MMUEXT_INVLPG_ALL, -XEN_EPERM }, { MMUEXT_FLUSH_CACHE, -XEN_EPERM },
        { MMUEXT_FLUSH_CACHE_GLOBAL, -XEN_EPERM }, { MMUEXT_SET_LDT, -XEN_EPERM },
        { MMUEXT_CLEAR_PAGE, -XEN_EINVAL }, { MMUEXT_COPY_PAGE, -XEN_EINVAL },
        { MMUEXT_MARK_SUPER, -XEN_EOPNOTSUPP }, { 99, -XEN_ENOSYS },
    };
    void *page = pv_alloc_page();

    for (size_t i = 0; i < PV_ARRAY_SIZE(rows); i++) {
        struct mmuext_op op = { .cmd = rows[i].cmd, .arg1.mfn = pv_va_to_mfn(page).nr };
        char what[24];

        op.arg2.src_mfn = op.arg1.mfn;
        snprintf(what, sizeof(what), "command %u", rows[i].cmd);
        EXPECT_ROW(one(op, DOMID_IO), rows[i].rc, what);
        EXPECT_ROW(one(op, DOMID_XEN), rows[i].rc, what);
    }
    pv_free_page(page);
}

CASE(ext_restarted, "a count that says that the call is made again is taken as such: what it did "
     "before is read from pdone, if it can be",
     "mmuext_op:restarted mmu_update:restarted")
{
    const unsigned int again = 0x80000000u;
    struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };
    struct mmu_update request = { .ptr = 7 };
    unsigned int done = 5;

    EXPECT_EQ(HYPERVISOR_mmuext_op(&op, again | 1, &done, DOMID_SELF), 0);
    EXPECT_EQ(done, 6);
    EXPECT_EQ(HYPERVISOR_mmuext_op(&op, again | 1, (void *)CONF_EMPTY_VA, DOMID_SELF), 0);
    EXPECT_EQ(HYPERVISOR_mmu_update(&request, again | 1, &done, DOMID_SELF), -XEN_ENOSYS);
    EXPECT_EQ(done, 6);
    EXPECT_EQ(HYPERVISOR_mmu_update(&request, again | 1, (void *)CONF_EMPTY_VA, DOMID_SELF),
              -XEN_ENOSYS);
}
