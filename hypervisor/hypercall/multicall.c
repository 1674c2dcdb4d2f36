/* SPDX-License-Identifier: MIT */
/*
 * multicall: a list of hypercalls in one. An entry is copied in once and only its result is written
 * back, so the guest can't change a call while it is done.
 *
 * A batch gives way between entries, and when a call inside it does: then the entry in the guest's
 * list gets that call's new arguments and is the first one of the rest. An iret ends the batch: it
 * may have changed the address space that the list lies in, so not even its result is written; the
 * batch's own result is the rax of the context that was returned to.
 */
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "mm/mm.h"

static unsigned long entry_addr(XEN_GUEST_HANDLE(multicall_entry_t) list, u64 i, size_t field)
{
    return handle_elem(list, i) + field;
}

/* The batch goes on at entry @i, as a call of its own with the rest of the list. */
static long restart_at(XEN_GUEST_HANDLE(multicall_entry_t) list, unsigned int i, unsigned int nr)
{
    return hypercall_restart(handle_elem(list, i), nr - i);
}

/* A call inside the batch wants to be called again, with the arguments now in @e. */
static long restart_in(XEN_GUEST_HANDLE(multicall_entry_t) list, unsigned int i, unsigned int nr,
                       const struct multicall_entry *e)
{
    current->restart = false;
    if (!copy_to_guest_raw(entry_addr(list, i, offsetof(struct multicall_entry, args)), e->args,
                           sizeof(e->args)))
        return -EFAULT;
    return restart_at(list, i, nr);
}

/*
 * Whether to give way before the next entry. Interrupts are let in each time: a call gives way by
 * itself only after as much as it may do at a time, and a list could be made of calls for just
 * less.
 */
static bool give_way(const struct vcpu *v)
{
    return mm_put_pending(v) || preempt_needed();
}

/*
 * Batches do not nest: v->batch says that one is being done, and where its calls put their
 * restarts.
 */
long do_multicall(XEN_GUEST_HANDLE(multicall_entry_t) list, unsigned int nr)
{
    struct vcpu *v = current;
    struct multicall_entry e;

    if (v->batch)
        return -EINVAL;
    if (!handle_range_ok(list, 0, nr))
        return -EFAULT;
    for (unsigned int i = 0; i < nr; i++) {
        long rc;

        if (i && give_way(v))
            return restart_at(list, i, nr);
        if (!copy_from_guest_raw(&e, handle_elem(list, i), sizeof(e)))
            return -EFAULT;
        v->batch = &e;
        rc = hypercall_dispatch(e.op, e.args);
        v->batch = NULL;
        if (e.op == __HYPERVISOR_iret)
            return rc;
        if (unlikely(v->restart))
            return restart_in(list, i, nr, &e);
        if (!copy_to_guest_raw(entry_addr(list, i, offsetof(struct multicall_entry, result)), &rc,
                               sizeof(rc)))
            return -EFAULT;
    }
    return 0;
}
