/* SPDX-License-Identifier: MIT */
/* xen_version: what hypervisor this is. */
#include "../lib/case.h"

CONF_GUEST("conf-basic");

/* Whether a text of the given room is ended in it. */
static bool is_text(const char *text, size_t size)
{
    return strnlen(text, size) < size;
}

static bool contains(const char *text, const char *part)
{
    size_t len = strlen(part);

    for (; *text; text++) {
        if (!strncmp(text, part, len))
            return true;
    }
    return false;
}

CASE(version_number, "version is the result, major << 16 | minor: 4.17",
     "xen_version.version:effect")
{
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_version, NULL), 4 << 16 | 17);
}

CASE(version_pagesize, "pagesize is the result: 4096", "xen_version.pagesize:effect")
{
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_pagesize, NULL), 4096);
}

CASE(version_extraversion, "extraversion fills a text of 16 bytes",
     "xen_version.extraversion:effect")
{
    xen_extraversion_t text;

    memset(text, 'x', sizeof(text));
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_extraversion, text), 0);
    EXPECT_TRUE(is_text(text, sizeof(text)));
}

CASE(version_compile_info, "compile_info fills four texts", "xen_version.compile_info:effect")
{
    struct xen_compile_info info;

    memset(&info, 'x', sizeof(info));
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_compile_info, &info), 0);
    EXPECT_TRUE(is_text(info.compiler, sizeof(info.compiler)));
    EXPECT_TRUE(is_text(info.compile_by, sizeof(info.compile_by)));
    EXPECT_TRUE(is_text(info.compile_domain, sizeof(info.compile_domain)));
    EXPECT_TRUE(is_text(info.compile_date, sizeof(info.compile_date)));
}

CASE(version_capabilities, "capabilities name the 64-bit PV guest",
     "xen_version.capabilities:effect")
{
    static xen_capabilities_info_t text;

    memset(text, 'x', sizeof(text));
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_capabilities, text), 0);
    EXPECT_TRUE(is_text(text, sizeof(text)));
    EXPECT_TRUE(contains(text, "xen-3.0-x86_64 "));
}

CASE(version_changeset, "changeset fills a text of 64 bytes", "xen_version.changeset:effect")
{
    xen_changeset_info_t text;

    memset(text, 'x', sizeof(text));
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_changeset, text), 0);
    EXPECT_TRUE(is_text(text, sizeof(text)));
}

CASE(version_platform_parameters, "platform_parameters says where the hypervisor's range starts",
     "xen_version.platform_parameters:effect")
{
    struct xen_platform_parameters parameters = { 0 };

    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_platform_parameters, &parameters), 0);
    EXPECT_EQ(parameters.virt_start, HYPERVISOR_VIRT_START);
}

CASE(version_features, "features of a 64-bit PV guest; only submap 0 exists",
     "xen_version.get_features:effect xen_version.get_features:EINVAL")
{
    struct xen_feature_info info = { .submap_idx = 0 };
    uint32_t features;

    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_get_features, &info), 0);
    features = info.submap;
    EXPECT_EQ(features >> XENFEAT_writable_page_tables & 1, 0);
    EXPECT_EQ(features >> XENFEAT_writable_descriptor_tables & 1, 0);
    EXPECT_EQ(features >> XENFEAT_auto_translated_physmap & 1, 0);
    EXPECT_EQ(features >> XENFEAT_supervisor_mode_kernel & 1, 0);
    EXPECT_EQ(features >> XENFEAT_mmu_pt_update_preserve_ad & 1, 1);
    EXPECT_EQ(features >> XENFEAT_gnttab_map_avail_bits & 1, 1);
    EXPECT_EQ(features >> XENFEAT_dom0 & 1, pv_is_first_domain());
    EXPECT_EQ(features >> XENFEAT_direct_mapped & 1, 1);

    info.submap_idx = XENFEAT_NR_SUBMAPS;
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_get_features, &info), -XEN_EINVAL);
}

CASE(version_guest_handle, "guest_handle fills 16 bytes; the first domain's are zeroes",
     "xen_version.guest_handle:effect")
{
    uint8_t handle[17], zeroes[16] = { 0 };

    memset(handle, 0xa5, sizeof(handle));
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_guest_handle, handle), 0);
    EXPECT_EQ(memcmp(handle, zeroes, sizeof(zeroes)), 0);
    EXPECT_EQ(handle[16], 0xa5);
}

CASE(version_commandline, "commandline is the hypervisor's own, a text of 1024 bytes",
     "xen_version.commandline:effect")
{
    static xen_commandline_t text;

    memset(text, 'x', sizeof(text));
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_commandline, text), 0);
    EXPECT_TRUE(is_text(text, sizeof(text)));
    EXPECT_TRUE(contains(text, "com1="));
}

CASE(version_build_id, "build_id: its length for NULL; -EINVAL for no room, -ENOBUFS for too "
     "little",
     "xen_version.build_id:effect xen_version.build_id:EINVAL xen_version.build_id:ENOBUFS "
     "xen_version.build_id:ENODATA")
{
    static uint32_t words[1 + 64 / 4];
    struct xen_build_id *id = (struct xen_build_id *)words;
    long len = HYPERVISOR_xen_version(XENVER_build_id, NULL);

    EXPECT_ON(len, 20, -XEN_ENODATA, "an image without a build id says that it has none");
    if (len < 0)
        return;
    id->len = 0;
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_build_id, id), -XEN_EINVAL);
    id->len = (uint32_t)len - 1;
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_build_id, id), -XEN_ENOBUFS);
    id->len = sizeof(words) - sizeof(*id);
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_build_id, id), len);
}

CASE(version_unknown, "an unknown command is -ENOSYS", "xen_version:ENOSYS")
{
    EXPECT_EQ(HYPERVISOR_xen_version(11, NULL), -XEN_ENOSYS);
    EXPECT_EQ(HYPERVISOR_xen_version(-1, NULL), -XEN_ENOSYS);
}
