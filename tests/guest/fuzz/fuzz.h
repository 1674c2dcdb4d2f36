/* SPDX-License-Identifier: MIT */
/*
 * The fuzz guest: hypercalls and other events whose arguments are half right.
 *
 * An operation is a row of a table: a name, and a function that makes up arguments from the guest's
 * real state (state.c) and from a random number generator, does the call, and returns its result.
 * Calls come in episodes. Before each, the state is put back to what it was at the start; each call
 * has a generator of its own, seeded by seed, episode and index. So an episode can be run alone,
 * and gives the same results on every hypervisor that keeps the ABI: nothing that is random or
 * hashed depends on machine frame numbers or time.
 *
 * The guest must survive what it does. It works on spare frames, spare addresses and a spare vCPU;
 * what it changes for itself (segment bases, callbacks, ...) the operation puts right at once.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <pvguest/guest.h>

#define NOBODYS_MFN (1UL << 28)  /* above all memory */

extern bool fuzz_compare;       /* what is known to differ is left out: docs/fuzzing.md */
extern bool fuzz_log;           /* each call is printed; an operation may add to its line */

/* ---- What a vCPU works with ---- */
struct run {
    uint64_t random;
    unsigned int vcpu;
    bool alone;                 /* no other vCPU runs calls: results can be foreseen */
    uint64_t args[4];           /* of the call, for the log */
    uint64_t *page;             /* for structures that calls point to */
    char *edge;                 /* its last byte is the last before an unmapped page */
    const char *fixed;          /* the same page as `page`, read-only */
};

/* ---- random.c: numbers, half right ---- */
uint64_t draw(struct run *r);
uint64_t below(struct run *r, uint64_t n);      /* 0 to n - 1 */
bool percent(struct run *r, unsigned int p);
uint64_t wild(struct run *r);                   /* any 64 bits, with a liking for edges */
uint64_t small_or_wild(struct run *r, uint64_t n);
uint64_t bad_address(struct run *r);            /* one that no call can use */
domid_t some_domain(struct run *r);             /* mostly ourselves */
#define PICK(r, array) ((array)[below(r, PV_ARRAY_SIZE(array))])
/*
 * Where a call finds its argument: a copy of it in memory, or a pointer that is bad in some way.
 * get_arg: what the call left there; false if it could not.
 */
void *put_arg(struct run *r, const void *arg, size_t size);
bool get_arg(struct run *r, const void *where, void *arg, size_t size);

/* ---- state.c ---- */
#define NR_FRAMES   26          /* spare ones, by what they are used for: */
#define DATA_FRAMES 8           /*   from 0: always the guest's to write at their home */
#define GIVE_FRAMES 4           /*     the first of these may be given back; the others, granted */
#define TABLES_FROM 8           /*   from 8: four for tables of each level */
#define TABLES_END  24          /*   from 24: descriptors; never a table, they look like entries */
#define SPARE_SLOTS 16          /* entries in each of the two spare level-1 tables */
#define NR_PORTS    16
#define NR_REFS     8

struct frame {
    uint64_t *home;
    uint64_t mfn;
    bool gone;                  /* given back, none in its place */
};
extern struct frame frames[NR_FRAMES];
extern uint64_t spare_l1[2];    /* the frames of the spare level-1 tables */
extern evtchn_port_t ports[NR_PORTS];
extern uint16_t own_id;
extern bool first_domain;

bool state_init(void);
/* How many of the frames had to be replaced: the hypervisor still has them in some use. */
unsigned int state_reset(void);
uint64_t spare_va(unsigned int table, unsigned int slot);
unsigned int some_table(struct run *r, unsigned int level);     /* index of a frame for it */
uint64_t some_mfn(struct run *r);               /* a spare frame's, most times */
uint64_t some_va(struct run *r);                /* of a page whose mapping may be changed */
uint64_t some_pte(struct run *r, uint64_t mfn);
uint64_t some_slot(struct run *r);              /* machine address of an entry */
uint64_t some_index(struct run *r);             /* of an entry of a spare frame that is a table */
/* The entry as it may stand in a spare frame, or in the one that a slot is in. */
uint64_t pte_for_frame(uint64_t pte);
uint64_t pte_for_slot(uint64_t pte, uint64_t slot);
void forget_entries(uint64_t mfn);              /* of a frame that is not ours any more */
evtchn_port_t some_port(struct run *r);
void note_port(struct run *r, evtchn_port_t port);
void reset_ports(void);                         /* closes all that a call may have opened */
/* Makes a frame ready to be a table of that level, from entries that are good or not. */
void build_table(struct run *r, unsigned int frame, unsigned int level);
void show_frame(unsigned int frame);            /* in the log: what is in it */
/* A spare frame's mapping at its home: 0 for none. */
int set_home(unsigned int frame, uint64_t flags);

/* ---- grants.c: what state.c has of grants ---- */
extern uint32_t handles[NR_REFS];
bool grants_init(void);
void grants_reset(void);

/* ---- The tables of operations ---- */
/* In which roles the operation can't succeed; `why` says the reason. */
#define FIRST  1u
#define GUEST  2u
#define ANY    (FIRST | GUEST)

struct op {
    const char *name;
    long (*call)(struct run *r, unsigned int cmd);
    unsigned int cmd;
    unsigned int weight;
    unsigned int never;
    const char *why;
    bool alone;                 /* only while no other vCPU runs calls */
};

/* Rows: it may succeed anywhere; it runs only alone; it can't succeed in a role. */
#define OP(name_, call_, cmd_, weight_) \
    { .name = name_, .call = call_, .cmd = cmd_, .weight = weight_ }
#define OP_ALONE(name_, call_, cmd_, weight_) \
    { .name = name_, .call = call_, .cmd = cmd_, .weight = weight_, .alone = true }
#define OP_NEVER(name_, call_, cmd_, weight_, role_, why_) \
    { .name = name_, .call = call_, .cmd = cmd_, .weight = weight_, .never = role_, .why = why_ }
#define OP_ALONE_NEVER(name_, call_, cmd_, weight_, role_, why_)                           \
    { .name = name_, .call = call_, .cmd = cmd_, .weight = weight_, .never = role_,        \
      .why = why_, .alone = true }

struct op_table {
    const struct op *ops;
    unsigned int nr;
};
extern const struct op_table mmu_table, memory_table, event_table, grant_table, cpu_table;
extern const struct op_table sched_table, control_table, raw_table, user_table;

/* Beside -XEN_E...: the result of what is no hypercall. 0 is no fault. */
static inline long fault_result(pv_fault_t fault)
{
    return fault ? -(long)(0x10000 + (fault >> 32 & 0xff)) : 0;
}

#endif
