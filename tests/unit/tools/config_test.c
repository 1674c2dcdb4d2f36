/* SPDX-License-Identifier: MIT */
/* Configuration files (config.c): what they may say, and the line for each mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/xl-lite/config.h"

static char file[] = "config-test-XXXXXX";

static int read_text(struct domain_config *config, const char *text)
{
    FILE *stream = fopen(file, "w");

    assert_non_null(stream);
    assert_true(fputs(text, stream) >= 0 && !fclose(stream));
    xl_clear_message();
    return domain_config_read(config, file);
}

static void ordinary_file_is_understood(void **state)
{
    struct domain_config config;

    (void)state;
    assert_int_equal(read_text(&config,
                               "# a guest\n"
                               "type = \"pv\"\n"
                               "name = \"web-1\"\n"
                               "kernel = \"/boot/vmlinux\"\n"
                               "ramdisk = \"/boot/initrd\"\n"
                               "memory = 128\n"
                               "vcpus = 2\n"
                               "root = \"/dev/xvda\"\n"
                               "extra = \"ro console=hvc0\"\n"
                               "disk = [ ]\n"
                               "vif = [ ]\n"),
                     0);
    assert_string_equal(config.name, "web-1");
    assert_string_equal(config.kernel, "/boot/vmlinux");
    assert_string_equal(config.ramdisk, "/boot/initrd");
    assert_int_equal(config.memory_mib, 128);
    assert_int_equal(config.vcpus, 2);
    assert_string_equal(config.cmdline, "root=/dev/xvda ro console=hvc0");
    domain_config_free(&config);
}

static void little_is_enough(void **state)
{
    struct domain_config config;

    (void)state;
    assert_int_equal(read_text(&config, "name=\"a\" kernel=\"k\"; memory=\"64\""), 0);
    assert_int_equal(config.memory_mib, 64);
    assert_int_equal(config.vcpus, 1);
    assert_null(config.ramdisk);
    assert_string_equal(config.cmdline, "");
    domain_config_free(&config);
    assert_int_equal(read_text(&config, "name=\"a\"\nkernel=\"k\"\nmemory=64\n"
                                        "extra=\"x\"\ncmdline=\"all of it\"\n"), 0);
    assert_string_equal(config.cmdline, "all of it");
    domain_config_free(&config);
}

#define GOOD "name=\"a\"\nkernel=\"k\"\nmemory=64\n"

static void each_mistake_has_its_line(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "", ": name is missing" },
        { "name=\"a\"\nmemory=1\n", ": kernel is missing" },
        { "name=\"a\"\nkernel=\"k\"\n", ": memory is missing" },
        { "name=\"a\"\nkernel = 'k'\n", ":2: syntax error" },
        { "name=\"a\nkernel=\"k\"\n", "syntax error" },
        { "name=1\n", ":1: name: must be a text in double quotes" },
        { "name=\"\"\n", ":1: name: must be up to 63 letters" },
        { "name=\"7\"\n", "and not a number" },
        { "name=\"a/b\"\n", "name: must be up to 63" },
        { "name=\".hidden\"\n", "name: must be up to 63" },
        { "name=\"0123456789012345678901234567890123456789012345678901234567890123a\"\n",
          "name: must be up to 63" },
        { GOOD "name=\"b\"\n", ":4: duplicate setting name" },
        { "name=\"a\"\nkernel=\"\"\n", ":2: kernel: must name a file" },
        { "memory=0\n", ":1: memory: must be a number from 1 to 1048576" },
        { "memory=-64\n", "must be a number" },
        { "memory=64.5\n", "must be a number" },
        { "memory=true\n", "must be a number" },
        { "memory=\"64M\"\n", "must be a number" },
        { "memory=\"99999999999999999999\"\n", "must be a number" },
        { "memory=9999999999999L\n", "must be a number" },
        { GOOD "vcpus=33\n", ":4: vcpus: must be a number from 1 to 32" },
        { GOOD "type=\"hvm\"\n", ":4: type: only paravirtualized guests" },
        { GOOD "vif=[\"bridge=b\"]\n", ":4: vif: is not supported" },
        { GOOD "disk=\"phy:/dev/vdb,xvda,w\"\n", ":4: disk: must be a list" },
        { GOOD "disk=[ 1 ]\n", ":4: disk: must be a list of texts" },
        { GOOD "disk=[\"phy:/dev/vdb,xvda\"]\n", ":4: disk: must be \"phy:FILE,xvda,w\"" },
        { GOOD "disk=[\"phy:/dev/vdb,xvda,w,x\"]\n", ":4: disk: must be \"phy:FILE,xvda,w\"" },
        { GOOD "disk=[\"file:/x,xvda,w\"]\n", ":4: disk: must be phy:" },
        { GOOD "disk=[\"phy:vdb,xvda,w\"]\n", ":4: disk: must be phy:" },
        { GOOD "disk=[\"phy:/dev/vdb,xvda1,w\"]\n", "must be one of xvda to xvdp" },
        { GOOD "disk=[\"phy:/dev/vdb,xvdq,w\"]\n", "must be one of xvda to xvdp" },
        { GOOD "disk=[\"phy:/dev/vdb,hda,w\"]\n", "must be one of xvda to xvdp" },
        { GOOD "disk=[\"phy:/dev/vdb,xvda,rw\"]\n", "the mode of a disk must be w or r" },
        { GOOD "disk=[\"phy:/dev/a,xvda,w\",\n\"phy:/dev/b,xvda,r\"]\n", "the same name" },
        { GOOD "vif=\"x\"\n", ":4: vif: must be a list" },
    };
    struct domain_config config;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(read_text(&config, rows[i].text) < 0);
        domain_config_free(&config);
        if (!strstr(xl_message(), rows[i].words) || strncmp(xl_message(), file, strlen(file)))
            fail_msg("row %zu: \"%s\", expected \"%s\"", i, xl_message(), rows[i].words);
    }
}

static void command_line_has_a_limit(void **state)
{
    struct domain_config config;
    char text[DOMAIN_CMDLINE_MAX + 100], long_line[DOMAIN_CMDLINE_MAX + 1];

    (void)state;
    memset(long_line, 'x', sizeof(long_line));
    long_line[DOMAIN_CMDLINE_MAX] = '\0';
    snprintf(text, sizeof(text), GOOD "extra=\"%s\"\n", long_line);
    assert_true(read_text(&config, text) < 0);
    domain_config_free(&config);
    assert_non_null(strstr(xl_message(), "longer than 1023 bytes"));
    snprintf(text, sizeof(text), GOOD "extra=\"%s\"\n", long_line + 1);
    assert_int_equal(read_text(&config, text), 0);
    assert_int_equal(strlen(config.cmdline), DOMAIN_CMDLINE_MAX - 1);
    domain_config_free(&config);
}

static void disks_are_understood(void **state)
{
    struct domain_config config;

    (void)state;
    assert_int_equal(read_text(&config, GOOD "disk=[ \"phy:/dev/vdb,xvda,w\",\n"
                                             "\"phy:/dev/vdc,xvdp,r\" ]\n"), 0);
    assert_int_equal(config.nr_disks, 2);
    assert_string_equal(config.disk[0].path, "/dev/vdb");
    assert_string_equal(config.disk[0].vdev_name, "xvda");
    assert_int_equal(config.disk[0].vdev, 51712);
    assert_false(config.disk[0].readonly);
    assert_string_equal(config.disk[1].path, "/dev/vdc");
    assert_int_equal(config.disk[1].vdev, 51952);
    assert_true(config.disk[1].readonly);
    domain_config_free(&config);
}

static void missing_file_is_named(void **state)
{
    struct domain_config config;

    (void)state;
    xl_clear_message();
    assert_true(domain_config_read(&config, "no-such-file") < 0);
    assert_string_equal(xl_message(), "no-such-file: No such file or directory");
    domain_config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_file_is_understood),
        cmocka_unit_test(little_is_enough),
        cmocka_unit_test(each_mistake_has_its_line),
        cmocka_unit_test(command_line_has_a_limit),
        cmocka_unit_test(disks_are_understood),
        cmocka_unit_test(missing_file_is_named),
    };
    char folder[] = P_tmpdir "/config-test-XXXXXX";
    int fd, rc;

    if (!mkdtemp(folder) || chdir(folder))
        return 1;
    fd = mkstemp(file);
    if (fd < 0)
        return 1;
    close(fd);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file);
    rmdir(folder);
    return rc;
}
