// SPDX-License-Identifier: GPL-2.0-only
/* --help: it names everything there is. */
#include "options_fixture.h"

#include <stdlib.h>

#include "../../user/export.h"

static char *help(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	options__help(f);
	fclose(f);
	return text;
}

/* --help names every option, command, format and field, each with what it is for. */
static void test_help(void **state)
{
	static const char *const words[] = {
		"-p, --pid PID", "--comm GLOB",	    "--user NAME",     "--cgroup PATH",
		"-d, --delay ",	 "-n, --count N",   "-b, --batch",     "-f, --format ",
		"-o, --output ", "-s, --sort ",	    "-r, --reverse",   "-i, --idle",
		"--top N",	 "--samples N",	    "--max-samples N", "--stack-bytes N",
		"--max-locks N", "--max-threads N", "-h, --help",      "-V, --version",
		"locktop check", "locktop demo",    "-- CMD",	       "Exit status",
		"locktop dump",	 "--fail-on WHAT",  "  deadlock",      "  dead-owner",
	};
	_cleanup_(util__freep) char *text = help();
	char line[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strstr(text, words[i]))
			fail_msg("--help does not name %s", words[i]);
	for (const struct exporter *e = exporters; e->name; e++) {
		snprintf(line, sizeof(line), "  %-26s %s\n", e->name, e->help);
		assert_non_null(strstr(text, line));
	}
	for (int e = 0; e < ENTITY_COUNT; e++) {
		for (const struct field *f = fields__of(e); f->key; f++) {
			snprintf(line, sizeof(line), "  %-26s %s\n", f->key, f->help);
			if (!strstr(text, line))
				fail_msg("--help does not explain %s", f->key);
		}
	}
}

/* It fits a terminal of 100 columns, and no line ends in blanks. */
static void test_help_layout(void **state)
{
	_cleanup_(util__freep) char *text = help();
	char *rest = text, *line;

	(void)state;
	while ((line = strsep(&rest, "\n"))) {
		size_t len = strlen(line);

		if (len > 100)
			fail_msg("%zu columns: %s", len, line);
		if (len && line[len - 1] == ' ')
			fail_msg("blanks at the end of: %s", line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_help_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
