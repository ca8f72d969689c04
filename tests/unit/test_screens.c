// SPDX-License-Identifier: GPL-2.0-only
/* The lists, a lock's page, help and menus as whole screens, in golden files. */
#include "screen_fixture.h"

#include <time.h>

#include "../../user/text.h"

/* The three lists in every size. */
static void draws_lists(void **state)
{
	static const char *const names[] = { "processes", "locks", "threads" };
	struct snapshot *s = fixture__new(7);

	(void)state;
	for (int e = 0; e < ENTITY_COUNT; e++) {
		struct view *v = new_view();

		view__show(v, e);
		assert_golden_sizes(v, s, names[e]);
		view__free(v);
	}
	snapshot__free(s);
}

/* One process's locks; then one lock's threads. */
static void draws_drilled_in(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();

	(void)state;
	screen__prepare(v, s, 80, 24);
	view__enter(v);
	assert_golden_sizes(v, s, "process_locks");
	view__enter(v);
	screen__prepare(v, s, 80, 24);
	view__enter(v);
	assert_golden_sizes(v, s, "lock_threads");
	view__free(v);
	snapshot__free(s);
}

/* All about a lock: from the top, with the parts side by side, at the end, without a stack, idle.
 */
static void draws_a_lock(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	fixture__add_stacks(s, &s->locks[0]);
	s->locks[0].processes = 3;
	view__show(v, ENTITY_LOCK);
	screen__prepare(v, s, 80, 24);
	view__enter(v);
	assert_golden_sizes(v, s, "lock");
	assert_golden(v, s, "lock", 120, 40);
	screen__prepare(v, s, 80, 24);
	view__end(v);
	assert_golden(v, s, "lock_end", 80, 24);
	view__home(v);
	v->utf8 = false;
	c = draw(v, s, 80, 60);
	assert_true(shows(c, "|-execute_query  query.cc:88"));
	for (int i = 0; i < c->width * c->height; i++)
		assert_true((unsigned char)c->cells[i].text[0] < 0x80);
	canvas__free(c);
	view__leave(v);
	v->utf8 = true;
	view__toggle_idle(v);
	screen__prepare(v, s, 80, 24);
	view__end(v);
	view__enter(v);
	assert_golden(v, s, "lock_idle", 80, 24);
	assert_golden(v, NULL, "lock_measuring", 80, 24);
	view__free(v);
	snapshot__free(s);
}

/* At every width that has room for it, a frame's source line is on the screen. */
static void keeps_source_lines(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();

	(void)state;
	fixture__add_stacks(s, &s->locks[0]);
	view__show(v, ENTITY_LOCK);
	screen__prepare(v, s, 80, 24);
	view__enter(v);
	for (int width = 46; width < 220; width++) {
		struct canvas *c = draw(v, s, width, 80);

		assert_true(shows(c, "table_cache.cc:412"));
		assert_true(shows(c, "query.cc:88"));
		assert_true(shows(c, "stl_map.h:512"));
		assert_true(shows(c, "main.cc:7"));
		canvas__free(c);
	}
	view__free(v);
	snapshot__free(s);
}

/* The help holds every key of the table that has words. */
static void draws_help(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	v->mode = MODE_HELP;
	assert_golden_sizes(v, s, "help");
	c = draw(v, s, 100, 200);
	for (const struct binding *b = bindings; b->names; b++)
		if (b->help && keys__applies(b, false))
			assert_true(shows(c, b->help));
	canvas__free(c);
	view__end(v);
	assert_golden(v, s, "help_end", 80, 24);
	assert_int_equal(v->help_top + 23, screen_help__lines(v, 80));
	view__free(v);
	snapshot__free(s);
}

static void draws_the_sort_menu(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();

	(void)state;
	view__show(v, ENTITY_LOCK);
	v->mode = MODE_SORT;
	v->menu = 6;
	assert_golden_sizes(v, s, "sort");
	view__free(v);
	snapshot__free(s);
}

/* Nothing measured yet; nothing waited; only idle threads; nothing passes the filter. */
static void says_why_it_is_empty(void **state)
{
	struct snapshot *s = fixture__empty(1);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	assert_golden_sizes(v, NULL, "measuring");
	assert_golden(v, s, "nothing", 80, 24);
	s->idle.waiting = 34;
	s->idle.wait_ns = 34 * NSEC_PER_SEC;
	assert_golden_sizes(v, s, "idle_only");
	snapshot__free(s);
	s = fixture__new(2);
	strcpy(view__level(v)->filter, "nosuch");
	c = draw(v, s, 80, 24);
	assert_true(shows(c, "None of 3 rows contains \"nosuch\""));
	assert_true(shows(c, "filter \"nosuch\""));
	canvas__free(c);
	view__free(v);
	snapshot__free(s);
}

/* A loss is an alarm that names the largest, and stays on screens that show little else. */
static void alarms_of_losses(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	c = draw(v, s, 80, 24);
	assert_int_equal(style_of(c, "Lost 0"), STYLE_LABEL);
	canvas__free(c);
	s->losses[LOSS_SAMPLES_DROPPED] = 20;
	s->losses[LOSS_LOCKS_FULL] = 300;
	assert_golden_sizes(v, s, "losses");
	c = draw(v, s, 80, 24);
	assert_int_equal(style_of(c, "320 (locks_full 300)"), STYLE_ALARM);
	canvas__free(c);
	c = draw(v, s, 8, 2);
	assert_true(shows(c, "Lost 320"));
	canvas__free(c);
	view__free(v);
	snapshot__free(s);
}

/* Names that want to drive the terminal, that are no text, or that take two columns a letter. */
static void bears_hostile_names(void **state)
{
	static const char *const names[] = {
		"\033[2J\033]0;x\007",	"\xff\xfe\xc3\x28",
		"日本語の名前です長い", "a\314\201\314\201\314\201\314\201b",
		"x\xe2\x80\xaexyz",	"\n\r\t\b"
	};
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();

	(void)state;
	for (size_t i = 0; i < s->n_locks; i++) {
		s->locks[i].name = s->locks[i].where = names[i % ARRAY_SIZE(names)];
		s->locks[i].comm = names[i % ARRAY_SIZE(names)];
	}
	for (size_t i = 0; i < s->n_processes; i++)
		s->processes[i].comm = names[i % ARRAY_SIZE(names)];
	s->host = names[0];
	view__show(v, ENTITY_LOCK);
	strcpy(view__level(v)->filter, "\033[31m");
	free(v->scope);
	v->scope = xstrdup("--comm \033[5m");
	strcpy(v->search, "\xcc\x81");
	for (int round = 0; round < 2; round++) {
		for (int width = 0; width < 130; width += 1 + width / 20) {
			struct canvas *c = draw(v, s, width, 14);

			for (int i = 0; i < c->width * c->height; i++) {
				const unsigned char *t = (unsigned char *)c->cells[i].text;

				assert_true(!t[0] || t[0] >= ' ');
				assert_true(t[0] != 0x7f && t[0] != 0x9b && t[0] != 0xff);
			}
			canvas__free(c);
		}
		view__level(v)->filter[0] = 0;
	}
	assert_golden(v, s, "hostile", 80, 24);
	fixture__add_stacks(s, &s->locks[0]);
	for (size_t i = 0; i < s->locks[0].n_sites; i++) {
		for (size_t j = 0; j < s->locks[0].sites[i].n_frames; j++) {
			struct frame *f = &s->locks[0].sites[i].frames[j];

			f->function = names[(i + j) % ARRAY_SIZE(names)];
			f->module = names[j % ARRAY_SIZE(names)];
			f->file = j % 2 ? NULL : names[i % ARRAY_SIZE(names)];
		}
	}
	screen__prepare(v, s, 80, 24);
	view__enter(v);
	assert_golden(v, s, "hostile_inside", 80, 24);
	view__free(v);
	snapshot__free(s);
}

/* Every size from nothing up, in every mode: no crash, nothing outside the grid. */
static void fits_every_size(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();

	(void)state;
	v->paused = true;
	for (int mode = 0; mode < MODE_COUNT; mode++) {
		v->mode = mode;
		for (int i = 0; i < 4; i++) {
			for (int height = 0; height < 26; height++)
				for (int width = 0; width < 90; width += 1 + width / 12)
					canvas__free(draw(v, s, width, height));
			if (i < 3)
				assert_true(view__enter(v));
		}
		for (int i = 0; i < 3; i++)
			view__leave(v);
	}
	view__free(v);
	snapshot__free(s);
}

/* The cursor's row, search hits, heat and idle rows are told apart by style. */
static void styles_by_meaning(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	view__show(v, ENTITY_LOCK);
	view__toggle_idle(v);
	strcpy(v->search, "SLOT");
	screen__prepare(v, s, 200, 50);
	view__move(v, 1);
	c = draw(v, s, 200, 50);
	assert_int_equal(style_of(c, "2.31"), STYLE_HOT);
	assert_int_equal(style_of(c, "0x7f10a4000b60"), STYLE_SELECTED);
	assert_int_equal(style_of(c, "slots"), STYLE_MATCH);
	assert_int_equal(style_of(c, "take_slot"), STYLE_NORMAL);
	assert_int_equal(style_of(c, "pool_worker"), STYLE_DIM);
	assert_int_equal(style_of(c, "WAIT "), STYLE_SORTED);
	assert_true(shows(c, "row 2 of 7, order kept"));
	canvas__free(c);
	view__home(v);
	c = draw(v, s, 200, 50);
	assert_int_equal(style_of(c, "table_cache_lock"), STYLE_SELECTED);
	assert_int_equal(style_of(c, "0.64"), STYLE_WARM);
	canvas__free(c);
	view__free(v);
	snapshot__free(s);
}

/* Every column fits its head and its values: at no width does a number lose a digit. */
static void cuts_no_number(void **state)
{
	struct snapshot *s = fixture__new(7);

	(void)state;
	for (int e = 0; e < ENTITY_COUNT; e++) {
		for (const struct field *f = fields__of(e); f->key; f++) {
			const void *row = e == ENTITY_PROCESS ? (void *)s->processes
					  : e == ENTITY_LOCK  ? (void *)s->locks
							      : (void *)s->threads;
			char text[VIEW_TEXT];

			if (!(f->flags & FIELD_SCREEN) || f->unit == UNIT_TEXT)
				continue;
			field__format(f, row, s->interval_ns, text, sizeof(text));
			assert_true(text__columns(text) <= f->width);
			assert_true(text__columns(f->title) <= f->width);
		}
	}
	snapshot__free(s);
}

/* Markers of pause and scope, a message in the bottom line, a prompt in its place. */
static void marks_its_state(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	v->paused = true;
	free(v->scope);
	v->scope = xstrdup("-p 4242");
	view__say(v, true, "not exported: %s", "No space left on device");
	c = draw(v, s, 80, 24);
	assert_true(shows(c, "PAUSED"));
	assert_true(shows(c, "only -p 4242"));
	assert_int_equal(style_of(c, "not exported: No space left on device"), STYLE_ALARM);
	canvas__free(c);
	v->mode = MODE_PROMPT;
	v->prompt = PROMPT_DELAY;
	strcpy(v->input, "0.5");
	v->message[0] = 0;
	for (int height = 1; height < 30; height++) {
		c = draw(v, s, 60, height);
		assert_true(shows(c, "Interval in seconds: 0.5"));
		canvas__free(c);
	}
	view__free(v);
	snapshot__free(s);
}

/* Where the terminal shows no UTF-8 the history is ASCII; while paused it stands still. */
static void draws_history(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();
	struct canvas *c;
	char *before, *after;

	(void)state;
	c = draw(v, s, 80, 24);
	assert_true(shows(c, "█"));
	before = canvas__dump(c);
	canvas__free(c);
	view__push_load(v, 1000);
	c = draw(v, s, 80, 24);
	after = canvas__dump(c);
	canvas__free(c);
	assert_string_equal(before, after);
	view__show_history(v);
	v->utf8 = false;
	c = draw(v, s, 80, 24);
	assert_true(shows(c, "_# peak"));
	for (int i = 0; i < c->width * c->height; i++)
		assert_true((unsigned char)c->cells[i].text[0] < 0x80);
	canvas__free(c);
	/* Paused for so long that nothing of what was shown is known any more. */
	for (int i = 0; i < 2 * VIEW_HISTORY; i++)
		view__push_load(v, 3);
	c = draw(v, s, 80, 24);
	assert_false(shows(c, "peak"));
	canvas__free(c);
	free(before);
	free(after);
	view__free(v);
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_lists),		cmocka_unit_test(draws_drilled_in),
		cmocka_unit_test(draws_a_lock),		cmocka_unit_test(keeps_source_lines),
		cmocka_unit_test(draws_help),		cmocka_unit_test(draws_the_sort_menu),
		cmocka_unit_test(says_why_it_is_empty), cmocka_unit_test(alarms_of_losses),
		cmocka_unit_test(bears_hostile_names),	cmocka_unit_test(fits_every_size),
		cmocka_unit_test(styles_by_meaning),	cmocka_unit_test(cuts_no_number),
		cmocka_unit_test(marks_its_state),	cmocka_unit_test(draws_history),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("screens", tests, NULL, NULL);
}
