/* SPDX-License-Identifier: MIT */
/* Virtual CPUs (pvguest/smp.h). */
#include "internal.h"

#define STACK_PAGES   8
#define CONTEXT_PAGES ((sizeof(struct vcpu_guest_context) + PV_PAGE_SIZE - 1) / PV_PAGE_SIZE)

static struct pv_vcpu vcpus[PV_MAX_VCPUS] = { [0] = { .self = &vcpus[0] } };

/* There from the beginning, and zero but for vCPU 0's: `self` says that it was set up. */
struct pv_vcpu *pv_vcpu_by_id(unsigned int id)
{
    return &vcpus[id];
}

static long vcpu_op(int cmd, unsigned int id, void *arg)
{
    return HYPERVISOR_vcpu_op(cmd, id, arg);
}

/* Asked of the hypervisor, which knows a vCPU that was never started, too. */
unsigned int pv_nr_vcpus(void)
{
    unsigned int nr = 1;

    while (nr < PV_MAX_VCPUS && vcpu_op(VCPUOP_is_up, nr, NULL) >= 0)
        nr++;
    return nr;
}

bool pv_vcpu_is_up(unsigned int id)
{
    return vcpu_op(VCPUOP_is_up, id, NULL) == 1;
}

/*
 * From entry.S, on the vCPU's own stack, with events disabled. Never leaves: it goes down and comes
 * up here.
 */
_Noreturn void pv_vcpu_start(struct pv_vcpu *vcpu)
{
    pv_time_init();
    for (;;) {
        vcpu->main(vcpu->arg);
        pv_events_disable();
        /* Returns when somebody brings the vCPU up again, with another main. */
        vcpu_op(VCPUOP_down, vcpu->id, NULL);
    }
}

/*
 * The vCPU's first state: all that is not set is zero. The context is only read by the call; the
 * stack is the vCPU's for good.
 */
static int initialise(struct pv_vcpu *vcpu)
{
    char *stack = pv_alloc_pages(STACK_PAGES);
    struct vcpu_guest_context *context = pv_alloc_pages(CONTEXT_PAGES);
    uint64_t stack_top = (uint64_t)stack + STACK_PAGES * PV_PAGE_SIZE;
    long rc = -XEN_ENOMEM;

    if (stack && context) {
        context->flags = VGCF_in_kernel;
        context->user_regs.rip = (uint64_t)pv_vcpu_entry;
        context->user_regs.rsp = stack_top;
        context->user_regs.rdi = (uint64_t)vcpu;
        context->user_regs.cs = FLAT_KERNEL_CS;
        context->user_regs.ss = FLAT_KERNEL_SS;
        context->kernel_ss = FLAT_KERNEL_SS;
        context->kernel_sp = stack_top;
        context->ctrlreg[3] = xen_pfn_to_cr3(vcpu->root.nr);
        context->gs_base_kernel = (uint64_t)vcpu;
        pv_traps_fill(context);
        rc = vcpu_op(VCPUOP_initialise, vcpu->id, context);
    }
    pv_free_pages(context, CONTEXT_PAGES);
    if (rc)
        pv_free_pages(stack, STACK_PAGES);
    return (int)rc;
}

int pv_start_vcpu(unsigned int id, int (*fn)(void *arg), void *arg)
{
    struct pv_vcpu *vcpu;

    if (id == 0 || id >= PV_MAX_VCPUS)
        return -XEN_EINVAL;
    if (pv_vcpu_is_up(id))
        return -XEN_EBUSY;
    vcpu = &vcpus[id];
    vcpu->main = fn;
    vcpu->arg = arg;
    if (!vcpu->self) {
        int rc;

        vcpu->id = id;
        vcpu->info = &pv_shared_info->vcpu_info[id];
        vcpu->root = pv_current_root();
        rc = initialise(vcpu);
        if (rc)
            return rc;
        vcpu->self = vcpu;
    }
    return (int)vcpu_op(VCPUOP_up, id, NULL);
}
