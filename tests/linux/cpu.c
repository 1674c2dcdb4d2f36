/* SPDX-License-Identifier: MIT */
/*
 * The processor as a program sees it: its faults, its registers, which belong to one thread however
 * often others run, segments, and what a debugger does.
 */
#include "probe.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

#define FLOAT_CHILDREN 6
#define FLOAT_ROUNDS 300
#define BASE_CHILDREN 4
#define BASE_ROUNDS 200

static volatile unsigned watched;

static void divide(void *unused)
{
    (void)unused;
    __asm__ volatile("xorl %%edx, %%edx\n\tmovl $1, %%eax\n\txorl %%ecx, %%ecx\n\tdivl %%ecx"
                     : : : "eax", "ecx", "edx");
}

static void undefined(void *unused)
{
    (void)unused;
    __asm__ volatile("ud2");
}

static void breakpoint(void *unused)
{
    (void)unused;
    __asm__ volatile("int3");
}

static void privileged(void *unused)
{
    (void)unused;
    __asm__ volatile("hlt");
}

static void non_canonical(void *unused)
{
    (void)unused;
    (void)*(volatile char *)0x8000000000000000ULL;
}

static void kernel_address(void *unused)
{
    (void)unused;
    (void)*(volatile char *)0xffffffff81000000ULL;
}

/* In its direct map of all memory, where every frame has a mapping. */
static void hypervisor_address(void *unused)
{
    (void)unused;
    (void)*(volatile char *)0xffff830000100000ULL;
}

/* A program's mistakes come back to it as the right signal. */
void test_faults(void)
{
    EXPECT(fault_of(divide, NULL) == SIGFPE && fault_code == FPE_INTDIV);
    EXPECT(fault_of(undefined, NULL) == SIGILL);
    EXPECT(fault_of(breakpoint, NULL) == SIGTRAP);
    EXPECT(fault_of(privileged, NULL) == SIGSEGV);
    EXPECT(fault_of(non_canonical, NULL) == SIGSEGV);
    EXPECT(fault_of(kernel_address, NULL) == SIGSEGV);
    EXPECT(fault_of(hypervisor_address, NULL) == SIGSEGV);
}

/* A sum that depends on every bit of x87 and SSE registers between its steps. */
static double series(unsigned seed)
{
    long double wide = seed;
    double narrow = seed;

    for (unsigned i = 1; i < 2000; i++) {
        wide += 1.0L / (i * (wide + seed));
        narrow = narrow * 0.99999 + 1.0 / (i + narrow);
    }
    return (double)wide + narrow;
}

static void vector_fill(const uint64_t *from)
{
    __asm__ volatile("movups (%0), %%xmm6\n\tmovups 16(%0), %%xmm15" : : "r"(from)
                     : "xmm6", "xmm15");
}

static void vector_read(uint64_t *to)
{
    __asm__ volatile("movups %%xmm6, (%0)\n\tmovups %%xmm15, 16(%0)" : : "r"(to) : "memory");
}

static void float_child(unsigned number)
{
    double wanted = series(number + 1);
    uint64_t pattern[4], seen[4];

    for (unsigned round = 0; round < FLOAT_ROUNDS; round++) {
        for (unsigned i = 0; i < 4; i++)
            pattern[i] = ((uint64_t)number << 48) + ((uint64_t)round << 8) + i;
        vector_fill(pattern);
        for (unsigned i = 0; i < 3; i++)
            __asm__ volatile("syscall" : : "a"(SYS_sched_yield) : "rcx", "r11", "memory");
        vector_read(seen);
        EXPECT(memcmp(pattern, seen, sizeof(seen)) == 0);
        if (round % 10 == 0)
            EXPECT(series(number + 1) == wanted);
    }
}

/* Floating-point and vector registers are a process's own. */
void test_float(void)
{
    in_children(FLOAT_CHILDREN, float_child);
}

static void base_child(unsigned number)
{
    static uint64_t area[2];
    uint64_t seen;

    area[1] = 0x1234500000000ULL + number;
    EXPECT(syscall(SYS_arch_prctl, ARCH_SET_GS, area) == 0);
    for (unsigned round = 0; round < BASE_ROUNDS; round++) {
        sched_yield();
        __asm__ volatile("movq %%gs:8, %0" : "=r"(seen));
        EXPECT(seen == area[1]);
    }
    EXPECT(syscall(SYS_arch_prctl, ARCH_GET_GS, &seen) == 0 && seen == (uint64_t)area);
}

/* So is the base of GS; that of FS is what every call into the C library uses. */
void test_bases(void)
{
    in_children(BASE_CHILDREN, base_child);
}

static void ldt_child(unsigned number)
{
    struct user_desc segment = { .entry_number = 3, .limit = 0xfffff, .seg_32bit = 1,
                                 .limit_in_pages = 1, .useable = 1 };
    uint32_t *low;
    uint32_t seen;

    low = (uint32_t *)(uintptr_t)(0x10000000 + number * 0x100000);
    segment.base_addr = (uint32_t)(uintptr_t)low;
    EXPECT(syscall(SYS_mmap, low, PAGE, 3, 0x32, -1, 0) == (long)low);
    low[2] = 77 + number;
    EXPECT(syscall(SYS_modify_ldt, 1, &segment, sizeof(segment)) == 0);
    for (unsigned round = 0; round < BASE_ROUNDS; round++) {
        __asm__ volatile("movw %w1, %%gs\n\tmovl %%gs:8, %0" : "=r"(seen) : "r"(3 << 3 | 7));
        EXPECT(seen == 77 + number);
        sched_yield();
        __asm__ volatile("movl %%gs:8, %0" : "=r"(seen));
        EXPECT(seen == 77 + number);
    }
}

/* A process's own descriptor table. */
void test_ldt(void)
{
    in_children(BASE_CHILDREN, ldt_child);
}

/* Both ways into the kernel, and what they keep. */
void test_syscalls(void)
{
    /* Unmapped, the hypervisor's, not canonical. */
    static const uint64_t bad_pointers[] = { 0x10, 0xffff800000000000, 0x8000000000000000 };
    uint64_t kept[4] = { 11, 22, 33, 44 };
    long answer;
    int ends[2];

    __asm__ volatile("movq (%1), %%rbx\n\tmovq 8(%1), %%r12\n\tmovq 16(%1), %%r13\n\t"
                     "movq 24(%1), %%r14\n\tsyscall\n\t"
                     "movq %%rbx, 24(%1)\n\tmovq %%r12, 16(%1)\n\tmovq %%r13, 8(%1)\n\t"
                     "movq %%r14, (%1)"
                     : "=a"(answer) : "r"(kept), "a"(SYS_getpid)
                     : "rbx", "r12", "r13", "r14", "rcx", "r11", "memory");
    EXPECT(answer == getpid());
    EXPECT(kept[0] == 44 && kept[1] == 33 && kept[2] == 22 && kept[3] == 11);
    /* The 32-bit number of getpid. */
    __asm__ volatile("int $0x80" : "=a"(answer) : "a"(20) : "r8", "r9", "r10", "r11", "memory");
    EXPECT(answer == getpid());
    errno = 0;
    EXPECT(syscall(9999) == -1 && errno == ENOSYS);
    EXPECT(pipe(ends) == 0);
    for (unsigned i = 0; i < 3; i++)
        EXPECT(syscall(SYS_write, ends[1], bad_pointers[i], 1) == -1 && errno == EFAULT);
    EXPECT(close(ends[0]) == 0 && close(ends[1]) == 0);
}

static void debugged(void)
{
    EXPECT(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
    raise(SIGSTOP);
    watched = 1;
    for (volatile int i = 0; i < 20; i++)
        ;
    watched = 2;
    _exit(5);
}

static void await_stop(pid_t child, int number)
{
    int status;

    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == number);
}

static void set_debug_register(pid_t child, unsigned number, unsigned long value)
{
    EXPECT(ptrace(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg) + number * 8,
                  value) == 0);
}

/* A debugger's watch point stops at each write to its word; single steps advance. */
void test_debug(void)
{
    pid_t child = fork();
    struct user_regs_struct before, after;
    int status;

    EXPECT(child >= 0);
    if (child == 0)
        debugged();
    await_stop(child, SIGSTOP);
    set_debug_register(child, 0, (unsigned long)&watched);
    set_debug_register(child, 7, 1UL << 0 | 0xdUL << 16);       /* enabled, writes, four bytes */
    for (unsigned wanted = 1; wanted <= 2; wanted++) {
        EXPECT(ptrace(PTRACE_CONT, child, 0, 0) == 0);
        await_stop(child, SIGTRAP);
        EXPECT((unsigned)ptrace(PTRACE_PEEKDATA, child, &watched, 0) == wanted);
        for (unsigned i = 0; i < 5; i++) {
            EXPECT(ptrace(PTRACE_GETREGS, child, 0, &before) == 0);
            EXPECT(ptrace(PTRACE_SINGLESTEP, child, 0, 0) == 0);
            await_stop(child, SIGTRAP);
            EXPECT(ptrace(PTRACE_GETREGS, child, 0, &after) == 0);
            EXPECT(before.rip != after.rip);
        }
    }
    EXPECT(ptrace(PTRACE_CONT, child, 0, 0) == 0);
    EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5);
}
