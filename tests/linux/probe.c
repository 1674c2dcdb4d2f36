/* SPDX-License-Identifier: MIT */
/*
 * probe CASE [TIMES]: one thing that a program may rely on under Linux, and that stands on the
 * hypervisor below: memory, faults, registers, clocks, signals. Prints nothing and ends with status
 * 0, or prints the line that was wrong and ends with status 1. `probe` alone lists the cases.
 */
#include "probe.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>

void *fault_address;
int fault_code;

static sigjmp_buf fault_exit;

static const struct probe {
    const char *name;
    void (*run)(void);
} probes[] = {
    { "cow", test_cow },
    { "protect", test_protect },
    { "map", test_map },
    { "shared", test_shared },
    { "storm", test_storm },
    { "fill", test_fill },
    { "faults", test_faults },
    { "float", test_float },
    { "bases", test_bases },
    { "ldt", test_ldt },
    { "syscalls", test_syscalls },
    { "debug", test_debug },
    { "clock", test_clock },
    { "sleep", test_sleep },
    { "signals", test_signals },
    { "threads", test_threads },
};

#define PROBES (sizeof(probes) / sizeof(probes[0]))

/* Runs so many processes at once; all must end well. */
void in_children(unsigned count, child_fn *run)
{
    int status;

    for (unsigned i = 0; i < count; i++) {
        pid_t child = fork();

        EXPECT(child >= 0);
        if (child == 0) {
            run(i);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        EXPECT(wait(&status) > 0);
        EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    fault_address = info->si_addr;
    fault_code = info->si_code;
    siglongjmp(fault_exit, number);
}

/* Does something, and returns the signal that it caused, or 0. */
unsigned fault_of(void (*act)(void *), void *address)
{
    static const int caught[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    int number;

    for (unsigned i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
        EXPECT(sigaction(caught[i], &action, NULL) == 0);
    number = sigsetjmp(fault_exit, 1);
    if (number == 0)
        act(address);
    return (unsigned)number;
}

int main(int argc, char **argv)
{
    int times = argc > 2 ? atoi(argv[2]) : 1;

    if (argc < 2) {
        for (unsigned i = 0; i < PROBES; i++)
            puts(probes[i].name);
        return 0;
    }
    for (unsigned i = 0; i < PROBES; i++) {
        if (strcmp(probes[i].name, argv[1]) != 0)
            continue;
        while (times-- > 0)
            probes[i].run();
        return 0;
    }
    printf("no case %s\n", argv[1]);
    return 2;
}
