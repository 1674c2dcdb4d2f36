/* SPDX-License-Identifier: MIT */
/* The value of `com1=`. Pure, host-tested. */
#include "lib/numbers.h"
#include "lib/serial.h"
#include "lib/string.h"

/* "8n1": data bits, parity, stop bits. */
static bool parse_format(const char **text, u8 *line_control)
{
    static const char parities[] = "noems";
    static const u8 parity_bits[] = { 0x00, 0x08, 0x18, 0x28, 0x38 };
    const char *p = *text;
    const char *parity;

    if (p[0] < '5' || p[0] > '8' || !p[1])
        return false;
    parity = strchr(parities, p[1]);
    if (!parity || (p[2] != '1' && p[2] != '2'))
        return false;
    *line_control = (u8)((p[0] - '5') | parity_bits[parity - parities] | (p[2] == '2' ? 4 : 0));
    *text = p + 3;
    return true;
}

/* Parts may be left out, down to their commas; the speed must be one that the chip can make. */
bool serial_parse(const char *text, struct serial_options *options)
{
    struct serial_options o = *options;
    u64 number;

    if (!parse_u64(&text, &number) || number > 115200 || (number && 115200 % number))
        return false;
    o.baud = (u32)number;
    if (*text == ',') {
        text++;
        if (*text != ',' && *text && !parse_format(&text, &o.line_control))
            return false;
    }
    if (*text == ',') {
        text++;
        if (!parse_u64(&text, &number) || !number || number > 0xfff8)
            return false;
        o.port = (u16)number;
    }
    if (*text)
        return false;
    *options = o;
    return true;
}
