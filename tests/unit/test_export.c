// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exports compared with tests/golden/export_*, and what other programs may rely on in them.
 * Documents of several intervals have tests of their own. LOCKTOP_GOLDEN_UPDATE=1 writes those
 * files anew; look at the difference before committing it. Run from the top of the tree.
 */
#include "export_fixture.h"
#include "python_fixture.h"

#include <time.h>

/*
 * Each format of a usual interval, one with the idle class, one with owners and deadlocks, two of
 * the exact tier, one without a row, one of a Python program, and a hostile one.
 */
static void test_golden(void **state)
{
	static const struct {
		const char *name;
		struct snapshot *(*make)(void);
		bool idle;
		unsigned int top;
	} cases[] = {
		{ "plain", plain, false, 20 }, { "idle", plain, true, 1 },
		{ "owned", owned, false, 20 }, { "hostile", hostile, true, 0 },
		{ "exact", exact, true, 0 },   { "sliced", sliced, false, 20 },
		{ "empty", empty, false, 20 }, { "python", python_usual, true, 20 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct options o = fixture__options();
		struct snapshot *s = cases[i].make();

		o.idle = cases[i].idle;
		o.top = cases[i].top;
		for (const struct exporter *e = exporters; e->name; e++) {
			char *text, name[64];

			if (e->document)
				continue;
			text = export(e->name, s, &o, true);
			snprintf(name, sizeof(name), "export_%s.%s", cases[i].name,
				 strcmp(e->name, "text") ? e->name : "txt");
			assert_golden(name, text);
			free(text);
		}
		snapshot__free(s);
	}
}

/* Formats are found by their names alone. */
static void test_find(void **state)
{
	(void)state;
	assert_string_equal(exporter__find("json")->name, "json");
	assert_null(exporter__find(""));
	assert_null(exporter__find("jso"));
	assert_null(exporter__find("JSON"));
}

/* A file is told by its suffix: each format has one of its own, of harmless letters. */
static void test_suffixes(void **state)
{
	(void)state;
	for (const struct exporter *e = exporters; e->name; e++) {
		if (!e->suffix)
			fail_msg("%s has no suffix", e->name);
		assert_int_equal(strspn(e->suffix, "abcdefghijklmnopqrstuvwxyz."),
				 strlen(e->suffix));
		for (const struct exporter *other = exporters; other < e; other++)
			assert_string_not_equal(other->suffix, e->suffix);
	}
}

/* In no format does a byte come through that could act on a terminal, or that is no UTF-8. */
static void test_harmless(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = with_sleeps(hostile());

	(void)state;
	o.idle = true;
	for (const struct exporter *e = exporters; e->name; e++) {
		char *text = e->binary ? NULL : export(e->name, s, &o, true);

		if (!text) /* what it holds is looked at where it is unpacked */
			continue;
		for (const char *c = text; *c; c++)
			if ((unsigned char)*c < ' ' && *c != '\n' && *c != '\r' &&
			    (*c != '\t' || strcmp(e->name, "html")))
				fail_msg("%s: byte %#x", e->name, *c);
		assert_null(strstr(text, "\x7f"));
		assert_null(strstr(text, "\xff"));
		assert_null(strstr(text, "\xe2\x80\xae"));
		if (strcmp(e->name, "csv"))
			assert_null(strchr(text, '\r'));
		free(text);
	}
	snapshot__free(s);
}

/* The same of the machine's own name. */
static void test_harmless_host(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = with_sleeps(empty());

	(void)state;
	s->host = s->kernel = ESCAPE;
	for (const struct exporter *e = exporters; e->name; e++) {
		char *text = e->binary ? xstrdup("") : export(e->name, s, &o, true);

		if (strpbrk(text, "\x1b\x07"))
			fail_msg("%s: an escape sequence came through", e->name);
		free(text);
	}
	snapshot__free(s);
}

/* Reads one cell of RFC 4180 into buf. Returns what follows its separator. */
static const char *csv_cell(const char *text, char *buf, bool *last)
{
	bool quoted = *text == '"';

	text += quoted;
	for (; *text; text++) {
		if (quoted && text[0] == '"' && text[1] == '"')
			text++;
		else if (quoted ? *text == '"' : *text == ',' || *text == '\r')
			break;
		*buf++ = *text;
	}
	*buf = 0;
	text += quoted;
	*last = *text == '\r';
	assert_true(*text == ',' || (text[0] == '\r' && text[1] == '\n'));
	return text + 1 + *last;
}

/* As many cells in each line as in the head, and the hostile names back as cells. */
static void test_csv(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = hostile();
	char *text = export("csv", s, &o, true), cell[4096];
	size_t columns = 0, cells = 0, lines = 0;
	const char *at = text;
	bool last, formula = false, quotes = false;

	(void)state;
	assert_memory_equal(text, "time,interval_ns,comm,id,", 25);
	while (*at) {
		at = csv_cell(at, cell, &last);
		cells++;
		formula |= !strcmp(cell, "'" FORMULA);
		quotes |= !strcmp(cell, QUOTES);
		assert_false(cell[0] && strchr("=+-@", cell[0]));
		if (!last)
			continue;
		columns = columns ? columns : cells;
		assert_int_equal(cells, columns);
		cells = 0;
		lines++;
	}
	assert_true(formula && quotes);
	assert_int_equal(columns, 44);
	assert_int_equal(lines, 1 + s->n_locks);
	free(text);
	snapshot__free(s);
}

/* Heads come once; a later interval goes on where the one before ended. */
static void test_intervals(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = plain();
	char *first = export("csv", s, &o, true), *later = export("csv", s, &o, false);

	(void)state;
	assert_string_equal(strstr(first, "\r\n") + 2, later);
	free(first);
	free(later);
	first = export("text", s, &o, true);
	later = export("text", s, &o, false);
	assert_int_equal(later[0], '\n');
	assert_string_equal(first, later + 1);
	free(first);
	free(later);
	snapshot__free(s);
}

/* As text, an inversion is told once, when it is new. */
static void test_inversions(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = exact();
	char *text = export("text", s, &o, true);

	(void)state;
	assert_non_null(strstr(text, "ORDER INVERSION in dbserver (process 4242)"));
	assert_null(strstr(text, "ORDER INVERSION in queued"));
	free(text);
	s->inversions[0].fresh = false;
	text = export("text", s, &o, false);
	assert_null(strstr(text, "ORDER INVERSION"));
	free(text);
	snapshot__free(s);
}

/* A full device is an error of the writer or of the flush that follows, in each format. */
static void test_full(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = with_sleeps(plain());

	(void)state;
	for (const struct exporter *e = exporters; e->name; e++) {
		FILE *f = fopen("/dev/full", "w");
		int err;

		o.format = e->name;
		err = export__one(f, s, &o);
		assert_true(err < 0 || fflush(f));
		fclose(f);
		f = fopen("/dev/full", "w");
		setvbuf(f, NULL, _IONBF, 0);
		assert_true(export__one(f, s, &o) < 0);
		fclose(f);
	}
	snapshot__free(s);
}

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),	      cmocka_unit_test(test_find),
		cmocka_unit_test(test_harmless),      cmocka_unit_test(test_suffixes),
		cmocka_unit_test(test_harmless_host), cmocka_unit_test(test_csv),
		cmocka_unit_test(test_intervals),     cmocka_unit_test(test_full),
		cmocka_unit_test(test_inversions),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
