// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../user/save.h"

static char directory[64];

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/locktop-test-save-XXXXXX");
	return mkdtemp(directory) && !chdir(directory) ? 0 : -1;
}

static int count_files(void)
{
	DIR *d = opendir(".");
	int n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n;
}

static int teardown(void **state)
{
	DIR *d = opendir(".");

	(void)state;
	for (struct dirent *e; d && (e = readdir(d));)
		unlink(e->d_name);
	closedir(d);
	return chdir("/") || rmdir(directory) ? -1 : 0;
}

/* The file has the promised name, is for its owner alone, and holds one JSON object in a line. */
static void writes_a_private_file(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct options o = fixture__options();
	char name[160], start[32] = "";
	struct stat st;
	FILE *file;

	(void)state;
	umask(0);
	assert_int_equal(save__snapshot(s, &o, name, sizeof(name)), 0);
	assert_string_equal(name, "locktop-testhost-20231114-221321.json");
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	file = fopen(name, "r");
	assert_non_null(file);
	assert_non_null(fgets(start, sizeof(start), file));
	assert_int_equal(start[0], '{');
	assert_int_equal(fseek(file, -2, SEEK_END), 0);
	assert_string_equal(fgets(start, sizeof(start), file), "}\n");
	fclose(file);
	assert_int_equal(count_files(), 1);
	snapshot__free(s);
}

/* A second export within the second gets a number; what stood there is not touched. */
static void never_overwrites(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct options o = fixture__options();
	char name[160];
	struct stat st;

	(void)state;
	assert_int_equal(symlink("/nonexistent", "locktop-testhost-20231114-221321.json"), 0);
	assert_int_equal(save__snapshot(s, &o, name, sizeof(name)), 0);
	assert_string_equal(name, "locktop-testhost-20231114-221321-2.json");
	assert_int_equal(save__snapshot(s, &o, name, sizeof(name)), 0);
	assert_string_equal(name, "locktop-testhost-20231114-221321-3.json");
	assert_int_equal(lstat("locktop-testhost-20231114-221321.json", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(count_files(), 3);
	snapshot__free(s);
}

/* A host's name cannot lead to another directory or put controls into the file's name. */
static void keeps_names_harmless(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct options o = fixture__options();
	char name[160];

	(void)state;
	s->host = "../a\033[2J b/\xff";
	assert_int_equal(save__snapshot(s, &o, name, sizeof(name)), 0);
	assert_string_equal(name, "locktop-.._a__2J_b__-20231114-221321.json");
	s->host = NULL;
	assert_int_equal(save__snapshot(s, &o, name, sizeof(name)), 0);
	assert_string_equal(name, "locktop-unknown-20231114-221321.json");
	snapshot__free(s);
}

/* A dump goes into a file of text under the process's number, as it was written. */
static void writes_a_dump(void **state)
{
	static const struct timespec when = { .tv_sec = 1700000001 };
	struct text_page *dump = text_page__new(4242, &when, "threads\n\tof it\n");
	char name[160], text[64] = "";
	FILE *file;

	(void)state;
	assert_int_equal(save__dump(dump, name, sizeof(name)), 0);
	assert_string_equal(name, "locktop-dump-4242-20231114-221321.txt");
	file = fopen(name, "r");
	assert_non_null(file);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, file), 15);
	assert_string_equal(text, "threads\n\tof it\n");
	fclose(file);
	assert_int_equal(save__dump(dump, name, sizeof(name)), 0);
	assert_string_equal(name, "locktop-dump-4242-20231114-221321-2.txt");
	text_page__free(dump);
}

/* Where no file can be made, that is said, and nothing is left behind. */
static void reports_failure(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct options o = fixture__options();
	char name[160] = "untouched";

	(void)state;
	assert_int_equal(chdir("/proc"), 0);
	assert_true(save__snapshot(s, &o, name, sizeof(name)) < 0);
	assert_string_equal(name, "untouched");
	assert_int_equal(chdir(directory), 0);
	assert_int_equal(count_files(), 0);
	snapshot__free(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(writes_a_private_file), TEST(never_overwrites), TEST(keeps_names_harmless),
		TEST(writes_a_dump),	     TEST(reports_failure),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("save", tests, NULL, NULL);
}
