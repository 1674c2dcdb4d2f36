/* SPDX-License-Identifier: MIT */
/*
 * The conformance kit: how a case is written.
 *
 *     CASE(pagesize, "pagesize is 4096", "xen_version.pagesize:effect")
 *     {
 *         EXPECT_EQ(HYPERVISOR_xen_version(XENVER_pagesize, NULL), 4096);
 *     }
 *
 * The title says what the ABI promises. The third argument names the cells of
 * tests/conformance/cells that the case covers, separated by blanks; the report in
 * docs/conformance.md is made of both. A guest is any number of files with cases, linked with
 * this folder's main.c, which runs them all, in no promised order, and prints the verdicts.
 *
 * A case makes checks; each compares a value seen with the value expected, and an expected fault
 * is a value like any other. The worst outcome is the verdict: a failed check beats SKIP, and a
 * case that checked nothing has failed. A case leaves the guest as it found it.
 */
#ifndef CONF_CASE_H
#define CONF_CASE_H

#include <pvguest/guest.h>

/* Names the guest; once in each. */
#define CONF_GUEST(name_) const char conf_guest_name[] = name_
extern const char conf_guest_name[];

struct conf_case {
    const char *name, *title;
    void (*run)(void);
};

#define CASE(ident, title_, cells_)                                                        \
    _Static_assert(sizeof(title_) > 1 && sizeof(cells_) > 1, "a title and cells");         \
    static void case_##ident(void);                                                        \
    static const struct conf_case conf_case_##ident                                        \
        __attribute__((section("conf_cases"), used, aligned(8))) = {                       \
            .name = #ident, .title = title_, .run = case_##ident,                          \
    };                                                                                     \
    static void case_##ident(void)

/* ---- Checks; each says whether it held ---- */

enum conf_kind { CONF_NUMBER, CONF_FAULT };

bool conf_check(enum conf_kind kind, uint64_t seen, uint64_t expected, const char *what);

/* Numbers; small negative ones are shown as errors. */
#define EXPECT_EQ(seen, expected) \
    conf_check(CONF_NUMBER, (uint64_t)(seen), (uint64_t)(long)(expected), #seen)
#define EXPECT_TRUE(condition) conf_check(CONF_NUMBER, !!(condition), 1, #condition)

/* Faults: PV_NO_FAULT or PV_FAULT(vector, error). */
#define EXPECT_FAULT(seen, expected) conf_check(CONF_FAULT, (seen), (expected), #seen)

/* A table-driven check: `what` names the row. */
#define EXPECT_ROW(seen, expected, what) \
    conf_check(CONF_NUMBER, (uint64_t)(seen), (uint64_t)(long)(expected), (what))
#define EXPECT_FAULT_ROW(seen, expected, what) conf_check(CONF_FAULT, (seen), (expected), (what))

/*
 * Where the two hypervisors differ: what each really does, and why that is right. The report lists
 * these. Any other hypervisor is held to Xen's value.
 */
#define EXPECT_ON(seen, xen, pavane, why)                                                  \
    conf_check(CONF_NUMBER, (uint64_t)(seen),                                              \
               (uint64_t)(conf_on_pavane() ? (long)(pavane) : (long)(xen)), #seen ": " why)
#define EXPECT_FAULT_ON(seen, xen, pavane, why) \
    conf_check(CONF_FAULT, (seen), conf_on_pavane() ? (pavane) : (xen), #seen ": " why)

/* The case can't be judged here. It should return after this. */
void conf_skip(const char *reason);

/* ---- Where the guest runs ---- */

bool conf_on_pavane(void);
bool conf_has_smap(void);   /* without it QEMU's ring 3 can't be trusted (main.c) */
bool conf_vendor_intel(void);

/*
 * For cases that raise a software interrupt: in an old QEMU the #GP of a refused one does not name
 * its vector. There this skips the case and is true; the case should then return.
 */
bool conf_no_software_interrupts(void);

/* The part of a case's address space that nothing maps: 2 MiB aligned, 1 GiB long. */
#define CONF_EMPTY_VA 0xffffd00000000000UL
/* Not canonical. */
#define CONF_BAD_VA   0x0000800000000000UL
/* In the hypervisor's range, behind the machine-to-physical table. */
#define CONF_HYPERVISOR_VA 0xffff830000000000UL

#endif
