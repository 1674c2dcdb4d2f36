/* SPDX-License-Identifier: MIT */
/* What the ramdisk of these cases holds: tests/harness/library.py writes it. */
#ifndef CONF_START_RAMDISK_H
#define CONF_START_RAMDISK_H

#include <stdint.h>

#define RAMDISK_STEP 0x9e3779b97f4a7c15UL

/* How many of `nr` words are not those that stand at word `first` of the file and behind it. */
static inline uint64_t wrong_words(const uint64_t *word, uint64_t first, uint64_t nr)
{
    uint64_t wrong = 0;

    for (uint64_t i = 0; i < nr; i++)
        wrong += word[i] != (first + i) * RAMDISK_STEP;
    return wrong;
}

#endif
