// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/canvas.h"

static void assert_dump(const struct canvas *c, const char *expected)
{
	char *dump = canvas__dump(c);

	assert_string_equal(dump, expected);
	free(dump);
}

/* Text lands where it is put, is cut at its columns, and blanks at the end are not dumped. */
static void places_and_cuts_text(void **state)
{
	struct canvas *c = canvas__new(8, 3);

	(void)state;
	assert_int_equal(canvas__text(c, 1, 0, -1, STYLE_NORMAL, "abc"), 3);
	assert_int_equal(canvas__text(c, 5, 1, -1, STYLE_NORMAL, "abcdef"), 3);
	assert_int_equal(canvas__text(c, 0, 2, 2, STYLE_NORMAL, "abcdef"), 2);
	assert_dump(c, " abc\n     abc\nab\n");
	canvas__free(c);
}

/* Right alignment fills from the right edge of its columns; too long text loses its end. */
static void aligns_right(void **state)
{
	struct canvas *c = canvas__new(8, 2);

	(void)state;
	assert_int_equal(canvas__right(c, 1, 0, 5, STYLE_NORMAL, "42"), 2);
	assert_int_equal(canvas__right(c, 1, 1, 3, STYLE_NORMAL, "12345"), 3);
	assert_dump(c, "    42\n 123\n");
	canvas__free(c);
}

/* Nothing outside the grid is touched, whatever the coordinates, down to a grid of no cells. */
static void clips_everywhere(void **state)
{
	static const int sizes[][2] = { { 0, 0 }, { 1, 1 }, { 0, 5 }, { 5, 0 }, { 3, 2 } };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct canvas *c = canvas__new(sizes[i][0], sizes[i][1]);

		for (int y = -2; y < 4; y++) {
			for (int x = -4; x < 8; x++) {
				canvas__text(c, x, y, -1, STYLE_HOT, "日本");
				canvas__right(c, x, y, 4, STYLE_HOT, "long text");
				canvas__style(c, x, y, 100, STYLE_DIM);
				canvas__style(c, x, y, -1, STYLE_DIM);
			}
		}
		free(canvas__dump(c));
		canvas__free(c);
	}
	canvas__free(NULL);
}

/* Text that begins left of the grid shows what reaches into it. */
static void clips_left(void **state)
{
	struct canvas *c = canvas__new(4, 1);

	(void)state;
	assert_int_equal(canvas__text(c, -2, 0, -1, STYLE_NORMAL, "abcd"), 2);
	assert_dump(c, "cd\n");
	canvas__free(c);
}

/* A wide character takes two cells, is never halved at the edge, nor by what is drawn over it. */
static void keeps_wide_characters_whole(void **state)
{
	struct canvas *c = canvas__new(5, 2);

	(void)state;
	assert_int_equal(canvas__text(c, 0, 0, -1, STYLE_NORMAL, "日本語"), 4);
	assert_string_equal(c->cells[0].text, "日");
	assert_string_equal(c->cells[1].text, "");
	assert_dump(c, "日本\n\n");
	canvas__text(c, 1, 0, 1, STYLE_NORMAL, "x");
	assert_dump(c, " x本\n\n");
	canvas__text(c, 2, 0, 1, STYLE_NORMAL, "y");
	assert_dump(c, " xy\n\n");
	canvas__free(c);
}

/* A combining mark shares its letter's cell; a heap of them is cut, not spilled. */
static void combines_marks(void **state)
{
	struct canvas *c = canvas__new(4, 1);

	(void)state;
	assert_int_equal(canvas__text(c, 0, 0, -1, STYLE_NORMAL, "e\xcc\x81t"), 2);
	assert_string_equal(c->cells[0].text, "e\xcc\x81");
	assert_string_equal(c->cells[1].text, "t");
	assert_int_equal(canvas__text(c, 0, 0, -1, STYLE_NORMAL,
				      "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81z"),
			 2);
	assert_string_equal(c->cells[0].text, "a\xcc\x81\xcc\x81\xcc\x81");
	assert_string_equal(c->cells[1].text, "z");
	canvas__free(c);
}

/* Escape sequences and broken UTF-8 become question marks: no byte of them is left. */
static void cleans_foreign_text(void **state)
{
	struct canvas *c = canvas__new(20, 1);
	char *dump;

	(void)state;
	canvas__text(c, 0, 0, -1, STYLE_NORMAL, "a\033[31mb\xff\xc3\tc\x9b");
	dump = canvas__dump(c);
	assert_null(strpbrk(dump, "\033\t\xff\xc3\x9b"));
	assert_int_equal(dump[0], 'a');
	assert_int_equal(dump[1], '?');
	free(dump);
	canvas__free(c);
}

/* Styles belong to cells: text brings its own, canvas__style changes a stretch and no text. */
static void styles_cells(void **state)
{
	struct canvas *c = canvas__new(6, 1);

	(void)state;
	canvas__text(c, 0, 0, -1, STYLE_VALUE, "abcd");
	canvas__style(c, 1, 0, 2, STYLE_ALARM);
	assert_int_equal(c->cells[0].style, STYLE_VALUE);
	assert_int_equal(c->cells[1].style, STYLE_ALARM);
	assert_int_equal(c->cells[2].style, STYLE_ALARM);
	assert_int_equal(c->cells[3].style, STYLE_VALUE);
	assert_int_equal(c->cells[4].style, STYLE_NORMAL);
	assert_dump(c, "abcd\n");
	canvas__clear(c);
	assert_int_equal(c->cells[1].style, STYLE_NORMAL);
	assert_dump(c, "\n");
	canvas__free(c);
}

/* Another size is another grid, empty. */
static void resizes(void **state)
{
	struct canvas *c = canvas__new(2, 1);

	(void)state;
	canvas__text(c, 0, 0, -1, STYLE_NORMAL, "ab");
	canvas__resize(c, 3, 2);
	assert_dump(c, "\n\n");
	canvas__printf(c, 0, 1, -1, STYLE_NORMAL, "%d", 123);
	assert_dump(c, "\n123\n");
	canvas__resize(c, -1, -5);
	assert_int_equal(c->width, 0);
	assert_dump(c, "");
	canvas__free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_and_cuts_text),
		cmocka_unit_test(aligns_right),
		cmocka_unit_test(clips_everywhere),
		cmocka_unit_test(clips_left),
		cmocka_unit_test(keeps_wide_characters_whole),
		cmocka_unit_test(combines_marks),
		cmocka_unit_test(cleans_foreign_text),
		cmocka_unit_test(styles_cells),
		cmocka_unit_test(resizes),
	};

	return cmocka_run_group_tests_name("canvas", tests, NULL, NULL);
}
