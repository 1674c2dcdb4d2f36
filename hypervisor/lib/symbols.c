/* SPDX-License-Identifier: MIT */
/*
 * The symbol table, as scripts/mksyms writes it: functions sorted by address, as offsets from
 * IMAGE_VIRT, and in the same order their names, each ended by a NUL. The image is linked twice:
 * first with an empty table, then with that of the first link. Text comes before the table and so
 * has the same addresses in both.
 */
#include "lib/symbols.h"
#include "image.h"
#include "lib/string.h"
#include "lib/types.h"
#include "mm/layout.h"

extern const u32 symbol_count;
extern const u32 symbol_offsets[];
extern const char symbol_names[];

/*
 * From the beginning, name by name: it is only asked when something is printed about our own fault.
 */
const char *symbol_find(unsigned long addr, unsigned long *offset)
{
    const char *name = symbol_names;
    u32 wanted = (u32)(addr - IMAGE_VIRT), i;

    if (addr < (unsigned long)_text_start || addr >= (unsigned long)_text_end || !symbol_count ||
        wanted < symbol_offsets[0])
        return NULL;
    for (i = 0; i + 1 < symbol_count && symbol_offsets[i + 1] <= wanted; i++)
        name += strlen(name) + 1;
    *offset = wanted - symbol_offsets[i];
    return name;
}
