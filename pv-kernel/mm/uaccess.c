/* SPDX-License-Identifier: MIT */
/*
 * Copies between kernel and user memory. The kernel's root maps the user half, so a copy is one
 * guarded instruction, or two: words and then bytes; where one faults, the page is brought in and
 * the copy goes on from there. Words cost an eighth where each step counts, as in an emulator.
 */
#include "mm/internal.h"
#include "proc/proc.h"

static bool in_user_half(uint64_t va, size_t len)
{
    return va < USER_END && len <= USER_END - va;
}

/* Brings in what a guarded instruction wanted; false: nobody may have it. */
static bool repair(pv_fault_t fault)
{
    return pv_fault_vector(fault) == PV_PF &&
           space_fault(current->space, pv_last_fault()->cr2,
                       pv_fault_error(fault) & PV_PF_WRITE, false);
}

#define LONG 64u            /* from here on words are worth an instruction more */

static int copy(uint64_t to, uint64_t from, size_t len)
{
    size_t words = len < LONG ? 0 : len / sizeof(uint64_t);
    pv_fault_t fault = PV_NO_FAULT;

    len -= words * sizeof(uint64_t);
    while (words) {
        PV_TRY_ASM(fault, "rep movsq", PV_OUT("+D"(to), "+S"(from), "+c"(words)), PV_IN());
        if (fault && !repair(fault))
            return -EFAULT;
    }
    do {
        PV_TRY_ASM(fault, "rep movsb", PV_OUT("+D"(to), "+S"(from), "+c"(len)), PV_IN());
    } while (fault && repair(fault));
    return fault ? -EFAULT : 0;
}

int copy_from_user(void *dst, uint64_t src, size_t len)
{
    return in_user_half(src, len) ? copy((uint64_t)dst, src, len) : -EFAULT;
}

int copy_to_user(uint64_t dst, const void *src, size_t len)
{
    return in_user_half(dst, len) ? copy(dst, (uint64_t)src, len) : -EFAULT;
}

int clear_user(uint64_t dst, size_t len)
{
    pv_fault_t fault;

    if (!in_user_half(dst, len))
        return -EFAULT;
    do {
        PV_TRY_ASM(fault, "rep stosb", PV_OUT("+D"(dst), "+c"(len)), PV_IN("a"(0)));
    } while (fault && repair(fault));
    return fault ? -EFAULT : 0;
}

long strncpy_from_user(char *dst, uint64_t src, size_t size)
{
    size_t done = 0;

    while (done < size) {
        /* No further than the next multiple of 64: what lies behind the end may be unmapped. */
        size_t n = min(size - done, 64 - (src + done) % 64);

        if (copy_from_user(dst + done, src + done, n))
            return -EFAULT;
        for (size_t i = done; i < done + n; i++) {
            if (!dst[i])
                return (long)i;
        }
        done += n;
    }
    return -ENAMETOOLONG;
}
