/* SPDX-License-Identifier: MIT */
/*
 * What tests of single rules have in common: a tree of tables, written but not in use, and calls
 * that a guest makes with it.
 */
#ifndef TESTS_MM_TREE_H
#define TESTS_MM_TREE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "boot/boot.h"
#include "hypercall/hypercall.h"
#include "model.h"

enum { L4, L3, L2, L1, DATA, OTHER, OTHER2, OTHER3, NAMES };    /* a tree from L4 down to DATA */
static u64 frame[NAMES];

static inline u64 *words(unsigned int name)
{
    return mfn_to_virt(MFN(frame[name]));
}

static inline struct page *page(unsigned int name)
{
    return mfn_to_page(MFN(frame[name]));
}

static inline u64 entry(unsigned int name, u64 flags)
{
    return frame[name] << PAGE_SHIFT | PTE_P | PTE_USER | flags;
}

static inline long ext(unsigned int cmd, u64 mfn)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };
    long rc = do_mmuext_op((XEN_GUEST_HANDLE(mmuext_op_t)){ &op }, 1,
                           (XEN_GUEST_HANDLE(uint)){ NULL }, DOMID_SELF);

    leave_to_guest();
    return rc;
}

static inline long update(u64 ptr, u64 val)
{
    struct mmu_update req = { .ptr = ptr, .val = val };
    long rc = do_mmu_update((XEN_GUEST_HANDLE(mmu_update_t)){ &req }, 1,
                            (XEN_GUEST_HANDLE(uint)){ NULL }, DOMID_SELF);

    leave_to_guest();
    return rc;
}

static inline u64 slot(unsigned int name, unsigned int index)
{
    return (frame[name] << PAGE_SHIFT) + index * 8ull;
}

static inline void nothing_wrong(void)
{
    const char *wrong = machine_guard(model_check);

    if (wrong != NULL)
        fail_msg("%s", wrong);
}

/* The tree is written but nothing is a table yet. */
static inline void begin_as(struct domain *d)
{
    machine_reset(1, &(struct machine_options){ .cpus = 1 });
    run_as(d->vcpus[0]);
    for (unsigned int i = 0; i < NAMES; i++) {
        mfn_t m;

        assert_int_equal(alloc_domain_frames(d, 0, 0, &m), 0);
        frame[i] = m.v;
    }
    for (unsigned int i = L4; i < DATA; i++)
        words(i)[0] = entry(i + 1, PTE_RW);
}

static inline void begin(void)
{
    begin_as(&domains[1]);
}

static inline void nothing_is_held(void)
{
    nothing_wrong();
    for (unsigned int i = 0; i < NAMES; i++) {
        assert_int_equal(page_use(page(i)), USE_NONE);
        assert_int_equal(page(i)->count & PAGE_REFS, 1);
    }
}

#endif
