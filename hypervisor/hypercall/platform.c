/* SPDX-License-Identifier: MIT */
/*
 * platform_op: what the first domain's kernel tells and asks about the machine. Served is what a
 * kernel calls that finds no power management, no EFI and no memory type registers here; the rest
 * is -ENOSYS, which such a kernel takes as the answer that it is.
 */
#include "boot/boot.h"
#include "control/policy.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "x86/platform.h"

static long settime32(struct xen_platform_op *op)
{
    const struct xenpf_settime32 *t = &op->u.settime32;

    time_set_wall(t->secs, t->nsecs, t->system_time);
    return 0;
}

static long settime64(struct xen_platform_op *op)
{
    const struct xenpf_settime64 *t = &op->u.settime64;

    if (t->mbz)
        return -EINVAL;
    time_set_wall(t->secs, t->nsecs, t->system_time);
    return 0;
}

/* The loader leaves nothing of the firmware's behind but the memory map. */
static long firmware_info(struct xen_platform_op *op)
{
    switch (op->u.firmware_info.type) {
    case XEN_FW_DISK_INFO:
    case XEN_FW_DISK_MBR_SIGNATURE:
    case XEN_FW_VBEDDC_INFO:
    case XEN_FW_KBD_SHIFT_FLAGS:
        return -ESRCH;
    case XEN_FW_EFI_INFO:
        return -ENOSYS;
    default:
        return -EINVAL;
    }
}

#define ACPI_OFF 5

/* Off: by the values of the machine's own tables, which are the caller's too. Nothing sleeps. */
static long enter_acpi_sleep(struct xen_platform_op *op)
{
    const struct xenpf_enter_acpi_sleep *sleep = &op->u.enter_acpi_sleep;

    if ((sleep->flags & ~XENPF_ACPI_SLEEP_EXTENDED) || sleep->sleep_state < 1 ||
        sleep->sleep_state > ACPI_OFF)
        return -EINVAL;
    if (sleep->sleep_state != ACPI_OFF)
        return -EOPNOTSUPP;
    domain_shutdown(current->domain, SHUTDOWN_poweroff);
    return 0;
}

/* By our numbers, which the caller goes through: max_present is the last. */
static long get_cpuinfo(struct xen_platform_op *op)
{
    struct xenpf_pcpuinfo *info = &op->u.pcpu_info;
    u32 cpu = info->xen_cpuid;

    info->max_present = cpu_count() - 1;
    info->flags = XEN_PCPU_FLAGS_INVALID;
    if (cpu >= cpu_count())
        return 0;
    cpu = (u32)index_nospec(cpu, MAX_CPUS);
    info->flags = XEN_PCPU_FLAGS_ONLINE;
    info->apic_id = apic_id_of(cpu);
    for (unsigned int i = 0; i < acpi.nr_cpus; i++)
        if (acpi.cpu_apic_ids[i] == info->apic_id)
            info->acpi_id = acpi.cpu_acpi_ids[i];
    return 0;
}

/* One kind of processor is as good as the other: all are of the same. */
static long get_cpu_version(struct xen_platform_op *op)
{
    struct xenpf_pcpu_version *version = &op->u.pcpu_version;
    struct cpuid_regs name = cpuid(0, 0), model = cpuid(1, 0);
    u32 family = model.a >> 8 & 15, number = model.a >> 4 & 15;
    bool there = version->xen_cpuid < cpu_count();

    if (family == 15)
        family += model.a >> 20 & 0xff;
    if (family >= 6)
        number |= model.a >> 12 & 0xf0;
    memset(version->vendor_id, 0, sizeof(version->vendor_id));
    if (there) {
        memcpy(&version->vendor_id[0], &name.b, 4);
        memcpy(&version->vendor_id[4], &name.d, 4);
        memcpy(&version->vendor_id[8], &name.c, 4);
    }
    version->family = there ? family : 0;
    version->model = there ? number : 0;
    version->stepping = there ? model.a & 15 : 0;
    version->max_present = cpu_count() - 1;
    return 0;
}

static const struct {
    long (*fn)(struct xen_platform_op *op);
    bool answers;               /* the structure goes back to the caller */
} ops[] = {
    [XENPF_settime32]        = { settime32, false },
    [XENPF_get_cpu_version]  = { get_cpu_version, true },
    [XENPF_firmware_info]    = { firmware_info, false },
    [XENPF_enter_acpi_sleep] = { enter_acpi_sleep, false },
    [XENPF_get_cpuinfo]      = { get_cpuinfo, true },
    [XENPF_settime64]        = { settime64, false },
};

long do_platform_op(XEN_GUEST_HANDLE(xen_platform_op_t) arg)
{
    struct xen_platform_op op;
    u64 nr;
    long rc;

    if (!copy_from_guest(&op, arg))
        return -EFAULT;
    if (op.interface_version != XENPF_INTERFACE_VERSION)
        return -EACCES;
    if (!policy_may_control())
        return -EPERM;
    if (op.cmd >= ARRAY_SIZE(ops))
        return -ENOSYS;
    nr = index_nospec(op.cmd, ARRAY_SIZE(ops));
    if (!ops[nr].fn)
        return -ENOSYS;
    rc = ops[nr].fn(&op);
    if (rc == 0 && ops[nr].answers && !copy_to_guest(arg, &op))
        return -EFAULT;
    return rc;
}
