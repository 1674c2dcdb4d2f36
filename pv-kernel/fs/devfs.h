/* SPDX-License-Identifier: MIT */
/* Numbers of devices as user programs see them (st_rdev, mknod). */
#ifndef PVK_DEVFS_H
#define PVK_DEVFS_H

#include "kernel.h"

static inline uint32_t device_number(uint32_t major, uint32_t minor)
{
    return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

static inline uint32_t device_major(uint32_t rdev)
{
    return rdev >> 8 & 0xfff;
}

static inline uint32_t device_minor(uint32_t rdev)
{
    return (rdev & 0xff) | (rdev >> 12 & 0xfff00);
}

#endif
