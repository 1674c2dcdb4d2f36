/* SPDX-License-Identifier: MIT */
/*
 * Guest user mode (pvguest/user.h).
 *
 * The user root is an L4 with one entry, the kernel root's slot 0.  Each vCPU has a user stack
 * there, and a kernel stack of its own for what user mode raises (stack_switch).  To enter, a
 * frame is put at the top of that stack and loaded like any other; to come back, the frame that
 * the trap or system call left is rewritten to return to where pv_user_resume entered.
 */
#include "internal.h"

#define TRAP_STACK_PAGES 4
#define USER_STACK_PAGES (PV_USER_STACK_SIZE / PV_PAGE_SIZE)

/* A call of user mode that is under way: where it is to return to, on its caller's stack. */
struct pv_user_run {
    struct pv_user_exit *exit;
    struct pv_context context;
    uint64_t rflags;
};

static struct pv_spinlock setup_lock = PV_SPINLOCK_INIT;
static void *user_root; /* written once, under setup_lock */

/* Pages of the image's user part, mapped once more where user mode may see them. */
static int map_image(const char *from, const char *to, uint64_t flags)
{
    int rc = 0;

    for (uint64_t va = (uint64_t)from; va < (uint64_t)to && !rc; va += PV_PAGE_SIZE)
        rc = pv_map(va, pv_va_to_mfn(pv_user_image + (va - PV_USER_BASE)), flags | PV_PTE_USER);
    return rc;
}

/* The two roots share slot 0's tables, so what is mapped there later shows in both. */
static int build_root(void)
{
    void *root;
    pv_mfn_t mfn;
    int rc = map_image(pv_user_text_start, pv_user_text_end, PV_PROT_RX);

    if (!rc)
        rc = map_image(pv_user_text_end, pv_user_data_end, PV_PROT_RW);
    if (rc)
        return rc;
    root = pv_alloc_table();
    if (!root)
        return -XEN_ENOMEM;
    mfn = pv_va_to_mfn(root);
    rc = pv_pin(mfn, 4);
    if (rc)
        goto free;
    rc = pv_write_pte(mfn.nr << PV_PAGE_SHIFT, *pv_find_pte(pv_current_root(), 0, 4));
    if (rc)
        goto unpin;
    user_root = root;
    return 0;

unpin:
    pv_unpin(mfn);
free:
    pv_free_table(root);
    return rc;
}

/* One below the other, with a page between that is not mapped. */
uint64_t pv_user_stack(unsigned int vcpu)
{
    return PV_USER_STACK_TOP - vcpu * (PV_USER_STACK_SIZE + PV_PAGE_SIZE);
}

static int build_stacks(struct pv_vcpu *vcpu)
{
    uint64_t va = pv_user_stack(vcpu->id) - PV_USER_STACK_SIZE;
    char *pages = pv_alloc_pages(USER_STACK_PAGES);
    char *trap_stack = pv_alloc_pages(TRAP_STACK_PAGES);
    int rc = pages && trap_stack ? 0 : -XEN_ENOMEM;

    for (size_t i = 0; i < USER_STACK_PAGES && !rc; i++)
        rc = pv_map(va + i * PV_PAGE_SIZE, pv_va_to_mfn(pages + i * PV_PAGE_SIZE),
                    PV_PROT_RW | PV_PTE_USER);
    if (rc) {
        pv_unmap(va, USER_STACK_PAGES);
        pv_free_pages(pages, USER_STACK_PAGES);
        pv_free_pages(trap_stack, TRAP_STACK_PAGES);
        return rc;
    }
    vcpu->trap_stack = (uint64_t)trap_stack + TRAP_STACK_PAGES * PV_PAGE_SIZE;
    return 0;
}

/* Once for the root, once a vCPU for its stacks; a vCPU tells the hypervisor of both each time. */
int pv_user_init(void)
{
    struct pv_vcpu *vcpu = pv_this_vcpu();
    int rc = 0;

    pv_spin_lock(&setup_lock);
    if (!user_root)
        rc = build_root();
    if (!rc && !vcpu->trap_stack)
        rc = build_stacks(vcpu);
    pv_spin_unlock(&setup_lock);
    if (!rc)
        rc = (int)HYPERVISOR_stack_switch(FLAT_KERNEL_SS, vcpu->trap_stack);
    return rc ? rc : pv_mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, pv_user_root());
}

pv_mfn_t pv_user_root(void)
{
    return user_root ? pv_va_to_mfn(user_root) : pv_mfn(PV_INVALID_FRAME);
}

/*
 * Events stay disabled until the frame's own flags are loaded: between `vcpu->user` and the entry
 * no upcall may see half of it.
 */
int pv_user_resume(const struct pv_regs *regs, struct pv_user_exit *exit)
{
    struct pv_vcpu *vcpu = pv_this_vcpu();
    struct pv_user_run run = { .exit = exit };
    struct pv_regs *frame;
    int rc = vcpu->trap_stack ? 0 : pv_user_init();

    if (rc)
        return rc;
    run.rflags = pv_events_save() ? PV_RFLAGS_IF : 0;
    frame = (struct pv_regs *)vcpu->trap_stack - 1;
    *frame = *regs;
    frame->cs |= 3;
    vcpu->user = &run;
    return pv_enter_frame(frame, &run.context);
}

int pv_user_call(void *fn, uint64_t arg, struct pv_user_exit *exit)
{
    struct pv_regs regs = {
        .rip = (uint64_t)fn, .cs = FLAT_USER_CS, .ss = FLAT_USER_SS,
        .rflags = PV_RFLAGS_IF, .rdi = arg,
        .rsp = pv_user_stack(pv_vcpu_id()) - sizeof(uint64_t),
    };
    int rc = pv_this_vcpu()->trap_stack ? 0 : pv_user_init();

    if (rc)
        return rc;
    *(uint64_t *)regs.rsp = (uint64_t)pv_user_return;
    return pv_user_resume(&regs, exit);
}

/*
 * From the dispatchers: what user mode raised while a call is under way ends that call, whatever it
 * was.
 */
bool pv_user_finish(struct pv_regs *regs, pv_fault_t fault, uint64_t cr2)
{
    struct pv_vcpu *vcpu = pv_this_vcpu();
    struct pv_user_run *run = vcpu->user;

    if (!run)
        return false;
    vcpu->user = NULL;
    run->exit->returned = !fault && regs->rax == PV_USER_RETURN;
    run->exit->fault = fault;
    run->exit->cr2 = cr2;
    run->exit->regs = *regs;
    pv_return_to_context(regs, &run->context, run->rflags, 0);
    return true;
}
