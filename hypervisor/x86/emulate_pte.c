/* SPDX-License-Identifier: MIT */
/*
 * Writable page tables: a guest kernel may store into its level-1 tables as if they were ordinary
 * memory. They are mapped read-only, so the store faults; here it is carried out as mmu_update
 * would, one entry at a time and atomically.
 *
 * Only level 1, only from kernel mode, only a store that lies within one entry. Whatever else
 * faults is the guest's own: a copy-on-write page is read-only, too.
 */
#include "domain/domain.h"
#include "x86/emulate.h"
#include "x86/guest_mode.h"
#include "x86/store_op.h"

#define ENTRY_BYTES 8ul

/* The entry as the store would leave it; *@changed are the registers after it. */
static bool entry_after(const struct insn *insn, const struct cpu_regs *regs, u64 addr, u64 old,
                        u64 *new, struct cpu_regs *changed)
{
    unsigned int shift = 8 * (addr % ENTRY_BYTES), bits = 8 * insn->operand_size;
    u64 mask = (bits == 64 ? ~0ull : BIT(bits) - 1) << shift, part;

    *changed = *regs;
    if (!store_op(insn, changed, old >> shift, &part))
        return false;
    *new = (old & ~mask) | part << shift;
    return true;
}

/* A store that crosses into the next entry, or is not aligned, is not one that could be atomic. */
static bool within_entry(const struct insn *insn, u64 addr, u64 cr2)
{
    return addr % insn->operand_size == 0 && cr2 - addr < insn->operand_size;
}

/*
 * Other vCPUs may change the entry at the same time, by stores of their own or by hypercalls.
 * What is stored is computed from what was there, and goes in only if that still is (-EAGAIN:
 * once more); so the instruction is atomic, with a LOCK prefix or without. The registers change
 * last.
 */
static enum emulated store_entry(struct vcpu *v, struct cpu_regs *regs, const struct insn *insn,
                                 u64 addr, struct page *table, u64 *slot)
{
    u64 old = READ_ONCE(*slot), new;
    struct cpu_regs changed;
    int rc;

    do {
        if (!entry_after(insn, regs, addr, old, &new, &changed))
            return EMULATE_NO;
        rc = mm_exchange_l1e(v->domain, table, slot, &old, new);
    } while (rc == -EAGAIN);
    if (rc)
        return rc == -ERESTART ? EMULATE_AGAIN : EMULATE_NO;
    *regs = changed;
    return EMULATE_DONE;
}

/*
 * The table is held as level 1 for as long as this takes: what the fault's address mapped a moment
 * ago need not be a table any more. The store must reach the very byte that faulted, or it is not
 * the instruction that caused the fault.
 */
bool emulate_pte_write(struct vcpu *v, struct cpu_regs *regs, u64 cr2)
{
    enum emulated how;
    struct page *table;
    struct insn insn;
    u64 *slot;

    slot = mm_mapped_l1_get(v, cr2, &table);
    if (slot == NULL)
        return false;
    how = emulate_fetch(v, regs, &insn);
    if (how == EMULATE_DONE) {
        u64 addr = insn_offset(&insn, regs);

        how = EMULATE_NO;
        if (insn.segment == SEG_NONE && within_entry(&insn, addr, cr2))
            how = store_entry(v, regs, &insn, addr, table, slot);
    }
    put_page_and_type(table);
    if (how == EMULATE_DONE)
        emulate_finish(v, regs, regs->rip + insn.len);
    return how != EMULATE_NO;
}
