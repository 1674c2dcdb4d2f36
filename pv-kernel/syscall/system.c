/* SPDX-License-Identifier: MIT */
/* System calls: the machine as a whole, and limits. */
#include "mm/mm.h"
#include "proc/proc.h"
#include "syscall/families.h"

#define NAME_SIZE 65

struct utsname_k {
    char system[NAME_SIZE], node[NAME_SIZE], release[NAME_SIZE], version[NAME_SIZE];
    char machine[NAME_SIZE], domain[NAME_SIZE];
};

/* glibc refuses a release that is older than what it was built for. */
static struct utsname_k names = {
    "Linux", "pavane", "6.1.0-pavane", "pv-kernel", "x86_64", "(none)",
};

SYSCALL(sys_uname)
{
    return copy_to_user(a, &names, sizeof(names));
}

SYSCALL(sys_sethostname)
{
    uint64_t len = b;
    char name[NAME_SIZE] = "";

    if (len >= NAME_SIZE)
        return -EINVAL;
    if (copy_from_user(name, a, len))
        return -EFAULT;
    memcpy(names.node, name, sizeof(name));
    return 0;
}

struct sysinfo_k {
    int64_t uptime;
    uint64_t loads[3], total_ram, free_ram, shared_ram, buffer_ram, total_swap, free_swap;
    uint16_t procs, pad;
    uint64_t total_high, free_high;
    uint32_t unit;
};

SYSCALL(sys_sysinfo)
{
    struct sysinfo_k info = {
        .uptime = (int64_t)(pv_system_time() / PV_NS_PER_SEC),
        .total_ram = pv_nr_pages() * PAGE_SIZE,
        .free_ram = pv_nr_free_pages() * PAGE_SIZE,
        .unit = 1,
    };

    for (struct task *t = task_next(0); t; t = task_next(t->pid))
        info.procs++;
    return copy_to_user(a, &info, sizeof(info));
}

SYSCALL(sys_getrandom)
{
    uint64_t at = a, len = min(b, 1ul << 20), done = 0;

    while (done < len) {
        uint64_t value = random_u64();
        size_t n = min(len - done, sizeof(value));

        if (copy_to_user(at + done, &value, n))
            return done ? (long)done : -EFAULT;
        done += n;
    }
    return (long)done;
}

SYSCALL(sys_reboot)
{
    static const struct {
        uint32_t command;
        unsigned int reason;
    } commands[] = {
        { 0x01234567, SHUTDOWN_reboot },    /* RESTART */
        { 0xa1b2c3d4, SHUTDOWN_reboot },    /* RESTART2 */
        { 0x4321fedc, SHUTDOWN_poweroff },  /* POWER_OFF */
        { 0xcdef0123, SHUTDOWN_poweroff },  /* HALT: there is no other way to stop */
    };

    if ((uint32_t)a != 0xfee1dead)
        return -EINVAL;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (commands[i].command == (uint32_t)c)
            guest_exit(commands[i].reason);
    }
    /* CAD_OFF and CAD_ON: there is no such key here. */
    return (uint32_t)c == 0 || (uint32_t)c == 0x89abcdef ? 0 : -EINVAL;
}

/* The kernel's own messages went to the console, and are not kept. */
SYSCALL(sys_syslog)
{
    return -ENOSYS;
}

/* ---- Limits: kept for those who ask; the descriptor table has its own, which none exceeds ---- */

static long change_limit(struct task *t, unsigned int which, uint64_t new_at, uint64_t old_at)
{
    struct rlimit_k new, old;

    if (which >= NR_RLIMITS)
        return -EINVAL;
    old = t->rlimits[which];
    if (new_at && copy_from_user(&new, new_at, sizeof(new)))
        return -EFAULT;
    if (new_at && new.soft > new.hard)
        return -EINVAL;
    if (old_at && copy_to_user(old_at, &old, sizeof(old)))
        return -EFAULT;
    if (new_at)
        t->rlimits[which] = new;
    return 0;
}

SYSCALL(sys_prlimit64)
{
    struct task *t = a ? task_find((int)a) : current;

    return t ? change_limit(t, (unsigned int)b, c, d) : -ESRCH;
}

SYSCALL(sys_getrlimit)
{
    return change_limit(current, (unsigned int)a, 0, b);
}

SYSCALL(sys_setrlimit)
{
    return change_limit(current, (unsigned int)a, b, 0);
}
