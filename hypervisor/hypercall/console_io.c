/* SPDX-License-Identifier: MIT */
/*
 * console_io: a privileged domain's way to the serial line, and with the option guest-console
 * every domain's, for a guest that has no console of its own yet. Text is copied and filtered in
 * pieces, so that neither the stack nor the time to the next look at pending work depends on its
 * length.
 */
#include "control/policy.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/string.h"

#define PIECE 128u

/* Terminal controls and UTF-8 pass; the other control characters show as '.'. */
static void filter(char *text, u32 len)
{
    for (u32 i = 0; i < len; i++) {
        u8 c = (u8)text[i];

        if (c == 0x7f || (c < 0x20 && !(c >= '\a' && c <= '\r') && c != 0x1b))
            text[i] = '.';
    }
}

/* The first piece ends with a line if it can, so that our own messages come between whole lines. */
static u32 piece_len(const char *text, u32 len)
{
    for (u32 i = len; i > 0; i--)
        if (text[i - 1] == '\n')
            return i;
    return len;
}

/* A restart goes on behind the text that is written. */
static long console_out(u32 count, XEN_GUEST_HANDLE(char) buffer)
{
    char text[PIECE];
    u32 done = 0;

    while (done < count) {
        u32 len = min(count - done, PIECE);

        if (done && preempt_needed())
            return hypercall_restart(CONSOLEIO_write, count - done, handle_elem(buffer, done));
        if (!copy_from_guest_raw(text, handle_elem(buffer, done), len))
            return -EFAULT;
        len = piece_len(text, len);
        filter(text, len);
        console_write(text, len);
        done += len;
    }
    return 0;
}

/* At most a piece: a caller asks again for more. */
static long console_in(u32 count, XEN_GUEST_HANDLE(char) buffer)
{
    char text[PIECE];
    u32 len = min(count, PIECE);

    /* Before input is taken it must be sure that it can be handed on. */
    memset(text, 0, sizeof(text));
    if (len == 0)
        return 0;
    if (!copy_to_guest_raw(handle_addr(buffer), text, len))
        return -EFAULT;
    len = (u32)console_read(text, len);
    return copy_to_guest_raw(handle_addr(buffer), text, len) ? (long)len : -EFAULT;
}

long do_console_io(unsigned int cmd, unsigned int count, XEN_GUEST_HANDLE(char) buffer)
{
    switch (cmd) {
    case CONSOLEIO_write:
        return policy_console_write() ? console_out(count, buffer) : -EPERM;
    case CONSOLEIO_read:
        return policy_console_read() ? console_in(count, buffer) : -EPERM;
    default:
        return policy_console_read() ? -ENOSYS : -EPERM;
    }
}
