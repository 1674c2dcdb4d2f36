/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share. Each is a program of its own: libFuzzer calls
 * LLVMFuzzerTestOneInput() with bytes that it makes up, and looks which of them reach new code.
 *
 * A target does more than not to crash: it checks what must hold of any answer. And it says, by
 * REACHED(), that it got where the answers are: a short run that never did has tested nothing, and
 * counts as failed (tests/harness/fuzzers.py reads what is printed at the end).
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define FUZZ_CHECK(cond)                                                            \
    do {                                                                            \
        if (!(cond)) {                                                              \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                                \
        }                                                                           \
    } while (0)

/* ---- Goals: named places that must be reached ---- */

struct fuzz_goal {
    const char *name;
    unsigned long times;
};

/* fuzz.c: prints them all when the program ends. */
void fuzz_goals(struct fuzz_goal *goals, size_t nr);

/* Once, at a target's top, in the order of an enum: FUZZ_GOALS(GOAL("decoded"), GOAL("stored")). */
#define GOAL(text) { .name = (text) }
#define FUZZ_GOALS(...)                                                             \
    static struct fuzz_goal fuzz_goal_list[] = { __VA_ARGS__ };                     \
    static __attribute__((constructor)) void fuzz_goals_here(void)                  \
    {                                                                               \
        fuzz_goals(fuzz_goal_list, sizeof(fuzz_goal_list) / sizeof(*fuzz_goal_list)); \
    }
#define REACHED(goal) ((void)fuzz_goal_list[goal].times++)

/* ---- The input, taken piece by piece; zeroes after its end ---- */

struct fuzz_input {
    const uint8_t *data;
    size_t size;
};

uint64_t fuzz_take(struct fuzz_input *in, size_t bytes);
static inline uint64_t fuzz_below(struct fuzz_input *in, uint64_t n)
{
    return fuzz_take(in, n > 0x10000 ? 8 : 2) % n;
}

/*
 * A good file of @size bytes with some of them changed, as the input says: so that it is nearly
 * good, as random bytes never are. May also cut it. Returns its new size.
 */
size_t fuzz_damage(struct fuzz_input *in, void *file, size_t size);

/* A copy that ends where its memory ends, so that the sanitizer sees a read beyond it. */
void *fuzz_copy(const void *data, size_t size);

#endif
