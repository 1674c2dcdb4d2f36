/* SPDX-License-Identifier: MIT */
/* The C side of frame.S. */
#include "frame.h"

int conf_run(void (*fn)(void *arg), void *arg);

struct conf_frame conf_frame;
struct conf_after conf_after;

bool conf_catch(void (*fn)(void *arg), void *arg)
{
    uint8_t mask = pv_this_vcpu()->info->evtchn_upcall_mask;
    bool caught;

    memset(&conf_frame, 0, sizeof(conf_frame));
    caught = conf_run(fn, arg);
    conf_frame.mask = pv_this_vcpu()->info->evtchn_upcall_mask;
    conf_frame.saved_mask = mask;
    pv_this_vcpu()->info->evtchn_upcall_mask = mask;
    return caught;
}

void conf_enter_user(uint64_t rip, uint64_t rflags)
{
    static struct iret_context frame;

    frame = (struct iret_context){
        .rax = 0xaaaa, .rcx = 0xcccc, .r11 = 0xbbbb, .rip = rip, .cs = FLAT_USER_CS,
        .rflags = rflags, .rsp = pv_user_stack(0) - 64, .ss = FLAT_USER_SS,
    };
    conf_iret(&frame);
}
