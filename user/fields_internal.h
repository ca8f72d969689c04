/* SPDX-License-Identifier: GPL-2.0-only */
/* How the functions behind the columns make their values. */
#ifndef FIELDS_INTERNAL_H
#define FIELDS_INTERNAL_H

#include "fields.h"
#include "util.h"

static inline struct value number(uint64_t n)
{
	return (struct value){ .known = true, .number = (int64_t)MIN(n, (uint64_t)INT64_MAX) };
}

/* NULL: unknown. */
static inline struct value text(const char *s)
{
	return (struct value){ .known = s, .text = s };
}

/* Unknown, printed as a ?: it was not observed, or cannot be told. */
static inline struct value unknown(void)
{
	return (struct value){};
}

/* Unknown because there is nothing to know. */
static inline struct value nothing(void)
{
	return (struct value){ .text = "-" };
}

#endif
