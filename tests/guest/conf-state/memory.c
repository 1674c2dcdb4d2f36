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
    xen_pfn_t frames[8] = { 0 };
    struct xen_machphys_mfn_list list = { .max_extents = PV_ARRAY_SIZE(frames) };
    unsigned long runs = (op(XENMEM_maximum_ram_page, NULL) + 262143) / 262144;

    set_xen_guest_handle(list.extent_start, frames);
    EXPECT_EQ(op(XENMEM_machphys_mfn_list, &list), 0);
    EXPECT_EQ(list.nr_extents, runs < PV_ARRAY_SIZE(frames) ? runs : PV_ARRAY_SIZE(frames));
    EXPECT_TRUE(frames[0] != 0);
    list.max_extents = 0;
    EXPECT_EQ(op(XENMEM_machphys_mfn_list, &list), 0);
    EXPECT_EQ(list.nr_extents, 0);
    EXPECT_EQ(op(XENMEM_machphys_mfn_list, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    list.max_extents = 1;
    set_xen_guest_handle(list.extent_start, (xen_pfn_t *)CONF_EMPTY_VA);
    EXPECT_EQ(op(XENMEM_machphys_mfn_list, &list), -XEN_EFAULT);
}

#define PLACE 0xffffd3c000000000UL

CASE(memory_machphys_frames, "its frames can be mapped read-only as DOMID_XEN's, and in no other "
     "way",
     "memory_op.machphys_mfn_list:effect mmu_update:foreign security.m2p:readonly")
{
    void *page = pv_alloc_page();
    xen_pfn_t first = 0;
    struct xen_machphys_mfn_list list = { .max_extents = 1 };
    uint64_t mine = pv_va_to_mfn(page).nr, seen = 0, pte;
    struct mmu_update update;

    set_xen_guest_handle(list.extent_start, &first);
    EXPECT_EQ(op(XENMEM_machphys_mfn_list, &list), 0);
    EXPECT_EQ(pv_map(PLACE, pv_va_to_mfn(page), PV_PROT_RO), 0);
    update.ptr = pv_pte_maddr(pv_current_root(), PLACE, 1);
    pte = pv_pte(pv_mfn(first + (mine * 8 >> PV_PAGE_SHIFT)), PV_PROT_RO);
    update.val = pte | PV_PTE_RW;
    EXPECT_EQ(HYPERVISOR_mmu_update(&update, 1, NULL, DOMID_XEN), -XEN_EBUSY);
    update.val = pte;
    EXPECT_EQ(HYPERVISOR_mmu_update(&update, 1, NULL, DOMID_SELF), -XEN_EBUSY);
    EXPECT_EQ(HYPERVISOR_mmu_update(&update, 1, NULL, DOMID_XEN), 0);
    EXPECT_EQ(pv_mmuext_va(MMUEXT_INVLPG_LOCAL, PLACE), 0);
    EXPECT_FAULT(pv_probe_read(PLACE + mine * 8 % 4096, &seen), PV_NO_FAULT);
    EXPECT_EQ(seen, pv_va_to_pfn(page).nr);
    update.val = pte | PV_PTE_RW;
    EXPECT_EQ(HYPERVISOR_mmu_update(&update, 1, NULL, DOMID_XEN), -XEN_EBUSY);
    EXPECT_EQ(pv_unmap(PLACE, 1), 0);
    pv_free_page(page);
}

/* What PV callers are told of operations that are for other guests. */
CASE(memory_not_for_pv, "operations on frame numbers that the hypervisor translates are refused, "
     "after the domain was looked for",
     "memory_op.add_to_physmap:EACCES memory_op.add_to_physmap:ESRCH "
     "memory_op.add_to_physmap_batch:EACCES memory_op.remove_from_physmap:EACCES "
     "memory_op.pod_target:EINVAL memory_op.vnuma:EOPNOTSUPP")
{
    static const domid_t ids[] = { DOMID_SELF, 0, 77, DOMID_IO };

    for (size_t i = 0; i < PV_ARRAY_SIZE(ids); i++) {
        struct xen_add_to_physmap add = { .domid = ids[i] };
        struct xen_add_to_physmap_batch batch = { .domid = ids[i], .size = 1 };
        struct xen_remove_from_physmap remove = { .domid = ids[i] };
        struct xen_pod_target pod = { .domid = ids[i] };
        struct xen_vnuma_topology_info vnuma = { .domid = ids[i] };
        bool there = i < 2;

        for (unsigned int space = 0; space < 7; space++) {
            add.space = batch.space = (uint16_t)space;
            EXPECT_EQ(op(XENMEM_add_to_physmap, &add), space == XENMAPSPACE_gmfn_foreign ?
                      -XEN_ENOSYS : there ? -XEN_EACCES : -XEN_ESRCH);
            EXPECT_EQ(op(XENMEM_add_to_physmap_batch, &batch), space == XENMAPSPACE_gmfn_range ?
                      -XEN_EOPNOTSUPP : there ? -XEN_EACCES : -XEN_ESRCH);
        }
        EXPECT_EQ(op(XENMEM_remove_from_physmap, &remove), there ? -XEN_EACCES : -XEN_ESRCH);
        EXPECT_EQ(op(XENMEM_get_pod_target, &pod), there ? -XEN_EINVAL : -XEN_ESRCH);
        EXPECT_EQ(op(XENMEM_set_pod_target, &pod), there ? -XEN_EINVAL : -XEN_ESRCH);
        EXPECT_EQ(op(XENMEM_get_vnumainfo, &vnuma), there ? -XEN_EOPNOTSUPP : -XEN_ESRCH);
        vnuma.pad = 1;
        EXPECT_EQ(op(XENMEM_get_vnumainfo, &vnuma), -XEN_EINVAL);
    }
}

CASE(memory_no_argument, "each command without an argument that can be read; three have none",
     "memory_op:EFAULT memory_op.sharing:effect memory_op.machphys_compat_mfn_list:EOPNOTSUPP")
{
    static const unsigned int faults[] = { 3, 4, 5, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 21, 23,
                                           24, 26, 27, 28 };
    static const unsigned int unknown[] = { 8, 20, 22, 29, 30, 31, 40, 63 };

    for (size_t i = 0; i < PV_ARRAY_SIZE(faults); i++)
        EXPECT_EQ(op(faults[i], (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    /* Nothing was done of a list that can't be read. */
    EXPECT_EQ(op(XENMEM_increase_reservation, (void *)CONF_EMPTY_VA), 0);
    EXPECT_EQ(op(XENMEM_decrease_reservation, (void *)CONF_EMPTY_VA), 0);
    EXPECT_EQ(op(XENMEM_populate_physmap, (void *)CONF_EMPTY_VA), 0);
    EXPECT_EQ(op(XENMEM_get_sharing_freed_pages, NULL), 0);
    EXPECT_EQ(op(XENMEM_get_sharing_shared_pages, NULL), 0);
    EXPECT_EQ(op(XENMEM_machphys_compat_mfn_list, NULL), -XEN_EOPNOTSUPP);
    for (size_t i = 0; i < PV_ARRAY_SIZE(unknown); i++)
        EXPECT_EQ(op(unknown[i], NULL), -XEN_ENOSYS);
}

CASE(memory_change_nothing, "a change of reservation that is refused before it begins says how "
     "much was done: nothing. So does one for a domain that is not there",
     "memory_op.populate_physmap:foreign memory_op.decrease_reservation:foreign")
{
    static const unsigned int commands[] = { XENMEM_increase_reservation,
                                             XENMEM_decrease_reservation, XENMEM_populate_physmap };
    static const domid_t absent[] = { 77, DOMID_IO, DOMID_XEN, DOMID_INVALID };
    xen_pfn_t pfn = 0;
    struct xen_memory_reservation r = { .nr_extents = 1 };
    struct xen_memory_domain self = { .domid = DOMID_SELF };
    long before = op(XENMEM_current_reservation, &self);

    set_xen_guest_handle(r.extent_start, &pfn);
    for (size_t i = 0; i < PV_ARRAY_SIZE(commands); i++) {
        for (size_t k = 0; k < PV_ARRAY_SIZE(absent); k++) {
            r.domid = absent[k];
            EXPECT_EQ(op(commands[i], &r), 0);
        }
        r.domid = DOMID_SELF;
        r.nr_extents = ~0UL;
        EXPECT_EQ(op(commands[i], &r), 0);
        r.nr_extents = 1;
        r.extent_order = 30;
        EXPECT_EQ(op(commands[i], &r), 0);
        r.extent_order = 0;
    }
    EXPECT_EQ(op(XENMEM_current_reservation, &self), before);
}

CASE(memory_machine_map_count, "machine_memory_map without a buffer tells how many entries there "
     "are",
     "memory_op.machine_memory_map:effect")
{
    struct xen_memory_map list = { .nr_entries = 1 }, all = { .nr_entries = 128 };

    set_xen_guest_handle(all.buffer, map);
    EXPECT_EQ(op(XENMEM_machine_memory_map, &list), 0);
    EXPECT_EQ(op(XENMEM_machine_memory_map, &all), 0);
    EXPECT_EQ(list.nr_entries, all.nr_entries);
}

CASE(memory_reserved_devices, "reserved_device_memory_map: without an IOMMU no range is reserved",
     "memory_op.reserved_device_map:effect memory_op.reserved_device_map:EINVAL")
{
    uint32_t query[8] = { 0, 5 };

    EXPECT_EQ(op(XENMEM_reserved_device_memory_map, query), 0);
    EXPECT_EQ(query[1], 0);
    query[0] = 1;
    EXPECT_EQ(op(XENMEM_reserved_device_memory_map, query), 0);
    query[0] = 2;
    EXPECT_EQ(op(XENMEM_reserved_device_memory_map, query), -XEN_EINVAL);
}

CASE(memory_access_op, "access_op is for monitored guests: of oneself it is -EPERM",
     "memory_op.access_op:EPERM memory_op.access_op:ESRCH")
{
    struct { uint8_t op, access; domid_t domid; uint32_t nr; uint64_t more[4]; } arg = { 0 };

    EXPECT_EQ(op(21, &arg), -XEN_EPERM);
    arg.domid = 77;
    EXPECT_EQ(op(21, &arg), -XEN_ESRCH);
}
