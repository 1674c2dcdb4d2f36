/* SPDX-License-Identifier: MIT */
/*
 * Console input.  An event handler moves what was typed into a ring; the reader takes it out with
 * events enabled.  There is one of each, on vCPU 0: the handler alone writes `head`, the reader
 * alone `tail`.  What does not fit is dropped.
 */
#include "monitor/input.h"

#define RING_SIZE 256u /* a power of two */

#define CTRL(c)   ((c) & 0x1f)
#define BACKSPACE 0x08
#define DELETE    0x7f

static char ring[RING_SIZE];
static volatile uint32_t head, tail;

static void input_event(evtchn_port_t port, void *data)
{
    char typed[64];
    size_t n;

    (void)port;
    (void)data;
    while ((n = pv_console_read(typed, sizeof(typed))) > 0) {
        for (size_t i = 0; i < n && head - tail < RING_SIZE; i++) {
            ring[head % RING_SIZE] = typed[i];
            head++;
        }
    }
}

int input_init(void)
{
    int port;

    if (!pv_is_first_domain()) {
        pv_set_event_handler(pv_start_info->console.domU.evtchn, 0, input_event, NULL);
        return 0;
    }
    port = pv_bind_virq(VIRQ_CONSOLE, 0, input_event, NULL);
    return port < 0 ? port : 0;
}

static char next_char(void)
{
    char c;

    PV_WAIT_UNTIL(head != tail);
    c = ring[tail % RING_SIZE];
    tail++;
    return c;
}

/* One character into a line of `len`; returns the new length, or -1 when the line is to restart. */
static int edit(char c, char *line, int len, int max)
{
    if (c == BACKSPACE || c == DELETE) {
        if (len > 0) {
            pv_printf("\b \b");
            len--;
        }
        return len;
    }
    if (c == CTRL('U') || c == CTRL('C')) {
        pv_printf("^%c\n", c + '@');
        return -1;
    }
    if (c >= ' ' && len < max) {
        line[len++] = c;
        pv_console_write(&c, 1);
    }
    return len;
}

void input_read_line(const char *prompt, char *line, size_t size)
{
    int len = -1;
    char c;

    do {
        if (len < 0) {
            pv_printf("%s", prompt);
            len = 0;
        }
        c = next_char();
        if (c != '\r' && c != '\n')
            len = edit(c, line, len, (int)size - 1);
    } while (len < 0 || (c != '\r' && c != '\n'));
    line[len] = '\0';
    pv_printf("\n");
}
