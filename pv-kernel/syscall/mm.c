/* SPDX-License-Identifier: MIT */
/* System calls: memory. */
#include "mm/mm.h"
#include "fs/fs.h"
#include "proc/proc.h"
#include "syscall/families.h"

#define PROT_KNOWN   (PROT_READ | PROT_WRITE | PROT_EXEC)
#define MADV_DONTNEED 4

SYSCALL(sys_mmap)
{
    uint64_t addr = a, len = b, offset = arg6;
    int prot = (int)c, flags = (int)d, fd = (int)e;
    int sharing = flags & (MAP_SHARED | MAP_PRIVATE);
    struct file *file = NULL;

    /* MAP_SHARED_VALIDATE is both bits. */
    if (prot & ~PROT_KNOWN || !sharing)
        return -EINVAL;
    if (sharing == (MAP_SHARED | MAP_PRIVATE))
        flags &= ~MAP_PRIVATE;
    if (!(flags & MAP_ANONYMOUS)) {
        file = fd_file(fd);
        if (!file)
            return -EBADF;
        if ((file->flags & O_ACCMODE) == O_WRONLY)
            return -EACCES;
    }
    return space_mmap(current->space, addr, len, prot, flags, file, offset);
}

SYSCALL(sys_munmap)
{
    return space_munmap(current->space, a, b);
}

SYSCALL(sys_mprotect)
{
    uint64_t addr = a, len = b;
    int prot = (int)c;

    if (prot & ~PROT_KNOWN)
        return -EINVAL;
    return space_mprotect(current->space, addr, len, prot);
}

SYSCALL(sys_mremap)
{
    return space_mremap(current->space, a, b, c, (int)d);
}

SYSCALL(sys_brk)
{
    return space_brk(current->space, a);
}

SYSCALL(sys_madvise)
{
    uint64_t addr = a, len = b;
    int advice = (int)c;

    if (addr % PAGE_SIZE)
        return -EINVAL;
    /* Advice may be left alone, but this one promises zeroes at the next look. */
    return advice == MADV_DONTNEED ? space_discard(current->space, addr, len) : 0;
}

SYSCALL(sys_mlock)
{
    uint64_t addr = a, len = b;
    int rc = space_populate(current->space, addr, len, true);

    /* What may not be written is resident once it can be read. */
    if (rc == -EFAULT)
        rc = space_populate(current->space, addr, len, false);
    return rc == -EFAULT ? -ENOMEM : rc;
}

/*
 * Nothing is ever taken away from a process, so it needs no lock to stay, and none to write back.
 */
SYSCALL(sys_munlock)
{
    return 0;
}

SYSCALL(sys_msync)
{
    return 0;
}
