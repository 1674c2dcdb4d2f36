/* SPDX-License-Identifier: MIT */
/* The way in: numbers, registers, console_io, vm_assist. */
#include "../lib/case.h"

CASE(hypercall_unknown, "a number without a hypercall is -ENOSYS, by the page and by syscall",
     "hypercall:ENOSYS")
{
    static const uint64_t numbers[] = { 11, 43, 47, 56, 63, 100, 127 };

    for (size_t i = 0; i < PV_ARRAY_SIZE(numbers); i++) {
        EXPECT_EQ(pv_hypercall(numbers[i], 0, 0, 0, 0, 0, 0), -XEN_ENOSYS);
        EXPECT_EQ(pv_syscall(numbers[i], 0, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    }
    EXPECT_EQ(pv_syscall(4096, 0, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    EXPECT_EQ(pv_syscall(~0UL, 0, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    EXPECT_EQ(pv_syscall(1UL << 63, 0, 0, 0, 0, 0, 0), -XEN_ENOSYS);
}

CASE(hypercall_whole_number, "the number is all of rax, not its low half", "hypercall:ENOSYS")
{
    EXPECT_EQ(pv_syscall(1UL << 32 | __HYPERVISOR_xen_version, 0, 0, 0, 0, 0, 0), -XEN_ENOSYS);
}

CASE(hypercall_both_ways, "the page's slot and a plain syscall make the same call",
     "hypercall:effect")
{
    EXPECT_EQ(pv_hypercall(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0, 0), 4 << 16 | 17);
    EXPECT_EQ(pv_syscall(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0, 0), 4 << 16 | 17);
}

CASE(hypercall_registers, "all registers but rax, rcx, r11 and the arguments survive",
     "hypercall:registers")
{
    uint64_t rbx = 0x1111, r12 = 0x2222, r13 = 0x3333, r14 = 0x4444, r15 = 0x5555;
    uint64_t flags = 0, rax = __HYPERVISOR_xen_version;

    register uint64_t r12_ __asm__("r12") = r12;
    register uint64_t r13_ __asm__("r13") = r13;
    register uint64_t r14_ __asm__("r14") = r14;
    register uint64_t r15_ __asm__("r15") = r15;
    __asm__ volatile("xor %%edi, %%edi; stc; std; syscall; pushfq; cld; popq %[flags]"
                     : "+a"(rax), "+b"(rbx), "+r"(r12_), "+r"(r13_), "+r"(r14_), "+r"(r15_),
                       [flags] "=&d"(flags)
                     :
                     : "rcx", "r11", "rdi", "rsi", "r8", "r9", "r10", "memory", "cc");
    EXPECT_EQ(rax, 4 << 16 | 17);
    EXPECT_EQ(rbx, 0x1111);
    EXPECT_EQ(r12_, r12);
    EXPECT_EQ(r13_, r13);
    EXPECT_EQ(r14_, r14);
    EXPECT_EQ(r15_, r15);
    /* Carry and direction as they were. */
    EXPECT_EQ(flags & (PV_RFLAGS_DF | 1), PV_RFLAGS_DF | 1);
}

CASE(hypercall_page_slots, "a page slot is at number * 32 and keeps rcx and r11",
     "hypercall_page:effect")
{
    uint64_t rcx = 0xc0ffee, rax;
    register uint64_t r11 __asm__("r11") = 0xdeca;

    __asm__ volatile("call pv_hypercall_page + %c[nr] * 32"
                     : "=a"(rax), "+c"(rcx), "+r"(r11)
                     : [nr] "i"(__HYPERVISOR_xen_version), "D"(XENVER_version), "S"(0)
                     : "rdx", "r8", "r9", "r10", "memory", "cc");
    EXPECT_EQ(rax, 4 << 16 | 17);
    EXPECT_EQ(rcx, 0xc0ffee);
    EXPECT_EQ(r11, 0xdeca);
}

CASE(console_write, "a write returns 0, also of no bytes", "console_io.write:effect")
{
    char text[] = "(a line from console_io)\n";

    EXPECT_EQ(HYPERVISOR_console_io(CONSOLEIO_write, sizeof(text) - 1, text), 0);
    EXPECT_EQ(HYPERVISOR_console_io(CONSOLEIO_write, 0, text), 0);
}

CASE(console_write_long, "a write of several pages is done to its end", "console_io.write:effect")
{
    static char text[5000];

    memset(text, '.', sizeof(text));
    for (size_t i = 79; i < sizeof(text); i += 80)
        text[i] = '\n';
    text[sizeof(text) - 1] = '\n';
    EXPECT_EQ(HYPERVISOR_console_io(CONSOLEIO_write, sizeof(text), text), 0);
}

CASE(console_write_bad, "a write from a bad address is -EFAULT", "console_io.write:EFAULT")
{
    EXPECT_EQ(HYPERVISOR_console_io(CONSOLEIO_write, 8, (char *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_console_io(CONSOLEIO_write, 8, (char *)CONF_BAD_VA), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_console_io(CONSOLEIO_write, 8, (char *)CONF_HYPERVISOR_VA), -XEN_EFAULT);
}

CASE(console_read, "a read returns how many bytes were typed: none", "console_io.read:effect")
{
    char buffer[16];

    EXPECT_EQ(HYPERVISOR_console_io(CONSOLEIO_read, sizeof(buffer), buffer), 0);
}

CASE(console_read_nothing, "a read of no bytes is 0, wherever it should go to",
     "console_io.read:effect")
{
    EXPECT_EQ(HYPERVISOR_console_io(CONSOLEIO_read, 0, NULL), 0);
    EXPECT_EQ(HYPERVISOR_console_io(CONSOLEIO_read, 0, (char *)CONF_EMPTY_VA), 0);
    EXPECT_EQ(HYPERVISOR_console_io(CONSOLEIO_read, 0, (char *)CONF_BAD_VA), 0);
    EXPECT_EQ(HYPERVISOR_console_io(CONSOLEIO_read, 0, (char *)CONF_HYPERVISOR_VA), 0);
}

CASE(console_unknown, "another command is -ENOSYS", "console_io:ENOSYS")
{
    EXPECT_EQ(HYPERVISOR_console_io(2, 0, NULL), -XEN_ENOSYS);
    EXPECT_EQ(HYPERVISOR_console_io(~0u, 0, NULL), -XEN_ENOSYS);
}

CASE(assist_types, "the assists of a 64-bit guest can be turned on and off; others are -EINVAL",
     "vm_assist.enable:effect vm_assist.disable:effect vm_assist:EINVAL")
{
    static const struct {
        unsigned int type;
        long result;
    } rows[] = {
        { VMASST_TYPE_4gb_segments, 0 },          { VMASST_TYPE_4gb_segments_notify, 0 },
        { VMASST_TYPE_writable_pagetables, 0 },   { VMASST_TYPE_pae_extended_cr3, 0 },
        { VMASST_TYPE_architectural_iopl, 0 },    { VMASST_TYPE_runstate_update_flag, 0 },
        { VMASST_TYPE_m2p_strict, 0 },            { 6, -XEN_EINVAL },
        { 31, -XEN_EINVAL },                      { 33, -XEN_EINVAL },
        { 64, -XEN_EINVAL },                      { ~0u, -XEN_EINVAL },
    };

    for (size_t i = 0; i < PV_ARRAY_SIZE(rows); i++) {
        char what[40];

        snprintf(what, sizeof(what), "type %u", rows[i].type);
        EXPECT_ROW(HYPERVISOR_vm_assist(VMASST_CMD_enable, rows[i].type), rows[i].result, what);
        EXPECT_ROW(HYPERVISOR_vm_assist(VMASST_CMD_disable, rows[i].type), rows[i].result, what);
    }
}

CASE(assist_unknown, "another command is -ENOSYS", "vm_assist:ENOSYS")
{
    EXPECT_EQ(HYPERVISOR_vm_assist(2, VMASST_TYPE_writable_pagetables), -XEN_ENOSYS);
}
