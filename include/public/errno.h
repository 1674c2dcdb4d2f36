/* SPDX-License-Identifier: MIT */
/*
 * Error numbers; hypercalls return their negatives. Included plainly this defines an enum,
 * XEN_EPERM = 1 and so on (nothing in assembly). An includer that first defines XEN_ERRNO(name,
 * value) gets that expanded once for each number instead, as often as it includes the file, and
 * finds the macro undefined afterwards.
 */
#ifndef XEN_ERRNO
#ifndef __XEN_PUBLIC_ERRNO_H__
#define __XEN_PUBLIC_ERRNO_H__
#if !defined(__ASSEMBLY__) && !defined(__ASSEMBLER__)
#define XEN_ERRNO_DEFAULT_INCLUDE
#define XEN_ERRNO(name, value) XEN_##name = value,
enum xen_errno {
#endif
#endif
#endif

#ifdef XEN_ERRNO

XEN_ERRNO(EPERM,          1) /* not allowed */
XEN_ERRNO(ENOENT,         2) /* no such thing */
XEN_ERRNO(ESRCH,          3) /* no such domain */
#ifdef __XEN__
XEN_ERRNO(EINTR,          4) /* never seen by a guest */
#endif
XEN_ERRNO(EIO,            5) /* input or output failed */
XEN_ERRNO(ENXIO,          6) /* no such device or address */
XEN_ERRNO(E2BIG,          7) /* too many arguments */
XEN_ERRNO(ENOEXEC,        8) /* not an executable */
XEN_ERRNO(EBADF,          9) /* bad file number */
XEN_ERRNO(ECHILD,        10) /* no child */
XEN_ERRNO(EAGAIN,        11) /* try again later */
XEN_ERRNO(EWOULDBLOCK,   11) /* the same as EAGAIN */
XEN_ERRNO(ENOMEM,        12) /* out of memory */
XEN_ERRNO(EACCES,        13) /* access refused */
XEN_ERRNO(EFAULT,        14) /* bad guest pointer */
XEN_ERRNO(EBUSY,         16) /* in use */
XEN_ERRNO(EEXIST,        17) /* exists already */
XEN_ERRNO(EXDEV,         18) /* crosses devices */
XEN_ERRNO(ENODEV,        19) /* no such device */
XEN_ERRNO(ENOTDIR,       20) /* not a directory */
XEN_ERRNO(EISDIR,        21) /* is a directory */
XEN_ERRNO(EINVAL,        22) /* bad argument */
XEN_ERRNO(ENFILE,        23) /* system's file table full */
XEN_ERRNO(EMFILE,        24) /* too many open files */
XEN_ERRNO(ENOSPC,        28) /* no room left */
XEN_ERRNO(EROFS,         30) /* read-only */
XEN_ERRNO(EMLINK,        31) /* too many links */
XEN_ERRNO(EDOM,          33) /* argument outside the function's domain */
XEN_ERRNO(ERANGE,        34) /* result out of range */
XEN_ERRNO(EDEADLK,       35) /* would deadlock */
XEN_ERRNO(EDEADLOCK,     35) /* the same as EDEADLK */
XEN_ERRNO(ENAMETOOLONG,  36) /* name too long */
XEN_ERRNO(ENOLCK,        37) /* no locks left */
XEN_ERRNO(ENOSYS,        38) /* no such hypercall or command */
XEN_ERRNO(ENOTEMPTY,     39) /* not empty */
XEN_ERRNO(ENODATA,       61) /* nothing there */
XEN_ERRNO(ETIME,         62) /* too late */
XEN_ERRNO(EBADMSG,       74) /* malformed message */
XEN_ERRNO(EOVERFLOW,     75) /* does not fit the type */
XEN_ERRNO(EILSEQ,        84) /* illegal byte sequence */
#ifdef __XEN__
XEN_ERRNO(ERESTART,      85) /* never seen by a guest */
#endif
XEN_ERRNO(ENOTSOCK,      88) /* not a socket */
XEN_ERRNO(EMSGSIZE,      90) /* message too long */
XEN_ERRNO(EOPNOTSUPP,    95) /* not supported here */
XEN_ERRNO(EADDRINUSE,    98) /* address in use */
XEN_ERRNO(EADDRNOTAVAIL, 99) /* address not available */
XEN_ERRNO(ENOBUFS,      105) /* buffer too small */
XEN_ERRNO(EISCONN,      106) /* connected already */
XEN_ERRNO(ENOTCONN,     107) /* not connected */
XEN_ERRNO(ETIMEDOUT,    110) /* took too long */
XEN_ERRNO(ECONNREFUSED, 111) /* connection refused */

#undef XEN_ERRNO
#endif

#ifdef XEN_ERRNO_DEFAULT_INCLUDE
#undef XEN_ERRNO_DEFAULT_INCLUDE
};
#endif
