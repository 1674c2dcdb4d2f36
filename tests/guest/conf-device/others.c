/* SPDX-License-Identifier: MIT */
/* A domain without devices. */
#include "../conf-control/child.h"

#define OFFSET 512
#define ADDRESS (CHILD_BASE + CHILD_SHARED * PV_PAGE_SIZE + OFFSET)

/* What a new domain gets for one hypercall whose argument is a copy of `arg`. */
static long from_child(unsigned int call, unsigned int cmd, const void *arg, size_t size)
{
    struct child c;
    long result;

    if (!child_build(&c, child_call))
        return 0;
    memcpy((void *)((uint64_t)c.shared + OFFSET), arg, size);
    c.shared->call[0] = call;
    c.shared->call[1] = cmd;
    c.shared->call[2] = ADDRESS;
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    EXPECT_TRUE(WAIT_FOR(c.shared->count > 1));
    result = (long)c.shared->answer;
    EXPECT_EQ(child_destroy(&c), 0);
    return result;
}

CASE(pirq_unprivileged, "XSA-46: a domain without devices has no physical interrupts",
     "physdev_op:EPERM event_channel_op.bind_pirq:EPERM")
{
    struct physdev_map_pirq map = { .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 20,
                                    .pirq = 20 };
    struct evtchn_bind_pirq bind = { .pirq = 20 };

    EXPECT_EQ(from_child(__HYPERVISOR_physdev_op, PHYSDEVOP_map_pirq, &map, sizeof(map)),
              -XEN_EPERM);
    EXPECT_EQ(from_child(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_pirq, &bind, sizeof(bind)),
              -XEN_EPERM);
}
