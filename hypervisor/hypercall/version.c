/* SPDX-License-Identifier: MIT */
/*
 * xen_version: what a guest may know of us. We speak the interface of Xen 4.17, under our own
 * name.
 */
#include "boot/boot.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/string.h"
#include <xen/version.h>

#define MAJOR 4
#define MINOR 17

static const xen_extraversion_t extraversion = "-pavane";
static const xen_capabilities_info_t capabilities = "xen-3.0-x86_64 ";
static const xen_changeset_info_t changeset = "unknown";
static const xen_platform_parameters_t platform = { .virt_start = HYPERVISOR_VIRT_START };

static long give(XEN_GUEST_HANDLE(void) arg, const void *what, size_t size)
{
    return copy_to_guest_raw(handle_addr(arg), what, size) ? 0 : -EFAULT;
}

static long give_compile_info(XEN_GUEST_HANDLE(void) arg)
{
    struct xen_compile_info info;

    memset(&info, 0, sizeof(info));
    strlcpy(info.compiler, __VERSION__, sizeof(info.compiler));
    strlcpy(info.compile_by, "pavane", sizeof(info.compile_by));
    strlcpy(info.compile_date, "unknown", sizeof(info.compile_date));   /* builds are repeatable */
    return give(arg, &info, sizeof(info));
}

/* What of the ABI's optional parts there is for a PV guest; bits beyond the first word: none. */
static long give_features(XEN_GUEST_HANDLE(void) arg)
{
    const struct domain *d = current->domain;
    xen_feature_info_t info;

    if (!copy_arg_from_guest(&info, arg))
        return -EFAULT;
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -EINVAL;
    info.submap = 1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_highmem_assist |
                  1u << XENFEAT_gnttab_map_avail_bits | 1u << XENFEAT_memory_op_vnode_supported |
                  1u << XENFEAT_direct_mapped;
    if (vm_assist(d, VMASST_TYPE_pae_extended_cr3))
        info.submap |= 1u << XENFEAT_pae_pgdir_above_4gb;
    if (d->privileged)
        info.submap |= 1u << XENFEAT_dom0;
    return copy_arg_to_guest(arg, &info) ? 0 : -EFAULT;
}

/* Only the first domain learns it: it may say things of the machine. */
static long give_commandline(XEN_GUEST_HANDLE(void) arg)
{
    xen_commandline_t line;

    memset(line, 0, sizeof(line));
    strlcpy(line, current->domain->privileged ? bootinfo.cmdline : "<denied>", sizeof(line));
    return give(arg, line, sizeof(line));
}

static long version_op(int cmd, XEN_GUEST_HANDLE(void) arg)
{
    switch (cmd) {
    case XENVER_extraversion:
        return give(arg, extraversion, sizeof(extraversion));
    case XENVER_compile_info:
        return give_compile_info(arg);
    case XENVER_capabilities:
        return give(arg, capabilities, sizeof(capabilities));
    case XENVER_changeset:
        return give(arg, changeset, sizeof(changeset));
    case XENVER_platform_parameters:
        return give(arg, &platform, sizeof(platform));
    case XENVER_get_features:
        return give_features(arg);
    case XENVER_pagesize:
        return handle_is_null(arg) ? PAGE_SIZE : -EINVAL;
    case XENVER_guest_handle:
        return give(arg, current->domain->handle, sizeof(current->domain->handle));
    case XENVER_commandline:
        return give_commandline(arg);
    case XENVER_build_id:
        return current->domain->privileged ? -ENODATA : -EPERM;
    default:
        return -ENOSYS;
    }
}

/*
 * The first command is also how guests ask to have their events delivered: nothing is in its way.
 */
long do_xen_version(int cmd, XEN_GUEST_HANDLE(void) arg)
{
    return likely(cmd == XENVER_version) ? MAJOR << 16 | MINOR : version_op(cmd, arg);
}
