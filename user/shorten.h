/* SPDX-License-Identifier: GPL-2.0-only */
/* Names that are longer than their place: what tells them apart stays. */
#ifndef SHORTEN_H
#define SHORTEN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A function's name, cleaned, in at most columns columns: template arguments and parameters go
 * first, the deepest before the others, then the middle. A place behind it, " (file.py:12)", loses
 * its line last of all. utf8: the terminal has more than ASCII.
 */
void shorten__function(char *buf, size_t size, const char *name, int columns, bool utf8);

/* A place (file:line, module+0xoffset), cleaned and without directories: its end stays longest. */
void shorten__place(char *buf, size_t size, const char *place, int columns, bool utf8);

#endif
