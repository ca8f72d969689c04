/* SPDX-License-Identifier: GPL-2.0-only */
/* What was seen before, and the number that it was given: texts, frames, stacks as bytes. */
#ifndef DICTIONARY_H
#define DICTIONARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dictionary;

struct dictionary *dictionary__new(void);
void dictionary__free(struct dictionary *d);

/* Forgets everything. */
void dictionary__clear(struct dictionary *d);

/* Memory that it holds, in bytes. */
size_t dictionary__bytes(const struct dictionary *d);

/* The number of these bytes; new ones get `next` and are kept, as a copy. */
int64_t dictionary__number(struct dictionary *d, const void *bytes, size_t size, int64_t next);

#endif
