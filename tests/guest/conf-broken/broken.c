/* SPDX-License-Identifier: MIT */
/*
 * Cases that must fail, each in its own way: the proof that the kit can. They cover no cell of
 * their own; tests/harness/ends.py expects exactly these verdicts.
 */
#include "../lib/case.h"

CONF_GUEST("conf-broken");

CASE(broken_value, "a wrong value fails", "xen_version.version:effect")
{
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_version, NULL), 3 << 16);
}

CASE(broken_fault, "a fault that does not come fails", "exception.PF:kernel")
{
    uint64_t value;

    EXPECT_FAULT(pv_probe_read(PV_VIRT_BASE, &value), PV_FAULT(PV_PF, 0));
}

CASE(broken_worst, "one failed check among good ones, and a skip, fails",
     "xen_version.version:effect")
{
    EXPECT_EQ(1, 1);
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_pagesize, NULL), 8192);
    conf_skip("this does not help");
    EXPECT_EQ(1, 1);
}

CASE(broken_empty, "a case that checks nothing fails", "xen_version.version:effect")
{
}

CASE(broken_skip, "a skipped case is told as skipped", "xen_version.version:effect")
{
    conf_skip("by intention");
}

CASE(broken_crash, "a case that ends the guest has no verdict, which fails", "end.no_handler:crash")
{
    __asm__ volatile("ud2");
}
