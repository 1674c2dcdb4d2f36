/* SPDX-License-Identifier: MIT */
/* set_gdt and update_descriptor: the guest's descriptor table and what may stand in it. */
#include "../lib/case.h"
#include "../lib/frame.h"

#define CODE64 0x00affb000000ffffUL     /* DPL 3, long, readable */
#define DATA   0x00cff3000000ffffUL     /* DPL 3, writable, base 0, 4 GiB */
#define DPL(d, n) (((d) & ~(3UL << 45)) | (uint64_t)(n) << 45)
#define PRESENT (1UL << 47)

#define SELECTOR(index) ((index) * 8 | 3)

/* A page fit for a GDT, with no writable mapping. */
static uint64_t *gdt_page(void)
{
    return pv_alloc_table();
}

static long set_gdt(const void *page, unsigned int entries)
{
    unsigned long frame = pv_va_to_mfn(page).nr;

    return HYPERVISOR_set_gdt(&frame, entries);
}

static long write_descriptor(const uint64_t *entry, uint64_t value)
{
    const char *page = (const char *)((uint64_t)entry & PV_PAGE_MASK);

    return HYPERVISOR_update_descriptor((pv_va_to_mfn(page).nr << PV_PAGE_SHIFT) +
                                            ((uint64_t)entry & ~PV_PAGE_MASK), value);
}

static uint16_t read_ds(void)
{
    uint16_t ds;

    __asm__ volatile("mov %%ds, %0" : "=r"(ds));
    return ds;
}

static pv_fault_t load_ds(uint16_t selector)
{
    pv_fault_t f;

    PV_TRY_ASM(f, "mov %[s], %%ds", PV_OUT(), PV_IN([s] "r"((uint32_t)selector)));
    return f;
}

static void drop_gdt(uint64_t *page)
{
    EXPECT_FAULT(load_ds(0), PV_NO_FAULT);
    EXPECT_EQ(HYPERVISOR_set_gdt(NULL, 0), 0);
    EXPECT_EQ(pv_free_table(page), 0);
}

CASE(gdt_load, "a descriptor of the guest's GDT can be loaded by its selector",
     "set_gdt:effect update_descriptor:effect")
{
    uint64_t *gdt = gdt_page();

    EXPECT_EQ(set_gdt(gdt, 512), 0);
    EXPECT_EQ(write_descriptor(&gdt[5], DATA), 0);
    EXPECT_EQ(gdt[5], DATA);
    EXPECT_FAULT(load_ds(SELECTOR(5)), PV_NO_FAULT);
    EXPECT_EQ(read_ds(), SELECTOR(5));
    drop_gdt(gdt);
}

CASE(gdt_selector_faults, "empty and absent descriptors fault as the processor says, with the "
     "selector",
     "set_gdt:effect exception.GP:kernel exception.NP:kernel")
{
    uint64_t *gdt = gdt_page();

    EXPECT_EQ(set_gdt(gdt, 512), 0);
    EXPECT_EQ(write_descriptor(&gdt[6], DATA & ~PRESENT), 0);
    EXPECT_EQ(gdt[6], DATA & ~PRESENT);
    EXPECT_FAULT(load_ds(SELECTOR(7)), PV_FAULT(PV_GP, SELECTOR(7) & ~3));
    EXPECT_FAULT(load_ds(SELECTOR(6)), PV_FAULT(PV_NP, SELECTOR(6) & ~3));
    drop_gdt(gdt);
}

CASE(gdt_flat, "the hypervisor's flat selectors are there without a GDT of the guest's own",
     "start.selectors:effect set_gdt:effect")
{
    EXPECT_EQ(HYPERVISOR_set_gdt(NULL, 0), 0);
    EXPECT_FAULT(load_ds(FLAT_RING3_DS32), PV_NO_FAULT);
    EXPECT_FAULT(load_ds(0), PV_NO_FAULT);
    EXPECT_FAULT(load_ds(SELECTOR(1)), PV_FAULT(PV_GP, SELECTOR(1) & ~3));
}

CASE(gdt_count, "more entries than the guest's 14 pages hold are -EINVAL", "set_gdt:EINVAL")
{
    EXPECT_EQ(HYPERVISOR_set_gdt(NULL, FIRST_RESERVED_GDT_ENTRY + 1), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_set_gdt(NULL, ~0u), -XEN_EINVAL);
}

CASE(gdt_bad_list, "a list of frames that can't be read is -EFAULT", "set_gdt:EFAULT")
{
    EXPECT_EQ(HYPERVISOR_set_gdt((xen_ulong_t *)CONF_EMPTY_VA, 1), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_set_gdt((xen_ulong_t *)CONF_HYPERVISOR_VA, 1), -XEN_EFAULT);
}

CASE(gdt_bad_frames, "a frame that is absent, writably mapped or a page table can't be a GDT page",
     "set_gdt:EINVAL security.gdt_writable:refused security.gdt_page_table:refused")
{
    unsigned long frame = ~0UL >> 12, several[] = { 0, 0, ~0UL >> 12 };
    void *page = pv_alloc_page(), *l1 = pv_alloc_table();

    EXPECT_EQ(HYPERVISOR_set_gdt(&frame, 1), -XEN_EINVAL);
    EXPECT_EQ(set_gdt(page, 1), -XEN_EINVAL);
    EXPECT_EQ(pv_pin(pv_va_to_mfn(l1), 1), 0);
    EXPECT_EQ(set_gdt(l1, 1), -XEN_EINVAL);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l1)), 0);
    /* Those before the bad one are let go again: the page can be written to. */
    several[0] = several[1] = pv_va_to_mfn(l1).nr;
    EXPECT_EQ(HYPERVISOR_set_gdt(several, 3 * 512), -XEN_EINVAL);
    EXPECT_EQ(pv_free_table(l1), 0);
    pv_free_page(page);
}

CASE(gdt_no_writable, "while a frame is a GDT page, it can't be mapped writable nor pinned as a "
     "table",
     "security.gdt_writable:refused security.gdt_page_table:refused")
{
    uint64_t *gdt = gdt_page();
    uint64_t va = (uint64_t)gdt;
    pv_mfn_t mfn = pv_va_to_mfn(gdt);

    EXPECT_EQ(set_gdt(gdt, 512), 0);
    EXPECT_EQ(pv_update_va(va, pv_pte(mfn, PV_PROT_RW), UVMF_INVLPG), -XEN_EBUSY);
    EXPECT_EQ(pv_pin(mfn, 1), -XEN_EINVAL);
    EXPECT_FAULT(pv_probe_write(va, DATA), PV_FAULT(PV_PF, PV_PF_PRESENT | PV_PF_WRITE));
    drop_gdt(gdt);
}

#define GATE(sel, dpl) \
    (0x00008c0000000000UL | (uint64_t)(dpl) << 45 | (uint64_t)(sel) << 16 | 0x1234)

static const struct {
    const char *name;
    uint64_t descriptor, stored;
    long result;
} descriptors[] = {
    { "empty", 0, 0, 0 },
    { "data", DATA, DATA, 0 },
    { "code", CODE64, CODE64, 0 },
    { "data DPL 0", DPL(DATA, 0), DATA, 0 },
    { "code DPL 1", DPL(CODE64, 1), CODE64, 0 },
    { "absent LDT", 0x0000020000000000UL, 0x0000020000000000UL, 0 },
    { "absent DPL 0", DPL(DATA, 0) & ~PRESENT, DPL(DATA, 0) & ~PRESENT, 0 },
    { "LDT", 0x0000e2000000ffffUL, 0, -XEN_EINVAL },
    { "TSS", 0x0000e90000000067UL, 0, -XEN_EINVAL },
    { "busy TSS", 0x0000eb0000000067UL, 0, -XEN_EINVAL },
    { "interrupt gate", 0x0000ee0000330000UL, 0, -XEN_EINVAL },
    { "trap gate", 0x0000ef0000330000UL, 0, -XEN_EINVAL },
    { "task gate", 0x0000e50000330000UL, 0, -XEN_EINVAL },
    { "type 0", 0x0000e00000330000UL, 0x0000e00000330000UL, 0 },
    { "call gate", GATE(0x8, 0), GATE(0x8 | 3, 0), 0 },
    { "call gate DPL 3", GATE(0x8, 3), GATE(0x8 | 3, 0), 0 },
    { "call gate DPL 2, RPL 1", GATE(0x8 | 1, 2), GATE(0x8 | 3, 0), 0 },
    { "call gate to nothing", GATE(0, 3), GATE(3, 0), 0 },
    { "call gate to the LDT", GATE(0xfff4, 0), GATE(0xfff7, 0), 0 },
    { "call gate to the last entry", GATE(0xdff8, 0), GATE(0xdffb, 0), 0 },
    { "call gate to flat code", GATE(FLAT_KERNEL_CS, 0), GATE(FLAT_KERNEL_CS, 0), 0 },
    { "call gate to the same as RPL 0", GATE(FLAT_KERNEL_CS & ~3, 0), 0, -XEN_EINVAL },
    { "call gate to flat data", GATE(FLAT_USER_DS32, 0), 0, -XEN_EINVAL },
    { "call gate to a hypervisor's entry", GATE(0xe008, 0), 0, -XEN_EINVAL },
    { "call gate with a count", GATE(0x8, 0) | 1UL << 32, 0, -XEN_EINVAL },
    { "call gate with a reserved bit", GATE(0x8, 0) | 1UL << 39, 0, -XEN_EINVAL },
};

CASE(descriptor_audit, "update_descriptor raises the DPL of code and data to 3, takes what is "
     "absent, and refuses system descriptors, but for call gates that ring 3 can't call",
     "update_descriptor:effect update_descriptor:EINVAL security.descriptor_types:refused")
{
    uint64_t *gdt = gdt_page();

    EXPECT_EQ(set_gdt(gdt, 512), 0);
    for (size_t i = 0; i < PV_ARRAY_SIZE(descriptors); i++) {
        EXPECT_EQ(write_descriptor(&gdt[9], 0), 0);
        EXPECT_ROW(write_descriptor(&gdt[9], descriptors[i].descriptor), descriptors[i].result,
                   descriptors[i].name);
        EXPECT_ROW(gdt[9], descriptors[i].stored, descriptors[i].name);
    }
    drop_gdt(gdt);
}

/* What update_descriptor makes of any descriptor: as it is, with another DPL, or refused. */
static long audited(uint64_t *d)
{
    unsigned int type = *d >> 40 & 15;

    if (!(*d & PRESENT))
        return 0;
    if (*d >> 44 & 1)
        *d = DPL(*d, 3);
    else if (type == 12)
        *d = DPL(*d, 0);
    else if (type != 0)
        return -XEN_EINVAL;
    return 0;
}

CASE(descriptor_all, "each type at each privilege, present or not, in 16, 32 and 64 bits: code and "
     "data, conforming too, get DPL 3; a call gate gets DPL 0, which nobody may call; of the other "
     "system types only the reserved 0 is taken",
     "update_descriptor:effect update_descriptor:EINVAL security.descriptor_types:refused")
{
    uint64_t *gdt = gdt_page();

    EXPECT_EQ(set_gdt(gdt, 512), 0);
    for (uint64_t i = 0; i < 1024; i++) {
        /* type and S, DPL, P; L and D */
        uint64_t d = DATA & ~(0xffUL << 40) & ~(3UL << 53), stored;
        long result;

        d |= (i & 0xff) << 40 | (i >> 8) << 53;
        stored = d;
        result = audited(&stored);
        EXPECT_EQ(write_descriptor(&gdt[9], 0), 0);
        EXPECT_ROW(write_descriptor(&gdt[9], d), result, "the result");
        if (result == 0 && (d >> 40 & 0x9f) == 0x8c)
            stored |= 3 << 16;          /* the gate's selector: ring 3 */
        EXPECT_ROW(gdt[9], result ? 0 : stored, "what is stored");
    }
    EXPECT_EQ(write_descriptor(&gdt[9], 0), 0);
    drop_gdt(gdt);
}

static long set_ldt(uint64_t va, unsigned int entries)
{
    struct mmuext_op op = { .cmd = MMUEXT_SET_LDT, .arg1.linear_addr = va,
                            .arg2.nr_ents = entries };

    return HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/* Both ways to touch entry n of an LDT that is no good: #PF at its place in the table. */
static void expect_ldt_fault(uint64_t ldt, unsigned int n)
{
    uint64_t sink = 0;
    pv_fault_t f;

    EXPECT_FAULT(load_ds((uint16_t)(n * 8 | 7)), PV_FAULT(PV_PF, 0));
    EXPECT_EQ(pv_last_fault()->cr2, ldt + n * 8);
    PV_TRY_ASM(f, "lar %[s], %[o]", PV_OUT([o] "+r"(sink)), PV_IN([s] "r"(n * 8UL | 7)));
    EXPECT_FAULT(f, PV_FAULT(PV_PF, 0));
    EXPECT_EQ(pv_last_fault()->cr2, ldt + n * 8);
}

CASE(ldt_faults, "an LDT that is not mapped, can be written to, or holds what may not be in one "
     "can be set; the kernel gets a #PF at the entry that is used. Behind its end is #GP",
     "mmuext_op.set_ldt:fault")
{
    uint64_t *ldt = pv_alloc_page(), va = (uint64_t)ldt, frame = pv_va_to_mfn(ldt).nr;

    for (unsigned int i = 0; i < 8; i++)
        ldt[i] = DATA;
    EXPECT_EQ(set_ldt(CONF_EMPTY_VA, 8), 0);
    expect_ldt_fault(CONF_EMPTY_VA, 0);
    expect_ldt_fault(CONF_EMPTY_VA, 7);
    EXPECT_FAULT(load_ds(8 * 8 | 7), PV_FAULT(PV_GP, 8 * 8 | 4));
    EXPECT_EQ(set_ldt(va, 8), 0);
    expect_ldt_fault(va, 3);
    EXPECT_EQ(pv_update_va(va, pv_pte(pv_mfn(frame), PV_PROT_RO), UVMF_INVLPG), 0);
    EXPECT_FAULT(load_ds(3 * 8 | 7), PV_NO_FAULT);
    EXPECT_FAULT(load_ds(8 * 8 | 7), PV_FAULT(PV_GP, 8 * 8 | 4));
    EXPECT_FAULT(load_ds(0), PV_NO_FAULT);
    EXPECT_EQ(set_ldt(0, 0), 0);
    EXPECT_FAULT(load_ds(3 * 8 | 7), PV_FAULT(PV_GP, 3 * 8 | 4));
    /* A TSS among the entries. */
    EXPECT_EQ(pv_update_va(va, pv_pte(pv_mfn(frame), PV_PROT_RW), UVMF_INVLPG), 0);
    ldt[5] = 0x0000e90000000067UL;
    EXPECT_EQ(pv_update_va(va, pv_pte(pv_mfn(frame), PV_PROT_RO), UVMF_INVLPG), 0);
    EXPECT_EQ(set_ldt(va, 8), 0);
    expect_ldt_fault(va, 3);
    EXPECT_EQ(set_ldt(0, 0), 0);
    EXPECT_EQ(pv_update_va(va, pv_pte(pv_mfn(frame), PV_PROT_RW), UVMF_INVLPG), 0);
    pv_free_page(ldt);
}

CASE(gdt_audit, "a page becomes a GDT page only if update_descriptor would take all its entries",
     "set_gdt:EINVAL security.descriptor_types:refused")
{
    for (size_t i = 0; i < PV_ARRAY_SIZE(descriptors); i++) {
        uint64_t *gdt = pv_alloc_page();
        uint64_t va = (uint64_t)gdt;

        gdt[511] = descriptors[i].descriptor;
        EXPECT_EQ(pv_update_va(va, pv_pte(pv_va_to_mfn(gdt), PV_PROT_RO), UVMF_INVLPG), 0);
        EXPECT_ROW(set_gdt(gdt, 512), descriptors[i].result, descriptors[i].name);
        if (!descriptors[i].result)
            EXPECT_ROW(gdt[511], descriptors[i].stored, descriptors[i].name);
        EXPECT_EQ(HYPERVISOR_set_gdt(NULL, 0), 0);
        EXPECT_EQ(pv_free_table(gdt), 0);
    }
}

CASE(descriptor_plain_page, "update_descriptor also writes to an ordinary page",
     "update_descriptor:effect")
{
    uint64_t *page = pv_alloc_page();

    EXPECT_EQ(write_descriptor(&page[3], DATA), 0);
    EXPECT_EQ(page[3], DATA);
    pv_free_page(page);
}

CASE(descriptor_bad_place, "a misaligned address, a page table or a frame that is absent is "
     "-EINVAL",
     "update_descriptor:EINVAL security.gdt_page_table:refused")
{
    uint64_t *page = pv_alloc_page(), *l1 = pv_alloc_table();
    uint64_t maddr = pv_va_to_mfn(page).nr << PV_PAGE_SHIFT;

    EXPECT_EQ(HYPERVISOR_update_descriptor(maddr + 4, DATA), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_update_descriptor(~0xfffUL, DATA), -XEN_EINVAL);
    EXPECT_EQ(page[0], 0);
    EXPECT_EQ(pv_pin(pv_va_to_mfn(l1), 1), 0);
    EXPECT_EQ(write_descriptor(l1, DATA), -XEN_EINVAL);
    EXPECT_EQ(l1[0], 0);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l1)), 0);
    EXPECT_EQ(pv_free_table(l1), 0);
    pv_free_page(page);
}

static uint64_t blocked_ns(void)
{
    struct vcpu_runstate_info info = { .state = 0 };

    HYPERVISOR_vcpu_op(VCPUOP_get_runstate_info, pv_vcpu_id(), &info);
    return info.time[RUNSTATE_blocked];
}

/* Until it has been off its CPU: on a busy host the time may be over before it gets to block. */
static void sleep_a_while(void *arg)
{
    uint64_t before = blocked_ns();

    (void)arg;
    do
        pv_sleep_ns(5 * PV_NS_PER_MS);
    while (blocked_ns() == before);
}

CASE(gdt_failsafe, "a data selector that can't be loaded any more after a sleep becomes 0, and the "
     "failsafe callback shows what it was, between r11 and rip",
     "callback.failsafe:effect callback.failsafe:frame")
{
    uint64_t *gdt = gdt_page();
    bool caught;

    EXPECT_EQ(set_gdt(gdt, 512), 0);
    EXPECT_EQ(write_descriptor(&gdt[5], DATA), 0);
    EXPECT_FAULT(load_ds(SELECTOR(5)), PV_NO_FAULT);
    EXPECT_EQ(write_descriptor(&gdt[5], 0), 0);
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_failsafe, conf_entry, CALLBACKF_mask_events), 0);
    caught = conf_catch(sleep_a_while, NULL);
    EXPECT_ON(caught, false, true, "Xen leaves the registers loaded while nobody else runs");
    if (caught) {
        EXPECT_EQ(conf_frame.slot[2] & 0xffff, SELECTOR(5));
        EXPECT_EQ(conf_frame.slot[7] & 0xffff, FLAT_KERNEL_CS & ~3);
        EXPECT_EQ(conf_frame.slot[10], FLAT_KERNEL_SS);
        EXPECT_EQ(conf_frame.ds, 0);
    }
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_failsafe, NULL, 0), 0);
    drop_gdt(gdt);
}
