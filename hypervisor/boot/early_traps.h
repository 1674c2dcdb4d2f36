/* SPDX-License-Identifier: MIT */
/* Between head.S, which has the stubs, and early_traps.c. */
#ifndef BOOT_EARLY_TRAPS_H
#define BOOT_EARLY_TRAPS_H

#define EARLY_VECTORS   32
#define EARLY_STUB_SIZE 16
#define BOOT_CS         8               /* in head.S's descriptor table */

#ifndef __ASSEMBLER__
#include "lib/types.h"

/* What a stub leaves on the stack; the CPU's frame goes on behind it. */
struct early_frame {
    u64 vector, error_code, rip;
};

extern const char early_stubs[];

void early_traps_init(void);
#endif
#endif
