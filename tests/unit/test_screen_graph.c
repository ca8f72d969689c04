// SPDX-License-Identifier: GPL-2.0-only
/* Who holds, who blocks, deadlocks: the graph, the owner's part of a lock's page, alarm and dump.
 */
#include "screen_fixture.h"

#include <time.h>

#include "../../user/forest.h"
#include "../../user/text_page.h"

static const int graph_sizes[][2] = { { 80, 24 }, { 120, 40 }, { 60, 15 }, { 1, 1 } };

static void assert_goldens(struct view *v, const struct snapshot *s, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(graph_sizes); i++)
		assert_golden(v, s, name, graph_sizes[i][0], graph_sizes[i][1]);
}

static struct view *new_graph(void)
{
	struct view *v = new_view();

	view__show_graph(v);
	return v;
}

/* A lock's page, of the lock at this place of the snapshot. */
static struct view *open_lock(const struct snapshot *s, size_t i)
{
	struct view *v = new_view();

	view__show(v, ENTITY_LOCK);
	screen__prepare(v, s, 80, 24);
	for (size_t row = 0; row < v->n_rows; row++)
		if (v->rows[row] == &s->locks[i])
			view__move(v, row);
	assert_true(view__enter(v));
	return v;
}

/* A chain, an inferred owner, readers, an owner that is dead: what blocks most comes first. */
static void draws_the_graph(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_graph();
	struct canvas *c;

	(void)state;
	fixture__add_owners(s);
	assert_goldens(v, s, "graph");
	c = draw(v, s, 120, 40);
	assert_int_equal(style_of(c, "owner 31350 exited: never coming back"), STYLE_ALARM);
	assert_int_equal(style_of(c, "log-flusher 4300"), STYLE_SELECTED);
	canvas__free(c);
	v->utf8 = false;
	c = draw(v, s, 80, 24);
	assert_true(shows(c, "`-mutex table_cache_lock"));
	for (int i = 0; i < c->width * c->height; i++)
		assert_true((unsigned char)c->cells[i].text[0] < 0x80);
	canvas__free(c);
	v->utf8 = true;
	view__toggle_idle(v);
	assert_golden(v, s, "graph_idle", 80, 24);
	view__free(v);
	v = new_graph();
	assert_golden(v, NULL, "graph_measuring", 80, 24);
	snapshot__free(s);
	s = fixture__empty(3);
	assert_golden(v, s, "graph_empty", 80, 24);
	view__free(v);
	snapshot__free(s);
}

/* Deadlocks stand before all else, as cycles; what queues behind them stands below. */
static void draws_deadlocks(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_graph();
	struct canvas *c;

	(void)state;
	fixture__add_owners(s);
	fixture__add_deadlock(s);
	assert_goldens(v, s, "graph_deadlock");
	screen__prepare(v, s, 120, 40);
	view__move(v, 1);
	c = draw(v, s, 120, 40);
	assert_int_equal(style_of(c, "DEADLOCK in bank 5150"), STYLE_ALARM);
	canvas__free(c);
	/* Seen once it is none yet, and no alarm. */
	s->n_deadlocks = 0;
	c = draw(v, s, 120, 40);
	assert_false(shows(c, "DEADLOCK"));
	assert_int_equal(style_of(c, "CYCLE, seen once, in bank 5150"), STYLE_WARM);
	canvas__free(c);
	view__free(v);
	snapshot__free(s);
}

/* A queue of hundreds takes a few lines; those that hold others up are among them. */
static void folds_long_queues(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_graph();
	struct lock *all, *side;
	struct thread *owner, *middle = NULL;

	(void)state;
	all = fixture__new_lock(s, 4242, "dbserver", 0x9000, KIND_MUTEX, "everything");
	side = fixture__new_lock(s, 4242, "dbserver", 0x9040, KIND_MUTEX, "aside");
	owner = fixture__add_thread(s, 4242, 6000, "dbserver", "hog", STATE_RUNNABLE);
	owner->state_ns = 48 * MS;
	fixture__own(s, all, owner, PROOF_LOCK_WORD, 300 * MS);
	for (int i = 0; i < 320; i++) {
		middle =
			fixture__add_thread(s, 4242, 6001 + i, "dbserver", "worker", STATE_WAITING);
		fixture__wait(s, middle, all, (3200 - 10 * i) * MS);
	}
	fixture__own(s, side, middle, PROOF_LOCK_WORD, 0);
	fixture__wait(s, fixture__add_thread(s, 4242, 6500, "dbserver", "behind", STATE_WAITING),
		      side, 7 * MS);
	assert_goldens(v, s, "graph_many");
	view__free(v);
	snapshot__free(s);
}

/* The owner of a lock, its chain and its stack; verdicts above all; each way of not knowing. */
static void draws_owners(void **state)
{
	static const struct {
		size_t lock;
		const char *name;
	} pages[] = {
		{ 0, "lock_verdicts" }, { 1, "lock_owner" },	  { 3, "lock_inferred" },
		{ 7, "lock_readers" },	{ 6, "lock_dead_owner" },
	};
	struct snapshot *s = fixture__new(7);

	(void)state;
	fixture__add_stacks(s, &s->locks[0]);
	fixture__add_owners(s);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		struct view *v = open_lock(s, pages[i].lock);

		assert_golden(v, s, pages[i].name, 80, 24);
		if (i < 2)
			assert_golden(v, s, pages[i].name, 120, 40);
		if (i < 2)
			assert_golden(v, s, pages[i].name, 60, 15);
		view__free(v);
	}
	snapshot__free(s);
}

/* A deadlock is seen on every screen, at every size that shows anything at all. */
static void alarms_everywhere(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	fixture__add_deadlock(s);
	assert_golden(v, s, "alarm", 80, 24);
	assert_golden(v, s, "alarm", 200, 50);
	assert_golden(v, s, "alarm", 60, 6);
	assert_golden(v, s, "alarm", 40, 3);
	v->mode = MODE_HELP;
	assert_golden(v, s, "alarm_help", 80, 24);
	view__end(v);
	c = draw(v, s, 80, 24);
	assert_true(shows(c, "control group of the process")); /* the last line is reached */
	canvas__free(c);
	for (int mode = 0; mode < MODE_COUNT; mode++) {
		v->mode = mode;
		for (int page = 0; page < 3; page++) {
			for (int height = 2; height < 26; height++) {
				c = draw(v, s, 50, height);
				assert_int_equal(style_of(c, "DEADLOCK bank 5150: 2 threads"),
						 STYLE_ALARM);
				canvas__free(c);
			}
			assert_true(page != 0 || view__enter(v));
			if (page == 1)
				view__show_graph(v);
			v->mode = mode;
		}
		view__leave(v);
		view__leave(v);
	}
	view__free(v);
	snapshot__free(s);
}

/* What does not fit goes whole, the story before the figures. */
static void shortens_the_alarm(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	fixture__add_deadlock(s);
	c = draw(v, s, 200, 20);
	assert_true(shows(c,
			  "DEADLOCK bank 5150: 2 threads for 3.20s: 5151 waits for accounts_lock "
			  "held by 5152, which waits for audit_lock held by 5151 (and 1 more)  "
			  "g shows it\n"));
	canvas__free(c);
	c = draw(v, s, 120, 20);
	assert_true(shows(c, "held by 5152 ... (and 1 more)  g shows it\n"));
	canvas__free(c);
	c = draw(v, s, 70, 20);
	assert_true(shows(c, "2 threads for 3.20s ... (and 1 more)  g shows it\n"));
	canvas__free(c);
	s->n_deadlocks = 1;
	s->deadlocks++;
	c = draw(v, s, 120, 20);
	assert_true(shows(c, "DEADLOCK loner 5170: 1 thread for 1m01s: 5170 waits for mutex 0x6000 "
			     "held by itself  g shows it\n"));
	canvas__free(c);
	view__free(v);
	snapshot__free(s);
}

static const char dump[] =
	"DEADLOCK in bank (process 5150)\n"
	"\n"
	"worker 5151, \033[31mwaits\n"
	"\tin transfer (bank.c:88)\n"
	"\tin a_function_whose_name_is_longer_than_what_a_narrow_terminal_shows_of_it\n"
	"worker 5152";

/* A dump is wrapped, is searched, and keeps its alarm. */
static void draws_a_dump(void **state)
{
	static const struct timespec when = { .tv_sec = 1700000000 };
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	fixture__add_deadlock(s);
	view__show_text(v, "Threads of bank 5150", text_page__new(5150, &when, dump));
	assert_golden(v, s, "dump", 80, 24);
	assert_golden(v, s, "dump", 40, 12);
	assert_golden(v, s, "dump", 1, 1);
	c = draw(v, s, 60, 12);
	assert_true(shows(c, "_terminal_shows_of_it\n"));
	canvas__free(c);
	strcpy(v->search, "WORKER");
	assert_true(view__find(v, 1));
	assert_true(view__find(v, 1));
	c = draw(v, s, 60, 11);
	assert_int_equal(view__clevel(v)->position, 6);
	assert_int_equal(style_of(c, "worker 5152"), STYLE_MATCH);
	canvas__free(c);
	view__show_text(v, "Empty", text_page__new(1, &when, ""));
	assert_int_equal(v->depth, 1);
	canvas__free(draw(v, s, 40, 10));
	view__move(v, 1);
	view__free(v);
	snapshot__free(s);
}

/* Ten thousand waiting threads, 50 of each 200 locks in chains: laid out and drawn in no time. */
static void is_fast(void **state)
{
	struct snapshot *s = fixture__empty(1);
	struct view *v = new_graph();
	uint64_t best = UINT64_MAX;

	(void)state;
	s->threads = snapshot__alloc(s, 10200, sizeof(*s->threads));
	s->thread_locks = snapshot__alloc(s, 10200, sizeof(*s->thread_locks));
	s->locks = snapshot__alloc(s, 200, sizeof(*s->locks));
	for (int i = 0; i < 200; i++) {
		struct lock *l = fixture__new_lock(s, 1, "big", 0x1000 + 64 * i, KIND_MUTEX, NULL);

		fixture__own(s, l, &s->threads[s->n_threads], PROOF_LOCK_WORD, 0);
		for (int j = 0; j < 51; j++) {
			struct thread *t = fixture__add_thread(s, 1, 100 + 51 * i + j, "big",
							       "worker", STATE_WAITING);

			/* The owners of all but each tenth lock wait for the lock before. */
			if (j || i % 10)
				fixture__wait(s, t, j ? l : l - 1, (j + i) * MS);
		}
	}
	for (int i = 0; i < 5; i++) {
		uint64_t before = util__monotonic_ns();

		canvas__free(draw(v, s, 200, 50));
		best = MIN(best, util__monotonic_ns() - before);
	}
	assert_int_equal(v->n_rows, 20 + 200 + 200 * 9 - 20 + 20);
	print_message("10000 waiting threads: %llu us\n", (unsigned long long)best / 1000);
	assert_true(best < 50 * MS);
	view__free(v);
	snapshot__free(s);
}

/* Every size, and names that want to drive the terminal. */
static void bears_all(void **state)
{
	static const char *const names[] = { "\033[2J\033]0;x\007", "\xff\xfe\xc3\x28",
					     "日本語の名前です長い", "\n\r\t\b", "" };
	struct snapshot *s = fixture__new(7);
	struct view *v = new_graph();

	(void)state;
	fixture__add_owners(s);
	fixture__add_deadlock(s);
	for (size_t i = 0; i < s->n_threads; i++) {
		s->threads[i].comm = i % 7 ? names[i % ARRAY_SIZE(names)] : NULL;
		s->threads[i].process_comm = i % 5 ? names[i % ARRAY_SIZE(names)] : NULL;
		s->threads[i].syscall = names[i % ARRAY_SIZE(names)];
		s->threads[i].state = i % STATE_COUNT;
	}
	for (size_t i = 0; i < s->n_locks; i++)
		s->locks[i].name = names[i % ARRAY_SIZE(names)];
	for (int page = 0; page < 2; page++) {
		for (int height = 0; height < 26; height += 1 + height / 8) {
			for (int width = 0; width < 140; width += 1 + width / 12) {
				struct canvas *c = draw(v, s, width, height);

				for (int i = 0; i < width * height; i++) {
					unsigned char t = c->cells[i].text[0];

					assert_true(!t || (t >= ' ' && t != 0x7f && t != 0x9b));
				}
				canvas__free(c);
			}
		}
		assert_true(view__enter(v));
	}
	view__free(v);
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_the_graph),   cmocka_unit_test(draws_deadlocks),
		cmocka_unit_test(folds_long_queues), cmocka_unit_test(draws_owners),
		cmocka_unit_test(alarms_everywhere), cmocka_unit_test(shortens_the_alarm),
		cmocka_unit_test(draws_a_dump),	     cmocka_unit_test(is_fast),
		cmocka_unit_test(bears_all),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("screen_graph", tests, NULL, NULL);
}
