/* SPDX-License-Identifier: MIT */
/*
 * The invariant of mm/page_type.c, computed anew from what is in memory, slowly and without any
 * of the code under test: who should hold what, against what the frames' words say.
 */
#ifndef TESTS_MM_MODEL_H
#define TESTS_MM_MODEL_H

#include "machine.h"

/* All of it; between operations. Ends the run where something is wrong. */
extern u64 linear_seen;             /* entries that name another level-4 table, in all checks */
void model_check(void);

#endif
