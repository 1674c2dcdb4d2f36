/* SPDX-License-Identifier: MIT */
/*
 * Virtual interrupts: what the hypervisor itself has to tell, on the port that the guest bound to
 * it. A per-vCPU one has a port for each vCPU; a global one has one port, kept by vCPU 0.
 */
#include "event/internal.h"

/* Per vCPU are the timer, debug and profiling interrupts. */
#define PER_VCPU_VIRQS \
    (BIT(VIRQ_TIMER) | BIT(VIRQ_DEBUG) | BIT(VIRQ_XENOPROF) | BIT(VIRQ_XENPMU))

bool virq_is_global(u32 virq)
{
    return !(PER_VCPU_VIRQS >> virq & 1);
}

/*
 * Without a lock: the port that is read may be closed just now, and the vCPU that its word names is
 * then 0, which every domain has; see ports.c.
 */
void send_virq(struct vcpu *v, unsigned int virq)
{
    u32 port = READ_ONCE(v->events.virq_port[virq]);

    if (port)
        port_raise(v->domain, port, port_get(v->domain, port).vcpu);
}

void send_global_virq(struct domain *d, unsigned int virq)
{
    send_virq(d->vcpus[0], virq);
}
