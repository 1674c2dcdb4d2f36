/* SPDX-License-Identifier: MIT */
/*
 * Included before every source of these tests, the hypervisor's own too: what makes mm/ compile
 * unchanged as a program. The address map gets other numbers, the instructions that a program
 * may not execute become calls of machine.c, and every atomic operation is a point at which
 * another CPU may get ahead of this one.
 */
#ifndef TESTS_MM_HOST_H
#define TESTS_MM_HOST_H

/* In place of mm/layout.h: the same names, at addresses that a program can have. */
#define MM_LAYOUT_H
#define HV_FIRST_SLOT     256
#define HV_END_SLOT       272
#define HV_VIRT_START     0xffff800000000000
#define HV_VIRT_END       0xffff880000000000
#define M2P_VIRT          0x220000000000
#define M2P_RW_VIRT       M2P_VIRT
#define M2P_WINDOW        (1ul << 38)
#define FRAME_TABLE_VIRT  0x210000000000
#define IMAGE_VIRT        0x230000000000
#define DIRECT_MAP_VIRT   0x200000000000
#define DIRECT_MAP_END    0x210000000000
#define PAGE_SHIFT        12
#define PAGE_SIZE         4096

#include "lib/atomic.h"
#include "lib/printk.h"
#include "x86/asm.h"
#include "x86/percpu.h"

void host_yield(void);              /* perhaps another CPU goes on here */
void host_irq_window(void);         /* the same; and perhaps there is a softirq now */
u64 host_read_cr3(void);
void host_write_cr3(u64 cr3);
void *host_percpu(void *variable, size_t size);
struct cpu_info *host_cpu_info(void);
noreturn void host_bug(const char *file, int line);

#define irq_window()        host_irq_window()
#define read_cr3()          host_read_cr3()
#define write_cr3(v)        host_write_cr3(v)
#define invlpg(va)          ((void)(va), host_yield())
#define cpu_relax()         ((void)0)
#define cpu_info()          host_cpu_info()
#undef this_cpu
#define this_cpu(name) \
    (*(typeof(percpu_##name) *)host_percpu(&percpu_##name, sizeof(percpu_##name)))
#undef BUG
#define BUG()               host_bug(__FILE__, __LINE__)

/* Operands first, then the turn of others, then the operation. */
#undef cas
#define cas(p, old, new) \
    ({ typeof(*(p)) _new = (new); host_yield(); \
       __atomic_compare_exchange_n(p, old, _new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); })
#undef atomic_add
#define atomic_add(p, n) \
    ({ typeof(*(p)) _n = (n); host_yield(); __atomic_add_fetch(p, _n, __ATOMIC_SEQ_CST); })
#undef atomic_sub
#define atomic_sub(p, n) \
    ({ typeof(*(p)) _n = (n); host_yield(); __atomic_sub_fetch(p, _n, __ATOMIC_SEQ_CST); })
#undef atomic_or
#define atomic_or(p, n) \
    ({ typeof(*(p)) _n = (n); host_yield(); __atomic_fetch_or(p, _n, __ATOMIC_SEQ_CST); })
#undef load_acquire
#define load_acquire(p) (host_yield(), __atomic_load_n(p, __ATOMIC_ACQUIRE))
#undef store_release
#define store_release(p, v) \
    ({ typeof(*(p)) _v = (v); host_yield(); __atomic_store_n(p, _v, __ATOMIC_RELEASE); })

#endif
