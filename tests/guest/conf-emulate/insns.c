/* SPDX-License-Identifier: MIT */
/* Privileged instructions of the guest kernel: some are carried out, the others are #GP(0). */
#include "../lib/case.h"

#define GP0 PV_FAULT(PV_GP, 0)

#define FAULT_OF(insn, ...)                                                                \
    ({                                                                                     \
        pv_fault_t f_;                                                                     \
        PV_TRY_ASM(f_, insn, PV_OUT(), PV_IN(__VA_ARGS__), "rax", "rdx", "rcx");           \
        f_;                                                                                \
    })

#define CR0_TS 8UL
#define CR4_FSGSBASE (1UL << 16)

static uint64_t read_cr(unsigned int which)
{
    uint64_t v = ~0UL;
    pv_fault_t f = PV_FAULT(255, 0);

    switch (which) {
    case 0:
        PV_TRY_ASM(f, "mov %%cr0, %[v]", PV_OUT([v] "+r"(v)), PV_IN());
        break;
    case 2:
        PV_TRY_ASM(f, "mov %%cr2, %[v]", PV_OUT([v] "+r"(v)), PV_IN());
        break;
    case 3:
        PV_TRY_ASM(f, "mov %%cr3, %[v]", PV_OUT([v] "+r"(v)), PV_IN());
        break;
    case 4:
        PV_TRY_ASM(f, "mov %%cr4, %[v]", PV_OUT([v] "+r"(v)), PV_IN());
        break;
    }
    EXPECT_FAULT(f, PV_NO_FAULT);
    return v;
}

static pv_fault_t write_cr0(uint64_t v)
{
    return FAULT_OF("mov %[v], %%cr0", [v] "r"(v));
}

CASE(insn_cr_read, "reads of CR0, CR2, CR3 and CR4 are carried out", "emulate.mov_cr:read")
{
    uint64_t value;

    EXPECT_EQ(read_cr(0) & 0x80000001UL, 0x80000001UL);
    EXPECT_FAULT(pv_probe_read(CONF_EMPTY_VA + 0x4560, &value), PV_FAULT(PV_PF, 0));
    EXPECT_EQ(read_cr(2), CONF_EMPTY_VA + 0x4560);
    EXPECT_EQ(read_cr(3) >> 12, pv_current_root().nr);
    EXPECT_EQ(read_cr(4) & 0x20, 0x20);
}

CASE(insn_cr0_read, "CR0 as the machine runs with it: paging, write protection, and alignment "
     "checks for who sets AC in its flags",
     "emulate.mov_cr:cr0 exception.AC:enabled")
{
    EXPECT_EQ(read_cr(0) & ~CR0_TS, 0x80050033);
}

CASE(insn_cr0_write, "of CR0 a guest may change TS only; clts clears it",
     "emulate.mov_cr:cr0 emulate.clts:effect")
{
    uint64_t cr0 = read_cr(0);

    EXPECT_FAULT(write_cr0(cr0 | CR0_TS), PV_NO_FAULT);
    EXPECT_EQ(read_cr(0), cr0 | CR0_TS);
    EXPECT_FAULT(FAULT_OF("clts"), PV_NO_FAULT);
    EXPECT_EQ(read_cr(0), cr0);
    EXPECT_FAULT(write_cr0(cr0 & ~1UL), GP0);
    EXPECT_FAULT(write_cr0(cr0 ^ (1UL << 16)), GP0);
    EXPECT_EQ(read_cr(0), cr0);
}

CASE(insn_cr2_write, "a write of CR2 is carried out", "emulate.mov_cr:cr2")
{
    EXPECT_FAULT(FAULT_OF("mov %[v], %%cr2", [v] "r"(0x1234UL)), PV_NO_FAULT);
    EXPECT_EQ(read_cr(2), 0x1234);
    EXPECT_EQ(pv_this_vcpu()->info->arch.cr2, 0x1234);
}

CASE(insn_cr3_write, "a write of CR3 is a NEW_BASEPTR: a good root is loaded, a bad one is #GP",
     "emulate.mov_cr:cr3 security.cr3:refused")
{
    void *page = pv_alloc_page();

    EXPECT_FAULT(FAULT_OF("mov %[v], %%cr3", [v] "r"(pv_current_root().nr << 12)), PV_NO_FAULT);
    EXPECT_FAULT(FAULT_OF("mov %[v], %%cr3", [v] "r"(pv_va_to_mfn(page).nr << 12)), GP0);
    EXPECT_FAULT(FAULT_OF("mov %[v], %%cr3", [v] "r"(~0xfffUL)), GP0);
    EXPECT_EQ(read_cr(3) >> 12, pv_current_root().nr);
    pv_free_page(page);
}

CASE(insn_cr4_write, "a write of CR4 that the guest may make is carried out; bits that are the "
     "host's do not change",
     "emulate.mov_cr:cr4")
{
    uint64_t cr4 = read_cr(4);

    EXPECT_FAULT(FAULT_OF("mov %[v], %%cr4", [v] "r"(cr4)), PV_NO_FAULT);
    EXPECT_EQ(read_cr(4), cr4);
    EXPECT_FAULT(FAULT_OF("mov %[v], %%cr4", [v] "r"(cr4 | 8)), PV_NO_FAULT);
    EXPECT_EQ(read_cr(4), cr4 | 8);
    EXPECT_FAULT(FAULT_OF("mov %[v], %%cr4", [v] "r"(cr4)), PV_NO_FAULT);
    EXPECT_EQ(read_cr(4), cr4);
}

CASE(insn_cr8, "CR1 is #UD; CR8 does not belong to a guest", "emulate.mov_cr:other")
{
    EXPECT_TRUE(FAULT_OF("mov %%cr8, %%rax") != PV_NO_FAULT);
    EXPECT_TRUE(FAULT_OF("mov %%rax, %%cr8") != PV_NO_FAULT);
}

static const struct {
    uint8_t descriptor[10];
} zeroes __attribute__((aligned(16)));

/* Not among them, here and in user mode: invd and wbinvd, which QEMU carries out in ring 3. */
CASE(insn_refused, "hlt, lgdt, lidt, lldt, ltr, invlpg, lmsw, sysret and swapgs are #GP(0)",
     "emulate.refused:kernel security.privileged:refused")
{
    uint64_t sink = 0;

    EXPECT_FAULT(FAULT_OF("hlt"), GP0);
    EXPECT_FAULT(FAULT_OF("lgdt (%[p])", [p] "r"(&zeroes)), GP0);
    EXPECT_FAULT(FAULT_OF("lidt (%[p])", [p] "r"(&zeroes)), GP0);
    EXPECT_FAULT(FAULT_OF("lldt %w[s]", [s] "r"(0)), GP0);
    EXPECT_FAULT(FAULT_OF("ltr %w[s]", [s] "r"(0xe040)), GP0);
    EXPECT_FAULT(FAULT_OF("invlpg (%[p])", [p] "r"(&sink)), GP0);
    EXPECT_FAULT(FAULT_OF("lmsw %w[s]", [s] "r"(0)), GP0);
    EXPECT_FAULT(FAULT_OF("swapgs"), GP0);
    EXPECT_FAULT(FAULT_OF("sysretq"), GP0);
}

CASE(insn_wbinvd, "wbinvd is carried out", "emulate.wbinvd:effect")
{
    EXPECT_FAULT(FAULT_OF("wbinvd"), PV_NO_FAULT);
}

CASE(insn_cli, "cli and sti without I/O privilege are #GP(0); with it they do nothing",
     "emulate.cli:refused emulate.cli:effect physdev_op.set_iopl:effect physdev_op.set_iopl:EINVAL")
{
    struct physdev_set_iopl iopl = { .iopl = 0 };

    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    EXPECT_FAULT(FAULT_OF("cli"), GP0);
    EXPECT_FAULT(FAULT_OF("sti"), GP0);
    iopl.iopl = 1;
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    EXPECT_FAULT(FAULT_OF("cli"), PV_NO_FAULT);
    EXPECT_FAULT(FAULT_OF("sti"), PV_NO_FAULT);
    iopl.iopl = 4;
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &iopl), -XEN_EINVAL);
    iopl.iopl = 0;
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
}

CASE(insn_ports, "in and out need I/O privilege, even of the first domain's kernel",
     "emulate.io:refused emulate.io:effect")
{
    struct physdev_set_iopl iopl = { .iopl = 1 };
    uint8_t value = 0;

    EXPECT_FAULT(pv_probe_inb(0x61, &value), GP0);
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    EXPECT_FAULT(pv_probe_inb(0x61, &value), PV_NO_FAULT);
    iopl.iopl = 0;
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    EXPECT_FAULT(pv_probe_outb(0x61, value), GP0);
}

#define USER_INSN(name, insn)                                                              \
    PV_USER_TEXT static uint64_t user_##name(uint64_t arg)                                 \
    {                                                                                      \
        __asm__ volatile(insn : : [p] "r"(arg), "c"(0xc0000100), "a"(0), "d"(0) : "memory"); \
        return arg;                                                                        \
    }

USER_INSN(hlt, "hlt")
USER_INSN(lgdt, "lgdt (%[p])")
USER_INSN(lidt, "lidt (%[p])")
USER_INSN(ltr, "ltr %w[p]")
USER_INSN(invlpg, "invlpg (%[p])")
USER_INSN(read_cr0, "mov %%cr0, %%rax")
USER_INSN(read_cr3, "mov %%cr3, %%rax")
USER_INSN(write_cr3, "mov %[p], %%cr3")
USER_INSN(write_cr4, "mov %[p], %%cr4")
USER_INSN(clts, "clts")
USER_INSN(rdmsr, "rdmsr")
USER_INSN(wrmsr, "wrmsr")
USER_INSN(cli, "cli")
USER_INSN(inb, "inb $0x61, %%al")
USER_INSN(outb, "outb %%al, $0x61")
USER_INSN(swapgs, "swapgs")
USER_INSN(read_dr, "mov %%db0, %%rax")

CASE(insn_user, "in user mode each privileged instruction is #GP(0), also those that the kernel "
     "may use",
     "emulate.refused:user security.privileged:refused")
{
    static const struct {
        const char *name;
        void *fn;
    } rows[] = {
        { "hlt", user_hlt },       { "lgdt", user_lgdt },         { "lidt", user_lidt },
        { "ltr", user_ltr },       { "invlpg", user_invlpg },     { "mov cr0", user_read_cr0 },
        { "mov cr3", user_read_cr3 }, { "to cr3", user_write_cr3 }, { "to cr4", user_write_cr4 },
        { "clts", user_clts },     { "rdmsr", user_rdmsr },       { "wrmsr", user_wrmsr },
        { "cli", user_cli },       { "in", user_inb },            { "out", user_outb },
        { "swapgs", user_swapgs },     { "mov dr", user_read_dr },
    };

    for (size_t i = 0; i < PV_ARRAY_SIZE(rows); i++) {
        struct pv_user_exit exit;

        EXPECT_EQ(pv_user_call(rows[i].fn, PV_USER_BASE, &exit), 0);
        EXPECT_FAULT_ROW(exit.fault, GP0, rows[i].name);
    }
}
