/* SPDX-License-Identifier: MIT */
/*
 * Included before everything else in every file of the hypervisor, by the compiler's command line.
 *
 * The image is position-independent code (its address is outside the top 2 GiB, where the small
 * and kernel code models live) but is linked once, at one place. Hidden visibility for every
 * symbol, also for those only declared, lets the compiler use plain RIP-relative addresses: no
 * GOT, no PLT.
 */
#ifndef PAVANE_COMPILER_H
#define PAVANE_COMPILER_H

#ifndef __ASSEMBLER__
#pragma GCC visibility push(hidden)
#endif

#endif
