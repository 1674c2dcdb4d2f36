/* SPDX-License-Identifier: MIT */
/*
 * The fuzz guest's options, episodes and report (docs/fuzzing.md).
 *
 *   seed=N          of all that is random; without it one is taken from the clock, and printed
 *   calls=N         how many at least, in whole episodes
 *   seconds=N       ends the run before that: so late, but not until each operation that can has
 *                   succeeded
 *   from=N          the first episode
 *   log=on          prints each call
 *   results=on      prints each episode's results, in short
 *   compare=on      leaves out what is known to differ between hypervisors
 *   only=N,N...     these episodes only, each for itself
 *   vcpus=N         so many run calls at a time; then results can't be foreseen
 */
#include "fuzz.h"

#define EPISODE    256          /* calls */
#define MAX_OPS    256
#define MAX_ERRORS 24

static const struct op_table *const tables[] = {
    &mmu_table, &memory_table, &event_table, &grant_table, &cpu_table, &sched_table,
    &control_table, &raw_table, &user_table,
};

static const struct op *ops[MAX_OPS];
static unsigned int nr_ops, total_weight, weight_alone;

static struct count {
    uint64_t good;
    struct {
        long rc;
        uint64_t times;
    } bad[MAX_ERRORS];
} counts[MAX_OPS];

static struct {
    uint64_t seed, calls, seconds, from;
    unsigned int vcpus;
} options;

bool fuzz_log, fuzz_compare;

static bool show_results;
static struct {
    unsigned int nr;            /* of the operation */
    long rc;
} results[EPISODE];             /* of the episode that vCPU 0 runs alone */

static uint64_t deadline;
static volatile uint64_t calls_done;
static volatile bool stop;
static volatile unsigned int helpers_done;
static bool on_pavane;

/* ---- Options ---- */

static uint64_t number(const char *name, uint64_t otherwise)
{
    char text[32];
    uint64_t value = 0;

    if (!pv_option(name, text, sizeof(text)))
        return otherwise;
    for (const char *c = text; *c >= '0' && *c <= '9'; c++)
        value = value * 10 + (uint64_t)(*c - '0');
    return value;
}

static void read_options(void)
{
    char text[8];

    options.seed = number("seed", pv_rdtsc() % 1000000007);
    options.calls = number("calls", 100000);
    options.seconds = number("seconds", 0);
    options.from = number("from", 0);
    options.vcpus = (unsigned int)number("vcpus", 1);
    fuzz_log = pv_option("log", text, sizeof(text));
    fuzz_compare = pv_option("compare", text, sizeof(text));
    show_results = pv_option("results", text, sizeof(text));
    deadline = options.seconds ? pv_system_time() + options.seconds * PV_NS_PER_SEC : ~0UL;
}

/* ---- Calls ---- */

static void note_result(unsigned int nr, long rc)
{
    struct count *c = &counts[nr];

    if (rc >= 0) {
        __atomic_fetch_add(&c->good, 1, __ATOMIC_RELAXED);
        return;
    }
    for (unsigned int i = 0; i < MAX_ERRORS; i++) {
        if (c->bad[i].rc == 0)
            c->bad[i].rc = rc;
        if (c->bad[i].rc == rc) {
            __atomic_fetch_add(&c->bad[i].times, 1, __ATOMIC_RELAXED);
            return;
        }
    }
}

static unsigned int choose(struct run *r)
{
    uint64_t left = below(r, r->alone ? total_weight : total_weight - weight_alone);

    for (unsigned int i = 0; i < nr_ops; i++) {
        if (ops[i]->alone && !r->alone)
            continue;
        if (left < ops[i]->weight)
            return i;
        left -= ops[i]->weight;
    }
    pv_panic("fuzz: the weights don't add up\n");
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    struct run r = { .random = a * 0x9e3779b97f4a7c15 ^ b };

    return draw(&r);
}

struct attempt {
    const struct op *op;
    struct run *r;
    long rc;
};

static void attempt(void *arg)
{
    struct attempt *a = arg;

    a->rc = a->op->call(a->r, a->op->cmd);
}

/*
 * Where others work on the same frames, a store of our own may find a page that was just made
 * read-only: that ends the call. User mode is no part of such a call, and stores nothing for us.
 */
static long call(const struct op *op, struct run *r)
{
    struct attempt a = { .op = op, .r = r };
    pv_fault_t fault;

    if (r->alone || !strncmp(op->name, "user.", 5))
        return op->call(r, op->cmd);
    fault = pv_try_call(attempt, &a);
    return fault ? fault_result(fault) : a.rc;
}

static void one_call(struct run *r, uint64_t episode, unsigned int index)
{
    unsigned int nr;
    long rc;

    r->random = mix(mix(options.seed, episode), index + r->vcpu * 0x1000000UL);
    memset(r->args, 0, sizeof(r->args));
    nr = choose(r);
    if (fuzz_log)
        pv_printf("C %lu.%u %s", episode, index, ops[nr]->name);
    /* Xen drops what a validation that failed has left behind at the next call of this kind. */
    pv_mmuext_va(MMUEXT_TLB_FLUSH_LOCAL, 0);
    rc = call(ops[nr], r);
    if (fuzz_log)
        pv_printf(" = %ld (%#lx %#lx %#lx %#lx)\n", rc, r->args[0], r->args[1], r->args[2],
                  r->args[3]);
    note_result(nr, rc);
    if (r->alone) {
        results[index].nr = nr;
        results[index].rc = rc < 0 ? rc : 0;
    }
}

static void one_episode(struct run *r, uint64_t episode)
{
    for (unsigned int i = 0; i < EPISODE && !stop; i++)
        one_call(r, episode, i);
    __atomic_fetch_add(&calls_done, EPISODE, __ATOMIC_RELAXED);
}

/* R episode.first operation[=result] ..., several lines: operations by number, failures' results */
static void print_results(uint64_t episode)
{
    for (unsigned int i = 0; i < EPISODE; i++) {
        if (i % 32 == 0)
            pv_printf("R %lu.%u", episode, i);
        pv_printf(results[i].rc ? " %u=%ld" : " %u", results[i].nr, results[i].rc);
        if (i % 32 == 31)
            pv_printf("\n");
    }
}

/* Whether the operation has never succeeded though it can, or has though it can't. */
static bool is_wrong(unsigned int nr)
{
    bool never = ops[nr]->never & (first_domain ? FIRST : GUEST);

    if (ops[nr]->alone && options.vcpus > 1)
        return false;
    return never != !counts[nr].good;
}

/* A slow host takes longer to come so far: what is judged at the end must not depend on time. */
static bool all_have_succeeded(void)
{
    for (unsigned int nr = 0; nr < nr_ops; nr++)
        if (is_wrong(nr) && !counts[nr].good)
            return false;
    return true;
}

static bool more(void)
{
    return calls_done < options.calls && (pv_system_time() < deadline || !all_have_succeeded());
}

/* ---- Each vCPU's own pages ---- */

static bool run_init(struct run *r, unsigned int vcpu)
{
    uint64_t edge = pv_vmap_alloc(2), fixed = pv_vmap_alloc(1);
    void *edge_page = pv_alloc_page();

    *r = (struct run){ .vcpu = vcpu, .alone = options.vcpus == 1, .page = pv_alloc_page() };
    if (!edge || !fixed || !edge_page || !r->page ||
        pv_map(edge, pv_va_to_mfn(edge_page), PV_PROT_RW) ||
        pv_map(fixed, pv_va_to_mfn(r->page), PV_PROT_RO))
        return false;
    r->edge = (char *)edge + PV_PAGE_SIZE - 1;
    r->fixed = (const char *)fixed;
    return true;
}

static struct run runs[PV_MAX_VCPUS];
static struct pv_vcpu *vcpu_blocks[PV_MAX_VCPUS];

struct pv_vcpu *fuzz_vcpu(unsigned int id);
struct pv_vcpu *fuzz_vcpu(unsigned int id)
{
    return vcpu_blocks[id];
}

static int helper(void *arg)
{
    struct run *r = arg;

    vcpu_blocks[r->vcpu] = pv_this_vcpu();
    if (pv_user_init() == 0)
        for (uint64_t episode = options.from; more(); episode++)
            one_episode(r, episode);
    __atomic_fetch_add(&helpers_done, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static void run_together(void)
{
    for (unsigned int id = 1; id < options.vcpus; id++)
        if (!run_init(&runs[id], id) || pv_start_vcpu(id, helper, &runs[id]))
            pv_panic("fuzz: vCPU %u does not start\n", id);
    for (uint64_t episode = options.from; more(); episode++)
        one_episode(&runs[0], episode);
    while (helpers_done != options.vcpus - 1)
        pv_sleep_ns(PV_NS_PER_MS);
    state_reset();
}

/* K episode frames: which the hypervisor has kept in a use that the guest can't end. */
static void alone_episode(uint64_t episode)
{
    unsigned int kept;

    one_episode(&runs[0], episode);
    kept = state_reset();
    if (show_results)
        print_results(episode);
    if (kept)
        pv_printf("K %lu %u\n", episode, kept);
}

/* The next number of the list; false: there is none. */
static bool next_of(const char **list, uint64_t *value)
{
    const char *c = *list;

    if (*c < '0' || *c > '9')
        return false;
    for (*value = 0; *c >= '0' && *c <= '9'; c++)
        *value = *value * 10 + (uint64_t)(*c - '0');
    *list = *c == ',' ? c + 1 : c;
    return true;
}

static void run_only(const char *list)
{
    uint64_t episode;

    while (next_of(&list, &episode))
        alone_episode(episode);
}

static void run_alone(void)
{
    for (uint64_t episode = options.from; more(); episode++)
        alone_episode(episode);
}

/* ---- The report ---- */

static const struct error_name {
    long number;
    const char *name;
} error_names[] = {
#define XEN_ERRNO(name, value) { value, #name },
#include <xen/errno.h>
};

static void print_result(long rc, uint64_t times)
{
    for (size_t i = 0; i < PV_ARRAY_SIZE(error_names); i++)
        if (rc == -error_names[i].number) {
            pv_printf(" %s=%lu", error_names[i].name, times);
            return;
        }
    pv_printf(" -%#lx=%lu", -rc, times);
}

/* False: the operation did not do what its row says. */
static bool report_op(unsigned int nr)
{
    const struct op *op = ops[nr];
    const struct count *c = &counts[nr];
    bool never = op->never & (first_domain ? FIRST : GUEST);

    pv_printf("OP %s ok=%lu", op->name, c->good);
    for (unsigned int i = 0; i < MAX_ERRORS && c->bad[i].rc; i++)
        print_result(c->bad[i].rc, c->bad[i].times);
    if (never)
        pv_printf(" (never: %s)", op->why);
    pv_printf("\n");
    if (!is_wrong(nr))
        return true;
    pv_printf("FUZZ WRONG %s %s\n", op->name, never ? "succeeded" : "never succeeded");
    return false;
}

static unsigned int report(void)
{
    unsigned int wrong = 0;

    for (unsigned int nr = 0; nr < nr_ops; nr++)
        wrong += !report_op(nr);
    return wrong;
}

static void audit(void)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_debug_keys,
                             .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

    set_xen_guest_handle(op.u.debug_keys.keys, "f");
    op.u.debug_keys.nr_keys = 1;
    if (on_pavane && first_domain)
        HYPERVISOR_sysctl(&op);
}

int guest_main(const struct start_info *si)
{
    static char only[512];
    xen_extraversion_t extra = "";
    unsigned int wrong;

    (void)si;
    HYPERVISOR_xen_version(XENVER_extraversion, extra);
    on_pavane = !strncmp(extra, "-pavane", 7);
    read_options();
    vcpu_blocks[0] = pv_this_vcpu();
    for (size_t t = 0; t < PV_ARRAY_SIZE(tables); t++)
        for (unsigned int i = 0; i < tables[t]->nr; i++) {
            ops[nr_ops++] = &tables[t]->ops[i];
            total_weight += tables[t]->ops[i].weight;
            weight_alone += tables[t]->ops[i].alone ? tables[t]->ops[i].weight : 0;
        }
    if (!run_init(&runs[0], 0) || !state_init())
        pv_panic("fuzz: the guest can't be set up\n");
    state_reset();
    pv_printf("FUZZ seed=%lu from=%lu calls=%lu seconds=%lu vcpus=%u ops=%u\n", options.seed,
              options.from, options.calls, options.seconds, options.vcpus, nr_ops);
    if (pv_option("only", only, sizeof(only)))
        run_only(only);
    else if (options.vcpus > 1)
        run_together();
    else
        run_alone();
    wrong = report();
    audit();
    pv_printf("FUZZ DONE calls=%lu wrong=%u\n", calls_done, wrong);
    return pv_is_first_domain() ? SHUTDOWN_reboot : SHUTDOWN_poweroff;
}
