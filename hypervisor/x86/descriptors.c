/* SPDX-License-Identifier: MIT */
/*
 * Our own descriptors. A CPU's GDT is its descriptor window (mm/layout.h): pages 0 to 13 are the
 * loaded guest's, page 14 is ours, with the slots that the ABI fixes; page 15 is not mapped. All
 * CPUs share one IDT; a TSS each says where the stacks are.
 */
#include "lib/printk.h"
#include "mm/mm.h"
#include "x86/platform.h"

#define OUR_GDT_PAGE FIRST_RESERVED_GDT_PAGE
#define GDT_LIMIT    ((OUR_GDT_PAGE + 1) * PAGE_SIZE - 1)
#define GDT_SLOT(sel) (((sel) - OUR_GDT_PAGE * PAGE_SIZE) / 8)

/* Base 0, limit 4 GiB; the accessed bit is set, so that no CPU ever writes to them. */
#define DESC_CODE64 0x00af9b000000ffffull
#define DESC_CODE32 0x00cf9b000000ffffull
#define DESC_DATA   0x00cf93000000ffffull
#define DESC_DPL3   (3ull << 45)
#define DESC_TSS    (0x89ull << 40)     /* present, DPL 0, available */

/* As the processor reads it: of all this only the stacks are used. */
struct tss {
    u32 reserved0;
    u64 rsp[3];
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3;
    u16 iomap;          /* beyond the limit: no port is open to ring 3 */
} __packed;

BUILD_ASSERT(sizeof(struct tss) == 104);

static DEFINE_PER_CPU(struct tss, tss);

/* A gate of the IDT, as the processor reads it. */
struct gate {
    u16 offset_low, selector;
    u8 ist, type;
    u16 offset_mid;
    u32 offset_high, reserved;
};

#define GATE_INTERRUPT 0x8e     /* present, DPL 0, clears IF */
#define GATE_DPL3      0x60
#define NR_VECTORS     256
#define STUB_STRIDE    16

BUILD_ASSERT(sizeof(struct gate) == 16);

/* Read-only data but for idt_fill(), which writes it once. */
static const struct gate idt[NR_VECTORS] __aligned(PAGE_SIZE) __section(".rodata.idt") = { 0 };

extern const char entry_stubs[];    /* entry.S: STUB_STRIDE bytes a vector */

enum { IST_NMI = 1, IST_MC, IST_DB, IST_DF };

/*
 * Vectors that can come where the main stack is not to be trusted: NMI and #MC at any instruction,
 * #DB right behind a SYSCALL, #DF when the stack itself is the fault. Each has a stack of its own.
 */
static const u8 vector_ist[32] = {
    [1] = IST_DB, [2] = IST_NMI, [8] = IST_DF, [18] = IST_MC,
};

struct table_register {
    u16 limit;
    u64 base;
} __packed;

/*
 * Ring 3 may run int3, into and int $0x80 straight away. Any other `int n` of a guest arrives as
 * #GP, and traps.c decides by the guest's trap table.
 */
static bool open_to_guests(unsigned int vector)
{
    return vector == 3 || vector == 4 || vector == 0x80;
}

static void idt_fill(void)
{
    struct gate *gates;

    /* By way of the assembler, so that the compiler does not see a constant being written. */
    __asm__("" : "=r"(gates) : "0"(idt));
    cpu_write_protect(false);
    for (unsigned int v = 0; v < NR_VECTORS; v++) {
        u64 stub = (u64)entry_stubs + v * STUB_STRIDE;

        gates[v] = (struct gate){
            .offset_low = (u16)stub,
            .offset_mid = (u16)(stub >> 16),
            .offset_high = (u32)(stub >> 32),
            .selector = SEL_HV_CS,
            .ist = v < ARRAY_SIZE(vector_ist) ? vector_ist[v] : 0,
            .type = GATE_INTERRUPT | (open_to_guests(v) ? GATE_DPL3 : 0),
        };
    }
    cpu_write_protect(true);
}

/* The stacks that regs.h draws: IST n is the block's page 2n - 1, and begins at its end. */
static void tss_fill(struct tss *t, unsigned int cpu)
{
    struct cpu_info *info = stack_cpu_info(cpu);
    unsigned long block = (unsigned long)(info + 1) - STACK_SIZE;

    /* The CPU pushes a guest's ss, rsp, rflags, cs and rip straight into guest_regs. */
    t->rsp[0] = (u64)(&info->guest_regs + 1);
    for (unsigned int ist = 1; ist <= 4; ist++)
        t->ist[ist - 1] = block + 2 * ist * PAGE_SIZE;
    t->iomap = sizeof(*t);
}

BUILD_ASSERT((sizeof(struct cpu_info) - sizeof(struct cpu_regs)) % 16 == 0);

/*
 * The slots of our page: the ABI fixes the three of ring 3; SYSCALL and SYSRET fix how ours and
 * theirs lie to each other (cpu.c, STAR).
 */
static void gdt_fill(u64 *gdt, const struct tss *t)
{
    u64 base = (u64)t, limit = sizeof(*t) - 1;

    gdt[GDT_SLOT(SEL_HV_CS)] = DESC_CODE64;
    gdt[GDT_SLOT(SEL_HV_CS) + 1] = DESC_DATA;   /* what SYSCALL loads as SS */
    gdt[GDT_SLOT(SEL_RING3_CS32 & ~7)] = DESC_CODE32 | DESC_DPL3;
    gdt[GDT_SLOT(SEL_RING3_DS & ~7)] = DESC_DATA | DESC_DPL3;
    gdt[GDT_SLOT(SEL_RING3_CS64 & ~7)] = DESC_CODE64 | DESC_DPL3;
    gdt[GDT_SLOT(SEL_TSS)] = limit | (base & 0xffffff) << 16 | DESC_TSS |
                             (base >> 24 & 0xff) << 56;
    gdt[GDT_SLOT(SEL_TSS) + 1] = base >> 32;
}

/* Our code selector comes with a far return; the data segments are null, as 64-bit code likes. */
static void load_segments(void)
{
    unsigned long scratch;

    __asm__ volatile("pushq %1\n\t"
                     "leaq 1f(%%rip), %0\n\t"
                     "pushq %0\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "mov %2, %%ss\n\t"
                     "mov %2, %%ds\n\t"
                     "mov %2, %%es\n\t"
                     "mov %2, %%fs\n\t"
                     "mov %2, %%gs\n\t"
                     "lldt %w2\n\t"
                     "ltr %w3"
                     : "=&r"(scratch)
                     : "i"(SEL_HV_CS), "r"(SEL_HV_DS), "r"(SEL_TSS)
                     : "memory");
}

/*
 * The TSS is complete before anything points to it, and the IDT comes last: from the first
 * exception on, each stack of the table is there (XSA-244).
 */
void descriptors_init(void)
{
    unsigned int cpu = this_cpu_id();
    unsigned long window = GDT_WINDOW((unsigned long)cpu);
    struct table_register gdtr = { .limit = GDT_LIMIT, .base = window };
    struct table_register idtr = { .limit = sizeof(idt) - 1, .base = (u64)idt };
    void *page = alloc_hv_pages(0);

    if (!page || hv_map(window + OUR_GDT_PAGE * PAGE_SIZE, virt_to_mfn(page), 1, HV_RW))
        panic("no memory for the GDT of CPU %u", cpu);
    tss_fill(&this_cpu(tss), cpu);
    gdt_fill(page, &this_cpu(tss));
    if (cpu == 0)
        idt_fill();
    __asm__ volatile("lgdt %0" : : "m"(gdtr));
    load_segments();
    __asm__ volatile("lidt %0" : : "m"(idtr));
}
