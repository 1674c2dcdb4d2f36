/* SPDX-License-Identifier: MIT */
/*
 * Debug keys: single letters by which a privileged domain makes the hypervisor look at itself and
 * print what it finds. A letter that means nothing does nothing.
 */
#include "control/audit.h"
#include "control/control.h"
#include "hypercall/guest_access.h"

static void help(void);

static const struct key {
    char key;
    void (*fn)(void);
    const char *text;
} keys[] = {
    { 'f', audit, "count all frames' holders again, and compare" },
    { 'h', help, "this list" },
};

static void help(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
        pr_info("key %c: %s", keys[i].key, keys[i].text);
}

static void press(char key)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].key == key)
            keys[i].fn();
}

#define MAX_KEYS 64             /* at a time: each may take a while */

int debug_keys(struct xen_sysctl *op)
{
    const struct xen_sysctl_debug_keys *arg = &op->u.debug_keys;

    if (arg->nr_keys > MAX_KEYS)
        return -E2BIG;
    for (u32 i = 0; i < arg->nr_keys; i++) {
        char key;

        if (!copy_from_guest_raw(&key, (unsigned long)arg->keys.p + i, sizeof(key)))
            return -EFAULT;
        press(key);
    }
    return 0;
}
