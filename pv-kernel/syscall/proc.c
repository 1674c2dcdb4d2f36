/* SPDX-License-Identifier: MIT */
/*
 * System calls: processes. Everybody is root, and a process has one thread, so user ids are 0 and
 * what would change them to something else is refused.
 */
#include "fs/fs.h"
#include "mm/mm.h"
#include "proc/proc.h"
#include "proc/sigframe.h"
#include "syscall/families.h"

#define MAX_STRINGS  (128u << 10)   /* bytes of arguments and environment together */
#define MAX_ARGS     4096u

#define CLONE_VM     0x100
#define CLONE_VFORK  0x4000

/* ---- Birth ---- */

SYSCALL(sys_fork)
{
    return do_fork(SIGCHLD, 0, 0, 0, 0);
}

SYSCALL(sys_vfork)
{
    return do_fork(CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
}

SYSCALL(sys_clone)
{
    uint64_t flags = a, stack = b, ptid = c, ctid = d, tls = e;

    return do_fork(flags, stack, tls, ptid, ctid);
}

/* ---- execve: the strings are copied into one block, pointers behind them ---- */

struct strings {
    char *text;                     /* MAX_STRINGS bytes */
    size_t used;
    char *pointers[MAX_ARGS];       /* of both lists, each ended by NULL */
    unsigned int nr;
};

/* Copies a NULL-ended list of strings; *list is where its pointers begin. */
static long copy_list(struct strings *s, uint64_t from, char ***list)
{
    *list = &s->pointers[s->nr];
    for (;; from += sizeof(uint64_t)) {
        uint64_t at = 0;
        long len;

        if (s->nr == MAX_ARGS)
            return -E2BIG;
        if (from && copy_from_user(&at, from, sizeof(at)))
            return -EFAULT;
        if (!at)
            break;
        len = strncpy_from_user(s->text + s->used, at, MAX_STRINGS - s->used);
        if (len < 0)
            return len == -ENAMETOOLONG ? -E2BIG : len;
        s->pointers[s->nr++] = s->text + s->used;
        s->used += (size_t)len + 1;
    }
    s->pointers[s->nr++] = NULL;
    return 0;
}

SYSCALL(sys_execve)
{
    uint64_t path_at = a, argv_at = b, envp_at = c;
    struct strings *s = kmalloc(sizeof(*s));
    char **argv, **envp, *path = kmalloc(PATH_MAX);
    long rc = -ENOMEM;

    if (s)
        s->text = kmalloc(MAX_STRINGS);
    if (!s || !s->text || !path)
        goto out;
    rc = strncpy_from_user(path, path_at, PATH_MAX);
    if (rc >= 0)
        rc = copy_list(s, argv_at, &argv);
    if (!rc)
        rc = copy_list(s, envp_at, &envp);
    if (!rc)
        rc = do_exec(path, argv, envp);
out:
    if (s)
        kfree(s->text);
    kfree(s);
    kfree(path);
    return rc;
}

/* ---- Death ---- */

SYSCALL(sys_exit)
{
    do_exit((int)(a & 0xff) << 8);
}

struct rusage_k {
    int64_t user[2], system[2];     /* s, us */
    int64_t rest[14];
};

static int rusage_to_user(uint64_t at, uint64_t ns)
{
    struct rusage_k usage = {
        .user = { (int64_t)(ns / PV_NS_PER_SEC), (int64_t)(ns % PV_NS_PER_SEC / 1000) },
    };

    return copy_to_user(at, &usage, sizeof(usage));
}

SYSCALL(sys_wait4)
{
    int pid = (int)a, options = (int)c;
    uint64_t status_at = b, usage_at = d;
    struct wait_result result;
    long rc;

    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED))
        return -EINVAL;
    rc = do_wait(pid, options | WEXITED, &result);
    if (rc || !result.pid)
        return rc;
    if ((status_at && copy_to_user(status_at, &result.status, sizeof(result.status))) ||
        (usage_at && rusage_to_user(usage_at, result.run_ns)))
        return -EFAULT;
    return result.pid;
}

/* siginfo_t's view of a status as wait4 has it. */
static void describe_status(struct siginfo_k *info, const struct wait_result *result)
{
    enum { CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED };
    int status = result->status, signal = status & 0x7f;

    info->signo = SIGCHLD;
    info->child.pid = result->pid;
    if (status == 0xffff) {
        info->code = CLD_CONTINUED;
        info->child.status = SIGCONT;
    } else if (signal == 0x7f || !signal) {
        info->code = signal ? CLD_STOPPED : CLD_EXITED;
        info->child.status = status >> 8 & 0xff;
    } else {
        info->code = status & 0x80 ? CLD_DUMPED : CLD_KILLED;
        info->child.status = signal;
    }
}

SYSCALL(sys_waitid)
{
    enum { P_ALL, P_PID, P_PGID };
    int type = (int)a, id = (int)b, options = (int)d;
    uint64_t info_at = c, usage_at = e;
    struct siginfo_k info = { .signo = 0 };
    struct wait_result result;
    long rc;

    if (type > P_PGID || (type != P_ALL && id < (type == P_PID)) ||
        !(options & (WEXITED | WUNTRACED | WCONTINUED)))
        return -EINVAL;
    if (type == P_PGID && !id)
        id = current->pgid;
    rc = do_wait(type == P_ALL ? -1 : type == P_PID ? id : -id, options, &result);
    if (rc)
        return rc;
    if (result.pid)
        describe_status(&info, &result);
    if ((info_at && copy_to_user(info_at, &info, sizeof(info))) ||
        (usage_at && rusage_to_user(usage_at, result.run_ns)))
        return -EFAULT;
    return 0;
}

SYSCALL(sys_getrusage)
{
    int who = (int)a;

    return rusage_to_user(b, who < 0 ? current->child_ns
                                     : current->user_ns + pv_system_time() - current->run_since);
}

/* ---- Names and groups ---- */

SYSCALL(sys_getpid)
{
    return current->pid;
}

SYSCALL(sys_getppid)
{
    return current->parent ? current->parent->pid : 0;
}

SYSCALL(sys_getpgrp)
{
    return current->pgid;
}

static struct task *task_or_self(int pid)
{
    return pid ? task_find(pid) : current;
}

SYSCALL(sys_getpgid)
{
    struct task *t = task_or_self((int)a);

    return t ? t->pgid : -ESRCH;
}

SYSCALL(sys_getsid)
{
    struct task *t = task_or_self((int)a);

    return t ? t->sid : -ESRCH;
}

static bool group_in_session(int pgid, int sid)
{
    for (struct task *t = task_next(0); t; t = task_next(t->pid)) {
        if (t->pgid == pgid && t->sid == sid)
            return true;
    }
    return false;
}

SYSCALL(sys_setpgid)
{
    struct task *t = task_or_self((int)a);
    int pgid = (int)b;

    if (pgid < 0)
        return -EINVAL;
    if (!t || (t != current && t->parent != current))
        return -ESRCH;
    if (!pgid)
        pgid = t->pid;
    if (t->sid == t->pid || t->sid != current->sid ||
        (pgid != t->pid && !group_in_session(pgid, t->sid)))
        return -EPERM;
    t->pgid = pgid;
    return 0;
}

SYSCALL(sys_setsid)
{
    for (struct task *t = task_next(0); t; t = task_next(t->pid)) {
        if (t->pgid == current->pid)
            return -EPERM;
    }
    current->sid = current->pgid = current->pid;
    current->tty = NULL;
    return current->sid;
}

SYSCALL(sys_get_id)
{
    return 0;
}

SYSCALL(sys_set_id)
{
    /* -1 stands for "as it is" in the calls with several. */
    return ((int)a == 0 || (int)a == -1) ? 0 : -EPERM;
}

SYSCALL(sys_get_ids)
{
    const int root = 0;

    return copy_to_user(a, &root, sizeof(root)) ?: copy_to_user(b, &root, sizeof(root)) ?:
           copy_to_user(c, &root, sizeof(root));
}

/* Nobody is in any supplementary group. */
SYSCALL(sys_getgroups)
{
    return 0;
}

SYSCALL(sys_setgroups)
{
    return a ? -EPERM : 0;
}

/* ---- Threads of one ---- */

SYSCALL(sys_set_tid_address)
{
    current->clear_tid = a;
    return current->pid;
}

/* Robust futexes matter between threads or in shared memory; the list is never walked. */
SYSCALL(sys_set_robust_list)
{
    return b == 24 ? 0 : -EINVAL;
}

SYSCALL(sys_sched_yield)
{
    yield();
    return 0;
}

SYSCALL(sys_sched_getaffinity)
{
    uint64_t size = b, mask = 1;

    if (size < sizeof(mask))
        return -EINVAL;
    return copy_to_user(c, &mask, sizeof(mask)) ?: (long)sizeof(mask);
}

/* All run alike: the one priority is the middle one, which the call shows as 20. */
SYSCALL(sys_getpriority)
{
    return 20;
}

SYSCALL(sys_setpriority)
{
    return (int)c == 0 ? 0 : -EACCES;
}

SYSCALL(sys_prctl)
{
    enum { PR_SET_NAME = 15, PR_GET_NAME = 16 };
    char name[sizeof(current->comm)] = "";

    if (a == PR_SET_NAME) {
        long len = strncpy_from_user(name, b, sizeof(name) - 1);

        if (len == -EFAULT)
            return len;
        strlcpy(current->comm, name, sizeof(current->comm));
        return 0;
    }
    return a == PR_GET_NAME ? copy_to_user(b, current->comm, sizeof(current->comm)) : -EINVAL;
}

SYSCALL(sys_arch_prctl)
{
    enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS };
    uint64_t code = a, addr = b;

    if (code == ARCH_GET_FS)
        return copy_to_user(addr, &current->fs_base, sizeof(addr));
    if (code == ARCH_GET_GS)
        return copy_to_user(addr, &current->gs_base, sizeof(addr));
    if (code != ARCH_SET_FS && code != ARCH_SET_GS)
        return -EINVAL;
    if (addr >= USER_END)
        return -EPERM;
    if (code == ARCH_SET_FS)
        current->fs_base = addr;
    else
        current->gs_base = addr;
    return HYPERVISOR_set_segment_base(code == ARCH_SET_FS ? SEGBASE_FS : SEGBASE_GS_USER, addr);
}
