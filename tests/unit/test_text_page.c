// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

#include "../../user/text.h"
#include "../../user/text_page.h"

static const struct timespec when = { .tv_sec = 1 };

static void assert_lines(const char *text, int width, const char *expected)
{
	struct text_page *t = text_page__new(1, &when, text);
	char joined[4096] = "";

	text_page__wrap(t, width);
	for (size_t i = 0; i < t->n_lines; i++) {
		strcat(joined, t->lines[i]);
		strcat(joined, "|");
	}
	assert_string_equal(joined, expected);
	assert_string_equal(t->text, text);
	text_page__free(t);
}

/* Lines as they are, also without an end, empty, with tabs, and with what is no text. */
static void splits_lines(void **state)
{
	(void)state;
	assert_lines("", 80, "");
	assert_lines("\n\na", 80, "||a|");
	assert_lines("a\n  b\n", 80, "a|  b|");
	assert_lines("\tx\nab\ty\n", 80, "        x|ab      y|");
	assert_lines("\033[1m\xff\n", 80, "?[1m?|");
	text_page__free(NULL);
}

/* Long lines are broken at blanks, what follows is set in; words that are too long are cut. */
static void wraps(void **state)
{
	(void)state;
	assert_lines("one two three", 9, "one two|    three|");
	assert_lines("  one two three four", 12, "  one two|      three|      four|");
	assert_lines("  abcdefghijklmn", 10, "  abcdefgh|     ijklm|     n|");
	assert_lines("日本語", 4, "日本|  語|");
	assert_lines("日本", 1, "日本|");
	assert_lines("ab", 0, "a|b|");
}

/* No line is wider than asked for, and none is lost, at any width. */
static void fits_every_width(void **state)
{
	static const char text[] =
		"thread worker 4243: waiting at least 1.2s for mutex table_lock, held by "
		"worker 4244\n\tin a_function_of_some_length (file.c:12)\n";
	struct text_page *t = text_page__new(1, &when, text);
	size_t length = 0, before = 0;

	(void)state;
	for (int width = 1; width < 120; width++) {
		length = 0;
		text_page__wrap(t, width);
		for (size_t i = 0; i < t->n_lines; i++) {
			assert_true(text__columns(t->lines[i]) <= width);
			for (const char *c = t->lines[i]; *c; c++)
				length += *c != ' ';
		}
		assert_true(!before || length == before);
		before = length;
	}
	text_page__free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_lines),
		cmocka_unit_test(wraps),
		cmocka_unit_test(fits_every_width),
	};

	return cmocka_run_group_tests_name("text_page", tests, NULL, NULL);
}
