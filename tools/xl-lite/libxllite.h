/* SPDX-License-Identifier: MIT */
/*
 * libxllite: what a toolstack needs to make, see and end domains, in ordinary user space on a
 * control domain's kernel with the /dev/xen files.
 *
 * Rules that hold for all of it
 * - A function that can fail returns 0 (or what it says) or a negative errno, and leaves one line
 *   for people in xl_message(). The first failure's line stays, so that unwinding can't hide it.
 * - One thread. Handles are plain structures of the caller's.
 * - What the hypervisor, a file or a guest says is checked here; callers get checked values.
 */
#ifndef LIBXLLITE_H
#define LIBXLLITE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/sysctl.h>
#include <xen/io/xs_wire.h>

#define XL_PAGE_SHIFT 12
#define XL_PAGE_SIZE  4096UL

/* message.c */

/* Records the line unless there is one, and returns -err. */
int xl_fail(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The line, "" if nothing failed. */
const char *xl_message(void);
void xl_clear_message(void);

/* hv.c: hypercalls through privcmd. */

/*
 * The way to the hypervisor. One call at a time: each uses the buffer anew, and copies its results
 * out before it returns.
 */
struct hv {
    int privcmd;
    int hypercall;       /* the file that `buffer` maps, or -1: `buffer` is locked memory */
    char *buffer;        /* HV_BUFFER_SIZE resident bytes: all that a hypercall points to */
};

/* On failure there is nothing to close. */
int hv_open(struct hv *hv);
void hv_close(struct hv *hv);

int hv_physinfo(struct hv *hv, struct xen_sysctl_physinfo *info);
/* As if these keys were typed on the hypervisor's console: it prints what they ask for. */
int hv_debug_keys(struct hv *hv, const char *keys);
/* Up to `room` domains with numbers from `first` on, in order. Returns how many. */
int hv_domain_list(struct hv *hv, domid_t first, struct xen_domctl_getdomaininfo *list,
                   unsigned int room);
/* -ESRCH, without a message, if there is no such domain. */
int hv_domain_info(struct hv *hv, domid_t domid, struct xen_domctl_getdomaininfo *info);

/* A new domain, paused, without memory or vCPUs. */
int hv_domain_create(struct hv *hv, const uint8_t uuid[16], unsigned int vcpus, domid_t *domid);
int hv_domain_destroy(struct hv *hv, domid_t domid);
int hv_domain_pause(struct hv *hv, domid_t domid);
int hv_domain_unpause(struct hv *hv, domid_t domid);
int hv_domain_max_mem(struct hv *hv, domid_t domid, uint64_t kib);
int hv_domain_max_vcpus(struct hv *hv, domid_t domid, unsigned int vcpus);
/* One RAM range from 0 is what the domain sees as its memory map. */
int hv_domain_memory_map(struct hv *hv, domid_t domid, uint64_t nr_pages);
/*
 * Gives the domain `count` extents of 1 << order frames at the pfns in `extents`, which become the
 * mfns. Returns how many were done: fewer when memory ran out.
 */
int hv_domain_populate(struct hv *hv, domid_t domid, unsigned int order, xen_pfn_t *extents,
                       unsigned int count);
/* A port of the domain that domain 0 may bind to; returns it. */
int hv_domain_new_port(struct hv *hv, domid_t domid);
int hv_domain_pin_l4(struct hv *hv, domid_t domid, xen_pfn_t mfn);
int hv_domain_hypercall_page(struct hv *hv, domid_t domid, xen_pfn_t mfn);
int hv_domain_context(struct hv *hv, domid_t domid, unsigned int vcpu,
                      const struct vcpu_guest_context *context);

/*
 * Frames of a domain in our address space, readable and writable, until hv_unmap. NULL on failure.
 * While a frame is mapped so, it can't become a page table, and it outlives its domain.
 */
void *hv_map(struct hv *hv, domid_t domid, const xen_pfn_t *mfns, size_t count);
/* The first frame of its grant table; NULL, without a message, where that can't be had. */
void *hv_map_grant_table(struct hv *hv, domid_t domid);
void hv_unmap(void *address, size_t count);

/* evtchn.c: event channels of this process, each a port number; `fd` is an open evtchn file. */

int evtchn_open(void); /* returns the file, non-blocking */
int evtchn_bind_virq(int fd, unsigned int virq);
int evtchn_bind_interdomain(int fd, domid_t domid, evtchn_port_t remote);
void evtchn_unbind(int fd, evtchn_port_t port);
void evtchn_notify(int fd, evtchn_port_t port);
/*
 * Ports that rang, each of which stays silent until evtchn_unmask; returns how many, 0 if none did.
 * A daemon takes once a round and no more: a guest that rings at once when its port is unmasked
 * would keep it in a loop "until there are none" for ever.
 */
#define EVTCHN_TAKE 64u
unsigned int evtchn_take(int fd, evtchn_port_t ports[EVTCHN_TAKE]);
void evtchn_unmask(int fd, evtchn_port_t port);

/* daemon.c: from now on SIGTERM and SIGINT set the flag, and end the poll() that they interrupt. */
extern volatile sig_atomic_t daemon_asked_to_end;
void daemon_end_when_asked(void);
/*
 * Goes on as a child, while the parent leaves: called once everything is open, so that
 * whoever started the daemon may go on and use it. Errors still go to where they went.
 */
int daemon_to_background(void);

/* image.c: what a kernel file asks for. Pure: it sees the file only through a source. */

/* A file, or what a test takes for one. `size` bounds every offset that the image may name. */
struct image_source {
    const char *name; /* for messages */
    uint64_t size;
    void *context;
    /* Reads exactly `size` bytes at `offset` or fails with a negative errno. */
    int (*read)(const struct image_source *source, void *buffer, size_t size, uint64_t offset);
};

#define IMAGE_MAX_SEGMENTS 16

/* One piece of contents: file_size bytes of the file, and zeros up to size. */
struct image_segment {
    uint64_t offset, file_size; /* in the file */
    uint64_t start, size;       /* pseudo-physical bytes; zeros follow the file's */
};

/* Addresses are virtual unless said otherwise; 0 stands for "not asked for". */
struct image {
    struct image_segment segment[IMAGE_MAX_SEGMENTS];
    unsigned int nr_segments;
    uint64_t start, end;    /* pseudo-physical bytes: what the segments cover */
    uint64_t virt_base;     /* where pfn 0 is mapped */
    uint64_t paddr_offset;
    uint64_t entry;
    uint64_t hypercall_page;
    uint64_t init_p2m;      /* where the P2M is mapped */
    bool ramdisk_unmapped;  /* it takes a ramdisk by its pfn */
    bool has_hypercall_page, has_init_p2m;
};

int image_parse(struct image *image, const struct image_source *source);

/* layout.c: which page of a new domain holds what. Pure. */

/* Tables of one level for consecutive parts of the address space, in consecutive pages. */
struct table_run {
    unsigned int level;    /* 1 to 4 */
    uint64_t first, count; /* parts: virtual address >> LEVEL_SHIFT(level + 1) */
    xen_pfn_t pfn;
};
#define LEVEL_SHIFT(level)  (XL_PAGE_SHIFT + 9 * ((level) - 1))
#define LAYOUT_MAX_RUNS     7
#define LAYOUT_TABLE_ENTRIES 512

/* All pfns are below nr_pages, and no page has two uses. */
struct layout {
    uint64_t nr_pages;
    uint64_t virt_base, mapped_pages;        /* the initial mapping, from pfn 0 on */
    xen_pfn_t ramdisk_pfn, ramdisk_pages;
    bool ramdisk_mapped;
    xen_pfn_t p2m_pfn, p2m_pages;
    uint64_t p2m_address;
    bool p2m_apart;                          /* mapped at its own address, not by the mapping */
    xen_pfn_t start_info_pfn, store_pfn, console_pfn, stack_pfn;
    xen_pfn_t tables_pfn, nr_tables;         /* those of the initial mapping */
    xen_pfn_t p2m_tables_pfn, nr_p2m_tables; /* what a P2M apart needs besides */
    xen_pfn_t used_pages;                    /* pages from here on hold nothing */
    struct table_run run[LAYOUT_MAX_RUNS];
    unsigned int nr_runs;
};

int layout_plan(struct layout *layout, const struct image *image, uint64_t nr_pages,
                uint64_t ramdisk_size);
uint64_t layout_address(const struct layout *layout, xen_pfn_t pfn);
/* The entries of the index'th table of a run. */
void layout_fill_table(const struct layout *layout, const struct table_run *run, uint64_t index,
                       const xen_pfn_t *p2m, uint64_t entries[LAYOUT_TABLE_ENTRIES]);

/* store.c: a client of the xenstore daemon. */

/* What changed, and the token that was given for that watch. */
struct store_event {
    struct store_event *next;
    char *path, *token;
};

/*
 * A connection. Requests made between store_begin() and store_end() belong to that transaction; it
 * has one at a time. Once the daemon has gone, every call fails.
 */
struct store {
    int fd;                     /* also for poll(): an event or a hang-up waits */
    uint32_t transaction;       /* 0: none */
    uint32_t last_id;
    struct store_event *events; /* arrived while a reply was awaited */
};

/* The socket is $XENSTORED_PATH, or the usual one. */
int store_open(struct store *store);
void store_close(struct store *store);
/* Allocated, zero-terminated; NULL if there is no such node, or on failure, which leaves errno. */
char *store_read(struct store *store, const char *path);
/* Names, each with its zero, one after the other; `size` gets their total. Allocated, or NULL. */
char *store_directory(struct store *store, const char *path, size_t *size);
/* Makes the node, and those above it, where they are missing. */
int store_write(struct store *store, const char *path, const char *value);
int store_writef(struct store *store, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* An empty node; nothing happens to one that is there. */
int store_mkdir(struct store *store, const char *path);
/* With all below it; 0 also if it was not there. */
int store_rm(struct store *store, const char *path);
/* One letter of n, r, w, b and a domain for each; the first is the owner and others' rights. */
int store_set_permissions(struct store *store, const char *path, const char *const *list,
                          unsigned int count);
/*
 * Events come for the node and what is below it: one at once, and then for each change, as long as
 * the connection lasts.
 */
int store_watch(struct store *store, const char *path, const char *token);
/* Tells the daemon of a new domain: the frame and port of its ring. Domain 0's right only. */
int store_introduce(struct store *store, domid_t domid, xen_pfn_t mfn, evtchn_port_t port);
/* Most callers want store_transact(). */
int store_begin(struct store *store);
/* -EAGAIN, without a message: others changed what it saw, do it all again. */
int store_end(struct store *store, bool commit);
/*
 * The next event; waits for one if `wait`. NULL: there is none, or the daemon has gone (-EIO in
 * *error). The caller frees it with store_free_event.
 */
struct store_event *store_next_event(struct store *store, bool wait, int *error);
void store_free_event(struct store_event *event);

/* exchange.c: more than one request. */

/*
 * Calls change() in a transaction, and again for as long as others change what it saw. If it
 * returns anything but 0, nothing is changed, and that is returned.
 */
int store_transact(struct store *store, int (*change)(struct store *store, void *context),
                   void *context);
/* Milliseconds of a clock that only goes forward; of no meaning but to compare. */
uint64_t now_ms(void);
/* Sleeps until something that is watched changed; -ETIMEDOUT, without a message, at `deadline`. */
int store_await(struct store *store, uint64_t deadline);

/* A domain's description (config.h), and what comes of it. */

#define DOMAIN_NAME_MAX    64
#define DOMAIN_CMDLINE_MAX MAX_GUEST_CMDLINE
#define DOMAIN_MAX_VCPUS   32
#define DOMAIN_MAX_DISKS   16
#define DOMAIN_MAX_MIB     (1UL << 20)

/* One text of the setting `disk`, taken apart and checked; whether path is there is not. */
struct domain_disk {
    char *path;         /* of a block device here */
    char vdev_name[8];  /* "xvda" to "xvdp" */
    unsigned int vdev;  /* the same as a number */
    bool readonly;
};

/* A config file's settings, all within their limits; what it owns goes by domain_config_free(). */
struct domain_config {
    char *file;    /* the path of what was read, from the root; NULL: not known */
    char name[DOMAIN_NAME_MAX];
    char *kernel;  /* file names; ramdisk may be NULL */
    char *ramdisk;
    char cmdline[DOMAIN_CMDLINE_MAX];
    uint64_t memory_mib;
    unsigned int vcpus;
    struct domain_disk disk[DOMAIN_MAX_DISKS];
    unsigned int nr_disks;
};

/* What is opened and parsed before anything is made, so that most failures cost nothing. */
struct domain_files {
    int kernel, ramdisk; /* open files; ramdisk may be -1 */
    uint64_t ramdisk_size;
    struct image_source source;
    struct image image;
};

/* What the builder leaves for the store. */
struct domain_rings {
    xen_pfn_t store_mfn, console_mfn;
    evtchn_port_t store_port, console_port;
};

/* device.c, sharing.c: a guest's disks and console. */

#define DISK_NUMBER_MAX 24
#define MOUNTS          "/proc/mounts"

/* There is such a block device; its number as the store has it. */
int disk_check(const struct domain_disk *disk, char number[DISK_NUMBER_MAX]);
/*
 * All are there, and none is written while another guest, or this domain by one of the mounts,
 * uses it.
 */
int disks_check(struct store *store, const struct domain_config *config, const char *mounts);
/* Write the nodes of both sides. */
int disk_put(struct store *store, domid_t domid, const struct domain_disk *disk);
int console_put(struct store *store, domid_t domid, const struct domain_rings *rings);
/* Waits until the control domain's kernel has opened it. */
int disk_await(struct store *store, domid_t domid, const struct domain_disk *disk);
/* Has all of a domain's disks closed, waits for that, and removes the control domain's nodes. */
int disks_close(struct store *store, domid_t domid);

/* nodes.c: a domain's nodes in the xenstore. */

struct domain_identity {
    domid_t domid;
    uint8_t uuid[16];
    char uuid_text[37];
};

/* All appear at once, or none. */
int nodes_put(struct store *store, const struct domain_config *config,
              const struct domain_identity *id, const struct domain_rings *rings);
/* All but the control domain's. */
int nodes_remove(struct store *store, domid_t domid);

/* build.c, domain.c: a domain from its description to its first instruction, and its end. */

/* Memory, contents, first vCPU; the domain exists and has its vCPUs. */
int build_domain(struct hv *hv, domid_t domid, const struct domain_config *config,
                 const struct domain_files *files, struct domain_rings *rings);

/* A complete domain, still paused, known to the xenstore. On failure nothing of it is left. */
int domain_create(struct hv *hv, struct store *store, const struct domain_config *config,
                  domid_t *domid);
/*
 * Ends a domain at once and takes away its nodes; its memory is free when this returns, unless
 * somebody holds on to it for seconds.
 */
int domain_destroy(struct hv *hv, struct store *store, domid_t domid);
/*
 * request.c: has the guest's kernel end, by "poweroff" or "reboot", and waits until it did; at once
 * if it had before. A guest that crashed, takes no requests or does not end is an error.
 */
int domain_ask(struct hv *hv, struct store *store, domid_t domid, const char *word);
/* By name or number; -ESRCH with a message. */
int domain_find(struct hv *hv, struct store *store, const char *text, domid_t *domid);
/* Its name in the store, allocated; NULL if it has none. */
char *domain_name(struct store *store, domid_t domid);
/* The file that it was made from, allocated; NULL with a message. */
char *domain_config_file(struct store *store, domid_t domid);

#endif
