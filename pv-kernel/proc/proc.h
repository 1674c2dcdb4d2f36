/* SPDX-License-Identifier: MIT */
/* The door of proc/: processes, who runs, sleeping, signals, exec. One thread a process. */
#ifndef PVK_PROC_H
#define PVK_PROC_H

#include "kernel.h"

struct space;
struct file;
struct inode;
struct session_tty;

#define NR_FILES   256
#define NR_SIGNALS 65
#define KSTACK_PAGES 4

enum task_state { TASK_RUNNING, TASK_SLEEPING, TASK_STOPPED, TASK_ZOMBIE };

struct sigaction_k {                /* as rt_sigaction(2) has it */
    uint64_t handler, flags, restorer, mask;
};

struct open_file {                  /* one row of the descriptor table */
    struct file *file;
    bool cloexec;
};

struct task {
    int pid, pgid, sid;
    struct task *parent;
    struct list children, sibling;
    enum task_state state;
    int exit_status;                /* as wait4(2) reports it */
    char comm[16];

    struct space *space;            /* NULL for kernel threads */
    void *kstack;                   /* KSTACK_PAGES pages */
    uint64_t ksp;                   /* saved kernel stack pointer while not running (arch/switch.S) */
    struct pv_regs *regs;           /* the user registers, on the kernel stack */
    uint64_t fs_base, gs_base;
    void *fpu;                      /* FXSAVE or XSAVE area */

    struct open_file files[NR_FILES];
    struct inode *cwd;              /* holds a reference */
    char cwd_path[256];
    unsigned int umask;
    struct tty *tty;                /* controlling terminal or NULL */

    uint64_t sig_pending, sig_blocked;
    struct sigaction_k sigaction[NR_SIGNALS];
    uint64_t saved_blocked;         /* of sigsuspend, ppoll */
    bool restore_blocked;
    uint64_t alarm;                 /* ns, 0: none */

    struct list run_link;           /* run queue, or a wait queue's */
    uint64_t wake_at;               /* ns since boot, 0: no timeout */
    uint64_t slice_end;
    uint64_t start_time, user_ns, kernel_ns;
    struct task *vfork_parent;      /* waits until we exec or exit */
};

extern struct task *current;        /* never NULL after proc_init() */

/* ---- task.c, fork.c, exit.c, exec.c ---- */
void proc_init(void);
struct task *task_find(int pid);
struct task *kthread_create(void (*fn)(void *), void *arg, const char *name);
long do_fork(uint64_t flags, uint64_t stack, uint64_t tls, uint64_t ptid, uint64_t ctid);
/* Replaces the caller's program; the strings are in kernel memory, NULL-ended. */
long do_exec(const char *path, char *const argv[], char *const envp[]);
_Noreturn void do_exit(int status);             /* status as wait4 reports it */
long do_wait4(int pid, uint64_t ustatus, int options, uint64_t urusage);
/* The first user program, from the initramfs. */
void start_init(const char *path, char *const argv[], char *const envp[]);

/* ---- sched.c ---- */
void schedule(void);                            /* gives way to another runnable task */
void yield(void);
extern bool need_resched;                       /* set by the timer's event */
void sched_tick(void);
_Noreturn void idle_loop(void);                 /* the boot context after start */

/* A place where tasks sleep until something may have changed. */
struct wait_queue {
    struct list sleepers;
};
#define WAIT_QUEUE_INIT(q) { { &(q).sleepers, &(q).sleepers } }
void wait_queue_init(struct wait_queue *q);
/*
 * Sleeps once on @q: 0 when woken, -ERESTARTSYS when a signal is pending, -ETIMEDOUT at @deadline (ns
 * since boot, 0: none). The caller looks at its condition again in a loop.
 */
int wait_on(struct wait_queue *q, uint64_t deadline);
#define wait_event(q, cond, deadline)                           \
    ({ int rc_ = 0;                                             \
       while (!(cond) && (rc_ = wait_on(q, deadline)) == 0)     \
           ;                                                    \
       (cond) ? 0 : rc_; })
void wake_up(struct wait_queue *q);             /* all sleepers; also from event handlers */
/* Also wakes whoever is in poll/select/ppoll: one global queue that they sleep on. */
void poll_wake(void);
extern struct wait_queue poll_queue;

/* ---- signal.c ---- */
#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGSEGV 11
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGWINCH 28
int send_signal(struct task *t, int sig);
int send_signal_group(int pgid, int sig);       /* -ESRCH: nobody there */
bool signal_pending(const struct task *t);
/* On the way to user mode: stops, kills, or builds a handler's frame; restarts system calls. */
void deliver_signals(struct pv_regs *regs);

#endif
