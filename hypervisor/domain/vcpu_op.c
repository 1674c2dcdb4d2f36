/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op: one vCPU of the caller's domain, by number. A number that is not there costs next to
 * nothing.
 *
 * Any vCPU of a domain may call this on any other, so every operation has to hold against the same
 * one on another CPU at the same time. What guards it stands with each: a claim, d->lock, the
 * run queue's lock, or that the caller is the vCPU itself.
 */
#include "domain/internal.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/atomic.h"
#include "mm/mm.h"

/*
 * The ABI's bounds. A shorter period would be spent in its own interrupts; a longer one would wrap
 * when it is added to the time.
 */
#define MIN_PERIOD_NS 1000000ull
#define MAX_PERIOD_NS (~0ull >> 2)

/*
 * v->claimed keeps a second caller out while the first may be stopped in the middle (the roots are
 * validated in slices): he is told what he would be told a moment later, -EEXIST. `initialised` is
 * set last, so whoever reads it true finds a whole context (vcpu_up()).
 */
static long initialise(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    long rc;

    if (atomic_xchg(&v->claimed, true))
        return -EEXIST;
    rc = v->initialised ? -EEXIST : guest_cpu_set_context(v, ctx);
    if (rc == 0)
        WRITE_ONCE(v->initialised, true);
    store_release(&v->claimed, false);
    return rc;
}

static long op_initialise(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    const unsigned int order = 1;
    struct vcpu_guest_context *ctx = alloc_hv_pages(order);    /* too much for the stack */
    long rc;

    BUILD_ASSERT(sizeof(*ctx) <= PAGE_SIZE << 1);
    if (!ctx)
        return -ENOMEM;
    rc = copy_arg_from_guest(ctx, arg) ? initialise(v, ctx) : -EFAULT;
    free_hv_pages(ctx, order);
    return rc == -ERESTART ? hypercall_restart(VCPUOP_initialise, v->id, (u64)arg.p) : rc;
}

static long op_up(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    return vcpu_up(v);
}

static long op_down(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    vcpu_down(v);
    return 0;
}

/* A moment's answer, as it can only be: hence without a lock. */
static long op_is_up(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    return READ_ONCE(v->state) != VCPU_DOWN;
}

static long op_get_runstate_info(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    struct vcpu_runstate_info r;

    /* Its padding goes to the guest, too. */
    __builtin_memset(&r, 0, sizeof(r));
    runstate_get(v, &r);
    return copy_arg_to_guest(arg, &r) ? 0 : -EFAULT;
}

/*
 * The area is written at once, for any vCPU; from then on by the vCPU itself, when it is loaded.
 * The address is one of the guest kernel's and is looked up anew each time: no reference is held
 * on what is there, so it must be as safe to write as any pointer that a guest passes.
 */
static long op_register_runstate(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    struct vcpu_register_runstate_memory_area area;
    struct vcpu_runstate_info r;

    if (!copy_arg_from_guest(&area, arg) || !guest_range_ok(area.addr.p, sizeof(r)))
        return -EFAULT;
    WRITE_ONCE(v->runstate_area, area.addr.p);
    if (v == current) {
        vcpu_areas_write(v);
        return 0;
    }
    __builtin_memset(&r, 0, sizeof(r));
    runstate_get(v, &r);
    if (area.addr.p && !copy_to_guest_raw(area.addr.p, &r, sizeof(r)))
        guest_printk(LOG_DEBUG, "domain %u: a run-state area can't be written\n", v->domain->id);
    return 0;
}

/* Another vCPU's is first written when that one runs: only then is its record its CPU's. */
static long op_register_time(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    struct vcpu_register_time_memory_area area;

    if (!copy_arg_from_guest(&area, arg) ||
        !guest_range_ok(area.addr.p, sizeof(struct vcpu_time_info)))
        return -EFAULT;
    WRITE_ONCE(v->time_area, area.addr.p);
    if (v == current)
        vcpu_areas_write(v);
    return 0;
}

static long op_set_periodic(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    struct vcpu_set_periodic_timer set;

    if (!copy_arg_from_guest(&set, arg))
        return -EFAULT;
    if (set.period_ns < MIN_PERIOD_NS || set.period_ns > MAX_PERIOD_NS)
        return -EINVAL;
    vcpu_set_period(v, set.period_ns);
    return 0;
}

static long op_stop_periodic(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    vcpu_set_period(v, 0);
    return 0;
}

/*
 * The timer belongs to the vCPU that runs here, which keeps it in this CPU's queue; nobody else's
 * timers are looked at.
 */
static long op_set_singleshot(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    struct vcpu_set_singleshot_timer set;

    if (v != current)
        return -EINVAL;
    if (!copy_arg_from_guest(&set, arg))
        return -EFAULT;
    if ((set.flags & VCPU_SSHOTTMR_future) && set.timeout_abs_ns < now_ns())
        return -ETIME;
    vcpu_set_singleshot(v, set.timeout_abs_ns);
    return 0;
}

static long op_stop_singleshot(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    if (v != current)
        return -EINVAL;
    timer_stop(&v->singleshot);
    return 0;
}

static long op_register_vcpu_info(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    struct vcpu_register_vcpu_info info;
    int rc;

    if (!copy_arg_from_guest(&info, arg))
        return -EFAULT;
    rc = vcpu_move_info(v, MFN(info.mfn), info.offset);
    return rc == -ERESTART ? hypercall_restart(VCPUOP_register_vcpu_info, v->id, (u64)arg.p) : rc;
}

/* Not counted: a second one before the first was taken is the same one, as with the real pin. */
static long op_send_nmi(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    if (!handle_is_null(arg))
        return -EINVAL;
    __atomic_store_n(&v->cpu.nmi_pending, true, __ATOMIC_SEQ_CST);
    vcpu_wake(v);
    /* Wherever it runs, it must not take the short way out, which looks for events only. */
    raise_softirq_on(v->processor, SOFTIRQ_EXIT);
    return 0;
}

/* Only of a vCPU that is pinned for its guest's own use would it mean anything, and none is. */
static long op_get_physid(struct vcpu *v, XEN_GUEST_HANDLE(void) arg)
{
    return -EINVAL;
}

static long (*const ops[])(struct vcpu *v, XEN_GUEST_HANDLE(void) arg) = {
    [VCPUOP_initialise]                    = op_initialise,
    [VCPUOP_up]                            = op_up,
    [VCPUOP_down]                          = op_down,
    [VCPUOP_is_up]                         = op_is_up,
    [VCPUOP_get_runstate_info]             = op_get_runstate_info,
    [VCPUOP_register_runstate_memory_area] = op_register_runstate,
    [VCPUOP_set_periodic_timer]            = op_set_periodic,
    [VCPUOP_stop_periodic_timer]           = op_stop_periodic,
    [VCPUOP_set_singleshot_timer]          = op_set_singleshot,
    [VCPUOP_stop_singleshot_timer]         = op_stop_singleshot,
    [VCPUOP_register_vcpu_info]            = op_register_vcpu_info,
    [VCPUOP_send_nmi]                      = op_send_nmi,
    [VCPUOP_get_physid]                    = op_get_physid,
    [VCPUOP_register_vcpu_time_memory_area] = op_register_time,
};

long do_vcpu_op(unsigned int cmd, unsigned int vcpuid, XEN_GUEST_HANDLE(void) arg)
{
    struct domain *d = current->domain;

    if (vcpuid >= d->max_vcpus)
        return -ENOENT;
    if (cmd >= ARRAY_SIZE(ops))
        return -ENOSYS;
    cmd = (unsigned int)index_nospec(cmd, ARRAY_SIZE(ops));
    return ops[cmd] ? ops[cmd](d->vcpus[index_nospec(vcpuid, MAX_VCPUS)], arg) : -ENOSYS;
}
