/* SPDX-License-Identifier: MIT */
/*
 * Exceptions: handlers, and expected faults as values.
 *
 * Every exception of a vCPU (vectors 0 to 31) enters the library.  In this order it is offered to
 *  1. pv_user_call (user.h), when it happened in guest user mode and such a call is running,
 *  2. the fixup of the very instruction (PV_TRY_ASM and the pv_probe_* helpers),
 *  3. a pv_try_call that is running on this vCPU,
 *  4. the handler set by pv_set_trap(),
 * and if nobody wants it, registers and a stack trace are printed and the domain ends by
 * SHUTDOWN_crash.
 *
 * A fault as a value is one integer, pv_fault_t: 0 means that nothing happened, anything else
 * says vector and error code, and compares with PV_FAULT(vector, error).
 */
#ifndef PVGUEST_TRAPS_H
#define PVGUEST_TRAPS_H

#include <pvguest/types.h>

enum pv_vector {
    PV_DE = 0, PV_DB = 1, PV_NMI = 2, PV_BP = 3, PV_OF = 4, PV_BR = 5, PV_UD = 6, PV_NM = 7,
    PV_DF = 8, PV_TS = 10, PV_NP = 11, PV_SS = 12, PV_GP = 13, PV_PF = 14, PV_MF = 16,
    PV_AC = 17, PV_MC = 18, PV_XM = 19, PV_CP = 21,
    /* Not vectors: how the two other ways into the guest show in struct pv_regs. */
    PV_ENTRY_UPCALL = 256, PV_ENTRY_SYSCALL = 257, PV_ENTRY_FAILSAFE = 258,
};

/* Bits of a page fault's error code. */
#define PV_PF_PRESENT 0x01
#define PV_PF_WRITE   0x02
#define PV_PF_USER    0x04
#define PV_PF_RSVD    0x08
#define PV_PF_FETCH   0x10

#define PV_RFLAGS_TF 0x0100UL
#define PV_RFLAGS_IF 0x0200UL
#define PV_RFLAGS_DF 0x0400UL

/*
 * Registers as they were when the guest was interrupted.  A handler may change them: what is in
 * here when it returns is loaded.  From rip on the hypervisor pushed them (for a guest kernel it
 * shows cs with RPL 0, for guest user with RPL 3; rflags.IF stands for "events were enabled").
 */
struct pv_regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector;     /* enum pv_vector, or a software vector */
    uint64_t error_code; /* 0 for vectors without one */
    uint64_t rip;
    uint32_t cs;         /* a selector, in the low 16 bits */
    uint32_t saved_mask; /* low byte: vcpu_info's evtchn_upcall_mask before */
    uint64_t rflags, rsp, ss;
};

static inline bool pv_regs_user(const struct pv_regs *regs)
{
    return (regs->cs & 3) == 3;
}

typedef void pv_trap_handler_t(struct pv_regs *regs);

/*
 * Sets the handler of a vector (0 to 255); NULL takes it away.  Vectors above 31 are software
 * interrupts (`int n`), which guest kernel and user may then both raise, on this vCPU and those
 * started later.  A handler runs with events disabled.  Returns 0, -EINVAL for another vector, or
 * the negative errno of set_trap_table (xen/xen.h).
 */
int pv_set_trap(unsigned int vector, pv_trap_handler_t *handler);

/*
 * Sets a vector's trap-table entry on this vCPU past the library: `entry` is the address of code
 * that gets the hypervisor's frame (rcx, r11, [error code], rip, cs, rflags, rsp, ss), `flags` is
 * trap_info's (bits 0-1: least privileged ring that may raise it by `int n`; bit 2: mask events).
 * entry 0 gives the vector back to the library.  Returns 0 or the negative errno.
 */
int pv_set_trap_raw(unsigned int vector, const void *entry, unsigned int flags);

/*
 * Registers a callback (CALLBACKTYPE_* and CALLBACKF_* of xen/callback.h) on this vCPU.  entry
 * NULL gives the library's own back, where it has one (event, failsafe, syscall), or else
 * unregisters.  Returns 0 or the negative errno.
 */
int pv_set_callback(unsigned int type, const void *entry, unsigned int flags);

/* A handler for system calls from guest user mode that no pv_user_call waits for. */
void pv_set_syscall_handler(pv_trap_handler_t *handler);

/*
 * Called at the end of each upcall, after its events' handlers, with the interrupted registers
 * and events disabled: a kernel preempts its user code there.  NULL: nothing.
 */
void pv_set_upcall_return(pv_trap_handler_t *handler);

/*
 * For a guest's own assembly: jump there with rsp = a struct pv_regs to load it, whatever mode it
 * describes.  `vector` and `error_code` are skipped.
 */
extern const char pv_return_to_frame[];

/* Prints registers and the call chain of the frame. */
void pv_print_regs(const struct pv_regs *regs);

/* ---- Expected faults ---- */

typedef uint64_t pv_fault_t;

#define PV_NO_FAULT 0UL
#define PV_FAULT(vector, error) \
    ((pv_fault_t)(1UL << 40 | (uint64_t)(vector) << 32 | (uint32_t)(error)))

/* The vector, or -1 for "no fault". */
static inline int pv_fault_vector(pv_fault_t f)
{
    return f ? (int)(f >> 32 & 0xff) : -1;
}

static inline uint32_t pv_fault_error(pv_fault_t f)
{
    return (uint32_t)f;
}

/* What else is known of the last fault that became a value on this vCPU. */
struct pv_fault_info {
    pv_fault_t fault;
    uint64_t cr2;        /* of a page fault, else 0 */
    struct pv_regs regs;
};
const struct pv_fault_info *pv_last_fault(void);

/*
 * Runs `insns` (a string of one or more instructions); a fault in any of them skips the rest.
 *   pv_fault_t f;
 *   PV_TRY_ASM(f, "mov %%ds:(%[p]), %[v]", PV_OUT([v] "=r"(v)), PV_IN([p] "r"(p)));
 * f becomes 0 or the fault.  Operands are wrapped in PV_OUT(), PV_IN() (also empty); an output
 * that a fault leaves unwritten must be "+".  r12 is taken; "memory" and "cc" are clobbered, more
 * clobbers may follow.
 */
#define PV_OUT(...) __VA_OPT__(, ) __VA_ARGS__
#define PV_IN(...)  __VA_ARGS__
#define PV_TRY_ASM(f, insns, out, in, ...)                                                 \
    do {                                                                                   \
        register pv_fault_t fault_ __asm__("r12") = PV_NO_FAULT;                           \
        __asm__ volatile("771: " insns "\n772:\n" PV_EXTABLE("771b", "772b")               \
                         : "+r"(fault_) out                                                \
                         : in                                                              \
                         : "memory", "cc" __VA_OPT__(, ) __VA_ARGS__);                     \
        (f) = fault_;                                                                      \
    } while (0)

/* The exception table: faults at `from` <= rip < `to` go on at `to`, with r12 = the fault. */
#define PV_EXTABLE(from, to)                                                               \
    ".pushsection .pv_extable, \"a\", @progbits\n\t"                                       \
    ".balign 8\n\t.quad " from ", " to "\n\t.popsection"

/* Reads or writes 8, or 1, bytes at any virtual address. */
pv_fault_t pv_probe_read(uint64_t va, uint64_t *value);
pv_fault_t pv_probe_write(uint64_t va, uint64_t value);
pv_fault_t pv_probe_read8(uint64_t va, uint8_t *value);
pv_fault_t pv_probe_write8(uint64_t va, uint8_t value);

/* Machine-specific registers, port input and output (by bytes). */
pv_fault_t pv_probe_rdmsr(uint32_t msr, uint64_t *value);
pv_fault_t pv_probe_wrmsr(uint32_t msr, uint64_t value);
pv_fault_t pv_probe_inb(uint16_t port, uint8_t *value);
pv_fault_t pv_probe_outb(uint16_t port, uint8_t value);

/*
 * Calls fn(arg); any fault inside, wherever, ends the call and is the result.  For what an
 * instruction's fixup can't catch: a jump to a bad address, a fault deep in a function.  The
 * stack must still be usable.  Calls may be nested; not across pv_user_call.
 */
pv_fault_t pv_try_call(void (*fn)(void *arg), void *arg);

#endif
