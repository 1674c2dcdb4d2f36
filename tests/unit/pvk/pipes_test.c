/* SPDX-License-Identifier: MIT */
/* pv-kernel/fs: pipes, streams and named pipes as the kernel links them. */
#include "files_fixture.h"

/* ---- Pipes ---- */

static void pipes(void **state)
{
    static char block[PAGE_SIZE], got[PAGE_SIZE];
    struct file *ends[2];
    uint64_t pos = 0;
    size_t total = 0;
    long n;

    (void)state;
    assert_int_equal(pipe_create(ends, O_NONBLOCK), 0);
    assert_int_equal(ends[0]->ops->read(ends[0], got, 1, &pos), -EAGAIN);
    assert_int_equal(file_poll(ends[0]), 0);
    assert_int_equal(file_poll(ends[1]), POLLOUT);
    while ((n = ends[1]->ops->write(ends[1], block, 1000, &pos)) > 0) {
        assert_int_equal(n, 1000);
        total += (size_t)n;
    }
    /* 536 bytes would fit, but not in one piece. */
    assert_int_equal(n, -EAGAIN);
    assert_int_equal(total, STREAM_MAX / 1000 * 1000);
    assert_int_equal(file_poll(ends[1]), 0);
    while (total) {
        n = ends[0]->ops->read(ends[0], got, sizeof(got), &pos);
        assert_true(n > 0);
        total -= (size_t)n;
    }
    assert_int_equal(host_pages, pages_before);
    file_put(ends[0]);
    assert_int_equal(file_poll(ends[1]) & POLLERR, POLLERR);
    assert_int_equal(ends[1]->ops->write(ends[1], block, 1, &pos), -EPIPE);
    assert_int_equal(host_signal, SIGPIPE);
    file_put(ends[1]);
    assert_int_equal(pipe_create(ends, 0), 0);
    assert_int_equal(ends[1]->ops->write(ends[1], "ab", 2, &pos), 2);
    file_put(ends[1]);
    assert_int_equal(file_poll(ends[0]), POLLIN | POLLHUP);
    assert_int_equal(ends[0]->ops->read(ends[0], got, 9, &pos), 2);
    assert_int_equal(ends[0]->ops->read(ends[0], got, 9, &pos), 0);
    file_put(ends[0]);
}

/* As `echo y | cat /dev/stdin` does it, after echo has ended. */
static void a_pipe_opened_again_waits_for_nobody(void **state)
{
    struct file *ends[2], *again;
    uint64_t pos = 0;
    char c;

    (void)state;
    assert_int_equal(pipe_create(ends, 0), 0);
    assert_int_equal(fd_install(ends[0], false), 0);
    assert_int_equal(ends[1]->ops->write(ends[1], "y", 1, &pos), 1);
    file_put(ends[1]);
    assert_int_equal(file_open("/dev/stdin", O_RDONLY, 0, &again), 0);
    assert_int_equal(again->ops->read(again, &c, 1, &pos), 1);
    assert_int_equal(again->ops->read(again, &c, 1, &pos), 0);
    file_put(again);
    assert_int_equal(fd_close(0), 0);
}

/* A queue against a plain array, with the memory for streams short now and then. */
static void streams_keep_order(void **state)
{
    struct stream s = { .head = 0 };
    uint8_t in = 0, out = 0;

    (void)state;
    srandom(3);
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[9000];
        size_t want = (size_t)random() % sizeof(bytes), n, before = stream_used(&s);

        host_page_limit = round / 1000 % 2 ? 4096 : 32;
        if (random() % 2) {
            size_t room = stream_room(&s);

            for (size_t i = 0; i < want; i++)
                bytes[i] = (uint8_t)(in + i);
            n = stream_write(&s, bytes, want < room ? want : room);
            assert_int_equal(n, want < room ? want : room);
            assert_true(room > 0 || before > 0);
            in = (uint8_t)(in + n);
        } else {
            n = stream_read(&s, bytes, want);
            assert_int_equal(n, want < before ? want : before);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(bytes[i], out++);
        }
        assert_true(host_pages - pages_before <= (long)(stream_used(&s) / PAGE_SIZE) + 2);
    }
    host_page_limit = 4096;
    stream_clear(&s);
    assert_int_equal(host_pages, pages_before);
}

/* ---- Named pipes ---- */

static struct file *other_end;

static int open_writer(struct wait_queue *q)
{
    (void)q;
    return file_open("/fifo", O_WRONLY | O_NONBLOCK, 0, &other_end);
}

static void a_named_pipe_waits_for_its_other_end(void **state)
{
    struct file *f;
    uint64_t pos = 0;
    char c;

    (void)state;
    assert_int_equal(fs_mknod(NULL, "/fifo", S_IFIFO | 0600, 0), 0);
    assert_int_equal(file_open("/fifo", O_WRONLY | O_NONBLOCK, 0, &f), -ENXIO);
    assert_int_equal(file_open("/fifo", O_RDONLY, 0, &f), -ERESTARTSYS);
    host_sleep = open_writer;
    assert_int_equal(file_open("/fifo", O_RDONLY, 0, &f), 0);
    assert_int_equal(other_end->ops->write(other_end, "z", 1, &pos), 1);
    file_put(other_end);
    assert_int_equal(f->ops->read(f, &c, 1, &pos), 1);
    assert_int_equal(c, 'z');
    assert_int_equal(f->ops->read(f, &c, 1, &pos), 0);
    file_put(f);
    assert_int_equal(fs_unlink(NULL, "/fifo", false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pipes), TEST(a_pipe_opened_again_waits_for_nobody), TEST(streams_keep_order),
        TEST(a_named_pipe_waits_for_its_other_end),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
