/* SPDX-License-Identifier: MIT */
/* A second module, for a kernel that says nothing about where it wants it. */
#include "../lib/case.h"
#include "ramdisk.h"

CONF_GUEST("conf-start");

extern const char pv_image_end[];      /* of the library's linker script */

CASE(start_ramdisk, "the second module is whole, and mapped in the builder's mapping behind the "
     "image: mod_start is its address, mod_len its length in bytes",
     "start.module:ramdisk")
{
    const struct start_info *si = pv_start_info;

    EXPECT_EQ(si->flags & SIF_MOD_START_PFN, 0);
    EXPECT_TRUE(si->mod_len > 0);
    EXPECT_EQ(si->mod_start & ~PV_PAGE_MASK, 0);
    EXPECT_TRUE(si->mod_start >= (uint64_t)pv_image_end);
    EXPECT_TRUE(si->mod_start + si->mod_len <= si->pt_base);
    EXPECT_EQ(wrong_words((const uint64_t *)si->mod_start, 0, si->mod_len / 8), 0);
}

CASE(start_p2m_mapped, "without a note on the P2M it is in the same mapping, and start_info names "
     "no frames of it",
     "start.mfn_list:effect")
{
    const struct start_info *si = pv_start_info;

    EXPECT_TRUE(si->mfn_list > PV_VIRT_BASE);
    EXPECT_EQ(si->nr_p2m_frames, 0);
}
