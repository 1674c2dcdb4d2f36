/* SPDX-License-Identifier: MIT */
/* The library's user mode: calls, system calls, faults and events while user code runs. */
#include "../lib/case.h"

#define NON_CANONICAL 0x8000000000000000UL
#define FIRST_CALL    1234
#define SECOND_CALL   1235
#define SOFT_VECTOR   0x82

PV_USER_DATA static volatile uint64_t total = 7;

PV_USER_TEXT static uint64_t user_add(uint64_t n)
{
    total += n;
    return total;
}

PV_USER_TEXT static void user_two_calls(uint64_t arg)
{
    uint64_t nr = FIRST_CALL;

    __asm__ volatile("syscall" : "+a"(nr) : "D"(arg) : "rcx", "r11", "memory");
    nr = SECOND_CALL;
    __asm__ volatile("syscall" : "+a"(nr) : "D"(arg) : "rcx", "r11", "memory");
}

PV_USER_TEXT static void user_invalid(void)
{
    __asm__ volatile("ud2");
}

PV_USER_TEXT static uint64_t user_read(uint64_t va)
{
    return *(const volatile uint64_t *)va;
}

PV_USER_TEXT static void user_soft(void)
{
    __asm__ volatile("int $0x82");
}

PV_USER_TEXT static uint64_t user_spin(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++)
        __asm__ volatile("pause");
    return rounds;
}

CASE(lib_user_call, "a user function runs on its own data and returns its result", "library")
{
    uint64_t before = *PV_USER_PTR(total);
    struct pv_user_exit end;

    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_add), 5, &end), 0);
    EXPECT_TRUE(end.returned);
    EXPECT_EQ(end.regs.rdi, before + 5);
    EXPECT_EQ(*PV_USER_PTR(total), before + 5);
}

CASE(lib_user_syscall, "a system call ends the call, and it can go on from there", "library")
{
    struct pv_user_exit end;

    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_two_calls), 5, &end), 0);
    EXPECT_TRUE(!end.returned);
    EXPECT_FAULT(end.fault, PV_NO_FAULT);
    EXPECT_EQ(end.regs.rax, FIRST_CALL);
    EXPECT_EQ(end.regs.rdi, 5);
    EXPECT_EQ(pv_user_resume(&end.regs, &end), 0);
    EXPECT_EQ(end.regs.rax, SECOND_CALL);
    EXPECT_EQ(pv_user_resume(&end.regs, &end), 0);
    EXPECT_TRUE(end.returned);
}

CASE(lib_user_fault, "a fault ends the call, with vector, error code and address", "library")
{
    struct pv_user_exit end;
    uint64_t kernel = (uint64_t)pv_start_info;

    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_invalid), 0, &end), 0);
    EXPECT_FAULT(end.fault, PV_FAULT(PV_UD, 0));
    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_read), kernel, &end), 0);
    EXPECT_FAULT(end.fault, PV_FAULT(PV_PF, PV_PF_USER));
    EXPECT_EQ(end.cr2, kernel);
    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_read), NON_CANONICAL, &end), 0);
    EXPECT_FAULT(end.fault, PV_FAULT(PV_GP, 0));
}

static void no_handler(struct pv_regs *regs)
{
    (void)regs;
}

CASE(lib_user_soft, "a software vector open to user mode ends the call", "library")
{
    struct pv_user_exit end;

    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_soft), 0, &end), 0);
    EXPECT_FAULT(end.fault, PV_FAULT(PV_GP, SOFT_VECTOR * 8 + 2));
    EXPECT_EQ(pv_set_trap(SOFT_VECTOR, no_handler), 0);
    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_soft), 0, &end), 0);
    EXPECT_FAULT(end.fault, PV_FAULT(SOFT_VECTOR, 0));
    EXPECT_EQ(pv_set_trap(SOFT_VECTOR, NULL), 0);
}

CASE(lib_user_events, "an event in user mode is handled, and user code goes on", "library")
{
    int port = pv_bind_virq(VIRQ_TIMER, 0, NULL, NULL);
    uint64_t until = pv_system_time() + 2 * PV_NS_PER_MS;
    struct pv_user_exit end;

    EXPECT_TRUE(port > 0);
    EXPECT_EQ(pv_set_timer(until), 0);
    pv_events_enable();
    do {
        EXPECT_EQ(pv_user_call(PV_USER_PTR(user_spin), 10000, &end), 0);
    } while (end.returned && !pv_event_count((evtchn_port_t)port) &&
             pv_system_time() < until + 20 * PV_NS_PER_SEC);
    EXPECT_TRUE(end.returned);
    EXPECT_EQ(end.regs.rdi, 10000);
    EXPECT_EQ(pv_event_count((evtchn_port_t)port), 1);
    EXPECT_TRUE(pv_events_enabled());
    pv_events_disable();
    EXPECT_EQ(pv_close((evtchn_port_t)port), 0);
}
