/* SPDX-License-Identifier: GPL-2.0-only */
/* Fields as they are shown. */
#ifndef FIELDS_FIXTURE_H
#define FIELDS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../user/fields.h"

static inline void assert_shown(enum entity entity, const char *key, const void *row,
				uint64_t interval_ns, const char *expected)
{
	const struct field *f = fields__find(entity, key);
	char buf[128];

	assert_non_null(f);
	field__format(f, row, interval_ns, buf, sizeof(buf));
	assert_string_equal(buf, expected);
}

#endif
