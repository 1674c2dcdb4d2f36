/* SPDX-License-Identifier: MIT */
/* What the library's own files share and guests do not see. */
#ifndef PVGUEST_INTERNAL_H
#define PVGUEST_INTERNAL_H

#include <pvguest/guest.h>

/* entry.S */
extern const char pv_vector_stubs[], pv_upcall_entry[], pv_syscall_entry[], pv_failsafe_entry[];
extern const char pv_vcpu_entry[], pv_user_return[];
int pv_call_in_context(void (*fn)(void *arg), void *arg, struct pv_context *save);
int pv_enter_frame(struct pv_regs *frame, struct pv_context *save);

#define PV_STUB_SIZE 16 /* of each vector's stub in pv_vector_stubs */

/* guest.lds */
extern const char pv_image_start[], pv_image_end[];
extern const char pv_user_image[], pv_user_text_start[], pv_user_text_end[];
extern const char pv_user_data_end[];

/* Called by entry.S. */
_Noreturn void pv_start(const struct start_info *si);
_Noreturn void pv_vcpu_start(struct pv_vcpu *vcpu);
void pv_trap_dispatch(struct pv_regs *regs);
void pv_syscall_dispatch(struct pv_regs *regs);
void pv_upcall_dispatch(struct pv_regs *regs);

/* traps.c: installs the library's trap table and callbacks on vCPU 0; copies both for another. */
int pv_traps_init(void);
void pv_traps_fill(struct vcpu_guest_context *context);
/* Makes `regs` return to a saved context, in kernel mode, with `result` as its value. */
void pv_return_to_context(struct pv_regs *regs, const struct pv_context *context,
                          uint64_t rflags, int result);

/* user.c: takes a trap or system call that ends a running pv_user_call; returns whether it did. */
bool pv_user_finish(struct pv_regs *regs, pv_fault_t fault, uint64_t cr2);

/* pages.c */
extern uint64_t pv_boot_end; /* pfns below this have their home in the builder's mapping */
void pv_pages_init(void);
/* Builds the tables missing above va's leaf entry in the current root.  0, -ENOMEM, or errno. */
int pv_prepare_tables(uint64_t va);

/* smp.c: the per-vCPU blocks, by id. */
struct pv_vcpu *pv_vcpu_by_id(unsigned int id);

/* time.c: for a vCPU that starts, on that vCPU. */
void pv_time_init(void);

/* console.c */
void pv_console_init(void);

#endif
