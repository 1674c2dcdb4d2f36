/* SPDX-License-Identifier: MIT */
/* Exceptions and system calls: from the instruction through the guest kernel's entry and back. */
#include "bench.h"

#define INT80       0x80
#define KERNEL_ONLY 4 /* trap_info.flags: events masked on entry; ring 0 may raise it */
#define ALL_RINGS   7 /* the same, and ring 3 may */
#define UNMAPPED    0x500000 /* in the user text's L1, where nothing is mapped; as in entry.S */

extern const char skip_entry[], skip_error_entry[], back_entry[], back_from_syscall_entry[];

long kernel_ud(void), kernel_pf(void), kernel_int80(void);
long user_ud(void), user_pf(void), user_int80(void), user_syscall(void);

static void take_ud(void)
{
    must_be_zero(pv_set_trap_raw(PV_UD, skip_entry, KERNEL_ONLY), "an entry for #UD");
}

static void give_ud(void)
{
    must_be_zero(pv_set_trap_raw(PV_UD, NULL, 0), "#UD given back");
}

static void take_pf(void)
{
    must_be_zero(pv_user_init(), "user mode");
    must_be_zero(pv_set_trap_raw(PV_PF, skip_error_entry, KERNEL_ONLY), "an entry for #PF");
}

static void give_pf(void)
{
    must_be_zero(pv_set_trap_raw(PV_PF, NULL, 0), "#PF given back");
}

static void take_int80(void)
{
    must_be_zero(pv_set_trap_raw(INT80, back_entry, ALL_RINGS), "an entry for int80");
}

static void take_syscall(void)
{
    must_be_zero(pv_set_callback(CALLBACKTYPE_syscall, back_entry, CALLBACKF_mask_events),
                 "an entry for SYSCALL");
}

static void take_fast_syscall(void)
{
    must_be_zero(pv_set_callback(CALLBACKTYPE_syscall, back_from_syscall_entry,
                                 CALLBACKF_mask_events), "an entry for SYSCALL");
}

static void give_syscall(void)
{
    must_be_zero(pv_set_callback(CALLBACKTYPE_syscall, NULL, 0), "SYSCALL given back");
}

/* rax is 0, or the address that faulted, before and after: an entry must preserve it. */
const struct operation trap_operations[] = {
    { .name = "#UD from kernel, iret", .setup = take_ud, .run = kernel_ud,
      .teardown = give_ud },
    { .name = "#PF from kernel, iret", .setup = take_pf, .run = kernel_pf,
      .teardown = give_pf, .expect = UNMAPPED },
    { .name = "int80 from kernel, iret", .setup = take_int80, .run = kernel_int80 },
    { .name = "#UD from user, iret", .setup = take_ud, .run = user_ud, .teardown = give_ud,
      .user = true },
    { .name = "#PF from user, iret", .setup = take_pf, .run = user_pf, .teardown = give_pf,
      .user = true },
    { .name = "int80 from user, iret", .setup = take_int80, .run = user_int80, .user = true },
    { .name = "SYSCALL from user, iret", .setup = take_syscall, .run = user_syscall,
      .teardown = give_syscall, .user = true },
    { .name = "SYSCALL from user, iret by sysret", .setup = take_fast_syscall,
      .run = user_syscall, .teardown = give_syscall, .user = true },
    { .name = NULL },
};
