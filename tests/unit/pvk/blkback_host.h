/* SPDX-License-Identifier: MIT */
/*
 * The rest of the kernel and the hypervisor, as far as pv-kernel/back/block.c calls them: grants,
 * of which those below GOOD exist, and one port. For blkback_test.c, after cmocka.h.
 */
#ifndef PVK_BLKBACK_HOST_H
#define PVK_BLKBACK_HOST_H

#include <stdlib.h>
#include <string.h>

#include "back/back.h"
#include "block/internal.h"
#include "proc/proc.h"

#define DOMAIN 3
#define PORT   9
#define GOOD   100u             /* references below are granted */

static struct {
    unsigned int maps, unmaps, mapped;          /* calls, and what is mapped */
    bool held[65536];
    unsigned int notified, attention, kicks, masked, unmasked;
    pv_event_handler_t *handler;
    int refuse;                                 /* the disk's answer to submit */
    struct list at_disk;
    unsigned int nr_at_disk;
} host;

static struct blkif_sring *sring;
static struct blkback back;

void pv_grant_map(struct gnttab_map_grant_ref *ops, unsigned int nr)
{
    static uint16_t handle;

    host.maps++;
    for (unsigned int i = 0; i < nr; i++) {
        assert_int_equal(ops[i].dom, DOMAIN);
        ops[i].status = ops[i].ref < GOOD ? GNTST_okay : GNTST_bad_gntref;
        if (ops[i].status)
            continue;
        while (host.held[++handle])
            ;
        host.held[handle] = true;
        host.mapped++;
        ops[i].handle = handle;
        ops[i].dev_bus_addr = (0x5000ull + ops[i].ref) << PAGE_SHIFT;
    }
}

void pv_grant_unmap(struct gnttab_unmap_grant_ref *ops, unsigned int nr)
{
    host.unmaps++;
    for (unsigned int i = 0; i < nr; i++) {
        assert_true(ops[i].handle < ARRAY_SIZE(host.held) && host.held[ops[i].handle]);
        host.held[ops[i].handle] = false;
        host.mapped--;
        ops[i].status = GNTST_okay;
    }
}

int pv_grant_map_page(struct pv_grant_page *page, domid_t domid, grant_ref_t ref)
{
    assert_int_equal(domid, DOMAIN);
    page->va = sring;
    return ref == 1 ? 0 : -EINVAL;
}

int pv_grant_unmap_page(struct pv_grant_page *page)
{
    page->va = NULL;
    return 0;
}

int pv_bind_interdomain(domid_t remote, evtchn_port_t remote_port, pv_event_handler_t *handler,
                        void *data)
{
    host.handler = handler;
    assert_int_equal(remote, DOMAIN);
    assert_ptr_equal(data, &back);
    return remote_port == 1 ? PORT : -EINVAL;
}

int pv_close(evtchn_port_t port)
{
    assert_int_equal(port, PORT);
    return 0;
}

void pv_mask(evtchn_port_t port)
{
    host.masked += port == PORT;
}

void pv_unmask(evtchn_port_t port)
{
    host.unmasked += port == PORT;
}

int pv_notify(evtchn_port_t port)
{
    assert_int_equal(port, PORT);
    host.notified++;
    return 0;
}

int pv_printf(const char *format, ...)
{
    (void)format;
    return 0;
}

_Noreturn void pv_panic(const char *format, ...)
{
    (void)format;
    abort();
}

void *kmalloc(size_t size)
{
    return calloc(1, size);
}

void kfree(void *p)
{
    free(p);
}

void *pv_alloc_page(void)
{
    return kmalloc(PAGE_SIZE);
}

void pv_free_page(void *page)
{
    kfree(page);
}

pv_mfn_t pv_va_to_mfn(const void *va)
{
    return pv_mfn((uint64_t)va >> PAGE_SHIFT);
}

pv_mfn_t pv_current_root(void)
{
    return pv_mfn(0);
}

const uint64_t *pv_find_pte(pv_mfn_t root, uint64_t va, unsigned int level)
{
    (void)root;
    (void)va;
    (void)level;
    return NULL;
}

int block_node_add(struct block_device *bdev)
{
    (void)bdev;
    return 0;
}

void block_node_remove(struct block_device *bdev)
{
    (void)bdev;
}

void wait_queue_init(struct wait_queue *q)
{
    list_init(&q->sleepers);
}

void wait_uninterruptible(struct wait_queue *q)
{
    (void)q;
    fail();
}

void wake_up(struct wait_queue *q)
{
    (void)q;
}

#endif
