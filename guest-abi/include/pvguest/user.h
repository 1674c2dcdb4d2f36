/* SPDX-License-Identifier: MIT */
/*
 * Running code in guest user mode.
 *
 * A 64-bit PV guest has two page-table roots for one address space: the kernel's maps all, the
 * user's lacks the kernel.  The library's user root has one slot, the lowest 512 GiB, shared with
 * the kernel's root; so kernel code reads and writes user memory at the same addresses.
 *
 * Functions that shall run there are marked PV_USER_TEXT, their data PV_USER_DATA; the linker
 * puts them at PV_USER_BASE and the library maps them.  Such a function may use nothing else:
 * the kernel's text and data are not there (a reference to them does not link).  Nor does a plain
 * use of user data in kernel code: see PV_USER_PTR.
 */
#ifndef PVGUEST_USER_H
#define PVGUEST_USER_H

#include <pvguest/traps.h>

#define PV_USER_TEXT __attribute__((section(".pv_user.text"), noinline, used))
#define PV_USER_DATA __attribute__((section(".pv_user.data"), used))

/*
 * The address of a PV_USER_TEXT function or PV_USER_DATA variable, for kernel code.  A plain use
 * of the name is relative to rip, and user addresses are too far away for that.
 */
#define PV_USER_PTR(object)                                                                \
    ({                                                                                     \
        __typeof__(&(object)) ptr_;                                                        \
        __asm__("movq %1, %0" : "=r"(ptr_) : "i"(&(object)));                              \
        ptr_;                                                                              \
    })

#define PV_USER_BASE      0x0000000000400000UL
#define PV_USER_STACK_TOP 0x0000007ffffff000UL
#define PV_USER_LIMIT     0x0000008000000000UL /* the end of what both roots share */
#define PV_USER_STACK_SIZE 0x4000UL            /* of each vCPU, with an unmapped page below */

/* The number that a user function's return raises as its last system call. */
#define PV_USER_RETURN 0x5056000052455455UL

/* How user mode ended. */
struct pv_user_exit {
    bool returned;       /* the function returned; regs.rdi is its result */
    pv_fault_t fault;    /* the exception or software interrupt, or 0 for a system call */
    uint64_t cr2;        /* of a page fault, else 0 */
    struct pv_regs regs; /* at that moment; a system call's number is in rax */
};

/* The user stack of a vCPU starts here. */
uint64_t pv_user_stack(unsigned int vcpu);

/*
 * Builds the user root and stacks and loads the root on this vCPU.  Called by the first
 * pv_user_call of a vCPU; call it yourself to set up ahead.  Returns 0, -ENOMEM, or what
 * mmu_update and MMUEXT_NEW_USER_BASEPTR (xen/xen.h) say.
 */
int pv_user_init(void);

/*
 * Runs fn(arg) in user mode, on the vCPU's user stack with events enabled, until it returns,
 * makes a system call (first or any), or faults; says in *exit which.  Event handlers run
 * meanwhile.  Returns 0 or pv_user_init's error.  Must be called in ordinary context, not from a
 * handler.
 */
int pv_user_call(void *fn, uint64_t arg, struct pv_user_exit *exit);

/* The same from any register state; pv_user_resume(&e.regs, &e) goes on after a system call. */
int pv_user_resume(const struct pv_regs *regs, struct pv_user_exit *exit);

/* The user root's frame, for whoever wants to load or change it. */
pv_mfn_t pv_user_root(void);

#endif
