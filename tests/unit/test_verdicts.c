// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each verdict has a case that is just enough for it; then one figure after the other is taken
 * away or set just short of its threshold, and the verdict must be gone.
 */
#include "verdicts_fixture.h"

#include <stdlib.h>

#include "../../user/text.h"

static void deadlock(struct machine *m)
{
	struct deadlock_thread *threads = snapshot__alloc(m->s, 2, sizeof(*threads));

	threads[0].waits_for = &m->s->locks[1];
	threads[1].waits_for = m->lock;
	m->s->deadlocks = snapshot__alloc(m->s, 1, sizeof(*m->s->deadlocks));
	m->s->deadlocks[0] = (struct deadlock){ .pid = 7, .since_ns = 3 * NSEC_PER_SEC };
	m->s->deadlocks[0].threads = threads;
	m->s->deadlocks[0].n_threads = 2;
	m->s->n_deadlocks = 1;
	m->lock->deadlocked = true;
}

static void test_deadlock(void **state)
{
	(void)state;
	GIVEN(deadlock, "deadlock", "2 threads wait for each other in a circle, for 3.00s so far");
	GIVEN(deadlock, "deadlock", "a thread waits for itself, for 3.00s so far",
	      m.s->deadlocks[0].n_threads = 1, m.s->deadlocks[0].threads[0].waits_for = m.lock);
	/* a join in a cycle */
	GIVEN(deadlock, "deadlock", NULL, m.lock->kind = KIND_JOIN, m.lock->class = CLASS_IDLE);
	GIVEN(deadlock, "deadlock", NULL, m.s->interval_ns = 0);
	NOTHING(deadlock, m.lock->deadlocked = false);
	NOTHING(deadlock, m.s->n_deadlocks = 0);
	NOTHING(deadlock, m.s->deadlocks[0].threads[1].waits_for = &m.s->locks[1]);
}

static void owner_dead(struct machine *m)
{
	m->lock->owner_died = 99;
	m->lock->waiting = 3;
	m->lock->oldest_ns = 2 * NSEC_PER_SEC;
}

static void test_owner_dead(void **state)
{
	(void)state;
	GIVEN(owner_dead, "owner dead",
	      "thread 99 ended holding it; 3 waiting, the longest for 2.00s");
	NOTHING(owner_dead, m.lock->waiting = 0);
	NOTHING(owner_dead, m.lock->owner_died = 0);
	NOTHING(owner_dead, m.lock->class = CLASS_IDLE);
}

static void starving(struct machine *m)
{
	m->lock->kind = KIND_RWLOCK_WRITE;
	m->lock->oldest_ns = 500 * MS;
	m->lock->looks = (struct lock_looks){ .n = 2, .readers = 2, .reader_changes = 1 };
}

static void test_writer_starving(void **state)
{
	(void)state;
	GIVEN(starving, "writer starving",
	      "waited for 500ms; readers held it at all 2 looks, changes of their number: 1");
	GIVEN(starving, "writer starving", NULL, m.lock->owner = m.owner,
	      m.owner->proof = PROOF_LAST_WAKER);
	NOTHING(starving, m.lock->oldest_ns = 500 * MS - 1);
	NOTHING(starving, m.lock->kind = KIND_RWLOCK_READ);
	NOTHING(starving, m.lock->looks.reader_changes = 0);
	NOTHING(starving, m.lock->looks.readers = 1);
	NOTHING(starving, m.lock->looks.n = m.lock->looks.readers = 1);
	NOTHING(starving, m.lock->looks = (struct lock_looks){});
	NOTHING(starving, m.lock->owner = m.owner);
	NOTHING(starving, m.lock->waiting = 0);
}

static void lost(struct machine *m)
{
	m->lock->kind = KIND_COND;
	m->lock->class = CLASS_IDLE;
	m->lock->oldest_ns = 5 * NSEC_PER_SEC;
	m->lock->overtaken = 300;
	m->lock->waiting = 30;
}

static void test_lost_wakeup(void **state)
{
	(void)state;
	GIVEN(lost, "lost wake-up?",
	      "one of 30 has waited for 5.00s, while 300 wakes went to others");
	GIVEN(lost, "lost wake-up?", NULL, m.lock->waiting = 1, m.lock->overtaken = 100);
	GIVEN(lost, "lost wake-up?", NULL, m.lock->kind = KIND_SEM,
	      m.lock->class = CLASS_CONTENTION);
	NOTHING(lost, m.lock->overtaken = 299);
	NOTHING(lost, m.lock->waiting = 1, m.lock->overtaken = 99);
	NOTHING(lost, m.lock->oldest_ns = 5 * NSEC_PER_SEC - 1);
	NOTHING(lost, m.lock->kind = KIND_MUTEX);
	NOTHING(lost, m.lock->waiting = 0);
}

static void starved(struct machine *m)
{
	m->lock->delay_ns = 100 * MS;
	m->lock->blocked_ns = 100 * MS - 1;
	m->lock->wait_ns = 200 * MS - 1;
}

static void test_cpu_starved(void **state)
{
	(void)state;
	GIVEN(starved, "CPU-starved", "of load 0.20, 0.10 is woken threads that wait for a CPU");
	NOTHING(starved, m.lock->blocked_ns = 100 * MS);
	NOTHING(starved, m.lock->delay_ns = 100 * MS - 1, m.lock->blocked_ns = 0);
	NOTHING(starved, m.lock->class = CLASS_IDLE);
	NOTHING(starved, m.s->interval_ns = 0);
}

static void set_holders(struct machine *m, enum owner_proof proof, double a, double b)
{
	m->lock->holders = snapshot__alloc(m->s, 3, sizeof(*m->lock->holders));
	m->lock->holders[0] = (struct holder){ .thread = m->thread, .proof = proof, .share = a };
	m->lock->holders[1] = (struct holder){ .thread = m->thread, .proof = proof, .share = b };
	m->lock->n_holders = b ? 2 : 1;
}

static void convoy(struct machine *m)
{
	set_load(m, 2);
	m->lock->sleeps = 1000;
	m->lock->waiting = 0;
	set_holders(m, PROOF_LOCK_WORD, 0.49, 0.2);
}

static void convoy_unknown(struct machine *m)
{
	convoy(m);
	m->lock->n_holders = 0;
	m->lock->waiting = 2;
}

static void test_convoy(void **state)
{
	(void)state;
	GIVEN(convoy, "convoy",
	      "1000 sleeps/s, load 2.00, 1.0ms a turn, no holder has more than 49 %");
	GIVEN(convoy_unknown, "convoy", "1000 sleeps/s, load 2.00, 1.0ms a turn");
	GIVEN(convoy_unknown, "convoy", NULL, set_holders(&m, PROOF_LAST_WAKER, 0.49, 0.3));
	NOTHING(convoy, set_load(&m, 1.999));
	NOTHING(convoy, m.lock->sleeps = 999);
	NOTHING(convoy, m.lock->timeouts = 1); /* it gave up: nothing was handed over */
	NOTHING(convoy, m.lock->timeouts = UINT64_MAX);
	NOTHING(convoy, set_holders(&m, PROOF_LOCK_WORD, 0.5, 0.2));
	NOTHING(convoy, m.lock->class = CLASS_IDLE);
	/* consumers that wait for work */
	NOTHING(convoy_unknown, m.lock->kind = KIND_SEM);
	NOTHING(convoy_unknown, m.lock->kind = KIND_PY_QUEUE);
	NOTHING(convoy_unknown, m.lock->kind = KIND_FUTEX);
	NOTHING(convoy, m.s->interval_ns = 0);
	/* by samples if there are any: one long wait is most of the wait, and yet one of many */
	GIVEN(convoy, "convoy",
	      "1000 sleeps/s, load 2.00, 1.0ms a turn, no holder has more than 45 %",
	      set_holders(&m, PROOF_LOCK_WORD, 0.9, 0.1), m.lock->holders[0].samples = 3,
	      m.lock->holders[1].samples = 4, m.lock->n_holders = 3,
	      m.lock->holders[2] = m.lock->holders[0], m.lock->holders[2].samples = 2);
	NOTHING(convoy, m.lock->holders[0].samples = m.lock->holders[1].samples = 3);
	/* one proved holder, or inferred ones, are not two: then a queue has to be seen */
	NOTHING(convoy, set_holders(&m, PROOF_LOCK_WORD, 0.49, 0));
	NOTHING(convoy, set_holders(&m, PROOF_LAST_WAKER, 0.3, 0.3));
	NOTHING(convoy_unknown, m.lock->waiting = 1);
	/* one that lets go and takes it back before the others run wakes them all */
	NOTHING(convoy_unknown, set_holders(&m, PROOF_LAST_WAKER, 0.5, 0.1));
}

static void big(struct machine *m)
{
	set_load(m, 1);
	m->process->wait_ns = 1250 * MS;
}

/* A second process, whose one thread waits for the same lock; and a third that does not. */
static void big_shared(struct machine *m)
{
	static const pid_t pids[] = { 7, 70, 700 };

	set_load(m, 1);
	m->lock->processes = 2;
	m->s->n_processes = ARRAY_SIZE(pids);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		struct thread *t = &m->s->threads[m->s->n_threads++];

		m->s->processes[i] = (struct process){ .pid = pids[i], .comm = "a" };
		m->s->processes[i].wait_ns = 625 * MS;
		*t = (struct thread){ .pid = pids[i], .tid = pids[i], .comm = "a" };
		for (int k = 0; k < 2; k++) /* twice, as processes with several threads */
			m->s->thread_locks[m->s->n_thread_locks++] =
				(struct thread_lock){ .thread = t,
						      .lock = i < 2 ? m->lock : &m->s->locks[1] };
	}
	m->s->thread_locks[m->s->n_thread_locks++] = m->s->thread_locks[0]; /* in no order */
}

static void test_one_big_lock(void **state)
{
	(void)state;
	GIVEN(big, "one big lock", "80 % of all the wait of its process, load 1.00");
	GIVEN(big_shared, "one big lock",
	      "80 % of all the wait of the processes that share it, load 1.00");
	NOTHING(big, m.process->wait_ns = 1250 * MS + 2);
	NOTHING(big, set_load(&m, 0.999), m.process->wait_ns = 1000 * MS);
	NOTHING(big, m.process->wait_ns = 900 * MS); /* of which a part is not known */
	NOTHING(big, m.s->n_processes = 0);
	NOTHING(big, m.lock->class = CLASS_IDLE);
	NOTHING(big, m.lock->kind = KIND_SEM);
	NOTHING(big, m.s->interval_ns = 0);
	NOTHING(big_shared, m.s->processes[1].wait_ns = 626 * MS);
	NOTHING(big_shared, m.s->n_thread_locks = 0);
}

/* Makes everything true at once that a lock can be judged by. */
static void all_at_once(struct machine *m)
{
	convoy_unknown(m);
	m->process->wait_ns = m->lock->wait_ns;
	m->lock->owner = m->owner;
	set_looks(m, STATE_SLEEPING, 4, 4);
	m->lock->looks.state[STATE_RUNNABLE] = 4;
	m->lock->looks.state[STATE_THROTTLED] = 4;
	m->lock->looks.state[STATE_FROZEN] = 4;
	m->lock->looks.syscall = "read";
	m->thread->state = STATE_STOPPED;
	owner_dead(m);
	deadlock(m);
}

static void assert_order(const struct machine *m, const char *expected)
{
	char text[256] = "";
	size_t n = 0;

	for (size_t i = 0; i < m->lock->n_verdicts; i++)
		n += snprintf(text + n, sizeof(text) - n, "%s%s", i ? ", " : "",
			      m->lock->verdicts[i].name);
	assert_string_equal(text, expected);
}

/* Verdicts that contradict each other, or explain the same wait, never stand together. */
static void test_together(void **state)
{
	struct machine m;

	(void)state;
	begin(&m);
	all_at_once(&m);
	verdicts__judge(m.s);
	assert_order(&m, "deadlock");
	m.lock->deadlocked = false;
	verdicts__judge(m.s);
	assert_order(&m, "owner dead");
	m.lock->owner_died = 0;
	verdicts__judge(m.s);
	assert_order(&m, "owner stopped");
	m.thread->state = STATE_RUNNING;
	verdicts__judge(m.s);
	assert_order(&m, "owner frozen");
	m.lock->looks.state[STATE_FROZEN] = 0;
	verdicts__judge(m.s);
	assert_order(&m, "owner throttled");
	m.lock->looks.state[STATE_THROTTLED] = 0;
	verdicts__judge(m.s);
	assert_order(&m, "owner preempted, owner in I/O (read), one big lock");
	m.lock->looks.state[STATE_RUNNABLE] = 0;
	m.lock->looks.syscall = "nanosleep";
	verdicts__judge(m.s);
	assert_order(&m, "owner asleep (nanosleep), one big lock");
	m.lock->looks.state[STATE_SLEEPING] = 0;
	verdicts__judge(m.s);
	assert_order(&m, "convoy, one big lock");
	m.lock->delay_ns = m.lock->wait_ns;
	m.lock->blocked_ns = 0;
	verdicts__judge(m.s);
	assert_order(&m, "CPU-starved");
	m.lock->class = CLASS_IDLE;
	verdicts__judge(m.s);
	assert_order(&m, "");
	snapshot__free(m.s);
}

/* The same in pairs that are rare: each is told alone, but is not together with the other. */
static void test_not_together(void **state)
{
	(void)state;
	REFUSED(starved, "CPU-starved", deadlock(&m));
	REFUSED(lost, "lost wake-up?", deadlock(&m));
	GIVEN(starving, "owner asleep", NULL, m.lock->looks.owned = 2,
	      m.lock->looks.state[STATE_SLEEPING] = 2);
	REFUSED(starving, "one big lock", set_load(&m, 1), m.process->wait_ns = NSEC_PER_SEC);
	REFUSED(starving, "writer starving", m.lock->looks.owned = 2,
		m.lock->looks.state[STATE_SLEEPING] = 2);
}

/* A starving writer's lock may see many turns of others: it is not handed on all the same. */
static void test_starving_is_no_convoy(void **state)
{
	(void)state;
	REFUSED(starving, "convoy", set_load(&m, 3), m.lock->sleeps = 5000, m.lock->waiting = 3);
	GIVEN(starving, "convoy", NULL, set_load(&m, 3), m.lock->sleeps = 5000, m.lock->waiting = 3,
	      m.lock->looks.readers = 0);
}

/* Whatever a process is called, and whatever a call's name looks like, stays off the terminal. */
static void test_hostile_names(void **state)
{
	static const char evil[] = "\033[2J\a\n\302\233%s%n(((((((((((((((((((((((((((((((((((";
	struct machine m;

	(void)state;
	begin(&m);
	all_at_once(&m);
	m.lock->comm = m.lock->name = m.thread->comm = m.process->comm = evil;
	m.thread->syscall = m.lock->looks.syscall = evil;
	m.lock->looks.syscalls = UINT32_MAX;
	for (int i = 0; i < 2 * STATE_COUNT; i++) {
		m.lock->deadlocked = !i;
		m.lock->owner_died = !i;
		m.thread->state = i % STATE_COUNT;
		m.thread->state_ns = UINT64_MAX;
		if (i >= STATE_COUNT)
			set_looks(&m, i % STATE_COUNT, 4, 4);
		m.lock->looks.syscall = evil;
		verdicts__judge(m.s);
		assert_true(m.lock->n_verdicts);
		for (size_t k = 0; k < m.lock->n_verdicts; k++) {
			const struct verdict *v = &m.lock->verdicts[k];
			char clean[256];

			assert_string_equal(text__clean(clean, sizeof(clean), v->name), v->name);
			assert_string_equal(text__clean(clean, sizeof(clean), v->evidence),
					    v->evidence);
			assert_in_range(strlen(v->name), 1, 50);
			assert_in_range(strlen(v->evidence), 1, 100);
		}
	}
	snapshot__free(m.s);
}

/* Figures at the ends of their ranges: nothing overflows, evidence stays one short line. */
static void test_extremes(void **state)
{
	struct machine m;

	(void)state;
	begin(&m);
	memset(m.lock->looks.state, 0xff, sizeof(m.lock->looks.state));
	m.lock->looks.n = m.lock->looks.readers = m.lock->looks.reader_changes = UINT32_MAX;
	m.lock->kind = KIND_RWLOCK_WRITE;
	m.lock->sleeps = m.lock->wait_ns = m.lock->delay_ns = m.lock->oldest_ns = UINT64_MAX;
	m.lock->waiting = m.lock->overtaken = m.process->wait_ns = UINT64_MAX;
	for (unsigned int owned = 0, i = 0; i < 3; i++, owned = i == 1 ? 1 : UINT32_MAX) {
		m.lock->looks.owned = owned;
		m.s->interval_ns = i ? 1 : UINT64_MAX;
		verdicts__judge(m.s);
		for (size_t k = 0; k < m.lock->n_verdicts; k++)
			assert_in_range(strlen(m.lock->verdicts[k].evidence), 1, 100);
	}
	assert_true(m.lock->n_verdicts);
	snapshot__free(m.s);
}

/* Nothing observed, nothing told; and idle threads of a healthy machine are no news. */
static void test_nothing(void **state)
{
	struct snapshot *s = snapshot__new();

	(void)state;
	verdicts__judge(s);
	assert_int_equal(s->n_locks, 0);
	snapshot__free(s);
	NOTHING(quiet);
	NOTHING(quiet, m.s->interval_ns = 0);
	s = fixture__new(1);
	verdicts__judge(s);
	for (size_t i = 0; i < s->n_locks; i++)
		if (s->locks[i].class == CLASS_IDLE)
			assert_int_equal(s->locks[i].n_verdicts, 0);
	snapshot__free(s);
}

/* The fixture's database: 84k sleeps a second, holders unknown, three in the queue. */
static void test_fixture(void **state)
{
	struct snapshot *s = fixture__new(1);

	(void)state;
	verdicts__judge(s);
	assert_given(&s->locks[0], "convoy", "84k sleeps/s, load 2.31, 12us a turn", __LINE__);
	snapshot__free(s);
}

/* Each verdict has one line of advice, and the man page says both. */
static void test_described(void **state)
{
	char *page = calloc(1, 1 << 20), *to = page;
	FILE *f = fopen("man/locktop.8", "r");
	struct verdict v;
	size_t n = 0;
	int c;

	(void)state;
	assert_non_null(f);
	while ((c = fgetc(f)) != EOF && to < page + (1 << 20) - 1)
		if (c != '\\')
			*to++ = (char)c;
	fclose(f);
	for (; verdicts__describe(n, &v); n++) {
		char line[128];

		assert_null(v.evidence);
		assert_in_range(strlen(v.name), 4, 24);
		assert_in_range(strlen(v.advice), 20, 100);
		assert_null(strpbrk(v.advice, "\n\t\033"));
		snprintf(line, sizeof(line), "\n.B %s\n", v.name);
		if (!strstr(page, line))
			fail_msg("man/locktop.8 does not tell of %s", v.name);
		snprintf(line, sizeof(line), "\n.I %s\n", v.advice);
		if (!strstr(page, line))
			fail_msg("man/locktop.8 has another advice than: %s", v.advice);
	}
	assert_int_equal(n, 19);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadlock),
		cmocka_unit_test(test_owner_dead),
		cmocka_unit_test(test_writer_starving),
		cmocka_unit_test(test_lost_wakeup),
		cmocka_unit_test(test_cpu_starved),
		cmocka_unit_test(test_convoy),
		cmocka_unit_test(test_one_big_lock),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_not_together),
		cmocka_unit_test(test_starving_is_no_convoy),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_fixture),
		cmocka_unit_test(test_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
