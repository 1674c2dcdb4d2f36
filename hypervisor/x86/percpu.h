/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU variables. DEFINE_PER_CPU puts one in the .percpu section, which is CPU 0's copy;
 * every other CPU gets a zeroed copy of the section at boot. A room keeps its own per-CPU state.
 */
#ifndef X86_PERCPU_H
#define X86_PERCPU_H

#include "x86/regs.h"

/* From a variable's own address to CPU n's copy; 0 for the boot CPU, and for one not prepared. */
extern unsigned long percpu_offset[MAX_CPUS];

#define DEFINE_PER_CPU(type, name)  __section(".percpu") typeof(type) percpu_##name
#define DECLARE_PER_CPU(type, name) extern typeof(type) percpu_##name

/* Another CPU's copy is read and written like any shared memory: with atomics, or READ_ONCE. */
#define per_cpu_at(name, off)  (*(typeof(percpu_##name) *)((char *)&percpu_##name + (off)))
#define this_cpu(name)         per_cpu_at(name, cpu_info()->percpu)
#define per_cpu(name, cpu)     per_cpu_at(name, percpu_offset[cpu])

#endif
