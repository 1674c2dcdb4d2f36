/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder, and what an instruction would store (hypervisor/x86/decode.c,
 * store_op.c): of the decoder, that its answer depends on nothing but the instruction's own bytes;
 * of the stores, that they do what this very processor does.
 */
#include <sys/mman.h>

#include "fuzz.h"
#include "x86/store_op.h"

enum { DECODED_64, DECODED_OTHER, MEMORY, STORED, EXECUTED };
FUZZ_GOALS(GOAL("decoded in 64-bit mode"), GOAL("decoded in another mode"),
           GOAL("a memory operand"), GOAL("a store"), GOAL("a store done by the processor"))

static enum decode_result decode(const uint8_t *bytes, size_t len, enum insn_mode mode,
                                 struct insn *insn)
{
    uint8_t *copy = fuzz_copy(bytes, len);
    enum decode_result r;

    memset(insn, 0, sizeof(*insn));
    r = insn_decode(copy, (unsigned int)len, mode, insn);
    free(copy);
    return r;
}

/* ---- The decoder ---- */

static bool is_size(unsigned int n)
{
    return n == 2 || n == 4 || n == 8;
}

static bool is_legacy_prefix(uint8_t b)
{
    return memchr("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3", b, 11) != NULL;
}

/* Said again: a REX prefix counts only right before the opcode, and in 64-bit mode only. */
static unsigned int rex_of(const uint8_t *bytes, size_t len, enum insn_mode mode)
{
    unsigned int rex = 0;

    for (size_t i = 0; i < len; i++) {
        if (mode == MODE_64 && (bytes[i] & 0xf0) == 0x40)
            rex = bytes[i];
        else if (is_legacy_prefix(bytes[i]))
            rex = 0;
        else
            break;
    }
    return rex;
}

static void check_fields(const struct insn *insn, const uint8_t *bytes, enum insn_mode mode)
{
    FUZZ_CHECK(insn->operand_size == 1 || is_size(insn->operand_size));
    FUZZ_CHECK(is_size(insn->address_size));
    FUZZ_CHECK(mode == MODE_64 ? insn->address_size != 2 : insn->address_size != 8);
    FUZZ_CHECK(mode == MODE_64 || insn->operand_size != 8);
    FUZZ_CHECK(insn->rex == rex_of(bytes, insn->len, mode));
    FUZZ_CHECK(insn->segment <= SEG_GS);
    FUZZ_CHECK(mode != MODE_64 || insn->segment == SEG_NONE || insn->segment >= SEG_FS);
    FUZZ_CHECK(!(insn->repe && insn->repne));
    FUZZ_CHECK(insn->opcode < 0x200);
    FUZZ_CHECK(insn->mod <= 3 && insn->reg < 16 && insn->rm < 16 && insn->scale <= 3);
    FUZZ_CHECK(mode == MODE_64 || (insn->reg < 8 && insn->rm < 8));
    FUZZ_CHECK(insn->base >= -1 && insn->base < 16 && insn->index >= -1 && insn->index < 16);
    FUZZ_CHECK(insn->index != 4);               /* rsp is no index */
    FUZZ_CHECK(!insn->rip_relative || (insn->base == -1 && insn->index == -1 && mode == MODE_64));
}

static void check_address(const struct insn *insn, struct cpu_regs *regs)
{
    unsigned int bits = 8u * insn->address_size;
    uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1, sum = (uint64_t)(int64_t)insn->disp;

    if (insn->rip_relative)
        sum += regs->rip + insn->len;
    if (insn->base >= 0)
        sum += *insn_register(regs, (unsigned int)insn->base);
    if (insn->index >= 0)
        sum += *insn_register(regs, (unsigned int)insn->index) << insn->scale;
    FUZZ_CHECK(insn_offset(insn, regs) == (sum & mask));
}

/* Shorter is "more", longer is the same. */
static void check_length(const uint8_t *bytes, size_t size, enum insn_mode mode,
                         const struct insn *insn)
{
    struct insn again;

    FUZZ_CHECK(insn->len >= 1 && insn->len <= INSN_MAX && insn->len <= size);
    FUZZ_CHECK(decode(bytes, insn->len, mode, &again) == DECODED);
    FUZZ_CHECK(memcmp(insn, &again, sizeof(again)) == 0);
    for (size_t len = 0; len < insn->len; len++)
        FUZZ_CHECK(decode(bytes, len, mode, &again) == DECODE_MORE);
}

/* ---- Stores, against the processor ---- */

struct native {
    uint64_t reg[16];           /* in the order of the encodings; rsp and rdi are not loaded */
    uint64_t flags, memory;
};

/* Calls @code with the registers and flags loaded, and rdi at the memory. */
void run_native(const void *code, struct native *n);
__asm__(
    "run_native:\n"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "push %rsi; push %rdi\n"
    "mov %rsi, %rdi\n"
    "push 128(%rdi); popfq\n"
    "mov 0(%rdi), %rax; mov 8(%rdi), %rcx; mov 16(%rdi), %rdx; mov 24(%rdi), %rbx\n"
    "mov 40(%rdi), %rbp; mov 48(%rdi), %rsi\n"
    "mov 64(%rdi), %r8; mov 72(%rdi), %r9; mov 80(%rdi), %r10; mov 88(%rdi), %r11\n"
    "mov 96(%rdi), %r12; mov 104(%rdi), %r13; mov 112(%rdi), %r14; mov 120(%rdi), %r15\n"
    "lea 136(%rdi), %rdi\n"
    "call *(%rsp)\n"
    "mov 8(%rsp), %rdi\n"
    "mov %rax, 0(%rdi); mov %rcx, 8(%rdi); mov %rdx, 16(%rdi); mov %rbx, 24(%rdi)\n"
    "mov %rbp, 40(%rdi); mov %rsi, 48(%rdi)\n"
    "mov %r8, 64(%rdi); mov %r9, 72(%rdi); mov %r10, 80(%rdi); mov %r11, 88(%rdi)\n"
    "mov %r12, 96(%rdi); mov %r13, 104(%rdi); mov %r14, 112(%rdi); mov %r15, 120(%rdi)\n"
    "pushfq; pop 128(%rdi); cld\n"
    "pop %rdi; pop %rsi\n"
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "ret\n");

#define FLAGS 0x8d5u            /* CF PF AF ZF SF OF */

static size_t immediate_bytes(const struct insn *insn)
{
    switch (insn->opcode) {
    case 0x80: case 0x83: case 0xc6: case 0x1ba: return 1;
    case 0x81: case 0xc7: return insn->operand_size == 2 ? 2 : 4;
    default: return 0;
    }
}

/* Those whose reg field is a part of the opcode. */
static bool names_register(const struct insn *insn)
{
    bool unary = insn->opcode == 0xf6 || insn->opcode == 0xf7 || insn->opcode == 0xfe ||
                 insn->opcode == 0xff;

    return !unary && immediate_bytes(insn) == 0;
}

/*
 * rsp and rdi are not the instruction's to use; without REX byte registers 4 to 7 are others. There
 * is no movnti of 16 bits, nor would it ever fault on its operand.
 */
static bool can_run(const struct insn *insn)
{
    bool high_byte = insn->operand_size == 1 && insn->rex == 0;

    if (insn->opcode == 0x1c3 && insn->operand_size == 2)
        return false;
    return !names_register(insn) || high_byte || (insn->reg != 4 && insn->reg != 7);
}

/* The same instruction with (%rdi) as its operand, and a return. */
static const void *native_code(const struct insn *insn)
{
    static uint8_t *page;
    uint8_t *at;

    if (page == NULL)
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                    -1, 0);
    FUZZ_CHECK(page != MAP_FAILED);
    at = page;
    if (insn->operand_size == 2)
        *at++ = 0x66;
    if (insn->rex)
        *at++ = (uint8_t)(insn->rex & ~3u);     /* without what extends the operand's registers */
    if (insn->opcode & 0x100)
        *at++ = 0x0f;
    *at++ = (uint8_t)insn->opcode;
    *at++ = (uint8_t)((insn->reg & 7) << 3 | 7);
    memcpy(at, &insn->imm, immediate_bytes(insn));
    at[immediate_bytes(insn)] = 0xc3;
    return page;
}

static void check_store(const struct insn *insn, struct cpu_regs *before, uint64_t old)
{
    uint64_t mask = insn->operand_size == 8 ? ~0ull : (1ull << (8 * insn->operand_size)) - 1;
    struct native n = { .flags = before->rflags, .memory = old };
    struct cpu_regs after = *before;
    uint64_t new = 0;

    if (!store_op(insn, &after, old, &new))
        return;
    REACHED(STORED);
    FUZZ_CHECK(insn->has_modrm && insn->mod != 3);
    FUZZ_CHECK(!(new & ~mask));
    FUZZ_CHECK(after.rip == before->rip && after.cs == before->cs && after.ss == before->ss);
    FUZZ_CHECK(!((after.rflags ^ before->rflags) & ~(uint64_t)FLAGS));
    if (!can_run(insn))
        return;
    REACHED(EXECUTED);
    for (unsigned int i = 0; i < 16; i++)
        n.reg[i] = *insn_register(before, i);
    run_native(native_code(insn), &n);
    FUZZ_CHECK((n.memory & mask) == new && (n.memory & ~mask) == (old & ~mask));
    for (unsigned int i = 0; i < 16; i++)
        FUZZ_CHECK(i == 4 || i == 7 || n.reg[i] == *insn_register(&after, i));
    /* What the manuals leave undefined is left alone here. */
    if (insn->opcode == 0x1ba || insn->opcode == 0x1ab || insn->opcode == 0x1b3 ||
        insn->opcode == 0x1bb)
        FUZZ_CHECK(!((n.flags ^ after.rflags) & 1));
    else
        FUZZ_CHECK(!((n.flags ^ after.rflags) & FLAGS & ~0x10u));
}

/* Any bytes; or one of the stores, with prefixes, and whatever follows. */
static size_t make_bytes(struct fuzz_input *in, bool store, uint8_t bytes[INSN_MAX + 3])
{
    static const uint8_t one[] = {
        0x00, 0x01, 0x08, 0x09, 0x20, 0x21, 0x28, 0x29, 0x30, 0x31, 0x80, 0x81, 0x83, 0x86, 0x87,
        0x88, 0x89, 0xc6, 0xc7, 0xf6, 0xf7, 0xfe, 0xff,
    };
    static const uint8_t two[] = { 0xab, 0xb3, 0xbb, 0xba, 0xb0, 0xb1, 0xc0, 0xc1, 0xc3 };
    uint64_t how = store ? fuzz_take(in, 2) : 0;
    size_t at = 0;

    if (how & 1)
        bytes[at++] = 0x66;
    if (how & 2)
        bytes[at++] = (uint8_t)(0x40 | how >> 12);
    if (store && (how & 12) == 12) {
        bytes[at++] = 0x0f;
        bytes[at++] = two[(how >> 4) % sizeof(two)];
    } else if (store) {
        bytes[at++] = one[(how >> 4) % sizeof(one)];
    }
    while (at < INSN_MAX + 3 && in->size > 0)
        bytes[at++] = (uint8_t)fuzz_take(in, 1);
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    uint64_t how = fuzz_take(&in, 1), seed = fuzz_take(&in, 8);
    enum insn_mode mode = (enum insn_mode)(how % 8 < 6 ? MODE_64 : how & 1);
    uint8_t bytes[INSN_MAX + 3];
    struct cpu_regs regs;
    struct insn insn;
    size_t len = make_bytes(&in, how & 0x80, bytes);

    if (decode(bytes, len, mode, &insn) != DECODED)
        return 0;
    REACHED(mode == MODE_64 ? DECODED_64 : DECODED_OTHER);
    check_length(bytes, len, mode, &insn);
    check_fields(&insn, bytes, mode);
    memset(&regs, 0, sizeof(regs));
    for (unsigned int i = 0; i < 16; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        *insn_register(&regs, i) = seed % 5 ? seed ^ seed >> 29 : seed >> 59;
    }
    regs.rip = seed >> 3;
    regs.rflags = 2 | (seed >> 20 & FLAGS);
    if (!insn.has_modrm || insn.mod == 3)
        return 0;
    REACHED(MEMORY);
    check_address(&insn, &regs);
    /* A compare that is equal is too rare by chance. */
    if (mode == MODE_64)
        check_store(&insn, &regs, seed & 1 ? regs.rax : regs.rcx);
    return 0;
}
