/* SPDX-License-Identifier: GPL-2.0-only */
/* What a run may be ended by (--fail-on), for jobs that must not hang or pass. One row each. */
#ifndef FAIL_ON_H
#define FAIL_ON_H

#include <stdbool.h>
#include <stddef.h>

#include "model.h"

struct fail_on {
	const char *name;
	const char *help;
	/* Is it so in this snapshot? Then message (one line) says where. */
	bool (*found)(const struct snapshot *s, char *message, size_t size);
};

/* The table; it ends with a row without a name. */
extern const struct fail_on fail_ons[];
const struct fail_on *fail_on__find(const char *name);

#endif
