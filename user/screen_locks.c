// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "screen.h"

static void empty(const struct snapshot *s, const struct view *v, char *buf, size_t size)
{
	const struct level *l = view__clevel(v);

	if (l->pid && s && !l->filter[0])
		snprintf(buf, size, "%s: no thread waited for a lock in this interval.%s", l->label,
			 v->idle ? "" : " i shows idle waits.");
	else if (!screen_list__why_empty(s, v, buf, size))
		snprintf(buf, size, "No lock was %swaited for in this interval.",
			 v->exact ? "taken or " : "");
}

const struct list_screen screen_locks = { "Locks", empty };
