/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder (hypervisor/x86/decode.c): every form that the emulator relies on,
 * against what the manuals say of its bytes; cut short at each length; and any bytes at all,
 * which may decode to anything but must not be read beyond their end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "x86/decode.h"

static const struct form {
    const char *name;
    u8 bytes[INSN_MAX];
    u8 len;
    enum insn_mode mode;
    struct insn want;       /* len aside */
} forms[] = {
    { "mov %cr0, %rax", { 0x0f, 0x20, 0xc0 }, 3, MODE_64,
      { .operand_size = 8, .address_size = 8, .opcode = 0x120, .has_modrm = true, .mod = 3,
        .base = -1, .index = -1 } },
    { "mov %r15, %cr3", { 0x41, 0x0f, 0x22, 0xdf }, 4, MODE_64,
      { .operand_size = 8, .address_size = 8, .rex = 0x41, .opcode = 0x122, .has_modrm = true,
        .mod = 3, .reg = 3, .rm = 15, .base = -1, .index = -1 } },
    { "mov %cr4, %rsp with mod 0: still a register", { 0x0f, 0x20, 0x24 }, 3, MODE_64,
      { .operand_size = 8, .address_size = 8, .opcode = 0x120, .has_modrm = true, .mod = 3,
        .reg = 4, .rm = 4, .base = -1, .index = -1 } },
    { "mov %cr8, %rax is control register 8", { 0x44, 0x0f, 0x20, 0xc0 }, 4, MODE_64,
      { .operand_size = 8, .address_size = 8, .rex = 0x44, .opcode = 0x120, .has_modrm = true,
        .mod = 3, .reg = 8, .base = -1, .index = -1 } },
    { "wrmsr", { 0x0f, 0x30 }, 2, MODE_64,
      { .operand_size = 4, .address_size = 8, .opcode = 0x130, .base = -1, .index = -1 } },
    { "xsetbv", { 0x0f, 0x01, 0xd1 }, 3, MODE_64,
      { .operand_size = 4, .address_size = 8, .opcode = 0x101, .has_modrm = true, .mod = 3,
        .reg = 2, .rm = 1, .base = -1, .index = -1 } },
    { "outw %ax, $0x80", { 0x66, 0xe7, 0x80 }, 3, MODE_64,
      { .operand_size = 2, .address_size = 8, .opcode = 0xe7, .imm = -128, .base = -1,
        .index = -1 } },
    { "inb (%dx), %al", { 0xec }, 1, MODE_32,
      { .operand_size = 1, .address_size = 4, .opcode = 0xec, .base = -1, .index = -1 } },
    { "rep outsl %fs:(%esi)", { 0x64, 0x67, 0xf3, 0x6f }, 4, MODE_64,
      { .operand_size = 4, .address_size = 4, .segment = SEG_FS, .repe = true, .opcode = 0x6f,
        .base = -1, .index = -1 } },
    { "a ds override means nothing in 64-bit code", { 0x3e, 0x6e }, 2, MODE_64,
      { .operand_size = 1, .address_size = 8, .opcode = 0x6e, .base = -1, .index = -1 } },
    { "mov %rsi, (%rdi)", { 0x48, 0x89, 0x37 }, 3, MODE_64,
      { .operand_size = 8, .address_size = 8, .rex = 0x48, .opcode = 0x89, .has_modrm = true,
        .reg = 6, .rm = 7, .base = 7, .index = -1 } },
    { "lock andb $0xfd, (%rdi)", { 0xf0, 0x80, 0x27, 0xfd }, 4, MODE_64,
      { .operand_size = 1, .address_size = 8, .lock = true, .opcode = 0x80, .has_modrm = true,
        .reg = 4, .rm = 7, .base = 7, .index = -1, .imm = -3 } },
    { "xchg %rax, 0x10(%r12,%r13,8)", { 0x4b, 0x87, 0x44, 0xec, 0x10 }, 5, MODE_64,
      { .operand_size = 8, .address_size = 8, .rex = 0x4b, .opcode = 0x87, .has_modrm = true,
        .mod = 1, .rm = 12, .base = 12, .index = 13, .scale = 3, .disp = 0x10 } },
    { "movq $-2, 0x1000(%rip)", { 0x48, 0xc7, 0x05, 0, 0x10, 0, 0, 0xfe, 0xff, 0xff, 0xff }, 11,
      MODE_64,
      { .operand_size = 8, .address_size = 8, .rex = 0x48, .opcode = 0xc7, .has_modrm = true,
        .rm = 5, .rip_relative = true, .disp = 0x1000, .imm = -2, .base = -1, .index = -1 } },
    { "an index of 4 is none", { 0x89, 0x04, 0x24 }, 3, MODE_64,
      { .operand_size = 4, .address_size = 8, .opcode = 0x89, .has_modrm = true, .rm = 4,
        .base = 4, .index = -1 } },
    { "no base: disp32 in the SIB form", { 0x89, 0x04, 0x25, 0x78, 0x56, 0x34, 0x92 }, 7, MODE_64,
      { .operand_size = 4, .address_size = 8, .opcode = 0x89, .has_modrm = true, .rm = 4,
        .base = -1, .index = -1, .disp = (s32)0x92345678 } },
    { "lock btrl $1, (%rax)", { 0xf0, 0x0f, 0xba, 0x30, 0x01 }, 5, MODE_64,
      { .operand_size = 4, .address_size = 8, .lock = true, .opcode = 0x1ba, .has_modrm = true,
        .reg = 6, .base = 0, .index = -1, .imm = 1 } },
    { "lock cmpxchg %rdx, (%rcx)", { 0xf0, 0x48, 0x0f, 0xb1, 0x11 }, 5, MODE_64,
      { .operand_size = 8, .address_size = 8, .rex = 0x48, .lock = true, .opcode = 0x1b1,
        .has_modrm = true, .reg = 2, .rm = 1, .base = 1, .index = -1 } },
    { "a REX that is not last does not count", { 0x48, 0x66, 0x89, 0x37 }, 4, MODE_64,
      { .operand_size = 2, .address_size = 8, .opcode = 0x89, .has_modrm = true, .reg = 6,
        .rm = 7, .base = 7, .index = -1 } },
    { "neg has no immediate", { 0xf7, 0x18 }, 2, MODE_64,
      { .operand_size = 4, .address_size = 8, .opcode = 0xf7, .has_modrm = true, .reg = 3,
        .base = 0, .index = -1 } },
    { "test has one", { 0xf7, 0x00, 1, 0, 0, 0 }, 6, MODE_64,
      { .operand_size = 4, .address_size = 8, .opcode = 0xf7, .has_modrm = true, .base = 0,
        .index = -1, .imm = 1 } },
};

static void same(const struct form *f, const struct insn *got)
{
    const struct insn *w = &f->want;

#define SAME(field)                                                                         \
    if (got->field != w->field)                                                             \
        fail_msg("%s: " #field " is %lld, not %lld", f->name, (long long)got->field,        \
                 (long long)w->field)
    SAME(operand_size);
    SAME(address_size);
    SAME(rex);
    SAME(segment);
    SAME(lock);
    SAME(repe);
    SAME(repne);
    SAME(opcode);
    SAME(has_modrm);
    SAME(mod);
    SAME(reg);
    SAME(rm);
    SAME(base);
    SAME(index);
    SAME(scale);
    SAME(rip_relative);
    SAME(disp);
    SAME(imm);
    if (got->len != f->len)
        fail_msg("%s: length %u, not %u", f->name, got->len, f->len);
}

static void each_form_decodes(void **state)
{
    struct insn insn;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        if (insn_decode(forms[i].bytes, forms[i].len, forms[i].mode, &insn) != DECODED)
            fail_msg("%s: does not decode", forms[i].name);
        same(&forms[i], &insn);
    }
}

/* The bytes lie at the end of an allocation, so that the sanitizer sees a read beyond them. */
static enum decode_result decode_exactly(const u8 *bytes, unsigned int len, enum insn_mode mode,
                                         struct insn *insn)
{
    u8 *copy = malloc(len ? len : 1);
    enum decode_result r;

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    r = insn_decode(copy, len, mode, insn);
    free(copy);
    return r;
}

static void a_cut_instruction_asks_for_more(void **state)
{
    struct insn insn;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        for (unsigned int len = 0; len < forms[i].len; len++)
            assert_int_equal(decode_exactly(forms[i].bytes, len, forms[i].mode, &insn),
                             DECODE_MORE);
    }
}

static void what_is_not_emulated_is_unknown(void **state)
{
    static const u8 others[][3] = {
        { 0xf4 },                   /* hlt */
        { 0x0f, 0x00, 0xd8 },       /* ltr */
        { 0x0f, 0x08 },             /* invd */
        { 0x0f, 0x05 },             /* syscall */
        { 0xcf },                   /* iret */
        { 0xa4 },                   /* movsb */
        { 0x0f, 0xff },
    };
    struct insn insn;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_int_equal(insn_decode(others[i], 3, MODE_64, &insn), DECODE_UNKNOWN);
}

static void fifteen_bytes_are_the_limit(void **state)
{
    u8 bytes[INSN_MAX + 1];
    struct insn insn;

    (void)state;
    memset(bytes, 0x66, sizeof(bytes));
    bytes[14] = 0xec;
    assert_int_equal(insn_decode(bytes, INSN_MAX, MODE_64, &insn), DECODED);
    assert_int_equal(insn.len, INSN_MAX);
    bytes[14] = 0x66;
    assert_int_equal(insn_decode(bytes, INSN_MAX, MODE_64, &insn), DECODE_UNKNOWN);
    bytes[13] = 0x0f;
    bytes[14] = 0x22;       /* its ModRM would be the sixteenth */
    assert_int_equal(insn_decode(bytes, INSN_MAX, MODE_64, &insn), DECODE_UNKNOWN);
}

static void any_bytes_are_survived(void **state)
{
    u64 seed = 0x9e3779b97f4a7c15ull;
    unsigned int decoded = 0;

    (void)state;
    for (unsigned int n = 0; n < 200000; n++) {
        enum insn_mode mode = (enum insn_mode)(n % 3);
        u8 bytes[INSN_MAX];
        struct cpu_regs regs = { .rip = 0x1000 };
        struct insn insn;
        unsigned int len = n % (INSN_MAX + 1);

        for (unsigned int i = 0; i < INSN_MAX; i++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            bytes[i] = (u8)(seed >> 56);
        }
        if (n % 2)
            bytes[0] = 0x0f;
        if (decode_exactly(bytes, len, mode, &insn) != DECODED)
            continue;
        decoded++;
        assert_in_range(insn.len, 1, len);
        assert_in_range(insn.reg, 0, 15);
        assert_in_range(insn.rm, 0, 15);
        if (insn.has_modrm && insn.mod != 3)
            (void)insn_offset(&insn, &regs);
    }
    assert_true(decoded > 1000);
}

/* An offset beyond the address size wraps, as the processor's does. */
static void xsa_186_offsets_wrap_at_the_address_size(void **state)
{
    struct cpu_regs regs = { .rbx = 0xffffffffull, .rax = 0x1234, .r14 = ~0ull, .rip = 0x4000 };
    struct insn insn = { .address_size = 4, .base = 3, .index = -1, .disp = 1 };

    (void)state;
    assert_int_equal(insn_offset(&insn, &regs), 0);
    insn.address_size = 8;
    assert_int_equal(insn_offset(&insn, &regs), 0x100000000ull);
    insn = (struct insn){ .address_size = 8, .base = 14, .index = 0, .scale = 2, .disp = -8 };
    assert_int_equal(insn_offset(&insn, &regs), 4 * 0x1234 - 9);
    insn = (struct insn){ .address_size = 8, .base = -1, .index = -1, .rip_relative = true,
                          .disp = 0x10, .len = 7 };
    assert_int_equal(insn_offset(&insn, &regs), 0x4017);
}

static void registers_are_in_encoding_order(void **state)
{
    struct cpu_regs r;
    u64 *const order[16] = { &r.rax, &r.rcx, &r.rdx, &r.rbx, &r.rsp, &r.rbp, &r.rsi, &r.rdi,
                             &r.r8, &r.r9, &r.r10, &r.r11, &r.r12, &r.r13, &r.r14, &r.r15 };

    (void)state;
    for (unsigned int i = 0; i < 16; i++)
        assert_ptr_equal(insn_register(&r, i), order[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_decodes),
        cmocka_unit_test(a_cut_instruction_asks_for_more),
        cmocka_unit_test(what_is_not_emulated_is_unknown),
        cmocka_unit_test(fifteen_bytes_are_the_limit),
        cmocka_unit_test(any_bytes_are_survived),
        cmocka_unit_test(xsa_186_offsets_wrap_at_the_address_size),
        cmocka_unit_test(registers_are_in_encoding_order),
    };

    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
