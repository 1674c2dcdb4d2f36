/* SPDX-License-Identifier: MIT */
/*
 * Physical interrupts as event channels.
 *
 * All are the first domain's, which drives all devices, and all arrive at the boot CPU. The
 * handler raises the port and returns. A level-triggered line would come again at once, since its
 * device has not been served: it is masked until the guest says that it has dealt with it
 * (PHYSDEVOP_eoi). Messages and edges need no such word, and get none.
 *
 * The table changes under the lock of the domain's ports; the handler reads without it a pirq's
 * port, in one load, and what does not change while its vector is claimed. A handler that overlaps
 * with the closing of the port can raise one event too many, as any sender can (ports.c). It may
 * take the locks that raising an event takes: where interrupts come in, no lock is held.
 */
#include "control/audit.h"
#include "event/pirq.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "x86/pci.h"
#include "x86/platform.h"

/*
 * PROMISED: a number that get_free_pirq has given out, for a message that is mapped later. OURS: a
 * line that the hypervisor uses itself: it can be mapped, but not bound.
 */
enum pirq_kind { PIRQ_FREE, PIRQ_PROMISED, PIRQ_LINE, PIRQ_OURS, PIRQ_MESSAGE };

static struct pirq {
    u8 kind;                /* enum pirq_kind */
    u8 vector;
    bool level;
    bool in_service;        /* level: masked until the guest's eoi */
    u32 port;               /* 0: not bound */
    u32 gsi;                /* lines, ours too */
    struct msi msi;         /* messages */
} pirqs[MAX_PIRQS];

/*
 * On the boot CPU, interrupts off. Masked before the port is raised: the guest's eoi may come from
 * another CPU before this returns.
 */
static void on_interrupt(void *arg)
{
    struct pirq *p = arg;
    u32 port = READ_ONCE(p->port);

    if (p->level) {
        ioapic_mask(p->gsi, true);
        WRITE_ONCE(p->in_service, true);
    }
    if (port)
        port_raise(first_domain, port, port_get(first_domain, port).vcpu);
}

/* ---- For ports ---- */

int pirq_may_bind(const struct domain *d, u32 pirq)
{
    const struct pirq *p;

    if (pirq >= MAX_PIRQS)
        return -EINVAL;
    if (!d->privileged)
        return -EPERM;
    p = &pirqs[index_nospec(pirq, MAX_PIRQS)];
    if (p->kind == PIRQ_OURS)
        return -EBUSY;
    if (p->kind != PIRQ_LINE && p->kind != PIRQ_MESSAGE)
        return -EINVAL;
    return p->port ? -EEXIST : 0;
}

/* Its line or message can raise it, or not any more. */
static void open_or_close(struct pirq *p, bool masked)
{
    if (p->kind == PIRQ_LINE) {
        WRITE_ONCE(p->in_service, false);
        ioapic_mask(p->gsi, masked);
    } else {
        msi_mask(&p->msi, masked);
    }
}

/* The port first: the interrupt that the unmasking lets in finds it. */
void pirq_bound(u32 pirq, u32 port)
{
    struct pirq *p = &pirqs[pirq];

    store_release(&p->port, port);
    open_or_close(p, false);
}

/* One way only: the port of an interrupt that was unmapped stays, and is nobody's. */
void audit_pirqs(void)
{
    for (u32 i = 0; i < MAX_PIRQS; i++) {
        u32 port = pirqs[i].port;
        union evtchn e = port_get(first_domain, port);

        if (port && (e.state != EVTCHNSTAT_pirq || e.peer != i))
            audit_wrong("physical interrupt %u has port %u, which is %lx", i, port, e.word);
    }
}

void pirq_unbound(u32 pirq, u32 port)
{
    struct pirq *p = &pirqs[pirq];

    /* It may have been unmapped before, and be somebody else by now. */
    if (p->port != port)
        return;
    open_or_close(p, true);
    WRITE_ONCE(p->port, 0);
}

/* ---- Mapping; the lock is held ---- */

/* A free pirq for a message: from the top, away from the numbers of lines. -ENOSPC. */
static int free_pirq(void)
{
    for (u32 i = MAX_PIRQS; i-- > ioapic_lines();)
        if (pirqs[i].kind == PIRQ_FREE)
            return (int)i;
    return -ENOSPC;
}

/* What the line is mapped as; NULL: it is not. */
static struct pirq *mapped_line(u32 gsi)
{
    for (u32 i = 0; i < MAX_PIRQS; i++)
        if ((pirqs[i].kind == PIRQ_LINE || pirqs[i].kind == PIRQ_OURS) && pirqs[i].gsi == gsi)
            return &pirqs[i];
    return NULL;
}

/*
 * A line the first time; the same again is no error. The vector is claimed with the line masked: it
 * opens when a port is bound to it.
 */
static int map_line(struct physdev_map_pirq *op)
{
    u32 gsi = (u32)op->index, pirq = op->pirq < 0 ? gsi : (u32)op->pirq;
    struct pirq *p;
    int vector;

    if (gsi >= ioapic_lines() || pirq >= MAX_PIRQS)
        return -EINVAL;
    p = &pirqs[index_nospec(pirq, MAX_PIRQS)];
    op->pirq = (int)pirq;
    if (mapped_line(gsi) == p)
        return 0;
    if (p->kind != PIRQ_FREE || mapped_line(gsi))
        return -EBUSY;
    vector = irq_claim_masked(gsi, on_interrupt, p);
    if (vector < 0 && vector != -EBUSY)
        return vector;
    p->gsi = gsi;
    p->vector = vector < 0 ? 0 : (u8)vector;
    p->level = ioapic_is_level(gsi);
    p->in_service = false;
    p->kind = vector < 0 ? PIRQ_OURS : PIRQ_LINE;
    return 0;
}

static bool same_message(const struct msi *a, const struct msi *b)
{
    return a->f.bus == b->f.bus && a->f.devfn == b->f.devfn && a->msix == b->msix &&
           a->entry == b->entry;
}

/*
 * The device is told its message while the vector is ours already, so one that is sent at once
 * arrives. An entry of another pirq is refused: two would raise one vector and think that it is
 * theirs.
 */
static int map_message(struct physdev_map_pirq *op)
{
    struct msi msi = { .f = { (u8)op->bus, (u8)op->devfn }, .msix = op->table_base != 0 };
    int pirq = op->pirq < 0 ? free_pirq() : op->pirq, vector, rc;
    struct pirq *p;

    if (pirq < 0)
        return pirq;
    if ((u32)pirq >= MAX_PIRQS || (op->bus >> 8 & 0xffff) || op->entry_nr < 0 ||
        op->entry_nr > MSIX_MAX_ENTRY || (!msi.msix && op->entry_nr > 0))
        return -EINVAL;
    msi.entry = (u16)op->entry_nr;
    for (u32 i = 0; i < MAX_PIRQS; i++)
        if (pirqs[i].kind == PIRQ_MESSAGE && same_message(&pirqs[i].msi, &msi))
            return -EEXIST;
    p = &pirqs[index_nospec((u32)pirq, MAX_PIRQS)];
    if (p->kind != PIRQ_FREE && p->kind != PIRQ_PROMISED)
        return -EBUSY;
    p->level = false;
    vector = irq_vector_get(on_interrupt, p);
    if (vector < 0)
        return vector;
    rc = msi_set(&msi, (u8)vector);
    if (rc) {
        irq_vector_put((u8)vector);
        return rc;
    }
    p->msi = msi;
    p->vector = (u8)vector;
    p->kind = PIRQ_MESSAGE;
    op->pirq = pirq;
    return 0;
}

/*
 * The port that was bound stays open, and raises nothing. Masked before the vector is given back;
 * one interrupt may still be on its way, and finds nobody (irq.c).
 */
static int unmap(u32 pirq)
{
    struct pirq *p;

    if (pirq >= MAX_PIRQS)
        return -EINVAL;
    p = &pirqs[index_nospec(pirq, MAX_PIRQS)];
    if (p->kind == PIRQ_FREE)
        return -EINVAL;
    if (p->kind == PIRQ_LINE || p->kind == PIRQ_MESSAGE) {
        open_or_close(p, true);
        WRITE_ONCE(p->port, 0);
        if (p->kind == PIRQ_LINE)
            irq_unclaim(p->gsi, p->vector);
        else
            irq_vector_put(p->vector);
    }
    p->kind = PIRQ_FREE;
    return 0;
}

/* ---- physdev_op ---- */

/* Devices are nobody else's: a domain that is not the caller can't get one. */
static int check_domain(u16 domid)
{
    if (domid == DOMID_SELF || domid == current->domain->id)
        return 0;
    return domain_by_id(domid) ? -EPERM : -ESRCH;
}

/* The lock of the caller's ports, which is the table's: only the first domain comes here. */
static long with_lock(int (*fn)(struct physdev_map_pirq *op), struct physdev_map_pirq *op)
{
    struct domain *d = current->domain;
    int rc;

    spin_lock(&d->events.lock);
    rc = fn(op);
    spin_unlock(&d->events.lock);
    return rc;
}

static long unmap_locked(u32 pirq)
{
    struct domain *d = current->domain;
    int rc;

    spin_lock(&d->events.lock);
    rc = unmap(pirq);
    spin_unlock(&d->events.lock);
    return rc;
}

/* A result that can't be told to the guest is undone: nobody would know the number. */
long physdev_map_pirq(XEN_GUEST_HANDLE(void) arg)
{
    struct physdev_map_pirq op;
    long rc;

    if (!copy_arg_from_guest(&op, arg))
        return -EFAULT;
    rc = check_domain(op.domid);
    if (rc)
        return rc;
    switch (op.type) {
    case MAP_PIRQ_TYPE_GSI:
        rc = with_lock(map_line, &op);
        break;
    case MAP_PIRQ_TYPE_MSI:
    case MAP_PIRQ_TYPE_MSI_SEG:
        rc = with_lock(map_message, &op);
        break;
    default:
        return -EINVAL;
    }
    if (rc || copy_arg_to_guest(arg, &op))
        return rc;
    (void)unmap_locked((u32)op.pirq);       /* it is mapped: this can't fail */
    return -EFAULT;
}

long physdev_unmap_pirq(XEN_GUEST_HANDLE(void) arg)
{
    struct physdev_unmap_pirq op;
    int rc;

    if (!copy_from_guest_raw(&op, handle_addr(arg), sizeof(op)))
        return -EFAULT;
    rc = check_domain(op.domid);
    return rc ? rc : unmap_locked((u32)op.pirq);
}

/* Only what is in service is opened: an eoi at any other time does nothing. */
long physdev_eoi(XEN_GUEST_HANDLE(void) arg)
{
    struct physdev_eoi op;
    struct domain *d = current->domain;
    struct pirq *p;

    if (!copy_arg_from_guest(&op, arg))
        return -EFAULT;
    if (op.irq >= MAX_PIRQS)
        return -EINVAL;
    p = &pirqs[index_nospec(op.irq, MAX_PIRQS)];
    spin_lock(&d->events.lock);
    if (p->kind == PIRQ_LINE && READ_ONCE(p->in_service) && p->port) {
        WRITE_ONCE(p->in_service, false);
        ioapic_mask(p->gsi, false);
    }
    spin_unlock(&d->events.lock);
    return 0;
}

long physdev_irq_status_query(XEN_GUEST_HANDLE(void) arg)
{
    struct physdev_irq_status_query op;

    if (!copy_arg_from_guest(&op, arg))
        return -EFAULT;
    if (op.irq >= MAX_PIRQS)
        return -EINVAL;
    op.flags = pirqs[index_nospec(op.irq, MAX_PIRQS)].level ? XENIRQSTAT_needs_eoi : 0;
    return copy_arg_to_guest(arg, &op) ? 0 : -EFAULT;
}

long physdev_get_free_pirq(XEN_GUEST_HANDLE(void) arg)
{
    struct physdev_get_free_pirq op;
    struct domain *d = current->domain;
    int pirq;

    if (!copy_arg_from_guest(&op, arg))
        return -EFAULT;
    spin_lock(&d->events.lock);
    pirq = free_pirq();
    if (pirq >= 0)
        pirqs[pirq].kind = PIRQ_PROMISED;
    spin_unlock(&d->events.lock);
    if (pirq < 0)
        return pirq;
    op.pirq = (u32)pirq;
    if (copy_arg_to_guest(arg, &op))
        return 0;
    spin_lock(&d->events.lock);
    if (pirqs[pirq].kind == PIRQ_PROMISED)
        pirqs[pirq].kind = PIRQ_FREE;
    spin_unlock(&d->events.lock);
    return -EFAULT;
}

/* What a line is like, from the ACPI of the guest; before a port is bound to it. */
long physdev_setup_gsi(XEN_GUEST_HANDLE(void) arg)
{
    struct physdev_setup_gsi op;
    struct domain *d = current->domain;
    struct pirq *p;
    bool idle;
    int rc;

    if (!copy_arg_from_guest(&op, arg))
        return -EFAULT;
    spin_lock(&d->events.lock);
    p = mapped_line((u32)op.gsi);
    idle = p && p->kind == PIRQ_LINE && !p->port;
    rc = ioapic_set_mode((u32)op.gsi, op.triggering, op.polarity, idle);
    if (rc == 0 && idle)
        p->level = ioapic_is_level((u32)op.gsi);
    spin_unlock(&d->events.lock);
    return rc;
}

/* After a device lost its state: all its messages again. */
long physdev_restore_msi(u8 bus, u8 devfn)
{
    struct domain *d = current->domain;
    int rc = 0;

    spin_lock(&d->events.lock);
    for (u32 i = 0; i < MAX_PIRQS && rc == 0; i++) {
        const struct pirq *p = &pirqs[i];

        if (p->kind != PIRQ_MESSAGE || p->msi.f.bus != bus || p->msi.f.devfn != devfn)
            continue;
        rc = msi_set(&p->msi, p->vector);
        if (rc == 0 && p->port)
            msi_mask(&p->msi, false);
    }
    spin_unlock(&d->events.lock);
    return rc;
}
