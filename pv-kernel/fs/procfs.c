/* SPDX-License-Identifier: MIT */
/*
 * /proc: a tree of tmpfs with the files that parts of the kernel register, and a directory for each
 * task (proc_task.c), which exists only while somebody looks at it.
 *
 * A file's text is made when it is opened and stays as it is until it is closed.
 */
#include "fs/internal.h"
#include "fs/tmpfs.h"
#include "proc/proc.h"

#define FIRST_PID_POS (1ul << 32)   /* readdir's positions from here on are pids */
#define PID_INO(pid)  ((uint64_t)(pid) << 20)

static struct inode *root;

/* ---- Files made of text ---- */

struct proc_text *proc_text_create(void)
{
    return kmalloc(sizeof(struct proc_text) + PROC_TEXT_MAX);
}

long proc_text_read(struct file *f, void *buf, size_t len, uint64_t *pos)
{
    const struct proc_text *t = f->private;

    if (*pos >= t->len)
        return 0;
    len = min(len, (size_t)(t->len - *pos));
    memcpy(buf, t->text + *pos, len);
    *pos += len;
    return (long)len;
}

void proc_text_release(struct file *f)
{
    kfree(f->private);
}

void proc_print(char *buf, size_t size, size_t *len, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(buf + *len, size - *len, format, args);
    va_end(args);
    if (n > 0)
        *len = min(*len + (size_t)n, size - 1);
}

/* ---- The registered files ---- */

typedef long show_fn(char *buf, size_t size);

static int registered_open(struct file *f)
{
    show_fn *show = f->inode->private;
    struct proc_text *t = proc_text_create();
    long len;

    if (!t)
        return -ENOMEM;
    len = show(t->text, PROC_TEXT_MAX);
    if (len < 0) {
        kfree(t);
        return (int)len;
    }
    t->len = (size_t)len;
    f->private = t;
    return 0;
}

static const struct file_ops registered_ops = {
    .open = registered_open, .read = proc_text_read, .release = proc_text_release,
};

int procfs_register(const char *name, show_fn *show)
{
    static const struct inode_ops file_inode_ops;
    struct inode *inode;
    int rc = tmpfs_make_path(root, name, S_IFREG | 0444, 0, &inode);

    if (rc)
        return rc;
    inode->ops = &file_inode_ops;
    inode->fops = &registered_ops;
    inode->private = show;
    inode_put(inode);
    return 0;
}

/* ---- Inodes that exist while they are looked at ---- */

struct dynamic {
    struct inode inode;
    uint64_t arg;
};

static void dynamic_free(struct inode *inode)
{
    kfree(container_of(inode, struct dynamic, inode));
}

struct inode *proc_inode(uint64_t ino, uint32_t mode, const struct inode_ops *ops,
                         const struct file_ops *fops, uint64_t arg)
{
    struct dynamic *d = kmalloc(sizeof(*d));

    if (!d)
        return NULL;
    d->arg = arg;
    d->inode.ino = ino;
    d->inode.dev = root->dev;
    d->inode.mode = mode;
    d->inode.nlink = 1;
    d->inode.mtime = fs_now();
    d->inode.ops = ops;
    d->inode.fops = fops;
    d->inode.refs = 1;
    d->inode.free = dynamic_free;
    return &d->inode;
}

uint64_t proc_inode_arg(const struct inode *inode)
{
    return container_of(inode, const struct dynamic, inode)->arg;
}

/* ---- The root: pids beside the registered names ---- */

static int parse_pid(const char *name)
{
    int pid = 0;

    for (; *name; name++) {
        if (*name < '0' || *name > '9' || pid > 1000000)
            return 0;
        pid = pid * 10 + (*name - '0');
    }
    return pid;
}

static struct inode *root_lookup(struct inode *dir, const char *name)
{
    int pid = parse_pid(name);

    return pid ? proc_task_dir(pid) : tmpfs_lookup(dir, name);
}

static int root_readdir(struct inode *dir, uint64_t *pos, dir_fn *fn, void *ctx)
{
    int rc = *pos < FIRST_PID_POS ? tmpfs_readdir(dir, pos, fn, ctx) : 0;
    struct task *t;
    char name[16];

    if (rc)
        return rc;
    *pos = max(*pos, FIRST_PID_POS);
    while ((t = task_next((int)(*pos - FIRST_PID_POS)))) {
        snprintf(name, sizeof(name), "%d", t->pid);
        rc = fn(ctx, name, PID_INO(t->pid), S_IFDIR);
        if (rc)
            return rc;
        *pos = FIRST_PID_POS + (uint64_t)t->pid;
    }
    return 0;
}

static long self_readlink(struct inode *link, char *buf, size_t size)
{
    char text[16];
    size_t len = (size_t)snprintf(text, sizeof(text), "%d", current->pid);

    (void)link;
    len = min(len, size);
    memcpy(buf, text, len);
    return (long)len;
}

struct inode *procfs_root(void)
{
    return inode_get(root);
}

void procfs_init(void)
{
    static const struct inode_ops dir_ops = { .lookup = tmpfs_lookup, .readdir = tmpfs_readdir };
    static const struct inode_ops root_ops = { .lookup = root_lookup, .readdir = root_readdir };
    static const struct inode_ops self_ops = { .readlink = self_readlink };
    struct inode *self;

    root = tmpfs_create(0555, &dir_ops);
    if (!root || tmpfs_mknod(root, "self", S_IFLNK | 0777, 0, &self))
        panic("pv-kernel: no memory for /proc\n");
    root->ops = &root_ops;
    self->ops = &self_ops;
    inode_put(self);
    proc_system_init();
}
