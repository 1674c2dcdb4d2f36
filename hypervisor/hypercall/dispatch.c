/* SPDX-License-Identifier: MIT */
/*
 * The index of the hypervisor: number -> handler. hypercalls.def gives each call's types, and from
 * them a thunk that takes the arguments as the guest passes them, in registers; the table below
 * names the calls that are served. A hole answers -ENOSYS.
 *
 * The path through hypercall_entry() is what every hypercall pays, so it does nothing that only a
 * few of them need.
 */
#include "hypercall/hypercall.h"
#include "lib/atomic.h"

typedef long (*hypercall_thunk)(u64 a1, u64 a2, u64 a3, u64 a4);

/*
 * A register's worth, as the type that the handler wants: an integer's low bytes, or a boxed
 * pointer.
 */
#define AS(T, reg) (((union { u64 raw; T typed; }){ .raw = (reg) }).typed)

/* Static inline, and referred to by the table alone: one whose call is not served emits nothing. */
#define THUNK(name, ...)                                                    \
    static inline long thunk_##name(u64 a1, u64 a2, u64 a3, u64 a4)         \
    {                                                                       \
        return do_##name(__VA_ARGS__);                                      \
    }
#define GUEST_PTR(h) XEN_GUEST_HANDLE(h)
#define HYPERCALL0(nr, name) THUNK(name)
#define HYPERCALL1(nr, name, T1, n1) THUNK(name, AS(T1, a1))
#define HYPERCALL2(nr, name, T1, n1, T2, n2) THUNK(name, AS(T1, a1), AS(T2, a2))
#define HYPERCALL3(nr, name, T1, n1, T2, n2, T3, n3) \
    THUNK(name, AS(T1, a1), AS(T2, a2), AS(T3, a3))
#define HYPERCALL4(nr, name, T1, n1, T2, n2, T3, n3, T4, n4) \
    THUNK(name, AS(T1, a1), AS(T2, a2), AS(T3, a3), AS(T4, a4))
#include <xen/hypercalls.def>

#define CALL(call) [__HYPERVISOR_##call] = thunk_##call

static const hypercall_thunk table[] = {
    CALL(set_trap_table),
    CALL(mmu_update),
    CALL(set_gdt),
    CALL(stack_switch),
    CALL(set_callbacks),
    CALL(fpu_taskswitch),
    CALL(platform_op),
    CALL(set_debugreg),
    CALL(get_debugreg),
    CALL(update_descriptor),
    CALL(memory_op),
    CALL(multicall),
    CALL(update_va_mapping),
    CALL(set_timer_op),
    CALL(xen_version),
    CALL(console_io),
    CALL(grant_table_op),
    CALL(vm_assist),
    CALL(update_va_mapping_otherdomain),
    CALL(iret),
    CALL(vcpu_op),
    CALL(set_segment_base),
    CALL(mmuext_op),
    CALL(nmi_op),
    CALL(sched_op),
    CALL(callback_op),
    CALL(event_channel_op),
    CALL(physdev_op),
    CALL(sysctl),
    CALL(domctl),
};

/* Also what a mispredicted branch would call is in the table. */
static inline long call(u64 nr, u64 a1, u64 a2, u64 a3, u64 a4)
{
    hypercall_thunk thunk;

    if (unlikely(nr >= ARRAY_SIZE(table)))
        return -ENOSYS;
    thunk = table[index_nospec(nr, ARRAY_SIZE(table))];
    return likely(thunk) ? thunk(a1, a2, a3, a4) : -ENOSYS;
}

void hypercall_entry(struct cpu_regs *regs)
{
    long rc = call(regs->rax, regs->rdi, regs->rsi, regs->rdx, regs->r10);

    /* The number first, since it is at hand; the flag tells it from a guest's own (hypercall.h). */
    if (unlikely(rc == -ERESTART) && current->restart) {
        current->restart = false;
        regs->rip -= 2;     /* back on to the syscall instruction; rax still holds the number */
        return;
    }
    regs->rax = (u64)rc;
}

long hypercall_dispatch(u64 nr, const u64 args[6])
{
    return call(nr, args[0], args[1], args[2], args[3]);
}

/*
 * Where the arguments came from: the registers, or the entry of the multicall that is being done.
 */
long hypercall_set_restart(const u64 *args, unsigned int n)
{
    struct vcpu *v = current;
    struct cpu_regs *regs = guest_regs();
    u64 *const in_regs[] = { &regs->rdi, &regs->rsi, &regs->rdx, &regs->r10, &regs->r8, &regs->r9 };

    for (unsigned int i = 0; i < n; i++) {
        if (v->batch)
            v->batch->args[i] = args[i];
        else
            *in_regs[i] = args[i];
    }
    v->restart = true;
    return -ERESTART;
}
