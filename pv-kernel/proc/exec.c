/* SPDX-License-Identifier: MIT */
/*
 * Replacing a program. The new space is made and filled while the old one is kept; only when
 * nothing can fail any more is the old one given up. So a failed exec leaves its caller as it was.
 */
#include "arch/arch.h"
#include "fs/fs.h"
#include "mm/mm.h"
#include "proc/internal.h"

#define HEAD_SIZE    4096u
#define MAX_SCRIPTS  4              /* interpreters that are scripts themselves */
#define PIE_BASE     0x555555554000ul
#define STACK_SIZE   (8ul << 20)
#define STACK_SPARE  (64ul << 10)   /* of it, strings leave at least this */

enum { AT_NULL = 0, AT_PHDR = 3, AT_PHENT = 4, AT_PHNUM = 5, AT_PAGESZ = 6, AT_BASE = 7,
       AT_FLAGS = 8, AT_ENTRY = 9, AT_UID = 11, AT_EUID = 12, AT_GID = 13, AT_EGID = 14,
       AT_PLATFORM = 15, AT_HWCAP = 16, AT_CLKTCK = 17, AT_SECURE = 23, AT_RANDOM = 25,
       AT_EXECFN = 31 };
#define NR_AUX 18

#define PHDR_SIZE 56
#define RFLAGS_USER (PV_RFLAGS_IF | 2)

/* What a program is started with; a script's line adds to the front of the arguments. */
struct start {
    const char *path;               /* of the file that is loaded */
    char *const *argv, *const *envp;
    const char *front[2 * MAX_SCRIPTS + 1];
    unsigned int nr_front;          /* valid ones are the last of front[] */
    unsigned int skip;              /* of argv: a script replaces argv[0] */
    char *lines[MAX_SCRIPTS];       /* memory of the scripts' lines */
    unsigned int nr_lines;
};

static const char **front_of(struct start *st)
{
    return &st->front[ARRAY_SIZE(st->front) - st->nr_front];
}

static void push_front(struct start *st, const char *arg)
{
    st->nr_front++;
    *front_of(st) = arg;
}

/* ---- Loading ---- */

static int map_segment(struct space *s, struct file *file, const struct elf_segment *seg,
                       uint64_t bias)
{
    uint64_t start = ALIGN_DOWN(seg->va, PAGE_SIZE) + bias;
    uint64_t file_end = ALIGN_UP(seg->va + seg->file_size, PAGE_SIZE) + bias;
    uint64_t end = ALIGN_UP(seg->va + seg->mem_size, PAGE_SIZE) + bias;
    int flags = MAP_PRIVATE | MAP_FIXED;
    long rc = (long)start;

    if (!seg->file_size)
        file_end = start;
    if (file_end > start)
        rc = space_mmap(s, start, file_end - start, seg->prot, flags, file,
                        ALIGN_DOWN(seg->offset, PAGE_SIZE));
    if (rc == (long)start && end > file_end)
        rc = space_mmap(s, file_end, end - file_end, seg->prot, flags | MAP_ANONYMOUS, NULL, 0);
    return rc < 0 ? (int)rc : 0;
}

static int map_program(struct space *s, struct file *file, const struct elf_program *p,
                       uint64_t bias)
{
    long rc = 0;

    if (p->end + bias > MMAP_BASE)
        return -ENOEXEC;
    for (unsigned int i = 0; i < p->nr_segments && !rc; i++)
        rc = map_segment(s, file, &p->segments[i], bias);
    if (rc)
        return (int)rc;
    space_set_brk(s, p->end + bias);
    rc = space_mmap(s, USER_STACK_TOP - STACK_SIZE, STACK_SIZE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
    return rc < 0 ? (int)rc : 0;
}

/* What the file has behind a segment's contents in its last page is not the program's. */
static int clear_tails(const struct elf_program *p, uint64_t bias)
{
    int rc = 0;

    for (unsigned int i = 0; i < p->nr_segments && !rc; i++) {
        const struct elf_segment *seg = &p->segments[i];
        uint64_t end = seg->va + seg->file_size;

        if (seg->mem_size > seg->file_size && seg->file_size && seg->prot & PROT_WRITE)
            rc = clear_user(end + bias, ALIGN_UP(end, PAGE_SIZE) - end);
    }
    return rc;
}

/* ---- The stack of a new program, in the space that is loaded ---- */

struct stack {
    uint64_t sp;                    /* strings go down from here */
    uint64_t *words;                /* argc, argv, envp, auxiliary vector */
    size_t nr, room;
};

static int push_bytes(struct stack *st, const void *bytes, size_t len)
{
    if (st->sp - len < USER_STACK_TOP - STACK_SIZE + STACK_SPARE)
        return -E2BIG;
    st->sp -= len;
    return copy_to_user(st->sp, bytes, len);
}

static void push_word(struct stack *st, uint64_t word)
{
    BUG_ON(st->nr == st->room);
    st->words[st->nr++] = word;
}

static int push_strings(struct stack *st, const char *const *strings, size_t nr)
{
    int rc = 0;

    for (size_t i = 0; i < nr && !rc; i++) {
        rc = push_bytes(st, strings[i], strlen(strings[i]) + 1);
        push_word(st, st->sp);
    }
    return rc;
}

static size_t count(char *const *strings)
{
    size_t nr = 0;

    while (strings[nr])
        nr++;
    return nr;
}

static uint32_t cpu_features(void)
{
    uint32_t a = 1, b, c, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return d;
}

static int push_aux(struct stack *st, const struct start *start, const struct elf_program *p,
                    uint64_t bias)
{
    uint64_t random[2] = { random_u64(), random_u64() }, random_at, path_at;
    int rc = push_bytes(st, start->path, strlen(start->path) + 1);

    path_at = st->sp;
    rc = rc ?: push_bytes(st, "x86_64", sizeof("x86_64"));
    uint64_t platform_at = st->sp;

    rc = rc ?: push_bytes(st, random, sizeof(random));
    random_at = st->sp;
    const uint64_t aux[NR_AUX][2] = {
        { AT_PHDR, p->phdr_va + bias }, { AT_PHENT, PHDR_SIZE }, { AT_PHNUM, p->nr_phdrs },
        { AT_PAGESZ, PAGE_SIZE }, { AT_BASE, 0 }, { AT_FLAGS, 0 }, { AT_ENTRY, p->entry + bias },
        { AT_UID, 0 }, { AT_EUID, 0 }, { AT_GID, 0 }, { AT_EGID, 0 }, { AT_SECURE, 0 },
        { AT_CLKTCK, 100 }, { AT_HWCAP, cpu_features() }, { AT_PLATFORM, platform_at },
        { AT_RANDOM, random_at }, { AT_EXECFN, path_at }, { AT_NULL, 0 },
    };

    for (int i = 0; i < NR_AUX; i++) {
        push_word(st, aux[i][0]);
        push_word(st, aux[i][1]);
    }
    return rc;
}

static int fill_stack(struct stack *st, struct start *start, const struct elf_program *p,
                      uint64_t bias)
{
    size_t argc = count(start->argv) - start->skip, envc = count(start->envp);
    int rc;

    st->sp = USER_STACK_TOP;
    st->room = 1 + start->nr_front + argc + 1 + envc + 1 + 2 * NR_AUX;
    st->words = kmalloc(st->room * sizeof(uint64_t));
    if (!st->words)
        return -ENOMEM;
    push_word(st, start->nr_front + argc);
    rc = push_strings(st, front_of(start), start->nr_front);
    rc = rc ?: push_strings(st, (const char *const *)start->argv + start->skip, argc);
    push_word(st, 0);
    rc = rc ?: push_strings(st, (const char *const *)start->envp, envc);
    push_word(st, 0);
    rc = rc ?: push_aux(st, start, p, bias);
    if (!rc) {
        /* The vector that rsp points at begins on a multiple of 16. */
        st->sp = ALIGN_DOWN(st->sp - st->nr * sizeof(uint64_t), 16) + st->nr * sizeof(uint64_t);
        rc = push_bytes(st, st->words, st->nr * sizeof(uint64_t));
    }
    kfree(st->words);
    return rc;
}

/* ---- Becoming it ---- */

static void become(const struct start *start, const struct elf_program *p, uint64_t bias,
                   uint64_t sp)
{
    const char *name = start->path;

    for (const char *s = start->path; *s; s++) {
        if (*s == '/')
            name = s + 1;
    }
    strlcpy(current->comm, name, sizeof(current->comm));
    strlcpy(current->exe_path, start->path, sizeof(current->exe_path));
    memset(current->regs, 0, sizeof(*current->regs));
    current->regs->rip = p->entry + bias;
    current->regs->rsp = sp;
    current->regs->cs = FLAT_USER_CS;
    current->regs->ss = FLAT_USER_SS;
    current->regs->rflags = RFLAGS_USER;
    current->fs_base = current->gs_base = 0;
    current->clear_tid = 0;
    memset(&current->altstack, 0, sizeof(current->altstack));
    for (int sig = 1; sig < NR_SIGNALS; sig++) {
        struct sigaction_k *action = &current->sigaction[sig];
        uint64_t keep = action->handler == SIG_IGN ? SIG_IGN : SIG_DFL;

        *action = (struct sigaction_k){ .handler = keep };
    }
    fd_table_exec();
    fpu_reset(current->fpu);
    task_load_context(current);
}

static void save_args(struct start *start)
{
    unsigned int nr_argv = (unsigned int)count(start->argv) - start->skip;

    current->args_len = 0;
    for (unsigned int i = 0; i < start->nr_front + nr_argv; i++) {
        const char *arg = i < start->nr_front ? front_of(start)[i]
                                              : start->argv[start->skip + i - start->nr_front];
        size_t room = sizeof(current->args) - current->args_len;

        if (room < 2)
            return;
        strlcpy(current->args + current->args_len, arg, room);
        current->args_len += (unsigned int)min(strlen(arg), room - 1) + 1;
    }
}

static int load_elf(struct start *start, struct file *file, const struct elf_program *p)
{
    uint64_t bias = p->relocatable ? PIE_BASE : 0;
    struct space *old = current->space, *s = space_create();
    struct stack stack = { .nr = 0 };
    int rc = s ? map_program(s, file, p, bias) : -ENOMEM;

    if (rc) {
        space_put(s);
        return rc;
    }
    current->space = s;
    space_activate(s);
    rc = clear_tails(p, bias);
    rc = rc ?: fill_stack(&stack, start, p, bias);
    if (rc) {
        current->space = old;
        space_activate(old);
        space_put(s);
        return rc;
    }
    release_vfork_parent();
    space_put(old);
    save_args(start);
    become(start, p, bias, stack.sp);
    return 0;
}

/* ---- Finding out what the file is ---- */

static int open_program(const char *path, struct file **file)
{
    int rc = file_open(path, O_RDONLY, 0, file);

    if (rc)
        return rc;
    if (!(*file)->inode || !is_type((*file)->inode, S_IFREG) || !((*file)->inode->mode & 0111)) {
        file_put(*file);
        return -EACCES;
    }
    return 0;
}

/* The script's interpreter goes to the front of the arguments, and is what is loaded instead. */
static int use_interpreter(struct start *start, char *line)
{
    char *interpreter, *arg;
    int rc = script_parse(line, &interpreter, &arg);

    if (rc)
        return rc;
    if (start->nr_lines == MAX_SCRIPTS)
        return -ELOOP;
    start->lines[start->nr_lines++] = line;
    if (start->nr_front)
        *front_of(start) = start->path;
    else
        push_front(start, start->path);
    start->skip = start->argv[0] ? 1 : 0;
    if (arg)
        push_front(start, arg);
    push_front(start, interpreter);
    start->path = interpreter;
    return 0;
}

/* Loads the program, or prepares for its interpreter (1). */
static int load(struct start *start)
{
    struct elf_program *program = kmalloc(sizeof(*program));
    char *head = kmalloc(HEAD_SIZE);
    struct file *file;
    long len = -ENOMEM;
    int rc;

    rc = program && head ? open_program(start->path, &file) : -ENOMEM;
    if (rc)
        goto out;
    len = file_read_at(file, head, HEAD_SIZE - 1, 0);
    rc = len < 0 ? (int)len : elf_parse(head, (size_t)len, program);
    if (rc == 0)
        rc = load_elf(start, file, program);
    else if (rc == -ENOEXEC && use_interpreter(start, head) == 0)
        rc = 1;
    file_put(file);
out:
    kfree(program);
    if (rc != 1)
        kfree(head);
    return rc;
}

long do_exec(const char *path, char *const argv[], char *const envp[])
{
    struct start start = { .path = path, .argv = argv, .envp = envp };
    int rc;

    while ((rc = load(&start)) == 1)
        ;
    while (start.nr_lines > 0)
        kfree(start.lines[--start.nr_lines]);
    return rc;
}
