/* SPDX-License-Identifier: MIT */
/*
 * The handlers of all families, for table.c; each family's file includes this, too. A handler is
 * written as
 *
 *     SYSCALL(sys_dup2)
 *     {
 *         int from = (int)a, to = (int)b;
 *
 * so that its first line names those it has of a to e and arg6 (a file is called f).
 */
#ifndef PVK_FAMILIES_H
#define PVK_FAMILIES_H

#include "syscall/syscall.h"

#define SYSCALL_ARG(x) uint64_t x __attribute__((unused))
#define SYSCALL(name)                                                                   \
    long name(SYSCALL_ARG(a), SYSCALL_ARG(b), SYSCALL_ARG(c), SYSCALL_ARG(d),           \
              SYSCALL_ARG(e), SYSCALL_ARG(arg6))

/* proc.c */
syscall_fn sys_fork, sys_vfork, sys_clone, sys_execve, sys_exit, sys_wait4, sys_waitid;
syscall_fn sys_getpid, sys_getppid, sys_setpgid, sys_getpgid, sys_getpgrp, sys_setsid, sys_getsid;
syscall_fn sys_get_id, sys_set_id, sys_get_ids, sys_getgroups, sys_setgroups;
syscall_fn sys_set_tid_address, sys_set_robust_list, sys_prctl, sys_arch_prctl, sys_futex;
syscall_fn sys_sched_yield, sys_sched_getaffinity, sys_getrusage, sys_getpriority, sys_setpriority;

/* mm.c */
syscall_fn sys_mmap, sys_munmap, sys_mprotect, sys_mremap, sys_brk, sys_madvise, sys_mlock;
syscall_fn sys_munlock, sys_msync;

/* signal.c */
syscall_fn sys_rt_sigaction, sys_rt_sigprocmask, sys_rt_sigreturn, sys_rt_sigsuspend;
syscall_fn sys_rt_sigpending, sys_rt_sigtimedwait, sys_sigaltstack, sys_kill, sys_tkill, sys_tgkill;
syscall_fn sys_pause;

/* time.c */
syscall_fn sys_nanosleep, sys_clock_nanosleep, sys_clock_gettime, sys_clock_getres;
syscall_fn sys_gettimeofday, sys_time, sys_alarm, sys_setitimer, sys_getitimer, sys_times;

/* system.c */
syscall_fn sys_uname, sys_sethostname, sys_sysinfo, sys_getrandom, sys_reboot, sys_prlimit64;
syscall_fn sys_getrlimit, sys_setrlimit, sys_syslog;

/* file.c */
syscall_fn sys_open, sys_openat, sys_creat, sys_close, sys_close_range, sys_pipe, sys_pipe2;
syscall_fn sys_read, sys_write, sys_readv, sys_writev, sys_pread64, sys_pwrite64, sys_preadv;
syscall_fn sys_pwritev, sys_lseek, sys_sendfile, sys_truncate, sys_ftruncate, sys_fsync, sys_sync;
syscall_fn sys_fadvise64;

/* fcntl.c */
syscall_fn sys_dup, sys_dup2, sys_dup3, sys_fcntl, sys_flock, sys_ioctl;

/* stat.c */
syscall_fn sys_stat, sys_lstat, sys_fstat, sys_newfstatat, sys_statx, sys_statfs, sys_fstatfs;
syscall_fn sys_access, sys_faccessat, sys_faccessat2, sys_chmod, sys_fchmod, sys_fchmodat;
syscall_fn sys_chown, sys_lchown, sys_fchown, sys_fchownat, sys_utimensat;

/* dir.c */
syscall_fn sys_mkdir, sys_mkdirat, sys_mknod, sys_mknodat, sys_link, sys_linkat, sys_symlink;
syscall_fn sys_symlinkat, sys_readlink, sys_readlinkat, sys_unlink, sys_rmdir, sys_unlinkat;
syscall_fn sys_rename, sys_renameat, sys_renameat2, sys_chdir, sys_fchdir, sys_getcwd, sys_umask;
syscall_fn sys_getdents64, sys_mount, sys_umount2;

/* poll.c */
syscall_fn sys_poll, sys_ppoll, sys_select, sys_pselect6;

/* socket.c */
syscall_fn sys_socket, sys_socketpair, sys_bind, sys_listen, sys_accept, sys_accept4, sys_connect;
syscall_fn sys_sendto, sys_recvfrom, sys_sendmsg, sys_recvmsg, sys_shutdown, sys_getsockname;
syscall_fn sys_getpeername, sys_setsockopt, sys_getsockopt;

#endif
