/* SPDX-License-Identifier: MIT */
/* Where the linker script (hv.lds.S) put things. Each part begins and ends on a page. */
#ifndef PAVANE_IMAGE_H
#define PAVANE_IMAGE_H

extern const char _image_start[], _image_end[];
extern const char _text_start[], _text_end[];
extern const char _rodata_start[], _rodata_end[];
extern const char _embedded_start[], _embedded_end[];
extern const char _data_start[];

#endif
