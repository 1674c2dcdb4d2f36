/* SPDX-License-Identifier: MIT */
/*
 * mmuext_op: pins, roots, flushes and the few other operations on whole frames.
 *
 * The table below is the list of commands: which handler, and whether it acts on a frame of another
 * domain. An operation that runs out of time ends the batch; the call goes on at the same entry.
 */
#include "control/policy.h"
#include "domain/domain.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/batch.h"
#include "mm/internal.h"

/*
 * A command: @v runs and is the caller; @owner is whose frames are meant, other than its own only
 * where the table says so. 0, a negative errno, or -ERESTART: the same entry is to be done again.
 */
typedef int ext_fn(struct vcpu *v, u16 owner, const struct mmuext_op *op);

/* ---- Pins ---- */

/*
 * The guest's own use of a table, which keeps it validated while no root or entry names it. The use
 * is taken first, then the bit set that stands for it; a second pin finds the bit set and is
 * refused.
 */
static int pin(u16 owner, const struct mmuext_op *op, enum page_use use)
{
    mfn_t m = MFN(op->arg1.mfn);
    struct page *pg;
    int rc = get_page_and_type(m, owner, use);

    if (rc)
        return rc;
    pg = mfn_to_page(m);
    if (type_set_pin(pg)) {
        /*
         * A dying domain's pins are dropped for it: this one then, or now. Tables are a domain's:
         * who owns one has a record.
         */
        if (likely(!READ_ONCE(domain_by_id(owner)->dying)) || !type_clear_pin(pg))
            return 0;
    }
    put_page_and_type(pg);
    return -EINVAL;
}

static int op_pin_l1(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    return pin(owner, op, USE_L1);
}

static int op_pin_l2(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    return pin(owner, op, USE_L2);
}

static int op_pin_l3(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    return pin(owner, op, USE_L3);
}

static int op_pin_l4(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    return pin(owner, op, USE_L4);
}

/*
 * The extra reference keeps the frame while its last use, and then its last other reference, goes.
 */
static int op_unpin(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    mfn_t m = MFN(op->arg1.mfn);
    struct page *pg;
    int rc = -EINVAL;

    if (!get_page(m, owner))
        return -EINVAL;
    pg = mfn_to_page(m);
    if (type_clear_pin(pg)) {
        put_page_and_type(pg);
        rc = 0;
    }
    put_page(pg);
    return rc;
}

/* ---- Roots ---- */

/*
 * Takes @m as a root, drops the one before; the new one is loaded if it is the mode's. A kernel
 * root shows the M2P; a user root does not, with or without m2p_strict, as under Xen 4.17, unless
 * it is the kernel's, too. The hypervisor uses a view of its own: this one is for the guest only.
 */
static int set_root(struct vcpu *v, mfn_t *root, mfn_t m)
{
    bool kernel = root == &v->kernel_root;
    mfn_t old = *root;
    int rc;

    if (!mfn_eq(m, INVALID_MFN)) {
        rc = get_page_and_type(m, v->domain->id, USE_L4);
        if (rc)
            return rc;
        hv_show_m2p(mfn_to_virt(m), kernel || mfn_eq(m, v->kernel_root));
    }
    *root = m;
    /* A change of mode loads the other's. (Behind an iret in a multicall the mode is user.) */
    if (v->cpu.kernel_mode == kernel)
        mm_load_root(v);
    if (!mfn_eq(old, INVALID_MFN))
        put_page_and_type(mfn_to_page(old));
    return 0;
}

/*
 * The same root again is no error, but a flush. With another goes what is mapped of the LDT: it
 * lies in the guest's address space, which changes.
 */
int mm_new_baseptr(struct vcpu *v, mfn_t m)
{
    int rc;

    if (mfn_eq(m, v->kernel_root)) {
        mm_load_root(v);
        return 0;
    }
    rc = set_root(v, &v->kernel_root, m);
    if (rc == 0)
        guest_ldt_drop(v);
    return rc;
}

static int op_new_baseptr(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    return op->arg1.mfn == ~0ul ? -EINVAL : mm_new_baseptr(v, MFN(op->arg1.mfn));
}

/* No root at all, frame 0, is allowed: such a vCPU just has no user mode. */
static int op_new_user_baseptr(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    mfn_t m = op->arg1.mfn ? MFN(op->arg1.mfn) : INVALID_MFN;

    if (op->arg1.mfn == ~0ul)
        return -EINVAL;
    return mfn_eq(m, v->user_root) ? 0 : set_root(v, &v->user_root, m);
}

/* ---- Flushes ---- */

static int op_tlb_flush_local(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    tlb_flush_local();
    return 0;
}

static int op_invlpg_local(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    /* An address of ours: nothing of the guest's is mapped there. */
    if (guest_range_ok(op->arg1.linear_addr, 1))
        invlpg(op->arg1.linear_addr);
    return 0;
}

static int op_tlb_flush_multi(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    u64 cpus;
    int rc = flush_mask_cpus(v->domain, handle_addr(op->arg2.vcpumask), &cpus);

    /* Xen ignores a mask that it can't read: the ABI has it as a warning, not an error. */
    if (rc == 0)
        tlb_flush_cpus(cpus);
    return rc == -EFAULT ? -EINVAL : rc;
}

static int op_invlpg_multi(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    u64 cpus;
    int rc = flush_mask_cpus(v->domain, handle_addr(op->arg2.vcpumask), &cpus);

    if (rc == 0 && guest_range_ok(op->arg1.linear_addr, 1))
        tlb_flush_page_cpus(cpus, op->arg1.linear_addr);
    return rc == -EFAULT ? -EINVAL : rc;
}

static int op_tlb_flush_all(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    tlb_flush_cpus(READ_ONCE(v->domain->tlb_cpus));
    return 0;
}

static int op_invlpg_all(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    if (guest_range_ok(op->arg1.linear_addr, 1))
        tlb_flush_page_cpus(READ_ONCE(v->domain->tlb_cpus), op->arg1.linear_addr);
    return 0;
}

static void flush_cache_here(void *unused)
{
    __asm__ volatile("wbinvd" ::: "memory");
}

static int op_flush_cache(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    /* Only who may map uncached memory can need it. */
    if (!v->domain->privileged)
        return -EACCES;
    flush_cache_here(NULL);
    return 0;
}

static int op_flush_cache_global(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    if (!v->domain->privileged)
        return -EINVAL;
    smp_call(cpu_online_mask(), flush_cache_here, NULL);
    return 0;
}

/* Superpages of PV guests: no domain has them. */
static int op_not_offered(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    return -EOPNOTSUPP;
}

/* ---- Frames' contents, and the LDT ---- */

static int op_set_ldt(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    return guest_ldt_set(v, op->arg1.linear_addr, op->arg2.nr_ents);
}

/*
 * Of a frame that may be written, that is: never of a table, however the guest asks. The writable
 * use is held while the hypervisor writes.
 */
static int op_clear_page(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    mfn_t m = MFN(op->arg1.mfn);
    int rc = get_page_and_type(m, owner, USE_WRITABLE);

    if (rc)
        return rc;
    memset(mfn_to_virt(m), 0, PAGE_SIZE);
    put_page_and_type(mfn_to_page(m));
    return 0;
}

/* The source may be in use as anything: what it holds is its domain's to read. */
static int op_copy_page(struct vcpu *v, u16 owner, const struct mmuext_op *op)
{
    mfn_t dst = MFN(op->arg1.mfn), src = MFN(op->arg2.src_mfn);
    int rc;

    if (!get_page(src, owner))
        return -EINVAL;
    rc = get_page_and_type(dst, owner, USE_WRITABLE);
    if (rc == 0) {
        memcpy(mfn_to_virt(dst), mfn_to_virt(src), PAGE_SIZE);
        put_page_and_type(mfn_to_page(dst));
    }
    put_page(mfn_to_page(src));
    return rc;
}

/* ---- The table ---- */

static const struct {
    ext_fn *fn;
    bool foreign;       /* may act for another domain */
} ops[] = {
    [MMUEXT_PIN_L1_TABLE] = { op_pin_l1, true },
    [MMUEXT_PIN_L2_TABLE] = { op_pin_l2, true },
    [MMUEXT_PIN_L3_TABLE] = { op_pin_l3, true },
    [MMUEXT_PIN_L4_TABLE] = { op_pin_l4, true },
    [MMUEXT_UNPIN_TABLE] = { op_unpin, true },
    [MMUEXT_NEW_BASEPTR] = { op_new_baseptr, false },
    [MMUEXT_NEW_USER_BASEPTR] = { op_new_user_baseptr, false },
    [MMUEXT_TLB_FLUSH_LOCAL] = { op_tlb_flush_local, false },
    [MMUEXT_INVLPG_LOCAL] = { op_invlpg_local, false },
    [MMUEXT_TLB_FLUSH_MULTI] = { op_tlb_flush_multi, false },
    [MMUEXT_INVLPG_MULTI] = { op_invlpg_multi, false },
    [MMUEXT_TLB_FLUSH_ALL] = { op_tlb_flush_all, false },
    [MMUEXT_INVLPG_ALL] = { op_invlpg_all, false },
    [MMUEXT_FLUSH_CACHE] = { op_flush_cache, false },
    [MMUEXT_SET_LDT] = { op_set_ldt, false },
    [MMUEXT_CLEAR_PAGE] = { op_clear_page, true },
    [MMUEXT_COPY_PAGE] = { op_copy_page, true },
    [MMUEXT_FLUSH_CACHE_GLOBAL] = { op_flush_cache_global, false },
    [MMUEXT_MARK_SUPER] = { op_not_offered, true },
    [MMUEXT_UNMARK_SUPER] = { op_not_offered, true },
};

/* -EPERM for a command that has no meaning for another domain's frames. */
static int one_op(u16 owner, const struct mmuext_op *op)
{
    struct vcpu *v = current;
    u64 cmd = op->cmd;

    if (cmd >= ARRAY_SIZE(ops))
        return -ENOSYS;
    cmd = index_nospec(cmd, ARRAY_SIZE(ops));
    if (ops[cmd].fn == NULL)
        return -ENOSYS;
    if (owner != v->domain->id && !ops[cmd].foreign)
        return -EPERM;
    return ops[cmd].fn(v, owner, op);
}

long do_mmuext_op(XEN_GUEST_HANDLE(mmuext_op_t) uops, unsigned int count,
                  XEN_GUEST_HANDLE(uint) pdone, unsigned int foreigndom)
{
    unsigned int i, before = batch_begin(&count, pdone);
    u16 owner;
    int rc;

    if (!handle_range_ok(uops, 0, count))
        return -EFAULT;
    rc = policy_foreign_owner((u16)foreigndom, &owner);
    for (i = 0; rc == 0 && i < count; i++) {
        struct mmuext_op op;

        if (!copy_elem_from_guest(&op, uops, i)) {
            rc = -EFAULT;
            break;
        }
        rc = one_op(owner, &op);
        if (rc)
            break;
        if (i + 1 < count && (mm_put_pending(current) || preempt_needed()))
            rc = -ERESTART;
    }
    before += i;
    if (!handle_is_null(pdone))
        batch_note_done(pdone, before);
    if (rc == -ERESTART)
        return hypercall_restart(handle_elem(uops, i), (count - i) | COUNT_RESTARTED);
    return rc;
}
