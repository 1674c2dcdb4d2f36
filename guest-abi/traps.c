/* SPDX-License-Identifier: MIT */
/*
 * The trap table, and who gets an exception (the order is in pvguest/traps.h).
 *
 * Whatever is decided here only rewrites the frame; entry.S then loads it by the iret hypercall,
 * which also gives back the event mask that rflags.IF stands for.  The handler table is written
 * by pv_set_trap at any time and read by all vCPUs: one pointer each, no lock.
 */
#include "internal.h"

#define TRAP_MASKS_EVENTS 4 /* trap_info.flags */
#define KERNEL_CS_RPL0    (FLAT_KERNEL_CS & ~3)
#define TRACE_DEPTH       12

/* A fault at [from, to) goes on at `to`, with the fault as its value: PV_TRY_ASM makes these. */
struct extable_entry {
    uint64_t from, to;
};
extern const struct extable_entry pv_extable_start[], pv_extable_end[];

/* A pv_try_call that is under way: on its stack, linked from the vCPU, the innermost first. */
struct pv_try {
    struct pv_try *outer;
    struct pv_context context;
    uint64_t rflags;
    pv_fault_t fault;
};

static pv_trap_handler_t *handlers[256];
static pv_trap_handler_t *syscall_handler;

/* ---- Registration ---- */

static uint8_t default_flags(unsigned int vector)
{
    /* int3 and into have ring-3 gates in hardware; other software vectors are for all to raise. */
    bool software = vector == PV_BP || vector == PV_OF || vector > 31;

    return TRAP_MASKS_EVENTS | (software ? 3 : 0);
}

static void fill_entry(struct trap_info *entry, unsigned int vector)
{
    entry->vector = vector;
    entry->flags = default_flags(vector);
    entry->cs = FLAT_KERNEL_CS;
    entry->address = (uint64_t)pv_vector_stubs + vector * PV_STUB_SIZE;
}

/* A table of one entry and its end: the others are left alone. */
int pv_set_trap_raw(unsigned int vector, const void *entry, unsigned int flags)
{
    struct trap_info table[2] = { { .address = 0 } };

    if (vector > 255)
        return -XEN_EINVAL;
    fill_entry(&table[0], vector);
    if (entry) {
        table[0].address = (uint64_t)entry;
        table[0].flags = flags;
    }
    return HYPERVISOR_set_trap_table(table);
}

/*
 * The entries of exceptions are there from the start; software vectors get theirs with the first
 * handler.
 */
int pv_set_trap(unsigned int vector, pv_trap_handler_t *handler)
{
    if (vector > 255)
        return -XEN_EINVAL;
    __atomic_store_n(&handlers[vector], handler, __ATOMIC_RELEASE);
    return vector > 31 ? pv_set_trap_raw(vector, NULL, 0) : 0;
}

void pv_set_syscall_handler(pv_trap_handler_t *handler)
{
    __atomic_store_n(&syscall_handler, handler, __ATOMIC_RELEASE);
}

static const struct library_callback {
    uint16_t type, flags;
    const char *entry;
} library_callbacks[] = {
    { CALLBACKTYPE_event, CALLBACKF_mask_events, pv_upcall_entry },
    { CALLBACKTYPE_failsafe, CALLBACKF_mask_events, pv_failsafe_entry },
    { CALLBACKTYPE_syscall, CALLBACKF_mask_events, pv_syscall_entry },
};

static int register_callback(unsigned int type, const void *entry, unsigned int flags)
{
    struct callback_register reg = {
        .type = type, .flags = flags, .address = (uint64_t)entry,
    };

    return HYPERVISOR_callback_op(CALLBACKOP_register, &reg);
}

/* Without an entry the library's own comes back, or nothing if it has none. */
int pv_set_callback(unsigned int type, const void *entry, unsigned int flags)
{
    struct callback_unregister unreg = { .type = type };

    if (entry)
        return register_callback(type, entry, flags);
    for (size_t i = 0; i < PV_ARRAY_SIZE(library_callbacks); i++) {
        const struct library_callback *cb = &library_callbacks[i];

        if (cb->type == type)
            return register_callback(type, cb->entry, cb->flags);
    }
    return HYPERVISOR_callback_op(CALLBACKOP_unregister, &unreg);
}

/* The 32 exceptions, an end mark, and the callbacks. */
int pv_traps_init(void)
{
    struct trap_info table[33] = { { .address = 0 } };
    int rc;

    for (unsigned int vector = 0; vector < 32; vector++)
        fill_entry(&table[vector], vector);
    rc = HYPERVISOR_set_trap_table(table);
    for (size_t i = 0; i < PV_ARRAY_SIZE(library_callbacks) && !rc; i++)
        rc = pv_set_callback(library_callbacks[i].type, NULL, 0);
    return rc;
}

/* As a vCPU gets it with its context, where the calls of pv_traps_init() would be too late. */
void pv_traps_fill(struct vcpu_guest_context *context)
{
    for (unsigned int vector = 0; vector < 256; vector++) {
        if (vector < 32 || handlers[vector])
            fill_entry(&context->trap_ctxt[vector], vector);
    }
    context->event_callback_eip = (uint64_t)pv_upcall_entry;
    context->failsafe_callback_eip = (uint64_t)pv_failsafe_entry;
    context->syscall_callback_eip = (uint64_t)pv_syscall_entry;
    context->flags |= VGCF_failsafe_disables_events | VGCF_syscall_disables_events;
}

/* ---- Dispatch ---- */

/*
 * What a function must keep, its stack and where it returns to, with a value: as if it had returned
 * now.
 */
void pv_return_to_context(struct pv_regs *regs, const struct pv_context *context,
                          uint64_t rflags, int result)
{
    regs->rbx = context->rbx;
    regs->rbp = context->rbp;
    regs->r12 = context->r12;
    regs->r13 = context->r13;
    regs->r14 = context->r14;
    regs->r15 = context->r15;
    regs->rsp = context->rsp;
    regs->rip = context->rip;
    regs->rax = (uint64_t)(long)result;
    regs->cs = KERNEL_CS_RPL0;
    regs->ss = FLAT_KERNEL_SS;
    regs->rflags = rflags;
}

/* Traps are raised with rip behind the instruction, faults with rip at it. */
static bool is_trap(unsigned int vector)
{
    return vector == PV_DB || vector == PV_BP || vector == PV_OF || vector > 31;
}

static const struct extable_entry *find_fixup(uint64_t rip)
{
    for (const struct extable_entry *e = pv_extable_start; e < pv_extable_end; e++) {
        if (e->from <= rip && rip < e->to)
            return e;
    }
    return NULL;
}

/* Turns a kernel-mode fault into a value, if somebody expects one. */
static bool fault_expected(struct pv_regs *regs, struct pv_vcpu *vcpu, pv_fault_t fault,
                           uint64_t cr2)
{
    const struct extable_entry *fixup = find_fixup(regs->rip - is_trap(regs->vector));
    struct pv_try *try = vcpu->try;

    if (!fixup && !try)
        return false;
    vcpu->last.fault = fault;
    vcpu->last.cr2 = cr2;
    vcpu->last.regs = *regs;
    if (fixup) {
        regs->rip = fixup->to;
        regs->r12 = fault;
    } else {
        vcpu->try = try->outer;
        try->fault = fault;
        pv_return_to_context(regs, &try->context, try->rflags, 0);
    }
    return true;
}

/* The backtrace follows frame pointers by probing reads: any of them may be nonsense. */
void pv_print_regs(const struct pv_regs *r)
{
    const uint64_t *frame = (const uint64_t *)r->rbp;
    uint64_t next, ret;

    pv_printf("vCPU %u, vector %lu, error %#lx, cr2 %#lx, in guest %s mode\n", pv_vcpu_id(),
              r->vector, r->error_code, pv_this_vcpu()->info->arch.cr2,
              pv_regs_user(r) ? "user" : "kernel");
    pv_printf("rip %016lx  cs  %04x  rflags %08lx  rsp %016lx  ss %04lx\n", r->rip,
              r->cs & 0xffff, r->rflags, r->rsp, r->ss);
    pv_printf("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
    pv_printf("rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
    pv_printf("r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
    pv_printf("r13 %016lx  r14 %016lx  r15 %016lx\n", r->r13, r->r14, r->r15);
    if (pv_regs_user(r))
        return;
    pv_printf("called from:");
    for (int i = 0; i < TRACE_DEPTH && frame; i++) {
        if (pv_probe_read((uint64_t)frame, &next) || pv_probe_read((uint64_t)(frame + 1), &ret))
            break;
        pv_printf(" %016lx", ret);
        frame = next > (uint64_t)frame ? (const uint64_t *)next : NULL;
    }
    pv_printf("\n");
}

/*
 * In the order that pvguest/traps.h promises: a call of user mode, an expected fault, the guest's
 * own handler. What is left is the guest's bug.
 */
void pv_trap_dispatch(struct pv_regs *regs)
{
    struct pv_vcpu *vcpu = pv_this_vcpu();
    pv_fault_t fault = PV_FAULT(regs->vector, regs->error_code);
    uint64_t cr2 = regs->vector == PV_PF ? vcpu->info->arch.cr2 : 0;
    pv_trap_handler_t *handler;

    if (pv_regs_user(regs) && pv_user_finish(regs, fault, cr2))
        return;
    if (!pv_regs_user(regs) && fault_expected(regs, vcpu, fault, cr2))
        return;
    handler = regs->vector < 256 ? __atomic_load_n(&handlers[regs->vector], __ATOMIC_ACQUIRE)
                                 : NULL;
    if (handler) {
        handler(regs);
        return;
    }
    pv_print_regs(regs);
    pv_panic("pvguest: nothing handles this exception\n");
}

void pv_syscall_dispatch(struct pv_regs *regs)
{
    pv_trap_handler_t *handler;

    if (pv_user_finish(regs, PV_NO_FAULT, 0))
        return;
    handler = __atomic_load_n(&syscall_handler, __ATOMIC_ACQUIRE);
    if (!handler)
        pv_panic("pvguest: nothing handles system call %#lx from %#lx\n", regs->rax, regs->rip);
    handler(regs);
}

/* ---- Expected faults ---- */

const struct pv_fault_info *pv_last_fault(void)
{
    return &pv_this_vcpu()->last;
}

/*
 * A fault in fn() comes back here by loading the saved context: the frame of this function is still
 * there. `fault` is read as volatile memory would be, since another path has written it.
 */
pv_fault_t pv_try_call(void (*fn)(void *arg), void *arg)
{
    struct pv_vcpu *vcpu = pv_this_vcpu();
    struct pv_try try = {
        .outer = vcpu->try,
        .rflags = pv_events_enabled() ? PV_RFLAGS_IF : 0,
        .fault = PV_NO_FAULT,
    };

    vcpu->try = &try;
    pv_call_in_context(fn, arg, &try.context);
    vcpu->try = try.outer;
    return __atomic_load_n(&try.fault, __ATOMIC_RELAXED);
}

pv_fault_t pv_probe_read(uint64_t va, uint64_t *value)
{
    uint64_t v = 0;
    pv_fault_t f;

    PV_TRY_ASM(f, "mov (%[p]), %[v]", PV_OUT([v] "+r"(v)), PV_IN([p] "r"(va)));
    *value = v;
    return f;
}

pv_fault_t pv_probe_write(uint64_t va, uint64_t value)
{
    pv_fault_t f;

    PV_TRY_ASM(f, "mov %[v], (%[p])", PV_OUT(), PV_IN([p] "r"(va), [v] "r"(value)));
    return f;
}

pv_fault_t pv_probe_read8(uint64_t va, uint8_t *value)
{
    uint8_t v = 0;
    pv_fault_t f;

    PV_TRY_ASM(f, "movb (%[p]), %[v]", PV_OUT([v] "+r"(v)), PV_IN([p] "r"(va)));
    *value = v;
    return f;
}

pv_fault_t pv_probe_write8(uint64_t va, uint8_t value)
{
    pv_fault_t f;

    PV_TRY_ASM(f, "movb %[v], (%[p])", PV_OUT(), PV_IN([p] "r"(va), [v] "r"(value)));
    return f;
}

pv_fault_t pv_probe_rdmsr(uint32_t msr, uint64_t *value)
{
    uint64_t lo = 0, hi = 0;
    pv_fault_t f;

    PV_TRY_ASM(f, "rdmsr", PV_OUT("+a"(lo), "+d"(hi)), PV_IN("c"(msr)));
    *value = hi << 32 | lo;
    return f;
}

pv_fault_t pv_probe_wrmsr(uint32_t msr, uint64_t value)
{
    pv_fault_t f;

    PV_TRY_ASM(f, "wrmsr", PV_OUT(),
               PV_IN("c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))));
    return f;
}

pv_fault_t pv_probe_inb(uint16_t port, uint8_t *value)
{
    uint8_t v = 0;
    pv_fault_t f;

    PV_TRY_ASM(f, "inb %[port], %[v]", PV_OUT([v] "+a"(v)), PV_IN([port] "d"(port)));
    *value = v;
    return f;
}

pv_fault_t pv_probe_outb(uint16_t port, uint8_t value)
{
    pv_fault_t f;

    PV_TRY_ASM(f, "outb %[v], %[port]", PV_OUT(), PV_IN([v] "a"(value), [port] "d"(port)));
    return f;
}
