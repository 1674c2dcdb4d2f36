/* SPDX-License-Identifier: MIT */
/*
 * Expands the list of hypercalls in each way that it is meant for: numbers against xen.h, the
 * hypervisor's prototypes and table, the guest's stubs. It need only compile without a warning.
 */
#include <stddef.h>

#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/platform.h>
#include <xen/sysctl.h>

/* The numbers are those of xen.h, and go into a table without leaving the range of the ABI. */
#define CHECK(nr, name) \
    _Static_assert((nr) == __HYPERVISOR_##name && (nr) < 64, "number of " #name);
#define GUEST_PTR(h) XEN_GUEST_HANDLE(h)
#define HYPERCALL0(nr, name) CHECK(nr, name)
#define HYPERCALL1(nr, name, ...) CHECK(nr, name)
#define HYPERCALL2(nr, name, ...) CHECK(nr, name)
#define HYPERCALL3(nr, name, ...) CHECK(nr, name)
#define HYPERCALL4(nr, name, ...) CHECK(nr, name)
#include <xen/hypercalls.def>

/* Prototypes, guest pointers boxed. Every argument fits a register. */
#define FITS(T) _Static_assert(sizeof(T) <= sizeof(unsigned long), "fits a register");
#define GUEST_PTR(h) XEN_GUEST_HANDLE(h)
#define HYPERCALL0(nr, name) long do_##name(void);
#define HYPERCALL1(nr, name, T1, a1) FITS(T1) long do_##name(T1 a1);
#define HYPERCALL2(nr, name, T1, a1, T2, a2) FITS(T1) FITS(T2) long do_##name(T1 a1, T2 a2);
#define HYPERCALL3(nr, name, T1, a1, T2, a2, T3, a3) \
    FITS(T1) FITS(T2) FITS(T3) long do_##name(T1 a1, T2 a2, T3 a3);
#define HYPERCALL4(nr, name, T1, a1, T2, a2, T3, a3, T4, a4) \
    FITS(T1) FITS(T2) FITS(T3) FITS(T4) long do_##name(T1 a1, T2 a2, T3 a3, T4 a4);
#include <xen/hypercalls.def>

/* A table by number: handler, name, arguments. */
struct hypercall {
    void (*handler)(void);
    const char *name;
    unsigned int nargs;
};
#define ENTRY(nr, call, n) [nr] = { (void (*)(void))do_##call, #call, n },
#define GUEST_PTR(h)
#define HYPERCALL0(nr, name) ENTRY(nr, name, 0)
#define HYPERCALL1(nr, name, ...) ENTRY(nr, name, 1)
#define HYPERCALL2(nr, name, ...) ENTRY(nr, name, 2)
#define HYPERCALL3(nr, name, ...) ENTRY(nr, name, 3)
#define HYPERCALL4(nr, name, ...) ENTRY(nr, name, 4)
extern const struct hypercall hypercall_table[64];
const struct hypercall hypercall_table[64] = {
#include <xen/hypercalls.def>
};

/* Guest stubs, guest pointers plain. */
static inline long call(unsigned long nr, unsigned long a, unsigned long b, unsigned long c,
                        unsigned long d)
{
    register unsigned long fourth __asm__("r10") = d;

    __asm__ volatile("syscall"
                     : "+a"(nr), "+D"(a), "+S"(b), "+d"(c), "+r"(fourth)
                     : : "rcx", "r11", "memory");
    return (long)nr;
}
#define U(a) ((unsigned long)(a))
#define GUEST_PTR(h) __typeof__(((XEN_GUEST_HANDLE(h) *)0)->p)
#define HYPERCALL0(nr, name)
#define HYPERCALL1(nr, name, T1, a1)        \
    long stub_##name(T1 a1);                \
    long stub_##name(T1 a1)                 \
    {                                       \
        return call(nr, U(a1), 0, 0, 0);    \
    }
#define HYPERCALL2(nr, name, T1, a1, T2, a2)    \
    long stub_##name(T1 a1, T2 a2);             \
    long stub_##name(T1 a1, T2 a2)              \
    {                                           \
        return call(nr, U(a1), U(a2), 0, 0);    \
    }
#define HYPERCALL3(nr, name, T1, a1, T2, a2, T3, a3) \
    long stub_##name(T1 a1, T2 a2, T3 a3);           \
    long stub_##name(T1 a1, T2 a2, T3 a3)            \
    {                                                \
        return call(nr, U(a1), U(a2), U(a3), 0);     \
    }
#define HYPERCALL4(nr, name, T1, a1, T2, a2, T3, a3, T4, a4) \
    long stub_##name(T1 a1, T2 a2, T3 a3, T4 a4);            \
    long stub_##name(T1 a1, T2 a2, T3 a3, T4 a4)             \
    {                                                        \
        return call(nr, U(a1), U(a2), U(a3), U(a4));         \
    }
#include <xen/hypercalls.def>
