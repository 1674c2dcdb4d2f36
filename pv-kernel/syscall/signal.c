/* SPDX-License-Identifier: MIT */
/* System calls: signals. Masks are 64 bits, which callers say as their size of 8. */
#include "mm/mm.h"
#include "proc/proc.h"
#include "proc/sigframe.h"
#include "syscall/families.h"

#define SIGSET_SIZE 8
#define SS_ONSTACK  1
#define SS_DISABLE  2
#define MIN_ALTSTACK 2048
#define SI_USER     0
#define SI_TKILL    (-6)

enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };

SYSCALL(sys_rt_sigaction)
{
    int sig = (int)a;
    uint64_t new_at = b, old_at = c, size = d;
    struct sigaction_k action, old;

    if (size != SIGSET_SIZE || sig < 1 || sig >= NR_SIGNALS ||
        (new_at && (sig == SIGKILL || sig == SIGSTOP)))
        return -EINVAL;
    if (new_at && copy_from_user(&action, new_at, sizeof(action)))
        return -EFAULT;
    old = current->sigaction[sig];
    if (old_at && copy_to_user(old_at, &old, sizeof(old)))
        return -EFAULT;
    if (new_at) {
        current->sigaction[sig] = action;
        if (action.handler == SIG_IGN)
            current->sig_pending &= ~SIG_BIT(sig);
    }
    return 0;
}

SYSCALL(sys_rt_sigprocmask)
{
    int how = (int)a;
    uint64_t set_at = b, old_at = c, size = d, set = 0, old = current->sig_blocked;

    if (size != SIGSET_SIZE || (set_at && how > SIG_SETMASK))
        return -EINVAL;
    if ((set_at && copy_from_user(&set, set_at, sizeof(set))) ||
        (old_at && copy_to_user(old_at, &old, sizeof(old))))
        return -EFAULT;
    if (!set_at)
        return 0;
    if (how == SIG_BLOCK)
        set |= old;
    else if (how == SIG_UNBLOCK)
        set = old & ~set;
    set_blocked(set);
    return 0;
}

SYSCALL(sys_rt_sigreturn)
{
    if (pop_signal_frame(current->regs)) {
        force_signal(SIGSEGV, 0, current->regs->rsp);
        current->regs->vector = 0;
    }
    return 0;
}

SYSCALL(sys_rt_sigpending)
{
    uint64_t pending = current->sig_pending & current->sig_blocked;

    return b == SIGSET_SIZE ? copy_to_user(a, &pending, sizeof(pending)) : -EINVAL;
}

static long sleep_for_signal(void)
{
    struct wait_queue nobody;

    wait_queue_init(&nobody);
    while (!wait_on(&nobody, 0))
        ;
    return -ERESTARTNOHAND;
}

SYSCALL(sys_rt_sigsuspend)
{
    uint64_t mask;

    if (b != SIGSET_SIZE)
        return -EINVAL;
    if (copy_from_user(&mask, a, sizeof(mask)))
        return -EFAULT;
    current->saved_blocked = current->sig_blocked;
    current->restore_blocked = true;
    set_blocked(mask);
    return sleep_for_signal();
}

SYSCALL(sys_pause)
{
    return sleep_for_signal();
}

/* Takes a blocked signal of the set without running its handler. */
SYSCALL(sys_rt_sigtimedwait)
{
    uint64_t set_at = a, info_at = b, timeout_at = c, size = d, set, deadline = 0;
    int64_t timeout[2];
    struct wait_queue nobody;
    int rc = 0, sig;

    if (size != SIGSET_SIZE)
        return -EINVAL;
    if (copy_from_user(&set, set_at, sizeof(set)) ||
        (timeout_at && copy_from_user(timeout, timeout_at, sizeof(timeout))))
        return -EFAULT;
    if (timeout_at)
        deadline = pv_system_time() + (uint64_t)timeout[0] * PV_NS_PER_SEC + (uint64_t)timeout[1];
    wait_queue_init(&nobody);
    while (!(current->sig_pending & set) && !rc) {
        uint64_t blocked = current->sig_blocked;

        set_blocked(blocked & ~set);
        rc = wait_on(&nobody, deadline);
        set_blocked(blocked);
    }
    if (!(current->sig_pending & set))
        return rc == -ETIMEDOUT ? -EAGAIN : -EINTR;
    sig = __builtin_ctzl(current->sig_pending & set) + 1;
    current->sig_pending &= ~SIG_BIT(sig);
    if (info_at) {
        struct siginfo_k info;

        fill_siginfo(&info, sig);
        if (copy_to_user(info_at, &info, sizeof(info)))
            return -EFAULT;
    }
    return sig;
}

SYSCALL(sys_sigaltstack)
{
    uint64_t new_at = a, old_at = b, sp = current->regs->rsp;
    struct sigaltstack_k new, old = current->altstack;
    bool inside = old.size && sp > old.sp && sp - old.sp <= old.size;

    old.flags = !old.size ? SS_DISABLE : inside ? SS_ONSTACK : 0;
    if (new_at) {
        if (copy_from_user(&new, new_at, sizeof(new)))
            return -EFAULT;
        if (inside)
            return -EPERM;
        if (new.flags & SS_DISABLE)
            memset(&new, 0, sizeof(new));
        else if (new.size < MIN_ALTSTACK)
            return -ENOMEM;
    }
    if (old_at && copy_to_user(old_at, &old, sizeof(old)))
        return -EFAULT;
    if (new_at)
        current->altstack = new;
    return 0;
}

/* ---- kill and its kin ---- */

static int signal_to(struct task *t, int sig, int code)
{
    const struct signal_info info = { .code = code, .pid = current->pid };

    return t ? send_signal_info(t, sig, &info) : -ESRCH;
}

/* To the processes of a group (0: all but the first process and the caller). */
static long signal_group(int pgid, int sig)
{
    struct task *t = task_next(pgid ? 0 : 1);
    long rc = -ESRCH;

    for (; t; t = task_next(t->pid)) {
        if (pgid ? t->pgid == pgid : t != current)
            rc = signal_to(t, sig, SI_USER);
    }
    return rc;
}

SYSCALL(sys_kill)
{
    int pid = (int)a, sig = (int)b;

    if (sig < 0 || sig >= NR_SIGNALS)
        return -EINVAL;
    if (pid > 0)
        return signal_to(task_find(pid), sig, SI_USER);
    if (pid == -1)
        return signal_group(0, sig);
    return signal_group(pid ? -pid : current->pgid, sig);
}

SYSCALL(sys_tkill)
{
    int tid = (int)a, sig = (int)b;

    return tid > 0 ? signal_to(task_find(tid), sig, SI_TKILL) : -EINVAL;
}

SYSCALL(sys_tgkill)
{
    int tgid = (int)a, tid = (int)b, sig = (int)c;

    if (tgid <= 0 || tid <= 0)
        return -EINVAL;
    return tgid == tid ? signal_to(task_find(tid), sig, SI_TKILL) : -ESRCH;
}
