/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues. The page of a queue of n entries: n descriptors, the ring of what is
 * available to the device (head, n indexes, event), the ring of what it has used. The order of
 * stores matters, since the device looks at any time: descriptors, ring entry, index, and then
 * the doorbell, unless the device asked not to be rung.
 *
 * What the device writes is checked: an index that runs ahead, or a chain that it does not have,
 * is -EIO.
 */
#include "drivers/virtio.h"

#define DESC_NEXT     1u
#define DESC_WRITE    2u
#define DESC_INDIRECT 4u
#define USED_NO_NOTIFY 1u

struct vring_avail {
    uint16_t flags, index;
    uint16_t ring[];
};

struct vring_used {
    uint16_t flags, index;
    struct {
        uint32_t id, len;
    } ring[];
};

static unsigned int table_bytes(const struct virtqueue *q)
{
    return q->chain * (unsigned int)sizeof(struct vring_desc);
}

static uint64_t maddr_of(const void *p)
{
    return (pv_va_to_mfn(p).nr << PAGE_SHIFT) + (uint64_t)p % PAGE_SIZE;
}

/* ---- Memory ---- */

/* Tables lie in pages, none across a border: the device sees machine memory. */
static int make_tables(struct virtqueue *q)
{
    unsigned int per_page = (unsigned int)PAGE_SIZE / table_bytes(q);
    char *page = NULL;

    for (unsigned int i = 0; i < q->nr_slots; i++) {
        if (i % per_page == 0)
            page = pv_alloc_page();
        if (!page)
            return -ENOMEM;
        q->tables[i] = (struct vring_desc *)(page + i % per_page * table_bytes(q));
    }
    return 0;
}

/* The used ring is aligned to 4 bytes; both rings end with an event index that nobody uses here. */
int virtqueue_create(struct virtqueue *q, unsigned int size, unsigned int chain, bool indirect)
{
    uint64_t avail = size * sizeof(struct vring_desc);
    uint64_t used = ALIGN_UP(avail + 6 + 2 * size, 4);
    char *page = pv_alloc_page();

    memset(q, 0, sizeof(*q));
    if (!page)
        return -ENOMEM;
    q->size = size;
    q->chain = chain;
    q->indirect = indirect;
    q->nr_slots = indirect ? size : size / chain;
    q->desc = (struct vring_desc *)page;
    q->avail = (struct vring_avail *)(page + avail);
    q->used = (volatile struct vring_used *)(page + used);
    if (indirect && make_tables(q)) {
        virtqueue_destroy(q);
        return -ENOMEM;
    }
    for (unsigned int i = 0; i < q->nr_slots; i++)
        virtqueue_put_slot(q, i);
    return 0;
}

void virtqueue_destroy(struct virtqueue *q)
{
    for (unsigned int i = 0; i < q->nr_slots; i++) {
        if (q->tables[i] && (uint64_t)q->tables[i] % PAGE_SIZE == 0)
            pv_free_page(q->tables[i]);
    }
    pv_free_page(q->desc);
}

/* ---- Requests ---- */

int virtqueue_take_slot(struct virtqueue *q)
{
    return q->nr_free ? q->free[--q->nr_free] : -EBUSY;
}

void virtqueue_put_slot(struct virtqueue *q, unsigned int slot)
{
    q->free[q->nr_free++] = (uint8_t)slot;
}

/* Where a slot's chain begins in the ring. */
static unsigned int head_of(const struct virtqueue *q, unsigned int slot)
{
    return q->indirect ? slot : slot * q->chain;
}

static struct vring_desc *slot_table(struct virtqueue *q, unsigned int slot)
{
    return q->indirect ? q->tables[slot] : q->desc + head_of(q, slot);
}

void virtqueue_set(struct virtqueue *q, unsigned int slot, unsigned int i, uint64_t maddr,
                   uint32_t len, bool device_writes)
{
    BUG_ON(i >= q->chain);
    slot_table(q, slot)[i] = (struct vring_desc){
        .addr = maddr, .len = len, .flags = device_writes ? DESC_WRITE | DESC_NEXT : DESC_NEXT,
        .next = (uint16_t)((q->indirect ? 0 : head_of(q, slot)) + i + 1),
    };
}

/*
 * In the order that the specification asks for: descriptors, the ring's entry, and then the index,
 * by a store that nothing before it may pass. What was submitted is the device's.
 */
void virtqueue_submit(struct virtqueue *q, unsigned int slot, unsigned int buffers)
{
    struct vring_desc *table = slot_table(q, slot);

    table[buffers - 1].flags &= (uint16_t)~DESC_NEXT;
    if (q->indirect)
        q->desc[slot] = (struct vring_desc){
            .addr = maddr_of(table), .len = buffers * (uint32_t)sizeof(*table),
            .flags = DESC_INDIRECT,
        };
    q->busy[slot] = true;
    q->avail->ring[q->avail->index % q->size] = (uint16_t)head_of(q, slot);
    __atomic_store_n(&q->avail->index, (uint16_t)(q->avail->index + 1), __ATOMIC_RELEASE);
    q->rings = true;
}

void virtqueue_ring(struct virtqueue *q)
{
    if (!q->rings)
        return;
    q->rings = false;
    /* The index must be out before the flags are read, or both sides could miss each other. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!(q->used->flags & USED_NO_NOTIFY))
        *q->doorbell = q->index;
}

/*
 * The index is read once, and before the entry, which the device wrote first. It may be ahead of
 * ours by at most the queue's size, and the entry must name a chain's head that the device has:
 * else a slot would be free and in use at a time, and memory written that is somebody else's by
 * then.
 */
int virtqueue_next(struct virtqueue *q)
{
    uint16_t index = __atomic_load_n(&q->used->index, __ATOMIC_ACQUIRE);
    unsigned int step = q->indirect ? 1 : q->chain;
    uint32_t id;

    if (index == q->last_used)
        return -EAGAIN;
    if ((uint16_t)(index - q->last_used) > q->size)
        return -EIO;
    id = q->used->ring[q->last_used % q->size].id;
    if (id % step || id / step >= q->nr_slots || !q->busy[id / step])
        return -EIO;
    q->last_used++;
    q->busy[id / step] = false;
    return (int)(id / step);
}
