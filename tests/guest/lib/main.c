/* SPDX-License-Identifier: MIT */
/*
 * Runs a guest's cases and prints their verdicts, in the form that tests/harness/verdict.py reads.
 *
 * Command line: case=<glob> runs only the cases whose name matches; smap=off says that the
 * emulated processor has no SMAP, and then ring 3 may read and write supervisor memory by
 * instructions that push or pop a return frame, whatever the hypervisor does.
 */
#include "case.h"
#include "cpuid.h"

#define SHOWN 40

extern const struct conf_case conf_cases_start[], conf_cases_end[];

/* Of the case that runs. */
static struct {
    const char *name;
    unsigned int checks, failures;
    const char *skip;
    char expected[SHOWN], seen[SHOWN], what[160];
} now;

static bool on_pavane, has_smap, vendor_intel;

/* ---- Showing values ---- */

static const struct error_name {
    long number;
    const char *name;
} error_names[] = {
#define XEN_ERRNO(name, value) { value, #name },
#include <xen/errno.h>
};

static const char *const vector_names[] = {
    [PV_DE] = "DE", [PV_DB] = "DB", [PV_NMI] = "NMI", [PV_BP] = "BP", [PV_OF] = "OF",
    [PV_BR] = "BR", [PV_UD] = "UD", [PV_NM] = "NM", [PV_DF] = "DF", [PV_TS] = "TS",
    [PV_NP] = "NP", [PV_SS] = "SS", [PV_GP] = "GP", [PV_PF] = "PF", [PV_MF] = "MF",
    [PV_AC] = "AC", [PV_MC] = "MC", [PV_XM] = "XM",
};

static void show_number(char *buffer, uint64_t value)
{
    long number = (long)value;

    for (size_t i = 0; i < PV_ARRAY_SIZE(error_names); i++) {
        if (number == -error_names[i].number) {
            snprintf(buffer, SHOWN, "-%s", error_names[i].name);
            return;
        }
    }
    if (number > -4096 && number < 4096)
        snprintf(buffer, SHOWN, "%ld", number);
    else
        snprintf(buffer, SHOWN, "%#lx", value);
}

static void show_fault(char *buffer, pv_fault_t fault)
{
    int vector = pv_fault_vector(fault);

    if (vector < 0)
        snprintf(buffer, SHOWN, "no fault");
    else if ((size_t)vector < PV_ARRAY_SIZE(vector_names) && vector_names[vector])
        snprintf(buffer, SHOWN, "#%s(%#x)", vector_names[vector], pv_fault_error(fault));
    else
        snprintf(buffer, SHOWN, "vector %d(%#x)", vector, pv_fault_error(fault));
}

/* ---- Checks ---- */

bool conf_check(enum conf_kind kind, uint64_t seen, uint64_t expected, const char *what)
{
    void (*show)(char *, uint64_t) = kind == CONF_FAULT ? show_fault : show_number;
    char expected_text[SHOWN], seen_text[SHOWN];

    now.checks++;
    if (seen == expected)
        return true;
    show(expected_text, expected);
    show(seen_text, seen);
    /* The first failed check goes into the verdict; the console has them all. */
    pv_printf("    %s: expected %s seen %s (%s)\n", now.name, expected_text, seen_text, what);
    if (!now.failures++) {
        memcpy(now.expected, expected_text, SHOWN);
        memcpy(now.seen, seen_text, SHOWN);
        snprintf(now.what, sizeof(now.what), "%s", what);
    }
    return false;
}

void conf_skip(const char *reason)
{
    if (!now.skip)
        now.skip = reason;
}

/* ---- Where we are ---- */

bool conf_on_pavane(void)
{
    return on_pavane;
}

bool conf_has_smap(void)
{
    return has_smap;
}

bool conf_vendor_intel(void)
{
    return vendor_intel;
}

bool conf_no_software_interrupts(void)
{
    if (!has_smap)
        conf_skip("a QEMU without SMAP gives the wrong error code for a refused int n");
    return !has_smap;
}

static bool contains(const char *text, const char *part)
{
    size_t len = strlen(part);

    for (; *text; text++) {
        if (!strncmp(text, part, len))
            return true;
    }
    return false;
}

static void look_around(void)
{
    xen_extraversion_t extra = "";
    char value[8];
    struct conf_cpuid vendor = conf_cpuid(0, 0);

    HYPERVISOR_xen_version(XENVER_extraversion, extra);
    on_pavane = contains(extra, "pavane");
    has_smap = !pv_option("smap", value, sizeof(value)) || strcmp(value, "off");
    vendor_intel = vendor.ebx == 0x756e6547; /* "Genu" */
}

/* ---- Running ---- */

static bool glob(const char *pattern, const char *text)
{
    for (; *pattern && *pattern != '*'; pattern++, text++) {
        if (!*text || (*pattern != '?' && *pattern != *text))
            return false;
    }
    if (!*pattern)
        return !*text;
    do {
        if (glob(pattern + 1, text))
            return true;
    } while (*text++);
    return false;
}

enum verdict { PASS, FAIL, SKIP, NR_VERDICTS };

static enum verdict run(const struct conf_case *test)
{
    memset(&now, 0, sizeof(now));
    now.name = test->name;
    pv_printf("CASE %s BEGIN\n", test->name);
    test->run();
    if (now.failures) {
        pv_printf("CASE %s FAIL expected %s seen %s (%s; the ABI: %s)\n", test->name, now.expected,
                  now.seen, now.what, test->title);
        return FAIL;
    }
    if (now.skip) {
        pv_printf("CASE %s SKIP %s\n", test->name, now.skip);
        return SKIP;
    }
    if (!now.checks) {
        pv_printf("CASE %s FAIL expected a check seen none ()\n", test->name);
        return FAIL;
    }
    pv_printf("CASE %s PASS\n", test->name);
    return PASS;
}

/* The hypervisor counts again all that it counts, and says on its console what it finds. */
static void audit(void)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_debug_keys,
                             .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

    set_xen_guest_handle(op.u.debug_keys.keys, "f");
    op.u.debug_keys.nr_keys = 1;
    if (on_pavane && pv_is_first_domain())
        HYPERVISOR_sysctl(&op);
}

int guest_main(const struct start_info *si)
{
    unsigned int count[NR_VERDICTS] = { 0 }, selected = 0;
    char pattern[64] = "*";

    (void)si;
    look_around();
    pv_option("case", pattern, sizeof(pattern));
    for (const struct conf_case *c = conf_cases_start; c < conf_cases_end; c++)
        selected += glob(pattern, c->name);
    pv_printf("GUEST %s CASES %u\n", conf_guest_name, selected);
    for (const struct conf_case *c = conf_cases_start; c < conf_cases_end; c++) {
        if (glob(pattern, c->name))
            count[run(c)]++;
    }
    audit();
    pv_printf("GUEST %s DONE pass=%u fail=%u skip=%u\n", conf_guest_name, count[PASS],
              count[FAIL], count[SKIP]);
    return SHUTDOWN_reboot;
}
