/* SPDX-License-Identifier: MIT */
/*
 * Two CPUs at grants: each operation of a list with each other one in the middle of it, at every
 * atomic operation of the first. Domain 0 maps, unmaps and copies what domain 1 grants, which
 * takes back, changes and overwrites its entry meanwhile. Afterwards each pin must be one
 * handle's, and when all is unmapped, nothing may hold the frames.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "grant/internal.h"
#include "machine.h"
#include "mm/type_word.h"

#define REF         8u
#define MAX_MAPPED  8u

/* Domain 1 grants D and E, domain 0 has OWN and a tree of tables. */
enum { D, E, OWN, A4, A3, A2, A1, FRAMES_USED };
static u64 frame[FRAMES_USED];
static u64 holders[FRAMES_USED];        /* of each, before anything is granted */

/* How a machine begins: with mappings, the first of them for both kinds, always with a softirq. */
enum { WRITER = 1, READER = 2, HOSTED = 4, IMPATIENT = 8, SETUPS = 16 };
static unsigned int setup, first, second;

#define HOST_HALF   1u
#define DEVICE_HALF 2u

static grant_handle_t mapped[MAX_MAPPED];
static unsigned int nr_mapped;
static bool forced;                     /* the granter has broken the rules */

static struct domain *granter(void)
{
    return &domains[1];
}

static grant_entry_v1_t *entry(void)
{
    return &granter()->grants.frames[0][REF];
}

static struct active_grant *active(void)
{
    return &granter()->grants.active[0][REF];
}

/* The address of the table's entry that a mapping for the processor takes. */
static u64 host_entry(void)
{
    return (frame[A1] << PAGE_SHIFT) + 5 * sizeof(u64);
}

/* ---- The operations ---- */

static void map(u32 flags)
{
    gnttab_map_grant_ref_t op = {
        .flags = GNTMAP_device_map | flags, .ref = REF, .dom = granter()->id, .status = 99,
        .host_addr = host_entry(),
    };
    long rc;

    do {
        rc = grant_op_map((XEN_GUEST_HANDLE(void)){ &op }, 1);
        leave_to_guest();
    } while (rc == -ERESTART);
    require(rc == 0 && op.status <= 0, "map: %ld, status %d", rc, op.status);
    if (op.status == GNTST_okay)
        mapped[nr_mapped++] = op.handle;
}

static void map_rw(void)
{
    map(0);
}

static void map_ro(void)
{
    map(GNTMAP_readonly);
}

static mfn_t frame_of_handle(void)
{
    return MFN(active()->frame);
}

/* Unmaps by handles, each of which may be gone or going; returns how many calls succeeded. */
static unsigned int unmap(const grant_handle_t *handles, unsigned int n, unsigned int halves)
{
    gnttab_unmap_grant_ref_t ops[MAX_MAPPED];
    XEN_GUEST_HANDLE(void) arg = { ops };
    unsigned int done = 0, left = n;
    long rc;

    for (unsigned int i = 0; i < n; i++)
        ops[i] = (gnttab_unmap_grant_ref_t){
            .handle = handles[i], .status = 99,
            .host_addr = halves & HOST_HALF ? host_entry() : 0,
            .dev_bus_addr = halves & DEVICE_HALF ? mfn_to_maddr(frame_of_handle()).v : 0,
        };
    do {
        rc = grant_op_unmap(arg, left);
        leave_to_guest();
        if (rc == -ERESTART) {
            arg.p = (void *)restart_args[1];
            left = (unsigned int)restart_args[2];
        }
    } while (rc == -ERESTART);
    require(rc == 0, "unmap: %ld", rc);
    for (unsigned int i = 0; i < n; i++) {
        require(ops[i].status == GNTST_okay || ops[i].status == GNTST_bad_handle ||
                ops[i].status == GNTST_eagain, "unmap: status %d", ops[i].status);
        done += ops[i].status == GNTST_okay;
    }
    return done;
}

static void unmap_first(void)
{
    if (nr_mapped > 0)
        unmap(mapped, 1, HOST_HALF | DEVICE_HALF);
}

static void unmap_host(void)
{
    if (nr_mapped > 0)
        unmap(mapped, 1, HOST_HALF);
}

static void unmap_device(void)
{
    if (nr_mapped > 0)
        unmap(mapped, 1, DEVICE_HALF);
}

static void unmap_first_twice(void)
{
    grant_handle_t twice[2] = { mapped[0], mapped[0] };

    if (nr_mapped > 0)
        require(unmap(twice, 2, HOST_HALF | DEVICE_HALF) <= 1, "one handle, unmapped twice");
}

static void unmap_both(void)
{
    if (nr_mapped > 1)
        unmap(mapped, 2, HOST_HALF | DEVICE_HALF);
}

static void copy(bool to_grant)
{
    struct gnttab_copy_ptr theirs = { .u.ref = REF, .domid = granter()->id };
    struct gnttab_copy_ptr ours = { .u.gmfn = frame[OWN], .domid = DOMID_SELF };
    gnttab_copy_t op = {
        .source = to_grant ? ours : theirs, .dest = to_grant ? theirs : ours, .len = 64,
        .flags = to_grant ? GNTCOPY_dest_gref : GNTCOPY_source_gref,
    };
    long rc;

    do {
        rc = grant_op_copy((XEN_GUEST_HANDLE(void)){ &op }, 1);
        leave_to_guest();
    } while (rc == -ERESTART);
    require(rc == 0 && op.status <= 0, "copy: %ld, status %d", rc, op.status);
}

static void copy_from(void)
{
    copy(false);
}

static void copy_to(void)
{
    copy(true);
}

/* As the ABI wants it: only while there are no marks. Then nobody may have the frame. */
static bool take_back(void)
{
    u16 flags = GTF_permit_access;

    if (!cas(&entry()->flags, &flags, (u16)0))
        return false;
    require(forced || active()->pins == 0, "a grant was taken back, and %u pins are left",
            active()->pins);
    return true;
}

static void granter_ends(void)
{
    take_back();
}

static void granter_moves(void)
{
    if (!take_back())
        return;
    entry()->frame = (u32)frame[E];
    store_release(&entry()->flags, (u16)GTF_permit_access);
}

/* Against the rules: whatever its entry says, what is mapped stays the frame that it was. */
static void granter_forces(void)
{
    forced = true;
    entry()->frame = (u32)frame[E];
    store_release(&entry()->flags, (u16)GTF_permit_access);
}

static const struct {
    const char *name;
    void (*fn)(void);
} ops[] = {
    { "map", map_rw }, { "map read-only", map_ro }, { "unmap", unmap_first },
    { "unmap for the processor", unmap_host }, { "unmap for devices", unmap_device },
    { "unmap twice", unmap_first_twice }, { "unmap both", unmap_both },
    { "copy from", copy_from }, { "copy to", copy_to }, { "take back", granter_ends },
    { "grant another frame", granter_moves }, { "overwrite the entry", granter_forces },
};

/* ---- One run ---- */

/* References, and uses or none; when an idle frame was last used does not matter. */
static u64 held(unsigned int name)
{
    const struct page *p = mfn_to_page(MFN(frame[name]));
    u64 type = p->type & TYPE_LIVE ? p->type : p->type & ~TYPE_PAYLOAD;

    return (u64)p->count << 32 ^ type;
}

static void begin_tree(void)
{
    for (unsigned int i = A4; i < A1; i++)
        *(u64 *)mfn_to_virt(MFN(frame[i])) =
            frame[i + 1] << PAGE_SHIFT | PTE_P | PTE_USER | PTE_RW;
    for (unsigned int i = 0; i < CPUS; i++) {
        require(get_page_and_type(MFN(frame[A4]), domains[0].id, USE_L4) == 0, "no tree");
        domains[0].vcpus[i]->kernel_root = MFN(frame[A4]);
    }
}

static void begin(void)
{
    struct grant_table *t = &granter()->grants;
    struct maptrack *track = &domains[0].grants.track;

    nr_mapped = 0;
    forced = false;
    spin_lock_init(&t->lock, LOCK_GRANT);
    spin_lock_init(&track->lock, LOCK_GRANT);
    track->first_free = MAX_HANDLES;
    track->limit = HANDLES_PER_PAGE;
    t->frames[0] = alloc_hv_pages(0);
    t->active[0] = alloc_hv_pages(ACTIVE_ORDER);
    require(t->frames[0] != NULL && t->active[0] != NULL, "no memory");
    t->nr_frames = t->max_frames = 1;
    for (unsigned int i = 0; i < FRAMES_USED; i++) {
        mfn_t m;

        require(alloc_domain_frames(i >= OWN ? &domains[0] : granter(), 0, 0, &m) == 0,
                "no memory");
        frame[i] = m.v;
    }
    /* Frames that have been data once keep that type without uses. */
    for (unsigned int i = 0; i <= OWN; i++) {
        u16 owner = i == OWN ? domains[0].id : granter()->id;

        require(get_page_and_type(MFN(frame[i]), owner, USE_WRITABLE) == 0, "no data");
        put_page_and_type(mfn_to_page(MFN(frame[i])));
        holders[i] = held(i);
    }
    entry()->frame = (u32)frame[D];
    entry()->domid = domains[0].id;
    entry()->flags = GTF_permit_access;
    begin_tree();
}

static void begin_mapped(void)
{
    if (setup & WRITER)
        map(setup & HOSTED ? GNTMAP_host_map | GNTMAP_contains_pte : 0);
    if (setup & READER)
        map_ro();
    require(nr_mapped == (setup & WRITER ? 1u : 0) + (setup & READER ? 1u : 0), "no mappings");
}

static void step(unsigned int cpu)
{
    ops[cpu == 0 ? first : second].fn();
}

/* Each pin is one handle's, and the marks say what there is. */
static void check_pins(void)
{
    const struct maptrack *t = &domains[0].grants.track;
    u32 pins = 0, writers = 0;
    u16 marks;

    for (u32 handle = 0; handle < t->made; handle++) {
        u64 word = *maptrack_slot(&domains[0], handle);

        require(!(word & TRACK_BUSY), "handle %u is busy for ever", handle);
        pins += (word & TRACK_USED) != 0;
        writers += (word & TRACK_USED) && !(word & TRACK_READONLY);
    }
    require(active()->pins == pins && active()->writers == writers,
            "%u pins of %u handles, %u of writers of %u", active()->pins, pins, active()->writers,
            writers);
    marks = (u16)((pins ? GTF_reading : 0) | (writers ? GTF_writing : 0));
    require(forced || (entry()->flags & (GTF_reading | GTF_writing)) == marks, "marks %x for %x",
            entry()->flags, marks);
}

static void finish(void)
{
    check_pins();
    while (nr_mapped > 0)
        unmap(&mapped[--nr_mapped], 1, HOST_HALF | DEVICE_HALF);
    check_pins();
    require(active()->pins == 0, "a handle that nobody was told");
    require(!(entry()->flags & (GTF_reading | GTF_writing)), "marks %x", entry()->flags);
    for (unsigned int i = 0; i <= OWN; i++)
        require(held(i) == holders[i], "frame %u is held: %lx, %lx", i, held(i), holders[i]);
}

/* The pair with the second at the @at-th atomic operation of the first: false if there is none. */
static bool run_pair(unsigned int at)
{
    struct machine_options options = { .cpus = CPUS, .softirq_odds = setup & IMPATIENT ? 1 : 0 };
    const char *wrong;
    bool reached = false;

    machine_reset(1, &(struct machine_options){ .cpus = CPUS });
    wrong = machine_guard(begin);
    if (wrong == NULL)
        wrong = machine_guard(begin_mapped);
    machine_set_odds(&options);
    if (wrong == NULL)
        reached = machine_run_pair(at, step, &wrong);
    machine_set_odds(&(struct machine_options){ .cpus = CPUS });
    if (wrong == NULL)
        wrong = machine_guard(finish);
    if (wrong != NULL)
        fail_msg("setup %u: '%s' with '%s' at its atomic operation %u: %s", setup,
                 ops[first].name, ops[second].name, at, wrong);
    return reached;
}

static void xsa_218_228_236_every_pair_at_every_point(void **state)
{
    unsigned long runs = 0;

    (void)state;
    for (setup = 0; setup < SETUPS; setup++) {
        for (first = 0; first < ARRAY_SIZE(ops); first++) {
            for (second = 0; second < ARRAY_SIZE(ops); second++) {
                unsigned int at = 1;

                while (run_pair(at))
                    at++;
                runs += at;
            }
        }
    }
    printf("# %lu runs\n", runs);
    assert_true(runs > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xsa_218_228_236_every_pair_at_every_point),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
