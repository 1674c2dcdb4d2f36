/* SPDX-License-Identifier: MIT */
/* I/O ports: who may use them, string forms, breakpoints on them. */
#include "../lib/case.h"
#include "../lib/frame.h"

#define GP0      PV_FAULT(PV_GP, 0)
#define CONSOLE  0x3f8
#define SPEAKER  0x61           /* can be read without effect */
#define NR_PORTS 0x100

static long set_iopl(unsigned int level)
{
    struct physdev_set_iopl op = { .iopl = level };

    return HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &op);
}

static long set_bitmap(const void *bitmap, unsigned int ports)
{
    struct physdev_set_iobitmap op = { .bitmap.p = (void *)bitmap, .nr_ports = ports };

    return HYPERVISOR_physdev_op(PHYSDEVOP_set_iobitmap, &op);
}

PV_USER_TEXT static uint64_t user_in(uint64_t port)
{
    uint8_t value;

    __asm__ volatile("inb %w1, %0" : "=a"(value) : "d"(port));
    return value;
}

PV_USER_TEXT static uint64_t user_in_word(uint64_t port)
{
    uint16_t value;

    __asm__ volatile("inw %w1, %0" : "=a"(value) : "d"(port));
    return value;
}

PV_USER_TEXT static uint64_t user_cli(uint64_t arg)
{
    __asm__ volatile("cli; sti");
    return arg;
}

static pv_fault_t in_user(void *fn, uint64_t arg)
{
    struct pv_user_exit exit;

    if (pv_user_call(fn, arg, &exit))
        return PV_FAULT(255, 0);
    return exit.fault;
}

CASE(ports_bitmap, "the I/O bitmap opens single ports to user and kernel; a port that it closes, "
     "or does not reach, or whose bits can't be read, is #GP; it may have 65536 ports",
     "physdev_op.set_iobitmap:effect physdev_op.set_iobitmap:EINVAL")
{
    static uint8_t bitmap[NR_PORTS / 8 + 1];
    uint8_t value;

    memset(bitmap, 0xff, sizeof(bitmap));
    bitmap[SPEAKER / 8] &= ~(1 << SPEAKER % 8);
    EXPECT_EQ(set_bitmap(bitmap, NR_PORTS), 0);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_in), SPEAKER), PV_NO_FAULT);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_in), SPEAKER - 1), GP0);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_in_word), SPEAKER), GP0);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_in), NR_PORTS), GP0);
    EXPECT_FAULT(pv_probe_inb(SPEAKER, &value), PV_NO_FAULT);
    EXPECT_FAULT(pv_probe_inb(SPEAKER - 1, &value), GP0);
    EXPECT_EQ(set_bitmap(bitmap, SPEAKER), 0);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_in), SPEAKER), GP0);
    EXPECT_EQ(set_bitmap((void *)CONF_EMPTY_VA, NR_PORTS), 0);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_in), SPEAKER), GP0);
    EXPECT_EQ(set_bitmap(bitmap, 65537), -XEN_EINVAL);
    EXPECT_EQ(set_bitmap((void *)CONF_HYPERVISOR_VA, NR_PORTS), -XEN_EINVAL);
    EXPECT_EQ(set_bitmap(NULL, 0), 0);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_in), SPEAKER), GP0);
}

CASE(ports_user_iopl, "user code needs I/O privilege 3, and then may also use cli and sti, which "
     "do nothing",
     "physdev_op.set_iopl:effect emulate.cli:effect")
{
    EXPECT_EQ(set_iopl(2), 0);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_in), SPEAKER), GP0);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_cli), 0), GP0);
    EXPECT_EQ(set_iopl(3), 0);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_in), SPEAKER), PV_NO_FAULT);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_cli), 0), PV_NO_FAULT);
    EXPECT_EQ(set_iopl(0), 0);
}

static void ud2(void *arg)
{
    (void)arg;
    __asm__ volatile("ud2");
}

#define IOPL(level) ((uint64_t)(level) << 12)

CASE(ports_architectural_iopl, "vm_assist(architectural_iopl): the level is in the flags of frames "
     "and of iret, and the kernel counts as ring 0",
     "vm_assist.architectural_iopl:effect")
{
    struct iret_context frame = {
        .rip = (uint64_t)conf_after_iret, .cs = FLAT_KERNEL_CS & ~3, .rflags = 2 | IOPL(3),
        .rsp = (uint64_t)__builtin_frame_address(0) - 4096, .ss = FLAT_KERNEL_SS,
    };
    uint8_t value;

    EXPECT_FAULT(pv_probe_inb(SPEAKER, &value), GP0);
    EXPECT_EQ(HYPERVISOR_vm_assist(VMASST_CMD_enable, VMASST_TYPE_architectural_iopl), 0);
    EXPECT_FAULT(pv_probe_inb(SPEAKER, &value), PV_NO_FAULT);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_in), SPEAKER), GP0);
    conf_iret(&frame);
    EXPECT_EQ(conf_after.rflags & IOPL(3), 0);  /* the real one is never the guest's */
    EXPECT_EQ(pv_set_trap_raw(PV_UD, conf_entry, 4), 0);
    EXPECT_TRUE(conf_catch(ud2, NULL));
    EXPECT_EQ(conf_frame.slot[4] & IOPL(3), IOPL(3));
    EXPECT_EQ(pv_set_trap_raw(PV_UD, NULL, 0), 0);
    /* The library enters user mode with flags that say 0. */
    EXPECT_FAULT(in_user(PV_USER_PTR(user_in), SPEAKER), GP0);
    EXPECT_EQ(HYPERVISOR_vm_assist(VMASST_CMD_disable, VMASST_TYPE_architectural_iopl), 0);
    EXPECT_EQ(set_iopl(0), 0);
    EXPECT_FAULT(pv_probe_inb(SPEAKER, &value), GP0);
}

/* The option com=2: tests/harness/ends.py has moved the hypervisor's console there. */
static uint16_t console_port(void)
{
    char value[4];

    return pv_option("com", value, sizeof(value)) && value[0] == '2' ? 0x2f8 : CONSOLE;
}

CASE(ports_owned, "the chip of the hypervisor's console is not there for the first domain, whole "
     "or in part",
     "physdev_op.set_iopl:refused")
{
    uint16_t first = console_port(), word;
    uint8_t value;

    EXPECT_EQ(set_iopl(1), 0);
    for (uint16_t port = first; port < first + 8; port++) {
        EXPECT_FAULT(pv_probe_inb(port, &value), PV_NO_FAULT);
        EXPECT_EQ(value, 0xff);
    }
    __asm__ volatile("inw %w1, %0" : "=a"(word) : "d"(first - 1));
    EXPECT_EQ(word >> 8, 0xff);
    /* The chip at the usual place is free then. */
    if (first != CONSOLE) {
        EXPECT_FAULT(pv_probe_inb(CONSOLE + 5, &value), PV_NO_FAULT);
        EXPECT_EQ(value & 0x60, 0x60);
    }
    EXPECT_EQ(set_iopl(0), 0);
}

/* ---- String forms ---- */

struct string_result {
    pv_fault_t fault;
    uint64_t index, count;      /* rsi or rdi, rcx */
};

#define STRING(insn, index_register, at, n)                                                \
    ({                                                                                     \
        struct string_result r_ = { .index = (uint64_t)(at), .count = (n) };               \
        PV_TRY_ASM(r_.fault, insn,                                                         \
                   PV_OUT("+" index_register(r_.index), "+c"(r_.count)),                   \
                   PV_IN("d"(SPEAKER)));                                                   \
        r_;                                                                                \
    })

static void expect_string(struct string_result r, pv_fault_t fault, const void *index,
                          uint64_t count, const char *what)
{
    EXPECT_FAULT_ROW(r.fault, fault, what);
    EXPECT_ROW(r.index, (uint64_t)index, what);
    EXPECT_ROW(r.count, count, what);
}

CASE(ports_string, "ins and outs, alone and repeated, up and down, move their index and count",
     "emulate.io:string")
{
    static uint8_t buffer[256];
    uint8_t one = 0;

    EXPECT_EQ(set_iopl(1), 0);
    EXPECT_FAULT(pv_probe_inb(SPEAKER, &one), PV_NO_FAULT);
    memset(buffer, 0xee, sizeof(buffer));
    expect_string(STRING("insb", "D", buffer, 7), PV_NO_FAULT, buffer + 1, 7, "insb");
    EXPECT_EQ(buffer[0] & 0xf, one & 0xf);
    EXPECT_EQ(buffer[1], 0xee);
    expect_string(STRING("rep insb", "D", buffer, 200), PV_NO_FAULT, buffer + 200, 0, "rep insb");
    EXPECT_EQ(buffer[199] & 0xf, one & 0xf);
    EXPECT_EQ(buffer[200], 0xee);
    expect_string(STRING("std; rep insb; cld", "D", buffer + 250, 3), PV_NO_FAULT, buffer + 247, 0,
                  "downwards");
    EXPECT_EQ(buffer[248] & 0xf, one & 0xf);
    EXPECT_EQ(buffer[247], 0xee);
    expect_string(STRING("rep insb", "D", buffer, 0), PV_NO_FAULT, buffer, 0, "no count");
    memset(buffer, one, sizeof(buffer));
    expect_string(STRING("rep outsb", "S", buffer, 100), PV_NO_FAULT, buffer + 100, 0, "rep outsb");
    EXPECT_EQ(set_iopl(0), 0);
    expect_string(STRING("rep outsb", "S", buffer, 5), GP0, buffer, 5, "without privilege");
    expect_string(STRING("insb", "D", buffer, 5), GP0, buffer, 5, "without privilege");
}

CASE(ports_string_faults, "a repeated one that runs into a page that is not there, or not "
     "writable, or into an address that is not canonical, has done what came before; cr2 is where "
     "the page begins, also for an element across it",
     "emulate.io:string")
{
    uint64_t va = pv_vmap_alloc(3), second = va + PV_PAGE_SIZE;
    void *page = pv_alloc_page(), *other = pv_alloc_page();

    EXPECT_EQ(set_iopl(1), 0);
    EXPECT_EQ(pv_map(va, pv_va_to_mfn(page), PV_PROT_RW), 0);
    expect_string(STRING("rep outsb", "S", second - 3, 9), PV_FAULT(PV_PF, 0), (void *)second, 6,
                  "outsb into nothing");
    EXPECT_EQ(pv_last_fault()->cr2, second);
    expect_string(STRING("rep insb", "D", second - 3, 9), PV_FAULT(PV_PF, PV_PF_WRITE),
                  (void *)second, 6, "insb into nothing");
    EXPECT_EQ(pv_last_fault()->cr2, second);
    expect_string(STRING("insl", "D", second - 2, 9), PV_FAULT(PV_PF, PV_PF_WRITE),
                  (void *)(second - 2), 9, "insl across");
    EXPECT_EQ(pv_last_fault()->cr2, second);
    EXPECT_EQ(pv_map(second, pv_va_to_mfn(other), PV_PROT_RO), 0);
    EXPECT_FAULT_ON(STRING("insl", "D", second - 2, 9).fault, PV_FAULT(PV_PF, PV_PF_WRITE),
                    PV_FAULT(PV_PF, PV_PF_WRITE | PV_PF_PRESENT),
                    "Xen's emulator does not look whether the page is there; the processor does");
    EXPECT_EQ(pv_last_fault()->cr2, second);
    expect_string(STRING("rep outsb", "S", CONF_BAD_VA, 2), GP0, (void *)CONF_BAD_VA, 2,
                  "not canonical");
    EXPECT_EQ(set_iopl(0), 0);
    EXPECT_EQ(pv_unmap(va, 2), 0);
    pv_free_page(page);
    pv_free_page(other);
}

/* ---- Breakpoints ---- */

#define DR7_INIT   0x400UL
#define DR6_INIT   0xffff0ff0UL
#define DR7_IO_0   (1UL | 2UL << 16)    /* breakpoint 0, one port */
#define CR4_DE     8UL

static pv_fault_t set_cr4_de(bool on)
{
    uint64_t cr4 = 0;
    pv_fault_t f;

    PV_TRY_ASM(f, "mov %%cr4, %[v]", PV_OUT([v] "+r"(cr4)), PV_IN());
    cr4 = on ? cr4 | CR4_DE : cr4 & ~CR4_DE;
    if (!f)
        PV_TRY_ASM(f, "mov %[v], %%cr4", PV_OUT(), PV_IN([v] "r"(cr4)));
    return f;
}

CASE(ports_breakpoint, "a breakpoint on a port needs CR4.DE; #DB comes after the access, between "
     "the rounds of a repeated one, and goes with CR4.DE",
     "debug.breakpoint:io set_debugreg:EPERM")
{
    static uint8_t buffer[16];
    struct string_result r;
    uint8_t value;

    EXPECT_EQ(set_iopl(1), 0);
    EXPECT_EQ(HYPERVISOR_set_debugreg(0, SPEAKER), 0);
    EXPECT_EQ(HYPERVISOR_set_debugreg(7, DR7_INIT | DR7_IO_0), -XEN_EPERM);
    EXPECT_FAULT(set_cr4_de(true), PV_NO_FAULT);
    EXPECT_EQ(HYPERVISOR_set_debugreg(7, DR7_INIT | DR7_IO_0), 0);
    EXPECT_EQ(HYPERVISOR_get_debugreg(7), DR7_INIT | DR7_IO_0);
    EXPECT_FAULT(pv_probe_inb(SPEAKER, &value), PV_FAULT(PV_DB, 0));
    EXPECT_EQ(HYPERVISOR_get_debugreg(6) & 0xf, 1);
    EXPECT_EQ(HYPERVISOR_set_debugreg(6, DR6_INIT), 0);
    EXPECT_FAULT(pv_probe_inb(SPEAKER + 1, &value), PV_NO_FAULT);
    /* rip is at the instruction again, so behind the nop for who looks one byte back. */
    r = STRING("nop; rep insb", "D", buffer, 5);
    EXPECT_FAULT(r.fault, PV_FAULT(PV_DB, 0));
    EXPECT_EQ(r.count, 4);
    EXPECT_EQ(r.index, (uint64_t)buffer + 1);
    EXPECT_FAULT(set_cr4_de(false), PV_NO_FAULT);
    EXPECT_ON(HYPERVISOR_get_debugreg(7) & 3, 1, 0,
              "Xen goes on showing it, but it does not come any more");
    EXPECT_FAULT(pv_probe_inb(SPEAKER, &value), PV_NO_FAULT);
    EXPECT_EQ(HYPERVISOR_set_debugreg(7, DR7_INIT), 0);
    EXPECT_EQ(HYPERVISOR_set_debugreg(6, DR6_INIT), 0);
    EXPECT_EQ(HYPERVISOR_set_debugreg(0, 0), 0);
    EXPECT_EQ(set_iopl(0), 0);
}
