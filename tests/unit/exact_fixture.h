/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the exact tier adds to the made-up machine: figures of each lock, locks that nobody waited
 * for, orders that contradict each other. Included by fixture.h.
 */
#ifndef EXACT_FIXTURE_H
#define EXACT_FIXTURE_H

struct fixture_exact {
	uint64_t acquisitions, reads, contended, failures, releases, signals;
	uint64_t call_wait_ms, hold_ms, read_hold_ms, max_hold_us, owner_changes;
	bool hold_known;
};

/* In the order of fixture_locks. */
static const struct fixture_exact fixture_exact[] = {
	{ 912340, 0, 84210, 120, 912338, 0, 2420, 870, 0, 1900, 411000, true },
	{ 41200, 40900, 310, 4, 41200, 0, 655, 3120, 2900, 23100, 12000, true },
	{ 12, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, false },
	{ 5400, 0, 1200, 7, 5391, 0, 93, 4100, 0, 0, 2100, true },
	{ 88, 0, 88, 0, 88, 0, 4, 8, 0, 95, 3, true },
	{ 3, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, false },
	{ 41, 0, 41, 0, 41, 0, 12, 11, 0, 760, 40, true },
};

static inline void fixture__set_exact(struct lock *l, const struct fixture_exact *e)
{
	l->exact = true;
	l->acquisitions = e->acquisitions;
	l->read_acquisitions = e->reads;
	l->contended = e->contended;
	l->try_failures = e->failures;
	l->releases = e->releases;
	l->signals = e->signals;
	l->call_wait_ns = e->call_wait_ms * MS;
	l->hold_known = e->hold_known;
	l->hold_ns = e->hold_ms * MS;
	l->read_hold_ns = e->read_hold_ms * MS;
	l->max_hold_ns = e->max_hold_us * 1000;
	l->owner_changes = e->owner_changes;
	for (unsigned int i = 8; e->max_hold_us && i < 36; i++)
		l->hold_hist[i] = (i - 7) * (36 - i) * e->releases / 4060;
}

/*
 * Figures of all locks of fixture__new(), and four locks that nobody waited for: a spinlock and a
 * mutex that are taken often, one whose tries all fail, and one that is only known. share: of the
 * interval that was counted.
 */
static inline void fixture__add_exact(struct snapshot *s, double share)
{
	static const struct fixture_lock quiet[] = {
		{ 977, "queued", 0x5581f2a41000, KIND_SPIN, CLASS_CONTENTION, "stats_spin", "count",
		  0, 0, 0, 0 },
		{ 6000, "quiet", 0x601000, KIND_MUTEX, CLASS_CONTENTION, NULL, "fast_path", 0, 0, 0,
		  0 },
		{ 6000, "quiet", 0x601040, KIND_MUTEX, CLASS_CONTENTION, NULL, "poll", 0, 0, 0, 0 },
		{ 6000, "quiet", 0x601080, KIND_MUTEX, CLASS_CONTENTION, NULL, NULL, 0, 0, 0, 0 },
	};
	static const struct fixture_exact figures[] = {
		{ 1200000, 0, 900, 0, 1200000, 0, 1, 240, 0, 12, 810000, true },
		{ 7400000, 0, 0, 0, 7400000, 0, 0, 410, 0, 3, 0, true },
		{ 0, 0, 0, 5000, 0, 0, 0, 0, 0, 0, 0, true },
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, true },
	};

	s->exact = true;
	s->exact_share = share;
	for (size_t i = 0; i < ARRAY_SIZE(fixture_exact); i++)
		fixture__set_exact(&s->locks[i], &fixture_exact[i]);
	for (size_t i = 0; i < ARRAY_SIZE(quiet); i++) {
		fixture__add_lock(s, &quiet[i]);
		fixture__set_exact(&s->locks[s->n_locks - 1], &figures[i]);
	}
	s->processes[s->n_processes++] =
		(struct process){ .pid = 6000, .comm = "quiet", .user = "root", .threads = 2 };
	for (size_t i = 0; i < s->n_processes; i++) {
		struct process *p = &s->processes[i];

		p->calls_known = p->pid != 31337;
		p->futex_calls = 3 * p->sleeps;
		p->futex_again = p->sleeps / 7;
		p->futex_wakes = 2 * p->sleeps;
		p->futex_idle_wakes = p->sleeps / 11;
	}
}

static inline struct inversion_edge fixture__edge(struct snapshot *s, const char *from,
						  const char *to, const struct frame *frames,
						  size_t n)
{
	struct inversion_edge e = { .n_frames = n };

	snprintf(e.from, sizeof(e.from), "%s", from);
	snprintf(e.to, sizeof(e.to), "%s", to);
	e.frames = n ? snapshot__alloc(s, n, sizeof(*e.frames)) : NULL;
	if (n)
		memcpy(e.frames, frames, n * sizeof(*e.frames));
	return e;
}

/*
 * Two locks of the database in both orders, reported first now; three of another process in a
 * circle, known already, of which less is known.
 */
static inline void fixture__add_inversions(struct snapshot *s)
{
	static const struct frame open_frames[] = {
		{ "pthread_rwlock_wrlock", FIXTURE_LIBC, 0x8d2b0, NULL, 0, "native", NULL },
		{ "open_table", FIXTURE_DB, 0x41f20, "/build/db/sql/table_cache.cc", 412, "native",
		  NULL },
		{ "execute_query", FIXTURE_DB, 0x30110, "sql/query.cc", 88, "native", NULL },
	};
	static const struct frame flush_frames[] = {
		{ "pthread_mutex_lock", FIXTURE_LIBC, 0x8a2b0, NULL, 0, "native", NULL },
		{ "flush_log_to_disk", FIXTURE_DB, 0x51f20, "sql/log.cc", 120, "native", NULL },
	};
	static struct frame taken = { "begin_query", FIXTURE_DB, 0x30010, "sql/query.cc", 61,
				      "native",	     NULL };
	struct inversion *two = snapshot__alloc(s, 2, sizeof(*two)), *three = two + 1;
	const char *const ids[] = { "977:0x5581f2a40a20", "977:0x5581f2a40b00",
				    "977:0x5581f2a41000" };

	s->inversions = two;
	s->n_inversions = 2;
	*two = (struct inversion){ .pid = 4242, .comm = "dbserver", .fresh = true, .n_edges = 2 };
	two->edges = snapshot__alloc(s, 2, sizeof(*two->edges));
	two->edges[0] = fixture__edge(s, s->locks[0].id, s->locks[1].id, open_frames,
				      ARRAY_SIZE(open_frames));
	two->edges[0].from_name = "table_cache_lock";
	two->edges[0].from_frame = &taken;
	two->edges[0].tid = 4243;
	two->edges[0].count = 120;
	two->edges[1] = fixture__edge(s, s->locks[1].id, s->locks[0].id, flush_frames,
				      ARRAY_SIZE(flush_frames));
	two->edges[1].to_name = "table_cache_lock";
	two->edges[1].tid = 4300;
	two->edges[1].count = 1;
	two->edges[1].truncated = true;
	*three = (struct inversion){ .pid = 977, .comm = "queued", .n_edges = 3 };
	three->edges = snapshot__alloc(s, 3, sizeof(*three->edges));
	for (int i = 0; i < 3; i++) {
		three->edges[i] = fixture__edge(s, ids[i], ids[(i + 1) % 3], NULL, 0);
		three->edges[i].tid = 980 + i;
		three->edges[i].count = 7 * (i + 1);
	}
	three->edges[0].from_name = three->edges[2].to_name = "slots";
}

#endif
