/* SPDX-License-Identifier: MIT */
/* Options: numbers, com1=, the whole command line; and the limit on guests' messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "boot/boot.h"
#include "lib/numbers.h"
#include "lib/printk.h"
#include "lib/rate_limit.h"
#include "lib/serial.h"

/* What cmdline.c stands on, in the hypervisor. */
struct bootinfo bootinfo;
enum log_level log_threshold;
static struct serial_options line;
static char reported[1000];

void serial_init(const struct serial_options *options)
{
    line = *options;
}

void printk(enum log_level level, const char *fmt, ...)
{
    size_t len = strlen(reported);
    va_list args;

    assert_int_equal(level, LOG_WARNING);
    va_start(args, fmt);
    vsnprintf(reported + len, sizeof(reported) - len, fmt, args);
    va_end(args);
}

static void parse(const char *text)
{
    memset(&boot_options, 0, sizeof(boot_options));
    log_threshold = LOG_INFO;
    reported[0] = '\0';
    strcpy(bootinfo.cmdline, text);
    cmdline_parse();
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        u64 value;
        char next;
    } cases[] = {
        { "0", true, 0, '\0' }, { "12M", true, 12, 'M' }, { "0x1fG", true, 0x1f, 'G' },
        { "0XaB", true, 0xab, '\0' }, { "", false, 0, 0 }, { "x", false, 0, 0 },
        { "0x", false, 0, 0 }, { "-1", false, 0, 0 },
        { "18446744073709551615", true, UINT64_MAX, '\0' },
        { "18446744073709551616", false, 0, 0 }, { "0x10000000000000000", false, 0, 0 },
    };

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *p = cases[i].text;
        u64 value = 77;

        assert_int_equal(parse_u64(&p, &value), cases[i].ok);
        assert_int_equal(value, cases[i].ok ? cases[i].value : 77);
        if (cases[i].ok)
            assert_int_equal(*p, cases[i].next);
        else
            assert_ptr_equal(p, cases[i].text);
    }
}

static void serial_lines(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        u16 port;
        u32 baud;
        u8 lc;
    } cases[] = {
        { "115200", true, 0x3f8, 115200, 3 }, { "9600,7e2", true, 0x3f8, 9600, 0x1e },
        { "38400,8o1,0x2f8", true, 0x2f8, 38400, 0x0b },
        { "115200,,0x2f8", true, 0x2f8, 115200, 3 },
        { "115200,8n1,", false, 0, 0, 0 }, { "", false, 0, 0, 0 }, { "123", false, 0, 0, 0 },
        { "230400", false, 0, 0, 0 }, { "115200,9n1", false, 0, 0, 0 },
        { "115200,8", false, 0, 0, 0 }, { "115200,8n", false, 0, 0, 0 },
        { "115200,8x1", false, 0, 0, 0 }, { "115200,8n3", false, 0, 0, 0 },
        { "115200,8n1,0", false, 0, 0, 0 }, { "115200,8n1,0xffff", false, 0, 0, 0 },
        { "115200,8n1,0x3f8,4", false, 0, 0, 0 },
    };

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
        struct serial_options o = SERIAL_DEFAULT;

        assert_int_equal(serial_parse(cases[i].text, &o), cases[i].ok);
        assert_int_equal(o.port, cases[i].ok ? cases[i].port : 0x3f8);
        assert_int_equal(o.baud, cases[i].ok ? cases[i].baud : 115200);
        assert_int_equal(o.line_control, cases[i].ok ? cases[i].lc : 3);
    }
}

static void good_options(void **state)
{
    (void)state;
    parse("  dom0_mem=512M dom0_max_vcpus=3\tcom1=9600,8n1 loglvl=all noreboot ");
    assert_string_equal(reported, "");
    assert_int_equal(boot_options.dom0_mem, 512 << 20);
    assert_int_equal(boot_options.dom0_max_vcpus, 3);
    assert_int_equal(line.baud, 9600);
    assert_int_equal(log_threshold, LOG_DEBUG);
    assert_true(boot_options.noreboot);

    parse("dom0_mem=2g loglvl=error");
    assert_int_equal(boot_options.dom0_mem, 2ul << 30);
    assert_int_equal(log_threshold, LOG_ERROR);
    assert_false(boot_options.noreboot);
    assert_false(boot_options.guest_console);
    parse("guest-console");
    assert_true(boot_options.guest_console);
    assert_int_equal(boot_options.l1tf_dom0, L1TF_BY_CPU);
    parse("pv-l1tf=dom0,no-domu");
    assert_int_equal(boot_options.l1tf_dom0, L1TF_ON);
    assert_int_equal(boot_options.l1tf_domu, L1TF_OFF);
    parse("pv-l1tf=domu=yes");
    assert_int_equal(boot_options.l1tf_dom0, L1TF_BY_CPU);
    assert_int_equal(boot_options.l1tf_domu, L1TF_ON);
    parse("pv-l1tf=off");
    assert_int_equal(boot_options.l1tf_dom0, L1TF_OFF);
    assert_int_equal(boot_options.l1tf_domu, L1TF_OFF);
    parse("dom0_mem=65536");
    assert_int_equal(boot_options.dom0_mem, 64 << 20);
    parse("dom0_mem=4096b");
    assert_int_equal(boot_options.dom0_mem, 4096);
}

static void bad_options_are_reported(void **state)
{
    static const char *const bad[] = {
        "dom0_mem=", "dom0_mem=0", "dom0_mem=5X", "dom0_mem=5MB", "dom0_mem=99999999999999999T",
        "dom0_max_vcpus=0", "dom0_max_vcpus=two", "com1=fast", "loglvl=loud", "noreboot=1",
        "norebootx", "frobnicate", "=", "dom0_mem", "pv-l1tf=", "pv-l1tf", "pv-l1tf=domx",
        "pv-l1tf=,", "pv-l1tf=maybe,dom0",
    };

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        parse(bad[i]);
        assert_non_null(strstr(reported, bad[i]));
        assert_int_equal(boot_options.dom0_mem, 0);
        assert_int_equal(boot_options.dom0_max_vcpus, 0);
        assert_false(boot_options.noreboot);
        assert_int_equal(log_threshold, LOG_INFO);
    }
    parse("dom0_max_vcpus=1000");
    assert_int_equal(boot_options.dom0_max_vcpus, MAX_VCPUS);
    assert_non_null(strstr(reported, "most"));
}

static void endless_words_are_cut(void **state)
{
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    parse(text);
    assert_true(strlen(reported) > 100 && strlen(reported) < 250);
}

static void messages_are_limited(void **state)
{
    struct rate_limit r = RATE_LIMIT_INIT(3, 100);

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(rate_limit_pass(&r, 1000));
    assert_false(rate_limit_pass(&r, 1000));
    assert_false(rate_limit_pass(&r, 1099));
    assert_int_equal(r.dropped, 2);
    assert_true(rate_limit_pass(&r, 1100));
    assert_false(rate_limit_pass(&r, 1199));
    /* A long silence earns a burst, not more. */
    for (int i = 0; i < 3; i++)
        assert_true(rate_limit_pass(&r, 1000000));
    assert_false(rate_limit_pass(&r, 1000000));
    /* A clock that stands earlier than before earns nothing. */
    assert_false(rate_limit_pass(&r, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(serial_lines),
        cmocka_unit_test(good_options),
        cmocka_unit_test(bad_options_are_reported),
        cmocka_unit_test(endless_words_are_cut),
        cmocka_unit_test(messages_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
