/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls.
 *
 * HYPERVISOR_<name>(...) is a typed inline stub for each line of xen/hypercalls.def: argument
 * types and meaning are in the interface's own header (xen/memory.h for memory_op, and so on).
 * All return the hypervisor's result: zero or positive for success, a negative errno
 * (xen/errno.h) for failure, -ENOSYS for a number that the hypervisor does not know.
 *
 * There are two ways in, and both work in every guest:
 *  - by the hypercall page (the default): a call to slot nr of pv_hypercall_page.  Linked with
 *    start.o, the image asks for the page by an ELF note and the hypervisor writes the slots;
 *    linked with start-nopage.o there is no note and the library's own slots are there.
 *  - by a raw `syscall`: define PV_HYPERCALL_RAW before including this header, and every stub of
 *    that file is inlined to the instruction; or call pv_syscall() for a single one.
 *
 * Register contract (the ABI's): number in rax, arguments in rdi rsi rdx r10 r8 r9, result in
 * rax; rcx, r11 and the argument registers are lost.
 */
#ifndef PVGUEST_HYPERCALL_H
#define PVGUEST_HYPERCALL_H

#include <pvguest/types.h>
#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/callback.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

extern const char pv_hypercall_page[4096];

#define PV_HYPERCALL_BY_PAGE    "call pv_hypercall_page + %c[nr] * 32"
#define PV_HYPERCALL_BY_SYSCALL "mov %[nr], %%eax; syscall"

#ifdef PV_HYPERCALL_RAW
#define PV_HYPERCALL_INSN PV_HYPERCALL_BY_SYSCALL
#else
#define PV_HYPERCALL_INSN PV_HYPERCALL_BY_PAGE
#endif

/*
 * Each argument register is an in-out operand: the hypervisor may rewrite it to continue a long
 * call, so its value afterwards means nothing.
 */
#define PV_HC_ARG1 uint64_t rdi_ = (uint64_t)(a1)
#define PV_HC_ARG2 PV_HC_ARG1, rsi_ = (uint64_t)(a2)
#define PV_HC_ARG3 PV_HC_ARG2, rdx_ = (uint64_t)(a3)
#define PV_HC_ARG4 PV_HC_ARG3; register uint64_t r10_ __asm__("r10") = (uint64_t)(a4)

#define PV_HC_REG1 "+D"(rdi_)
#define PV_HC_REG2 PV_HC_REG1, "+S"(rsi_)
#define PV_HC_REG3 PV_HC_REG2, "+d"(rdx_)
#define PV_HC_REG4 PV_HC_REG3, "+r"(r10_)

#define PV_HC_STUB(n, number, name, ...)                                                   \
    static inline long HYPERVISOR_##name(__VA_ARGS__)                                      \
    {                                                                                      \
        long rax_;                                                                         \
        PV_HC_ARG##n;                                                                      \
        __asm__ volatile(PV_HYPERCALL_INSN                                                 \
                         : "=a"(rax_), PV_HC_REG##n                                        \
                         : [nr] "i"(number)                                                \
                         : "rcx", "r11", "memory");                                        \
        return rax_;                                                                       \
    }

#define GUEST_PTR(handle) __typeof__(((XEN_GUEST_HANDLE(handle) *)0)->p)
/* The one without arguments is iret, which takes a frame instead: entry.S makes it. */
#define HYPERCALL0(nr, name)
#define HYPERCALL1(nr, name, t1, n1) PV_HC_STUB(1, nr, name, t1 a1)
#define HYPERCALL2(nr, name, t1, n1, t2, n2) PV_HC_STUB(2, nr, name, t1 a1, t2 a2)
#define HYPERCALL3(nr, name, t1, n1, t2, n2, t3, n3) \
    PV_HC_STUB(3, nr, name, t1 a1, t2 a2, t3 a3)
#define HYPERCALL4(nr, name, t1, n1, t2, n2, t3, n3, t4, n4) \
    PV_HC_STUB(4, nr, name, t1 a1, t2 a2, t3 a3, t4 a4)

#include <xen/hypercalls.def>

/*
 * pv_hypercall: any number with up to six raw arguments, by the hypercall page; pv_syscall: the
 * same by the instruction.  For calls whose number is only known at run time, and for wrong ones.
 * pv_hypercall takes numbers 0 to 127, the page's slots; pv_syscall takes any 64-bit value.
 */
long pv_hypercall(uint64_t nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5,
                  uint64_t a6);
long pv_syscall(uint64_t nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5,
                uint64_t a6);

#endif
