/* SPDX-License-Identifier: MIT */
/*
 * Virtual CPUs.  vCPU 0 runs guest_main; the others are started here, each with its own stack and
 * with the kernel root and trap table of the vCPU that starts it.  Events are disabled on entry.
 */
#ifndef PVGUEST_SMP_H
#define PVGUEST_SMP_H

#include <pvguest/traps.h>
#include <pvguest/user.h>
#include <xen/xen.h>

/* What the library asks to be put back when a call is cut short. */
struct pv_context {
    uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
};

/* Per-vCPU data, at %gs:0.  Fields other than self, id, info and data are the library's. */
struct pv_vcpu {
    struct pv_vcpu *self;
    unsigned int id;
    struct vcpu_info *info;     /* in shared_info */
    void *data;                 /* the guest's own */

    pv_mfn_t root;              /* kernel root loaded on this vCPU */
    struct pv_fault_info last;
    struct pv_try *try;         /* innermost running pv_try_call */
    struct pv_user_run *user;   /* running pv_user_call */
    uint64_t trap_stack;        /* top of the kernel stack for user mode, 0 until set up */
    int (*main)(void *arg);
    void *arg;
};

static inline struct pv_vcpu *pv_this_vcpu(void)
{
    struct pv_vcpu *vcpu;

    __asm__ volatile("mov %%gs:0, %0" : "=r"(vcpu));
    return vcpu;
}

static inline unsigned int pv_vcpu_id(void)
{
    return pv_this_vcpu()->id;
}

/* How many vCPUs the domain has (1 to PV_MAX_VCPUS), running or not. */
unsigned int pv_nr_vcpus(void);

/*
 * Starts vCPU `id` in fn(arg); when fn returns, the vCPU goes down.  Returns 0, -ENOMEM, -EINVAL
 * for id 0 or beyond PV_MAX_VCPUS, -EBUSY if it is up, or the errno of VCPUOP_initialise or
 * VCPUOP_up (xen/vcpu.h).  Only one vCPU at a time may call it.
 * Starting a vCPU that went down starts it again.
 */
int pv_start_vcpu(unsigned int id, int (*fn)(void *arg), void *arg);

/* Whether the vCPU is up. */
bool pv_vcpu_is_up(unsigned int id);

#endif
