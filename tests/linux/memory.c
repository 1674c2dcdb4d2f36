/* SPDX-License-Identifier: MIT */
/*
 * Memory as a program sees it. Each of these is, under the hypervisor, page-table updates that must
 * have their effect at once and on every processor.
 */
#include "probe.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#define COW_PAGES 256
#define COW_CHILDREN 6
#define STORM_ROUNDS 12
#define STORM_PAGES 64
#define STORM_CHILDREN 4
#define FILL_CHILDREN 4
#define FILL_MOST (256UL << 20)
#define SHARED_CHILDREN 8
#define SHARED_ADDITIONS 20000

static uint64_t *cow_words;
static uint64_t *shared_word;

static void *pages(size_t count, int protection, int flags)
{
    void *at = mmap(NULL, count * PAGE, protection, flags | MAP_ANONYMOUS, -1, 0);

    EXPECT(at != MAP_FAILED);
    return at;
}

static uint64_t *word_of(void *area, size_t page)
{
    return (uint64_t *)((char *)area + page * PAGE + page % 512 * 8);
}

static void read_byte(void *at)
{
    (void)*(volatile char *)at;
}

static void write_byte(void *at)
{
    *(volatile char *)at = 1;
}

static void jump(void *at)
{
    ((void (*)(void))at)();
}

static void cow_child(unsigned number)
{
    for (size_t i = 0; i < COW_PAGES; i++)
        EXPECT(*word_of(cow_words, i) == i);
    for (size_t i = number; i < COW_PAGES; i += 2)
        *word_of(cow_words, i) = i << 32 | number;
    for (size_t i = 0; i < COW_PAGES; i++)
        EXPECT(*word_of(cow_words, i) ==
               (i >= number && (i - number) % 2 == 0 ? i << 32 | number : i));
}

/* What one process writes after a fork, no other sees. */
void test_cow(void)
{
    cow_words = pages(COW_PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    for (size_t i = 0; i < COW_PAGES; i++)
        *word_of(cow_words, i) = i;
    in_children(COW_CHILDREN, cow_child);
    for (size_t i = 0; i < COW_PAGES; i++)
        EXPECT(*word_of(cow_words, i) == i);
    EXPECT(munmap(cow_words, COW_PAGES * PAGE) == 0);
}

static void expect_fault(void (*act)(void *), void *at, int code)
{
    EXPECT(fault_of(act, at) == SIGSEGV);
    EXPECT(fault_address == at);
    EXPECT(fault_code == code);
}

/* Protections hold from the moment at which they are set. */
void test_protect(void)
{
    unsigned char *page = pages(1, PROT_READ | PROT_WRITE, MAP_PRIVATE);

    *page = 0xc3;                                               /* ret */
    expect_fault(jump, page, SEGV_ACCERR);
    EXPECT(mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0);
    EXPECT(fault_of(jump, page) == 0);
    expect_fault(write_byte, page, SEGV_ACCERR);
    EXPECT(mprotect(page, PAGE, PROT_NONE) == 0);
    expect_fault(read_byte, page, SEGV_ACCERR);
    EXPECT(mprotect(page, PAGE, PROT_READ) == 0);
    EXPECT(fault_of(read_byte, page) == 0 && *page == 0xc3);
    expect_fault(write_byte, page, SEGV_ACCERR);
    EXPECT(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
    EXPECT(fault_of(write_byte, page) == 0 && *page == 1);
    EXPECT(munmap(page, PAGE) == 0);
    expect_fault(read_byte, page, SEGV_MAPERR);
}

/*
 * Pages come as zeros, keep their contents when they move, and are gone when they are given back.
 */
void test_map(void)
{
    size_t count = 300;
    char *area = pages(count, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    char *moved;

    for (size_t i = 0; i < count; i++) {
        EXPECT(*word_of(area, i) == 0);
        *word_of(area, i) = ~i;
    }
    moved = mremap(area, count * PAGE, 4 * count * PAGE, MREMAP_MAYMOVE);
    EXPECT(moved != MAP_FAILED);
    for (size_t i = 0; i < count; i++)
        EXPECT(*word_of(moved, i) == ~i);
    EXPECT(*word_of(moved, 4 * count - 1) == 0);
    EXPECT(madvise(moved, count * PAGE, MADV_DONTNEED) == 0);
    for (size_t i = 0; i < count; i++)
        EXPECT(*word_of(moved, i) == 0);
    for (size_t i = 1; i < count; i += 2)
        EXPECT(munmap(moved + i * PAGE, PAGE) == 0);
    for (size_t i = 0; i < count; i++)
        EXPECT(fault_of(read_byte, moved + i * PAGE) == (i % 2 ? SIGSEGV : 0));
    EXPECT(munmap(moved, 4 * count * PAGE) == 0);
}

static void shared_child(unsigned number)
{
    for (unsigned i = 0; i < SHARED_ADDITIONS; i++)
        __atomic_fetch_add(shared_word, number + 1, __ATOMIC_RELAXED);
}

/* Shared memory is one memory, on all processors. */
void test_shared(void)
{
    shared_word = pages(1, PROT_READ | PROT_WRITE, MAP_SHARED);
    in_children(SHARED_CHILDREN, shared_child);
    EXPECT(*shared_word == SHARED_ADDITIONS * SHARED_CHILDREN * (SHARED_CHILDREN + 1) / 2);
    EXPECT(munmap(shared_word, PAGE) == 0);
}

static void storm_child(unsigned number)
{
    for (uint64_t round = 0; round < STORM_ROUNDS; round++) {
        char *area = pages(STORM_PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE);
        uint64_t mark = round << 32 | number << 16;
        pid_t child;
        int status;

        for (size_t i = 0; i < STORM_PAGES; i++)
            *word_of(area, i) = mark + i;
        EXPECT(mprotect(area, STORM_PAGES / 2 * PAGE, PROT_READ) == 0);
        child = fork();
        EXPECT(child >= 0);
        for (size_t i = 0; i < STORM_PAGES; i++)
            EXPECT(*word_of(area, i) == mark + i);
        if (child == 0)
            _exit(fault_of(write_byte, area) == SIGSEGV ? 0 : 1);
        EXPECT(munmap(area + STORM_PAGES / 2 * PAGE, STORM_PAGES / 2 * PAGE) == 0);
        EXPECT(waitpid(child, &status, 0) == child && status == 0);
        EXPECT(munmap(area, STORM_PAGES * PAGE) == 0);
    }
}

/* Many processes map, protect, fork and unmap at once. */
void test_storm(void)
{
    in_children(STORM_CHILDREN, storm_child);
}

static void fill_child(unsigned number)
{
    struct sysinfo info;
    uint64_t *words, count;

    EXPECT(sysinfo(&info) == 0);
    count = info.totalram / 4 < FILL_MOST ? info.totalram / 4 : FILL_MOST;
    count /= FILL_CHILDREN * PAGE;
    words = pages(count, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    for (uint64_t i = 0; i < count; i++)
        *word_of(words, i) = i << 8 | number;
    for (uint64_t i = 0; i < count; i++)
        EXPECT(*word_of(words, i) == (i << 8 | number));
}

/* Processes that fill much of the memory find in each page what they wrote. */
void test_fill(void)
{
    in_children(FILL_CHILDREN, fill_child);
}
