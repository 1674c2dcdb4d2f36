/* SPDX-License-Identifier: MIT */
/*
 * How long a vCPU has been in each state, and the copies of that and of its time that the guest
 * asked for. Those lie at addresses of the guest kernel, so they are written when the vCPU is loaded
 * in kernel mode, or else when it next enters that (areas_stale).
 */
#include "domain/internal.h"

void runstate_account(struct vcpu_runstate_info *r, u64 now)
{
    if (now > r->state_entry_time)
        r->time[r->state] += now - r->state_entry_time;
    r->state_entry_time = now;
}

void runstate_set(struct vcpu *v, int state)
{
    runstate_account(&v->runstate, now_ns());
    v->runstate.state = state;
}

/* An area that is not mapped just now is left out; the guest gets the next version. */
/* As with vcpu_time_info: an odd version, the rest, the even one. */
static void time_area_write(struct vcpu *v)
{
    struct vcpu_time_info t = v->info->time;
    u32 version = t.version & ~1u;
    unsigned long area = v->time_area;

    t.version = version - 1;
    if (copy_to_guest_raw(area, &t.version, sizeof(t.version)) &&
        copy_to_guest_raw(area + sizeof(t.version), &t.pad0, sizeof(t) - sizeof(t.version)) &&
        copy_to_guest_raw(area, &version, sizeof(version)))
        return;
    v->areas_stale = true;
}

static void runstate_area_write(struct vcpu *v)
{
    struct vcpu_runstate_info r = v->runstate;
    unsigned long area = v->runstate_area;
    unsigned long stamp = area + offsetof(struct vcpu_runstate_info, state_entry_time);
    u64 entry = r.state_entry_time;

    if (!vm_assist(v->domain, VMASST_TYPE_runstate_update_flag)) {
        v->areas_stale |= !copy_to_guest_raw(area, &r, sizeof(r));
        return;
    }
    r.state_entry_time = entry | XEN_RUNSTATE_UPDATE;
    if (copy_to_guest_raw(stamp, &r.state_entry_time, sizeof(u64)) &&
        copy_to_guest_raw(area, &r, sizeof(r)) &&
        copy_to_guest_raw(stamp, &entry, sizeof(u64)))
        return;
    v->areas_stale = true;
}

void runstate_flush(struct vcpu *v)
{
    v->areas_stale = false;
    if (v->time_area)
        time_area_write(v);
    if (v->runstate_area)
        runstate_area_write(v);
}
