/* SPDX-License-Identifier: MIT */
/*
 * Time: one single-shot VIRQ_TIMER serves sleeps with a deadline, alarms and time slices. It is set
 * to the earliest of them or sooner: a shot that finds nothing to do sets the next one, so
 * deadlines that are given up cost nothing.
 */
#include "proc/internal.h"

static uint64_t armed;              /* ns; 0: no shot is under way */

void timer_arm(uint64_t deadline)
{
    if (!deadline || (armed && armed <= deadline))
        return;
    armed = deadline;
    pv_set_timer(deadline);
}

void timer_arm_for(const struct task *t)
{
    if (t->state == TASK_SLEEPING)
        timer_arm(t->wake_at);
    timer_arm(t->alarm);
}

static void expire(struct task *t, uint64_t now)
{
    if (t->alarm && t->alarm <= now) {
        t->alarm = t->alarm_interval ? now + t->alarm_interval : 0;
        send_signal(t, SIGALRM);
    }
    if (t->state == TASK_SLEEPING && t->wake_at && t->wake_at <= now)
        wake_task(t, -ETIMEDOUT);
}

static void timer_event(evtchn_port_t port, void *data)
{
    uint64_t now = pv_system_time();
    struct task *t = NULL;

    (void)port;
    (void)data;
    armed = 0;
    while ((t = task_after(t))) {
        expire(t, now);
        timer_arm_for(t);
    }
    if (current->slice_end && current->slice_end <= now)
        need_resched = true;
    else
        timer_arm(current->slice_end);
}

void timer_init(void)
{
    int port = pv_bind_virq(VIRQ_TIMER, 0, timer_event, NULL);

    if (port < 0)
        panic("pv-kernel: no timer (error %d)\n", port);
}
