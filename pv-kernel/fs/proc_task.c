/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID: a table of files, and fd/ with a link for each open file. An inode carries the pid
 * (and the descriptor); the task is looked up at each use, for it may be gone.
 */
#include "fs/devfs.h"
#include "fs/internal.h"
#include "mm/mm.h"
#include "proc/proc.h"

#define NS_PER_TICK  (PV_NS_PER_SEC / 100)
#define PID_INO(pid) ((uint64_t)(pid) << 20)
#define ROOT_INO     1u
#define FD_DIR_INO   256u           /* within a pid's inode numbers; its links follow */
#define FD_ARG(pid, fd) ((uint64_t)(pid) << 32 | (uint32_t)(fd))

static struct task *task_of(const struct inode *inode)
{
    return task_find((int)(proc_inode_arg(inode) >> 32));
}

/* ---- Texts ---- */

static char state_letter(const struct task *t)
{
    static const char letters[] = {
        [TASK_RUNNING] = 'R', [TASK_SLEEPING] = 'S', [TASK_STOPPED] = 'T', [TASK_ZOMBIE] = 'Z',
    };

    return letters[t->state];
}

static uint64_t mapped_bytes(const struct task *t)
{
    uint64_t bytes = 0;

    for (struct vma *v = t->space ? space_next(t->space, NULL) : NULL; v;
         v = space_next(t->space, v))
        bytes += v->end - v->start;
    return bytes;
}

static int parent_pid(const struct task *t)
{
    return t->parent ? t->parent->pid : 0;
}

static long show_stat(struct task *t, char *buf, size_t size)
{
    size_t len = 0;
    int tty = t->tty ? (int)device_number(4, 64) : 0;

    proc_print(buf, size, &len, "%d (%s) %c %d %d %d %d -1 0 0 0 0 0 ", t->pid, t->comm,
               state_letter(t), parent_pid(t), t->pgid, t->sid, tty);
    proc_print(buf, size, &len, "%lu %lu %lu 0 20 0 1 0 %lu %lu %lu ", t->user_ns / NS_PER_TICK,
               t->kernel_ns / NS_PER_TICK, t->child_ns / NS_PER_TICK, t->start_time / NS_PER_TICK,
               mapped_bytes(t), mapped_bytes(t) / PAGE_SIZE);
    proc_print(buf, size, &len, "18446744073709551615 0 0 0 0 0 %lu %lu 0 0 0 0 0 17 0 0 0\n",
               t->sig_pending, t->sig_blocked);
    return (long)len;
}

static long show_status(struct task *t, char *buf, size_t size)
{
    size_t len = 0;

    proc_print(buf, size, &len, "Name:\t%s\nState:\t%c\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\n", t->comm,
               state_letter(t), t->pid, t->pid, parent_pid(t));
    proc_print(buf, size, &len, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n");
    proc_print(buf, size, &len, "VmSize:\t%8lu kB\nVmRSS:\t%8lu kB\n", mapped_bytes(t) / 1024,
               mapped_bytes(t) / 1024);
    proc_print(buf, size, &len, "Threads:\t1\nSigPnd:\t%016lx\nSigBlk:\t%016lx\n", t->sig_pending,
               t->sig_blocked);
    return (long)len;
}

static long show_statm(struct task *t, char *buf, size_t size)
{
    uint64_t pages = mapped_bytes(t) / PAGE_SIZE;

    return snprintf(buf, size, "%lu %lu 0 0 0 0 0\n", pages, pages);
}

static long show_comm(struct task *t, char *buf, size_t size)
{
    return snprintf(buf, size, "%s\n", t->comm);
}

static long show_cmdline(struct task *t, char *buf, size_t size)
{
    size_t len = min((size_t)t->args_len, size);

    memcpy(buf, t->args, len);
    return (long)len;
}

static long show_maps(struct task *t, char *buf, size_t size)
{
    size_t len = 0;

    for (struct vma *v = t->space ? space_next(t->space, NULL) : NULL; v;
         v = space_next(t->space, v))
        proc_print(buf, size, &len, "%012lx-%012lx %c%c%c%c %08lx 00:00 0\n", v->start, v->end,
                   v->prot & PROT_READ ? 'r' : '-', v->prot & PROT_WRITE ? 'w' : '-',
                   v->prot & PROT_EXEC ? 'x' : '-', v->flags & MAP_SHARED ? 's' : 'p', v->offset);
    return (long)len;
}

/* ---- Links ---- */

static long copy_text(const char *text, char *buf, size_t size)
{
    size_t len = min(strlen(text), size);

    memcpy(buf, text, len);
    return (long)len;
}

static long exe_readlink(struct inode *link, char *buf, size_t size)
{
    struct task *t = task_of(link);

    return t && t->exe_path[0] ? copy_text(t->exe_path, buf, size) : -ENOENT;
}

static long cwd_readlink(struct inode *link, char *buf, size_t size)
{
    struct task *t = task_of(link);
    char path[256];
    long rc = t && t->cwd ? dir_path(t->cwd, path, sizeof(path)) : -ENOENT;

    return rc < 0 ? rc : copy_text(path, buf, size);
}

static struct inode *cwd_follow(struct inode *link)
{
    struct task *t = task_of(link);

    return t && t->cwd ? inode_get(t->cwd) : NULL;
}

static long root_readlink(struct inode *link, char *buf, size_t size)
{
    (void)link;
    return copy_text("/", buf, size);
}

static const struct inode_ops exe_ops = { .readlink = exe_readlink };
static const struct inode_ops cwd_ops = { .readlink = cwd_readlink, .follow = cwd_follow };
static const struct inode_ops root_ops = { .readlink = root_readlink };

/* ---- fd/ ---- */

static struct file *file_of_link(const struct inode *link)
{
    struct task *t = task_of(link);
    uint32_t fd = (uint32_t)proc_inode_arg(link);

    return t && fd < NR_FILES ? t->files[fd].file : NULL;
}

/* What kind of file it is: a path is known of directories and devices only. */
static long fd_readlink(struct inode *link, char *buf, size_t size)
{
    struct file *f = file_of_link(link);
    char text[256];

    if (!f || !f->inode)
        return -ENOENT;
    switch (f->inode->mode & S_IFMT) {
    case S_IFDIR:
        if (dir_path(f->inode, text, sizeof(text)) >= 0)
            break;
        return -ENOENT;
    case S_IFCHR:
        if (device_name(f->inode, text, sizeof(text)))
            break;
        return -ENOENT;
    case S_IFIFO:
        snprintf(text, sizeof(text), "pipe:[%lu]", f->inode->ino);
        break;
    case S_IFSOCK:
        snprintf(text, sizeof(text), "socket:[%lu]", f->inode->ino);
        break;
    default:
        snprintf(text, sizeof(text), "file:[%lu]", f->inode->ino);
    }
    return copy_text(text, buf, size);
}

static struct inode *fd_follow(struct inode *link)
{
    struct file *f = file_of_link(link);

    return f && f->inode ? inode_get(f->inode) : NULL;
}

static const struct inode_ops fd_link_ops = { .readlink = fd_readlink, .follow = fd_follow };

static int parse_fd(const char *name)
{
    int fd = 0;

    for (const char *c = name; *c; c++) {
        if (*c < '0' || *c > '9' || fd >= NR_FILES)
            return -1;
        fd = fd * 10 + (*c - '0');
    }
    return *name && fd < NR_FILES ? fd : -1;
}

static struct inode *fd_lookup(struct inode *dir, const char *name)
{
    struct task *t = task_of(dir);
    int fd = parse_fd(name);

    if (!strcmp(name, ".."))
        return t ? proc_task_dir(t->pid) : NULL;
    if (!t || fd < 0 || !t->files[fd].file)
        return NULL;
    return proc_inode(PID_INO(t->pid) + FD_DIR_INO + 1 + (uint64_t)fd, S_IFLNK | 0700,
                      &fd_link_ops, NULL, FD_ARG(t->pid, fd));
}

static int emit_dots(uint64_t *pos, uint64_t self, uint64_t parent, dir_fn *fn, void *ctx)
{
    int rc = 0;

    if (*pos == 0 && !(rc = fn(ctx, ".", self, S_IFDIR)))
        ++*pos;
    if (*pos == 1 && !(rc = fn(ctx, "..", parent, S_IFDIR)))
        ++*pos;
    return rc;
}

static int fd_readdir(struct inode *dir, uint64_t *pos, dir_fn *fn, void *ctx)
{
    struct task *t = task_of(dir);
    int rc = t ? emit_dots(pos, dir->ino, PID_INO(t->pid), fn, ctx) : 0;
    char name[16];

    for (; t && !rc && *pos - 2 < NR_FILES; ++*pos) {
        int fd = (int)*pos - 2;

        if (!t->files[fd].file)
            continue;
        snprintf(name, sizeof(name), "%d", fd);
        rc = fn(ctx, name, dir->ino + 1 + (uint64_t)fd, S_IFLNK);
        if (rc)
            break;
    }
    return rc;
}

static const struct inode_ops fd_dir_ops = { .lookup = fd_lookup, .readdir = fd_readdir };

/* ---- The directory ---- */

static const struct {
    const char *name;
    uint32_t mode;
    long (*show)(struct task *t, char *buf, size_t size);
    const struct inode_ops *ops;
} entries[] = {
    { "stat", S_IFREG | 0444, show_stat, NULL },
    { "status", S_IFREG | 0444, show_status, NULL },
    { "statm", S_IFREG | 0444, show_statm, NULL },
    { "comm", S_IFREG | 0444, show_comm, NULL },
    { "cmdline", S_IFREG | 0444, show_cmdline, NULL },
    { "maps", S_IFREG | 0444, show_maps, NULL },
    { "exe", S_IFLNK | 0777, NULL, &exe_ops },
    { "cwd", S_IFLNK | 0777, NULL, &cwd_ops },
    { "root", S_IFLNK | 0777, NULL, &root_ops },
    { "fd", S_IFDIR | 0555, NULL, &fd_dir_ops },
};

#define ENTRY_ARG(pid, i) ((uint64_t)(pid) << 32 | (i))

static int text_open(struct file *f)
{
    struct task *t = task_of(f->inode);
    struct proc_text *text = t ? proc_text_create() : NULL;
    uint32_t i = (uint32_t)proc_inode_arg(f->inode);

    if (!text)
        return t ? -ENOMEM : -ESRCH;
    text->len = (size_t)entries[i].show(t, text->text, PROC_TEXT_MAX);
    f->private = text;
    return 0;
}

static const struct file_ops text_ops = {
    .open = text_open, .read = proc_text_read, .release = proc_text_release,
};

static uint64_t entry_ino(int pid, size_t i)
{
    return PID_INO(pid) + (entries[i].ops == &fd_dir_ops ? FD_DIR_INO : 1 + i);
}

static struct inode *task_lookup(struct inode *dir, const char *name)
{
    static const struct inode_ops no_ops;
    struct task *t = task_of(dir);

    if (!strcmp(name, ".."))
        return procfs_root();
    for (size_t i = 0; t && i < ARRAY_SIZE(entries); i++) {
        if (!strcmp(entries[i].name, name))
            return proc_inode(entry_ino(t->pid, i), entries[i].mode,
                              entries[i].ops ? entries[i].ops : &no_ops, &text_ops,
                              ENTRY_ARG(t->pid, i));
    }
    return NULL;
}

static int task_readdir(struct inode *dir, uint64_t *pos, dir_fn *fn, void *ctx)
{
    struct task *t = task_of(dir);
    int rc = t ? emit_dots(pos, dir->ino, ROOT_INO, fn, ctx) : 0;

    for (; t && !rc && *pos - 2 < ARRAY_SIZE(entries); ++*pos) {
        size_t i = *pos - 2;

        rc = fn(ctx, entries[i].name, entry_ino(t->pid, i), entries[i].mode);
        if (rc)
            break;
    }
    return rc;
}

struct inode *proc_task_dir(int pid)
{
    static const struct inode_ops task_dir_ops = {
        .lookup = task_lookup, .readdir = task_readdir,
    };

    if (!task_find(pid))
        return NULL;
    return proc_inode(PID_INO(pid), S_IFDIR | 0555, &task_dir_ops, NULL, ENTRY_ARG(pid, 0));
}
