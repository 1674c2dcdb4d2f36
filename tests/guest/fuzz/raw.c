/* SPDX-License-Identifier: MIT */
/*
 * What a guest kernel does without a hypercall: stores to page tables, privileged instructions,
 * segment loads, return frames. A fault is a result like any other (fault_result).
 */
#include "../lib/frame.h"
#include "fuzz.h"

/* ---- Stores to page tables and to what is not mapped ---- */

enum store { MOVE, EXCHANGE, COMPARE, AND, BYTE };

static pv_fault_t store(enum store how, uint64_t va, uint64_t value)
{
    uint64_t old = 0;
    pv_fault_t f;

    switch (how) {
    case MOVE:
        PV_TRY_ASM(f, "movq %[v], (%[p])", PV_OUT(), PV_IN([p] "r"(va), [v] "r"(value)));
        break;
    case EXCHANGE:
        PV_TRY_ASM(f, "xchgq %[v], (%[p])", PV_OUT([v] "+r"(value)), PV_IN([p] "r"(va)));
        break;
    case COMPARE:
        PV_TRY_ASM(f, "lock cmpxchgq %[v], (%[p])", PV_OUT("+a"(old)),
                   PV_IN([p] "r"(va), [v] "r"(value)));
        break;
    case AND:
        PV_TRY_ASM(f, "lock andq %[v], (%[p])", PV_OUT(), PV_IN([p] "r"(va), [v] "r"(value)));
        break;
    default:
        PV_TRY_ASM(f, "movb %b[v], (%[p])", PV_OUT(), PV_IN([p] "r"(va), [v] "q"(value)));
    }
    return f;
}

static long store_to_table(struct run *r, unsigned int how)
{
    unsigned int frame = TABLES_FROM + (unsigned int)below(r, TABLES_END - TABLES_FROM);
    uint64_t va = (uint64_t)&frames[frame].home[some_index(r)];
    unsigned int t = (unsigned int)below(r, 2);
    bool spare = percent(r, 60);

    if (spare)
        va = (uint64_t)pv_find_pte(pv_current_root(),
                                   spare_va(t, (unsigned int)below(r, SPARE_SLOTS)), 1);
    r->args[0] = va;
    /* A byte can't name a frame: a new entry would be one of the first frames of the machine. */
    r->args[1] = some_pte(r, some_mfn(r)) &
                 (how == BYTE ? ~(PV_PTE_P | PV_PTE_RW) : ~0UL);
    if (how == AND)             /* nor may one come of two others */
        r->args[1] = ~((r->args[1] & 0xfff) | (percent(r, 5) ? PV_PTE_FRAME | PV_PTE_P : 0));
    if (!spare && fuzz_compare)
        r->args[1] = how == AND ? r->args[1] | PV_PTE_RW : pte_for_frame(r->args[1]);
    return fault_result(store(how, va, r->args[1]));
}

static long store_anywhere(struct run *r, unsigned int how)
{
    r->args[1] = wild(r);
    r->args[0] = percent(r, 50) ? some_va(r) & ~7UL : bad_address(r);
    return fault_result(store(how, r->args[0], r->args[1]));
}

/* ---- Instructions that only the hypervisor may execute, or that it does for us ---- */

#define INSTRUCTION(name, insn)                                                            \
    static pv_fault_t name(struct run *r)                                                  \
    {                                                                                      \
        uint64_t a = wild(r), b = wild(r), c = wild(r);                                    \
        pv_fault_t f;                                                                      \
                                                                                           \
        PV_TRY_ASM(f, insn, PV_OUT("+a"(a), "+b"(b), "+c"(c)), PV_IN(), "rdx");            \
        return f;                                                                          \
    }

INSTRUCTION(do_hlt, "hlt")
INSTRUCTION(do_cli, "cli")
INSTRUCTION(do_invlpg, "invlpg (%%rax)")
INSTRUCTION(do_wbinvd, "wbinvd")
INSTRUCTION(do_invd, "invd")
INSTRUCTION(do_clts, "clts")
INSTRUCTION(do_read_cr0, "mov %%cr0, %%rax")
INSTRUCTION(do_read_cr2, "mov %%cr2, %%rax")
INSTRUCTION(do_read_cr3, "mov %%cr3, %%rax")
INSTRUCTION(do_read_cr4, "mov %%cr4, %%rax")
INSTRUCTION(do_read_cr8, "mov %%cr8, %%rax")
INSTRUCTION(do_write_cr0, "mov %%rax, %%cr0")
INSTRUCTION(do_write_cr2, "mov %%rax, %%cr2")
INSTRUCTION(do_write_cr8, "mov %%rax, %%cr8")
INSTRUCTION(do_read_dr6, "mov %%dr6, %%rax")
INSTRUCTION(do_write_dr0, "mov %%rax, %%dr0")
INSTRUCTION(do_lgdt, "lgdt (%%rax)")
INSTRUCTION(do_lldt, "lldt %%ax")
INSTRUCTION(do_ltr, "ltr %%ax")
INSTRUCTION(do_lmsw, "lmsw %%ax")
INSTRUCTION(do_rdpmc, "xor %%ecx, %%ecx; rdpmc")
INSTRUCTION(do_swapgs, "swapgs")
INSTRUCTION(do_sysret, "sysretq")
INSTRUCTION(do_monitor, "monitor")
INSTRUCTION(do_mwait, "mwait")
INSTRUCTION(do_rdtsc, "rdtsc")
INSTRUCTION(do_ud2, "ud2")
INSTRUCTION(do_int3, "int3; nop")
INSTRUCTION(do_int_spare, "int $0x42; nop")
INSTRUCTION(do_in, "mov $0x4242, %%edx; inb %%dx, %%al")
INSTRUCTION(do_in_wide, "mov $0xffff, %%edx; inl %%dx, %%eax")

/* MTRRs and the like differ from one processor to another: here are those that kernels touch. */
static const uint32_t msrs[] = {
    0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102,
    0x277, 0x174, 0x175, 0x176, 0x40000000, 0x12345678, 0xffffffff,
};

static long read_msr(struct run *r, unsigned int cmd)
{
    uint64_t value;

    (void)cmd;
    return fault_result(pv_probe_rdmsr(PICK(r, msrs), &value));
}

/* The bases are put back; what else could be written and matter, is refused. */
static long write_msr(struct run *r, unsigned int cmd)
{
    static const uint32_t bases[] = { 0xc0000100, 0xc0000102, 0xc0000080, 0xc0000082, 0x174 };
    uint32_t msr = PICK(r, bases);
    pv_fault_t f = pv_probe_wrmsr(msr, wild(r));

    (void)cmd;
    HYPERVISOR_set_segment_base(SEGBASE_FS, 0);
    HYPERVISOR_set_segment_base(SEGBASE_GS_USER, 0);
    return fault_result(f);
}

static pv_fault_t (*const instructions[])(struct run *r) = {
    do_hlt, do_cli, do_invlpg, do_wbinvd, do_invd, do_clts, do_read_cr0, do_read_cr2, do_read_cr3,
    do_read_cr4, do_read_cr8, do_write_cr0, do_write_cr2, do_write_cr8, do_read_dr6, do_write_dr0,
    do_lgdt, do_lldt, do_ltr, do_lmsw, do_rdpmc, do_swapgs, do_sysret, do_monitor, do_mwait,
    do_rdtsc, do_ud2, do_int3, do_int_spare, do_in, do_in_wide,
};

static long instruction(struct run *r, unsigned int cmd)
{
    unsigned int i = (unsigned int)below(r, PV_ARRAY_SIZE(instructions));
    pv_fault_t f = instructions[i](r);

    (void)cmd;
    r->args[0] = i;
    HYPERVISOR_set_debugreg(0, 0);
    HYPERVISOR_fpu_taskswitch(0);
    return fault_result(f);
}

/* ---- Segment loads ---- */

static long segment(struct run *r, unsigned int which)
{
    uint32_t selector = percent(r, 50) ? (uint32_t)below(r, 64) * 8 + (uint32_t)below(r, 8)
                                       : (uint32_t)wild(r) & 0xffff;
    pv_fault_t f;

    r->args[0] = selector;
    /* gs would lose the base at which the library finds its own. */
    if (which == 0)
        PV_TRY_ASM(f, "mov %w[s], %%ds", PV_OUT(), PV_IN([s] "r"(selector)));
    else if (which == 1)
        PV_TRY_ASM(f, "mov %w[s], %%es", PV_OUT(), PV_IN([s] "r"(selector)));
    else
        PV_TRY_ASM(f, "mov %w[s], %%fs", PV_OUT(), PV_IN([s] "r"(selector)));
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs" : : "r"(0));
    return fault_result(f);
}

/* ---- Return frames ---- */

static void do_iret(void *frame)
{
    conf_iret(frame);
}

static const uint8_t caught[] = { PV_DB, PV_BP, PV_UD, PV_NP, PV_SS, PV_GP, PV_PF, PV_AC };

static void catch_all(const void *entry)
{
    for (size_t i = 0; i < sizeof(caught); i++)
        pv_set_trap_raw(caught[i], entry, entry ? 4 : 0);
    pv_set_callback(CALLBACKTYPE_failsafe, entry, entry ? CALLBACKF_mask_events : 0);
    pv_set_callback(CALLBACKTYPE_syscall, entry, CALLBACKF_mask_events);
}

/*
 * To user mode anything goes, for its faults come in on the kernel's stack. A frame for the kernel
 * has a good stack, or the fault that it leads to would have none: the end of a guest.
 */
static void fill_frame(struct run *r, struct iret_context *f)
{
    static const uint64_t user_places[] = { 0, 0x1000, 0x7fffffffe000, 0xffff800000000000 };
    uint64_t good_stack = (uint64_t)r->page + PV_PAGE_SIZE - 64;

    memset(f, 0, sizeof(*f));
    f->rflags = (wild(r) & 0x3d7fd5) & ~0x20000UL;
    if (percent(r, 50)) {
        f->rip = percent(r, 50) ? (uint64_t)conf_user_int3 : percent(r, 50) ? PICK(r, user_places)
                                                                          : wild(r);
        f->cs = percent(r, 80) ? FLAT_USER_CS : (wild(r) & 0xffff) | 3;
        f->ss = percent(r, 80) ? FLAT_USER_SS : wild(r) & 0xffff;
        f->rsp = percent(r, 50) ? pv_user_stack(0) - 64 : wild(r);
    } else {
        f->rip = percent(r, 60) ? (uint64_t)conf_after_iret : wild(r) | 1UL << 62;
        f->cs = percent(r, 80) ? FLAT_KERNEL_CS & ~3 : wild(r) & 0xfffc;
        f->ss = percent(r, 80) ? FLAT_KERNEL_SS : wild(r) & 0xffff;
        f->rsp = good_stack;
        f->rflags &= ~0x100UL;
    }
    f->rflags &= ~0x200UL;
    f->flags = percent(r, 20) ? VGCF_in_syscall : 0;
}

static long call_iret(struct run *r, unsigned int cmd)
{
    static struct iret_context frame;
    bool ended;

    (void)cmd;
    pv_mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, pv_user_root());
    fill_frame(r, &frame);
    r->args[0] = frame.rip;
    r->args[1] = frame.cs << 32 | frame.ss;
    r->args[2] = frame.rflags;
    r->args[3] = frame.rsp;
    catch_all(conf_entry);
    ended = conf_catch(do_iret, &frame);
    catch_all(NULL);
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs" : : "r"(0));
    return ended ? -0x50000 : 0;
}

static const struct op ops[] = {
    OP("store.mov", store_to_table, MOVE, 4),
    OP("store.xchg", store_to_table, EXCHANGE, 3),
    OP("store.cmpxchg", store_to_table, COMPARE, 3),
    OP("store.and", store_to_table, AND, 2),
    OP("store.byte", store_to_table, BYTE, 2),
    OP("store.anywhere", store_anywhere, MOVE, 2),
    OP("instruction", instruction, 0, 8),
    OP("rdmsr", read_msr, 0, 2),
    OP("wrmsr", write_msr, 0, 2),
    OP("segment.ds", segment, 0, 1),
    OP("segment.es", segment, 1, 1),
    OP("segment.fs", segment, 2, 1),
    OP_ALONE("iret", call_iret, 0, 2),
};
const struct op_table raw_table = { ops, PV_ARRAY_SIZE(ops) };
