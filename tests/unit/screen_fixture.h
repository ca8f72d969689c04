/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whole screens compared with tests/golden/screen_*.txt. LOCKTOP_GOLDEN_UPDATE=1 writes those files
 * anew; look at the difference before committing it. Run from the top of the tree.
 */
#ifndef SCREEN_FIXTURE_H
#define SCREEN_FIXTURE_H

#include "fixture.h"

#include <stdlib.h>

#include "../../user/screen.h"

static const int screen_sizes[][2] = { { 60, 15 }, { 80, 24 }, { 200, 50 }, { 10, 3 }, { 1, 1 } };

static inline struct view *new_view(void)
{
	struct options o = fixture__options();
	struct view *v = view__new(&o);

	v->utf8 = true;
	for (int i = 0; i < 40; i++)
		view__push_load(v, (i * 7 % 20) / 5.0);
	view__show_history(v);
	return v;
}

static inline struct canvas *draw(struct view *v, const struct snapshot *s, int width, int height)
{
	struct canvas *c = canvas__new(width, height);

	screen__prepare(v, s, width, height);
	screen__draw(s, v, c);
	return c;
}

/* In the view's mode and level; without a file of that name the test fails, too. */
static inline void assert_golden(struct view *v, const struct snapshot *s, const char *name,
				 int width, int height)
{
	struct canvas *c = draw(v, s, width, height);
	char *dump = canvas__dump(c), expected[64 * 1024], path[128];
	FILE *file;

	snprintf(path, sizeof(path), "tests/golden/screen_%s_%dx%d.txt", name, width, height);
	if (getenv("LOCKTOP_GOLDEN_UPDATE")) {
		file = fopen(path, "w");
		assert_non_null(file);
		fputs(dump, file);
		fclose(file);
	}
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s is missing", path);
	expected[fread(expected, 1, sizeof(expected) - 1, file)] = 0;
	fclose(file);
	if (strcmp(dump, expected))
		print_message("%s is now:\n%s\n", path, dump);
	assert_string_equal(dump, expected);
	free(dump);
	canvas__free(c);
}

static inline void assert_golden_sizes(struct view *v, const struct snapshot *s, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(screen_sizes); i++)
		assert_golden(v, s, name, screen_sizes[i][0], screen_sizes[i][1]);
}

static inline bool shows(const struct canvas *c, const char *text)
{
	char *dump = canvas__dump(c);
	bool found = strstr(dump, text);

	free(dump);
	return found;
}

/* The style of the first cell of a text on the screen. */
static inline enum style style_of(const struct canvas *c, const char *text)
{
	for (int y = 0; y < c->height; y++) {
		for (int x = 0; x + (int)strlen(text) <= c->width; x++) {
			size_t i = 0;

			while (text[i] && c->cells[y * c->width + x + i].text[0] == text[i])
				i++;
			if (!text[i])
				return c->cells[y * c->width + x].style;
		}
	}
	fail_msg("%s is not on the screen", text);
	return STYLE_COUNT;
}

#endif
