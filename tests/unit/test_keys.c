// SPDX-License-Identifier: GPL-2.0-only
#include "keys_fixture.h"

#include "../../user/detail.h"
#include "../../user/export.h"
#include "../../user/prompt.h"
#include "../../user/screen.h"
#include "../../user/text_page.h"

/* In no mode do two rows of the table claim the same key: the second could never run. */
static void has_no_key_twice(void **state)
{
	(void)state;
	for (const struct binding *b = bindings; b->names; b++)
		for (size_t i = 0; b->keys[i]; i++)
			for (int mode = 0; mode < MODE_COUNT; mode++)
				if (b->modes & (1u << mode))
					assert_ptr_equal(keys__find(mode, b->keys[i],
								    b->modes & KEYS_RECORDED),
							 b);
}

/* Rows are complete: a way to run, and what the help groups has words. */
static void has_complete_rows(void **state)
{
	(void)state;
	for (const struct binding *b = bindings; b->names; b++) {
		assert_non_null(b->run);
		assert_int_not_equal(b->keys[0], 0);
		assert_int_not_equal(b->modes, 0);
		assert_int_equal(b->keys[ARRAY_SIZE(b->keys) - 1], 0);
		if (b->help)
			assert_non_null(b->group);
	}
}

/* What the loop itself must do comes back as an outcome. */
static void reports_outcomes(void **state)
{
	struct world *w = *state;

	assert_true(press(w, 'q') & OUTCOME_QUIT);
	assert_true(press(w, KEYS_F10) & OUTCOME_QUIT);
	assert_true(press(w, 'e') & OUTCOME_EXPORT);
	assert_true(press(w, KEYS_CTRL('l')) & OUTCOME_REPAINT);
	assert_true(press(w, ' ') & OUTCOME_PAUSE);
	assert_true(w->v->paused);
	assert_true(press(w, 'p') & OUTCOME_PAUSE);
	assert_false(w->v->paused);
	assert_int_equal(press(w, 'Z') & ~OUTCOME_DRAW, 0);
	assert_int_equal(press(w, 0), 0);
	assert_int_equal(press(w, KEYS_NONE), 0);
}

/* 1, 2, 3 and Tab go through the lists. */
static void switches_lists(void **state)
{
	struct world *w = *state;

	press(w, '2');
	assert_int_equal(view__clevel(w->v)->entity, ENTITY_LOCK);
	press(w, '3');
	assert_int_equal(view__clevel(w->v)->entity, ENTITY_THREAD);
	press(w, KEYS_TAB);
	assert_int_equal(view__clevel(w->v)->entity, ENTITY_PROCESS);
	press(w, KEYS_BACK_TAB);
	assert_int_equal(view__clevel(w->v)->entity, ENTITY_THREAD);
	press(w, '1');
	assert_int_equal(view__clevel(w->v)->entity, ENTITY_PROCESS);
}

/* Enter goes from a process to its locks, a lock's page, its threads; Esc the same way back. */
static void drills_in_and_out(void **state)
{
	struct world *w = *state;

	press(w, KEYS_ENTER);
	assert_int_equal(view__clevel(w->v)->entity, ENTITY_LOCK);
	assert_int_equal(view__clevel(w->v)->pid, 4242);
	press(w, KEYS_ENTER);
	assert_int_equal(view__clevel(w->v)->entity, ENTITY_THREAD);
	assert_int_equal(view__clevel(w->v)->address, 0x55d0c0a81040);
	assert_int_equal(view__mode(w->v), MODE_DETAIL);
	assert_int_equal(w->v->n_rows, 4);
	press(w, KEYS_ENTER);
	assert_int_equal(view__mode(w->v), MODE_LIST);
	assert_int_equal(view__clevel(w->v)->entity, ENTITY_THREAD);
	assert_int_equal(w->v->depth, 3);
	assert_int_equal(w->v->n_rows, 4);
	press(w, KEYS_ENTER);
	assert_int_equal(w->v->depth, 3);
	assert_string_not_equal(w->v->message, "");
	press(w, KEYS_ESC);
	assert_int_equal(view__mode(w->v), MODE_DETAIL);
	press(w, KEYS_ESC);
	press(w, KEYS_ESC);
	assert_int_equal(w->v->depth, 0);
	assert_int_equal(view__clevel(w->v)->entity, ENTITY_PROCESS);
}

/* On a lock's page keys scroll it; those of lists do nothing, 2 goes to the locks again. */
static void scrolls_a_locks_page(void **state)
{
	struct world *w = *state;
	struct detail *d;

	press(w, '2');
	press(w, KEYS_ENTER);
	d = view__level(w->v)->detail;
	assert_non_null(d);
	screen__prepare(w->v, w->s, 60, 15);
	assert_in_range(d->lines, 15, 100);
	press(w, KEYS_DOWN);
	assert_int_equal(d->top, 1);
	assert_true(view__clevel(w->v)->reading);
	press(w, KEYS_TAB);
	assert_int_equal(d->top, d->starts[3]); /* what comes after the facts */
	press(w, KEYS_END);
	assert_int_equal(d->top, d->lines - d->rows);
	press(w, KEYS_BACK_TAB);
	assert_true(d->top < d->lines - d->rows);
	press(w, KEYS_HOME);
	assert_int_equal(d->top, 0);
	assert_false(view__clevel(w->v)->reading);
	press(w, 's');
	press(w, '/');
	press(w, 'f');
	assert_int_equal(view__mode(w->v), MODE_DETAIL);
	press(w, 'd');
	type(w, "3");
	press(w, KEYS_ENTER);
	assert_int_equal(w->v->delay_ns, 3000 * MS);
	assert_int_equal(view__mode(w->v), MODE_DETAIL);
	press(w, 'h');
	press(w, 'q');
	assert_int_equal(view__mode(w->v), MODE_DETAIL);
	press(w, '2');
	assert_int_equal(w->v->depth, 0);
	assert_int_equal(view__mode(w->v), MODE_LIST);
}

/* Inside the help, keys scroll it; q closes it and does not quit. */
static void keeps_to_its_mode(void **state)
{
	struct world *w = *state;

	press(w, 'h');
	assert_int_equal(w->v->mode, MODE_HELP);
	press(w, KEYS_DOWN);
	assert_int_equal(w->v->help_top, 1);
	assert_int_equal(view__clevel(w->v)->position, 0);
	assert_int_equal(press(w, 'q') & OUTCOME_QUIT, 0);
	assert_int_equal(w->v->mode, MODE_LIST);
}

/* The sort menu starts at the column in force and sorts by the one chosen. */
static void sorts_by_menu(void **state)
{
	struct world *w = *state;
	const struct field *before = w->v->sort[ENTITY_PROCESS];

	press(w, 's');
	press(w, KEYS_ENTER);
	assert_ptr_equal(w->v->sort[ENTITY_PROCESS], before);
	press(w, 's');
	press(w, KEYS_HOME);
	press(w, KEYS_ENTER);
	assert_string_equal(w->v->sort[ENTITY_PROCESS]->key, "pid");
	assert_int_equal(((const struct process *)w->v->rows[0])->pid, 977);
	press(w, 's');
	press(w, KEYS_DOWN);
	press(w, KEYS_ESC);
	assert_string_equal(w->v->sort[ENTITY_PROCESS]->key, "pid");
}

/* E has a row for each format; the chosen one is handed on, and a second time it begins there. */
static void chooses_a_format(void **state)
{
	struct world *w = *state;
	int n = 0;

	for (const struct exporter *e = exporters; e->name; e++) {
		assert_int_equal(press(w, 'E') & OUTCOME_NAME, 0);
		assert_int_equal(w->v->mode, MODE_EXPORT);
		press(w, KEYS_HOME);
		for (int i = 0; i < n; i++)
			press(w, KEYS_DOWN);
		assert_true(press(w, KEYS_ENTER) & OUTCOME_NAME);
		assert_ptr_equal(w->v->exporter, e);
		press(w, 'E');
		assert_int_equal(w->v->menu, n++);
		press(w, 'E');
		assert_int_equal(w->v->mode, MODE_LIST);
	}
	press(w, 'E');
	press(w, KEYS_END);
	press(w, KEYS_DOWN);
	assert_int_equal(w->v->menu, n - 1);
	assert_int_equal(press(w, 'q') & OUTCOME_QUIT, 0);
	assert_int_equal(w->v->mode, MODE_LIST);
}

/* < and > walk over the columns and stop at the ends; r turns the order round. */
static void sorts_by_steps(void **state)
{
	struct world *w = *state;
	const struct field *last = NULL;

	for (const struct field *f = fields__of(ENTITY_PROCESS); f->key; f++)
		last = view__has_column(w->v, f) ? f : last;
	for (int i = 0; i < 30; i++)
		press(w, '<');
	assert_string_equal(w->v->sort[ENTITY_PROCESS]->key, "pid");
	press(w, 'r');
	assert_int_equal(((const struct process *)w->v->rows[0])->pid, 31337);
	for (int i = 0; i < 30; i++)
		press(w, '>');
	assert_ptr_equal(w->v->sort[ENTITY_PROCESS], last);
	assert_false(w->v->reverse[ENTITY_PROCESS]);
}

/* Search moves as one types, n goes on and round, Esc goes back to where it began. */
static void searches(void **state)
{
	struct world *w = *state;

	press(w, '3');
	press(w, '/');
	type(w, "QUEUED"); /* case does not matter; letters are no commands here */
	assert_int_equal(w->v->mode, MODE_PROMPT);
	assert_string_equal(((const struct thread *)view__row(w->v))->comm, "queued");
	press(w, KEYS_ENTER);
	assert_int_equal(w->v->mode, MODE_LIST);
	int first = view__clevel(w->v)->position;

	press(w, 'n');
	assert_int_not_equal(view__clevel(w->v)->position, first);
	assert_string_equal(((const struct thread *)view__row(w->v))->comm, "queued");
	press(w, 'N');
	assert_int_equal(view__clevel(w->v)->position, first);
	press(w, '/');
	type(w, "web");
	assert_int_not_equal(view__clevel(w->v)->position, first);
	press(w, KEYS_ESC);
	assert_int_equal(view__clevel(w->v)->position, first);
	assert_string_equal(w->v->search, "QUEUED");
}

/* A search that finds nothing says so and leaves the cursor alone. */
static void says_what_is_not_found(void **state)
{
	struct world *w = *state;

	press(w, '/');
	type(w, "zzz");
	press(w, KEYS_ENTER);
	assert_true(w->v->alarm);
	assert_non_null(strstr(w->v->message, "zzz"));
	assert_int_equal(view__clevel(w->v)->position, 0);
}

/* A filter hides rows as one types, over all columns; backspace widens it, Esc takes it back. */
static void filters(void **state)
{
	struct world *w = *state;

	press(w, '2');
	assert_int_equal(w->v->n_rows, 5);
	press(w, 'f');
	type(w, "rwlock");
	assert_int_equal(w->v->n_rows, 1);
	type(w, "s");
	assert_int_equal(w->v->n_rows, 0);
	press(w, KEYS_BACKSPACE);
	assert_int_equal(w->v->n_rows, 1);
	press(w, KEYS_ENTER);
	assert_string_equal(view__clevel(w->v)->filter, "rwlock");
	press(w, '\\');
	press(w, KEYS_CTRL('u'));
	assert_int_equal(w->v->n_rows, 5);
	press(w, KEYS_ESC);
	assert_int_equal(w->v->n_rows, 1);
	press(w, KEYS_ESC);
	assert_int_equal(w->v->n_rows, 5);
}

/* Text goes in as UTF-8 and comes out whole characters at a time; it never overflows. */
static void edits_text(void **state)
{
	struct world *w = *state;

	press(w, 'f');
	press(w, 0xe9);
	press(w, 0x65e5);
	press(w, 0x1f512);
	assert_string_equal(w->v->input, "\xc3\xa9\xe6\x97\xa5\xf0\x9f\x94\x92");
	press(w, KEYS_BACKSPACE);
	assert_string_equal(w->v->input, "\xc3\xa9\xe6\x97\xa5");
	press(w, 0xd800);
	press(w, 0x9b);
	press(w, 1);
	press(w, KEYS_UP);
	assert_string_equal(w->v->input, "\xc3\xa9\xe6\x97\xa5");
	for (int i = 0; i < 100; i++)
		press(w, 0x65e5);
	assert_true(strlen(w->v->input) < VIEW_INPUT);
	assert_int_equal(strlen(w->v->input) % 3, 2);
	for (int i = 0; i < 100; i++)
		press(w, KEYS_BACKSPACE);
	assert_string_equal(w->v->input, "");
}

/* The interval goes in steps within bounds, or is typed; what is no interval changes nothing. */
static void changes_the_interval(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} cases[] = {
		{ "0.25", 250 },
		{ "2,5", 2500 },
		{ "0.1", 100 },
		{ "0.05", 100 },
		{ "", 100 },
		{ "x", 100 },
		{ "1x", 100 },
		{ "nan", 100 },
		{ "86401", 100 },
		{ "30", 30000 },
		{ "9999999999999999999999999", 30000 },
	};
	struct world *w = *state;

	assert_true(press(w, '+') & OUTCOME_DELAY);
	assert_int_equal(w->v->delay_ns, 2000 * MS);
	for (int i = 0; i < 20; i++)
		press(w, '-');
	assert_int_equal(w->v->delay_ns, 100 * MS);
	for (int i = 0; i < 20; i++)
		press(w, '+');
	assert_int_equal(w->v->delay_ns, 60000 * MS);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		press(w, 'd');
		type(w, cases[i].text);
		press(w, KEYS_ENTER);
		if (i == 0)
			assert_string_equal(w->v->message, "");
		if (i > 2 || cases[i].ms)
			assert_int_equal(w->v->delay_ns, cases[i].ms * MS);
	}
}

/* --help prints a line for each key that the help screen explains. */
static void prints_for_help(void **state)
{
	char *text = NULL;
	size_t size = 0, lines = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	keys__print(out, false);
	keys__print(out, true);
	fclose(out);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	for (const struct binding *b = bindings; b->names; b++)
		lines -= b->help != NULL;
	assert_int_equal(lines, 0);
	assert_non_null(strstr(text, "Enter"));
	free(text);
}

/* Any key in any mode, in any order, leaves a view that holds together. */
static void survives_random_keys(void **state)
{
	struct world *w = *state;
	static const struct timespec when = { 0 };
	unsigned int seed = 12345;

	fixture__add_owners(w->s);
	fixture__add_deadlock(w->s);
	for (int i = 0; i < 20000; i++) {
		unsigned int outcome;
		int key;

		seed = seed * 1103515245 + 12345;
		key = (seed >> 8) % 3 ? 1 + (int)((seed >> 16) % 130)
				      : KEYS_UP + (int)((seed >> 16) % (KEYS_F10 - KEYS_UP + 1));
		outcome = press(w, key);
		if (outcome & OUTCOME_NAME)
			prompt__open(w->v, PROMPT_FILE);
		if (outcome & OUTCOME_DUMP)
			view__show_text(w->v, "dump", text_page__new(1, &when, "a\n\nb b\n"));
		screen__prepare(w->v, w->s, 80, 16);
		assert_in_range(w->v->depth, 0, VIEW_DEPTH - 1);
		assert_in_range(w->v->mode, 0, MODE_COUNT - 1);
		if (w->v->n_rows && !view__level(w->v)->detail)
			assert_non_null(view__row(w->v));
		assert_true(w->v->delay_ns >= VIEW_DELAY_MIN);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(has_no_key_twice),	    TEST(has_complete_rows),	  TEST(reports_outcomes),
		TEST(switches_lists),	    TEST(drills_in_and_out),	  TEST(keeps_to_its_mode),
		TEST(sorts_by_menu),	    TEST(sorts_by_steps),	  TEST(searches),
		TEST(scrolls_a_locks_page), TEST(says_what_is_not_found), TEST(filters),
		TEST(edits_text),	    TEST(changes_the_interval),	  TEST(prints_for_help),
		TEST(survives_random_keys), TEST(chooses_a_format),

	};

	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
