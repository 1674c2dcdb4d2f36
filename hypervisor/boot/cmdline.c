/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's command line: words separated by blanks, `name` or `name=value`. A word that is
 * unknown or makes no sense is reported and otherwise ignored. What follows a word `--` is for the
 * embedded kernel (bootinfo.c has cut it off).
 */
#include "boot/boot.h"
#include "config.h"
#include "lib/numbers.h"
#include "lib/printk.h"
#include "lib/serial.h"
#include "lib/string.h"

struct boot_options boot_options;

/* "512M": bytes without a suffix are KiB, as ever with this option. */
static bool set_dom0_mem(const char *value)
{
    static const char suffixes[] = "BKMGT";
    const char *suffix;
    unsigned int shift = 10;
    u64 n;

    if (!parse_u64(&value, &n))
        return false;
    if (*value) {
        suffix = strchr(suffixes, *value & ~0x20);
        if (!suffix || !*suffix || value[1])
            return false;
        shift = 10 * (unsigned int)(suffix - suffixes);
    }
    if (!n || n > UINT64_MAX >> shift)
        return false;
    boot_options.dom0_mem = n << shift;
    return true;
}

/* 0 and nonsense are refused, too many are cut. */
static bool set_dom0_max_vcpus(const char *value)
{
    u64 n;

    if (!parse_u64(&value, &n) || *value || !n)
        return false;
    if (n > MAX_VCPUS) {
        pr_warn("dom0_max_vcpus: %d is the most\n", MAX_VCPUS);
        n = MAX_VCPUS;
    }
    boot_options.dom0_max_vcpus = (unsigned int)n;
    return true;
}

/* From here on the console is where the option says; what came before went to the default. */
static bool set_com1(const char *value)
{
    struct serial_options options = SERIAL_DEFAULT;

    if (!serial_parse(value, &options))
        return false;
    serial_init(&options);
    return true;
}

static bool set_loglvl(const char *value)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        { "error", LOG_ERROR }, { "warning", LOG_WARNING }, { "info", LOG_INFO },
        { "debug", LOG_DEBUG }, { "all", LOG_DEBUG },
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++) {
        if (!strcmp(value, levels[i].name)) {
            log_threshold = levels[i].level;
            return true;
        }
    }
    return false;
}

static bool set_noreboot(const char *value)
{
    boot_options.noreboot = true;
    return !*value;
}

static bool set_guest_console(const char *value)
{
    boot_options.guest_console = true;
    return !*value;
}

/* One word of the list: "dom0", "no-domu", "domu=yes", or a truth value for all domains. */
static bool set_l1tf_of(const char *word, size_t len)
{
    static const struct {
        const char *text;
        bool dom0, domu, on;
    } words[] = {
        { "1", true, true, true }, { "0", true, true, false },
        { "yes", true, true, true }, { "no", true, true, false },
        { "on", true, true, true }, { "off", true, true, false },
        { "true", true, true, true }, { "false", true, true, false },
        { "dom0", true, false, true }, { "no-dom0", true, false, false },
        { "dom0=1", true, false, true }, { "dom0=0", true, false, false },
        { "dom0=yes", true, false, true }, { "dom0=no", true, false, false },
        { "domu", false, true, true }, { "no-domu", false, true, false },
        { "domu=1", false, true, true }, { "domu=0", false, true, false },
        { "domu=yes", false, true, true }, { "domu=no", false, true, false },
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
        if (strlen(words[i].text) != len || strncmp(word, words[i].text, len))
            continue;
        if (words[i].dom0)
            boot_options.l1tf_dom0 = words[i].on ? L1TF_ON : L1TF_OFF;
        if (words[i].domu)
            boot_options.l1tf_domu = words[i].on ? L1TF_ON : L1TF_OFF;
        return true;
    }
    return false;
}

/* Words separated by commas; of several for the same domains the last counts. */
static bool set_l1tf(const char *value)
{
    for (;;) {
        const char *end = strchr(value, ',');

        if (!set_l1tf_of(value, end ? (size_t)(end - value) : strlen(value)))
            return false;
        if (!end)
            return true;
        value = end + 1;
    }
}

static const struct {
    const char *name;           /* with '=' if a value belongs to it */
    bool (*set)(const char *value);
} options[] = {
    { "dom0_mem=", set_dom0_mem },
    { "dom0_max_vcpus=", set_dom0_max_vcpus },
    { "com1=", set_com1 },
    { "loglvl=", set_loglvl },
    { "noreboot", set_noreboot },
    { "guest-console", set_guest_console },
    { "pv-l1tf=", set_l1tf },
};

/* A name with '=' is a beginning, one without is the whole word. */
static void apply(const char *word)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(options); i++) {
        size_t len = strlen(options[i].name);

        if (strncmp(word, options[i].name, len))
            continue;
        if (options[i].name[len - 1] != '=' && word[len])
            continue;
        if (!options[i].set(word + len))
            pr_warn("option '%s' makes no sense, and is ignored\n", word);
        return;
    }
    pr_warn("option '%s' is unknown, and ignored\n", word);
}

/* What is longer than `word` is cut: no option is so long. */
void cmdline_parse(void)
{
    char word[128];
    const char *p = bootinfo.cmdline;

    for (;;) {
        size_t len = 0;

        while (*p == ' ' || *p == '\t')
            p++;
        if (!*p)
            return;
        for (; *p && *p != ' ' && *p != '\t'; p++) {
            if (len < sizeof(word) - 1)
                word[len++] = *p;
        }
        word[len] = '\0';
        apply(word);
    }
}
