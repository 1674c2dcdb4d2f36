/* SPDX-License-Identifier: MIT */
/* memory_op: the queries. */
#include "../lib/case.h"

static long op(unsigned long cmd, void *arg)
{
    return HYPERVISOR_memory_op(cmd, arg);
}

CASE(memory_machphys, "machphys_mapping: the table starts the hypervisor's range and covers all "
     "RAM",
     "memory_op.machphys_mapping:effect memory_op.machphys_mapping:EFAULT")
{
    struct xen_machphys_mapping mapping = { 0 };
    uint64_t last, value;

    EXPECT_EQ(op(XENMEM_machphys_mapping, &mapping), 0);
    EXPECT_EQ(mapping.v_start, MACH2PHYS_VIRT_START);
    EXPECT_EQ(mapping.v_end, MACH2PHYS_VIRT_END);
    EXPECT_TRUE((long)mapping.max_mfn >= op(XENMEM_maximum_ram_page, NULL) - 1);
    last = mapping.v_start + (op(XENMEM_maximum_ram_page, NULL) - 1) * 8;
    EXPECT_FAULT(pv_probe_read(last, &value), PV_NO_FAULT);
    EXPECT_EQ(op(XENMEM_machphys_mapping, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(op(XENMEM_machphys_mapping, (void *)CONF_HYPERVISOR_VA), -XEN_EFAULT);
}

CASE(memory_maximum_page, "maximum_ram_page is past every frame that the domain has",
     "memory_op.maximum_ram_page:effect")
{
    long end = op(XENMEM_maximum_ram_page, NULL);
    unsigned int beyond = 0;

    for (uint64_t pfn = 0; pfn < pv_nr_pages(); pfn++)
        beyond += (long)pv_pfn_to_mfn(pv_pfn(pfn)).nr >= end;
    EXPECT_EQ(beyond, 0);
}

CASE(memory_reservations, "the reservations of the caller; a domain that is not there is -ESRCH",
     "memory_op.current_reservation:effect memory_op.maximum_reservation:effect "
     "memory_op.current_reservation:ESRCH memory_op.maximum_reservation:ESRCH "
     "memory_op.current_reservation:EFAULT")
{
    struct xen_memory_domain self = { .domid = DOMID_SELF }, other = { .domid = 77 };
    long current = op(XENMEM_current_reservation, &self);

    EXPECT_EQ(current, pv_nr_pages());
    EXPECT_TRUE(op(XENMEM_maximum_reservation, &self) >= current);
    EXPECT_EQ(op(XENMEM_current_reservation, &other), -XEN_ESRCH);
    EXPECT_EQ(op(XENMEM_maximum_reservation, &other), -XEN_ESRCH);
    EXPECT_EQ(op(XENMEM_current_reservation, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
}

struct e820_entry {
    uint64_t base, size;
    uint32_t type;
} __attribute__((packed));

static struct e820_entry map[128];

CASE(memory_machine_map, "machine_memory_map lists the machine's ranges in order, RAM among them",
     "memory_op.machine_memory_map:effect memory_op.machine_memory_map:EFAULT")
{
    struct xen_memory_map list = { .nr_entries = PV_ARRAY_SIZE(map) };
    uint64_t ram = 0, end = 0;
    unsigned int disorder = 0;

    set_xen_guest_handle(list.buffer, map);
    EXPECT_EQ(op(XENMEM_machine_memory_map, &list), 0);
    EXPECT_TRUE(list.nr_entries > 1 && list.nr_entries < PV_ARRAY_SIZE(map));
    for (unsigned int i = 0; i < list.nr_entries; i++) {
        disorder += map[i].base < end;
        end = map[i].base + map[i].size;
        ram += map[i].type == 1 ? map[i].size : 0;
    }
    EXPECT_EQ(disorder, 0);
    EXPECT_TRUE(ram >= pv_nr_pages() << PV_PAGE_SHIFT);
    set_xen_guest_handle(list.buffer, (void *)CONF_EMPTY_VA);
    EXPECT_EQ(op(XENMEM_machine_memory_map, &list), -XEN_EFAULT);
    EXPECT_EQ(op(XENMEM_machine_memory_map, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
}

CASE(memory_map_small, "machine_memory_map into too little room is -EINVAL and writes nothing",
     "memory_op.machine_memory_map:EINVAL")
{
    struct xen_memory_map list = { .nr_entries = 1 };

    set_xen_guest_handle(list.buffer, map);
    map[0].type = 0xaaaa;
    EXPECT_EQ(op(XENMEM_machine_memory_map, &list), -XEN_EINVAL);
    EXPECT_EQ(list.nr_entries, 1);
    EXPECT_EQ(map[0].type, 0xaaaa);
}

CASE(memory_own_map, "the first domain has no map that a toolstack set: memory_map is -ENOSYS",
     "memory_op.memory_map:ENOSYS")
{
    struct xen_memory_map list = { .nr_entries = PV_ARRAY_SIZE(map) };

    set_xen_guest_handle(list.buffer, map);
    EXPECT_EQ(op(XENMEM_memory_map, &list), -XEN_ENOSYS);
}

CASE(memory_maximum_gpfn, "maximum_gpfn is the last pfn that shared_info says",
     "memory_op.maximum_gpfn:effect")
{
    struct xen_memory_domain self = { .domid = DOMID_SELF };
    unsigned long before = pv_shared_info->arch.max_pfn;

    pv_shared_info->arch.max_pfn = 1000;
    EXPECT_EQ(op(XENMEM_maximum_gpfn, &self), 999);
    pv_shared_info->arch.max_pfn = before;
}

CASE(memory_unknown, "an unknown command is -ENOSYS", "memory_op:ENOSYS")
{
    EXPECT_EQ(op(8, NULL), -XEN_ENOSYS);
    EXPECT_EQ(op(63, NULL), -XEN_ENOSYS);
}

CASE(memory_machphys_list, "machphys_mfn_list names the frames of the table, 2 MiB apart, as room "
     "allows",
     "memory_op.machphys_mfn_list:effect memory_op.machphys_mfn_list:EFAULT")
{
    xen_pfn_t frames[4] = { 0 };
    struct xen_machphys_mfn_list list = { .max_extents = PV_ARRAY_SIZE(frames) };

    set_xen_guest_handle(list.extent_start, frames);
    EXPECT_ON(op(XENMEM_machphys_mfn_list, &list), 0, -XEN_ENOSYS,
              "Pavane backs its table where there is RAM, not in nameable runs of 2 MiB");
    if (conf_on_pavane())
        return;
    EXPECT_TRUE(list.nr_extents >= 1 && list.nr_extents <= PV_ARRAY_SIZE(frames));
    EXPECT_TRUE(frames[0] != 0);
    list.max_extents = 0;
    EXPECT_EQ(op(XENMEM_machphys_mfn_list, &list), 0);
    EXPECT_EQ(list.nr_extents, 0);
    EXPECT_EQ(op(XENMEM_machphys_mfn_list, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
}
