/* SPDX-License-Identifier: MIT */
/* pv-kernel/proc/sigframe.h: signal frames are laid out as the host's C library expects them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "proc/sigframe.h"
#include "sigframe_layout.h"

#define UC(field) offsetof(struct ucontext_k, field)

static void test_siginfo(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct siginfo_k), host_layout.info_size);
    assert_int_equal(offsetof(struct siginfo_k, code), host_layout.info_code);
    assert_int_equal(offsetof(struct siginfo_k, child.pid), host_layout.info_pid);
    assert_int_equal(offsetof(struct siginfo_k, child.status), host_layout.info_status);
    assert_int_equal(offsetof(struct siginfo_k, fault.addr), host_layout.info_addr);
}

static void test_ucontext(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct sigaltstack_k), host_layout.stack_size);
    assert_int_equal(offsetof(struct sigaltstack_k, flags), host_layout.stack_flags);
    assert_int_equal(offsetof(struct sigaltstack_k, size), host_layout.stack_length);
    assert_int_equal(UC(stack), host_layout.uc_stack);
    assert_int_equal(UC(context), host_layout.uc_registers);
    assert_int_equal(UC(mask), host_layout.uc_mask);
}

static void test_registers(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct sigcontext_k), 256);
    assert_int_equal(UC(context.r8), host_layout.reg_r8);
    assert_int_equal(UC(context.rdi), host_layout.reg_rdi);
    assert_int_equal(UC(context.rsp), host_layout.reg_rsp);
    assert_int_equal(UC(context.rip), host_layout.reg_rip);
    assert_int_equal(UC(context.rflags), host_layout.reg_flags);
    assert_int_equal(UC(context.error), host_layout.reg_error);
    assert_int_equal(UC(context.cr2), host_layout.reg_cr2);
    assert_int_equal(UC(context.fpstate), host_layout.fpstate);
}

/* A handler is entered as after a call: the return address at 8 modulo 16. */
static void test_frame(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct sigframe, return_address), 0);
    assert_int_equal(offsetof(struct sigframe, uc), 8);
    assert_int_equal(sizeof(struct sigframe) % 8, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siginfo),
        cmocka_unit_test(test_ucontext),
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
