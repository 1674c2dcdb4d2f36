/* SPDX-License-Identifier: MIT */
/*
 * A plugin of QEMU's that counts instructions, for what the TSC can't count: while a machine waits
 * for its disk, virtual time goes on without any instruction.
 *
 * Programs mark places by an instruction that does nothing, MARK below. The plugin, loaded by
 * `-plugin counter.so,out=FILE`, writes a line for each mark that is passed: the number of
 * instructions executed so far, those of all domains and of the hypervisor. Steps of repeated
 * string instructions count one each. The machine must have one CPU.
 *
 * Debian packages no header for this interface, so what is used of its version 1 is declared here.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

enum { INLINE_ADD_U64 = 0, CB_NO_REGS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*cb)(qemu_plugin_id_t, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *ptr,
                                                uint64_t imm);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            void (*cb)(unsigned int, void *), int flags,
                                            void *userdata);

/* nopl 0x4b52414d(%rax) */
static const uint8_t MARK[] = { 0x0f, 0x1f, 0x80, 'M', 'A', 'R', 'K' };

extern int qemu_plugin_version;
int qemu_plugin_version = 1;

static uint64_t executed;
static FILE *out;

static void marked(unsigned int vcpu, void *data)
{
    (void)vcpu;
    (void)data;
    fprintf(out, "%" PRIu64 "\n", executed);
    fflush(out);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

        qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &executed, 1);
        if (qemu_plugin_insn_size(insn) == sizeof(MARK) &&
            !memcmp(qemu_plugin_insn_data(insn), MARK, sizeof(MARK)))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, CB_NO_REGS, NULL);
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    if (argc == 1 && !strncmp(argv[0], "out=", 4))
        out = fopen(argv[0] + 4, "w");
    if (!out)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
