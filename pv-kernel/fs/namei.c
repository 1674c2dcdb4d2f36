/* SPDX-License-Identifier: MIT */
/*
 * Paths. One walk serves all callers: it goes through the directories one name at a time, follows
 * symbolic links by putting their text in front of what is left of the path, and crosses mounts
 * in both directions. It needs no recursion, and ends after MAX_LINKS links.
 */
#include "fs/fs.h"
#include "proc/proc.h"

#define MAX_LINKS 40

struct inode *fs_root;

enum {
    WALK_FOLLOW     = 1,            /* a link as the last name */
    WALK_PARENT     = 2,            /* stop in front of the last name */
    WALK_MISSING_OK = 4,            /* a last name that is not there gives dir and name */
};

struct walk {
    struct inode *dir;              /* where we are; counted */
    struct inode *found;            /* what the last name leads to; counted, or NULL */
    int flags;
    unsigned int links;
    char *path, *rest;              /* a buffer of PATH_MAX, and what of it is left to walk */
    char name[NAME_MAX + 1];
};

/* ---- Names in directories ---- */

static struct inode *cross_down(struct inode *inode)
{
    while (inode && inode->mounted) {
        struct inode *root = inode_get(inode->mounted);

        inode_put(inode);
        inode = root;
    }
    return inode;
}

static struct inode *lookup_parent(struct inode *dir)
{
    while (dir->covered)
        dir = dir->covered;
    if (dir == fs_root)
        return inode_get(dir);
    return cross_down(dir->ops->lookup(dir, ".."));
}

struct inode *dir_lookup(struct inode *dir, const char *name)
{
    if (!strcmp(name, "."))
        return inode_get(dir);
    if (!strcmp(name, ".."))
        return lookup_parent(dir);
    return cross_down(dir->ops->lookup(dir, name));
}

/* ---- The walk ---- */

static void skip_slashes(struct walk *w)
{
    while (*w->rest == '/')
        w->rest++;
}

/* Takes the next name off the path. */
static int next_name(struct walk *w)
{
    size_t len = 0;

    while (w->rest[len] && w->rest[len] != '/')
        len++;
    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(w->name, w->rest, len);
    w->name[len] = '\0';
    w->rest += len;
    return 0;
}

/*
 * Puts the link's text in front of the rest, which begins with the slashes behind the link's name.
 */
static int splice_link(struct walk *w, struct inode *link)
{
    size_t rest = strlen(w->rest);
    char *text = kmalloc(PATH_MAX);
    long len;

    if (!text)
        return -ENOMEM;
    len = link->ops->readlink(link, text, PATH_MAX);
    if (len >= 0 && (size_t)len + rest + 1 > PATH_MAX)
        len = -ENAMETOOLONG;
    if (len > 0) {
        memmove(w->path + len, w->rest, rest + 1);
        memcpy(w->path, text, (size_t)len);
        w->rest = w->path;
    }
    kfree(text);
    return len > 0 ? 0 : len < 0 ? (int)len : -ENOENT;
}

static void move_to(struct walk *w, struct inode *dir)
{
    inode_put(w->dir);
    w->dir = dir;
}

/* Goes where a link leads; *next is it, and NULL afterwards if its text is still to be walked. */
static int follow_link(struct walk *w, struct inode **next)
{
    struct inode *link = *next, *goal = NULL;
    int rc;

    *next = NULL;
    if (++w->links > MAX_LINKS)
        rc = -ELOOP;
    else if (link->ops->follow && (goal = link->ops->follow(link)))
        rc = 0;
    else
        rc = splice_link(w, link);
    inode_put(link);
    *next = goal;
    if (!rc && !goal && *w->rest == '/')
        move_to(w, inode_get(fs_root));
    return rc;
}

/* Whether only slashes follow. */
static bool is_last(const struct walk *w)
{
    const char *rest = w->rest;

    while (*rest == '/')
        rest++;
    return !*rest;
}

/* The path went through @next, which is the walk's now. */
static int arrive(struct walk *w, struct inode *next, bool last, bool must_be_dir)
{
    if (must_be_dir && !is_type(next, S_IFDIR)) {
        inode_put(next);
        return -ENOTDIR;
    }
    if (!last) {
        move_to(w, next);
        return 0;
    }
    w->found = next;
    return 1;
}

/* A path that ends with where we are: "/", or a link to it. */
static int stop_here(struct walk *w)
{
    w->name[0] = '\0';
    w->found = w->flags & WALK_PARENT ? NULL : inode_get(w->dir);
    return 1;
}

/* One name; 1 when the walk has arrived. */
static int step(struct walk *w)
{
    struct inode *next;
    bool last, slash;
    int rc = next_name(w);

    if (rc)
        return rc;
    if (!is_type(w->dir, S_IFDIR))
        return -ENOTDIR;
    slash = *w->rest == '/';
    last = is_last(w);
    if (last && w->flags & WALK_PARENT)
        return 1;
    next = dir_lookup(w->dir, w->name);
    if (!next)
        return last && w->flags & WALK_MISSING_OK && !slash ? 1 : -ENOENT;
    if (is_type(next, S_IFLNK) && (slash || w->flags & WALK_FOLLOW)) {
        rc = follow_link(w, &next);
        if (rc || !next)
            return rc;
    }
    return arrive(w, next, last, slash);
}

/* On success the caller owns w->dir and w->found. */
static int walk(struct walk *w, struct inode *base, const char *path, int flags)
{
    int rc;

    if (!*path)
        return -ENOENT;
    if (strlen(path) >= PATH_MAX)
        return -ENAMETOOLONG;
    w->path = kmalloc(PATH_MAX);
    if (!w->path)
        return -ENOMEM;
    strlcpy(w->path, path, PATH_MAX);
    w->rest = w->path;
    w->flags = flags;
    w->links = 0;
    w->found = NULL;
    if (*path == '/' || (!base && !current->cwd))
        base = fs_root;
    w->dir = inode_get(base ? base : current->cwd);
    rc = 0;
    while (!rc) {
        skip_slashes(w);
        rc = *w->rest ? step(w) : stop_here(w);
    }
    kfree(w->path);
    if (rc == 1)
        return 0;
    inode_put(w->dir);
    return rc;
}

/* ---- What callers ask for ---- */

int path_lookup_at(struct inode *base, const char *path, bool follow_last, struct inode **out)
{
    struct walk w;
    int rc = walk(&w, base, path, follow_last ? WALK_FOLLOW : 0);

    if (rc)
        return rc;
    inode_put(w.dir);
    *out = w.found;
    return 0;
}

int path_lookup(const char *path, bool follow_last, struct inode **out)
{
    return path_lookup_at(NULL, path, follow_last, out);
}

int path_parent_at(struct inode *base, const char *path, struct inode **dir,
                   char name[NAME_MAX + 1])
{
    struct walk w;
    int rc = walk(&w, base, path, WALK_PARENT);

    if (rc)
        return rc;
    *dir = w.dir;
    strlcpy(name, w.name[0] ? w.name : ".", NAME_MAX + 1);
    return 0;
}

int path_parent(const char *path, struct inode **dir, char name[NAME_MAX + 1])
{
    return path_parent_at(NULL, path, dir, name);
}

int path_lookup_or_parent(struct inode *base, const char *path, bool follow_last,
                          struct inode **out, struct inode **dir, char name[NAME_MAX + 1])
{
    struct walk w;
    int rc = walk(&w, base, path, WALK_MISSING_OK | (follow_last ? WALK_FOLLOW : 0));

    if (rc)
        return rc;
    *out = w.found;
    *dir = w.dir;
    strlcpy(name, w.name, NAME_MAX + 1);
    return 0;
}

/* ---- From a directory back to its path ---- */

struct name_search {
    uint64_t ino;
    char name[NAME_MAX + 1];
};

static int match_ino(void *ctx, const char *name, uint64_t ino, uint32_t mode)
{
    struct name_search *search = ctx;

    (void)mode;
    if (ino != search->ino || !strcmp(name, ".") || !strcmp(name, ".."))
        return 0;
    strlcpy(search->name, name, sizeof(search->name));
    return 1;
}

/* The name that @dir has in its parent; *parent is counted. */
static int name_of(struct inode *dir, struct inode **parent, struct name_search *search)
{
    uint64_t pos = 0;

    while (dir->covered)
        dir = dir->covered;
    search->ino = dir->ino;
    *parent = dir->ops->lookup(dir, "..");
    if (!*parent)
        return -ENOENT;
    if ((*parent)->ops->readdir(*parent, &pos, match_ino, search) == 1)
        return 0;
    inode_put(*parent);
    return -ENOENT;
}

long dir_path(struct inode *dir, char *buf, size_t size)
{
    struct name_search search;
    size_t start = size - 1;        /* built from its end */
    int rc = 0;

    buf[start] = '\0';
    inode_get(dir);
    while (!rc && dir != fs_root) {
        struct inode *parent;
        size_t len;

        rc = name_of(dir, &parent, &search);
        if (rc)
            break;
        inode_put(dir);
        dir = parent;
        len = strlen(search.name);
        if (len + 1 > start) {
            rc = -ERANGE;
            break;
        }
        start -= len + 1;
        buf[start] = '/';
        memcpy(buf + start + 1, search.name, len);
    }
    inode_put(dir);
    if (rc)
        return rc;
    if (start == size - 1 && start > 0)
        buf[--start] = '/';
    memmove(buf, buf + start, size - start);
    return (long)(size - start - 1);
}
