/* SPDX-License-Identifier: MIT */
/*
 * The door of hypercall/: one handler a hypercall, `long do_<name>(arguments)`, declared from the
 * ABI's one list. The caller is `current`, in guest-kernel mode. A handler copies in, checks all,
 * then acts; it returns >= 0 or a negative errno. Which room a handler lives in follows its
 * subject: here are the way in (dispatch.c, multicall.c, page.c), the copies (guest_access.h),
 * and the calls that belong to no other room (version.c, console_io.c, physdev.c, platform.c).
 *
 * A long handler asks preempt_needed() and, to give way, returns hypercall_restart(new arguments):
 * the guest then executes the same call again with these, after what was pending was done. All
 * state must fit the arguments.
 */
#ifndef HYPERCALL_HYPERCALL_H
#define HYPERCALL_HYPERCALL_H

#include "domain/domain.h"
#include <xen/xen.h>
#include <xen/callback.h>
#include <xen/physdev.h>
#include <xen/domctl.h>
#include <xen/grant_table.h>
#include <xen/nmi.h>
#include <xen/platform.h>
#include <xen/sysctl.h>

#define GUEST_PTR(h) XEN_GUEST_HANDLE(h)
#define HYPERCALL0(nr, name) long do_##name(void);
#define HYPERCALL1(nr, name, T1, a1) long do_##name(T1 a1);
#define HYPERCALL2(nr, name, T1, a1, T2, a2) long do_##name(T1 a1, T2 a2);
#define HYPERCALL3(nr, name, T1, a1, T2, a2, T3, a3) long do_##name(T1 a1, T2 a2, T3 a3);
#define HYPERCALL4(nr, name, T1, a1, T2, a2, T3, a3, T4, a4) \
    long do_##name(T1 a1, T2 a2, T3 a3, T4 a4);
#define HYPERCALL5(nr, name, T1, a1, T2, a2, T3, a3, T4, a4, T5, a5) \
    long do_##name(T1 a1, T2 a2, T3 a3, T4 a4, T5 a5);
#include <xen/hypercalls.def>

/*
 * From entry.S: the hypercall in @regs of the running vCPU: number in rax, arguments in rdi, rsi,
 * rdx, r10; the result goes to rax, or rip goes back for a restart.
 */
void hypercall_entry(struct cpu_regs *regs);
/* One call by number; what multicall and hypercall_entry share. -ENOSYS for holes. */
long hypercall_dispatch(u64 nr, const u64 args[6]);

/*
 * Notes the arguments with which to go on, and returns -ERESTART; those not given keep their
 * value. Whoever called the handler knows by v->restart that this has happened, not by the number:
 * do_iret (the rax of another context) and do_get_debugreg return any number that a guest likes.
 */
#define hypercall_restart(...) \
    hypercall_set_restart((const u64[]){ __VA_ARGS__ }, sizeof((const u64[]){ __VA_ARGS__ }) / 8)
long hypercall_set_restart(const u64 *args, unsigned int n);

/* hypercall/page.c: fills a hypercall page (4096 bytes). */
void hypercall_page_fill(void *page);

#endif
