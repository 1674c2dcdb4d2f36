/* SPDX-License-Identifier: MIT */
/*
 * The hypercall page: a stub for each number at number * 32, which a guest calls like a function.
 */
#include "hypercall/hypercall.h"

#define STUB_SIZE 32
#define STUBS     (PAGE_SIZE / STUB_SIZE)

/* push rcx; push r11; mov eax, number; syscall; pop r11; pop rcx; ret */
static const u8 stub[] = { 0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3 };
#define STUB_NUMBER 4

/* push rcx; push r11; push rax; mov eax, iret; syscall: the frame that iret takes, and no return */
static const u8 iret_stub[] = {
    0x51, 0x41, 0x53, 0x50, 0xb8, __HYPERVISOR_iret, 0, 0, 0, 0x0f, 0x05,
};

/* The caller holds the frame as writable. Numbers are one byte: there are fewer stubs than that. */
void hypercall_page_fill(void *page)
{
    u8 *p = page;

    __builtin_memset(p, 0xcc, PAGE_SIZE);   /* int3 between the stubs */
    for (unsigned int nr = 0; nr < STUBS; nr++) {
        __builtin_memcpy(p + nr * STUB_SIZE, stub, sizeof(stub));
        p[nr * STUB_SIZE + STUB_NUMBER] = (u8)nr;
    }
    __builtin_memcpy(p + __HYPERVISOR_iret * STUB_SIZE, iret_stub, sizeof(iret_stub));
}
