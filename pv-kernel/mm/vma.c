/* SPDX-License-Identifier: MIT */
/* The list of a space's mappings: sorted, without overlap. Nothing here knows of page tables. */
#include "fs/fs.h"
#include "mm/internal.h"

static struct vma *entry(struct list *link)
{
    return container_of(link, struct vma, link);
}

struct vma *vma_first_after(struct list *vmas, uint64_t va)
{
    struct list *pos;

    list_for_each(pos, vmas) {
        if (entry(pos)->end > va)
            return entry(pos);
    }
    return NULL;
}

struct vma *vma_find(struct list *vmas, uint64_t va)
{
    struct vma *vma = vma_first_after(vmas, va);

    return vma && vma->start <= va ? vma : NULL;
}

void vma_insert(struct list *vmas, struct vma *vma)
{
    struct vma *next = vma_first_after(vmas, vma->start);

    list_add_tail(next ? &next->link : vmas, &vma->link);
}

struct vma *vma_copy(const struct vma *vma)
{
    struct vma *copy = kmalloc(sizeof(*copy));

    if (!copy)
        return NULL;
    *copy = *vma;
    list_init(&copy->link);
    if (copy->file)
        file_get(copy->file);
    return copy;
}

void vma_free(struct vma *vma)
{
    list_del(&vma->link);
    if (vma->file)
        file_put(vma->file);
    kfree(vma);
}

struct vma *vma_split(struct vma *vma, uint64_t at)
{
    struct vma *upper = vma_copy(vma);

    if (!upper)
        return NULL;
    upper->start = at;
    upper->offset += at - vma->start;
    vma->end = at;
    list_add_tail(vma->link.next, &upper->link);
    return upper;
}

static bool border(struct list *vmas, uint64_t at)
{
    struct vma *vma = vma_find(vmas, at);

    return !vma || vma->start == at || vma_split(vma, at);
}

bool vma_split_range(struct list *vmas, uint64_t start, uint64_t end)
{
    return border(vmas, start) && border(vmas, end);
}

static bool mergeable(const struct vma *low, const struct vma *high)
{
    return low->end == high->start && low->prot == high->prot && low->flags == high->flags &&
           low->file == high->file && !low->ops && !high->ops &&
           (!low->file || low->offset + (low->end - low->start) == high->offset);
}

void vma_merge(struct list *vmas, uint64_t start, uint64_t end)
{
    struct vma *vma = vma_first_after(vmas, start ? start - 1 : 0);

    while (vma && vma->link.next != vmas && vma->end <= end) {
        struct vma *next = entry(vma->link.next);

        if (mergeable(vma, next)) {
            vma->end = next->end;
            vma_free(next);
        } else {
            vma = next;
        }
    }
}

uint64_t vma_gap(struct list *vmas, uint64_t len, uint64_t low, uint64_t high)
{
    struct list *pos;
    uint64_t at = low;

    if (high < low || len > high - low)
        return 0;
    list_for_each(pos, vmas) {
        struct vma *vma = entry(pos);

        if (vma->end <= at)
            continue;
        if (vma->start >= at && vma->start - at >= len)
            break;
        at = vma->end;
    }
    return at <= high && high - at >= len ? at : 0;
}
