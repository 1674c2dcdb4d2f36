/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel/fs: paths, tmpfs, mounts and the initramfs as the kernel links them. Each test gives
 * back every object and page that it took, also where memory runs out.
 */
#include "files_fixture.h"

/* ---- Paths ---- */

static void paths(void **state)
{
    char long_name[NAME_MAX + 3] = "/";

    (void)state;
    assert_int_equal(mkdir_at("/d"), 0);
    assert_int_equal(mkdir_at("/d/e/"), 0);
    write_file("/d/e/f", "x");
    expect_same("/d/e/f", "//d/./e/../e//f");
    expect_same("/", "/..");
    expect_same("/", "/d/../..");
    expect_same("/d/e", "d/e/");
    expect_error("", ENOENT);
    expect_error("/d/none", ENOENT);
    expect_error("/d/none/f", ENOENT);
    expect_error("/d/e/f/", ENOTDIR);
    expect_error("/d/e/f/g", ENOTDIR);
    expect_error("/d/e/f/..", ENOTDIR);
    memset(long_name + 1, 'n', NAME_MAX + 1);
    expect_error(long_name, ENAMETOOLONG);
    long_name[NAME_MAX + 1] = '\0';
    expect_error(long_name, ENOENT);
    assert_int_equal(fs_unlink(NULL, "/d/e", true), -ENOTEMPTY);
    assert_int_equal(fs_unlink(NULL, "/d/e/f", true), -ENOTDIR);
    assert_int_equal(fs_unlink(NULL, "/d/e", false), -EISDIR);
    assert_int_equal(fs_unlink(NULL, "/d/e/f", false), 0);
    assert_int_equal(fs_unlink(NULL, "/d/e/.", true), -EINVAL);
    assert_int_equal(fs_unlink(NULL, "/d/e", true), 0);
    assert_int_equal(fs_unlink(NULL, "/d", true), 0);
}

static void links(void **state)
{
    struct inode *inode;

    (void)state;
    assert_int_equal(mkdir_at("/d"), 0);
    write_file("/d/f", "text");
    assert_int_equal(fs_symlink(NULL, "/d", "/abs"), 0);
    assert_int_equal(fs_symlink(NULL, "d/../d", "/rel"), 0);
    assert_int_equal(fs_symlink(NULL, "/", "/top"), 0);
    assert_int_equal(fs_symlink(NULL, "loop", "/loop"), 0);
    assert_int_equal(fs_symlink(NULL, "d/made", "/dangling"), 0);
    expect_same("/abs/f", "/d/f");
    expect_same("/rel/f", "/d/f");
    expect_same("/rel/", "/d");
    expect_same("/top", "/");
    expect_same("/top/d/f", "/d/f");
    expect_error("/loop", ELOOP);
    expect_error("/loop/x", ELOOP);
    expect_error("/dangling", ENOENT);
    write_file("/dangling", "made");
    expect_file("/d/made", "made");
    assert_int_equal(path_lookup("/abs", false, &inode), 0);
    assert_true(is_type(inode, S_IFLNK));
    inode_put(inode);
    assert_int_equal(fs_unlink(NULL, "/d/made", false), 0);
    assert_int_equal(fs_unlink(NULL, "/d/f", false), 0);
    assert_int_equal(fs_unlink(NULL, "/d", true), 0);
    for (size_t i = 0; i < 5; i++) {
        static const char *const names[] = { "/abs", "/rel", "/top", "/loop", "/dangling" };

        assert_int_equal(fs_unlink(NULL, names[i], false), 0);
    }
}

static void renames(void **state)
{
    (void)state;
    assert_int_equal(mkdir_at("/a"), 0);
    assert_int_equal(mkdir_at("/a/b"), 0);
    assert_int_equal(mkdir_at("/c"), 0);
    write_file("/a/f", "one");
    write_file("/c/g", "two");
    assert_int_equal(fs_rename(NULL, "/a", NULL, "/a/b/x", false), -EINVAL);
    assert_int_equal(fs_rename(NULL, "/a/b", NULL, "/c", false), -ENOTEMPTY);
    assert_int_equal(fs_rename(NULL, "/a/b", NULL, "/c/g", false), -ENOTDIR);
    assert_int_equal(fs_rename(NULL, "/a/f", NULL, "/c", false), -EISDIR);
    assert_int_equal(fs_rename(NULL, "/a/f", NULL, "/c/g", true), -EEXIST);
    assert_int_equal(fs_rename(NULL, "/a/f", NULL, "/dev/f", false), -EXDEV);
    assert_int_equal(fs_rename(NULL, "/a/none", NULL, "/c/g", false), -ENOENT);
    assert_int_equal(fs_rename(NULL, "/a/f", NULL, "/c/g", false), 0);
    expect_file("/c/g", "one");
    expect_error("/a/f", ENOENT);
    assert_int_equal(fs_rename(NULL, "/a/b", NULL, "/c/b", false), 0);
    expect_same("/c/b/..", "/c");
    assert_int_equal(fs_unlink(NULL, "/c/g", false), 0);
    assert_int_equal(fs_unlink(NULL, "/c/b", true), 0);
    assert_int_equal(fs_unlink(NULL, "/c", true), 0);
    assert_int_equal(fs_unlink(NULL, "/a", true), 0);
}

static void hard_links_and_open_files_live_on(void **state)
{
    char buf[8];
    struct file *f;
    struct inode *inode;

    (void)state;
    write_file("/f", "alive");
    assert_int_equal(path_lookup("/f", false, &inode), 0);
    assert_int_equal(fs_link(inode, NULL, "/g"), 0);
    assert_int_equal(fs_link(inode, NULL, "/g"), -EEXIST);
    assert_int_equal(inode->nlink, 2);
    inode_put(inode);
    assert_int_equal(fs_unlink(NULL, "/f", false), 0);
    expect_file("/g", "alive");
    assert_int_equal(file_open("/g", O_RDONLY, 0, &f), 0);
    assert_int_equal(fs_unlink(NULL, "/g", false), 0);
    assert_int_equal(file_read_at(f, buf, sizeof(buf), 0), 5);
    assert_int_equal(fs_link(f->inode, NULL, "/h"), -ENOENT);
    file_put(f);
}

/* ---- Data: random writes, cuts and reads against a plain array ---- */

#define MODEL_SIZE (700 * 4096)

static void data_like_an_array(void **state)
{
    static char model[MODEL_SIZE], got[3 * 4096];
    size_t size = 0;
    struct file *f;

    (void)state;
    srandom(2);
    assert_int_equal(file_open("/data", O_RDWR | O_CREAT, 0600, &f), 0);
    for (int round = 0; round < 3000; round++) {
        uint64_t pos = (uint64_t)random() % (MODEL_SIZE - sizeof(got)), from = pos;
        size_t len = (size_t)random() % sizeof(got);
        char fill = (char)random();

        switch (random() % 8) {
        case 0:
            assert_int_equal(f->inode->ops->truncate(f->inode, pos), 0);
            if (pos < size)
                memset(model + pos, 0, size - pos);
            size = pos;
            break;
        case 1:
        case 2:
            memset(model + pos, fill, len);
            memset(got, fill, len);
            assert_int_equal(f->ops->write(f, got, len, &pos), len);
            size = len && from + len > size ? from + len : size;
            break;
        default:
            len = from >= size ? 0 : len < size - from ? len : size - from;
            assert_int_equal(file_read_at(f, got, len, from), len);
            assert_memory_equal(got, model + from, len);
        }
        assert_int_equal(f->inode->size, size);
    }
    file_put(f);
    assert_int_equal(fs_unlink(NULL, "/data", false), 0);
}

static void files_take_half_of_the_memory_only(void **state)
{
    static char block[65536];
    uint64_t pos = 0;
    struct file *f;
    long n;

    (void)state;
    assert_int_equal(file_open("/big", O_WRONLY | O_CREAT, 0600, &f), 0);
    while ((n = f->ops->write(f, block, sizeof(block), &pos)) > 0)
        ;
    assert_int_equal(n, -ENOSPC);
    assert_true(host_pages <= (long)host_page_limit / 2);
    assert_true(pos > host_page_limit / 2 * PAGE_SIZE * 9 / 10);
    file_put(f);
    assert_int_equal(fs_unlink(NULL, "/big", false), 0);
}

/* ---- Mounts ---- */

static void mounts_cover_and_uncover(void **state)
{
    char path[64];
    struct inode *inode;

    (void)state;
    assert_int_equal(mkdir_at("/m"), 0);
    write_file("/m/below", "x");
    assert_int_equal(fs_mount("none", "/m", "nosuchfs"), -ENODEV);
    assert_int_equal(fs_mount("none", "/m/below", "tmpfs"), -ENOTDIR);
    assert_int_equal(fs_mount("none", "/m", "tmpfs"), 0);
    expect_error("/m/below", ENOENT);
    assert_int_equal(mkdir_at("/m/deep"), 0);
    assert_int_equal(mkdir_at("/m/deep/er"), 0);
    write_file("/m/deep/er/f", "inside");
    expect_same("/m/..", "/");
    expect_same("/m/deep/../..", "/");
    assert_int_equal(path_lookup("/m/deep/er", true, &inode), 0);
    assert_int_equal(dir_path(inode, path, sizeof(path)), 10);
    assert_string_equal(path, "/m/deep/er");
    assert_int_equal(dir_path(inode, path, 10), -ERANGE);
    assert_int_equal(fs_unlink(NULL, "/m", true), -EBUSY);
    assert_int_equal(fs_mount("none", "/m/deep", "tmpfs"), 0);
    assert_int_equal(fs_unmount("/m"), -EBUSY);
    assert_int_equal(fs_unmount("/m/deep"), 0);
    assert_int_equal(fs_unmount("/m/deep"), -EINVAL);
    assert_int_equal(fs_unmount("/m"), 0);
    expect_file("/m/below", "x");
    assert_int_equal(dir_path(inode, path, sizeof(path)), -ENOENT);
    inode_put(inode);
    assert_int_equal(fs_mount("dev", "/dev", "devtmpfs"), 0);
    assert_int_equal(fs_mount("pts", "/dev/pts", "devpts"), 0);
    assert_int_equal(fs_mount("proc", "/m", "proc"), -EBUSY);
    assert_int_equal(fs_unmount("/"), -EBUSY);
    assert_int_equal(fs_unlink(NULL, "/m/below", false), 0);
    assert_int_equal(fs_unlink(NULL, "/m", true), 0);
}

/* ---- Directories ---- */

static int count_entry(void *ctx, const char *name, uint64_t ino, uint32_t mode)
{
    int *left = ctx;

    (void)ino;
    (void)mode;
    assert_true(*name);
    return (*left)-- == 0;
}

/* A walk in pieces shows every name once, also when names before its position go away. */
static void directories_are_read_in_pieces(void **state)
{
    struct inode *dir;
    uint64_t pos = 0;
    int seen = 0;

    (void)state;
    assert_int_equal(mkdir_at("/many"), 0);
    assert_int_equal(path_lookup("/many", true, &dir), 0);
    for (int i = 0; i < 50; i++) {
        char name[32];

        snprintf(name, sizeof(name), "/many/%d", i);
        write_file(name, "");
    }
    for (;;) {
        int left = 3;
        int rc = dir->ops->readdir(dir, &pos, count_entry, &left);

        seen += 3 - (left < 0 ? 0 : left);
        if (!rc)
            break;
        if (seen == 12)
            assert_int_equal(fs_unlink(NULL, "/many/4", false), 0);
    }
    assert_int_equal(seen, 52);
    for (int i = 0; i < 50; i++) {
        char name[32];

        snprintf(name, sizeof(name), "/many/%d", i);
        assert_int_equal(fs_unlink(NULL, name, false), i == 4 ? -ENOENT : 0);
    }
    inode_put(dir);
    assert_int_equal(fs_unlink(NULL, "/many", true), 0);
}

/* ---- Memory that runs out ---- */

static void sequence(void)
{
    struct file *f, *ends[2];
    uint64_t pos = 0;

    fs_mknod(NULL, "/x", S_IFDIR | 0755, 0);
    fs_symlink(NULL, "/x", "/l");
    if (!file_open("/l/f", O_RDWR | O_CREAT, 0600, &f)) {
        f->ops->write(f, "0123456789", 10, &pos);
        pos = 100 * PAGE_SIZE;
        f->ops->write(f, "0123456789", 10, &pos);
        fs_link(f->inode, NULL, "/x/g");
        file_put(f);
    }
    fs_rename(NULL, "/x/f", NULL, "/x/h", false);
    if (!pipe_create(ends, O_NONBLOCK)) {
        ends[1]->ops->write(ends[1], "abc", 3, &pos);
        file_put(ends[0]);
        file_put(ends[1]);
    }
    fs_mount("none", "/x", "tmpfs");
    if (!file_open("/proc/1/status", O_RDONLY, 0, &f))
        file_put(f);
}

static void clean_up(void)
{
    static const char *const files[] = { "/x/f", "/x/g", "/x/h", "/l" };

    host_fail_after = -1;
    fs_unmount("/x");
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        fs_unlink(NULL, files[i], false);
    fs_unlink(NULL, "/x", true);
}

static void nothing_leaks_without_memory(void **state)
{
    (void)state;
    for (int n = 0; n < 60; n++) {
        host_fail_after = n;
        sequence();
        clean_up();
        assert_int_equal(host_objects, objects_before);
        assert_int_equal(host_pages, pages_before);
    }
}

/* ---- The initramfs ---- */

static size_t put_entry(char *at, const char *name, unsigned int ino, unsigned int mode,
                        unsigned int nlink, const char *data)
{
    size_t len = (size_t)sprintf(at, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
                                 ino, mode, 0u, 0u, nlink, 0u, (unsigned int)strlen(data), 0u, 0u,
                                 0u, 0u, (unsigned int)strlen(name) + 1, 0u);

    strcpy(at + len, name);
    len = (len + strlen(name) + 4) / 4 * 4;
    memcpy(at + len, data, strlen(data));
    return (len + strlen(data) + 3) / 4 * 4;
}

static void initramfs(void **state)
{
    static char archive[4096];
    size_t len = 0;
    struct inode *inode;

    (void)state;
    len += put_entry(archive + len, ".", 1, 0040755, 2, "");
    len += put_entry(archive + len, "dev", 2, 0040755, 2, "");
    len += put_entry(archive + len, "sub", 3, 0040750, 2, "");
    len += put_entry(archive + len, "sub/one", 4, 0100644, 2, "");
    len += put_entry(archive + len, "sub/two", 4, 0100644, 2, "shared");
    len += put_entry(archive + len, "init", 5, 0120777, 1, "sub/one");
    len += put_entry(archive + len, "TRAILER!!!", 0, 0, 1, "");
    assert_int_equal(initramfs_unpack(archive, len), 0);
    expect_file("/init", "shared");
    expect_same("/sub/one", "/sub/two");
    assert_int_equal(path_lookup("/sub", true, &inode), 0);
    assert_int_equal(inode->mode, S_IFDIR | 0750);
    inode_put(inode);
    assert_int_equal(initramfs_unpack(archive + 1, len - 1), -EINVAL);
    assert_int_equal(fs_unlink(NULL, "/init", false), 0);
    assert_int_equal(fs_unlink(NULL, "/sub/one", false), 0);
    assert_int_equal(fs_unlink(NULL, "/sub/two", false), 0);
    assert_int_equal(fs_unlink(NULL, "/sub", true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(paths), TEST(links), TEST(renames), TEST(hard_links_and_open_files_live_on),
        TEST(data_like_an_array), TEST(files_take_half_of_the_memory_only),
        TEST(mounts_cover_and_uncover), TEST(directories_are_read_in_pieces),
        TEST(nothing_leaks_without_memory), TEST(initramfs),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
