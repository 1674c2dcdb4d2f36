/* SPDX-License-Identifier: MIT */
/*
 * RDMSR and WRMSR of a guest kernel: a list of the registers that PV kernels touch, each with
 * what it means to them. Whatever is not listed is #GP. A guest's write reaches a real MSR only
 * for segment bases and TSC_AUX.
 */
#include "domain/domain.h"
#include "hypercall/hypercall.h"
#include "x86/guest_mode.h"
#include "x86/msr.h"
#include "x86/platform.h"

#define APIC_BASE_ADDR      0xfee00000ull
#define FEATURE_LOCKED      BIT(0)
#define DE_CFG_LFENCE       BIT(1)      /* LFENCE is serialising */
/* Fast strings; no branch trace store, no precise events. */
#define MISC_ENABLE         (BIT(0) | BIT(11) | BIT(12))

enum vendor { ANY, INTEL, AMD };

/* A register: how it reads, and what may be written. Handlers say false for #GP(0). */
struct msr_rule {
    u32 msr;
    enum vendor vendor;                         /* on another's processor the MSR is not there */
    bool (*read)(struct vcpu *v, u64 *value);   /* NULL: the constant below */
    u64 constant;
    bool (*write)(struct vcpu *v, u64 value);   /* NULL: #GP but for the value that a read shows */
};

/* ---- Segment bases ---- */

/* Not canonical: #GP for the guest, as the processor has it, and not one of ours (XSA-193). */
static bool write_base(u32 msr, u64 value)
{
    if (!is_canonical(value))
        return false;
    wrmsr(msr, value);
    return true;
}

static bool read_fs_base(struct vcpu *v, u64 *value)
{
    *value = rdmsr(MSR_FS_BASE);
    return true;
}

static bool write_fs_base(struct vcpu *v, u64 value)
{
    return write_base(MSR_FS_BASE, value);
}

static bool read_gs_base(struct vcpu *v, u64 *value)
{
    *value = rdmsr(MSR_GS_BASE);
    return true;
}

static bool write_gs_base(struct vcpu *v, u64 value)
{
    return write_base(MSR_GS_BASE, value);
}

/* In guest-kernel mode the other base is the user mode's. */
static bool read_user_gs_base(struct vcpu *v, u64 *value)
{
    *value = rdmsr(MSR_KERNEL_GS_BASE);
    return true;
}

static bool write_user_gs_base(struct vcpu *v, u64 value)
{
    return write_base(MSR_KERNEL_GS_BASE, value);
}

/* ---- Others ---- */

static bool have_tsc_aux(void)
{
    static u8 known;    /* 1: no, 2: yes; every CPU finds the same */

    if (!known)
        known = cpuid(0x80000001u, 0).d & BIT(27) ? 2 : 1;
    return known == 2;
}

void msr_load_tsc_aux(const struct vcpu *v)
{
    if (have_tsc_aux())
        wrmsr(MSR_TSC_AUX, v->cpu.tsc_aux);
}

static bool read_tsc_aux(struct vcpu *v, u64 *value)
{
    *value = v->cpu.tsc_aux;
    return have_tsc_aux();
}

static bool write_tsc_aux(struct vcpu *v, u64 value)
{
    if (!have_tsc_aux() || value >> 32)
        return false;
    v->cpu.tsc_aux = value;
    msr_load_tsc_aux(v);
    return true;
}

/* The real one: system time is computed from it by the guest itself. */
static bool read_tsc(struct vcpu *v, u64 *value)
{
    *value = rdtsc();
    return true;
}

static bool read_apic_base(struct vcpu *v, u64 *value)
{
    *value = APIC_BASE_ADDR | APIC_BASE_ENABLE | (v->id == 0 ? APIC_BASE_BSP : 0);
    return true;
}

/* What the machine runs with; LMA is not in the number that is loaded, but set by the CPU. */
static bool read_efer(struct vcpu *v, u64 *value)
{
    *value = cpu_efer() | EFER_LMA;
    return true;
}

static bool drop_write(struct vcpu *v, u64 value)
{
    return true;
}

static bool refuse_write(struct vcpu *v, u64 value)
{
    return false;
}

/* Only zero: there is nothing that it could turn on or clear. */
static bool write_zero(struct vcpu *v, u64 value)
{
    return value == 0;
}

static bool write_patch_level(struct vcpu *v, u64 value)
{
    return cpu_has.intel;
}

/* The MSR that CPUID leaf 0x40000002 names: page number 0 goes to the frame in the upper bits. */
static bool write_hypercall_page(struct vcpu *v, u64 value)
{
    mfn_t m = MFN(value >> PAGE_SHIFT);

    if ((value & (PAGE_SIZE - 1)) || get_page_and_type(m, v->domain->id, USE_WRITABLE))
        return false;
    hypercall_page_fill(mfn_to_virt(m));
    put_page_and_type(mfn_to_page(m));
    return true;
}

/*
 * The frequent ones first: the search is from the top. Those without `write` take only what a read
 * shows; so kernels that write back what they read are content, and nothing reaches the hardware
 * (XSA-333: MISC_ENABLE did).
 */
static const struct msr_rule rules[] = {
    { .msr = MSR_FS_BASE, .read = read_fs_base, .write = write_fs_base },
    { .msr = MSR_GS_BASE, .read = read_gs_base, .write = write_gs_base },
    { .msr = MSR_KERNEL_GS_BASE, .read = read_user_gs_base, .write = write_user_gs_base },
    { .msr = MSR_TSC_AUX, .read = read_tsc_aux, .write = write_tsc_aux },
    { .msr = MSR_EFER, .read = read_efer },
    { .msr = MSR_TSC, .read = read_tsc },
    { .msr = MSR_APIC_BASE, .read = read_apic_base, .write = refuse_write },
    { .msr = MSR_PAT, .constant = PAT_VALUE, .write = refuse_write },
    { .msr = MSR_PATCH_LEVEL, .constant = 0, .write = write_patch_level },
    /* No bank of machine-check registers. */
    { .msr = MSR_MCG_CAP, .constant = 0 },
    { .msr = MSR_MCG_STATUS, .constant = 0, .write = write_zero },
    { .msr = MSR_PLATFORM_INFO, .constant = 0, .write = refuse_write },
    { .msr = MSR_MISC_FEATURES, .constant = 0, .write = write_zero },
    { .msr = MSR_FEATURE_CONTROL, .vendor = INTEL, .constant = FEATURE_LOCKED },
    { .msr = MSR_MISC_ENABLE, .vendor = INTEL, .constant = MISC_ENABLE },
    { .msr = MSR_AMD_HWCR, .vendor = AMD, .constant = 0, .write = drop_write },
    { .msr = MSR_AMD_DE_CFG, .vendor = AMD, .constant = DE_CFG_LFENCE, .write = drop_write },
    { .msr = MSR_HYPERCALL_PAGE, .constant = 0, .write = write_hypercall_page },
};

/* NULL: no such register, for a guest on this machine. */
static const struct msr_rule *find_rule(u32 msr)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(rules); i++) {
        if (rules[i].msr == msr) {
            bool here = rules[i].vendor == ANY ||
                        (rules[i].vendor == INTEL ? cpu_has.intel : cpu_has.amd);

            return here ? &rules[i] : NULL;
        }
    }
    return NULL;
}

static bool read_rule(struct vcpu *v, const struct msr_rule *rule, u64 *value)
{
    *value = rule->constant;
    return !rule->read || rule->read(v, value);
}

bool guest_rdmsr(struct vcpu *v, u32 msr, u64 *value)
{
    const struct msr_rule *rule = find_rule(msr);

    if (rule && read_rule(v, rule, value))
        return true;
    /* A kernel that can't take a #GP yet would die of it; it gets a zero, as the ABI has it. */
    *value = 0;
    return v->cpu.traps[X86_TRAP_GP].address == 0;
}

/* NULL for `write`: writing back what a read shows is all that is allowed, and does nothing. */
bool guest_wrmsr(struct vcpu *v, u32 msr, u64 value)
{
    const struct msr_rule *rule = find_rule(msr);
    u64 now;

    if (!rule)
        return false;
    if (rule->write)
        return rule->write(v, value);
    return read_rule(v, rule, &now) && now == value;
}
