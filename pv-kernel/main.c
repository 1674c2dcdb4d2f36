/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel: a mini kernel for the paravirtualized interface, and the guest that the hypervisor
 * embeds.  It greets; with an initramfs it runs the Linux programs in there, beginning with
 * /init, and without one it serves a monitor on the console.
 *
 * Command line:
 *   token=TEXT      says "token TEXT" after the greeting
 *   exit=HOW        shuts down after the greeting: reboot, poweroff or crash; none (the default)
 *                   goes on
 *   init=PATH       the first program, instead of /init
 *   debug=syscalls  names the system calls that programs miss
 */
#include "arch/arch.h"
#include "block/block.h"
#include "fs/ext2_mount.h"
#include "fs/fs.h"
#include "front/front.h"
#include "mm/mm.h"
#include "monitor/input.h"
#include "monitor/monitor.h"
#include "proc/proc.h"
#include "syscall/syscall.h"
#include "tty/terminal.h"
#include "xen/devices.h"

#define VERSION "0.1"

static void greet(const struct platform *p)
{
    char token[64];

    pv_printf("pv-kernel " VERSION ": %lu MiB of memory, %u virtual CPU%s\n",
              p->memory_kib / 1024, p->vcpus, p->vcpus == 1 ? "" : "s");
    pv_printf("on hypervisor %u.%u%s, CPUID signature \"%s\"\n", p->major, p->minor, p->extra,
              p->signature);
    if (pv_option("token", token, sizeof(token)))
        pv_printf("token %s\n", token);
}

/* Obeys exit=; returns if there is nothing to obey. */
static void exit_if_asked(void)
{
    static const struct {
        const char *name;
        unsigned int reason;
    } ends[] = {
        { "reboot", SHUTDOWN_reboot }, { "poweroff", SHUTDOWN_poweroff },
        { "crash", SHUTDOWN_crash },
    };
    char how[16];

    if (!pv_option("exit", how, sizeof(how)))
        return;
    for (size_t i = 0; i < PV_ARRAY_SIZE(ends); i++) {
        if (!strcmp(how, ends[i].name))
            guest_exit(ends[i].reason);
    }
    if (strcmp(how, "none"))
        pv_printf("exit=%s: not one of reboot, poweroff, crash, none\n", how);
}

/* The archive's pages are ours to use once its files have copies. */
static void unpack_initramfs(const struct start_info *si)
{
    unsigned int pages = (unsigned int)(ALIGN_UP(si->mod_len, PAGE_SIZE) / PAGE_SIZE);
    int rc = initramfs_unpack((const void *)si->mod_start, si->mod_len);

    if (rc)
        pv_panic("pv-kernel: the initramfs can't be unpacked (error %d)\n", -rc);
    pv_free_pages((void *)si->mod_start, pages);
}

/* A guest's disks, and its ear for the toolstack. */
static void join_control_domain(void)
{
    int rc;

    frontends_init();
    rc = control_init();
    if (rc)
        printk("pv-kernel: requests to end are not heard (error %d)\n", -rc);
}

/* With an initramfs: the rooms in the order in which they need each other, then the programs. */
static _Noreturn void run_programs(const struct start_info *si)
{
    static char path[64] = "/init";
    static char *const argv[] = { path, NULL };
    static char *const envp[] = { "HOME=/", "PATH=/bin:/sbin:/usr/bin:/usr/sbin", "TERM=linux",
                                  NULL };
    int rc;

    mm_init();
    proc_init();
    syscall_init();
    rc = tty_init();
    if (rc)
        pv_panic("pv-kernel: no console input (error %d)\n", rc);
    fs_init();
    ext2_init();
    tty_devices_init();
    xen_devices_init();
    if (pv_is_first_domain())
        drivers_init();
    unpack_initramfs(si);
    pv_option("init", path, sizeof(path));
    start_init(path, argv, envp);
    /* Now that the first process has its number, there may be others; it has not run yet. */
    if (pv_is_first_domain())
        backends_init();
    else
        join_control_domain();
    idle_loop();
}

static _Noreturn void run_monitor(const struct platform *platform)
{
    int rc = input_init();

    if (rc)
        pv_panic("pv-kernel: no console input (error %d)\n", rc);
    pv_printf("Ready. Type \"help\".\n");
    monitor_run(platform);
}

int guest_main(const struct start_info *si)
{
    struct platform platform;

    platform_identify(&platform);
    greet(&platform);
    exit_if_asked();
    if (si->mod_len)
        run_programs(si);
    run_monitor(&platform);
}
