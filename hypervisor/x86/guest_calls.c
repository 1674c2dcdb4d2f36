/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls about a vCPU itself: its trap table, callbacks, stack, segment bases,
 * descriptors, debug registers and I/O rights. Each copies in, checks, then sets; all of it is the
 * caller's own state, but for the assists, which are the domain's.
 */
#include "event/event.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "x86/guest_mode.h"
#include "x86/msr.h"

#define MAX_IO_PORTS   65536u
#define TRAPS_PER_LOOK 64      /* before it asks for other work */

/* ---- Traps and callbacks ---- */

/*
 * The list ends with an address of 0, and nothing else bounds it: hence the restart, which goes on
 * with the rest. Entries ahead of a bad one are taken, as the ABI has it. t.flags is kept as it is:
 * only bits 0 to 2 are ever looked at.
 */
long do_set_trap_table(XEN_GUEST_HANDLE(trap_info_t) traps)
{
    struct guest_cpu *c = &current->cpu;
    struct trap_info t;

    if (handle_is_null(traps)) {
        memset(c->traps, 0, sizeof(c->traps));
        return 0;
    }
    for (unsigned int i = 0;; i++) {
        if (i == TRAPS_PER_LOOK) {
            traps.p += i;
            i = 0;
            if (preempt_needed())
                return hypercall_restart(handle_addr(traps));
        }
        if (!copy_elem_from_guest(&t, traps, i))
            return -EFAULT;
        if (!t.address)
            return 0;
        if (!is_canonical(t.address))
            return -EINVAL;
        t.cs = fixup_selector(t.cs);
        c->traps[t.vector] = t;
    }
}

/* Where each kind of callback is kept. */
static const struct {
    u16 address, masks;         /* offsets in struct guest_cpu; masks 0: always masks events */
} callbacks[] = {
    [CALLBACKTYPE_event] = { offsetof(struct guest_cpu, event_callback), 0 },
    [CALLBACKTYPE_failsafe] = { offsetof(struct guest_cpu, failsafe_callback),
                                offsetof(struct guest_cpu, failsafe_masks_events) },
    [CALLBACKTYPE_syscall] = { offsetof(struct guest_cpu, syscall_callback),
                               offsetof(struct guest_cpu, syscall_masks_events) },
    [CALLBACKTYPE_sysenter] = { offsetof(struct guest_cpu, sysenter_callback),
                                offsetof(struct guest_cpu, sysenter_masks_events) },
    [CALLBACKTYPE_syscall32] = { offsetof(struct guest_cpu, syscall32_callback),
                                 offsetof(struct guest_cpu, syscall32_masks_events) },
};

/* An NMI can reach only who handles the machine's: the first vCPU of the first domain. */
static long register_nmi(struct vcpu *v, u64 address)
{
    if (v->id != 0 || !v->domain->privileged)
        return -EINVAL;
    v->cpu.traps[X86_TRAP_NMI] = (struct trap_info){
        .vector = X86_TRAP_NMI, .cs = SEL_RING3_CS64, .address = address,
    };
    return 0;
}

/*
 * 0, -EINVAL for an address that could not be loaded into rip, -ENOSYS for a kind that we don't
 * have. The callback is the running vCPU's, so it is only looked at when this call is over.
 */
static long register_callback(struct vcpu *v, u16 type, bool mask_events, u64 address)
{
    char *c = (char *)&v->cpu;

    if (!is_canonical(address))
        return -EINVAL;
    if (type == CALLBACKTYPE_nmi)
        return register_nmi(v, address);
    if (type >= ARRAY_SIZE(callbacks))
        return -ENOSYS;
    type = (u16)index_nospec(type, ARRAY_SIZE(callbacks));
    if (!callbacks[type].address)
        return -ENOSYS;
    *(u64 *)(c + callbacks[type].address) = address;
    if (callbacks[type].masks)
        *(bool *)(c + callbacks[type].masks) = mask_events;
    return 0;
}

/* A callback that the guest can't be without stays. */
static long unregister_callback(struct vcpu *v, u16 type)
{
    switch (type) {
    case CALLBACKTYPE_event:
    case CALLBACKTYPE_failsafe:
    case CALLBACKTYPE_syscall:
    case CALLBACKTYPE_sysenter:
    case CALLBACKTYPE_syscall32:
        return -EINVAL;
    case CALLBACKTYPE_nmi:
        v->cpu.traps[X86_TRAP_NMI].address = 0;
        return 0;
    default:
        return -ENOSYS;
    }
}

long do_callback_op(int cmd, XEN_GUEST_HANDLE(void) arg)
{
    struct callback_register reg;
    struct callback_unregister unreg;

    switch (cmd) {
    case CALLBACKOP_register:
        if (!copy_arg_from_guest(&reg, arg))
            return -EFAULT;
        return register_callback(current, reg.type, reg.flags & CALLBACKF_mask_events, reg.address);
    case CALLBACKOP_unregister:
        if (!copy_arg_from_guest(&unreg, arg))
            return -EFAULT;
        return unregister_callback(current, unreg.type);
    default:
        return -ENOSYS;
    }
}

/* The old form of the NMI's alone. */
long do_nmi_op(unsigned int cmd, XEN_GUEST_HANDLE(void) arg)
{
    struct xennmi_callback callback;

    switch (cmd) {
    case XENNMI_register_callback:
        if (!copy_arg_from_guest(&callback, arg))
            return -EFAULT;
        return register_callback(current, CALLBACKTYPE_nmi, false, callback.handler_address);
    case XENNMI_unregister_callback:
        return unregister_callback(current, CALLBACKTYPE_nmi);
    default:
        return -ENOSYS;
    }
}

/* The old form reports nothing: an address that is not canonical leaves that callback as it was. */
long do_set_callbacks(unsigned long event_address, unsigned long failsafe_address,
                      unsigned long syscall_address)
{
    struct vcpu *v = current;

    (void)register_callback(v, CALLBACKTYPE_event, false, event_address);
    (void)register_callback(v, CALLBACKTYPE_failsafe, false, failsafe_address);
    (void)register_callback(v, CALLBACKTYPE_syscall, false, syscall_address);
    return 0;
}

/* ---- Stack, segment bases, FPU ---- */

/* A guest may have it anywhere: bounce.c checks each time when it pushes a frame. */
long do_stack_switch(unsigned long ss, unsigned long sp)
{
    struct guest_cpu *c = &current->cpu;

    c->kernel_ss = fixup_selector((u16)ss);
    c->kernel_sp = sp;
    return 0;
}

/* The caller is in kernel mode, so the other mode's base is in KERNEL_GS_BASE. */
static const u32 base_msr[] = {
    [SEGBASE_FS] = MSR_FS_BASE,
    [SEGBASE_GS_USER] = MSR_KERNEL_GS_BASE,
    [SEGBASE_GS_KERNEL] = MSR_GS_BASE,
};

/* The check is what keeps WRMSR from faulting in ring 0 (XSA-193). */
long do_set_segment_base(unsigned int which, unsigned long base)
{
    if (which < ARRAY_SIZE(base_msr)) {
        if (!is_canonical(base))
            return -EINVAL;
        wrmsr(base_msr[which], base);
        return 0;
    }
    if (which != SEGBASE_GS_USER_SEL)
        return -EINVAL;
    load_inactive_gs((u16)base);
    return 0;
}

/*
 * The kernel's own trick for switching FPU state lazily: real TS, so that its programs' #NM are
 * real.
 */
long do_fpu_taskswitch(int set)
{
    guest_set_ts(current, set != 0);
    return 0;
}

/* ---- Descriptors ---- */

/*
 * All numbers are copied before the first is used: at most fourteen. The old table stays until
 * every frame of the new one is a descriptor page.
 */
long do_set_gdt(XEN_GUEST_HANDLE(xen_ulong_t) frame_list, unsigned int entries)
{
    unsigned int n = DIV_ROUND_UP(entries, PAGE_SIZE / 8);
    u64 numbers[GUEST_GDT_PAGES];
    mfn_t frames[GUEST_GDT_PAGES];
    int rc;

    if (entries > FIRST_RESERVED_GDT_ENTRY)
        return -EINVAL;
    if (!copy_from_guest_raw(numbers, handle_addr(frame_list), n * sizeof(*numbers)))
        return -EFAULT;
    for (unsigned int i = 0; i < n; i++)
        frames[i] = MFN(numbers[i]);
    rc = guest_gdt_set(current, frames, entries);
    return rc == -ERESTART ? hypercall_restart(handle_addr(frame_list)) : rc;
}

/* In a descriptor page, or in ordinary memory that may be written; never in a page table. */
long do_update_descriptor(uint64_t machine_address, uint64_t descriptor)
{
    mfn_t m = maddr_to_mfn(MADDR(machine_address));
    u64 desc = descriptor;
    struct page *pg;
    int rc;

    if (machine_address % 8 || !descriptor_ok(&desc) || !get_page(m, current->domain->id))
        return -EINVAL;
    pg = mfn_to_page(m);
    /* Held in that use while it is written, so it can't turn into a table in between. */
    rc = get_page_type(pg, page_use(pg) == USE_SEGDESC ? USE_SEGDESC : USE_WRITABLE);
    if (rc == 0) {
        WRITE_ONCE(*(u64 *)maddr_to_virt(MADDR(machine_address)), desc);
        put_page_type(pg);
    }
    put_page(pg);
    /* Nothing has changed yet: the same call again. */
    return rc == -ERESTART ? hypercall_restart(machine_address) : rc;
}

/* ---- Debug registers ---- */

long do_set_debugreg(int reg, unsigned long value)
{
    return guest_debugreg_set(current, (unsigned int)reg, value);
}

/* A value is returned as it is, also one that looks like an error: the ABI has no other way. */
long do_get_debugreg(int reg)
{
    u64 value;
    int rc = guest_debugreg_get(current, (unsigned int)reg, &value);

    return rc ? rc : (long)value;
}

/* ---- Assists and I/O rights ---- */

long do_vm_assist(unsigned int cmd, unsigned int type)
{
    struct domain *d = current->domain;

    if (type >= 64 || !(VM_ASSIST_KNOWN >> type & 1))
        return -EINVAL;
    switch (cmd) {
    case VMASST_CMD_enable:
        /* Of the domain, and any of its vCPUs may be changing another bit. */
        __atomic_or_fetch(&d->vm_assist, BIT(type), __ATOMIC_SEQ_CST);
        return 0;
    case VMASST_CMD_disable:
        __atomic_and_fetch(&d->vm_assist, ~BIT(type), __ATOMIC_SEQ_CST);
        return 0;
    default:
        return -ENOSYS;
    }
}

long guest_set_iopl(XEN_GUEST_HANDLE(void) arg)
{
    struct physdev_set_iopl op;

    if (!copy_arg_from_guest(&op, arg))
        return -EFAULT;
    if (op.iopl > 3)
        return -EINVAL;
    current->cpu.iopl = (u8)op.iopl;
    return 0;
}

/*
 * Only the address is kept. The bitmap is read at each access, so a guest may change it without
 * telling; and what it points to is checked then, as any pointer of the guest's.
 */
long guest_set_iobitmap(XEN_GUEST_HANDLE(void) arg)
{
    struct physdev_set_iobitmap op;

    if (!copy_arg_from_guest(&op, arg))
        return -EFAULT;
    if (op.nr_ports > MAX_IO_PORTS || !guest_range_ok(handle_addr(op.bitmap), op.nr_ports / 8))
        return -EINVAL;
    current->cpu.iobmp = handle_addr(op.bitmap);
    current->cpu.iobmp_ports = op.nr_ports;
    return 0;
}
