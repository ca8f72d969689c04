/* SPDX-License-Identifier: GPL-2.0-only */
/* Intervals to be exported: a usual one, one full of hostile names, one without a row. */
#ifndef EXPORT_FIXTURE_H
#define EXPORT_FIXTURE_H

#include "fixture.h"

#include <stdlib.h>

#include "../../user/export.h"

/* Names that other people gave to their processes, threads, files and functions. */
#define ESCAPE	"\x1b[2J\x1b]0;owned\x07"
#define INVALID "bad\xff\xfe\xc3"
#define FORMULA "=cmd|'/c calc'!A1"
#define QUOTES	"say \"hi\", \\ friend"
#define LINES	"two\r\nlines"
#define BIDI              \
	"abc\xe2\x80\xae" \
	"cba"

static inline void add_hostile(struct snapshot *s)
{
	static const struct frame frames[] = {
		{ ESCAPE, INVALID, 0x10, LINES, 3, "native" },
		{ NULL, NULL, UINT64_MAX, NULL, 0, NULL },
	};
	static const char *const names[] = { ESCAPE, INVALID, FORMULA, QUOTES, LINES, BIDI, "+1" };
	struct site *site;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct fixture_lock f = fixture_locks[0];

		f.pid = 70 + i;
		f.comm = f.name = f.where = names[i];
		f.waiting = 1;
		fixture__add_lock(s, &f);
	}
	site = snapshot__alloc(s, 1, sizeof(*site));
	site->frames = snapshot__alloc(s, ARRAY_SIZE(frames), sizeof(*frames));
	memcpy(site->frames, frames, sizeof(frames));
	site->n_frames = ARRAY_SIZE(frames);
	site->share = 1;
	site->truncated = true;
	s->locks[s->n_locks - 1].sites = site;
	s->locks[s->n_locks - 1].n_sites = 1;
	fixture__add_processes(s);
	s->processes[0].user = ESCAPE;
	s->processes[0].cgroup = FORMULA;
	s->processes[0].runtime = INVALID;
	s->processes[1].user = NULL;
	s->processes[1].threads = -1;
	fixture__add_threads(s);
}

static inline struct snapshot *plain(void)
{
	struct snapshot *s = fixture__new(1);

	s->time.tv_nsec = 123999999;
	s->self.probe_known = true;
	s->self.probe_ns = 7 * MS;
	s->self.probe_runs = 84000;
	return s;
}

static inline struct snapshot *hostile(void)
{
	struct snapshot *s = fixture__empty(2);

	add_hostile(s);
	s->losses[LOSS_LOCKS_FULL] = 12;
	return s;
}

static inline struct snapshot *empty(void)
{
	return fixture__empty(3);
}

static inline char *export(const char *format, const struct snapshot *s, const struct options *o,
			   bool first)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(exporter__find(format)->write(f, s, o, first), 0);
	fclose(f);
	assert_int_equal(strlen(text), size);
	return text;
}

#endif
