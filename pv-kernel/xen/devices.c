/* SPDX-License-Identifier: MIT */
/* Which files of /dev/xen there are: what needs privilege only where the hypervisor granted it. */
#include "xen/devices.h"
#include "xen/internal.h"

#define MISC_MAJOR 10

static const struct device {
    const char *name;
    uint32_t minor;
    bool privileged;
    const struct file_ops *ops;
} devices[] = {
    { "xen/evtchn", 61, false, &evtchn_ops },
    { "xen/gntdev", 62, false, &gntdev_ops },
    { "xen/privcmd", 63, true, &privcmd_ops },
    { "xen/hypercall", 64, true, &hypercall_ops },
    { "xen/xenbus_backend", 65, true, &xenbus_backend_ops },
};

/* Programs tell the control domain from others by this word. */
static long show_capabilities(char *buf, size_t size)
{
    return snprintf(buf, size, "%s", pv_is_first_domain() ? "control_d\n" : "");
}

void xen_devices_init(void)
{
    bool privileged = pv_start_info->flags & SIF_PRIVILEGED;

    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        const struct device *d = &devices[i];
        int rc = d->privileged && !privileged ? 0 :
            device_register(d->name, S_IFCHR | 0600, MISC_MAJOR, d->minor, d->ops, NULL);

        if (rc)
            printk("pv-kernel: no /dev/%s (error %d)\n", d->name, rc);
    }
    if (procfs_register("xen/capabilities", show_capabilities))
        printk("pv-kernel: no /proc/xen/capabilities\n");
}
