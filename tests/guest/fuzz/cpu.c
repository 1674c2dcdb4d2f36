/* SPDX-License-Identifier: MIT */
/* The calls that set up the processor, and those that answer questions. What is set is put back. */
#include "fuzz.h"

/* Vectors that nothing raises. */
#define FIRST_SPARE_VECTOR 0x90

static long call_traps(struct run *r, unsigned int cmd)
{
    trap_info_t list[5];
    unsigned int n = (unsigned int)below(r, 4);

    (void)cmd;
    memset(list, 0, sizeof(list));
    for (unsigned int i = 0; i < n; i++) {
        list[i].vector = (uint8_t)(FIRST_SPARE_VECTOR + below(r, 0x60));
        list[i].flags = (uint8_t)draw(r);
        list[i].cs = percent(r, 80) ? FLAT_KERNEL_CS : (uint16_t)wild(r);
        list[i].address = percent(r, 80) ? (uint64_t)pv_return_to_frame : wild(r) | 1;
    }
    /* Never a null pointer, which takes all vectors away, those that we need among them. */
    for (unsigned int tries = 0; tries < 8; tries++) {
        void *where = put_arg(r, list, (n + 1) * sizeof(*list));

        if (where)
            return HYPERVISOR_set_trap_table(where);
    }
    return HYPERVISOR_set_trap_table(list);
}

static long call_callbacks(struct run *r, unsigned int cmd)
{
    long rc = HYPERVISOR_set_callbacks(wild(r), wild(r), wild(r));

    (void)cmd;
    pv_set_callback(CALLBACKTYPE_event, NULL, 0);
    pv_set_callback(CALLBACKTYPE_failsafe, NULL, 0);
    pv_set_callback(CALLBACKTYPE_syscall, NULL, 0);
    return rc;
}

static long call_callback(struct run *r, unsigned int cmd)
{
    struct callback_register arg = {
        .type = (uint16_t)small_or_wild(r, 9), .flags = (uint16_t)below(r, 4),
        .address = percent(r, 60) ? (uint64_t)pv_return_to_frame : wild(r),
    };
    long rc = HYPERVISOR_callback_op((int)cmd, put_arg(r, &arg, sizeof(arg)));

    r->args[0] = arg.type;
    r->args[1] = arg.flags;
    r->args[2] = arg.address;
    pv_set_callback(CALLBACKTYPE_event, NULL, 0);
    pv_set_callback(CALLBACKTYPE_failsafe, NULL, 0);
    pv_set_callback(CALLBACKTYPE_syscall, NULL, CALLBACKF_mask_events);
    return rc;
}

static long call_stack(struct run *r, unsigned int cmd)
{
    uint64_t ss = percent(r, 50) ? FLAT_KERNEL_SS : wild(r);
    long rc = HYPERVISOR_stack_switch(ss, wild(r));

    (void)cmd;
    HYPERVISOR_stack_switch(FLAT_KERNEL_SS, pv_this_vcpu()->trap_stack);
    return rc;
}

static long call_fpu(struct run *r, unsigned int cmd)
{
    long rc = HYPERVISOR_fpu_taskswitch((int)wild(r));

    (void)cmd;
    HYPERVISOR_fpu_taskswitch(0);
    return rc;
}

/* Breakpoints stay off: what an address is taken for does not depend on that. */
static long call_set_debugreg(struct run *r, unsigned int cmd)
{
    int reg = (int)small_or_wild(r, 8);
    uint64_t value = reg == 7 ? wild(r) & ~0xffUL : wild(r);
    long rc = HYPERVISOR_set_debugreg(reg, value);

    (void)cmd;
    r->args[0] = (uint64_t)reg;
    r->args[1] = value;
    HYPERVISOR_set_debugreg(7, 0);
    return rc;
}

/* A register's value is no error, though it may look like one: those are checked by other tests. */
static long call_get_debugreg(struct run *r, unsigned int cmd)
{
    int reg = (int)small_or_wild(r, 8);
    long value = HYPERVISOR_get_debugreg(reg);

    (void)cmd;
    return reg < 0 || reg > 7 || reg == 4 || reg == 5 ? value : 0;
}

static long call_base(struct run *r, unsigned int cmd)
{
    unsigned int which = (unsigned int)small_or_wild(r, 5);
    long rc = HYPERVISOR_set_segment_base(which, wild(r));

    (void)cmd;
    if (which == SEGBASE_GS_KERNEL) {
        extern struct pv_vcpu *fuzz_vcpu(unsigned int id);

        HYPERVISOR_set_segment_base(SEGBASE_GS_KERNEL, (uint64_t)fuzz_vcpu(r->vcpu));
    }
    return rc;
}

static long call_timer(struct run *r, unsigned int cmd)
{
    long rc = HYPERVISOR_set_timer_op((int64_t)(wild(r) | 1UL << 50));

    (void)cmd;
    HYPERVISOR_set_timer_op(0);
    return rc;
}

static long call_assist(struct run *r, unsigned int cmd)
{
    static const unsigned int harmless[] = {
        VMASST_TYPE_writable_pagetables, VMASST_TYPE_runstate_update_flag,
        VMASST_TYPE_4gb_segments, 6, 31, 33,
    };
    unsigned int type = percent(r, 90) ? PICK(r, harmless) : (unsigned int)wild(r) | 64;
    long rc = HYPERVISOR_vm_assist(cmd, type);

    HYPERVISOR_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    return rc;
}

static long call_version(struct run *r, unsigned int cmd)
{
    xen_feature_info_t features = { .submap_idx = (unsigned int)small_or_wild(r, 3) };
    char room[1024] = "";
    long rc;

    memset(room, 0, sizeof(room));
    memcpy(room, &features, sizeof(features));
    if (cmd == XENVER_pagesize && percent(r, 50))
        rc = HYPERVISOR_xen_version((int)cmd, NULL);    /* all that it takes */
    else
        rc = HYPERVISOR_xen_version((int)cmd, put_arg(r, room, sizeof(room)));
    return rc > 0 ? 0 : rc;
}

static long call_unknown_version(struct run *r, unsigned int cmd)
{
    return HYPERVISOR_xen_version((int)(wild(r) | cmd), r->page);
}

static long call_console(struct run *r, unsigned int cmd)
{
    /* Nothing is printed, and nothing read that somebody typed: no bytes, or no memory for them. */
    if (percent(r, 50))
        return HYPERVISOR_console_io(cmd, 0, (char *)r->page);
    return HYPERVISOR_console_io(cmd, cmd == CONSOLEIO_write ? 8 : 0, (char *)bad_address(r));
}

static long call_unknown_console(struct run *r, unsigned int cmd)
{
    return HYPERVISOR_console_io((unsigned int)wild(r) | cmd, 1, (char *)r->page);
}

static long call_hole(struct run *r, unsigned int cmd)
{
    static const unsigned int holes[] = { 11, 45, 46, 47, 50, 51, 52, 53, 54, 55 };
    uint64_t nr = cmd ? wild(r) | 64 : PICK(r, holes);

    return pv_syscall(nr, wild(r), wild(r), wild(r), wild(r), wild(r), wild(r));
}

/* ---- A list of calls, good and bad ones; their results are the result ---- */

#define MOST_CALLS 6

static void fill_entry(struct run *r, multicall_entry_t *e)
{
    static struct mmu_update update;
    static struct mmuext_op flush = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };

    memset(e, 0, sizeof(*e));
    switch (below(r, 6)) {
    case 0:
        e->op = __HYPERVISOR_xen_version;
        e->args[0] = XENVER_pagesize;
        break;
    case 1:
        e->op = __HYPERVISOR_update_va_mapping;
        e->args[0] = some_va(r);
        e->args[1] = some_pte(r, some_mfn(r));
        e->args[2] = UVMF_INVLPG;
        break;
    case 2:
        update.ptr = some_slot(r);
        update.val = pte_for_slot(some_pte(r, some_mfn(r)), update.ptr);
        e->op = __HYPERVISOR_mmu_update;
        e->args[0] = percent(r, 90) ? (uint64_t)&update : bad_address(r);
        e->args[1] = 1;
        e->args[3] = DOMID_SELF;
        break;
    case 3:
        e->op = __HYPERVISOR_mmuext_op;
        e->args[0] = percent(r, 90) ? (uint64_t)&flush : bad_address(r);
        e->args[1] = 1;
        e->args[3] = DOMID_SELF;
        break;
    case 4:
        e->op = wild(r) | 64;
        break;
    default:
        e->op = __HYPERVISOR_multicall;                 /* a list in a list */
        e->args[0] = bad_address(r);
        e->args[1] = 1;
    }
}

static long call_multicall(struct run *r, unsigned int cmd)
{
    multicall_entry_t list[MOST_CALLS];
    unsigned int n = (unsigned int)below(r, MOST_CALLS + 1);
    void *where;
    long rc;

    (void)cmd;
    for (unsigned int i = 0; i < n; i++)
        fill_entry(r, &list[i]);
    where = put_arg(r, list, n * sizeof(*list));
    rc = HYPERVISOR_multicall(where, n);
    if (rc || !get_arg(r, where, list, n * sizeof(*list)))
        return rc;
    for (unsigned int i = 0; i < n; i++)
        if ((long)list[i].result < 0)
            rc = rc * 31 + (long)list[i].result;
    return rc ? -0x40000 - (rc & 0xffff) : 0;
}

static const struct op ops[] = {
    OP("set_trap_table", call_traps, 0, 4),
    OP("set_callbacks", call_callbacks, 0, 2),
    OP("callback_op.register", call_callback, CALLBACKOP_register, 3),
    OP("callback_op.unregister", call_callback, CALLBACKOP_unregister, 2),
    OP_NEVER("callback_op.unknown", call_callback, 2, 1, ANY, "there is no such command"),
    OP("stack_switch", call_stack, 0, 2),
    OP("fpu_taskswitch", call_fpu, 0, 1),
    OP("set_debugreg", call_set_debugreg, 0, 3),
    OP("get_debugreg", call_get_debugreg, 0, 1),
    OP("set_segment_base", call_base, 0, 3),
    OP("set_timer_op", call_timer, 0, 2),
    OP("vm_assist.enable", call_assist, VMASST_CMD_enable, 2),
    OP_ALONE("vm_assist.disable", call_assist, VMASST_CMD_disable, 2),
    OP_NEVER("vm_assist.unknown", call_assist, 4, 1, ANY, "there is no such command"),
    OP("xen_version.version", call_version, XENVER_version, 1),
    OP("xen_version.extraversion", call_version, XENVER_extraversion, 1),
    OP("xen_version.compile_info", call_version, XENVER_compile_info, 1),
    OP("xen_version.capabilities", call_version, XENVER_capabilities, 1),
    OP("xen_version.changeset", call_version, XENVER_changeset, 1),
    OP("xen_version.platform_parameters", call_version, XENVER_platform_parameters, 1),
    OP("xen_version.get_features", call_version, XENVER_get_features, 1),
    OP("xen_version.pagesize", call_version, XENVER_pagesize, 1),
    OP("xen_version.guest_handle", call_version, XENVER_guest_handle, 1),
    OP("xen_version.commandline", call_version, XENVER_commandline, 1),
    OP_NEVER("xen_version.unknown", call_unknown_version, 64, 1, ANY, "there is no such command"),
    OP_NEVER("console_io.write", call_console, CONSOLEIO_write, 1,
             GUEST, "the first domain's privilege"),
    OP_NEVER("console_io.read", call_console, CONSOLEIO_read, 1,
             GUEST, "the first domain's privilege"),
    OP_NEVER("console_io.unknown", call_unknown_console, 2, 1, ANY, "there is no such command"),
    OP("multicall", call_multicall, 0, 6),
    OP_NEVER("hole", call_hole, 0, 1, ANY, "there is no such call"),
    OP_NEVER("hole.wild", call_hole, 1, 1, ANY, "there is no such call"),
};
const struct op_table cpu_table = { ops, PV_ARRAY_SIZE(ops) };
