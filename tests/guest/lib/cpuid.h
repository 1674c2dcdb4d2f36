/* SPDX-License-Identifier: MIT */
/* CPUID as the hypervisor answers it: the instruction behind the forced-emulation prefix. */
#ifndef CONF_CPUID_H
#define CONF_CPUID_H

#include <xen/xen.h>

struct conf_cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct conf_cpuid conf_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct conf_cpuid r;

    __asm__ volatile(XEN_CPUID
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "0"(leaf), "2"(subleaf));
    return r;
}

/* The same instruction without the prefix: what the processor shows in ring 3. */
static inline struct conf_cpuid conf_cpuid_native(uint32_t leaf, uint32_t subleaf)
{
    struct conf_cpuid r;

    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "0"(leaf), "2"(subleaf));
    return r;
}

#endif
