/* SPDX-License-Identifier: MIT */
/*
 * devices: the files of /dev/xen as a program sees them, in the control domain. Prints a verdict a
 * case: PASS, FAIL with the line that found it, or SKIP with what is missing. It makes domains of
 * its own, which never run, and leaves none behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xen/grant_table.h>
#include <xen/version.h>

#include "xl-lite/libxllite.h"
#include "xl-lite/linux_xen.h"

#define PAGES 3

static int failed_line;
static const char *skipped;

/* Ends a case as failed. The condition is written out, so that a reader sees what was wanted. */
#define EXPECT(condition)               \
    do {                                \
        if (!(condition)) {             \
            failed_line = __LINE__;     \
            return;                     \
        }                               \
    } while (0)

/* The call fails with this errno. */
#define FAILS(call, error) ((call) == -1 && errno == (error))

/* Layouts that the tools have no use for. */
struct mmap_entry {
    uint64_t va, mfn, npages;
};
struct mmap_runs {
    int num;
    uint16_t dom;
    struct mmap_entry *entry;
};
struct mmapbatch {
    int num;
    uint16_t dom;
    uint64_t addr;
    xen_pfn_t *arr;
};
struct grant_map {
    uint32_t count, pad;
    uint64_t index;
    uint32_t domid, ref;
};
struct grant_unmap {
    uint64_t index;
    uint32_t count, pad;
};
struct grant_offset {
    uint64_t vaddr, offset;
    uint32_t count, pad;
};
#define PRIVCMD_MMAP      _IOC(_IOC_NONE, 'P', 2, 16)
#define PRIVCMD_MMAPBATCH _IOC(_IOC_NONE, 'P', 3, 24)
#define EVTCHN_UNBOUND    _IOC(_IOC_NONE, 'E', 2, 4)
#define EVTCHN_RESET      _IOC(_IOC_NONE, 'E', 5, 0)
#define EVTCHN_RESTRICT   _IOC(_IOC_NONE, 'E', 6, 2)
#define GNTDEV_MAP        _IOC(_IOC_NONE, 'G', 0, 24)
#define GNTDEV_UNMAP      _IOC(_IOC_NONE, 'G', 1, 16)
#define GNTDEV_OFFSET     _IOC(_IOC_NONE, 'G', 2, 24)

static struct hv hv;

/* A domain of PAGES pages; their frames are in mfns. */
static bool make_domain(domid_t *domid, xen_pfn_t mfns[PAGES])
{
    static const uint8_t uuid[16] = { 'd', 'e', 'v', 'i', 'c', 'e', 's' };

    if (hv_domain_create(&hv, uuid, 1, domid) || hv_domain_max_mem(&hv, *domid, 1024))
        return false;
    for (xen_pfn_t i = 0; i < PAGES; i++)
        mfns[i] = i;
    return hv_domain_populate(&hv, *domid, 0, mfns, PAGES) == PAGES;
}

static bool domain_gone(domid_t domid)
{
    struct xen_domctl_getdomaininfo info;

    return hv_domain_info(&hv, domid, &info) == -ESRCH;
}

static char *region(size_t pages)
{
    return mmap(NULL, pages * XL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, hv.privcmd, 0);
}

/* The signal that reading an address ends a child with; 0: it can be read. */
static int signal_of_read(const volatile char *address)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        (void)*address;
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static long hypercall3(uint64_t op, uint64_t a0, uint64_t a1, uint64_t a2)
{
    struct privcmd_hypercall call = { .op = op, .arg = { a0, a1, a2 } };

    return ioctl(hv.privcmd, IOCTL_PRIVCMD_HYPERCALL, &call);
}

static long hypercall(uint64_t op, uint64_t a0, uint64_t a1)
{
    return hypercall3(op, a0, a1, 0);
}

/* ---- hypercall ---- */

static void buffers_are_resident(void)
{
    size_t size = 4 * XL_PAGE_SIZE;
    char *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, hv.hypercall, 0);

    EXPECT(hv.hypercall >= 0 && buffer != MAP_FAILED);
    /* None of these pages was touched before the hypervisor writes to it. */
    for (char *page = buffer; page < buffer + size; page += XL_PAGE_SIZE)
        EXPECT(!hypercall(__HYPERVISOR_xen_version, XENVER_capabilities, (uint64_t)page));
    EXPECT(!strncmp(buffer, "xen-3.0-x86_64", 14) && buffer[XL_PAGE_SIZE - 1] == 0);
    EXPECT(munmap(buffer, size) == 0);
    EXPECT(FAILS(hypercall(__HYPERVISOR_xen_version, XENVER_capabilities, (uint64_t)buffer),
                 EFAULT));
}

static void buffers_survive_fork(void)
{
    pid_t child;
    int status;

    memset(hv.buffer, 0, XL_PAGE_SIZE);
    child = fork();
    if (child == 0)
        _exit(hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, (uint64_t)hv.buffer) != 0);
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    EXPECT(hv.buffer[0] != 0);
    EXPECT(hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, (uint64_t)hv.buffer) == 0);
}

static void buffers_are_shared_only(void)
{
    EXPECT(mmap(NULL, XL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, hv.hypercall, 0) ==
           MAP_FAILED && errno == EINVAL);
}

/* ---- privcmd ---- */

static void results_and_errors_of_hypercalls(void)
{
    EXPECT(hypercall(__HYPERVISOR_xen_version, XENVER_version, 0) == (4 << 16 | 17));
    EXPECT(FAILS(hypercall(127, 0, 0), ENOSYS));
    EXPECT(FAILS(hypercall(128, 0, 0), EINVAL));
    EXPECT(FAILS(ioctl(hv.privcmd, IOCTL_PRIVCMD_HYPERCALL, NULL), EFAULT));
    EXPECT(FAILS(ioctl(hv.privcmd, _IOC(_IOC_NONE, 'P', 99, 0), NULL), ENOTTY));
}

static void frames_and_their_errors(void)
{
    xen_pfn_t mfns[PAGES];
    int err[PAGES] = { -1, -1, -1 };
    struct privcmd_mmapbatch_v2 batch = { .num = PAGES, .arr = mfns, .err = err };
    char *pages = region(PAGES);

    EXPECT(pages != MAP_FAILED && make_domain(&batch.dom, mfns));
    EXPECT(signal_of_read(pages) != 0);
    batch.addr = (uint64_t)pages;
    batch.num = PAGES - 1;
    EXPECT(FAILS(ioctl(hv.privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch), EINVAL));
    batch.num = PAGES + 1;
    EXPECT(FAILS(ioctl(hv.privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch), EINVAL));
    batch.num = 0;
    EXPECT(FAILS(ioctl(hv.privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch), EINVAL));
    batch.num = PAGES;
    batch.addr = (uint64_t)hv.buffer;
    EXPECT(FAILS(ioctl(hv.privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch), EINVAL));
    batch.addr = (uint64_t)pages;
    mfns[1] = ~0UL >> 12;
    EXPECT(ioctl(hv.privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch) == 0);
    EXPECT(err[0] == 0 && err[1] == -EINVAL && err[2] == 0);
    strcpy(pages, "first");
    strcpy(pages + 2 * XL_PAGE_SIZE, "third");
    EXPECT(munmap(pages, PAGES * XL_PAGE_SIZE) == 0);
    EXPECT(hv_domain_destroy(&hv, batch.dom) == 0 && domain_gone(batch.dom));
}

static void contents_last_and_fork_leaves_them_out(void)
{
    xen_pfn_t mfns[PAGES];
    domid_t domid;
    char *one, *two;

    EXPECT(make_domain(&domid, mfns));
    one = hv_map(&hv, domid, mfns, PAGES);
    two = hv_map(&hv, domid, mfns, PAGES);
    EXPECT(one && two);
    strcpy(one + XL_PAGE_SIZE, "seen in both");
    EXPECT(!strcmp(two + XL_PAGE_SIZE, "seen in both"));
    EXPECT(signal_of_read(one) != 0);
    /* A part of the mapping goes, the rest stays. */
    EXPECT(munmap(one, XL_PAGE_SIZE) == 0 && !strcmp(one + XL_PAGE_SIZE, "seen in both"));
    EXPECT(munmap(one + XL_PAGE_SIZE, (PAGES - 1) * XL_PAGE_SIZE) == 0);
    EXPECT(hv_domain_destroy(&hv, domid) == 0);
    /* What is still mapped keeps frame and domain, until it goes. */
    EXPECT(!strcmp(two + XL_PAGE_SIZE, "seen in both"));
    hv_unmap(two, PAGES);
    EXPECT(domain_gone(domid));
}

/* Frames that a process has mapped go with it, however it ends. */
static void exit_unmaps(void)
{
    xen_pfn_t mfns[PAGES];
    domid_t domid;
    pid_t child;
    int status;

    EXPECT(make_domain(&domid, mfns));
    child = fork();
    if (child == 0) {
        if (hv_map(&hv, domid, mfns, PAGES))
            abort();
        _exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    EXPECT(hv_domain_destroy(&hv, domid) == 0 && domain_gone(domid));
}

static void older_ways_to_map(void)
{
    xen_pfn_t mfns[PAGES];
    domid_t domid;
    char *pages = region(PAGES), *more = region(PAGES);
    struct mmap_entry entry[2];
    struct mmap_runs runs = { .num = 2, .entry = entry };
    struct mmapbatch batch = { .num = PAGES, .addr = (uint64_t)more, .arr = mfns };

    EXPECT(pages != MAP_FAILED && more != MAP_FAILED && make_domain(&domid, mfns));
    runs.dom = batch.dom = domid;
    entry[0] = (struct mmap_entry){ (uint64_t)pages, mfns[0], 1 };
    entry[1] = (struct mmap_entry){ (uint64_t)pages + XL_PAGE_SIZE, mfns[2], 1 };
    EXPECT(ioctl(hv.privcmd, PRIVCMD_MMAP, &runs) == 0);
    EXPECT(FAILS(ioctl(hv.privcmd, PRIVCMD_MMAP, &runs), EINVAL));
    strcpy(pages + XL_PAGE_SIZE, "the last frame");
    mfns[1] = ~0UL >> 12;
    EXPECT(ioctl(hv.privcmd, PRIVCMD_MMAPBATCH, &batch) == 0);
    EXPECT(mfns[1] >> 28 & 0xf && (mfns[1] & 0xf0000000) == 0xf0000000);
    EXPECT(!strcmp(more + 2 * XL_PAGE_SIZE, "the last frame"));
    hv_unmap(pages, PAGES);
    hv_unmap(more, PAGES);
    EXPECT(hv_domain_destroy(&hv, domid) == 0 && domain_gone(domid));
}

/* ---- evtchn ---- */

static int readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return poll(&p, 1, 100) == 1 && p.revents & POLLIN;
}

/* Two files with a channel between them. */
static bool make_channel(int fds[2], uint32_t ports[2])
{
    struct ioctl_evtchn_bind_interdomain bind = { 0, 0 };
    uint32_t self = 0;
    int port;

    fds[0] = open(DEV_EVTCHN, O_RDWR | O_NONBLOCK);
    fds[1] = open(DEV_EVTCHN, O_RDWR | O_NONBLOCK);
    port = ioctl(fds[0], EVTCHN_UNBOUND, &self);
    if (port <= 0)
        return false;
    ports[0] = bind.remote_port = (uint32_t)port;
    port = ioctl(fds[1], IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
    ports[1] = (uint32_t)port;
    return port > 0;
}

static void ports_ring_until_written_back(void)
{
    uint32_t ports[2], got = 0;
    int fds[2];

    EXPECT(make_channel(fds, ports));
    /* Binding rings at the other end. */
    while (read(fds[0], &got, 4) == 4)
        EXPECT(got == ports[0] && write(fds[0], &got, 4) == 4);
    if (readable(fds[1]))
        EXPECT(read(fds[1], &got, 4) == 4 && write(fds[1], &got, 4) == 4);
    EXPECT(FAILS(read(fds[1], &got, 4), EAGAIN) && !readable(fds[1]));
    EXPECT(ioctl(fds[0], IOCTL_EVTCHN_NOTIFY, &ports[0]) == 0 && readable(fds[1]));
    EXPECT(read(fds[1], &got, 4) == 4 && got == ports[1]);
    EXPECT(ioctl(fds[0], IOCTL_EVTCHN_NOTIFY, &ports[0]) == 0 && !readable(fds[1]));
    EXPECT(write(fds[1], &got, 4) == 4 && readable(fds[1]));
    EXPECT(read(fds[1], &got, 4) == 4 && got == ports[1]);
    close(fds[0]);
    close(fds[1]);
}

static void ports_have_one_owner(void)
{
    uint32_t ports[2], far = 1 << 20;
    int fds[2];

    EXPECT(make_channel(fds, ports));
    EXPECT(FAILS(ioctl(fds[1], IOCTL_EVTCHN_NOTIFY, &ports[0]), ENOTCONN));
    EXPECT(FAILS(ioctl(fds[1], IOCTL_EVTCHN_UNBIND, &ports[0]), ENOTCONN));
    EXPECT(FAILS(ioctl(fds[1], IOCTL_EVTCHN_UNBIND, &far), EINVAL));
    EXPECT(ioctl(fds[1], IOCTL_EVTCHN_UNBIND, &ports[1]) == 0);
    EXPECT(FAILS(ioctl(fds[1], IOCTL_EVTCHN_UNBIND, &ports[1]), ENOTCONN));
    close(fds[0]);
    close(fds[1]);
}

static void reading_waits(void)
{
    uint32_t ports[2], got = 0;
    pid_t child;
    int fds[2], status;

    EXPECT(make_channel(fds, ports));
    while (readable(fds[1]))
        EXPECT(read(fds[1], &got, 4) == 4 && write(fds[1], &got, 4) == 4);
    EXPECT(fcntl(fds[1], F_SETFL, 0) == 0);
    child = fork();
    if (child == 0)
        _exit(read(fds[1], &got, 4) != 4 || got != ports[1]);
    usleep(20000);
    EXPECT(waitpid(child, &status, WNOHANG) == 0);
    EXPECT(ioctl(fds[0], IOCTL_EVTCHN_NOTIFY, &ports[0]) == 0);
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    close(fds[0]);
    close(fds[1]);
}

static void virqs_restriction_and_reset(void)
{
    struct ioctl_evtchn_bind_interdomain bind = { 1, 1 };
    struct ioctl_evtchn_bind_virq virq = { .virq = 1 };
    uint16_t domid = 0;
    uint32_t self = 0;
    int fd = open(DEV_EVTCHN, O_RDWR), port;

    port = ioctl(fd, IOCTL_EVTCHN_BIND_VIRQ, &virq);
    EXPECT(port > 0 && FAILS(ioctl(fd, IOCTL_EVTCHN_BIND_VIRQ, &virq), EEXIST));
    virq.virq = 1000;
    EXPECT(FAILS(ioctl(fd, IOCTL_EVTCHN_BIND_VIRQ, &virq), EINVAL));
    EXPECT(ioctl(fd, EVTCHN_RESET, NULL) == 0);
    EXPECT(FAILS(ioctl(fd, EVTCHN_RESTRICT, &domid), EINVAL));
    domid = 7;
    EXPECT(ioctl(fd, EVTCHN_RESTRICT, &domid) == 0);
    EXPECT(FAILS(ioctl(fd, EVTCHN_RESTRICT, &domid), EACCES));
    EXPECT(FAILS(ioctl(fd, EVTCHN_UNBOUND, &self), EACCES));
    EXPECT(FAILS(ioctl(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind), EACCES));
    EXPECT(FAILS(ioctl(fd, IOCTL_EVTCHN_BIND_VIRQ, &virq), EACCES));
    close(fd);
}

/* ---- gntdev ---- */

static void grant(struct grant_entry_v1 *entry, xen_pfn_t mfn)
{
    entry->frame = (uint32_t)mfn;
    entry->domid = 0;
    __atomic_store_n(&entry->flags, GTF_permit_access, __ATOMIC_RELEASE);
}

/* Whether the hypervisor has the calls that map grants. */
static bool grants_are_there(void)
{
    return !FAILS(hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
                             (uint64_t)hv.buffer, 0), ENOSYS);
}

static void grants_map_and_unmap(void)
{
    struct grant_map map = { .count = 1, .ref = 9 };
    struct grant_unmap unmap = { .count = 1 };
    struct grant_offset where = { 0 };
    volatile struct grant_entry_v1 *entry;
    struct grant_entry_v1 *table;
    xen_pfn_t mfns[PAGES];
    domid_t domid;
    char *foreign, *page;
    int fd = open("/dev/xen/gntdev", O_RDWR);

    if (!grants_are_there()) {
        skipped = "the hypervisor maps no grants";
        return;
    }
    EXPECT(fd >= 0 && make_domain(&domid, mfns));
    table = hv_map_grant_table(&hv, domid);
    EXPECT(table);
    entry = &table[9];
    grant(&table[9], mfns[1]);
    foreign = hv_map(&hv, domid, mfns, PAGES);
    map.domid = domid;
    EXPECT(foreign && ioctl(fd, GNTDEV_MAP, &map) == 0);
    page = mmap(NULL, XL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.index);
    EXPECT(page != MAP_FAILED && entry->flags & GTF_writing);
    strcpy(page, "granted");
    EXPECT(!strcmp(foreign + XL_PAGE_SIZE, "granted"));
    where.vaddr = (uint64_t)page;
    EXPECT(ioctl(fd, GNTDEV_OFFSET, &where) == 0 && where.offset == map.index && where.count == 1);
    unmap.index = map.index;
    EXPECT(ioctl(fd, GNTDEV_UNMAP, &unmap) == 0 && FAILS(ioctl(fd, GNTDEV_UNMAP, &unmap), ENOENT));
    EXPECT(!strcmp(page, "granted") && munmap(page, XL_PAGE_SIZE) == 0);
    EXPECT(entry->flags == GTF_permit_access);
    /* What is not granted is not mapped. */
    map.ref = 10;
    EXPECT(ioctl(fd, GNTDEV_MAP, &map) == 0);
    EXPECT(mmap(NULL, XL_PAGE_SIZE, PROT_READ, MAP_SHARED, fd, (off_t)map.index) == MAP_FAILED &&
           errno == EINVAL);
    close(fd);
    hv_unmap(table, 1);
    hv_unmap(foreign, PAGES);
    EXPECT(hv_domain_destroy(&hv, domid) == 0 && domain_gone(domid));
}

/* ---- The rest ---- */

static void capabilities_tell_the_control_domain(void)
{
    char text[32] = "";
    int fd = open("/proc/xen/capabilities", O_RDONLY);

    EXPECT(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && strstr(text, "control_d"));
    close(fd);
}

#define CASE(name) { #name, name }
static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    CASE(buffers_are_resident),
    CASE(buffers_survive_fork),
    CASE(buffers_are_shared_only),
    CASE(results_and_errors_of_hypercalls),
    CASE(frames_and_their_errors),
    CASE(contents_last_and_fork_leaves_them_out),
    CASE(exit_unmaps),
    CASE(older_ways_to_map),
    CASE(ports_ring_until_written_back),
    CASE(ports_have_one_owner),
    CASE(reading_waits),
    CASE(virqs_restriction_and_reset),
    CASE(grants_map_and_unmap),
    CASE(capabilities_tell_the_control_domain),
};

int main(void)
{
    int failures = 0;

    if (hv_open(&hv)) {
        printf("FAIL open: %s\n", xl_message());
        return 1;
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        failed_line = 0;
        skipped = NULL;
        xl_clear_message();
        cases[i].run();
        if (failed_line)
            printf("FAIL %s: line %d, errno %d %s\n", cases[i].name, failed_line, errno,
                   xl_message());
        else if (skipped)
            printf("SKIP %s: %s\n", cases[i].name, skipped);
        else
            printf("PASS %s\n", cases[i].name);
        fflush(stdout);
        failures += failed_line != 0;
    }
    hv_close(&hv);
    return failures != 0;
}
