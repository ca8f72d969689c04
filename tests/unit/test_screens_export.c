// SPDX-License-Identifier: GPL-2.0-only
/* Key E as whole screens: the menu of formats, the prompt for the file's name, what is said. */
#include "screen_fixture.h"

#include "../../user/export.h"
#include "../../user/prompt.h"

static void assert_golden_all(struct view *v, const struct snapshot *s, const char *name)
{
	assert_golden(v, s, name, 80, 24);
	assert_golden(v, s, name, 40, 12);
	assert_golden(v, s, name, 10, 3);
	assert_golden(v, s, name, 1, 1);
}

/* Over a list; the last row is on screen where there are fewer rows than formats. */
static void draws_the_menu(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();
	const struct exporter *last = exporters;
	struct canvas *c;

	(void)state;
	while (last[1].name)
		last++;
	screen__prepare(v, s, 80, 24);
	keys__dispatch(v, 'E');
	assert_golden_all(v, s, "formats");
	view__end(v);
	assert_golden(v, s, "formats_end", 40, 12);
	for (int height = 3; height < 30; height++) {
		c = draw(v, s, 40, height);
		assert_true(shows(c, last->name));
		canvas__free(c);
	}
	view__free(v);
	snapshot__free(s);
}

/* A page has no column heads: the title takes a row of it, if there are some. */
static void draws_it_over_a_page(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	view__show(v, ENTITY_LOCK);
	screen__prepare(v, s, 80, 24);
	view__enter(v);
	screen__prepare(v, s, 80, 24);
	keys__dispatch(v, 'E');
	assert_golden(v, s, "formats_page", 80, 24);
	for (int height = 3; height < 30; height++) {
		c = draw(v, s, 40, height);
		assert_true(shows(c, "text"));
		assert_int_equal(shows(c, "EXPORT AS"), height >= 4);
		canvas__free(c);
	}
	view__free(v);
	snapshot__free(s);
}

/* The name's end, where one types, is always seen; of what is cut off '<' tells. */
static void draws_the_prompt(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	strcpy(v->file, "locktop-testhost-20231114-221321.html");
	prompt__open(v, PROMPT_FILE);
	assert_golden_all(v, s, "file");
	c = draw(v, s, 80, 24);
	assert_false(shows(c, "<"));
	canvas__free(c);
	for (int width = 12; width < 60; width++) {
		c = draw(v, s, width, 6);
		assert_true(shows(c, ".html"));
		canvas__free(c);
	}
	view__free(v);
	snapshot__free(s);
}

/* As long as it can be, of letters that take two columns and of ones that act on a terminal. */
static void bears_any_name(void **state)
{
	static const int letters[] = { 0x65e5, 0x202e, 0x301, 0x1f512, 'x' };
	struct snapshot *s = fixture__new(7);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(letters); i++) {
		struct view *v = new_view();

		prompt__open(v, PROMPT_FILE);
		for (int n = 0; n < VIEW_INPUT; n++)
			prompt__insert(v, letters[i]);
		for (int width = 1; width < 90; width += 3) {
			struct canvas *c = draw(v, s, width, 8);

			assert_false(shows(c, "\xe2\x80\xae"));
			canvas__free(c);
		}
		view__free(v);
	}
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_the_menu),
		cmocka_unit_test(draws_it_over_a_page),
		cmocka_unit_test(draws_the_prompt),
		cmocka_unit_test(bears_any_name),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
