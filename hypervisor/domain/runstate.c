/* SPDX-License-Identifier: MIT */
/*
 * How long a vCPU has been in each state, and the copies of that and of its time that the guest
 * asked for. Those lie at addresses of the guest kernel and are written when the vCPU is loaded:
 * while it runs they don't change.
 */
#include "domain/internal.h"

/*
 * The times always add up to the moment of the last change, less that of the creation: guests, and
 * our own tests, take a record where they don't for a torn one. Time that does not go on counts
 * for nothing.
 */
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

/* As with vcpu_time_info: an odd version, the rest, the even one. */
static bool time_area_write(const struct vcpu *v)
{
    struct vcpu_time_info t = v->info->time;
    u32 version = t.version & ~1u;
    unsigned long area = v->time_area;

    t.version = version - 1;
    return copy_to_guest_raw(area, &t.version, sizeof(t.version)) &&
           copy_to_guest_raw(area + sizeof(t.version), &t.pad0, sizeof(t) - sizeof(t.version)) &&
           copy_to_guest_raw(area, &version, sizeof(version));
}

/*
 * With runstate_update_flag another vCPU of the guest may read the area while it is written: the
 * top bit of the time stamp, stored first and cleared last, tells it so. Without the flag such a
 * reader may see halves, which is why it was invented.
 */
static bool runstate_area_write(const struct vcpu *v)
{
    struct vcpu_runstate_info r = v->runstate;
    unsigned long area = v->runstate_area;
    unsigned long stamp = area + offsetof(struct vcpu_runstate_info, state_entry_time);
    u64 entry = r.state_entry_time;

    if (!vm_assist(v->domain, VMASST_TYPE_runstate_update_flag))
        return copy_to_guest_raw(area, &r, sizeof(r));
    r.state_entry_time = entry | XEN_RUNSTATE_UPDATE;
    return copy_to_guest_raw(stamp, &r.state_entry_time, sizeof(u64)) &&
           copy_to_guest_raw(area, &r, sizeof(r)) &&
           copy_to_guest_raw(stamp, &entry, sizeof(u64));
}

void vcpu_areas_write(struct vcpu *v)
{
    bool user = !v->cpu.kernel_mode, written = true;

    if (!v->time_area && !v->runstate_area)
        return;
    if (user)
        toggle_guest_mode(v);
    if (v->time_area)
        written = time_area_write(v);
    if (v->runstate_area)
        written &= runstate_area_write(v);
    if (user)
        toggle_guest_mode(v);
    /* The guest promised to keep the areas mapped; one that does not just does without. */
    if (!written)
        guest_printk(LOG_DEBUG, "domain %u vCPU %u: its runstate or time area is not mapped",
                     v->domain->id, v->id);
}
