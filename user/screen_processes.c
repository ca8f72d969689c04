// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "screen.h"

static void empty(const struct snapshot *s, const struct view *v, char *buf, size_t size)
{
	if (!screen_list__why_empty(s, v, buf, size))
		snprintf(buf, size, "No process waited for a lock in this interval.");
}

const struct list_screen screen_processes = { "Processes", empty };
