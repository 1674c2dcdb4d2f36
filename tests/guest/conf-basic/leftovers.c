/* SPDX-License-Identifier: MIT */
/* What the hypervisor gives a guest holds nothing that is not meant for it. */
#include <xen/version.h>

#include "../lib/case.h"

static bool zero_behind_text(const char *text, size_t size)
{
    size_t i = 0;

    while (i < size && text[i])
        i++;
    for (; i < size; i++)
        if (text[i])
            return false;
    return true;
}

CASE(version_leftovers, "XSA-122, 132: behind the end of each text that xen_version gives there "
     "are "
     "zeroes only",
     "security.leftovers:refused")
{
    static struct {
        xen_extraversion_t extra;
        xen_capabilities_info_t capabilities;
        xen_changeset_info_t changeset;
        struct xen_compile_info compile;
    } info;

    memset(&info, 0xaa, sizeof(info));
    EXPECT_TRUE(HYPERVISOR_xen_version(XENVER_extraversion, &info.extra) >= 0);
    EXPECT_TRUE(HYPERVISOR_xen_version(XENVER_capabilities, &info.capabilities) >= 0);
    EXPECT_TRUE(HYPERVISOR_xen_version(XENVER_changeset, &info.changeset) >= 0);
    EXPECT_TRUE(HYPERVISOR_xen_version(XENVER_compile_info, &info.compile) >= 0);
    EXPECT_TRUE(zero_behind_text(info.extra, sizeof(info.extra)));
    EXPECT_TRUE(zero_behind_text(info.capabilities, sizeof(info.capabilities)));
    EXPECT_TRUE(zero_behind_text(info.compile.compiler, sizeof(info.compile.compiler)));
    EXPECT_TRUE(zero_behind_text(info.compile.compile_by, sizeof(info.compile.compile_by)));
    EXPECT_TRUE(zero_behind_text(info.compile.compile_domain, sizeof(info.compile.compile_domain)));
    EXPECT_TRUE(zero_behind_text(info.compile.compile_date, sizeof(info.compile.compile_date)));
    EXPECT_TRUE(zero_behind_text(info.changeset, sizeof(info.changeset)));
}
