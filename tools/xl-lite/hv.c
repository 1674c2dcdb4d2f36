/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls through privcmd.
 *
 * The kernel passes a hypercall's arguments on as they are, so whatever they point to must stay in
 * memory: all of it lies in hv->buffer. Its first page holds the operation itself, the rest
 * (ARGUMENT) what the operation points to.
 */
#include "libxllite.h"
#include "linux_xen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/memory.h>

#define HV_BUFFER_SIZE (16 * XL_PAGE_SIZE)
#define ARGUMENT(hv)   ((void *)((hv)->buffer + XL_PAGE_SIZE))
#define ARGUMENT_SIZE  (HV_BUFFER_SIZE - XL_PAGE_SIZE)

#define E820_RAM 1

/* An entry of the firmware-style memory map that XENMEM_set_memory_map takes. */
struct e820_entry {
    uint64_t start, size;
    uint32_t type;
} __attribute__((packed));

int hv_open(struct hv *hv)
{
    int flags = MAP_SHARED;

    hv->privcmd = open(DEV_PRIVCMD, O_RDWR | O_CLOEXEC);
    if (hv->privcmd < 0)
        return xl_fail(errno, DEV_PRIVCMD ": %s (is this a control domain?)", strerror(errno));
    hv->hypercall = open(DEV_HYPERCALL, O_RDWR | O_CLOEXEC);
    if (hv->hypercall < 0)
        flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE;
    hv->buffer = mmap(NULL, HV_BUFFER_SIZE, PROT_READ | PROT_WRITE, flags, hv->hypercall, 0);
    if (hv->buffer == MAP_FAILED) {
        int err = errno;

        hv->buffer = NULL;
        hv_close(hv);
        return xl_fail(err, "no memory for hypercalls: %s", strerror(err));
    }
    return 0;
}

void hv_close(struct hv *hv)
{
    if (hv->buffer)
        munmap(hv->buffer, HV_BUFFER_SIZE);
    if (hv->hypercall >= 0)
        close(hv->hypercall);
    close(hv->privcmd);
}

/* IOCTL_PRIVCMD_HYPERCALL: the kernel gives back the hypervisor's own result, or its errno. */
static int call(struct hv *hv, unsigned int op, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct privcmd_hypercall hypercall = { .op = op, .arg = { a0, a1, a2, a3, 0 } };
    int rc = ioctl(hv->privcmd, IOCTL_PRIVCMD_HYPERCALL, &hypercall);

    return rc < 0 ? -errno : rc;
}

/* A call of the form op(cmd, structure), which comes back changed. */
static int call_with(struct hv *hv, unsigned int op, unsigned int cmd, void *arg, size_t size)
{
    int rc;

    memcpy(hv->buffer, arg, size);
    rc = call(hv, op, cmd, (uint64_t)hv->buffer, 0, 0);
    memcpy(arg, hv->buffer, size);
    return rc;
}

/* These two have the command in the structure, and a version that both sides must agree on. */
static int sysctl(struct hv *hv, struct xen_sysctl *op)
{
    int rc;

    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    memcpy(hv->buffer, op, sizeof(*op));
    rc = call(hv, __HYPERVISOR_sysctl, (uint64_t)hv->buffer, 0, 0, 0);
    memcpy(op, hv->buffer, sizeof(*op));
    return rc;
}

static int domctl(struct hv *hv, struct xen_domctl *op)
{
    int rc;

    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    memcpy(hv->buffer, op, sizeof(*op));
    rc = call(hv, __HYPERVISOR_domctl, (uint64_t)hv->buffer, 0, 0, 0);
    memcpy(op, hv->buffer, sizeof(*op));
    return rc;
}

/* The hypervisor's refusal of something about a domain, in words. */
static int refused(int rc, domid_t domid, const char *what)
{
    return rc < 0 ? xl_fail(-rc, "domain %u: %s: %s", domid, what, strerror(-rc)) : rc;
}

int hv_physinfo(struct hv *hv, struct xen_sysctl_physinfo *info)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo };
    int rc = sysctl(hv, &op);

    *info = op.u.physinfo;
    return rc < 0 ? xl_fail(-rc, "the machine's description: %s", strerror(-rc)) : 0;
}

int hv_debug_keys(struct hv *hv, const char *keys)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_debug_keys };
    size_t length = strlen(keys);
    int rc;

    if (length > ARGUMENT_SIZE)
        return xl_fail(E2BIG, "too many keys");
    memcpy(ARGUMENT(hv), keys, length);
    set_xen_guest_handle(op.u.debug_keys.keys, ARGUMENT(hv));
    op.u.debug_keys.nr_keys = (uint32_t)length;
    rc = sysctl(hv, &op);
    return rc < 0 ? xl_fail(-rc, "debug keys: %s", strerror(-rc)) : 0;
}

int hv_domain_list(struct hv *hv, domid_t first, struct xen_domctl_getdomaininfo *list,
                   unsigned int room)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_getdomaininfolist };
    struct xen_sysctl_getdomaininfolist *arg = &op.u.getdomaininfolist;
    unsigned int most = ARGUMENT_SIZE / sizeof(*list);
    int rc;

    arg->first_domain = first;
    arg->max_domains = room < most ? room : most;
    set_xen_guest_handle(arg->buffer, ARGUMENT(hv));
    rc = sysctl(hv, &op);
    if (rc < 0)
        return xl_fail(-rc, "the list of domains: %s", strerror(-rc));
    if (arg->num_domains > arg->max_domains)
        return xl_fail(EPROTO, "the list of domains is longer than asked for");
    memcpy(list, ARGUMENT(hv), arg->num_domains * sizeof(*list));
    return (int)arg->num_domains;
}

int hv_domain_info(struct hv *hv, domid_t domid, struct xen_domctl_getdomaininfo *info)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .domain = domid };
    int rc = domctl(hv, &op);

    if (rc < 0 && rc != -ESRCH)
        return refused(rc, domid, "its state");
    *info = op.u.getdomaininfo;
    return rc < 0 || info->domain != domid ? -ESRCH : 0;
}

int hv_domain_create(struct hv *hv, const uint8_t uuid[16], unsigned int vcpus, domid_t *domid)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_createdomain };
    struct xen_domctl_createdomain *arg = &op.u.createdomain;
    int rc;

    memcpy(arg->handle, uuid, sizeof(arg->handle));
    arg->max_vcpus = vcpus;
    arg->max_evtchn_port = 1023;
    arg->max_grant_frames = -1;
    arg->max_maptrack_frames = -1;
    arg->grant_opts = XEN_DOMCTL_GRANT_version(1);
    rc = domctl(hv, &op);
    if (rc < 0)
        return xl_fail(-rc, "the hypervisor creates no domain: %s", strerror(-rc));
    *domid = op.domain;
    return 0;
}

static int simple_domctl(struct hv *hv, domid_t domid, uint32_t cmd, const char *what)
{
    struct xen_domctl op = { .cmd = cmd, .domain = domid };

    return refused(domctl(hv, &op), domid, what);
}

int hv_domain_destroy(struct hv *hv, domid_t domid)
{
    return simple_domctl(hv, domid, XEN_DOMCTL_destroydomain, "cannot be destroyed");
}

int hv_domain_pause(struct hv *hv, domid_t domid)
{
    return simple_domctl(hv, domid, XEN_DOMCTL_pausedomain, "cannot be paused");
}

int hv_domain_unpause(struct hv *hv, domid_t domid)
{
    return simple_domctl(hv, domid, XEN_DOMCTL_unpausedomain, "cannot be unpaused");
}

int hv_domain_max_mem(struct hv *hv, domid_t domid, uint64_t kib)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_max_mem, .domain = domid };

    op.u.max_mem.max_memkb = kib;
    return refused(domctl(hv, &op), domid, "limit of its memory");
}

int hv_domain_max_vcpus(struct hv *hv, domid_t domid, unsigned int vcpus)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_max_vcpus, .domain = domid };

    op.u.max_vcpus.max = vcpus;
    return refused(domctl(hv, &op), domid, "virtual CPUs");
}

int hv_domain_memory_map(struct hv *hv, domid_t domid, uint64_t nr_pages)
{
    struct e820_entry ram = { .size = nr_pages << XL_PAGE_SHIFT, .type = E820_RAM };
    struct xen_foreign_memory_map map = { .domid = domid, .map.nr_entries = 1 };

    memcpy(ARGUMENT(hv), &ram, sizeof(ram));
    set_xen_guest_handle(map.map.buffer, ARGUMENT(hv));
    return refused(call_with(hv, __HYPERVISOR_memory_op, XENMEM_set_memory_map, &map, sizeof(map)),
                   domid, "memory map");
}

int hv_domain_populate(struct hv *hv, domid_t domid, unsigned int order, xen_pfn_t *extents,
                       unsigned int count)
{
    unsigned int most = ARGUMENT_SIZE / sizeof(*extents), done = 0;

    while (done < count) {
        unsigned int n = count - done < most ? count - done : most;
        struct xen_memory_reservation arg = {
            .nr_extents = n, .extent_order = order, .domid = domid,
        };
        int rc;

        memcpy(ARGUMENT(hv), extents + done, n * sizeof(*extents));
        set_xen_guest_handle(arg.extent_start, ARGUMENT(hv));
        rc = call_with(hv, __HYPERVISOR_memory_op, XENMEM_populate_physmap, &arg, sizeof(arg));
        if (rc < 0)
            return refused(rc, domid, "memory");
        if ((unsigned int)rc > n)
            return refused(-EPROTO, domid, "memory");
        memcpy(extents + done, ARGUMENT(hv), (unsigned int)rc * sizeof(*extents));
        done += (unsigned int)rc;
        if ((unsigned int)rc < n)
            break;
    }
    return (int)done;
}

int hv_domain_new_port(struct hv *hv, domid_t domid)
{
    struct evtchn_alloc_unbound arg = { .dom = domid, .remote_dom = 0 };
    int rc = call_with(hv, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &arg,
                       sizeof(arg));

    return rc < 0 ? refused(rc, domid, "event channel") : (int)arg.port;
}

int hv_domain_pin_l4(struct hv *hv, domid_t domid, xen_pfn_t mfn)
{
    struct mmuext_op op = { .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = mfn };

    memcpy(hv->buffer, &op, sizeof(op));
    return refused(call(hv, __HYPERVISOR_mmuext_op, (uint64_t)hv->buffer, 1, 0, domid), domid,
                   "the hypervisor refuses its page tables");
}

int hv_domain_hypercall_page(struct hv *hv, domid_t domid, xen_pfn_t mfn)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_hypercall_init, .domain = domid };

    op.u.hypercall_init.gmfn = mfn;
    return refused(domctl(hv, &op), domid, "hypercall page");
}

int hv_domain_context(struct hv *hv, domid_t domid, unsigned int vcpu,
                      const struct vcpu_guest_context *context)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_setvcpucontext, .domain = domid };

    memcpy(ARGUMENT(hv), context, sizeof(*context));
    op.u.vcpucontext.vcpu = vcpu;
    set_xen_guest_handle(op.u.vcpucontext.ctxt, ARGUMENT(hv));
    return refused(domctl(hv, &op), domid, "first virtual CPU");
}

static void *map_region(struct hv *hv, size_t count)
{
    void *address = mmap(NULL, count * XL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
                         hv->privcmd, 0);

    return address == MAP_FAILED ? NULL : address;
}

/* 0, or what kept the first frame that is not there from being mapped. */
static int map_frames(struct hv *hv, domid_t domid, void *address, const xen_pfn_t *mfns,
                      size_t count)
{
    struct privcmd_mmapbatch_v2 batch = {
        .num = (unsigned int)count, .dom = domid, .addr = (uint64_t)address, .arr = mfns,
    };
    int rc = 0;

    batch.err = calloc(count, sizeof(*batch.err));
    if (!batch.err)
        return -ENOMEM;
    if (ioctl(hv->privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch) < 0)
        rc = -errno;
    for (size_t i = 0; i < count && !rc; i++)
        rc = batch.err[i];
    free(batch.err);
    return rc;
}

void *hv_map(struct hv *hv, domid_t domid, const xen_pfn_t *mfns, size_t count)
{
    void *address = map_region(hv, count);
    int rc = address ? map_frames(hv, domid, address, mfns, count) : -errno;

    if (!rc)
        return address;
    if (address)
        hv_unmap(address, count);
    refused(rc, domid, "its memory cannot be mapped");
    return NULL;
}

void *hv_map_grant_table(struct hv *hv, domid_t domid)
{
    struct privcmd_mmap_resource resource = {
        .dom = domid, .type = XENMEM_resource_grant_table,
        .id = XENMEM_resource_grant_table_id_shared, .num = 1,
    };
    void *address = map_region(hv, 1);

    if (!address)
        return NULL;
    resource.addr = (uint64_t)address;
    if (ioctl(hv->privcmd, IOCTL_PRIVCMD_MMAP_RESOURCE, &resource) == 0)
        return address;
    hv_unmap(address, 1);
    return NULL;
}

void hv_unmap(void *address, size_t count)
{
    munmap(address, count * XL_PAGE_SIZE);
}
