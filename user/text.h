/* SPDX-License-Identifier: GPL-2.0-only */
/* Text for people: units, and foreign bytes made harmless. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdint.h>

/* 0, 812ns, 1.2us, 34ms, 2.41s, 3m05s, 4h12m, 12d03h: at most 6 columns. */
void text__duration(char *buf, size_t size, uint64_t ns);
/* 0, 12, 9999, 84k, 1.2M, ...: at most 5 columns. */
void text__count(char *buf, size_t size, double n);
/* 0.00, 0.03, 2.41, 31.6, 812: at most 5 columns. */
void text__load(char *buf, size_t size, double n);
/* 7%, <1%: a share (0..1) that is small is not none. At most 4 columns. */
void text__percent(char *buf, size_t size, double share);
/* 512B, 4.2M, 1.1G. */
void text__bytes(char *buf, size_t size, uint64_t n);

/*
 * Copies a foreign string so that no byte of it can act on a terminal: control characters, C1
 * controls, bidirectional overrides and invalid UTF-8 become '?'. Valid UTF-8 stays. Never cuts
 * inside a character. Returns buf.
 */
char *text__clean(char *buf, size_t size, const char *s);

/* Columns that valid UTF-8 takes on a terminal. */
int text__columns(const char *s);
/* Bytes of the longest prefix of s that takes at most columns columns. */
size_t text__prefix(const char *s, int columns);

#endif
