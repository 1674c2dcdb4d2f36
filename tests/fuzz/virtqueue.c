/* SPDX-License-Identifier: MIT */
/*
 * The ring of what a device has used (pv-kernel/drivers/virtqueue.c), written by a device that may
 * write anything there, at any time: a slot comes back only if the device had it, once, and
 * whatever else the ring says is refused.
 */
#include "fuzz.h"

#include "drivers/virtio.h"

enum { BACK, NOTHING, NONSENSE, AHEAD, FULL, DIRECT, INDIRECT };
FUZZ_GOALS(GOAL("a slot came back"), GOAL("nothing came back"), GOAL("an id that is none"),
           GOAL("an index that ran ahead"), GOAL("all slots in use"), GOAL("direct descriptors"),
           GOAL("indirect descriptors"))

#define CHAIN 4u

static struct virtqueue q;
static volatile uint16_t bell;
static bool with_device[VIRTQUEUE_MAX];
static unsigned int nr_with_device;
static long pages;

/* ---- The rest of the kernel ---- */

void *pv_alloc_page(void)
{
    pages++;
    return memset(aligned_alloc(PAGE_SIZE, PAGE_SIZE), 0, PAGE_SIZE);
}

void pv_free_page(void *page)
{
    pages--;
    free(page);
}

pv_mfn_t pv_va_to_mfn(const void *va)
{
    return pv_mfn((uint64_t)va >> PAGE_SHIFT);
}

_Noreturn void pv_panic(const char *format, ...)
{
    (void)format;
    abort();
}

/* ---- The driver ---- */

static void submit(struct fuzz_input *in)
{
    unsigned int buffers = 1 + (unsigned int)fuzz_below(in, CHAIN);
    int slot = virtqueue_take_slot(&q);

    FUZZ_CHECK((slot < 0) == (nr_with_device == q.nr_slots));
    if (slot < 0) {
        REACHED(FULL);
        return;
    }
    FUZZ_CHECK((unsigned int)slot < q.nr_slots && !with_device[slot]);
    for (unsigned int i = 0; i < buffers; i++)
        virtqueue_set(&q, (unsigned int)slot, i, 0x1000, 512, i > 0);
    virtqueue_submit(&q, (unsigned int)slot, buffers);
    with_device[slot] = true;
    nr_with_device++;
    virtqueue_ring(&q);
}

/* As an interrupt handler does; false: the device is given up. */
static bool take_back(uint16_t index)
{
    uint16_t ahead = (uint16_t)(index - q.last_used);
    int slot = virtqueue_next(&q);

    if (slot == -EAGAIN) {
        FUZZ_CHECK(ahead == 0);
        REACHED(NOTHING);
        return true;
    }
    if (slot < 0) {
        FUZZ_CHECK(slot == -EIO);
        REACHED(ahead > q.size ? AHEAD : NONSENSE);
        return false;
    }
    FUZZ_CHECK(ahead <= q.size && (unsigned int)slot < q.nr_slots && with_device[slot]);
    with_device[slot] = false;
    nr_with_device--;
    virtqueue_put_slot(&q, (unsigned int)slot);
    REACHED(BACK);
    return true;
}

/* ---- The device ---- */

/* Mostly the head of a request that it has, or had. */
static uint32_t some_id(struct fuzz_input *in)
{
    uint32_t slot = (uint32_t)fuzz_below(in, q.nr_slots + 1);

    if (fuzz_take(in, 1) % 8 == 0)
        return (uint32_t)fuzz_take(in, 4);
    return q.indirect ? slot : slot * CHAIN;
}

/* The ring's layout is the specification's: flags, index, elements of an id and a length. */
static void answer(struct fuzz_input *in)
{
    volatile uint16_t *used = (volatile uint16_t *)q.used;
    volatile uint32_t *elements = (volatile uint32_t *)(used + 2);
    uint16_t step = fuzz_take(in, 1) % 8 ? 1 : (uint16_t)fuzz_take(in, 2);

    elements[used[1] % q.size * 2] = some_id(in);
    elements[used[1] % q.size * 2 + 1] = (uint32_t)fuzz_take(in, 4);
    used[0] = fuzz_take(in, 1) % 2;
    used[1] = (uint16_t)(used[1] + step);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    bool indirect = fuzz_take(&in, 1) & 1, good = true;
    unsigned int entries = 8u << fuzz_below(&in, 5);

    FUZZ_CHECK(virtqueue_create(&q, entries, CHAIN, indirect) == 0);
    REACHED(indirect ? INDIRECT : DIRECT);
    q.doorbell = &bell;
    memset(with_device, 0, sizeof(with_device));
    nr_with_device = 0;
    while (good && in.size > 0) {
        switch (fuzz_take(&in, 1) % 4) {
        case 0:
        case 1:
            submit(&in);
            break;
        case 2:
            answer(&in);
            break;
        default:
            good = take_back(((volatile uint16_t *)q.used)[1]);
        }
    }
    virtqueue_destroy(&q);
    FUZZ_CHECK(pages == 0);
    return 0;
}
