/* SPDX-License-Identifier: MIT */
/*
 * The end of a process, and its parent's look at it. What can be given back goes at once; the
 * struct task stays, as a zombie with its status, until the parent has waited for it, or goes
 * with the next switch if the parent wants to know nothing.
 */
#include "fs/fs.h"
#include "mm/mm.h"
#include "proc/internal.h"
#include "tty/terminal.h"

#define SA_NOCLDSTOP 1u
#define SA_NOCLDWAIT 2u
#define CLD_EXITED 1
#define CLD_KILLED 2

/* ---- Exit ---- */

void release_vfork_parent(void)
{
    struct task *parent = current->vfork_parent;

    if (!parent)
        return;
    current->vfork_parent = NULL;
    parent->vfork_done = true;
    wake_up(&parent->child_wait);
}

/* Tells the parent that something happened to its child. */
void notify_parent(struct task *t, int code, int status)
{
    struct signal_info info = { .code = code, .pid = t->pid, .status = status };
    struct task *parent = t->parent;

    if (!parent)
        return;
    if (t->state == TASK_ZOMBIE || !(parent->sigaction[SIGCHLD].flags & SA_NOCLDSTOP))
        send_signal_info(parent, SIGCHLD, &info);
    wake_up(&parent->child_wait);
}

static bool nobody_waits(const struct task *t)
{
    const struct sigaction_k *action = &t->parent->sigaction[SIGCHLD];

    return action->handler == SIG_IGN || action->flags & SA_NOCLDWAIT;
}

static void give_up_files(void)
{
    fd_table_close(current);
    inode_put(current->cwd);
    current->cwd = NULL;
}

static void give_up_space(void)
{
    struct space *space = current->space;
    const int zero = 0;

    if (!space)
        return;
    /* Nobody else would see it in memory that goes anyway. */
    if (current->clear_tid && space_shared(space))
        (void)copy_to_user(current->clear_tid, &zero, sizeof(zero));
    current->space = NULL;
    release_vfork_parent();
    space_activate(NULL);
    space_put(space);
}

static void give_up_children(void)
{
    while (!list_empty(&current->children)) {
        struct task *child = container_of(current->children.next, struct task, sibling);

        task_adopt(init_task, child);
        if (child->state == TASK_ZOMBIE)
            notify_parent(child, CLD_EXITED, child->exit_status >> 8 & 0xff);
    }
}

static _Noreturn void init_ended(int status)
{
    printk("pv-kernel: the first process ended with status %#x\n", status);
    guest_exit(status ? SHUTDOWN_crash : SHUTDOWN_poweroff);
}

_Noreturn void do_exit(int status)
{
    int signal = status & 0x7f;

    if (current == init_task)
        init_ended(status);
    current->alarm = 0;
    give_up_files();
    give_up_space();
    if (current->sid == current->pid)
        tty_session_exit(current);
    give_up_children();
    current->exit_status = status;
    current->state = TASK_ZOMBIE;
    if (current->parent && !nobody_waits(current)) {
        notify_parent(current, signal ? CLD_KILLED : CLD_EXITED,
                      signal ? signal : status >> 8 & 0xff);
    } else {
        if (current->parent)
            wake_up(&current->parent->child_wait);
        list_del(&current->sibling);
        list_del(&current->all_link);
        free_after_switch(current);
    }
    schedule();
    panic("pv-kernel: a dead process runs\n");
}

/* ---- Wait ---- */

static bool matches(const struct task *child, int pid)
{
    if (pid > 0)
        return child->pid == pid;
    if (pid == 0)
        return child->pgid == current->pgid;
    return pid == -1 || child->pgid == -pid;
}

/* Whether the child has something to tell; then it is in *result, and told no more. */
static bool collect(struct task *child, int options, struct wait_result *result)
{
    bool keep = options & WNOWAIT;

    result->pid = child->pid;
    result->run_ns = child->user_ns + child->child_ns;
    if (child->state == TASK_ZOMBIE && options & WEXITED) {
        result->status = child->exit_status;
        if (!keep) {
            current->child_ns += result->run_ns;
            task_free(child);
        }
        return true;
    }
    if (child->report_stop && options & WUNTRACED) {
        result->status = child->stop_signal << 8 | 0x7f;
        child->report_stop = keep;
        return true;
    }
    if (child->report_cont && options & WCONTINUED) {
        result->status = 0xffff;
        child->report_cont = keep;
        return true;
    }
    return false;
}

long do_wait(int pid, int options, struct wait_result *result)
{
    for (;;) {
        struct list *pos, *next;
        bool any = false;
        int rc;

        list_for_each_safe(pos, next, &current->children) {
            struct task *child = container_of(pos, struct task, sibling);

            if (!matches(child, pid))
                continue;
            any = true;
            if (collect(child, options, result))
                return 0;
        }
        *result = (struct wait_result){ .pid = 0 };
        if (!any)
            return -ECHILD;
        if (options & WNOHANG)
            return 0;
        rc = wait_on(&current->child_wait, 0);
        if (rc)
            return rc;
    }
}
