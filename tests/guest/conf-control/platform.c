/* SPDX-License-Identifier: MIT */
/* platform_op: the first domain's kernel and the machine. */
#include <xen/platform.h>

#include "child.h"

static long platform(struct xen_platform_op *op)
{
    op->interface_version = XENPF_INTERFACE_VERSION;
    return HYPERVISOR_platform_op(op);
}

CASE(platform_refused, "another interface version is -EACCES, an unknown command -ENOSYS, a bad "
     "pointer -EFAULT",
     "platform_op:EACCES platform_op:ENOSYS platform_op:EFAULT")
{
    static const uint64_t bad[] = { CONF_EMPTY_VA, CONF_BAD_VA, CONF_HYPERVISOR_VA };
    struct xen_platform_op op = { .cmd = XENPF_get_cpuinfo };

    EXPECT_EQ(HYPERVISOR_platform_op(&op), -XEN_EACCES);
    op.cmd = 999;
    EXPECT_EQ(platform(&op), -XEN_ENOSYS);
    op.cmd = ~0u;
    EXPECT_EQ(platform(&op), -XEN_ENOSYS);
    for (size_t i = 0; i < PV_ARRAY_SIZE(bad); i++)
        EXPECT_EQ(HYPERVISOR_platform_op((void *)bad[i]), -XEN_EFAULT);
}

CASE(platform_unprivileged, "a domain without privilege may not use platform_op",
     "platform_op:EPERM")
{
    volatile uint32_t *header;
    struct child c;

    if (!child_build(&c, child_call))
        return;
    c.shared->call[0] = __HYPERVISOR_platform_op;
    c.shared->call[1] = CHILD_BASE + CHILD_SHARED * PV_PAGE_SIZE + 1024;
    header = (volatile uint32_t *)((volatile char *)c.shared + 1024);
    header[0] = XENPF_settime64;
    header[1] = XENPF_INTERFACE_VERSION;
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    EXPECT_TRUE(WAIT_FOR(c.shared->count > 0));
    EXPECT_EQ(c.shared->answer, -XEN_EPERM);
    EXPECT_EQ(child_destroy(&c), 0);
}

/* The wall clock at system time 0, as a domain's shared page has it. */
static uint64_t seconds_of(const struct shared_info *s)
{
    const volatile struct shared_info *v = s;

    return v->wc_sec | (uint64_t)v->wc_sec_hi << 32;
}

static const struct shared_info *map_shared_info(const struct child *c)
{
    struct xen_domctl_getdomaininfo info;
    uint64_t va = pv_vmap_alloc(1);

    if (!EXPECT_EQ(domain_info(c->id, &info), 0) ||
        !EXPECT_EQ(pv_map(va, pv_current_root(), 0), 0))
        return NULL;
    if (!EXPECT_EQ(HYPERVISOR_update_va_mapping_otherdomain(
                       va, pv_pte(pv_mfn(info.shared_info_frame), PV_PROT_RO),
                       UVMF_INVLPG | UVMF_ALL, c->id), 0))
        return NULL;
    return (const struct shared_info *)va;
}

CASE(platform_settime, "settime64 and settime32 set the wall clock that every domain's shared page "
     "shows, old and new ones, each with a new even version",
     "platform_op.settime64:effect platform_op.settime64:EINVAL platform_op.settime32:effect "
     "time.wallclock:set")
{
    const struct shared_info *own = pv_shared_info, *other;
    uint64_t before = seconds_of(own), at = before + 5000000000UL;
    struct xen_platform_op op = { .cmd = XENPF_settime64 };
    uint32_t version = own->wc_version, ns = own->wc_nsec;
    struct child c, later;

    if (!child_build(&c, child_echo))
        return;
    other = map_shared_info(&c);
    if (!other)
        return;
    op.u.settime64.secs = at + 7;
    op.u.settime64.nsecs = 123456789;
    op.u.settime64.system_time = 7 * PV_NS_PER_SEC;
    EXPECT_EQ(platform(&op), 0);
    EXPECT_EQ(seconds_of(own), at);
    EXPECT_EQ(own->wc_nsec, 123456789);
    EXPECT_EQ(own->wc_version, version + 2);
    EXPECT_EQ(seconds_of(other), at);
    EXPECT_EQ(other->wc_nsec, 123456789);
    EXPECT_EQ(other->wc_version & 1, 0);
    EXPECT_EQ(pv_unmap((uint64_t)other, 1), 0);
    op.u.settime64.mbz = 1;
    EXPECT_EQ(platform(&op), -XEN_EINVAL);
    EXPECT_EQ(seconds_of(own), at);
    if (child_build(&later, child_echo)) {
        other = map_shared_info(&later);
        EXPECT_EQ(other ? seconds_of(other) : 0, at);
        EXPECT_EQ(other ? pv_unmap((uint64_t)other, 1) : 0, 0);
        EXPECT_EQ(child_destroy(&later), 0);
    }
    op.cmd = XENPF_settime32;
    op.u.settime32.secs = (uint32_t)before;
    op.u.settime32.nsecs = ns;
    op.u.settime32.system_time = 0;
    EXPECT_EQ(platform(&op), 0);
    EXPECT_EQ(seconds_of(own), before);
    EXPECT_EQ(own->wc_nsec, ns);
    EXPECT_EQ(own->wc_version, version + 4);
    EXPECT_EQ(child_destroy(&c), 0);
}

CASE(platform_processors, "get_cpuinfo and get_cpu_version: a processor that runs, and one that is "
     "not there",
     "platform_op.get_cpuinfo:effect platform_op.get_cpu_version:effect")
{
    struct xen_platform_op op = { .cmd = XENPF_get_cpuinfo };
    uint32_t max_present, eax = 0, name[3];

    EXPECT_EQ(platform(&op), 0);
    EXPECT_EQ(op.u.pcpu_info.flags, XEN_PCPU_FLAGS_ONLINE);
    EXPECT_EQ(op.u.pcpu_info.apic_id, 0);
    EXPECT_EQ(op.u.pcpu_info.acpi_id, 0);
    max_present = op.u.pcpu_info.max_present;
    EXPECT_TRUE(max_present < 64);
    op.u.pcpu_info.xen_cpuid = max_present;
    EXPECT_EQ(platform(&op), 0);
    EXPECT_EQ(op.u.pcpu_info.flags, XEN_PCPU_FLAGS_ONLINE);
    EXPECT_EQ(op.u.pcpu_info.apic_id, max_present);
    op.u.pcpu_info.xen_cpuid = 4095;
    EXPECT_EQ(platform(&op), 0);
    EXPECT_EQ(op.u.pcpu_info.flags, XEN_PCPU_FLAGS_INVALID);
    __asm__("cpuid" : "+a"(eax), "=b"(name[0]), "=d"(name[1]), "=c"(name[2]));
    op.cmd = XENPF_get_cpu_version;
    memset(&op.u, 0, sizeof(op.u));
    EXPECT_EQ(platform(&op), 0);
    EXPECT_EQ(memcmp(op.u.pcpu_version.vendor_id, name, 12), 0);
    EXPECT_TRUE(op.u.pcpu_version.family >= 6);
    EXPECT_EQ(op.u.pcpu_version.max_present, max_present);
    op.u.pcpu_version.xen_cpuid = 4095;
    EXPECT_EQ(platform(&op), 0);
    EXPECT_EQ(op.u.pcpu_version.family, 0);
    EXPECT_EQ(op.u.pcpu_version.vendor_id[0], 0);
}

CASE(platform_firmware, "firmware_info: what the machine's firmware has not left behind is -ESRCH, "
     "or -ENOSYS without EFI; another kind is -EINVAL",
     "platform_op.firmware_info:ESRCH platform_op.firmware_info:ENOSYS "
     "platform_op.firmware_info:EINVAL")
{
    struct xen_platform_op op = { .cmd = XENPF_firmware_info };

    op.u.firmware_info.type = XEN_FW_DISK_INFO;
    op.u.firmware_info.index = 99;
    EXPECT_EQ(platform(&op), -XEN_ESRCH);
    op.u.firmware_info.type = XEN_FW_DISK_MBR_SIGNATURE;
    EXPECT_EQ(platform(&op), -XEN_ESRCH);
    op.u.firmware_info.type = XEN_FW_VBEDDC_INFO;
    EXPECT_EQ(platform(&op), -XEN_ESRCH);
    op.u.firmware_info.type = XEN_FW_KBD_SHIFT_FLAGS;
    EXPECT_EQ(platform(&op), -XEN_ESRCH);
    op.u.firmware_info.type = XEN_FW_EFI_INFO;
    EXPECT_EQ(platform(&op), -XEN_ENOSYS);
    op.u.firmware_info.type = 77;
    EXPECT_EQ(platform(&op), -XEN_EINVAL);
}

CASE(platform_sleep, "enter_acpi_sleep with flags or a state that do not exist is -EINVAL",
     "platform_op.enter_acpi_sleep:EINVAL")
{
    struct xen_platform_op op = { .cmd = XENPF_enter_acpi_sleep };

    EXPECT_EQ(platform(&op), -XEN_EINVAL);
    op.u.enter_acpi_sleep.sleep_state = 9;
    EXPECT_EQ(platform(&op), -XEN_EINVAL);
    op.u.enter_acpi_sleep.sleep_state = 5;
    op.u.enter_acpi_sleep.flags = 2;
    EXPECT_EQ(platform(&op), -XEN_EINVAL);
}
