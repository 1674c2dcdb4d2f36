/* SPDX-License-Identifier: MIT */
/* Pipes inside fs/: what open(2) of a named one needs. */
#ifndef PVK_PIPE_H
#define PVK_PIPE_H

#include "fs/fs.h"

#define PIPE_BUF 4096u              /* a write of up to this much is not torn apart */

extern const struct file_ops fifo_ops;

#endif
