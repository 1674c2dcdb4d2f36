/* SPDX-License-Identifier: MIT */
/*
 * What is typed at the hypervisor's console: tests/harness/starts.py types the text of the option
 * `typed`, and a line end, each time that a case asks for it.
 */
#include "../lib/case.h"

CONF_GUEST("conf-input");

#define LIMIT (30000 * PV_NS_PER_MS)    /* for the harness's answer */

static char text[64];

static long read_some(unsigned int count, void *buffer)
{
    return HYPERVISOR_console_io(CONSOLEIO_read, count, buffer);
}

/* Asks for the text; a port that VIRQ_CONSOLE has made pending, or 0. */
static evtchn_port_t ask(void)
{
    int port = pv_bind_virq(VIRQ_CONSOLE, 0, NULL, NULL);
    evtchn_port_t ports[] = { (evtchn_port_t)port };

    if (!EXPECT_TRUE(pv_option("typed", text, sizeof(text))) || !EXPECT_TRUE(port > 0))
        return 0;
    EXPECT_TRUE(!pv_port_pending(ports[0]));
    pv_printf("input: type now\n");
    EXPECT_EQ(pv_poll(ports, 1, pv_system_time() + LIMIT), 0);
    return EXPECT_TRUE(pv_port_pending(ports[0])) ? ports[0] : 0;
}

/* Reads on, a few bytes at once, while more comes: in all it is the text and a line end. */
static void expect_text(evtchn_port_t port, unsigned int at_once)
{
    char got[sizeof(text) * 2] = "";
    uint64_t deadline = pv_system_time() + LIMIT;
    size_t len = 0;
    long part;

    while (len < sizeof(text) && (len == 0 || got[len - 1] != '\r')) {
        pv_clear_pending(port);
        part = read_some(at_once, got + len);
        if (!EXPECT_TRUE(part >= 0 && part <= at_once) ||
            (part == 0 && !EXPECT_TRUE(pv_system_time() < deadline)))
            break;
        len += (size_t)part;
        if (part == 0)
            pv_poll(&port, 1, deadline);
    }
    EXPECT_EQ(len, strlen(text) + 1);
    EXPECT_EQ(strncmp(got, text, strlen(text)), 0);
    EXPECT_EQ(read_some(sizeof(got), got), 0);
    EXPECT_EQ(pv_close(port), 0);
}

CASE(console_input, "VIRQ_CONSOLE says that something was typed; a read takes what there is",
     "console_io.read:input")
{
    evtchn_port_t port = ask();

    if (port)
        expect_text(port, sizeof(text));
}

CASE(console_input_parts, "a read takes no more than it asks for; the rest is read later",
     "console_io.read:input")
{
    evtchn_port_t port = ask();

    if (port)
        expect_text(port, 3);
}

CASE(console_input_bad, "a read to a bad address is -EFAULT, and what was typed is not lost",
     "console_io.read:EFAULT")
{
    void *read_only = pv_alloc_table();
    evtchn_port_t port = ask();

    if (!port)
        return;
    EXPECT_EQ(read_some(8, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(read_some(8, (void *)CONF_BAD_VA), -XEN_EFAULT);
    EXPECT_EQ(read_some(8, (void *)CONF_HYPERVISOR_VA), -XEN_EFAULT);
    EXPECT_EQ(read_some(8, read_only), -XEN_EFAULT);
    expect_text(port, sizeof(text));
    EXPECT_EQ(pv_free_table(read_only), 0);
}
