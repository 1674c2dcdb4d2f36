/* SPDX-License-Identifier: MIT */
/* Every hypercall that takes a pointer, with every kind of bad one: -EFAULT and no side effect. */
#include "../lib/case.h"

CONF_GUEST("conf-pointer");

static const struct bad {
    const char *name;
    uint64_t va;
} bad_pointers[] = {
    { "unmapped", CONF_EMPTY_VA },
    { "not canonical", CONF_BAD_VA },
    { "top of the lower half", CONF_BAD_VA - 8 },
    { "hypervisor", CONF_HYPERVISOR_VA },
    { "hypervisor's last page", HYPERVISOR_VIRT_END - 16 },
    { "behind the frame table", HYPERVISOR_VIRT_START + (1UL << 39) },
};

/* Calls whose pointer is an argument; `written` says that the hypervisor only writes there. */
static const struct call {
    const char *name;
    unsigned int nr;
    unsigned long a1;
    unsigned int position;
    unsigned long after;
    bool written;
} calls[] = {
    { "set_trap_table", __HYPERVISOR_set_trap_table, 0, 1, 0, false },
    { "mmu_update", __HYPERVISOR_mmu_update, 0, 1, 1, false },
    { "set_gdt", __HYPERVISOR_set_gdt, 0, 1, 1, false },
    { "mmuext_op", __HYPERVISOR_mmuext_op, 0, 1, 1, false },
    { "multicall", __HYPERVISOR_multicall, 0, 1, 1, false },
    { "extraversion", __HYPERVISOR_xen_version, XENVER_extraversion, 2, 0, true },
    { "compile_info", __HYPERVISOR_xen_version, XENVER_compile_info, 2, 0, true },
    { "capabilities", __HYPERVISOR_xen_version, XENVER_capabilities, 2, 0, true },
    { "changeset", __HYPERVISOR_xen_version, XENVER_changeset, 2, 0, true },
    { "platform_parameters", __HYPERVISOR_xen_version, XENVER_platform_parameters, 2, 0, true },
    { "get_features", __HYPERVISOR_xen_version, XENVER_get_features, 2, 0, false },
    { "guest_handle", __HYPERVISOR_xen_version, XENVER_guest_handle, 2, 0, true },
    { "commandline", __HYPERVISOR_xen_version, XENVER_commandline, 2, 0, true },
    { "console write", __HYPERVISOR_console_io, CONSOLEIO_write, 3, 8, false },
    { "get_runstate_info", __HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 3, 0, true },
    { "runstate area", __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 3, 0, false },
    { "time area", __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 3, 0, false },
    { "periodic timer", __HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 3, 0, false },
    { "single-shot timer", __HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 3, 0, false },
    { "vcpu_info", __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 3, 0, false },
    { "shutdown", __HYPERVISOR_sched_op, SCHEDOP_shutdown, 2, 0, false },
    { "poll", __HYPERVISOR_sched_op, SCHEDOP_poll, 2, 0, false },
    { "remote_shutdown", __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, 2, 0, false },
    { "shutdown_code", __HYPERVISOR_sched_op, SCHEDOP_shutdown_code, 2, 0, false },
    { "callback register", __HYPERVISOR_callback_op, CALLBACKOP_register, 2, 0, false },
    { "callback unregister", __HYPERVISOR_callback_op, CALLBACKOP_unregister, 2, 0, false },
    { "current_reservation", __HYPERVISOR_memory_op, XENMEM_current_reservation, 2, 0, false },
    { "maximum_reservation", __HYPERVISOR_memory_op, XENMEM_maximum_reservation, 2, 0, false },
    { "machine_memory_map", __HYPERVISOR_memory_op, XENMEM_machine_memory_map, 2, 0, false },
    { "machphys_mapping", __HYPERVISOR_memory_op, XENMEM_machphys_mapping, 2, 0, true },
    { "bind_interdomain", __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, 2, 0, false },
    { "bind_virq", __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, 2, 0, false },
    { "close", __HYPERVISOR_event_channel_op, EVTCHNOP_close, 2, 0, false },
    { "send", __HYPERVISOR_event_channel_op, EVTCHNOP_send, 2, 0, false },
    { "status", __HYPERVISOR_event_channel_op, EVTCHNOP_status, 2, 0, false },
    { "alloc_unbound", __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, 2, 0, false },
    { "bind_ipi", __HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, 2, 0, false },
    { "bind_vcpu", __HYPERVISOR_event_channel_op, EVTCHNOP_bind_vcpu, 2, 0, false },
    { "unmask", __HYPERVISOR_event_channel_op, EVTCHNOP_unmask, 2, 0, false },
    { "set_iopl", __HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, 2, 0, false },
};

static long make_call(const struct call *c, uint64_t pointer)
{
    switch (c->position) {
    case 1:
        /* pointer, count, no count of what was done, the caller's own domain */
        return pv_hypercall(c->nr, pointer, c->after, 0, DOMID_SELF, 0, 0);
    case 2:
        return pv_hypercall(c->nr, c->a1, pointer, 0, 0, 0, 0);
    default:
        return pv_hypercall(c->nr, c->a1, c->after, pointer, 0, 0, 0);
    }
}

CASE(pointer_bad, "no hypercall follows a pointer that is unmapped, not canonical or the "
     "hypervisor's",
     "security.pointer_unmapped:refused security.pointer_not_canonical:refused "
     "security.pointer_hypervisor:refused set_trap_table:EFAULT mmu_update:EFAULT set_gdt:EFAULT "
     "mmuext_op:EFAULT multicall:EFAULT console_io.write:EFAULT xen_version.extraversion:EFAULT "
     "xen_version.compile_info:EFAULT xen_version.capabilities:EFAULT xen_version.changeset:EFAULT "
     "xen_version.platform_parameters:EFAULT xen_version.get_features:EFAULT "
     "xen_version.guest_handle:EFAULT xen_version.commandline:EFAULT "
     "vcpu_op.get_runstate_info:EFAULT vcpu_op.register_runstate_memory_area:EFAULT "
     "vcpu_op.register_vcpu_time_memory_area:EFAULT vcpu_op.set_periodic_timer:EFAULT "
     "vcpu_op.set_singleshot_timer:EFAULT vcpu_op.register_vcpu_info:EFAULT "
     "sched_op.shutdown:EFAULT sched_op.poll:EFAULT sched_op.remote_shutdown:EFAULT "
     "sched_op.shutdown_code:EFAULT callback_op.register:EFAULT callback_op.unregister:EFAULT "
     "memory_op.current_reservation:EFAULT memory_op.maximum_reservation:EFAULT "
     "memory_op.machine_memory_map:EFAULT memory_op.machphys_mapping:EFAULT "
     "event_channel_op.bind_interdomain:EFAULT event_channel_op.bind_virq:EFAULT "
     "event_channel_op.close:EFAULT event_channel_op.send:EFAULT event_channel_op.status:EFAULT "
     "event_channel_op.alloc_unbound:EFAULT event_channel_op.bind_ipi:EFAULT "
     "event_channel_op.bind_vcpu:EFAULT event_channel_op.unmask:EFAULT physdev_op.set_iopl:EFAULT")
{
    for (size_t i = 0; i < PV_ARRAY_SIZE(calls); i++) {
        for (size_t j = 0; j < PV_ARRAY_SIZE(bad_pointers); j++) {
            char what[64];

            snprintf(what, sizeof(what), "%s, %s", calls[i].name, bad_pointers[j].name);
            EXPECT_ROW(make_call(&calls[i], bad_pointers[j].va), -XEN_EFAULT, what);
        }
    }
}

CASE(pointer_read_only, "no hypercall writes to a page that the guest may only read",
     "security.pointer_read_only:refused")
{
    uint8_t *page = pv_alloc_page();
    unsigned int changed = 0;

    memset(page, 0x5a, PV_PAGE_SIZE);
    EXPECT_EQ(pv_update_va((uint64_t)page, pv_pte(pv_va_to_mfn(page), PV_PROT_RO), UVMF_INVLPG), 0);
    for (size_t i = 0; i < PV_ARRAY_SIZE(calls); i++) {
        if (calls[i].written)
            EXPECT_ROW(make_call(&calls[i], (uint64_t)page), -XEN_EFAULT, calls[i].name);
    }
    for (unsigned int i = 0; i < PV_PAGE_SIZE; i++)
        changed += page[i] != 0x5a;
    EXPECT_EQ(changed, 0);
    EXPECT_EQ(pv_free_table(page), 0);
}

CASE(pointer_m2p, "the machine-to-physical table is in the hypervisor's range: no hypercall writes "
     "there",
     "security.pointer_m2p:refused")
{
    uint64_t va = HYPERVISOR_VIRT_START + pv_current_root().nr * 8;
    uint64_t before = *(volatile uint64_t *)va;

    for (size_t i = 0; i < PV_ARRAY_SIZE(calls); i++) {
        if (calls[i].written)
            EXPECT_ROW(make_call(&calls[i], va), -XEN_EFAULT, calls[i].name);
    }
    EXPECT_EQ(*(volatile uint64_t *)va, before);
}

CASE(pointer_straddles, "a structure that ends on an unmapped page is -EFAULT",
     "security.pointer_straddles:refused")
{
    uint64_t va = pv_vmap_alloc(2), end = va + PV_PAGE_SIZE;
    void *page = pv_alloc_page();
    struct sched_shutdown *reason = (struct sched_shutdown *)(end - 2);

    EXPECT_EQ(pv_map(va, pv_va_to_mfn(page), PV_PROT_RW), 0);
    EXPECT_EQ(HYPERVISOR_sched_op(SCHEDOP_shutdown, reason), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_capabilities, (void *)(end - 8)), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_ipi, (void *)(end - 4)), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_machphys_mapping, (void *)(end - 8)), -XEN_EFAULT);
    EXPECT_EQ(pv_unmap(va, 1), 0);
    pv_free_page(page);
}

CASE(pointer_null, "NULL is an address like any other: nothing is mapped there",
     "security.pointer_unmapped:refused")
{
    EXPECT_EQ(HYPERVISOR_sched_op(SCHEDOP_poll, NULL), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_extraversion, NULL), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_mmu_update(NULL, 1, NULL, DOMID_SELF), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_ipi, NULL), -XEN_EFAULT);
}

CASE(pointer_counts, "a count beyond all bounds is an error, not a wrap-around",
     "security.count:refused")
{
    struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };
    evtchn_port_t port = 1;
    struct sched_poll poll = { .nr_ports = ~0u, .timeout = 1 };

    set_xen_guest_handle(poll.ports, &port);
    EXPECT_EQ(HYPERVISOR_sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_set_gdt((xen_ulong_t *)&op, 0xffff0000u), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_mmuext_op((void *)CONF_EMPTY_VA, ~0u >> 1, NULL, DOMID_SELF), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_mmu_update((void *)CONF_EMPTY_VA, ~0u >> 1, NULL, DOMID_SELF),
              -XEN_EFAULT);
}

PV_USER_TEXT static uint64_t user_hypercall(uint64_t nr)
{
    uint64_t rax = nr;

    __asm__ volatile("syscall" : "+a"(rax) : "D"(0), "S"(0) : "rcx", "r11", "memory");
    return rax;
}

CASE(pointer_user_mode, "user mode can't make hypercalls: its syscall goes to the guest kernel",
     "security.hypercall_from_user:refused")
{
    struct pv_user_exit exit;

    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_hypercall), __HYPERVISOR_set_gdt, &exit), 0);
    EXPECT_TRUE(!exit.returned);
    EXPECT_FAULT(exit.fault, PV_NO_FAULT);
    EXPECT_EQ(exit.regs.rax, __HYPERVISOR_set_gdt);
}
