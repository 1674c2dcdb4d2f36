/* SPDX-License-Identifier: MIT */
/* What the files of proc/ share. */
#ifndef PVK_PROC_INTERNAL_H
#define PVK_PROC_INTERNAL_H

#include "proc/proc.h"

/* ---- task.c ---- */
extern struct list all_tasks;
/* Every task, zombies too, in no order: NULL begins, NULL ends. */
struct task *task_after(const struct task *t);
extern struct task *init_task;      /* pid 1, once it was started */
struct task *task_alloc(void);      /* with a pid and a stack, not yet anybody's child; or NULL */
void task_free(struct task *t);     /* one that does not run and that nobody refers to */
void task_adopt(struct task *parent, struct task *child);
/* Lays the stack out so that the task begins with task_first_run and then its user registers. */
void task_prepare_stack(struct task *t);
void task_first_run(struct pv_regs *regs);      /* called by arch/switch.S */

/* ---- sched.c ---- */
void sched_init(void);
bool run_queue_empty(void);
void task_load_context(struct task *t);         /* stack, bases, space, FPU: of who runs next */
/* The caller has exited and nobody will wait for it: its memory goes once it runs no more. */
void free_after_switch(struct task *t);
void finish_switch(void);           /* what every task does first after a switch to it */

/* ---- exit.c ---- */
void release_vfork_parent(void);
void notify_parent(struct task *t, int code, int status);

/* ---- exec.c, elf.c: pure ---- */
struct elf_segment {
    uint64_t va, file_size, mem_size, offset;
    int prot;
};
#define ELF_MAX_SEGMENTS 16
struct elf_program {
    uint64_t entry, phdr_va;        /* before the bias of a position-independent one */
    unsigned int nr_phdrs, nr_segments;
    bool relocatable;               /* ET_DYN */
    uint64_t end;                   /* behind the last segment */
    struct elf_segment segments[ELF_MAX_SEGMENTS];
};
/*
 * Reads an ELF header and program headers, the first @size bytes of a file. 0, -ENOEXEC for what
 * is no static x86-64 program or not well-formed, -E2BIG if the headers lie past @size.
 */
int elf_parse(const void *head, size_t size, struct elf_program *out);
/*
 * The interpreter line of a script, in place: @line is NUL-ended; *arg is NULL if there is none.
 * -ENOEXEC: not a script.
 */
int script_parse(char *line, char **interpreter, char **arg);

#endif
