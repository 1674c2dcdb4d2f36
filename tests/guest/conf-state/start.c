/* SPDX-License-Identifier: MIT */
/* What a guest finds when it starts. */
#include "../lib/case.h"

CONF_GUEST("conf-state");

static const struct start_info *si(void)
{
    return pv_start_info;
}

CASE(start_magic, "magic names the interface: xen-<version>-x86_64, with a p for the first domain",
     "start.magic:effect")
{
    EXPECT_EQ(strncmp(si()->magic, "xen-3.0-x86_64", 14), 0);
    EXPECT_TRUE(si()->magic[14] == '\0' || !strcmp(si()->magic + 14, "p"));
}

CASE(start_flags, "the first domain is privileged and initial, and has no mfn-style module",
     "start.flags:effect")
{
    EXPECT_EQ(si()->flags & (SIF_PRIVILEGED | SIF_INITDOMAIN), SIF_PRIVILEGED | SIF_INITDOMAIN);
    EXPECT_EQ(si()->flags & SIF_MULTIBOOT_MOD, 0);
}

CASE(start_pages, "nr_pages is the domain's memory, as current_reservation counts it",
     "start.nr_pages:effect memory_op.current_reservation:effect")
{
    struct xen_memory_domain domain = { .domid = DOMID_SELF };

    EXPECT_TRUE(si()->nr_pages > 4096);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_current_reservation, &domain), si()->nr_pages);
}

CASE(start_info_page, "start_info is on a page of its own", "start.page:effect")
{
    EXPECT_EQ((uint64_t)si() & ~PV_PAGE_MASK, 0);
}

CASE(start_tables, "pt_base is the root in use, and every builder's table is mapped read-only",
     "start.pt_base:effect start.tables:readonly")
{
    const uint64_t *l4 = (const uint64_t *)si()->pt_base;

    EXPECT_TRUE(si()->nr_pt_frames >= 4);
    EXPECT_EQ(pv_va_to_mfn(l4).nr, pv_current_root().nr);
    for (uint64_t i = 0; i < si()->nr_pt_frames; i++) {
        const uint64_t *pte = pv_find_pte(pv_current_root(), si()->pt_base + i * PV_PAGE_SIZE, 1);

        if (EXPECT_TRUE(pte))
            EXPECT_EQ(*pte & (PV_PTE_P | PV_PTE_RW), PV_PTE_P);
    }
}

CASE(start_mapping, "the image and 512 KiB past the boot stack are mapped", "start.mapping:effect")
{
    uint64_t end = si()->pt_base + (si()->nr_pt_frames + 1) * PV_PAGE_SIZE, value;

    EXPECT_FAULT(pv_probe_read(PV_VIRT_BASE, &value), PV_NO_FAULT);
    for (uint64_t va = end; va < end + (512 << 10); va += PV_PAGE_SIZE) {
        if (pv_va_to_pfn((void *)va).nr < si()->nr_pages)
            EXPECT_FAULT(pv_probe_read(va, &value), PV_NO_FAULT);
    }
}

CASE(start_p2m, "mfn_list has a frame for each pfn, and the machine-to-physical table is its "
     "inverse",
     "start.mfn_list:effect start.m2p:effect")
{
    const uint64_t *p2m = (const uint64_t *)si()->mfn_list;
    uint64_t wrong = 0;

    for (uint64_t pfn = 0; pfn < si()->nr_pages; pfn++)
        wrong += machine_to_phys_mapping[p2m[pfn]] != pfn;
    EXPECT_EQ(wrong, 0);
}

CASE(start_shared_info, "shared_info is a machine address below 4 GiB; all vCPUs start with events "
     "masked",
     "start.shared_info:effect")
{
    unsigned int masked = 0;

    EXPECT_EQ(si()->shared_info & ~PV_PAGE_MASK, 0);
    EXPECT_TRUE(si()->shared_info != 0 && si()->shared_info < 1UL << 32);
    for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        masked += pv_shared_info->vcpu_info[i].evtchn_upcall_mask;
    EXPECT_EQ(masked, XEN_LEGACY_MAX_VCPUS);
}

CASE(start_console, "the first domain has no console ring and no xenstore", "start.console:effect")
{
    EXPECT_EQ(si()->store_mfn, 0);
    EXPECT_EQ(si()->store_evtchn, 0);
    EXPECT_TRUE(si()->console.dom0.info_size == 0 ||
                si()->console.dom0.info_off + si()->console.dom0.info_size <= PV_PAGE_SIZE);
}

CASE(start_module, "no second module: mod_start and mod_len are 0", "start.module:effect")
{
    EXPECT_EQ(si()->mod_start, 0);
    EXPECT_EQ(si()->mod_len, 0);
}

CASE(start_cmdline, "cmd_line is a text that ends in its 1024 bytes", "start.cmd_line:effect")
{
    EXPECT_TRUE(strnlen((const char *)si()->cmd_line, MAX_GUEST_CMDLINE) < MAX_GUEST_CMDLINE);
}

CASE(start_segments, "the data selectors start as 0, cs and ss as the flat ones",
     "start.selectors:effect")
{
    uint32_t cs, ss, ds, es;

    __asm__("mov %%cs, %0; mov %%ss, %1; mov %%ds, %2; mov %%es, %3"
            : "=r"(cs), "=r"(ss), "=r"(ds), "=r"(es));
    EXPECT_EQ(cs, FLAT_KERNEL_CS);
    EXPECT_EQ(ss, FLAT_KERNEL_SS);
    EXPECT_EQ(ds, 0);
    EXPECT_EQ(es, 0);
}

CASE(start_time, "the time record is valid from the start: even version, a factor, a plausible "
     "rate",
     "time.record:effect")
{
    const struct vcpu_time_info *t = &pv_this_vcpu()->info->time;

    EXPECT_EQ(t->version & 1, 0);
    EXPECT_TRUE(t->version != 0);
    EXPECT_TRUE(t->tsc_to_system_mul != 0);
    EXPECT_TRUE(pv_system_time() != 0);
    EXPECT_TRUE(pv_tsc_khz() > 100000 && pv_tsc_khz() < 10000000);
}

CASE(start_wallclock, "the wall clock is even-versioned and after 2020", "time.wallclock:effect")
{
    EXPECT_EQ(pv_shared_info->wc_version & 1, 0);
    EXPECT_TRUE(pv_shared_info->wc_version != 0);
    EXPECT_TRUE(pv_wallclock().sec > 1577836800 && pv_wallclock().sec < 4102444800);
    EXPECT_TRUE(pv_shared_info->wc_nsec < 1000000000);
}

CASE(time_monotonic, "system time never goes back, and goes on while the vCPU sleeps",
     "time.record:monotonic")
{
    uint64_t last = pv_system_time(), now, back = 0;

    for (unsigned int i = 0; i < 2000; i++) {
        now = pv_system_time();
        back += now < last;
        last = now;
        if (i % 500 == 0)
            HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    }
    EXPECT_EQ(back, 0);
    pv_sleep_ns(10 * PV_NS_PER_MS);
    EXPECT_TRUE(pv_system_time() >= last + 10 * PV_NS_PER_MS);
}
