/* SPDX-License-Identifier: MIT */
/* Making a process: fork, vfork, and clone as far as it means one of these. */
#include "arch/arch.h"
#include "fs/fs.h"
#include "mm/mm.h"
#include "proc/internal.h"

#define CSIGNAL              0x000000ffu
#define CLONE_VM             0x00000100u
#define CLONE_VFORK          0x00004000u
#define CLONE_SETTLS         0x00080000u
#define CLONE_PARENT_SETTID  0x00100000u
#define CLONE_CHILD_CLEARTID 0x00200000u
#define CLONE_CHILD_SETTID   0x01000000u
#define CLONE_KNOWN (CSIGNAL | CLONE_VM | CLONE_VFORK | CLONE_SETTLS | CLONE_PARENT_SETTID | \
                     CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID)

static void inherit(struct task *child)
{
    child->pgid = current->pgid;
    child->sid = current->sid;
    child->umask = current->umask;
    child->tty = current->tty;
    child->fs_base = current->fs_base;
    child->gs_base = current->gs_base;
    child->sig_blocked = current->sig_blocked;
    child->altstack = current->altstack;
    memcpy(child->comm, current->comm, sizeof(child->comm));
    memcpy(child->exe_path, current->exe_path, sizeof(child->exe_path));
    memcpy(child->sigaction, current->sigaction, sizeof(child->sigaction));
    memcpy(child->rlimits, current->rlimits, sizeof(child->rlimits));
    fpu_save(child->fpu);
    *child->regs = *current->regs;
    child->regs->rax = 0;
    child->regs->vector = 0;        /* it returns from no call that could be restarted */
}

/* Its memory: a copy, or for vfork the parent's own. */
static int give_space(struct task *child, uint64_t flags)
{
    if (flags & CLONE_VM) {
        space_get(current->space);
        child->space = current->space;
        return 0;
    }
    child->space = space_fork(current->space);
    return child->space ? 0 : -ENOMEM;
}

static void tid_to_user(uint64_t address, int pid)
{
    /* As on Linux, a bad address is the caller's own loss. */
    (void)copy_to_user(address, &pid, sizeof(pid));
}

/* In the child, before its first user instruction: its memory is loaded only then. */
static void store_child_tid(void *address)
{
    tid_to_user((uint64_t)address, current->pid);
}

static long wait_for_vfork(struct task *child)
{
    int pid = child->pid;

    current->vfork_done = false;
    child->vfork_parent = current;
    while (!current->vfork_done)
        wait_uninterruptible(&current->child_wait);
    return pid;
}

long do_fork(uint64_t flags, uint64_t stack, uint64_t tls, uint64_t ptid, uint64_t ctid)
{
    struct task *child;

    /* Shared memory without waiting would be a thread. */
    if (flags & ~(uint64_t)CLONE_KNOWN || (flags & CLONE_VM && !(flags & CLONE_VFORK)) ||
        ((flags & CSIGNAL) && (flags & CSIGNAL) != SIGCHLD))
        return -EINVAL;
    child = task_alloc();
    if (!child)
        return -EAGAIN;
    if (give_space(child, flags)) {
        task_free(child);
        return -ENOMEM;
    }
    inherit(child);
    fd_table_fork(child);
    child->cwd = inode_get(current->cwd);
    if (stack)
        child->regs->rsp = stack;
    if (flags & CLONE_SETTLS)
        child->fs_base = tls;
    if (flags & CLONE_CHILD_CLEARTID)
        child->clear_tid = ctid;
    if (flags & CLONE_PARENT_SETTID)
        tid_to_user(ptid, child->pid);
    if (flags & CLONE_CHILD_SETTID) {
        child->thread_fn = store_child_tid;
        child->thread_arg = (void *)ctid;
    }
    task_adopt(current, child);
    task_prepare_stack(child);
    make_runnable(child);
    return flags & CLONE_VFORK ? wait_for_vfork(child) : child->pid;
}
