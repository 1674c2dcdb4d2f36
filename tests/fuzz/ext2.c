/* SPDX-License-Identifier: MIT */
/*
 * A guest's, or anybody's, disk with ext2 on it (pv-kernel/fs/ext2.c, ext2_dir.c): an image that
 * mke2fs made, with some of its bytes changed, is read as far as it goes, inside the disk only,
 * and with an end: no call reads more than a few blocks for each that it is about.
 */
#include <unistd.h>

#include "fs/ext2.h"
#include "fuzz.h"
#include "kernel_host.h"

enum { OPENED, REFUSED, NAMES, FILES, LINKS };
FUZZ_GOALS(GOAL("opened"), GOAL("refused"), GOAL("names in folders"), GOAL("bytes of files"),
           GOAL("texts of links"))

#define IMAGE_BYTES (64u << 10)
#define MAX_READS   100000ul        /* of one input; an image has 64 blocks */
#define MAX_NAMES   64u

static uint8_t good[IMAGE_BYTES], *image;
static unsigned long nr_reads;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char folder[] = "/tmp/fuzz-ext2-XXXXXX", command[512], path[64];
    FILE *f;

    (void)argc;
    (void)argv;
    FUZZ_CHECK(mkdtemp(folder) != NULL);
    snprintf(command, sizeof(command),
             "cd %s && mkdir -p tree/sub/deep && echo good morning >tree/hello && "
             "head -c 20000 /dev/zero | tr '\\0' a >tree/sub/long && ln -s hello tree/link && "
             "ln -s $(printf '%%0100d' 7) tree/far && "
             "PATH=$PATH:/sbin:/usr/sbin mke2fs -q -F -b 1024 -N 32 -U clear -d tree image 64k "
             ">/dev/null", folder);
    FUZZ_CHECK(system(command) == 0);
    snprintf(path, sizeof(path), "%s/image", folder);
    f = fopen(path, "rb");
    /* The file ends with the last block that is in use. */
    FUZZ_CHECK(f != NULL && fread(good, 1, IMAGE_BYTES, f) > 20000);
    fclose(f);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    FUZZ_CHECK(system(command) == 0);
    image = malloc(IMAGE_BYTES);
    return image == NULL;
}

static int read_image(void *disk, uint64_t offset, void *buf, size_t len)
{
    FUZZ_CHECK(offset <= IMAGE_BYTES && len <= IMAGE_BYTES - offset);
    FUZZ_CHECK(++nr_reads < MAX_READS);
    memcpy(buf, (uint8_t *)disk + offset, len);
    return 0;
}

struct found {
    uint64_t ino[MAX_NAMES];
    unsigned int nr;
};

static int note_name(void *ctx, const char *name, uint64_t ino, uint32_t mode)
{
    struct found *found = ctx;

    (void)mode;
    REACHED(NAMES);
    FUZZ_CHECK(ino != 0 && name[0] != '\0' && strchr(name, '/') == NULL && strlen(name) <= 255);
    if (found->nr < MAX_NAMES)
        found->ino[found->nr++] = ino;
    return 0;
}

static void read_file(struct ext2 *fs, const struct ext2_node *node)
{
    static uint8_t buf[8192];
    uint64_t at = 0;

    for (unsigned int i = 0; i < 4; i++, at = at * 2 + sizeof(buf)) {
        long n = ext2_read(fs, node, buf, sizeof(buf), at);

        FUZZ_CHECK(n <= (long)sizeof(buf));
        FUZZ_CHECK(n <= 0 || at + (uint64_t)n <= node->size);
        if (n > 0)
            REACHED(FILES);
    }
}

static void read_node(struct ext2 *fs, uint64_t ino, struct found *found)
{
    char text[EXT2_LINK_MAX + 1];
    struct ext2_node node;
    uint64_t pos = 0;
    uint32_t under;
    long n;

    if (ext2_read_node(fs, (uint32_t)ino, &node))
        return;
    FUZZ_CHECK(node.ino == ino);
    switch (node.mode & S_IFMT) {
    case S_IFDIR:
        (void)ext2_readdir(fs, &node, &pos, note_name, found);
        (void)ext2_lookup(fs, &node, "hello", &under);
        (void)ext2_lookup(fs, &node, "no such name", &under);
        break;
    case S_IFREG:
        read_file(fs, &node);
        break;
    case S_IFLNK:
        n = ext2_readlink(fs, &node, text, sizeof(text));
        FUZZ_CHECK(n <= (long)sizeof(text));
        if (n > 0)
            REACHED(LINKS);
        break;
    }
}

/* Nearly all changes go where the numbers are: the superblock, groups, inodes, folders. */
static void damage(struct fuzz_input *in)
{
    memcpy(image, good, IMAGE_BYTES);
    while (in->size > 0) {
        size_t at = (size_t)fuzz_below(in, fuzz_take(in, 1) % 4 ? 16384 : IMAGE_BYTES - 8);
        size_t bytes = (size_t)1 << fuzz_take(in, 1) % 4;
        uint64_t value = fuzz_take(in, bytes);

        memcpy(image + at, &value, bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    struct found found = { .ino = { EXT2_ROOT }, .nr = 1 };
    struct ext2 fs;

    damage(&in);
    nr_reads = 0;
    memset(&fs, 0, sizeof(fs));
    fs.read = read_image;
    fs.disk = image;
    fs.size = IMAGE_BYTES;
    if (ext2_open(&fs)) {
        REACHED(REFUSED);
        FUZZ_CHECK(host_objects == 0 && host_pages == 0);
        return 0;
    }
    REACHED(OPENED);
    for (unsigned int i = 0; i < found.nr; i++)
        read_node(&fs, found.ino[i], &found);
    ext2_close(&fs);
    FUZZ_CHECK(host_objects == 0 && host_pages == 0);
    return 0;
}
