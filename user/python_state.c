// SPDX-License-Identifier: GPL-2.0-only
#include "python_state.h"

#include "util.h"

#define VALUE_MAX   (1LL << 40) /* more than anybody counts with these */
#define ROW_MEMBERS 2

enum how {
	AS_INTEGER,
	AS_LENGTH, /* of a list or deque */
};

/* Attributes of the standard library's classes, the same in 3.8 to 3.13. */
static const struct row {
	enum lock_kind kind;
	struct {
		const char *attribute;
		enum how how;
		size_t at; /* in struct python_lock_state */
	} members[ROW_MEMBERS];
} rows[] = {
	{ KIND_PY_BARRIER,
	  { { "_parties", AS_INTEGER, offsetof(struct python_lock_state, parties) },
	    { "_count", AS_INTEGER, offsetof(struct python_lock_state, arrived) } } },
	{ KIND_PY_QUEUE,
	  { { "maxsize", AS_INTEGER, offsetof(struct python_lock_state, capacity) },
	    { "queue", AS_LENGTH, offsetof(struct python_lock_state, size) } } },
};

static bool read_member(struct python_target *t, uint64_t value, enum how how, int64_t *ret)
{
	if (!value)
		return false;
	if (how == AS_INTEGER)
		return !python__integer(t, value, ret);
	return !python__read(t, value + t->layout->object.length, ret, sizeof(*ret));
}

bool python_state__read(struct python_target *t, enum lock_kind kind, uint64_t object,
			struct python_lock_state *ret)
{
	struct python_lock_state state = PYTHON_LOCK_STATE_UNKNOWN;
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t j = 0; rows[i].kind == kind && j < ROW_MEMBERS; j++) {
			const char *attribute = rows[i].members[j].attribute;
			int64_t value;

			if (!read_member(t, python__attribute(t, object, attribute),
					 rows[i].members[j].how, &value) ||
			    value < 0 || value > VALUE_MAX)
				continue;
			*(int64_t *)((char *)&state + rows[i].members[j].at) = value;
			any = true;
		}
	}
	if (any)
		*ret = state;
	return any;
}
