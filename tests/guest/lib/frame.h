/* SPDX-License-Identifier: MIT */
/*
 * The very frame that the hypervisor pushes, caught before anybody else looks at it.
 *
 * conf_catch(fn, arg) runs fn in guest kernel mode. Code that reaches conf_entry meanwhile (as a
 * trap handler or a callback: pv_set_trap_raw, pv_set_callback) ends the call: conf_frame holds
 * what lay on the stack and what was in the registers. To reach guest user mode, fn calls
 * conf_enter_user. On vCPU 0 only.
 */
#ifndef CONF_FRAME_H
#define CONF_FRAME_H

#include <pvguest/guest.h>

struct conf_frame {
    uint64_t at;         /* rsp on entry: the address of slot[0] */
    uint64_t slot[12];   /* rcx, r11, [error code], rip, cs and mask, rflags, rsp, ss; then older */
    uint64_t rax, rcx, r11, rflags, cs, ss, ds, es, fs, gs;
    uint64_t mask;       /* the event mask as the handler found it */
    uint64_t saved_mask; /* before the call */
};
extern struct conf_frame conf_frame;

extern const char conf_entry[];

/* Whether conf_entry ended it; leaves the event mask as it was. */
bool conf_catch(void (*fn)(void *arg), void *arg);

/* Starts guest user mode at `rip` with the user stack and these flags, after pv_user_init(). */
void conf_enter_user(uint64_t rip, uint64_t rflags);

/*
 * The iret hypercall with this frame, nine words as in struct iret_context. Returns only if the
 * frame leads to conf_after_iret, with the registers found there in conf_after.
 */
struct conf_after {
    uint64_t rax, rcx, r11, rflags, rsp, cs, ss;
};
extern struct conf_after conf_after;
extern const char conf_after_iret[];
void conf_iret(const struct iret_context *frame);
/* The same through a multicall of nr entries, one of which is the iret. */
void conf_multicall_on(const struct iret_context *frame, struct multicall_entry *list,
                       unsigned int nr);

/* User code, for conf_enter_user: what the names say. */
extern const char conf_user_int3[], conf_user_ud2[], conf_user_syscall[], conf_user_read[];
extern const char conf_user_spin[], conf_user_sysenter[];

#endif
