/* SPDX-License-Identifier: MIT */
/*
 * The same from guest user mode, which may do nothing at all: its hypercalls are system calls of
 * the guest's, and its privileged instructions are faults.
 */
#include "fuzz.h"

PV_USER_TEXT static void user_syscall(uint64_t nr)
{
    __asm__ volatile("syscall" : "+a"(nr) : "D"(nr), "S"(nr), "d"(nr) : "rcx", "r11", "memory");
}

PV_USER_TEXT static void user_int80(uint64_t nr)
{
    __asm__ volatile("int $0x80" : "+a"(nr) : "D"(nr) : "memory");
}

PV_USER_TEXT static uint64_t user_read(uint64_t va)
{
    return *(const volatile uint64_t *)va;
}

PV_USER_TEXT static void user_write(uint64_t va)
{
    *(volatile uint64_t *)va = 1;
}

PV_USER_TEXT static void user_jump(uint64_t va)
{
    ((void (*)(void))va)();
}

PV_USER_TEXT static void user_hlt(uint64_t arg)
{
    __asm__ volatile("hlt" : : "a"(arg));
}

PV_USER_TEXT static void user_cr3(uint64_t arg)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(arg));
}

PV_USER_TEXT static void user_read_cr0(uint64_t arg)
{
    __asm__ volatile("mov %%cr0, %0" : "+r"(arg));
}

PV_USER_TEXT static void user_wrmsr(uint64_t arg)
{
    __asm__ volatile("wrmsr" : : "a"(arg), "c"(0xc0000080), "d"(0));
}

PV_USER_TEXT static void user_in(uint64_t arg)
{
    __asm__ volatile("inb %%dx, %%al" : "+a"(arg) : "d"(arg));
}

PV_USER_TEXT static void user_cli(uint64_t arg)
{
    __asm__ volatile("cli; sti" : : "a"(arg));
}

PV_USER_TEXT static void user_segment(uint64_t arg)
{
    __asm__ volatile("mov %w0, %%ds" : : "r"(arg));
}

PV_USER_TEXT static void user_prefixed(uint64_t arg)
{
    uint32_t a = (uint32_t)arg, c = 0;

    __asm__ volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
                     : "+a"(a), "+c"(c) : : "rbx", "rdx");
}

PV_USER_TEXT static void user_int(uint64_t arg)
{
    __asm__ volatile("int $0x43" : : "a"(arg));
}

/* Where it was, how it ended. */
static long outcome(int rc, const struct pv_user_exit *end)
{
    if (rc)
        return rc;
    if (end->returned)
        return 0;
    return end->fault ? fault_result(end->fault) : -0x60000;
}

static long run_user(struct run *r, void *fn, uint64_t arg)
{
    struct pv_user_exit end;
    int rc;

    pv_mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, pv_user_root());
    r->args[0] = arg;
    rc = pv_user_call(fn, arg, &end);
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs" : : "r"(0));
    return outcome(rc, &end);
}

static long call_syscall(struct run *r, unsigned int cmd)
{
    return run_user(r, cmd ? (void *)PV_USER_PTR(user_int80) : (void *)PV_USER_PTR(user_syscall),
                    small_or_wild(r, 64));
}

static uint64_t user_address(struct run *r)
{
    switch (below(r, 4)) {
    case 0:
        return (uint64_t)PV_USER_PTR(user_in) & ~7UL;
    case 1:
        return pv_user_stack(0) - 4096;
    case 2:
        return some_va(r);
    default:
        return percent(r, 50) ? bad_address(r) : wild(r);
    }
}

static long call_read(struct run *r, unsigned int cmd)
{
    (void)cmd;
    return run_user(r, PV_USER_PTR(user_read), user_address(r));
}

static long call_write(struct run *r, unsigned int cmd)
{
    (void)cmd;
    return run_user(r, PV_USER_PTR(user_write),
                    percent(r, 30) ? pv_user_stack(0) - 4096 : user_address(r));
}

static long call_jump(struct run *r, unsigned int cmd)
{
    (void)cmd;
    return run_user(r, PV_USER_PTR(user_jump), bad_address(r));
}

static long call_instruction(struct run *r, unsigned int cmd)
{
    void *const fns[] = {
        PV_USER_PTR(user_hlt), PV_USER_PTR(user_cr3), PV_USER_PTR(user_read_cr0),
        PV_USER_PTR(user_wrmsr), PV_USER_PTR(user_in), PV_USER_PTR(user_cli),
        PV_USER_PTR(user_int),
    };

    (void)cmd;
    return run_user(r, PICK(r, fns), wild(r));
}

static long call_segment(struct run *r, unsigned int cmd)
{
    (void)cmd;
    return run_user(r, PV_USER_PTR(user_segment),
                    percent(r, 30) ? FLAT_USER_DS : small_or_wild(r, 0x10000));
}

static long call_cpuid(struct run *r, unsigned int cmd)
{
    (void)cmd;
    return run_user(r, PV_USER_PTR(user_prefixed), small_or_wild(r, 16));
}

static const struct op ops[] = {
    OP_NEVER("user.syscall", call_syscall, 0, 3, ANY, "it is the guest's system call"),
    OP_NEVER("user.int80", call_syscall, 1, 1, ANY, "it is the guest's system call"),
    OP("user.read", call_read, 0, 2),
    OP("user.write", call_write, 0, 2),
    OP_NEVER("user.jump", call_jump, 0, 1, ANY, "nothing is there"),
    OP_NEVER("user.instruction", call_instruction, 0, 3, ANY, "user mode has no privilege"),
    OP("user.segment", call_segment, 0, 1),
    OP("user.cpuid", call_cpuid, 0, 1),
};
const struct op_table user_table = { ops, PV_ARRAY_SIZE(ops) };
