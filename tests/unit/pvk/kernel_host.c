/* SPDX-License-Identifier: MIT */
/* The rest of pv-kernel, as far as files and terminals see it (kernel_host.h). */
#include <stdlib.h>
#include <string.h>

#include "kernel_host.h"
#include "mm/mm.h"

long host_objects, host_pages;
uint64_t host_page_limit = 4096;
long host_fail_after = -1;
int host_signal;
int (*host_sleep)(struct wait_queue *q);

static struct task only_task = { .pid = 1, .pgid = 1, .sid = 1, .umask = 022 };
struct task *current = &only_task;
struct wait_queue poll_queue = WAIT_QUEUE_INIT(poll_queue);

/* ---- Memory ---- */

static bool fails(void)
{
    if (host_fail_after < 0)
        return false;
    return host_fail_after-- == 0 ? (host_fail_after = 0, true) : false;
}

void *kmalloc(size_t size)
{
    void *p = fails() ? NULL : calloc(1, size);

    host_objects += p != NULL;
    return p;
}

void kfree(void *p)
{
    host_objects -= p != NULL;
    free(p);
}

void *pv_alloc_page(void)
{
    void *page = fails() ? NULL : calloc(1, PAGE_SIZE);

    host_pages += page != NULL;
    return page;
}

void pv_free_page(void *page)
{
    host_pages--;
    free(page);
}

void *frame_alloc(void)
{
    return pv_alloc_page();
}

void frame_put(void *page)
{
    pv_free_page(page);
}

uint64_t pv_nr_pages(void)
{
    return host_page_limit;
}

uint64_t pv_nr_free_pages(void)
{
    return host_page_limit - (uint64_t)host_pages;
}

/* User memory is the program's own. */
int copy_from_user(void *dst, uint64_t src, size_t len)
{
    memcpy(dst, (const void *)src, len);
    return 0;
}

int copy_to_user(uint64_t dst, const void *src, size_t len)
{
    memcpy((void *)dst, src, len);
    return 0;
}

/* ---- Sleeping, signals, tasks ---- */

void wait_queue_init(struct wait_queue *q)
{
    list_init(&q->sleepers);
}

int wait_on(struct wait_queue *q, uint64_t deadline)
{
    (void)deadline;
    return host_sleep ? host_sleep(q) : -ERESTARTSYS;
}

void wake_up(struct wait_queue *q)
{
    (void)q;
}

void poll_wake(void)
{
}

int send_signal(struct task *t, int sig)
{
    (void)t;
    host_signal = sig;
    return 0;
}

int send_signal_group(int pgid, int sig)
{
    (void)pgid;
    host_signal = sig;
    return 0;
}

bool signal_wanted(const struct task *t, int sig)
{
    (void)t;
    (void)sig;
    return true;
}

struct task *task_find(int pid)
{
    return pid == only_task.pid ? &only_task : NULL;
}

struct task *task_next(int pid)
{
    return pid < only_task.pid ? &only_task : NULL;
}

struct vma *space_next(struct space *s, const struct vma *vma)
{
    (void)s;
    (void)vma;
    return NULL;
}

uint64_t random_u64(void)
{
    return (uint64_t)random() << 32 ^ (uint64_t)random();
}

/* ---- The guest library ---- */

static struct start_info start_info = { .nr_pages = 4096 };
const struct start_info *pv_start_info = &start_info;

struct pv_wallclock pv_wallclock(void)
{
    return (struct pv_wallclock){ 1000000, 0 };
}

uint64_t pv_system_time(void)
{
    static uint64_t now;

    return now += PV_NS_PER_MS;
}

uint64_t pv_tsc_khz(void)
{
    return 2000000;
}

int pv_printf(const char *format, ...)
{
    (void)format;
    return 0;
}

_Noreturn void pv_panic(const char *format, ...)
{
    (void)format;
    abort();
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t len = strlen(from);

    if (size) {
        size_t n = len < size ? len : size - 1;

        memcpy(to, from, n);
        to[n] = '\0';
    }
    return len;
}

void host_start(void)
{
    fs_init();
    current->cwd = inode_get(fs_root);
}
