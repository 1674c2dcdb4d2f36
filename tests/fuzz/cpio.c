/* SPDX-License-Identifier: MIT */
/*
 * The archive that pv-kernel's root comes in (pv-kernel/fs/cpio.c): every name ends inside of it,
 * all data lie inside of it, and reading it ends.
 */
#include "fs/cpio.h"
#include "fuzz.h"
#include "kernel.h"

enum { ENTRIES, WHOLE, BROKEN };
FUZZ_GOALS(GOAL("entries"), GOAL("a whole archive"), GOAL("a broken one"))

static size_t add(char *to, const char *name, unsigned int mode, const char *text)
{
    size_t at = (size_t)sprintf(to, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
                                7u, mode, 1u, 2u, 3u, 4u, (unsigned int)strlen(text), 5u, 6u, 8u,
                                9u, (unsigned int)strlen(name) + 1, 0u);

    memcpy(to + at, name, strlen(name) + 1);
    at = (at + strlen(name) + 1 + 3) & ~(size_t)3;
    memcpy(to + at, text, strlen(text));
    return (at + strlen(text) + 3) & ~(size_t)3;
}

static void read_all(const char *archive, size_t len)
{
    struct cpio_entry e;
    size_t offset = 0;
    int rc;

    while ((rc = cpio_next(archive, len, &offset, &e)) == 1) {
        REACHED(ENTRIES);
        FUZZ_CHECK(offset <= len);
        FUZZ_CHECK(e.name > archive && e.name < archive + len);
        FUZZ_CHECK(memchr(e.name, '\0', (size_t)(archive + len - e.name)) != NULL);
        FUZZ_CHECK((const char *)e.data >= archive && (const char *)e.data <= archive + len);
        FUZZ_CHECK(e.size <= (size_t)(archive + len - (const char *)e.data));
    }
    REACHED(rc == 0 ? WHOLE : BROKEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    char made[1024] = "";
    size_t len = 0;
    char *archive;

    len += add(made + len, "bin", 0040755, "");
    len += add(made + len, "bin/tool", 0100755, "12345");
    len += add(made + len, "link", 0120777, "bin/tool");
    len += add(made + len, "TRAILER!!!", 0, "");
    len = fuzz_damage(&in, made, len);
    archive = fuzz_copy(made, len);
    read_all(archive, len);
    free(archive);
    return 0;
}
