/* SPDX-License-Identifier: MIT */
/* The door of proc/: processes, who runs, sleeping, signals, exec. One thread a process. */
#ifndef PVK_PROC_H
#define PVK_PROC_H

#include "kernel.h"

struct space;
struct file;
struct inode;
struct tty;

#define NR_FILES   256
#define NR_SIGNALS 65
#define NR_RLIMITS 16
#define KSTACK_PAGES 4

/*
 * TASK_RUNNING is also a task that waits for its turn: it is in the run queue unless it is current.
 * A sleeper is in a wait queue, by the same link; the others are in neither.
 */
enum task_state { TASK_RUNNING, TASK_SLEEPING, TASK_STOPPED, TASK_ZOMBIE };

struct sigaction_k {                /* as rt_sigaction(2) has it */
    uint64_t handler, flags, restorer, mask;
};

struct signal_info {                /* what siginfo_t says beside the number */
    int code, pid, uid, status;
    uint64_t addr;
};

struct sigaltstack_k {              /* as sigaltstack(2) has it */
    uint64_t sp;
    int flags, pad;
    uint64_t size;
};

struct rlimit_k {
    uint64_t soft, hard;
};

struct open_file {                  /* one row of the descriptor table */
    struct file *file;
    bool cloexec;
};

/*
 * A place where tasks sleep until something may have changed. There is no lock: nothing comes
 * between a look at the condition and the sleep, since kernel code is not interrupted.
 */
struct wait_queue {
    struct list sleepers;
};

/*
 * A process, or a thread of the kernel's (no space, no user registers). From do_exit() until its
 * parent asks for it, it is a zombie: its files and memory are gone, its number is not.
 */
struct task {
    int pid, pgid, sid;
    struct task *parent;
    struct list children, sibling;  /* zombies are still children */
    struct list all_link;           /* of every task with a pid */
    enum task_state state;
    int exit_status;                /* as wait4(2) reports it */
    char comm[16];
    char exe_path[256];             /* what exec loaded; for /proc/PID/exe */
    char args[256];                 /* its arguments, each ended by NUL, cut to fit; for /proc */
    unsigned int args_len;

    struct space *space;            /* NULL for kernel threads and zombies */
    void *kstack;                   /* KSTACK_PAGES pages */
    uint64_t ksp;                   /* saved stack pointer while not running (arch/switch.S) */
    struct pv_regs *regs;           /* the user registers, at the top of the kernel stack */
    uint64_t fs_base, gs_base;
    void *fpu;                      /* FXSAVE or XSAVE area, valid while not running */
    void (*thread_fn)(void *);      /* what a kernel thread begins with */
    void *thread_arg;

    struct open_file files[NR_FILES];
    struct inode *cwd;              /* holds a reference */
    unsigned int umask;
    struct tty *tty;                /* controlling terminal or NULL */
    struct rlimit_k rlimits[NR_RLIMITS];

    uint64_t sig_pending, sig_blocked;      /* bit n - 1 is signal n */
    struct sigaction_k sigaction[NR_SIGNALS];
    struct signal_info siginfo[NR_SIGNALS]; /* of pending ones */
    struct sigaltstack_k altstack;
    uint64_t saved_blocked;         /* of sigsuspend, ppoll */
    bool restore_blocked;
    uint64_t alarm, alarm_interval; /* ns, 0: none */
    int stop_signal;                /* while TASK_STOPPED */
    bool report_stop, report_cont;  /* not yet told to the parent's wait */

    struct list run_link;           /* run queue, or a wait queue's */
    uint64_t wake_at;               /* ns since boot, 0: no timeout */
    bool uninterruptible;           /* the sleep is not ended by signals */
    int wake_reason;                /* what wait_on returns */
    uint64_t slice_end;             /* ns, 0: nobody else wants to run */
    uint64_t start_time;
    uint64_t user_ns, kernel_ns;    /* run time; all of it is counted as user_ns */
    uint64_t child_ns;              /* of children that were waited for */
    uint64_t run_since;

    struct wait_queue child_wait;   /* our sleep in wait4, and in vfork */
    struct task *vfork_parent;      /* waits until we exec or exit */
    bool vfork_done;
    uint64_t clear_tid;             /* set_tid_address(2) */
};

extern struct task *current;        /* never NULL after proc_init() */

/* ---- task.c, fork.c, exit.c, exec.c ---- */
void proc_init(void);
struct task *task_find(int pid);
struct task *task_next(int pid);                /* with the least pid above this one; NULL: none */
struct task *kthread_create(void (*fn)(void *), void *arg, const char *name);
long do_fork(uint64_t flags, uint64_t stack, uint64_t tls, uint64_t ptid, uint64_t ctid);
/* Replaces the caller's program; the strings are in kernel memory, NULL-ended. */
long do_exec(const char *path, char *const argv[], char *const envp[]);
_Noreturn void do_exit(int status);             /* status as wait4 reports it */

#define WNOHANG   1
#define WUNTRACED 2
#define WEXITED   4
#define WCONTINUED 8
#define WNOWAIT   0x01000000
struct wait_result {
    int pid, status;                /* pid 0: none yet (WNOHANG) */
    uint64_t run_ns;
};
/* @pid as wait4(2) has it. 0 and *result, or a negative errno. */
long do_wait(int pid, int options, struct wait_result *result);
/* The first user program, from the initramfs; it becomes pid 1. */
void start_init(const char *path, char *const argv[], char *const envp[]);

/* ---- sched.c: ordinary context, unless said otherwise ---- */
void schedule(void);                            /* gives way to another runnable task */
void yield(void);
/* Somebody else should run before user code goes on */
extern bool need_resched;
_Noreturn void idle_loop(void);                 /* the boot context after start */
bool is_idle(const struct task *t);             /* the boot context, which can't sleep */

#define WAIT_QUEUE_INIT(q) { { &(q).sleepers, &(q).sleepers } }
void wait_queue_init(struct wait_queue *q);
/*
 * Sleeps once on @q: 0 when woken, -ERESTARTSYS when a signal is pending, -ETIMEDOUT at @deadline
 * (ns since boot, 0: none). The caller looks at its condition again in a loop.
 */
int wait_on(struct wait_queue *q, uint64_t deadline);
/* The same, but only wake_up ends it. */
void wait_uninterruptible(struct wait_queue *q);
#define wait_event(q, cond, deadline)                           \
    ({ int rc_ = 0;                                             \
       while (!(cond) && (rc_ = wait_on(q, deadline)) == 0)     \
           ;                                                    \
       (cond) ? 0 : rc_; })
void wake_up(struct wait_queue *q);             /* all sleepers; also from event handlers */
/* Ends a task's sleep, with @reason as wait_on's result. */
void wake_task(struct task *t, int reason);
void make_runnable(struct task *t);             /* a new or continued task */
/* Also wakes whoever is in poll/select/ppoll: one global queue that they sleep on. */
void poll_wake(void);
extern struct wait_queue poll_queue;
/* Before user code goes on: gives way if need_resched, delivers signals. */
void return_to_user(struct pv_regs *regs);

uint64_t random_u64(void);                      /* random.c */

/* ---- timer.c: sleeps that end, alarms, time slices, by one VIRQ_TIMER ---- */
void timer_init(void);
/* The handler is to run then, or before; 0: nothing */
void timer_arm(uint64_t deadline);
void timer_arm_for(const struct task *t);       /* for what the task waits for */

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
#define SIGURG 23
#define SIG_DFL 0
#define SIG_IGN 1
#define SIG_BIT(sig) (1ul << ((sig) - 1))
int send_signal(struct task *t, int sig);       /* from the kernel; also from event handlers */
int send_signal_info(struct task *t, int sig, const struct signal_info *info);
/* A fault of the current task: can't be blocked or ignored. */
void force_signal(int sig, int code, uint64_t addr);
/* Neither blocked nor ignored: for terminals (SIGTTIN, SIGTTOU). */
bool signal_wanted(const struct task *t, int sig);
int send_signal_group(int pgid, int sig);       /* -ESRCH: nobody there */
bool signal_pending(const struct task *t);
/* On the way to user mode: stops, kills, or builds a handler's frame; restarts system calls. */
void deliver_signals(struct pv_regs *regs);
/* The call was interrupted and has a result that no program may see. */
bool must_restart(const struct pv_regs *regs);
/* Of the current task; SIGKILL, SIGSTOP never are */
void set_blocked(uint64_t mask);
/* sigframe.c: the frame of a handler on the user stack, and back. 0 or -EFAULT. */
int push_signal_frame(struct pv_regs *regs, int sig, uint64_t mask);
long pop_signal_frame(struct pv_regs *regs);

#endif
