/* SPDX-License-Identifier: MIT */
/*
 * The console's driver, and the kernel's own messages.
 *
 * In the first domain the console is the hypervisor's, which always has room and ends lines by
 * itself. In others it is the PV ring, which somebody else empties when he likes: programs wait for
 * room; a kernel message that finds none waits in `backlog` and goes out before anything else; what
 * even that has no room for is lost, and counted.
 */
#include "tty/tty.h"

#define BACKLOG_SIZE  16384u        /* a power of two */
#define DIRECT_ROOM   512u          /* of the hypervisor's console, a call */

#define TTY_MAJOR     5
#define CONSOLE_MINOR 1
#define HVC_MAJOR     229
#define VT_MAJOR      4

static struct tty console;

static char backlog[BACKLOG_SIZE];
static uint32_t backlog_head, backlog_tail;
static unsigned long lost;          /* characters of messages */

struct tty *console_tty(void)
{
    return &console;
}

/* ---- Output ---- */

static void drain_backlog(void)
{
    while (backlog_tail != backlog_head) {
        uint32_t start = backlog_tail % BACKLOG_SIZE;
        uint32_t len = min(backlog_head - backlog_tail, BACKLOG_SIZE - start);
        size_t done = pv_console_put(backlog + start, len);

        backlog_tail += (uint32_t)done;
        if (done < len)
            return;
    }
}

static size_t console_room(struct tty *tty)
{
    (void)tty;
    if (pv_is_first_domain())
        return DIRECT_ROOM;
    return backlog_tail == backlog_head ? pv_console_room() : 0;
}

/* The hypervisor makes CR LF of LF; a CR of our own would be one too many. */
static size_t without_cr(const char *text, size_t len, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\r' || i + 1 == len || text[i + 1] != '\n')
            out[n++] = text[i];
    }
    return n;
}

static void console_write(struct tty *tty, const char *text, size_t len)
{
    char plain[DIRECT_ROOM];

    (void)tty;
    if (pv_is_first_domain())
        pv_console_put(plain, without_cr(text, len, plain));
    else
        pv_console_put(text, len);
}

static void note_message(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (backlog_head - backlog_tail > BACKLOG_SIZE - 2) {
            lost++;
            continue;
        }
        if (text[i] == '\n')
            backlog[backlog_head++ % BACKLOG_SIZE] = '\r';
        backlog[backlog_head++ % BACKLOG_SIZE] = text[i];
    }
}

/* The kernel's messages come here, also from event handlers. */
static void kernel_message(const char *text, size_t len)
{
    char note[48];

    if (lost && backlog_head == backlog_tail) {
        int n = snprintf(note, sizeof(note), "[%lu characters were lost]\n", lost);

        lost = 0;
        note_message(note, (size_t)n);
    }
    note_message(text, len);
    drain_backlog();
}

/* ---- Input ---- */

static void pull_input(struct tty *tty)
{
    char typed[64];
    size_t n;

    while ((n = min(line_room(&tty->line), sizeof(typed))) > 0) {
        n = pv_console_read(typed, n);
        if (!n)
            return;
        tty_receive(tty, typed, n);
    }
}

static const struct tty_driver console_driver = {
    .room = console_room, .write = console_write, .more_input = pull_input,
};

/* Characters came, or the ring has room. */
static void console_event(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    pull_input(&console);
    if (!pv_is_first_domain()) {
        drain_backlog();
        tty_writable(&console);
    }
}

/* ---- Files ---- */

static int console_open(struct file *f)
{
    return tty_open_file(f, &console, true);
}

/* /dev/tty: whatever terminal the caller's session has. */
static int controlling_open(struct file *f)
{
    return current->tty ? tty_open_file(f, current->tty, false) : -ENXIO;
}

static const struct file_ops console_ops = { .open = console_open };
static const struct file_ops controlling_ops = { .open = controlling_open };

void tty_devices_init(void)
{
    static const struct {
        const char *name;
        uint32_t mode, major, minor;
        const struct file_ops *ops;
    } nodes[] = {
        { "console", 0600, TTY_MAJOR, CONSOLE_MINOR, &console_ops },
        { "hvc0", 0600, HVC_MAJOR, 0, &console_ops },
        { "tty0", 0600, VT_MAJOR, 0, &console_ops },
        { "tty", 0666, TTY_MAJOR, 0, &controlling_ops },
    };

    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        if (device_register(nodes[i].name, nodes[i].mode, nodes[i].major, nodes[i].minor,
                            nodes[i].ops, NULL))
            panic("pv-kernel: no memory for /dev/%s\n", nodes[i].name);
    }
    pty_init();
}

int tty_init(void)
{
    int rc = tty_create(&console, &console_driver), port;

    if (rc)
        return rc;
    console.winsize = (struct winsize){ .rows = 24, .cols = 80 };
    if (!pv_is_first_domain()) {
        pv_set_event_handler(pv_start_info->console.domU.evtchn, 0, console_event, NULL);
        pv_console_redirect(kernel_message);
        return 0;
    }
    port = pv_bind_virq(VIRQ_CONSOLE, 0, console_event, NULL);
    return port < 0 ? port : 0;
}
