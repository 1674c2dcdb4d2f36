/* SPDX-License-Identifier: MIT */
/* The monitor's commands; the table is at the end. */
#include "monitor/monitor.h"

/* ---- help, info ---- */

static void cmd_help(const struct platform *platform)
{
    (void)platform;
    for (unsigned int i = 0; i < nr_commands; i++)
        pv_printf("%-10s %s\n", commands[i].name, commands[i].help);
}

static void cmd_info(const struct platform *platform)
{
    const struct start_info *si = pv_start_info;

    pv_printf("hypervisor    %u.%u%s, CPUID signature \"%s\"\n", platform->major, platform->minor,
              platform->extra, platform->signature);
    pv_printf("interface     %s\n", si->magic);
    pv_printf("this domain   %s%s\n", si->flags & SIF_INITDOMAIN ? "first" : "ordinary",
              si->flags & SIF_PRIVILEGED ? ", privileged" : "");
    pv_printf("memory        %lu KiB, %lu KiB free\n", platform->memory_kib,
              pv_nr_free_pages() * (PV_PAGE_SIZE / 1024));
    pv_printf("virtual CPUs  %u\n", platform->vcpus);
    pv_printf("command line  %s\n", (const char *)si->cmd_line);
}

/* ---- mem ---- */

static const char *range_type(uint32_t type)
{
    static const char *const names[] = {
        [1] = "memory", [2] = "reserved", [3] = "ACPI tables", [4] = "ACPI NVS", [5] = "unusable",
    };

    return type < PV_ARRAY_SIZE(names) && names[type] ? names[type] : "other";
}

static void print_machine_map(void)
{
    static struct machine_range map[64];
    int nr = platform_memory_map(map, PV_ARRAY_SIZE(map));

    if (nr < 0) {
        pv_printf("The hypervisor shows no machine memory map (error %d).\n", nr);
        return;
    }
    pv_printf("The machine's memory map:\n");
    for (int i = 0; i < nr; i++)
        pv_printf("  %012lx-%012lx  %s\n", map[i].start, map[i].start + map[i].size - 1,
                  range_type(map[i].type));
}

/* How the domain's pages lie in machine memory: runs of frames that follow each other. */
static void print_p2m(void)
{
    uint64_t lowest = PV_INVALID_FRAME, highest = 0, previous = PV_INVALID_FRAME - 1;
    uint64_t pages = 0, runs = 0;

    for (uint64_t pfn = 0; pfn < pv_nr_pages(); pfn++) {
        uint64_t mfn = pv_pfn_to_mfn(pv_pfn(pfn)).nr;

        if (mfn == PV_INVALID_FRAME)
            continue;
        pages++;
        runs += mfn != previous + 1;
        previous = mfn;
        lowest = mfn < lowest ? mfn : lowest;
        highest = mfn > highest ? mfn : highest;
    }
    pv_printf("P2M: %lu pages in %lu runs, machine frames %#lx to %#lx\n", pages, runs, lowest,
              highest);
}

static void print_frame_range(const char *what, uint64_t va, uint64_t bytes)
{
    uint64_t pfn = pv_va_to_pfn((const void *)va).nr;

    pv_printf("  pfn %6lx-%6lx  %016lx  %s\n", pfn,
              pfn + (bytes + PV_PAGE_SIZE - 1) / PV_PAGE_SIZE - 1, va, what);
}

static void cmd_mem(const struct platform *platform)
{
    const struct start_info *si = pv_start_info;

    (void)platform;
    print_machine_map();
    pv_printf("What the domain builder laid out:\n");
    print_frame_range("P2M list", si->mfn_list, si->nr_pages * 8);
    print_frame_range("start_info", (uint64_t)si, sizeof(*si));
    print_frame_range("first page tables", si->pt_base, si->nr_pt_frames * PV_PAGE_SIZE);
    if (si->mod_len && !(si->flags & SIF_MOD_START_PFN))
        print_frame_range("ramdisk", si->mod_start, si->mod_len);
    print_p2m();
    pv_printf("%lu of %lu pages free\n", pv_nr_free_pages(), pv_nr_pages());
}

/* ---- time ---- */

struct date {
    unsigned int year, month, day;
};

static bool is_leap(unsigned int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The date of a day counted from 1970-01-01, in the Gregorian calendar. */
static struct date date_of_day(uint64_t day)
{
    static const unsigned int lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    struct date date = { .year = 1970, .month = 1 };

    while (day >= 365u + is_leap(date.year)) {
        day -= 365u + is_leap(date.year);
        date.year++;
    }
    for (;;) {
        unsigned int length = lengths[date.month - 1] + (date.month == 2 && is_leap(date.year));

        if (day < length)
            break;
        day -= length;
        date.month++;
    }
    date.day = (unsigned int)day + 1;
    return date;
}

static void cmd_time(const struct platform *platform)
{
    uint64_t now = pv_system_time();
    struct pv_wallclock wall = pv_wallclock();
    struct date date = date_of_day(wall.sec / 86400);
    uint64_t second = wall.sec % 86400;

    (void)platform;
    pv_printf("system time   %lu.%09lu s\n", now / PV_NS_PER_SEC, now % PV_NS_PER_SEC);
    pv_printf("wall clock    %04u-%02u-%02u %02lu:%02lu:%02lu UTC\n", date.year, date.month,
              date.day, second / 3600, second / 60 % 60, second % 60);
    pv_printf("TSC           %lu kHz\n", pv_tsc_khz());
}

/* ---- vcpus ---- */

static void cmd_vcpus(const struct platform *platform)
{
    for (unsigned int id = 0; id < platform->vcpus; id++)
        pv_printf("vCPU %-3u %s%s\n", id, pv_vcpu_is_up(id) ? "up" : "down",
                  id == pv_vcpu_id() ? ", this one" : "");
}

/* ---- trap ---- */

#define UNMAPPED 0x1000UL

PV_USER_TEXT static uint64_t user_read(uint64_t va)
{
    return *(const volatile uint64_t *)va;
}

static void print_fault(const char *what, pv_fault_t fault)
{
    if (fault)
        pv_printf("%s: vector %d, error code %#x\n", what, pv_fault_vector(fault),
                  pv_fault_error(fault));
    else
        pv_printf("%s: no fault\n", what);
}

static void cmd_trap(const struct platform *platform)
{
    struct pv_user_exit end;
    pv_fault_t fault;
    uint64_t value;
    int rc;

    (void)platform;
    print_fault("kernel reads an unmapped address", pv_probe_read(UNMAPPED, &value));
    PV_TRY_ASM(fault, "ud2", PV_OUT(), PV_IN());
    print_fault("kernel runs an invalid instruction", fault);
    rc = pv_user_call(PV_USER_PTR(user_read), (uint64_t)pv_start_info, &end);
    if (rc)
        pv_printf("user mode can't be set up (error %d)\n", rc);
    else
        print_fault("user reads the kernel's memory", end.fault);
    pv_printf("All handled.\n");
}

/* ---- reboot, poweroff, crash ---- */

static void cmd_reboot(const struct platform *platform)
{
    (void)platform;
    guest_exit(SHUTDOWN_reboot);
}

static void cmd_poweroff(const struct platform *platform)
{
    (void)platform;
    guest_exit(SHUTDOWN_poweroff);
}

static void cmd_crash(const struct platform *platform)
{
    (void)platform;
    guest_exit(SHUTDOWN_crash);
}

const struct command commands[] = {
    { "help", "this list", cmd_help },
    { "info", "hypervisor, domain and command line", cmd_info },
    { "mem", "memory maps and where this domain's pages lie", cmd_mem },
    { "time", "system time and wall clock", cmd_time },
    { "vcpus", "virtual CPUs", cmd_vcpus },
    { "trap", "raise a few faults and catch them", cmd_trap },
    { "reboot", "shut down and start again", cmd_reboot },
    { "poweroff", "shut down", cmd_poweroff },
    { "crash", "end as a crashed domain", cmd_crash },
};
const unsigned int nr_commands = PV_ARRAY_SIZE(commands);
