/* SPDX-License-Identifier: MIT */
/* The files of /proc that tell of the system as a whole. */
#include "fs/internal.h"
#include "fs/tmpfs.h"
#include "proc/proc.h"

#define PAGE_KIB (PAGE_SIZE / 1024)

static long show_mounts(char *buf, size_t size)
{
    struct list *pos;
    size_t len = 0;

    list_for_each(pos, &mounts) {
        const struct mount *m = container_of(pos, struct mount, link);

        proc_print(buf, size, &len, "%s %s %s %s 0 0\n", m->source, m->path, m->type,
                   m->readonly ? "ro" : "rw");
    }
    proc_print(buf, size, &len, "devpts /dev/pts devpts rw 0 0\n");
    return (long)len;
}

static long show_meminfo(char *buf, size_t size)
{
    size_t len = 0;

    proc_print(buf, size, &len, "MemTotal:     %10lu kB\n", pv_nr_pages() * PAGE_KIB);
    proc_print(buf, size, &len, "MemFree:      %10lu kB\n", pv_nr_free_pages() * PAGE_KIB);
    proc_print(buf, size, &len, "MemAvailable: %10lu kB\n", pv_nr_free_pages() * PAGE_KIB);
    proc_print(buf, size, &len, "Buffers:      %10d kB\n", 0);
    proc_print(buf, size, &len, "Cached:       %10lu kB\n", tmpfs_pages_used() * PAGE_KIB);
    proc_print(buf, size, &len, "SwapTotal:    %10d kB\nSwapFree:     %10d kB\n", 0, 0);
    proc_print(buf, size, &len, "Shmem:        %10lu kB\n", tmpfs_pages_used() * PAGE_KIB);
    return (long)len;
}

/* Seconds since the hypervisor started, and none of them are counted as idle. */
static long show_uptime(char *buf, size_t size)
{
    uint64_t hundredths = pv_system_time() / (PV_NS_PER_SEC / 100);

    return snprintf(buf, size, "%lu.%02lu 0.00\n", hundredths / 100, hundredths % 100);
}

static long show_loadavg(char *buf, size_t size)
{
    int nr = 0, running = 0, last = 0;

    for (struct task *t = task_next(0); t; t = task_next(t->pid)) {
        nr++;
        running += t->state == TASK_RUNNING;
        last = t->pid;
    }
    return snprintf(buf, size, "0.00 0.00 0.00 %d/%d %d\n", running, nr, last);
}

static void cpu_name(char name[49])
{
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t word[4] = { 0x80000002 + i, 0, 0, 0 };

        __asm__ volatile("cpuid" : "+a"(word[0]), "=b"(word[1]), "+c"(word[2]), "=d"(word[3]));
        memcpy(name + 16 * i, word, sizeof(word));
    }
    name[48] = '\0';
}

static long show_cpuinfo(char *buf, size_t size)
{
    uint64_t khz = pv_tsc_khz();
    char name[49];
    size_t len = 0;

    cpu_name(name);
    proc_print(buf, size, &len, "processor\t: 0\nmodel name\t: %s\n", name);
    proc_print(buf, size, &len, "cpu MHz\t\t: %lu.%03lu\n\n", khz / 1000, khz % 1000);
    return (long)len;
}

static long show_stat(char *buf, size_t size)
{
    uint64_t ns = 0, boot = (uint64_t)fs_now() - pv_system_time() / PV_NS_PER_SEC;
    size_t len = 0;

    for (struct task *t = task_next(0); t; t = task_next(t->pid))
        ns += t->user_ns + t->kernel_ns;
    proc_print(buf, size, &len, "cpu  %lu 0 0 0 0 0 0 0 0 0\n", ns / (PV_NS_PER_SEC / 100));
    proc_print(buf, size, &len, "btime %lu\n", boot);
    return (long)len;
}

static long show_version(char *buf, size_t size)
{
    return snprintf(buf, size, "pv-kernel, with a part of Linux's x86-64 system calls\n");
}

static long show_filesystems(char *buf, size_t size)
{
    return snprintf(buf, size,
                    "nodev\ttmpfs\nnodev\tramfs\nnodev\tdevtmpfs\nnodev\tdevpts\nnodev\tproc\n");
}

static long show_cmdline(char *buf, size_t size)
{
    return snprintf(buf, size, "%s\n", (const char *)pv_start_info->cmd_line);
}

static long show_pid_max(char *buf, size_t size)
{
    return snprintf(buf, size, "32768\n");
}

void proc_system_init(void)
{
    static const struct {
        const char *name;
        long (*show)(char *buf, size_t size);
    } files[] = {
        { "mounts", show_mounts }, { "meminfo", show_meminfo }, { "uptime", show_uptime },
        { "loadavg", show_loadavg }, { "cpuinfo", show_cpuinfo }, { "stat", show_stat },
        { "version", show_version }, { "filesystems", show_filesystems },
        { "cmdline", show_cmdline }, { "sys/kernel/pid_max", show_pid_max },
    };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        if (procfs_register(files[i].name, files[i].show))
            panic("pv-kernel: no memory for /proc/%s\n", files[i].name);
    }
}
