/* SPDX-License-Identifier: MIT */
/* The store's tree and its transactions (tree.c, transaction.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/xenstored-lite/transaction.h"

static int put(struct tree *tree, uint16_t domid, const char *path, const char *value)
{
    return tree_write(tree, domid, path, value, strlen(value));
}

static void check_value(const struct tree *tree, const char *path, const char *value)
{
    const struct node *node = tree_find(tree, path);

    if (!value) {
        assert_null(node);
        return;
    }
    assert_non_null(node);
    assert_string_equal(node->value, value);
    assert_int_equal(node->size, strlen(value));
}

/* A tree with a folder that guest 1 may write in. */
static struct tree with_guest(void)
{
    static const struct permission own = { 1, 0 };
    struct tree tree;

    assert_int_equal(tree_init(&tree), 0);
    assert_int_equal(tree_mkdir(&tree, 0, "/local/domain/1"), 0);
    assert_int_equal(tree_set_permissions(&tree, 0, "/local/domain/1", &own, 1), 0);
    return tree;
}

static void what_is_written_is_found(void **state)
{
    struct tree tree;

    (void)state;
    assert_int_equal(tree_init(&tree), 0);
    assert_int_equal(put(&tree, 0, "/b/two", "2"), 0);
    assert_int_equal(put(&tree, 0, "/b/one", "1"), 0);
    assert_int_equal(put(&tree, 0, "/b/on", "0"), 0);
    assert_int_equal(put(&tree, 0, "/b/one", "one"), 0);
    check_value(&tree, "/b", "");
    check_value(&tree, "/b/on", "0");
    check_value(&tree, "/b/one", "one");
    check_value(&tree, "/b/two", "2");
    check_value(&tree, "/b/o", NULL);
    check_value(&tree, "/b/one/x", NULL);
    assert_int_equal(tree_find(&tree, "/b")->nr_children, 3);
    assert_string_equal(tree_find(&tree, "/b")->children[0]->name, "on");
    assert_string_equal(tree_find(&tree, "/b")->children[2]->name, "two");
    assert_ptr_equal(tree_find(&tree, "/"), tree.root);
    tree_free(&tree);
}

static void what_is_removed_is_gone_with_all_below(void **state)
{
    struct tree tree;

    (void)state;
    assert_int_equal(tree_init(&tree), 0);
    assert_int_equal(put(&tree, 0, "/a/b/c", "x"), 0);
    assert_int_equal(tree_remove(&tree, 0, "/a/b"), 0);
    check_value(&tree, "/a/b/c", NULL);
    check_value(&tree, "/a", "");
    assert_int_equal(tree_remove(&tree, 0, "/a/b"), 0);        /* its parent is there */
    assert_int_equal(tree_remove(&tree, 0, "/a/b/c"), -ENOENT);
    assert_int_equal(tree_remove(&tree, 0, "/"), -EINVAL);
    tree_free(&tree);
}

static void paths_have_a_form(void **state)
{
    static const char *const good[] = { "/", "/a", "/a/b-C_9@", "/local/domain/0/x" };
    static const char *const bad[] = { "", "a", "//", "/a/", "/a//b", "/a b", "/a\n", "/\x80" };
    char *long_path = malloc(4000);

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(tree_path_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(tree_path_valid(bad[i]));
    memset(long_path, 'a', 4000);
    long_path[0] = '/';
    long_path[3072] = '\0';
    assert_true(tree_path_valid(long_path));
    long_path[3072] = 'a';
    long_path[3073] = '\0';
    assert_false(tree_path_valid(long_path));
    free(long_path);
}

static void guests_write_only_what_is_theirs(void **state)
{
    static const struct permission readable[] = { { 0, 0 }, { 1, RIGHT_READ } };
    static const struct permission given[] = { { 2, 0 } };
    struct tree tree = with_guest();

    (void)state;
    assert_int_equal(put(&tree, 1, "/local/domain/1/data/x", "1"), 0);
    assert_int_equal(put(&tree, 1, "/local/domain/2", "1"), -EACCES);
    assert_int_equal(put(&tree, 1, "/x", "1"), -EACCES);
    assert_int_equal(put(&tree, 2, "/local/domain/1/data/x", "1"), -EACCES);
    assert_int_equal(tree_remove(&tree, 2, "/local/domain/1/data"), -EACCES);
    assert_int_equal(tree_rights(&tree, "/local/domain/1/data/x", 1), RIGHT_READ | RIGHT_WRITE);
    assert_int_equal(tree_rights(&tree, "/local/domain/1/data/x", 2), 0);

    assert_int_equal(put(&tree, 0, "/for1", "secret"), 0);
    assert_int_equal(tree_rights(&tree, "/for1", 1), 0);
    assert_int_equal(tree_set_permissions(&tree, 0, "/for1", readable, 2), 0);
    assert_int_equal(tree_rights(&tree, "/for1", 1), RIGHT_READ);
    assert_int_equal(tree_rights(&tree, "/for1/not/there", 1), RIGHT_READ);
    assert_int_equal(put(&tree, 1, "/for1", "x"), -EACCES);

    /* Nor may it give what is not its own, or give away what is. */
    assert_int_equal(tree_set_permissions(&tree, 1, "/for1", given, 1), -EACCES);
    assert_int_equal(tree_set_permissions(&tree, 1, "/local/domain/1/data", given, 1), -EACCES);
    assert_int_equal(tree_set_permissions(&tree, 1, "/local/domain/1/no", given, 1), -ENOENT);
    tree_free(&tree);
}

static void guests_have_limits(void **state)
{
    struct tree tree = with_guest();
    char path[64], *large = malloc(TREE_GUEST_VALUE + 1);
    int rc = 0;

    (void)state;
    memset(large, 'x', TREE_GUEST_VALUE + 1);
    assert_int_equal(tree_write(&tree, 1, "/local/domain/1/v", large, TREE_GUEST_VALUE), 0);
    assert_int_equal(tree_write(&tree, 1, "/local/domain/1/v", large, TREE_GUEST_VALUE + 1),
                     -ENOSPC);
    assert_int_equal(tree_write(&tree, 0, "/v", large, TREE_GUEST_VALUE + 1), 0);
    free(large);
    assert_int_equal(tree_owned(&tree, 1), 2);
    for (int i = 0; !rc; i++) {
        snprintf(path, sizeof(path), "/local/domain/1/n%d", i);
        rc = tree_mkdir(&tree, 1, path);
    }
    assert_int_equal(rc, -ENOSPC);
    assert_int_equal(tree_owned(&tree, 1), TREE_GUEST_NODES);
    assert_int_equal(tree_remove(&tree, 1, "/local/domain/1/n0"), 0);
    /* Two are missing, and there is room for one. */
    assert_int_equal(tree_mkdir(&tree, 1, "/local/domain/1/a/b"), -ENOSPC);
    assert_int_equal(tree_owned(&tree, 1), TREE_GUEST_NODES - 1);
    assert_int_equal(tree_remove(&tree, 0, "/local/domain/1"), 0);
    assert_int_equal(tree_owned(&tree, 1), 0);
    tree_free(&tree);
}

/* Long names and values are counted, whoever writes them, and given back. */
static void guests_own_so_many_bytes(void **state)
{
    static const struct permission shared[] = { { 1, 0 }, { 2, RIGHT_READ | RIGHT_WRITE } };
    struct tree tree = with_guest();
    char path[64], *large = calloc(1, TREE_GUEST_VALUE + 1);
    unsigned int i = 0;
    int rc = 0;

    (void)state;
    memset(large, 'x', TREE_GUEST_VALUE);
    for (; !rc; i++) {
        snprintf(path, sizeof(path), "/local/domain/1/n%u", i);
        rc = put(&tree, 1, path, large);
    }
    assert_int_equal(rc, -ENOSPC);
    assert_in_range(tree_owned_bytes(&tree, 1), TREE_GUEST_BYTES - 2 * TREE_GUEST_VALUE,
                    TREE_GUEST_BYTES);
    assert_int_equal(tree_set_permissions(&tree, 1, "/local/domain/1/n0", shared, 2), 0);
    assert_int_equal(put(&tree, 1, "/local/domain/1/n0", ""), 0);
    assert_int_equal(put(&tree, 1, "/local/domain/1/n1", large), 0);
    assert_int_equal(put(&tree, 1, "/local/domain/1/more", large), 0);
    assert_int_equal(put(&tree, 2, "/local/domain/1/n0", large), -ENOSPC);
    assert_int_equal(put(&tree, 0, "/local/domain/1/n0", large), 0);
    assert_int_equal(put(&tree, 1, "/local/domain/1/last", large), -ENOSPC);
    assert_int_equal(tree_remove(&tree, 0, "/local/domain/1"), 0);
    assert_int_equal(tree_owned_bytes(&tree, 1), 0);
    free(large);
    tree_free(&tree);
}

/* Neither nodes nor rights are for the next domain with its number. */
static void dead_domains_are_forgotten(void **state)
{
    static const struct permission own[] = { { 1, 0 }, { 2, RIGHT_READ }, { 3, RIGHT_READ } };
    static const struct permission two[] = { { 2, 0 } };
    struct tree tree = with_guest(), old;

    (void)state;
    assert_int_equal(put(&tree, 1, "/local/domain/1/shared", "1"), 0);
    assert_int_equal(tree_set_permissions(&tree, 1, "/local/domain/1/shared", own, 3), 0);
    assert_int_equal(put(&tree, 0, "/a/b/c/d", "2"), 0);
    assert_int_equal(tree_set_permissions(&tree, 0, "/a/b/c", two, 1), 0);
    assert_int_equal(tree_snapshot(&old, &tree), 0);
    assert_int_equal(tree_forget(&tree, 2), 0);
    assert_int_equal(tree_rights(&tree, "/local/domain/1/shared", 2), 0);
    assert_int_equal(tree_rights(&tree, "/local/domain/1/shared", 3), RIGHT_READ);
    assert_int_equal(tree_owned(&tree, 1), 2);
    check_value(&tree, "/local/domain/1/shared", "1");
    check_value(&tree, "/a/b/c", NULL);
    check_value(&tree, "/a/b", "");
    assert_int_equal(tree_owned(&tree, 2), 0);
    assert_int_equal(tree_forget(&tree, 1), 0);
    assert_int_equal(tree_owned(&tree, 1), 0);
    check_value(&tree, "/local/domain", "");
    check_value(&old, "/a/b/c/d", "2");
    tree_free(&tree);
    tree_free(&old);
}

static void snapshots_do_not_see_later_changes(void **state)
{
    struct tree tree = with_guest(), old;

    (void)state;
    assert_int_equal(put(&tree, 1, "/local/domain/1/a/b", "1"), 0);
    assert_int_equal(put(&tree, 1, "/local/domain/1/c", "1"), 0);
    assert_int_equal(tree_snapshot(&old, &tree), 0);
    assert_int_equal(put(&tree, 1, "/local/domain/1/a/b", "2"), 0);
    assert_int_equal(tree_remove(&tree, 0, "/local/domain/1/c"), 0);
    assert_int_equal(put(&old, 1, "/local/domain/1/d", "3"), 0);
    check_value(&old, "/local/domain/1/a/b", "1");
    check_value(&old, "/local/domain/1/c", "1");
    check_value(&tree, "/local/domain/1/a/b", "2");
    check_value(&tree, "/local/domain/1/d", NULL);
    assert_int_equal(tree_owned(&old, 1), 5);
    assert_int_equal(tree_owned(&tree, 1), 3);
    tree_free(&tree);
    check_value(&old, "/local/domain/1/a/b", "1");
    tree_free(&old);
}

/* Steps of a transaction, as requests make them. */
static void step(struct transaction *t, enum step_type type, const char *path, const char *value)
{
    struct step s = { .type = type, .path = (char *)path, .data = (char *)value,
                      .size = value ? strlen(value) : 0 };

    assert_int_equal(step_apply(&t->view, 0, &s), 0);
    assert_int_equal(transaction_note(t, &s), 0);
}

static void commits_join_when_nothing_they_saw_changed(void **state)
{
    struct tree tree;
    struct transaction *t;

    (void)state;
    assert_int_equal(tree_init(&tree), 0);
    assert_int_equal(put(&tree, 0, "/a", "1"), 0);
    t = transaction_start(&tree, 1);
    step(t, STEP_LOOK, "/a", NULL);
    step(t, STEP_WRITE, "/new/x", "x");
    check_value(&t->view, "/new/x", "x");
    check_value(&tree, "/new/x", NULL);
    assert_int_equal(put(&tree, 0, "/other", "2"), 0);
    assert_int_equal(transaction_commit(t, &tree, 0), 0);
    transaction_free(t);
    check_value(&tree, "/new/x", "x");
    check_value(&tree, "/other", "2");
    tree_free(&tree);
}

static void commits_fail_when_something_they_saw_changed(void **state)
{
    static const struct {
        enum step_type type;
        const char *path;
        const char *value;
        enum step_type other_type;
        const char *other_path;
        int result;
    } rows[] = {
        { STEP_LOOK, "/a", NULL, STEP_WRITE, "/a", -EAGAIN },      /* read, and written */
        { STEP_LOOK, "/a", NULL, STEP_WRITE, "/a/child", -EAGAIN }, /* its children changed */
        { STEP_LOOK, "/a", NULL, STEP_REMOVE, "/a", -EAGAIN },
        { STEP_LOOK, "/none", NULL, STEP_MKDIR, "/none", -EAGAIN }, /* seen missing, and made */
        { STEP_LOOK, "/none", NULL, STEP_MKDIR, "/more", 0 },
        { STEP_WRITE, "/a", "mine", STEP_WRITE, "/a", -EAGAIN },
        { STEP_WRITE, "/b", "mine", STEP_WRITE, "/b", -EAGAIN },    /* both made it */
        { STEP_WRITE, "/a", "mine", STEP_WRITE, "/c", 0 },
        { STEP_REMOVE, "/a", NULL, STEP_WRITE, "/a", -EAGAIN },
    };
    struct step other = { .data = (char *)"other", .size = 5 };
    struct transaction *t;
    struct tree tree;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(tree_init(&tree), 0);
        assert_int_equal(put(&tree, 0, "/a", "1"), 0);
        t = transaction_start(&tree, 1);
        step(t, rows[i].type, rows[i].path, rows[i].value);
        step(t, STEP_WRITE, "/result", "done");
        other.type = rows[i].other_type;
        other.path = (char *)rows[i].other_path;
        assert_int_equal(step_apply(&tree, 0, &other), 0);
        assert_int_equal(transaction_commit(t, &tree, 0), rows[i].result);
        transaction_free(t);
        check_value(&tree, "/result", rows[i].result ? NULL : "done");
        tree_free(&tree);
    }
}

static void commits_are_all_or_nothing(void **state)
{
    struct tree tree = with_guest();
    struct step s = { .type = STEP_WRITE, .path = (char *)"/local/domain/1/x", .data = (char *)"1",
                      .size = 1 };
    struct step full = { .type = STEP_MKDIR, .path = (char *)"/local/domain/1/y" };
    struct transaction *t = transaction_start(&tree, 1);
    char path[64];

    (void)state;
    assert_int_equal(step_apply(&t->view, 1, &s), 0);
    assert_int_equal(transaction_note(t, &s), 0);
    assert_int_equal(step_apply(&t->view, 1, &full), 0);
    assert_int_equal(transaction_note(t, &full), 0);
    /* Meanwhile the guest fills all its room but for one node. */
    for (int i = 0; i < TREE_GUEST_NODES - 2; i++) {
        snprintf(path, sizeof(path), "/local/domain/1/n%d", i);
        assert_int_equal(tree_mkdir(&tree, 1, path), 0);
    }
    assert_int_equal(transaction_commit(t, &tree, 1), -ENOSPC);
    transaction_free(t);
    check_value(&tree, "/local/domain/1/x", NULL);
    assert_int_equal(tree_owned(&tree, 1), TREE_GUEST_NODES - 1);
    tree_free(&tree);
}

static void transactions_do_not_grow_without_end(void **state)
{
    struct step s = { .type = STEP_LOOK, .path = (char *)"/" };
    struct transaction *t;
    struct tree tree;

    (void)state;
    assert_int_equal(tree_init(&tree), 0);
    t = transaction_start(&tree, 1);
    for (int i = 0; i < TRANSACTION_MAX_STEPS; i++)
        assert_int_equal(transaction_note(t, &s), 0);
    assert_int_equal(transaction_note(t, &s), -ENOSPC);
    transaction_free(t);
    tree_free(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_found),
        cmocka_unit_test(what_is_removed_is_gone_with_all_below),
        cmocka_unit_test(paths_have_a_form),
        cmocka_unit_test(guests_write_only_what_is_theirs),
        cmocka_unit_test(guests_have_limits),
        cmocka_unit_test(guests_own_so_many_bytes),
        cmocka_unit_test(dead_domains_are_forgotten),
        cmocka_unit_test(snapshots_do_not_see_later_changes),
        cmocka_unit_test(commits_join_when_nothing_they_saw_changed),
        cmocka_unit_test(commits_fail_when_something_they_saw_changed),
        cmocka_unit_test(commits_are_all_or_nothing),
        cmocka_unit_test(transactions_do_not_grow_without_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
