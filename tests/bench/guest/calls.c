/* SPDX-License-Identifier: MIT */
/* Hypercalls that do little: what is measured is mostly the way in and out. */
#include "bench.h"

#define CALLS         32
#define UNKNOWN_CALL  47 /* a slot of the hypercall page that no call has */
#define VERSION       (4 << 16 | 17)
#define GDT_ENTRIES   512
#define GDT_SLOT      20

/* 64-bit code for ring 3, fresh and accessed. */
#define CODE_DESCRIPTOR   0x00affa000000ffffUL
#define CODE_ACCESSED_BIT (1UL << 40)

static multicall_entry_t calls[CALLS];
static uint64_t descriptor = CODE_DESCRIPTOR, descriptor_maddr;
static void *gdt;

PV_HC_STUB(1, UNKNOWN_CALL, unknown, unsigned long a1)

static long run_null(void)
{
    return HYPERVISOR_xen_version(XENVER_version, NULL);
}

static long run_unknown(void)
{
    return HYPERVISOR_unknown(0);
}

static void prepare_calls(void)
{
    for (unsigned int i = 0; i < CALLS; i++)
        calls[i] = (multicall_entry_t){ .op = __HYPERVISOR_xen_version };
}

static void check_calls(void)
{
    must_hold(calls[0].result == VERSION, "multicall: the first call's result");
    calls[0].result = 0;
}

static void check_all_calls(void)
{
    for (unsigned int i = 0; i < CALLS; i++)
        must_hold(calls[i].result == VERSION, "multicall: a call's result");
    prepare_calls();
}

static long run_multicall_1(void)
{
    return HYPERVISOR_multicall(calls, 1);
}

static long run_multicall_32(void)
{
    return HYPERVISOR_multicall(calls, CALLS);
}

static void prepare_user(void)
{
    must_be_zero(pv_user_init(), "user mode");
}

static long run_stack_switch(void)
{
    return HYPERVISOR_stack_switch(FLAT_KERNEL_SS, pv_this_vcpu()->trap_stack);
}

static long run_set_segment_base(void)
{
    return HYPERVISOR_set_segment_base(SEGBASE_FS, 0x1000);
}

static void prepare_gdt(void)
{
    xen_ulong_t frame;

    gdt = pv_alloc_table();
    must_hold(gdt, "a page for the GDT");
    frame = pv_va_to_mfn(gdt).nr;
    descriptor_maddr = (frame << PV_PAGE_SHIFT) + GDT_SLOT * sizeof(uint64_t);
    must_be_zero(HYPERVISOR_set_gdt(&frame, GDT_ENTRIES), "set_gdt");
}

static void change_descriptor(void)
{
    descriptor ^= CODE_ACCESSED_BIT;
}

static long run_update_descriptor(void)
{
    return HYPERVISOR_update_descriptor(descriptor_maddr, descriptor);
}

static void check_descriptor(void)
{
    must_hold(((const uint64_t *)gdt)[GDT_SLOT] == descriptor, "the descriptor written");
}

static void free_gdt(void)
{
    must_be_zero(HYPERVISOR_set_gdt(NULL, 0), "set_gdt to none");
    must_be_zero(pv_free_table(gdt), "freeing the GDT");
}

static long run_fpu_taskswitch(void)
{
    return HYPERVISOR_fpu_taskswitch(1);
}

static void clear_task_switched(void)
{
    must_be_zero(HYPERVISOR_fpu_taskswitch(0), "fpu_taskswitch(0)");
}

static long run_yield(void)
{
    return HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
}

const struct operation call_operations[] = {
    { .name = "null hypercall", .run = run_null, .expect = VERSION },
    { .name = "unknown hypercall", .run = run_unknown, .expect = -XEN_ENOSYS },
    { .name = "multicall of 1", .setup = prepare_calls, .run = run_multicall_1,
      .after = check_calls },
    { .name = "multicall of 32", .setup = prepare_calls, .run = run_multicall_32,
      .after = check_all_calls },
    { .name = "stack_switch", .setup = prepare_user, .run = run_stack_switch },
    { .name = "set_segment_base", .run = run_set_segment_base },
    { .name = "update_descriptor", .setup = prepare_gdt, .before = change_descriptor,
      .run = run_update_descriptor, .after = check_descriptor, .teardown = free_gdt },
    { .name = "fpu_taskswitch", .run = run_fpu_taskswitch, .after = clear_task_switched },
    { .name = "sched_op yield", .run = run_yield },
    { .name = NULL },
};
