/* SPDX-License-Identifier: MIT */
/*
 * Signals: sent at any time, also by event handlers; taken on the way to user code.
 *
 * A signal that is ignored is not even noted, unless it is blocked (the action may change until it
 * is taken). There is one of each kind pending at most, with what siginfo_t says of the first.
 */
#include "arch/arch.h"
#include "mm/mm.h"
#include "proc/internal.h"

#define SA_RESTART   0x10000000u
#define SA_NODEFER   0x40000000u
#define SA_RESETHAND 0x80000000u
#define SI_USER      0
#define SI_KERNEL    0x80
#define CLD_STOPPED   5
#define CLD_CONTINUED 6
#define CORE_FLAG    0x80
#define SYSCALL_SIZE 2              /* bytes of the instruction */

#define UNBLOCKABLE (SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP))
#define STOPS  (SIG_BIT(SIGSTOP) | SIG_BIT(SIGTSTP) | SIG_BIT(SIGTTIN) | SIG_BIT(SIGTTOU))
#define IGNORED_BY_DEFAULT \
    (SIG_BIT(SIGCHLD) | SIG_BIT(SIGCONT) | SIG_BIT(SIGURG) | SIG_BIT(SIGWINCH))
#define DUMPS_CORE (SIG_BIT(SIGQUIT) | SIG_BIT(SIGILL) | SIG_BIT(SIGTRAP) | SIG_BIT(SIGABRT) | \
                    SIG_BIT(SIGBUS) | SIG_BIT(SIGFPE) | SIG_BIT(SIGSEGV))

static bool ignored(const struct task *t, int sig)
{
    uint64_t handler = t->sigaction[sig].handler;

    if (handler == SIG_DFL)
        /* What would end the first process by default does not reach it. */
        return IGNORED_BY_DEFAULT & SIG_BIT(sig) || (t == init_task && sig != SIGKILL);
    return handler == SIG_IGN;
}

bool signal_wanted(const struct task *t, int sig)
{
    return !(t->sig_blocked & SIG_BIT(sig)) && t->sigaction[sig].handler != SIG_IGN;
}

bool signal_pending(const struct task *t)
{
    return t->sig_pending & ~t->sig_blocked;
}

void set_blocked(uint64_t mask)
{
    current->sig_blocked = mask & ~UNBLOCKABLE;
}

/* ---- Sending ---- */

static void resume(struct task *t)
{
    if (t->state != TASK_STOPPED)
        return;
    t->report_stop = false;
    make_runnable(t);
}

/* Stopping and continuing take each other back, whatever becomes of the signal itself. */
static void cancel_opposite(struct task *t, int sig)
{
    if (sig == SIGCONT) {
        bool stopped = t->state == TASK_STOPPED;

        t->sig_pending &= ~STOPS;
        resume(t);
        if (stopped) {
            t->report_cont = true;
            notify_parent(t, CLD_CONTINUED, SIGCONT);
        }
    } else if (SIG_BIT(sig) & STOPS) {
        t->sig_pending &= ~SIG_BIT(SIGCONT);
    }
}

int send_signal_info(struct task *t, int sig, const struct signal_info *info)
{
    if (sig < 0 || sig >= NR_SIGNALS)
        return -EINVAL;
    if (sig == 0 || t->state == TASK_ZOMBIE || !t->space)
        return 0;
    if (sig == SIGKILL && t == init_task && t != current)
        return 0;
    cancel_opposite(t, sig);
    if (sig == SIGKILL)
        resume(t);
    if (t->sig_pending & SIG_BIT(sig) || (ignored(t, sig) && !(t->sig_blocked & SIG_BIT(sig))))
        return 0;
    t->siginfo[sig] = *info;
    t->sig_pending |= SIG_BIT(sig);
    if (signal_pending(t) && !t->uninterruptible)
        wake_task(t, -ERESTARTSYS);
    return 0;
}

int send_signal(struct task *t, int sig)
{
    const struct signal_info info = { .code = SI_KERNEL };

    return send_signal_info(t, sig, &info);
}

int send_signal_group(int pgid, int sig)
{
    struct task *t = NULL;
    int rc = -ESRCH;

    while ((t = task_after(t))) {
        if (t->pgid == pgid && t->state != TASK_ZOMBIE)
            rc = send_signal(t, sig);
    }
    return rc;
}

void force_signal(int sig, int code, uint64_t addr)
{
    struct sigaction_k *action = &current->sigaction[sig];

    if (current->sig_blocked & SIG_BIT(sig) || action->handler == SIG_IGN) {
        current->sig_blocked &= ~SIG_BIT(sig);
        action->handler = SIG_DFL;
    }
    current->siginfo[sig] = (struct signal_info){ .code = code, .addr = addr };
    current->sig_pending |= SIG_BIT(sig);
}

/* ---- Taking ---- */

static int next_signal(void)
{
    uint64_t ready = current->sig_pending & ~current->sig_blocked;
    int sig;

    if (!ready)
        return 0;
    sig = ready & SIG_BIT(SIGKILL) ? SIGKILL : __builtin_ctzl(ready) + 1;
    current->sig_pending &= ~SIG_BIT(sig);
    return sig;
}

static void stop(int sig)
{
    current->stop_signal = sig;
    current->report_stop = true;
    current->report_cont = false;
    current->state = TASK_STOPPED;
    notify_parent(current, CLD_STOPPED, sig);
    schedule();
}

static void default_action(int sig)
{
    if (SIG_BIT(sig) & STOPS)
        stop(sig);
    else if (!(SIG_BIT(sig) & IGNORED_BY_DEFAULT))
        do_exit(sig | (SIG_BIT(sig) & DUMPS_CORE ? CORE_FLAG : 0));
}

bool must_restart(const struct pv_regs *regs)
{
    long rc = (long)regs->rax;

    return regs->vector == PV_ENTRY_SYSCALL && (rc == -ERESTARTSYS || rc == -ERESTARTNOHAND);
}

/* The call's number is kept in error_code (syscall/dispatch.c). */
static void restart_call(struct pv_regs *regs)
{
    regs->rax = regs->error_code;
    regs->rip -= SYSCALL_SIZE;
    regs->vector = 0;
}

/* A call that this handler interrupted goes on after it, or says -EINTR. */
static void settle_call(struct pv_regs *regs, const struct sigaction_k *action)
{
    if (!must_restart(regs))
        return;
    if (regs->rax == (uint64_t)-ERESTARTSYS && action->flags & SA_RESTART)
        restart_call(regs);
    else
        regs->rax = (uint64_t)-EINTR;
}

static void run_handler(struct pv_regs *regs, int sig)
{
    struct sigaction_k *action = &current->sigaction[sig];
    uint64_t mask = current->restore_blocked ? current->saved_blocked : current->sig_blocked;
    uint64_t add = action->mask | (action->flags & SA_NODEFER ? 0 : SIG_BIT(sig));

    settle_call(regs, action);
    current->restore_blocked = false;
    if (push_signal_frame(regs, sig, mask)) {
        /* No room on its stack: it can't go on. */
        action->handler = SIG_DFL;
        do_exit(SIGSEGV | CORE_FLAG);
    }
    set_blocked(current->sig_blocked | add);
    if (action->flags & SA_RESETHAND)
        action->handler = SIG_DFL;
}

void deliver_signals(struct pv_regs *regs)
{
    int sig;

    while ((sig = next_signal())) {
        uint64_t handler = current->sigaction[sig].handler;

        if (handler == SIG_IGN || (handler == SIG_DFL && current == init_task && sig != SIGKILL &&
                                   !(DUMPS_CORE & SIG_BIT(sig))))
            continue;
        if (handler == SIG_DFL)
            default_action(sig);
        else
            run_handler(regs, sig);
    }
    if (must_restart(regs))
        restart_call(regs);
    if (current->restore_blocked) {
        current->restore_blocked = false;
        set_blocked(current->saved_blocked);
    }
}
