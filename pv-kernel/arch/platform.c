/* SPDX-License-Identifier: MIT */
/* What runs us: the hypervisor's version and CPUID signature, virtual CPUs, memory. */
#include "arch/arch.h"
#include <xen/arch-x86/cpuid.h>

/*
 * The hypervisor's own CPUID leaves.  The prefix makes it answer where a plain cpuid shows the
 * processor's; a hypervisor that does not know the prefix leaves an invalid instruction.
 */
static bool hypervisor_cpuid(uint32_t leaf, uint32_t *eax, uint32_t out[3])
{
    uint32_t a = leaf, b = 0, c = 0, d = 0;
    pv_fault_t fault;

    PV_TRY_ASM(fault, XEN_CPUID, PV_OUT("+a"(a), "+b"(b), "+c"(c), "+d"(d)), PV_IN());
    *eax = a;
    out[0] = b;
    out[1] = c;
    out[2] = d;
    return fault == PV_NO_FAULT;
}

static void read_signature(char signature[13])
{
    uint32_t last, words[3];

    if (hypervisor_cpuid(XEN_CPUID_FIRST_LEAF, &last, words) && last >= XEN_CPUID_FIRST_LEAF)
        memcpy(signature, words, 12);
}

void platform_identify(struct platform *platform)
{
    xen_extraversion_t extra;
    long version = HYPERVISOR_xen_version(XENVER_version, NULL);

    memset(platform, 0, sizeof(*platform));
    if (version > 0) {
        platform->major = (unsigned int)version >> 16;
        platform->minor = (unsigned int)version & 0xffff;
    }
    if (HYPERVISOR_xen_version(XENVER_extraversion, &extra) == 0)
        memcpy(platform->extra, extra, sizeof(extra));
    read_signature(platform->signature);
    platform->vcpus = pv_nr_vcpus();
    platform->memory_kib = pv_nr_pages() * (PV_PAGE_SIZE / 1024);
}

int platform_memory_map(struct machine_range *ranges, unsigned int room)
{
    struct xen_memory_map map = { .nr_entries = room };
    long rc;

    set_xen_guest_handle(map.buffer, ranges);
    rc = HYPERVISOR_memory_op(XENMEM_machine_memory_map, &map);
    return rc ? (int)rc : (int)map.nr_entries;
}
