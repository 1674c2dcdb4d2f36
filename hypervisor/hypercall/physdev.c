/* SPDX-License-Identifier: MIT */
/*
 * physdev_op: which ports a vCPU's code may use, and the first domain's devices. What the guest
 * reports of its PCI devices is of no use here, but accepted: the hypervisor keeps no list.
 */
#include "event/event.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/atomic.h"
#include "x86/platform.h"

/* An IO-APIC's register, which kernels read to find out how many lines it has. */
static long apic_read(XEN_GUEST_HANDLE(void) arg)
{
    struct physdev_apic op;
    int rc;

    if (!copy_arg_from_guest(&op, arg))
        return -EFAULT;
    rc = ioapic_read_guest(op.apic_physbase, op.reg, &op.value);
    if (rc)
        return rc;
    return copy_arg_to_guest(arg, &op) ? 0 : -EFAULT;
}

/* Vectors are the hypervisor's: what the guest gets is just a number. */
static long alloc_irq_vector(XEN_GUEST_HANDLE(void) arg)
{
    struct physdev_irq op;

    if (!copy_arg_from_guest(&op, arg))
        return -EFAULT;
    if (op.irq >= ioapic_lines())
        return -EINVAL;
    op.vector = op.irq;
    return copy_arg_to_guest(arg, &op) ? 0 : -EFAULT;
}

/* Reports that we have no use for; the argument must be there, as the ABI has it. */
static long accept(XEN_GUEST_HANDLE(void) arg)
{
    u16 first;

    return copy_from_guest_raw(&first, handle_addr(arg), sizeof(first)) ? 0 : -EFAULT;
}

static long restore_msi(XEN_GUEST_HANDLE(void) arg)
{
    struct physdev_restore_msi op;

    if (!copy_from_guest_raw(&op, handle_addr(arg), sizeof(op)))
        return -EFAULT;
    return physdev_restore_msi(op.bus, op.devfn);
}

static long restore_msi_ext(XEN_GUEST_HANDLE(void) arg)
{
    struct physdev_pci_device op;

    if (!copy_from_guest_raw(&op, handle_addr(arg), sizeof(op)))
        return -EFAULT;
    return op.seg ? -ENODEV : physdev_restore_msi(op.bus, op.devfn);
}

static const struct {
    long (*fn)(XEN_GUEST_HANDLE(void) arg);
    bool any;               /* also for domains without devices */
} ops[] = {
    [PHYSDEVOP_irq_status_query]   = { physdev_irq_status_query, false },
    [PHYSDEVOP_set_iopl]           = { guest_set_iopl, true },
    [PHYSDEVOP_set_iobitmap]       = { guest_set_iobitmap, true },
    [PHYSDEVOP_apic_read]          = { apic_read, false },
    [PHYSDEVOP_alloc_irq_vector]   = { alloc_irq_vector, false },
    [PHYSDEVOP_eoi]                = { physdev_eoi, false },
    [PHYSDEVOP_map_pirq]           = { physdev_map_pirq, false },
    [PHYSDEVOP_unmap_pirq]         = { physdev_unmap_pirq, false },
    [PHYSDEVOP_manage_pci_add]     = { accept, false },
    [PHYSDEVOP_manage_pci_remove]  = { accept, false },
    [PHYSDEVOP_restore_msi]        = { restore_msi, false },
    [PHYSDEVOP_manage_pci_add_ext] = { accept, false },
    [PHYSDEVOP_setup_gsi]          = { physdev_setup_gsi, false },
    [PHYSDEVOP_get_free_pirq]      = { physdev_get_free_pirq, false },
    [PHYSDEVOP_pci_mmcfg_reserved] = { accept, false },
    [PHYSDEVOP_pci_device_add]     = { accept, false },
    [PHYSDEVOP_pci_device_remove]  = { accept, false },
    [PHYSDEVOP_restore_msi_ext]    = { restore_msi_ext, false },
    [PHYSDEVOP_prepare_msix]       = { accept, false },
    [PHYSDEVOP_release_msix]       = { accept, false },
};

long do_physdev_op(int cmd, XEN_GUEST_HANDLE(void) arg)
{
    u64 nr = (u32)cmd;

    if (nr >= ARRAY_SIZE(ops))
        return -ENOSYS;
    nr = index_nospec(nr, ARRAY_SIZE(ops));
    if (ops[nr].fn == NULL)
        return -ENOSYS;
    return ops[nr].any || current->domain->privileged ? ops[nr].fn(arg) : -EPERM;
}
