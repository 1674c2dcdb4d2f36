/* SPDX-License-Identifier: MIT */
/* Names for addresses of our text, out of the table that the build puts into the image. */
#ifndef LIB_SYMBOLS_H
#define LIB_SYMBOLS_H

/* The function that @addr lies in, and how far; NULL if it lies in none. */
const char *symbol_find(unsigned long addr, unsigned long *offset);

#endif
