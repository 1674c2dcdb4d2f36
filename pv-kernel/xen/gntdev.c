/* SPDX-License-Identifier: MIT */
/*
 * /dev/xen/gntdev: frames that other domains granted, in a program's address space.
 *
 * MAP_GRANT_REF makes a map: references and an offset to mmap; mmap of just that range maps the
 * grants, all or none, by the hypervisor writing the page-table entries itself. Only
 * GNTTABOP_unmap_grant_ref may take such an entry away, so that is done before the range goes,
 * whole or in parts, at munmap or exit; fork leaves it out. A map lives until it is given back
 * (UNMAP_GRANT_REF, or the last use of the file) and none of its pages is mapped any more.
 */
#include "mm/mm.h"
#include "proc/proc.h"
#include "xen/internal.h"

#define MAX_GRANTS 65536u               /* a file; SET_MAX_GRANTS lowers it */

struct gntdev_file {
    struct list maps;                   /* by index */
    uint32_t max, nr;                   /* grants */
};

struct grant {
    domid_t domid;
    grant_ref_t ref;
    grant_handle_t handle;              /* where it is mapped */
    bool mapped;
};

struct grant_map {
    struct list link;                   /* in the file's list, or alone once given back */
    struct gntdev_file *owner;
    uint64_t index;                     /* offset / PAGE_SIZE */
    uint32_t count;
    uint32_t in_use;                    /* pages that vmas cover */
    bool given_back;
    struct grant grants[];
};

static struct grant_map *next_map(struct gntdev_file *g, struct list *pos)
{
    return pos->next == &g->maps ? NULL : container_of(pos->next, struct grant_map, link);
}

static struct grant_map *find_map(struct gntdev_file *g, uint64_t index, uint64_t count)
{
    for (struct grant_map *m = next_map(g, &g->maps); m; m = next_map(g, &m->link)) {
        if (m->index == index && m->count == count)
            return m;
    }
    return NULL;
}

/* Puts the map at the lowest offset that is free. */
static void insert_map(struct gntdev_file *g, struct grant_map *map)
{
    struct grant_map *m = next_map(g, &g->maps);

    map->index = 0;
    for (; m && m->index - map->index < map->count; m = next_map(g, &m->link))
        map->index = m->index + m->count;
    list_add_tail(m ? &m->link : &g->maps, &map->link);
    map->owner = g;
    g->nr += map->count;
}

static void free_if_unused(struct grant_map *map)
{
    if (map->given_back && !map->in_use)
        kfree(map);
}

static void give_back(struct grant_map *map)
{
    map->owner->nr -= map->count;
    list_del(&map->link);
    map->given_back = true;
    free_if_unused(map);
}

/* ---- Entries ---- */

/* The library's mark of entries that are not counted is the first available bit (mm/internal.h). */
#define ENTRY_FLAGS (GNTMAP_host_map | GNTMAP_application_map | GNTMAP_contains_pte | \
                     1u << _GNTMAP_guest_avail0)

/*
 * GNTMAP_contains_pte: the hypervisor writes the entry whose machine address we name
 * (xen/grant_table.h). It is a leaf of the user half, which both roots share.
 */
static int map_grant(struct vma *vma, uint64_t va, struct grant *grant)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = space_pte_maddr(vma->space, va),
        .flags = ENTRY_FLAGS | (vma->prot & PROT_WRITE ? 0 : GNTMAP_readonly),
        .ref = grant->ref, .dom = grant->domid,
    };
    long rc;

    if (!op.host_addr)
        return -ENOMEM;
    rc = HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, &op, 1);
    if (rc)
        return (int)rc;
    if (op.status != GNTST_okay)
        return -EINVAL;
    grant->handle = op.handle;
    grant->mapped = true;
    return 0;
}

/* Only what map_grant() mapped: a mapping that failed half-way is undone in the same way. */
static void unmap_grant(struct vma *vma, uint64_t va, struct grant *grant)
{
    struct gnttab_unmap_grant_ref op = {
        .host_addr = space_pte_maddr(vma->space, va), .handle = grant->handle,
    };

    if (!grant->mapped)
        return;
    grant->mapped = false;
    if (HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1) || op.status != GNTST_okay)
        printk("gntdev: grant %u of domain %u is not unmapped (status %d)\n", grant->ref,
               grant->domid, op.status);
}

/* The grant that a page of a mapping stands for; the offset follows when the mapping is split. */
static struct grant *grant_at(const struct vma *vma, uint64_t va)
{
    struct grant_map *map = vma->private;

    return &map->grants[(vma->offset + (va - vma->start)) / PAGE_SIZE - map->index];
}

static void unmap_range(struct vma *vma, uint64_t end)
{
    for (uint64_t va = vma->start; va < end; va += PAGE_SIZE)
        unmap_grant(vma, va, grant_at(vma, va));
}

static void gntdev_unmap(struct vma *vma)
{
    struct grant_map *map = vma->private;

    unmap_range(vma, vma->end);
    map->in_use -= (uint32_t)((vma->end - vma->start) / PAGE_SIZE);
    free_if_unused(map);
}

static int no_page(struct vma *vma, uint64_t va, bool write)
{
    (void)vma;
    (void)va;
    (void)write;
    return -EFAULT;
}

static const struct vma_ops gntdev_vma_ops = {
    .fault = no_page, .unmap = gntdev_unmap, .no_fork = true,
};

static int gntdev_mmap(struct file *f, struct vma *vma)
{
    uint64_t count = (vma->end - vma->start) / PAGE_SIZE;
    struct grant_map *map = find_map(f->private, vma->offset / PAGE_SIZE, count);
    int rc = 0;

    if (!map || (vma->prot & PROT_WRITE && !(vma->flags & MAP_SHARED)))
        return -EINVAL;
    if (map->in_use)
        return -EBUSY;
    vma->private = map;
    for (uint64_t va = vma->start; va < vma->end; va += PAGE_SIZE) {
        rc = map_grant(vma, va, grant_at(vma, va));
        if (rc) {
            unmap_range(vma, va);
            return rc;
        }
    }
    vma->ops = &gntdev_vma_ops;
    map->in_use = map->count;
    return 0;
}

/* ---- ioctls ---- */

static int read_refs(struct grant_map *map, uint64_t refs)
{
    for (uint32_t i = 0; i < map->count; i++) {
        struct gntdev_grant_ref ref;

        if (copy_from_user(&ref, refs + i * sizeof(ref), sizeof(ref)))
            return -EFAULT;
        map->grants[i].domid = (domid_t)ref.domid;
        map->grants[i].ref = ref.ref;
    }
    return 0;
}

static long ioctl_map(struct gntdev_file *g, uint64_t arg)
{
    struct gntdev_map_grant_ref op;
    struct grant_map *map;
    int rc;

    if (copy_from_user(&op, arg, offsetof(struct gntdev_map_grant_ref, refs)))
        return -EFAULT;
    if (!op.count || op.count > g->max - g->nr)
        return -EINVAL;
    map = kmalloc(sizeof(*map) + op.count * sizeof(map->grants[0]));
    if (!map)
        return -ENOMEM;
    map->count = op.count;
    rc = read_refs(map, arg + offsetof(struct gntdev_map_grant_ref, refs));
    if (rc) {
        kfree(map);
        return rc;
    }
    insert_map(g, map);
    op.index = map->index * PAGE_SIZE;
    if (copy_to_user(arg, &op, offsetof(struct gntdev_map_grant_ref, refs))) {
        give_back(map);
        return -EFAULT;
    }
    return 0;
}

static long ioctl_unmap(struct gntdev_file *g, uint64_t arg)
{
    struct gntdev_unmap_grant_ref op;
    struct grant_map *map;

    if (copy_from_user(&op, arg, sizeof(op)))
        return -EFAULT;
    map = op.index % PAGE_SIZE ? NULL : find_map(g, op.index / PAGE_SIZE, op.count);
    if (!map)
        return -ENOENT;
    give_back(map);
    return 0;
}

static long ioctl_offset(struct gntdev_file *g, uint64_t arg)
{
    struct gntdev_get_offset op;
    struct grant_map *map;
    struct vma *vma;

    (void)g;
    if (copy_from_user(&op, arg, sizeof(op)))
        return -EFAULT;
    vma = space_find(current->space, op.vaddr);
    if (!vma || vma->ops != &gntdev_vma_ops)
        return -EINVAL;
    map = vma->private;
    op.offset = map->index * PAGE_SIZE;
    op.count = map->count;
    return copy_to_user(arg, &op, sizeof(op));
}

static long ioctl_max(struct gntdev_file *g, uint64_t arg)
{
    uint32_t max;

    if (copy_from_user(&max, arg, sizeof(max)))
        return -EFAULT;
    if (max > MAX_GRANTS || max < g->nr)
        return -EINVAL;
    g->max = max;
    return 0;
}

static const struct {
    unsigned long cmd;
    long (*run)(struct gntdev_file *g, uint64_t arg);
} commands[] = {
    { GNTDEV_MAP_GRANT_REF, ioctl_map },
    { GNTDEV_UNMAP_GRANT_REF, ioctl_unmap },
    { GNTDEV_GET_OFFSET_FOR_VADDR, ioctl_offset },
    { GNTDEV_SET_MAX_GRANTS, ioctl_max },
};

static long gntdev_ioctl(struct file *f, unsigned long cmd, uint64_t arg)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (commands[i].cmd == cmd)
            return commands[i].run(f->private, arg);
    }
    return -ENOTTY;
}

static int gntdev_open(struct file *f)
{
    struct gntdev_file *g = kmalloc(sizeof(*g));

    if (!g)
        return -ENOMEM;
    list_init(&g->maps);
    g->max = MAX_GRANTS;
    f->private = g;
    return 0;
}

static void gntdev_release(struct file *f)
{
    struct gntdev_file *g = f->private;
    struct grant_map *map;

    /* A mapping holds the file, so nothing is mapped now. */
    while ((map = next_map(g, &g->maps)))
        give_back(map);
    kfree(g);
}

const struct file_ops gntdev_ops = {
    .ioctl = gntdev_ioctl, .mmap = gntdev_mmap, .open = gntdev_open, .release = gntdev_release,
};
