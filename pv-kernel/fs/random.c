/* SPDX-License-Identifier: MIT */
/*
 * Random bytes: ChaCha20's key stream (RFC 8439), of which each request begins a new key, so that what was
 * given out can't be computed from what is left. The first key, and a part of each next one, comes from
 * the processor's RDRAND where it exists, and from the time-stamp counter in any case.
 */
#include "fs/devfs.h"

#define BLOCK 64u
#define KEY_WORDS 8

static uint32_t key[KEY_WORDS];
static uint64_t block_count;

static uint32_t rotate(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static void quarter(uint32_t *s, int a, int b, int c, int d)
{
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 7);
}

static void make_block(uint32_t out[16])
{
    uint32_t in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

    memcpy(in + 4, key, sizeof(key));
    memcpy(in + 12, &block_count, sizeof(block_count));
    block_count++;
    memcpy(out, in, sizeof(in));
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 4; i++)
            quarter(out, i, 4 + i, 8 + i, 12 + i);
        for (int i = 0; i < 4; i++)
            quarter(out, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    for (int i = 0; i < 16; i++)
        out[i] += in[i];
}

static bool have_rdrand(void)
{
    uint32_t eax = 1, ebx, ecx = 0, edx;

    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ecx >> 30 & 1;
}

static uint64_t hardware_word(void)
{
    uint64_t value = 0;

    if (have_rdrand())
        __asm__ volatile("rdrand %0" : "=r"(value) : : "cc");
    return value ^ pv_rdtsc();
}

static void stir(void)
{
    uint32_t block[16];

    for (int i = 0; i < KEY_WORDS; i += 2) {
        uint64_t word = hardware_word();

        key[i] ^= (uint32_t)word;
        key[i + 1] ^= (uint32_t)(word >> 32);
    }
    make_block(block);
    memcpy(key, block, sizeof(key));
}

void random_bytes(void *buf, size_t len)
{
    uint32_t block[16];

    stir();
    for (size_t done = 0; done < len; done += BLOCK) {
        make_block(block);
        memcpy((char *)buf + done, block, min(len - done, (size_t)BLOCK));
    }
    stir();
}
