/* SPDX-License-Identifier: MIT */
/*
 * Words that all of pv-kernel uses.
 *
 * How the kernel runs: one vCPU; every process has a kernel stack of its own. Kernel code is never
 * preempted: it runs until it sleeps (proc/proc.h) or returns to user code, and events are masked
 * (upcall mask) while it runs, so there are no locks. Event handlers run only where the kernel lets
 * them in: in user mode, in the idle loop, and at need_resched points of long loops; they wake
 * sleepers and note work, nothing else. User code is preempted by the timer's event.
 *
 * Functions that serve system calls return a result >= 0 or a negative Linux errno, as the system
 * call itself does. Whatever comes from user memory is copied first, then checked, then used.
 */
#ifndef PVK_KERNEL_H
#define PVK_KERNEL_H

#include <pvguest/guest.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define min(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define max(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ > b_ ? a_ : b_; })
#define ALIGN_UP(x, a) (((x) + ((a) - 1)) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define PAGE_SIZE 4096ul
#define PAGE_SHIFT 12

/* Linux's errno values (the ABI's own are the same numbers). */
enum {
    EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EIO = 5, ENXIO = 6, E2BIG = 7, ENOEXEC = 8,
    EBADF = 9, ECHILD = 10, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14, ENOTBLK = 15,
    EBUSY = 16,
    EEXIST = 17, EXDEV = 18, ENODEV = 19, ENOTDIR = 20, EISDIR = 21, EINVAL = 22, ENFILE = 23,
    EMFILE = 24, ENOTTY = 25, ETXTBSY = 26, EFBIG = 27, ENOSPC = 28, ESPIPE = 29, EROFS = 30,
    EMLINK = 31, EPIPE = 32, ERANGE = 34, ENAMETOOLONG = 36, ENOSYS = 38, ENOTEMPTY = 39,
    ELOOP = 40, EOVERFLOW = 75, ENOTSOCK = 88, EDESTADDRREQ = 89, EMSGSIZE = 90, EPROTOTYPE = 91,
    ENOPROTOOPT = 92, EPROTONOSUPPORT = 93, ESOCKTNOSUPPORT = 94, EOPNOTSUPP = 95,
    EAFNOSUPPORT = 97, EADDRINUSE = 98, ECONNRESET = 104, ENOBUFS = 105, EISCONN = 106,
    ENOTCONN = 107, ETIMEDOUT = 110, ECONNREFUSED = 111,
    /*
     * Inside the kernel only: a signal came while a call slept; restarted or -EINTR
     * (proc/signal.c).
     */
    ERESTARTSYS = 512,
    ERESTARTNOHAND = 514,           /* restarted only if no handler ran (poll, pause, sigsuspend) */
};

/* ---- lib: lists and the small-object allocator (mm/kmalloc.c) ---- */
struct list {
    struct list *next, *prev;
};
static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}
static inline void list_add_tail(struct list *head, struct list *item)
{
    item->next = head;
    item->prev = head->prev;
    head->prev->next = item;
    head->prev = item;
}
static inline void list_del(struct list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}
#define list_for_each(pos, head) for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)
#define list_for_each_safe(pos, n, head) \
    for ((pos) = (head)->next, (n) = (pos)->next; (pos) != (head); (pos) = (n), (n) = (pos)->next)

void *kmalloc(size_t size);         /* zeroed, 16-byte aligned; NULL: no memory */
void kfree(void *p);                /* NULL is allowed */

#define printk(...) pv_printf(__VA_ARGS__)
#define panic(...)  pv_panic(__VA_ARGS__)
#define BUG_ON(c) \
    do { if (c) pv_panic("pv-kernel: bug at %s:%d: %s\n", __FILE__, __LINE__, #c); } while (0)

#endif
