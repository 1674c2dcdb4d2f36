/* SPDX-License-Identifier: MIT */
/*
 * A 16550 by polling; input also by interrupt.
 *
 * A port without a chip reads as all ones: then nothing is written and nothing is waited for.
 * Neither is a chip that never gets ready waited for for ever: it is given up for the rest of the
 * boot.
 */
#include "lib/serial.h"
#include "lib/printk.h"
#include "x86/x86.h"
#include "boot/boot.h"

enum { REG_DATA = 0, REG_IER = 1, REG_FIFO = 2, REG_LCR = 3, REG_MCR = 4, REG_LSR = 5,
       REG_SCRATCH = 7, REG_DIVISOR_LOW = 0, REG_DIVISOR_HIGH = 1 };
enum { LSR_DATA = 0x01, LSR_TX_EMPTY = 0x20, LCR_DIVISOR = 0x80, IER_RX = 0x01,
       FIFO_RESET = 0x07, MCR_DTR_RTS_OUT2 = 0x0b };

#define CHIP_PORTS  8
#define FIFO_DEPTH  16
#define BASE_BAUD   115200
#define READY_POLLS 1000000     /* far longer than 16 characters take at any speed */
#define RING_SIZE   1024
#define ISA_IRQ_COM1 4
#define ISA_IRQ_COM2 3

static struct {
    u16 port;                   /* 0: no chip there, or given up */
    unsigned int room;          /* characters that its FIFO surely takes */
} uart;

/*
 * Written by the interrupt handler (CPU 0, where the line is routed), read under the console's
 * lock: one writer, one reader, each owns its own index.
 */
static struct {
    u32 head, tail;
    char text[RING_SIZE];
} ring;

static u8 reg_read(unsigned int reg)
{
    return inb((u16)(uart.port + reg));
}

static void reg_write(unsigned int reg, u8 value)
{
    outb((u16)(uart.port + reg), value);
}

/* A register that only keeps what it is given, and that no other device has there. */
static bool chip_present(u16 port)
{
    outb((u16)(port + REG_SCRATCH), 0x5a);
    if (inb((u16)(port + REG_SCRATCH)) != 0x5a)
        return false;
    outb((u16)(port + REG_SCRATCH), 0xa5);
    return inb((u16)(port + REG_SCRATCH)) == 0xa5;
}

void serial_init(const struct serial_options *options)
{
    uart.port = 0;
    uart.room = 0;
    if (!chip_present(options->port))
        return;

    uart.port = options->port;
    reg_write(REG_IER, 0);
    if (options->baud) {
        u16 divisor = (u16)(BASE_BAUD / options->baud);

        reg_write(REG_LCR, LCR_DIVISOR);
        reg_write(REG_DIVISOR_LOW, (u8)divisor);
        reg_write(REG_DIVISOR_HIGH, (u8)(divisor >> 8));
    }
    reg_write(REG_LCR, options->line_control);
    reg_write(REG_FIFO, FIFO_RESET);
    reg_write(REG_MCR, MCR_DTR_RTS_OUT2);
}

/* Without the lock: asked at each access of a guest to a port. */
bool serial_owns(u16 port, unsigned int size)
{
    u16 first = READ_ONCE(uart.port);

    return first && port < first + CHIP_PORTS && port + size > first;
}

/* When its FIFO is empty there is room for all of it, which saves asking for each. */
static void put_char(char c)
{
    for (unsigned int polls = 0; !uart.room; polls++) {
        if (reg_read(REG_LSR) & LSR_TX_EMPTY)
            uart.room = FIFO_DEPTH;
        else if (polls == READY_POLLS)
            uart.port = 0;
        if (!uart.port)
            return;
    }
    uart.room--;
    reg_write(REG_DATA, (u8)c);
}

void serial_write(const char *text, size_t len)
{
    for (size_t i = 0; i < len && uart.port; i++) {
        if (text[i] == '\n')
            put_char('\r');
        if (uart.port)
            put_char(text[i]);
    }
}

/*
 * The interrupt's handler, on CPU 0; also called once while booting, before anybody reads.
 * Characters that the ring has no room for are read all the same, or the interrupt would stay.
 */
static void receive(void *arg)
{
    /* A chip that was given up is not asked, though it may still interrupt. */
    while (READ_ONCE(uart.port) && (reg_read(REG_LSR) & LSR_DATA)) {
        char c = (char)reg_read(REG_DATA);
        u32 head = ring.head;

        if (head - READ_ONCE(ring.tail) == RING_SIZE)
            continue;
        ring.text[head % RING_SIZE] = c;
        __atomic_store_n(&ring.head, head + 1, __ATOMIC_RELEASE);
    }
    if (console_input_hook)
        console_input_hook();
}

/*
 * Which of the two ISA interrupts it is follows from the port: COM1 and COM3 have bit 8, and share
 * one.
 */
void serial_enable_input(void)
{
    unsigned int isa = uart.port & 0x100 ? ISA_IRQ_COM1 : ISA_IRQ_COM2;

    if (!uart.port)
        return;
    if (irq_claim(acpi.isa_irq[isa].gsi, receive, NULL) < 0) {
        pr_warn("serial: interrupt %u is not to be had: no console input\n",
                acpi.isa_irq[isa].gsi);
        return;
    }
    reg_write(REG_IER, IER_RX);
    /* What came before the interrupt was on raised none. */
    receive(NULL);
}

/* Under the console's lock, so there is one reader; see `ring`. */
size_t serial_read(char *buf, size_t len)
{
    u32 head = __atomic_load_n(&ring.head, __ATOMIC_ACQUIRE);
    size_t n = 0;

    while (n < len && ring.tail != head) {
        buf[n++] = ring.text[ring.tail % RING_SIZE];
        WRITE_ONCE(ring.tail, ring.tail + 1);
    }
    return n;
}
