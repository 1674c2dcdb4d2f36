/* SPDX-License-Identifier: MIT */
/* vm_assist(writable_pagetables): the kernel's own stores into L1 tables are checked and done. */
#include "../lib/case.h"

static uint64_t *l1;
static void *page;
static uint64_t entry;

static void set_up(void)
{
    l1 = pv_alloc_table();
    page = pv_alloc_page();
    entry = pv_pte(pv_va_to_mfn(page), PV_PROT_RW);
    EXPECT_EQ(pv_pin(pv_va_to_mfn(l1), 1), 0);
    EXPECT_EQ(HYPERVISOR_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
}

static void tear_down(void)
{
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l1)), 0);
    EXPECT_EQ(pv_free_table(l1), 0);
    pv_free_page(page);
}

/* Bits that the hypervisor may add to an entry. */
#define SHOWN (PV_PTE_FRAME | PV_PTE_P | PV_PTE_RW | PV_PTE_NX)

CASE(assist_store, "a plain store of an entry is carried out", "writable_pagetables.mov:effect")
{
    set_up();
    EXPECT_FAULT(pv_probe_write((uint64_t)&l1[3], entry), PV_NO_FAULT);
    EXPECT_EQ(l1[3] & SHOWN, entry & SHOWN);
    EXPECT_FAULT(pv_probe_write((uint64_t)&l1[3], 0), PV_NO_FAULT);
    EXPECT_EQ(l1[3], 0);
    tear_down();
}

CASE(assist_xchg, "so is xchg, which returns the old entry", "writable_pagetables.xchg:effect")
{
    uint64_t old;
    pv_fault_t f;

    set_up();
    EXPECT_FAULT(pv_probe_write((uint64_t)&l1[3], entry), PV_NO_FAULT);
    old = 0;
    PV_TRY_ASM(f, "xchg %[v], (%[p])", PV_OUT([v] "+r"(old)), PV_IN([p] "r"(&l1[3])));
    EXPECT_FAULT(f, PV_NO_FAULT);
    EXPECT_EQ(old & SHOWN, entry & SHOWN);
    EXPECT_EQ(l1[3], 0);
    tear_down();
}

CASE(assist_and_byte, "and a locked and of one byte, which takes a permission away",
     "writable_pagetables.and:effect")
{
    pv_fault_t f;

    set_up();
    EXPECT_FAULT(pv_probe_write((uint64_t)&l1[3], entry), PV_NO_FAULT);
    PV_TRY_ASM(f, "lock andb $0xfd, (%[p])", PV_OUT(), PV_IN([p] "r"(&l1[3])));
    EXPECT_FAULT(f, PV_NO_FAULT);
    EXPECT_EQ(l1[3] & SHOWN, entry & SHOWN & ~PV_PTE_RW);
    tear_down();
}

CASE(assist_cmpxchg, "and a locked cmpxchg and btr",
     "writable_pagetables.cmpxchg:effect writable_pagetables.btr:effect")
{
    uint64_t old;
    pv_fault_t f;

    set_up();
    old = 0;
    PV_TRY_ASM(f, "lock cmpxchg %[v], (%[p])", PV_OUT("+a"(old)),
               PV_IN([p] "r"(&l1[3]), [v] "r"(entry)));
    EXPECT_FAULT(f, PV_NO_FAULT);
    EXPECT_EQ(l1[3] & SHOWN, entry & SHOWN);
    PV_TRY_ASM(f, "lock btrq $1, (%[p])", PV_OUT(), PV_IN([p] "r"(&l1[3])));
    EXPECT_FAULT(f, PV_NO_FAULT);
    EXPECT_EQ(l1[3] & SHOWN, entry & SHOWN & ~PV_PTE_RW);
    tear_down();
}

CASE(assist_bit_far, "XSA-195: a bit number in a register that reaches beyond the operand, far or "
     "back, names a bit of another word, which may be elsewhere; the operand's word is not touched",
     "writable_pagetables.btr:refused")
{
    static const long near[] = { 64 + 1, 3 * 64 + 1, -64 + 1 };
    static const long far[] = { 1L << 40, 1L << 62, -(1L << 62), 1L << 62 | 1 << 20 };
    pv_fault_t refused = PV_FAULT(PV_PF, PV_PF_PRESENT | PV_PF_WRITE), f;

    set_up();
    for (size_t i = 0; i < PV_ARRAY_SIZE(near); i++) {
        uint64_t *named = l1 + 100 + (near[i] >> 6);

        PV_TRY_ASM(f, "lock btsq %[n], (%[p])", PV_OUT(),
                   PV_IN([p] "r"(&l1[100]), [n] "r"(near[i])));
        EXPECT_FAULT_ON(f, PV_NO_FAULT, refused, "Pavane sets bits of the operand itself; no "
                        "kernel names an entry by a bit's number in the table");
        EXPECT_EQ(*named, conf_on_pavane() ? 0 : 2);
        EXPECT_EQ(l1[100], 0);
    }
    for (size_t i = 0; i < PV_ARRAY_SIZE(far); i++) {
        PV_TRY_ASM(f, "lock btsq %[n], (%[p])", PV_OUT(),
                   PV_IN([p] "r"(&l1[100]), [n] "r"(far[i])));
        EXPECT_TRUE(f == PV_FAULT(PV_PF, 0) || f == PV_FAULT(PV_GP, 0));
        EXPECT_EQ(l1[100], 0);
    }
    tear_down();
}

CASE(assist_float, "XSA-66: a store of the FPU to a table is the kernel's own #PF, and stores "
     "nothing",
     "writable_pagetables.mov:refused")
{
    pv_fault_t refused = PV_FAULT(PV_PF, PV_PF_PRESENT | PV_PF_WRITE), f;

    if (!conf_on_pavane()) {
        conf_skip("Xen emulates it, and under QEMU's TCG does so for ever");
        return;
    }
    set_up();
    PV_TRY_ASM(f, "fldpi; fstpl (%[p])", PV_OUT(), PV_IN([p] "r"(&l1[3])));
    EXPECT_FAULT(f, refused);
    PV_TRY_ASM(f, "fninit; fldpi; fbstp (%[p])", PV_OUT(), PV_IN([p] "r"(&l1[3])));
    EXPECT_FAULT(f, refused);
    PV_TRY_ASM(f, "movaps %%xmm0, (%[p])", PV_OUT(), PV_IN([p] "r"(&l1[4])));
    EXPECT_FAULT(f, refused);
    __asm__ volatile("fninit");
    for (unsigned int i = 0; i < 8; i++)
        EXPECT_EQ(l1[i], 0);
    tear_down();
}

CASE(assist_checked, "a store that mmu_update would refuse is a #PF, and not done",
     "writable_pagetables.mov:refused security.table_writable:refused")
{
    pv_fault_t refused = PV_FAULT(PV_PF, PV_PF_PRESENT | PV_PF_WRITE);

    set_up();
    EXPECT_FAULT(pv_probe_write((uint64_t)l1, pv_pte(pv_va_to_mfn(l1), PV_PROT_RW)), refused);
    EXPECT_EQ(l1[0], 0);
    EXPECT_FAULT(pv_probe_write((uint64_t)l1, pv_pte(pv_current_root(), PV_PROT_RW)), refused);
    EXPECT_EQ(l1[0], 0);
    tear_down();
}

CASE(assist_unaligned, "nor is one that reaches into a second entry, or lies across one's middle",
     "writable_pagetables.mov:refused security.table_writable:refused")
{
    pv_fault_t refused = PV_FAULT(PV_PF, PV_PF_PRESENT | PV_PF_WRITE), f;

    set_up();
    EXPECT_FAULT(pv_probe_write((uint64_t)&l1[3] + 4, 0), refused);
    PV_TRY_ASM(f, "movl $0, (%[p])", PV_OUT(), PV_IN([p] "r"((uint64_t)&l1[3] + 2)));
    EXPECT_FAULT(f, refused);
    PV_TRY_ASM(f, "movw $0, (%[p])", PV_OUT(), PV_IN([p] "r"((uint64_t)&l1[3] + 7)));
    EXPECT_FAULT(f, refused);
    EXPECT_EQ(l1[3], 0);
    EXPECT_EQ(l1[4], 0);
    tear_down();
}

CASE(assist_upper, "stores into L2, L3 and L4 tables are never carried out",
     "writable_pagetables.mov:refused")
{
    pv_fault_t refused = PV_FAULT(PV_PF, PV_PF_PRESENT | PV_PF_WRITE);
    void *table = pv_alloc_table();

    EXPECT_EQ(HYPERVISOR_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    for (unsigned int level = 2; level <= 4; level++) {
        EXPECT_EQ(pv_pin(pv_va_to_mfn(table), level), 0);
        EXPECT_FAULT(pv_probe_write((uint64_t)table, 0), refused);
        EXPECT_EQ(pv_unpin(pv_va_to_mfn(table)), 0);
    }
    EXPECT_EQ(pv_free_table(table), 0);
}

CASE(assist_off, "a store into an L1 table is carried out whether the assist is on or off",
     "vm_assist.disable:effect")
{
    set_up();
    EXPECT_EQ(HYPERVISOR_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables), 0);
    EXPECT_FAULT(pv_probe_write((uint64_t)l1, 0), PV_NO_FAULT);
    tear_down();
}

/* mov %rsi, (%rdi); ret */
static const uint8_t store_code[] = { 0x48, 0x89, 0x37, 0xc3 };

struct store_call {
    void *code;
    uint64_t *to;
    uint64_t value;
};

static void call_store(void *arg)
{
    struct store_call *c = arg;

    ((void (*)(uint64_t *to, uint64_t value))c->code)(c->to, c->value);
}

CASE(assist_code_gone, "a store by code that only the processor's TLB still maps: one #PF, for the "
     "instruction that can't be read, and nothing is stored",
     "writable_pagetables.mov:refused")
{
    struct store_call c = { .code = pv_alloc_page() };
    uint64_t code = pv_pte(pv_va_to_mfn(c.code), PV_PROT_RX), word = 0;

    set_up();
    memcpy(c.code, store_code, sizeof(store_code));
    EXPECT_EQ(pv_update_va((uint64_t)c.code, code, UVMF_INVLPG), 0);
    c.to = &word;
    c.value = 1;
    EXPECT_FAULT(pv_try_call(call_store, &c), PV_NO_FAULT);
    EXPECT_EQ(word, 1);
    c.to = &l1[3];
    c.value = entry;
    EXPECT_EQ(pv_update_va((uint64_t)c.code, 0, UVMF_NONE), 0);
    EXPECT_FAULT(pv_try_call(call_store, &c), PV_FAULT(PV_PF, PV_PF_FETCH));
    EXPECT_EQ(pv_last_fault()->cr2, c.code);
    EXPECT_EQ(pv_update_va((uint64_t)c.code, pv_pte(pv_pte_mfn(code), PV_PROT_RW),
                           UVMF_INVLPG), 0);
    EXPECT_EQ(l1[3], 0);
    pv_free_page(c.code);
    tear_down();
}
