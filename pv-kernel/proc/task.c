/* SPDX-License-Identifier: MIT */
/*
 * Tasks: pids, memory, family.
 *
 * A task's memory is one block: its kernel stack, the struct task above it, and its FPU area. The
 * page below a block is never mapped (mm/kmalloc.c), so a stack that overflows faults. Some
 * blocks are kept when tasks go, since a fork needs one each time.
 */
#include "arch/arch.h"
#include "fs/fs.h"
#include "proc/internal.h"

#define KSTACK_SIZE  (KSTACK_PAGES * PAGE_SIZE)
#define FPU_ALIGN    64ul
#define MAX_CACHED   8
#define PID_MAX      32768
#define RLIM_NOFILE  7
#define RLIM_STACK   3
#define STACK_LIMIT  (8ul << 20)

struct list all_tasks = { &all_tasks, &all_tasks };
struct task *init_task;

static void *cached_blocks[MAX_CACHED];
static unsigned int nr_cached;
static int last_pid;

struct task *task_after(const struct task *t)
{
    struct list *next = t ? t->all_link.next : all_tasks.next;

    return next == &all_tasks ? NULL : container_of(next, struct task, all_link);
}

struct task *task_find(int pid)
{
    struct task *t = NULL;

    while ((t = task_after(t)) && t->pid != pid)
        ;
    return t;
}

struct task *task_next(int pid)
{
    struct task *t = NULL, *next = NULL;

    while ((t = task_after(t))) {
        if (t->pid > pid && (!next || t->pid < next->pid))
            next = t;
    }
    return next;
}

static bool pid_in_use(int pid)
{
    struct task *t = NULL;

    while ((t = task_after(t))) {
        if (t->pid == pid || t->pgid == pid || t->sid == pid)
            return true;
    }
    return false;
}

static int new_pid(void)
{
    do {
        last_pid = last_pid % (PID_MAX - 1) + 1;
    } while (pid_in_use(last_pid));
    return last_pid;
}

static size_t block_size(void)
{
    return KSTACK_SIZE + ALIGN_UP(sizeof(struct task), FPU_ALIGN) + fpu_size();
}

static void init_limits(struct task *t)
{
    for (int i = 0; i < NR_RLIMITS; i++)
        t->rlimits[i] = (struct rlimit_k){ ~0ul, ~0ul };
    t->rlimits[RLIM_NOFILE] = (struct rlimit_k){ NR_FILES, NR_FILES };
    t->rlimits[RLIM_STACK] = (struct rlimit_k){ STACK_LIMIT, STACK_LIMIT };
}

struct task *task_alloc(void)
{
    char *block = nr_cached ? cached_blocks[--nr_cached] : kmalloc(block_size());
    struct task *t;

    if (!block)
        return NULL;
    t = (struct task *)(block + KSTACK_SIZE);
    memset(t, 0, sizeof(*t));
    t->kstack = block;
    t->regs = (struct pv_regs *)t - 1;
    memset(t->regs, 0, sizeof(*t->regs));
    t->fpu = block + KSTACK_SIZE + ALIGN_UP(sizeof(*t), FPU_ALIGN);
    fpu_reset(t->fpu);
    list_init(&t->children);
    list_init(&t->sibling);
    list_init(&t->run_link);
    wait_queue_init(&t->child_wait);
    init_limits(t);
    t->start_time = pv_system_time();
    t->pid = new_pid();
    list_add_tail(&all_tasks, &t->all_link);
    return t;
}

void task_free(struct task *t)
{
    list_del(&t->all_link);
    list_del(&t->sibling);
    if (nr_cached < MAX_CACHED)
        cached_blocks[nr_cached++] = t->kstack;
    else
        kfree(t->kstack);
}

void task_adopt(struct task *parent, struct task *child)
{
    child->parent = parent;
    list_del(&child->sibling);
    list_add_tail(&parent->children, &child->sibling);
}

void task_prepare_stack(struct task *t)
{
    uint64_t *sp = (uint64_t *)t->regs;

    *--sp = (uint64_t)task_entry;
    for (int i = 0; i < 6; i++)
        *--sp = 0;
    t->ksp = (uint64_t)sp;
}

void task_first_run(struct pv_regs *regs)
{
    finish_switch();
    if (current->thread_fn) {
        void (*fn)(void *) = current->thread_fn;

        current->thread_fn = NULL;
        fn(current->thread_arg);
        if (!current->space)
            do_exit(0);
    }
    return_to_user(regs);
}

struct task *kthread_create(void (*fn)(void *), void *arg, const char *name)
{
    struct task *t = task_alloc();

    if (!t)
        return NULL;
    strlcpy(t->comm, name, sizeof(t->comm));
    t->thread_fn = fn;
    t->thread_arg = arg;
    t->sig_blocked = ~0ul;
    t->pgid = t->sid = t->pid;
    t->umask = 022;
    if (init_task)
        task_adopt(init_task, t);
    task_prepare_stack(t);
    make_runnable(t);
    return t;
}

/* ---- The first program ---- */

static struct {
    const char *path;
    char *const *argv, *const *envp;
} first_program;

static void open_console(void)
{
    struct file *console;
    int rc = file_open("/dev/console", O_RDWR, 0, &console);

    if (rc) {
        printk("pv-kernel: can't open /dev/console (error %d)\n", -rc);
        return;
    }
    for (int fd = 0; fd < 3; fd++)
        fd_install(fd ? file_get(console) : console, false);
}

static void run_first_program(void *unused)
{
    long rc;

    (void)unused;
    current->sig_blocked = 0;
    if (path_lookup("/", true, &current->cwd))
        panic("pv-kernel: no root directory\n");
    open_console();
    rc = do_exec(first_program.path, first_program.argv, first_program.envp);
    if (rc)
        panic("pv-kernel: can't run %s (error %ld)\n", first_program.path, -rc);
}

void start_init(const char *path, char *const argv[], char *const envp[])
{
    first_program.path = path;
    first_program.argv = argv;
    first_program.envp = envp;
    init_task = kthread_create(run_first_program, NULL, "init");
    if (!init_task || init_task->pid != 1)
        panic("pv-kernel: can't make the first process\n");
}

void proc_init(void)
{
    fpu_init();
    sched_init();
    timer_init();
    traps_init();
}
