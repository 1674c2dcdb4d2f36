/* SPDX-License-Identifier: MIT */
/*
 * What the CPU can do, and how we set it up: control registers, the MSRs of SYSCALL and SYSENTER,
 * and the SMAP instructions patched into our own text. Only what CPUID announces is touched: an
 * unknown MSR faults, and an unsupported CR4 bit is worse.
 */
#include "lib/printk.h"
#include "mm/layout.h"
#include "x86/platform.h"

struct cpu_features cpu_has;

/* Chosen once, by CPU 0. No bit is in both; bits in neither are off and can't be turned on. */
static u64 cr4_base;                    /* what every CPU has set, whatever guest runs */
static u64 cr4_guest_mask;              /* what a guest may choose, of what the CPU has */
static DEFINE_PER_CPU(u64, cr4);        /* this CPU's CR4: reading the register is slow */

/* What SYSCALL clears: TF, IF, DF, IOPL, NT, RF, VM, AC. */
#define SFMASK_VALUE 0x77700ull

/* entry.S: a landing stub per CPU, since SYSCALL finds no stack. */
#define SYSCALL_STUB_STRIDE 32
extern const char syscall_stubs[], syscall32_stubs[], sysenter_stubs[];

/* ---- features ---- */

/* @name as the vendor spells it; leaf 0 has it in EBX, EDX, ECX. */
static bool vendor_is(const char name[13])
{
    struct cpuid_regs r = cpuid(0, 0);
    u32 text[3] = { r.b, r.d, r.c };

    return __builtin_memcmp(text, name, sizeof(text)) == 0;
}

/* Atoms and Xeon Phis of family 6 that speculate too little for the one or the other attack. */
static const struct {
    u8 model;
    bool meltdown;
} l1tf_free_models[] = {
    { 0x1c, false }, { 0x26, false }, { 0x27, false }, { 0x35, false }, { 0x36, false },
    { 0x37, true }, { 0x4a, true }, { 0x4c, true }, { 0x4d, true }, { 0x5a, true },
    { 0x57, true }, { 0x85, true }, { 0x5c, true }, { 0x5f, true }, { 0x7a, true },
    { 0x86, true },
};

/*
 * Meltdown and L1TF are Intel's. A CPU that is free of both by design says so (RDCL_NO); a vendor
 * that we don't know gets no benefit of the doubt.
 */
static void find_vulnerabilities(u32 signature, u32 leaf7_edx)
{
    u32 family = (signature >> 8 & 15) + (signature >> 20 & 0xff);
    u32 model = (signature >> 4 & 15) | (signature >> 12 & 0xf0);

    if (cpu_has.amd || ((leaf7_edx & BIT(29)) && (rdmsr(MSR_ARCH_CAPS) & BIT(0))))
        return;
    cpu_has.meltdown = cpu_has.l1tf = true;
    if (!cpu_has.intel || family != 6)
        return;
    for (unsigned int i = 0; i < ARRAY_SIZE(l1tf_free_models); i++) {
        if (l1tf_free_models[i].model == model) {
            cpu_has.l1tf = false;
            cpu_has.meltdown = l1tf_free_models[i].meltdown;
        }
    }
}

/*
 * From leaf 0x80000000 on. Where the address sizes are not said, they are the smallest that
 * processors with long mode had.
 */
static void read_extended_features(void)
{
    u32 last = cpuid(0x80000000u, 0).a;

    if (last >= 0x80000001u) {
        struct cpuid_regs r = cpuid(0x80000001u, 0);

        cpu_has.nx = r.d & BIT(20);
        cpu_has.gbpages = r.d & BIT(26);
        if (!(r.d & BIT(11)) || !(r.d & BIT(29)))
            panic("this CPU has no SYSCALL or no long mode");
    }
    if (last >= 0x80000007u)
        cpu_has.tsc_invariant = cpuid(0x80000007u, 0).d & BIT(8);
    cpu_has.phys_bits = 36;
    cpu_has.linear_bits = 48;
    if (last >= 0x80000008u) {
        struct cpuid_regs r = cpuid(0x80000008u, 0);

        cpu_has.phys_bits = (u8)r.a;
        /* We use four levels of tables, so addresses have 48 bits also where five would do. */
        cpu_has.linear_bits = min((u8)(r.a >> 8), (u8)48);
    }
}

/* Once, on CPU 0, before anything depends on a feature. */
static void read_features(void)
{
    struct cpuid_regs one = cpuid(1, 0), seven = { 0 };
    bool sep = one.d & BIT(11);

    cpu_has.intel = vendor_is("GenuineIntel");
    cpu_has.amd = vendor_is("AuthenticAMD") || vendor_is("HygonGenuine");
    cpu_has.xsave = one.c & BIT(26);
    if (cpuid(0, 0).a >= 7)
        seven = cpuid(7, 0);
    cpu_has.fsgsbase = seven.b & BIT(0);
    cpu_has.smep = seven.b & BIT(7);
    cpu_has.smap = seven.b & BIT(20);
    cpu_has.pku = seven.c & BIT(3);
    if (cpu_has.xsave)
        cpu_has.xsaveopt = cpuid(0xd, 1).a & BIT(0);
    /* In long mode SYSENTER is Intel's, and SYSCALL of 32-bit code is AMD's. */
    cpu_has.sysenter = sep && !cpu_has.amd;
    cpu_has.syscall32 = cpu_has.amd;
    read_extended_features();
    find_vulnerabilities(one.a, seven.d);
}

/* ---- SMAP in our own text ---- */

/* The text has three-byte NOPs where ring-0 access to guest memory begins (stac) or ends (clac). */
struct smap_patch {
    s32 offset;         /* of the site, from this entry */
    u8 stac;
    u8 pad[3];
};
extern struct smap_patch __smap_patch_start[], __smap_patch_end[];

/*
 * On CPU 0, before the others run and while the text can still be written: with CR0.WP off, through
 * its read-only mapping. Without SMAP the NOPs stay: stac would be #UD.
 */
static void smap_patch_text(void)
{
    cpu_write_protect(false);
    for (struct smap_patch *p = __smap_patch_start; p < __smap_patch_end; p++) {
        u8 *site = (u8 *)p + p->offset;

        site[0] = 0x0f;
        site[1] = 0x01;
        site[2] = p->stac ? 0xcb : 0xca;
    }
    cpu_write_protect(true);
    cpuid(0, 0);        /* serialises: nothing of the old text is in the pipeline any more */
}

/* ---- control registers ---- */

void cpu_write_protect(bool on)
{
    write_cr0(on ? read_cr0() | CR0_WP : read_cr0() & ~CR0_WP);
}

u64 cpu_efer(void)
{
    return EFER_SCE | EFER_LME | (cpu_has.nx ? EFER_NXE : 0);
}

/*
 * Of what there is, what guards us; and what guests may turn on for themselves.
 *
 * Not UMIP: in guests, which don't see it in CPUID, it would turn SGDT, SMSW and the like into #GP,
 * and Linux's own kernel uses SGDT. What these show, the addresses of our tables, is no secret.
 */
static void choose_cr4(void)
{
    cr4_base = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT |
               (cpu_has.xsave ? CR4_OSXSAVE : 0) |
               (cpu_has.smep ? CR4_SMEP : 0) | (cpu_has.smap ? CR4_SMAP : 0);
    cr4_guest_mask = CR4_TSD | CR4_DE | (cpu_has.fsgsbase ? CR4_FSGSBASE : 0);
}

static void set_control_registers(void)
{
    write_cr0(CR0_VALUE);
    this_cpu(cr4) = cr4_base;
    write_cr4(cr4_base);
    wrmsr(MSR_EFER, cpu_efer());
    wrmsr(MSR_PAT, PAT_VALUE);
}

/*
 * Hot: at each change of the vCPU. The register is written only if it changes, which it rarely
 * does: most guests want the same.
 */
void cpu_set_cr4_guest_bits(u64 bits)
{
    u64 want = cr4_base | (bits & cr4_guest_mask);

    if (this_cpu(cr4) != want) {
        this_cpu(cr4) = want;
        write_cr4(want);
    }
}

/* LSTAR, CSTAR and SYSENTER_EIP each name this CPU's own stub: its address says whose it is. */
static void set_syscall_msrs(void)
{
    u64 stub = (u64)this_cpu_id() * SYSCALL_STUB_STRIDE;

    /* SYSRET to 64-bit code adds 16 to the upper selector, and 8 for SS. */
    wrmsr(MSR_STAR, (u64)SEL_RING3_CS32 << 48 | (u64)SEL_HV_CS << 32);
    wrmsr(MSR_LSTAR, (u64)syscall_stubs + stub);
    wrmsr(MSR_SFMASK, SFMASK_VALUE);
    /* Intel never uses CSTAR, but keeps it like the others. */
    wrmsr(MSR_CSTAR, (u64)syscall32_stubs + stub);
    if (cpu_has.sysenter) {
        wrmsr(MSR_SYSENTER_CS, SEL_HV_CS);
        wrmsr(MSR_SYSENTER_ESP, (u64)(&stack_cpu_info(this_cpu_id())->guest_regs + 1));
        wrmsr(MSR_SYSENTER_EIP, (u64)sysenter_stubs + stub);
    }
}

/* ---- the two steps ---- */

/* CPU 0 alone. SMAP's instructions before CR4.SMAP is set: from then on copies need them. */
void cpu_init_boot(void)
{
    read_features();
    if (!cpu_has.nx)
        pr_warn("this CPU has no NX: data can be executed");
    if (cpu_has.smap)
        smap_patch_text();
    choose_cr4();
    set_control_registers();
}

void cpu_init(void)
{
    set_control_registers();
    descriptors_init();
    set_syscall_msrs();
}
