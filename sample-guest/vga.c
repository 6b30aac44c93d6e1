/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 18: the text buffer of a display adapter, where there is one: IBM VGA technical
 * reference. Otherwise there is RAM at its place, or nothing.
 */
#include "kernel.h"

#define TEXT 0xb8000
#define COLUMNS 80
#define WHITE_ON_BLUE 0x1f00

static volatile uint16_t *cell(unsigned row, unsigned column)
{
	return (volatile uint16_t *)phys_to_virt(TEXT) + row * COLUMNS + column;
}

/* A line of text, padded to the width of the screen. */
void vga_line(unsigned row, const char *text)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		*cell(row, i) = WHITE_ON_BLUE | (uint8_t)(*text ? *text++ : ' ');
}

char vga_read(unsigned row, unsigned column)
{
	return (char)*cell(row, column);
}
