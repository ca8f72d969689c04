// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits for flame graphs: a line a stack, `command;outermost;...;innermost;lock weight`, the weight
 * in ns of wait. Lines of several intervals add up. A lock's weights are all of its wait: what was
 * sampled divides it, and without a sample it stands under [no stack].
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "select.h"
#include "text.h"
#include "util.h"

/* One frame: what separates frames must not stand in it. */
static void put_frame(FILE *out, const char *name)
{
	char clean[4096];

	text__clean(clean, sizeof(clean), name);
	for (char *c = clean; *c; c++)
		fputc(*c == ';' ? ':' : *c, out);
}

static void put_stack_frame(FILE *out, const struct frame *f)
{
	const char *slash = f->module ? strrchr(f->module, '/') : NULL;
	const char *module = slash ? slash + 1 : f->module;

	if (f->function && f->function[0]) {
		put_frame(out, f->function);
	} else if (module && module[0]) {
		put_frame(out, module);
		fprintf(out, "+0x%" PRIx64, f->offset);
	} else {
		fputs("[unknown]", out);
	}
	fputc(';', out);
}

static void put_lock(FILE *out, const struct lock *lock, uint64_t weight)
{
	fputs("lock:", out);
	if (lock->name)
		put_frame(out, lock->name);
	else
		fprintf(out, "%s 0x%" PRIx64, lock_kind_names[lock->kind], lock->address);
	fprintf(out, " %" PRIu64 "\n", weight);
}

static void put_command(FILE *out, const struct lock *lock)
{
	put_frame(out, lock->comm && lock->comm[0] ? lock->comm : "?");
	fputc(';', out);
}

static void put_site(FILE *out, const struct lock *lock, const struct site *site)
{
	put_command(out, lock);
	if (site->truncated)
		fputs("[truncated];", out);
	for (size_t i = site->n_frames; i-- > 0;)
		put_stack_frame(out, &site->frames[i]);
	put_lock(out, lock, site->wait_ns);
}

/* What no stack accounts for is more than what whole ns lose in being divided. */
static void put_sites(FILE *out, const struct lock *lock)
{
	uint64_t rest = lock->wait_ns;

	for (size_t i = 0; i < lock->n_sites; i++) {
		const struct site *site = &lock->sites[i];

		if (site->role != ROLE_WAITER || !site->wait_ns)
			continue;
		put_site(out, lock, site);
		rest -= MIN(rest, site->wait_ns);
	}
	if (rest <= lock->n_sites)
		return;
	put_command(out, lock);
	fputs("[no stack];", out);
	put_lock(out, lock, rest);
}

int export_folded__write(FILE *out, const struct snapshot *s, const struct options *o, bool first)
{
	size_t n;
	const void **rows = select__rows(s, o, ENTITY_LOCK, &n);

	(void)first;
	for (size_t i = 0; i < n; i++)
		put_sites(out, rows[i]);
	free(rows);
	return ferror(out) ? -EIO : 0;
}
