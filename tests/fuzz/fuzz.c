/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: see fuzz.h. */
#include "fuzz.h"

static struct fuzz_goal *goals;
static size_t nr_goals;

static void print_goals(void)
{
    for (size_t i = 0; i < nr_goals; i++)
        fprintf(stderr, "reached %s: %lu times\n", goals[i].name, goals[i].times);
}

void fuzz_goals(struct fuzz_goal *list, size_t nr)
{
    goals = list;
    nr_goals = nr;
    atexit(print_goals);
}

uint64_t fuzz_take(struct fuzz_input *in, size_t bytes)
{
    size_t n = bytes < in->size ? bytes : in->size;
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)in->data[i] << (8 * i);
    in->data += n;
    in->size -= n;
    return value;
}

/* Each change is of 1, 2, 4 or 8 bytes, aligned or not: numbers at their ends, or any. */
static void one_change(struct fuzz_input *in, uint8_t *file, size_t size)
{
    static const uint64_t special[] = {
        0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x1000, 0x7fff, 0xffff, 0x7fffffff, 0x80000000,
        0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000, ~0ull,
    };
    uint64_t how = fuzz_take(in, 1);
    size_t bytes = (size_t)1 << (how & 3), at = (size_t)fuzz_below(in, size);
    uint64_t value;

    if (how & 4)
        at -= at % bytes;
    if (bytes > size - at)
        bytes = size - at;
    if (how & 8)
        value = special[fuzz_take(in, 1) % (sizeof(special) / sizeof(*special))];
    else
        value = fuzz_take(in, bytes);
    memcpy(file + at, &value, bytes);
}

size_t fuzz_damage(struct fuzz_input *in, void *file, size_t size)
{
    if (fuzz_take(in, 1) % 16 == 0)
        size = (size_t)fuzz_below(in, size + 1);
    while (size > 0 && in->size > 0)
        one_change(in, file, size);
    return size;
}

void *fuzz_copy(const void *data, size_t size)
{
    void *copy = malloc(size ? size : 1);

    FUZZ_CHECK(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    return copy;
}
