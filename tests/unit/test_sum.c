// SPDX-License-Identifier: GPL-2.0-only
/* Several intervals as one. */
#include "export_fixture.h"

#include <math.h>

#include "../../user/sum.h"
#include "python_fixture.h"

/* Makes snapshots into their sum, and frees them. */
static struct snapshot *sum_of(struct snapshot *const *s, size_t n)
{
	struct sum *sum = sum__new();

	for (size_t i = 0; i < n; i++)
		sum__add(sum, s[i]);
	return sum__finish(sum);
}

#define SUM(...)                                          \
	sum_of((struct snapshot *const[]){ __VA_ARGS__ }, \
	       ARRAY_SIZE(((struct snapshot *[]){ __VA_ARGS__ })))

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

/* One interval is its own sum, to the digit; none has none; a sum may be given up. */
static void keeps_one(void **state)
{
	struct snapshot *s = owned(), *sum = SUM(s);
	struct sum *given_up = sum__new();

	(void)state;
	assert_ptr_equal(sum, s);
	snapshot__free(sum);
	assert_null(sum__finish(sum__new()));
	sum__add(given_up, exact());
	sum__add(given_up, exact());
	sum__free(given_up);
	sum__free(NULL);
}

/* Counts and times are added, maxima kept, what is of a moment is that of the last one. */
static void adds_figures(void **state)
{
	struct snapshot *a = plain(), *b = plain(), *one = plain(), *s;
	const struct lock *l, *was = &one->locks[0];

	(void)state;
	a->losses[LOSS_LOCKS_FULL] = 3;
	b->losses[LOSS_LOCKS_FULL] = 4;
	a->locks[0].max_ns = 7 * NSEC_PER_SEC;
	b->locks[0].waiting = 1;
	b->locks[0].oldest_ns = 5;
	b->totals.waiting = 9;
	b->time.tv_sec += 60;
	b->interval_ns = 3 * NSEC_PER_SEC;
	b->self.rss_bytes = 1;
	s = SUM(a, b);
	assert_int_equal(s->interval_ns, 4 * NSEC_PER_SEC);
	assert_int_equal(s->time.tv_sec, one->time.tv_sec + 60);
	assert_string_equal(s->host, one->host);
	assert_int_equal(s->losses[LOSS_LOCKS_FULL], 7);
	assert_int_equal(s->self.cpu_ns, 2 * one->self.cpu_ns);
	assert_int_equal(s->self.rss_bytes, one->self.rss_bytes);
	assert_int_equal(s->totals.wait_ns, 2 * one->totals.wait_ns);
	assert_int_equal(s->totals.sleeps, 2 * one->totals.sleeps);
	assert_int_equal(s->totals.waiting, 9);
	assert_int_equal(s->idle.wait_ns, 2 * one->idle.wait_ns);
	assert_int_equal(s->n_locks, one->n_locks);
	assert_int_equal(s->n_threads, one->n_threads);
	assert_int_equal(s->n_processes, one->n_processes);
	assert_int_equal(s->n_thread_locks, one->n_thread_locks);
	l = fixture__lock(s, was->id);
	assert_int_equal(l->sleeps, 2 * was->sleeps);
	assert_int_equal(l->wait_ns, 2 * was->wait_ns);
	assert_int_equal(l->blocked_ns, 2 * was->blocked_ns);
	assert_int_equal(l->delay_ns, 2 * was->delay_ns);
	assert_int_equal(l->max_ns, 7 * NSEC_PER_SEC);
	assert_int_equal(l->hist[60], 2 * was->hist[60]);
	assert_int_equal(l->waiting, 1);
	assert_int_equal(l->oldest_ns, 5);
	assert_string_equal(l->name, was->name);
	assert_int_equal(s->processes[0].wait_ns, 2 * one->processes[0].wait_ns);
	assert_int_equal(s->processes[0].idle_wait_ns, 2 * one->processes[0].idle_wait_ns);
	assert_string_equal(s->processes[0].cgroup, one->processes[0].cgroup);
	assert_int_equal(s->threads[0].wait_ns, 2 * one->threads[0].wait_ns);
	assert_int_equal(s->thread_locks[0].sleeps, 2 * one->thread_locks[0].sleeps);
	snapshot__free(one);
	snapshot__free(s);
}

/* Whatever locks come and go, each one's figures are the sum of its intervals'. */
static void adds_what_comes_and_goes(void **state)
{
	static const size_t n = ARRAY_SIZE(fixture_locks);
	uint64_t waits[16] = {}, sleeps[16] = {}, total = 0;
	unsigned int random = 12345;
	struct sum *sum = sum__new();
	struct snapshot *s;
	size_t seen = 0;

	(void)state;
	for (int interval = 0; interval < 50; interval++) {
		s = fixture__empty(interval);
		for (size_t i = 0; i < n; i++) {
			struct fixture_lock f = fixture_locks[i];

			random = random * 1103515245 + 12345;
			f.sleeps = random >> 16 & 0xff;
			f.wait_ms = random >> 8 & 0xff;
			if (random >> 28 < 8)
				continue;
			fixture__add_lock(s, &f);
			sleeps[i] += f.sleeps;
			waits[i] += f.wait_ms * MS;
		}
		fixture__add_processes(s);
		fixture__add_threads(s);
		total += s->totals.wait_ns + s->idle.wait_ns;
		sum__add(sum, s);
	}
	s = sum__finish(sum);
	for (size_t i = 0; i < n; i++) {
		const struct fixture_lock *f = &fixture_locks[i];
		char id[32];

		snprintf(id, sizeof(id), "%d:0x%llx", f->pid, (unsigned long long)f->address);
		seen += sleeps[i] > 0;
		assert_int_equal(fixture__lock(s, id)->wait_ns, waits[i]);
		assert_int_equal(fixture__lock(s, id)->sleeps, sleeps[i]);
		total -= waits[i];
	}
	assert_int_equal(seen, s->n_locks);
	assert_int_equal(total, 0);
	snapshot__free(s);
}

static struct frame place_frames[] = { { "f", "/lib/x.so", 16, "f.c", 1, "native", NULL } };
static struct frame rebuilt_frames[] = { { "f", "/lib/x.so", 16, "f.c", 1, "native", "aa01" } };
static struct frame other_frames[] = { { "g", "/lib/x.so", 32, "g.c", 2, "native", NULL } };

/* An interval with one lock and sites in f() and g(); a share of 0: not there. */
static struct snapshot *with_sites(uint64_t number, uint64_t wait_ms, double f, double g)
{
	struct snapshot *s = fixture__empty(number);
	struct fixture_lock lock = fixture_locks[0];
	struct lock *l = &s->locks[0];

	lock.wait_ms = wait_ms;
	fixture__add_lock(s, &lock);
	fixture__add_processes(s);
	fixture__add_threads(s);
	l->sites = snapshot__alloc(s, 2, sizeof(*l->sites));
	if (f > 0)
		l->sites[l->n_sites++] = (struct site){ .samples = 4,
							.share = f,
							.wait_ns = f * l->wait_ns,
							.frames = place_frames,
							.n_frames = 1 };
	if (g > 0)
		l->sites[l->n_sites++] = (struct site){ .samples = 4,
							.share = g,
							.wait_ns = g * l->wait_ns,
							.frames = other_frames,
							.n_frames = 1 };
	return s;
}

/* Sites are the same if their frames are; shares weigh as much as their intervals' waits. */
static void merges_sites(void **state)
{
	struct snapshot *s = SUM(with_sites(1, 100, 1, 0), with_sites(2, 300, 0.25, 0.75)), *other;
	const struct lock *l = &s->locks[0];

	(void)state;
	assert_int_equal(l->n_sites, 2);
	assert_string_equal(l->sites[0].frames[0].function, "g");
	assert_true(near(l->sites[0].share, 225.0 / 400));
	assert_true(near(l->sites[1].share, 175.0 / 400));
	assert_int_equal(l->sites[0].wait_ns, 225 * MS);
	assert_int_equal(l->sites[1].wait_ns, 175 * MS);
	assert_int_equal(l->sites[0].samples, 4);
	assert_int_equal(l->sites[1].samples, 8);
	snapshot__free(s);

	/* another build of the library is another place */
	other = with_sites(2, 300, 1, 0);
	other->locks[0].sites[0].frames = rebuilt_frames;
	s = SUM(with_sites(1, 100, 1, 0), other);
	assert_int_equal(s->locks[0].n_sites, 2);
	assert_string_equal(s->locks[0].sites[0].frames[0].build_id, "aa01");
	snapshot__free(s);

	/* where nobody waited, the intervals' shares count alike */
	s = SUM(with_sites(1, 0, 1, 0), with_sites(2, 0, 0.5, 0.5));
	assert_true(near(s->locks[0].sites[0].share, 0.75));
	assert_string_equal(s->locks[0].sites[0].frames[0].function, "f");
	snapshot__free(s);

	/* a recording may say anything */
	s = SUM(with_sites(1, 100, 1e300, NAN), with_sites(2, UINT64_MAX / MS, 7, 0.5));
	for (size_t i = 0; i < s->locks[0].n_sites; i++)
		assert_true(s->locks[0].sites[i].share >= 0 && s->locks[0].sites[i].share <= 1);
	snapshot__free(s);
}

/* Holders are added by thread and proof; one that is no row of the sum keeps its name. */
static void merges_holders(void **state)
{
	struct snapshot *a = with_sites(1, 100, 1, 0), *b = with_sites(2, 300, 1, 0), *s;
	struct thread outside = { .pid = 4242, .tid = 99, .comm = "gone" };
	const struct holder *h;

	(void)state;
	add_holder(a, &a->locks[0], &a->threads[0], PROOF_LOCK_WORD, 1);
	add_holder(b, &b->locks[0], &b->threads[0], PROOF_LOCK_WORD, 0.5);
	add_holder(b, &b->locks[0], &outside, PROOF_LAST_WAKER, 0.5);
	s = SUM(a, b);
	h = s->locks[0].holders;
	assert_int_equal(s->locks[0].n_holders, 2);
	assert_ptr_equal(h[0].thread, &s->threads[0]);
	assert_true(near(h[0].share, 250.0 / 400));
	assert_int_equal(h[0].wait_ns, 250 * MS);
	assert_int_equal(h[0].samples, 15);
	assert_string_equal(h[1].thread->comm, "gone");
	assert_int_equal(h[1].proof, PROOF_LAST_WAKER);
	snapshot__free(s);
}

static struct snapshot *with_kind(uint64_t number, enum lock_kind kind, uint32_t gen)
{
	struct snapshot *s = with_sites(number, 100 * number, 1, 0);

	s->locks[0].kind = kind;
	s->processes[0].gen = gen;
	return s;
}

/*
 * A kind that was found out late is of the same lock, and so are both sides of a rwlock; another
 * kind at the same address is another lock, and so is the same in another life of the process.
 */
static void tells_locks_apart(void **state)
{
	static const struct {
		enum lock_kind a, b, sum;
		uint32_t gen;
		size_t n;
	} rows[] = {
		{ KIND_FUTEX, KIND_MUTEX, KIND_MUTEX, 0, 1 },
		{ KIND_MUTEX, KIND_FUTEX, KIND_MUTEX, 0, 1 },
		{ KIND_RWLOCK_READ, KIND_RWLOCK_WRITE, KIND_RWLOCK_WRITE, 0, 1 },
		{ KIND_MUTEX, KIND_SEM, KIND_MUTEX, 0, 2 },
		{ KIND_MUTEX, KIND_MUTEX, KIND_MUTEX, 1, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct snapshot *s =
			SUM(with_kind(1, rows[i].a, 0), with_kind(2, rows[i].b, rows[i].gen));

		assert_int_equal(s->n_locks, rows[i].n);
		assert_int_equal(s->n_processes, rows[i].gen ? 2 : 1);
		assert_int_equal(s->locks[0].kind, rows[i].sum);
		assert_int_equal(s->locks[0].wait_ns, rows[i].n == 1 ? 300 * MS : 100 * MS);
		snapshot__free(s);
	}
}

/* Rows of one interval are never made one, though they look alike. */
static void keeps_rows_apart(void **state)
{
	struct snapshot *s;
	struct snapshot *both[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		both[i] = with_kind(i + 1, KIND_FUTEX, 0);
		both[i]->locks[1] = both[i]->locks[0];
		both[i]->locks[1].kind = KIND_MUTEX;
		both[i]->n_locks = 2;
	}
	s = sum_of(both, 2);
	assert_int_equal(s->n_locks, 2);
	assert_int_equal(s->locks[0].wait_ns, 300 * MS);
	assert_int_equal(s->locks[1].wait_ns, 300 * MS);
	snapshot__free(s);
}

/* Who waits, who holds and deadlocks are those of the end, in the sum's own rows. */
static void ends_with_the_last(void **state)
{
	struct snapshot *first = owned(), *last = owned(), *s;
	const struct lock *config, *table;

	(void)state;
	/* the config lock is no more in the last one; its threads wait for nothing */
	last->n_locks--;
	last->n_threads -= 3;
	last->n_thread_locks -= 3;
	s = SUM(first, last);
	config = fixture__lock(s, CONFIG_LOCK);
	table = fixture__lock(s, TABLE_LOCK);
	assert_int_equal(config->waiting, 0);
	assert_int_equal(config->oldest_ns, 0);
	assert_int_equal(config->readers, -1);
	assert_null(config->owner);
	assert_int_equal(s->threads[s->n_threads - 1].waiting_ns, 0);
	assert_null(s->threads[s->n_threads - 1].waiting_for);
	assert_int_equal(s->n_deadlocks, 2);
	for (size_t i = 0; i < s->n_deadlocks; i++) {
		for (size_t j = 0; j < s->deadlocks[i].n_threads; j++) {
			const struct deadlock_thread *t = &s->deadlocks[i].threads[j];

			assert_true(t->thread >= s->threads &&
				    t->thread < s->threads + s->n_threads);
			assert_true(t->waits_for >= s->locks &&
				    t->waits_for < s->locks + s->n_locks);
			assert_ptr_equal(t->thread->waiting_for, t->waits_for);
		}
	}
	assert_true(table->deadlocked);
	assert_int_equal(table->owner->proof, PROOF_LOCK_WORD);
	assert_true(table->n_verdicts > 0);
	snapshot__free(s);
}

/* Looks are evidence: more of them is more; the call that was seen most often is named. */
static void adds_looks(void **state)
{
	static const struct {
		const char *call;
		unsigned int n;
	} rows[] = { { "read", 3 }, { "fsync", 4 }, { "read", 2 }, { NULL, 0 } };
	struct sum *sum = sum__new();
	struct snapshot *s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		s = with_sites(i + 1, 100, 1, 0);
		s->locks[0].looks = (struct lock_looks){
			.n = 5, .owned = 4, .syscall = rows[i].call, .syscalls = rows[i].n
		};
		s->locks[0].looks.state[STATE_SLEEPING] = 2;
		sum__add(sum, s);
	}
	s = sum__finish(sum);
	assert_int_equal(s->locks[0].looks.n, 20);
	assert_int_equal(s->locks[0].looks.owned, 16);
	assert_int_equal(s->locks[0].looks.state[STATE_SLEEPING], 8);
	assert_string_equal(s->locks[0].looks.syscall, "read");
	assert_int_equal(s->locks[0].looks.syscalls, 5);
	snapshot__free(s);
}

/* The exact tier's share is that of all the time; what was new in one interval is new in the sum.
 */
static void adds_exact(void **state)
{
	struct snapshot *a = exact(), *b = exact(), *c = plain(), *one = exact(), *s;
	size_t exact_locks = 0;

	(void)state;
	a->exact_share = 0.5;
	b->interval_ns = 2 * NSEC_PER_SEC;
	for (size_t i = 0; i < b->n_inversions; i++)
		b->inversions[i].fresh = false;
	a->inversions[0].fresh = true;
	s = SUM(a, c, b);
	assert_true(s->exact);
	assert_true(near(s->exact_share, 2.5 / 4));
	for (size_t i = 0; i < s->n_locks; i++) {
		const struct lock *l = &s->locks[i], *was = &one->locks[i];

		assert_int_equal(l->exact, was->exact);
		if (!was->exact)
			continue;
		exact_locks++;
		assert_int_equal(l->acquisitions, 2 * was->acquisitions);
		assert_int_equal(l->try_failures, 2 * was->try_failures);
		assert_int_equal(l->hold_known, was->hold_known);
		assert_int_equal(l->hold_ns, 2 * was->hold_ns);
		assert_int_equal(l->max_hold_ns, was->max_hold_ns);
		assert_int_equal(hist__count(l->hold_hist), 2 * hist__count(was->hold_hist));
	}
	assert_true(exact_locks > 0);
	assert_int_equal(s->n_inversions, one->n_inversions);
	assert_true(s->inversions[0].fresh);
	snapshot__free(one);
	snapshot__free(s);
}

/* The probes' figures are known in slices: those that are known stand for all of the time. */
static void scales_probes(void **state)
{
	struct snapshot *a = plain(), *b = plain(), *s;

	(void)state;
	b->self.probe_known = false;
	b->self.probe_ns = 999;
	b->interval_ns = 3 * NSEC_PER_SEC;
	s = SUM(a, b);
	assert_true(s->self.probe_known);
	assert_int_equal(s->self.probe_ns, 28 * MS);
	assert_int_equal(s->self.probe_runs, 4 * 84000);
	snapshot__free(s);
}

/* The sum stands by itself: all of it can be written though its intervals are gone. */
static void stands_alone(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = SUM(plain(), owned(), hostile(), exact(), empty(), owned(), sliced(),
				 hostile(), owned());

	(void)state;
	o.idle = true;
	o.top = 0;
	for (const struct exporter *e = exporters; e->name; e++) {
		char *bytes = NULL;
		size_t size;
		FILE *out;

		if (e->sleeps) /* they have no sum */
			continue;
		out = open_memstream(&bytes, &size);
		o.format = e->name;
		assert_int_equal(export__one(out, s, &o), 0);
		fclose(out);
		assert_true(size > 0);
		free(bytes);
	}
	snapshot__free(s);
}

/* A GIL's switches are added; names of threads and the state of constructs are the last ones. */
static void adds_python(void **state)
{
	struct snapshot *one = python_fixture__new(1), *s;
	size_t gils = 0, states = 0, names = 0;

	(void)state;
	s = SUM(python_fixture__new(1), python_fixture__new(2));
	assert_int_equal(s->n_locks, one->n_locks);
	for (size_t i = 0; i < s->n_locks; i++) {
		const struct lock *l = &s->locks[i], *was = &one->locks[i];

		gils += l->switches_known;
		assert_int_equal(l->switches_known, was->switches_known);
		assert_int_equal(l->switches, 2 * was->switches);
		assert_int_equal(l->forced_switches, 2 * was->forced_switches);
		assert_int_equal(!l->python, !was->python);
		if (!was->python)
			continue;
		states++;
		assert_int_equal(l->python->arrived, was->python->arrived);
		assert_int_equal(l->python->n_missing, was->python->n_missing);
		for (size_t j = 0; j < l->python->n_missing; j++)
			assert_int_equal(l->python->missing[j]->tid, was->python->missing[j]->tid);
	}
	for (size_t i = 0; i < s->n_threads; i++) {
		const struct python_row *row = s->threads[i].python;
		const struct python_row *was = one->threads[i].python;

		assert_int_equal(!row, !was);
		names += row && row->name;
		if (row && row->name)
			assert_string_equal(row->name, was->name);
		if (row)
			assert_int_equal(row->gil, was->gil);
	}
	assert_string_equal(s->processes[0].runtime, one->processes[0].runtime);
	assert_true(gils && states && names);
	snapshot__free(one);
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_one),
		cmocka_unit_test(adds_figures),
		cmocka_unit_test(adds_what_comes_and_goes),
		cmocka_unit_test(merges_sites),
		cmocka_unit_test(merges_holders),
		cmocka_unit_test(tells_locks_apart),
		cmocka_unit_test(keeps_rows_apart),
		cmocka_unit_test(ends_with_the_last),
		cmocka_unit_test(adds_looks),
		cmocka_unit_test(adds_exact),
		cmocka_unit_test(scales_probes),
		cmocka_unit_test(stands_alone),
		cmocka_unit_test(adds_python),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
