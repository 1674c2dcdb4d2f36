/* SPDX-License-Identifier: MIT */
/*
 * A guest's configuration file (tools/xl-lite/config.c): whatever the text, it is refused with a
 * line of why, or what it says can be used.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "tools/xl-lite/config.h"

enum { ACCEPTED, REFUSED };
FUZZ_GOALS(GOAL("accepted"), GOAL("refused"))

static const char *const lines[] = {
    "name=\"a\"\n", "kernel=\"k\"\n", "memory=64\n", "memory=\"128\"\n", "vcpus=2\n",
    "ramdisk=\"r\"\n", "root=\"/dev/xvda\"\n", "extra=\"quiet\"\n", "cmdline=\"all\"\n",
    "type=\"pv\"\n", "disk=[]\n", "vif=[ ]\n", "disk=[\"file:/img,xvda,w\"]\n",
    "disk=['/dev/vda,raw,xvda,rw']\n", "on_crash=\"destroy\"\n", "vfb=[\"vnc=1\"]\n",
    "builder=\"linux\"\n", "name=", "memory=", "=", "\"", "[", "]", ",", "{", "}", "(", ")", ";",
    "4294967296", "-1", "0x10", "1e9", "99999999999999999999", "# ", "\n", "true",
};
#define NR_LINES (sizeof(lines) / sizeof(*lines))

/* Lines and pieces of lines by number, characters by themselves. */
static void write_text(struct fuzz_input *in, int fd)
{
    unsigned int first = (unsigned int)fuzz_take(in, 1);

    for (unsigned int i = 0; i < 3; i++)        /* mostly what must be there, is */
        if (first >> i & 1)
            dprintf(fd, "%s", lines[i]);
    for (unsigned int i = 0; i < 40 && in->size > 0; i++) {
        unsigned int what = (unsigned int)fuzz_take(in, 1);

        if (what < 200)
            dprintf(fd, "%s", lines[what % NR_LINES]);
        else
            dprintf(fd, "%c", (char)fuzz_take(in, 1));
    }
}

static bool ordinary(const char *text)
{
    return text != NULL && text[0] != '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    int fd = memfd_create("config", 0);
    struct domain_config config;
    char path[32];

    FUZZ_CHECK(fd >= 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    write_text(&in, fd);
    xl_clear_message();
    if (domain_config_read(&config, path) == 0) {
        REACHED(ACCEPTED);
        FUZZ_CHECK(ordinary(config.name) && ordinary(config.kernel));
        FUZZ_CHECK(strchr(config.name, '/') == NULL);
        FUZZ_CHECK(config.memory_mib > 0 && config.vcpus > 0);
        FUZZ_CHECK(config.cmdline != NULL && (config.ramdisk == NULL || ordinary(config.ramdisk)));
    } else {
        REACHED(REFUSED);
        FUZZ_CHECK(ordinary(xl_message()));
    }
    domain_config_free(&config);
    close(fd);
    return 0;
}

/* The library's own scanner forgets some memory of broken files; we look for leaks of our own. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so\n";
}
