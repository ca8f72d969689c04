// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../user/export.h"
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

static int write_one(void *ctx, FILE *out)
{
	struct snapshot *s = ctx;
	struct options o = fixture__options();

	return export_json__write(out, s, &o, true);
}

static int write_long(void *ctx, FILE *out)
{
	for (int i = 0; i < 10000; i++)
		write_one(ctx, out);
	return 0;
}

static int fail_to_write(void *ctx, FILE *out)
{
	fputs("half of it", out);
	return *(int *)ctx;
}

/* Under a name of the user's: private, in another directory too, never over anything. */
static void writes_under_any_name(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct stat st;

	(void)state;
	umask(0);
	assert_int_equal(mkdir("sub", 0700), 0);
	assert_int_equal(save__as("sub/x y", write_one, s), 0);
	assert_int_equal(stat("sub/x y", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(save__as("sub/x y", write_one, s), -EEXIST);
	assert_int_equal(save__as("sub", write_one, s), -EISDIR);
	assert_int_equal(save__as("x/", write_one, s), -EISDIR);
	assert_int_equal(save__as("", write_one, s), -ENOENT);
	assert_int_equal(save__as("no/x", write_one, s), -ENOENT);
	assert_int_equal(save__as("sub/x y/z", write_one, s), -ENOTDIR);
	assert_int_equal(unlink("sub/x y"), 0);
	assert_int_equal(rmdir("sub"), 0); /* so nothing else is in it */
	assert_int_equal(count_files(), 0);
	snapshot__free(s);
}

/* A name is proposed that nothing has; what is no name of a file does not come in. */
static void proposes_free_names(void **state)
{
	struct snapshot *s = fixture__new(1);
	char name[160];

	(void)state;
	save__propose(s, "pb.gz", name, sizeof(name));
	assert_string_equal(name, "locktop-testhost-20231114-221321.pb.gz");
	assert_int_equal(symlink("/nonexistent", name), 0);
	save__propose(s, "pb.gz", name, sizeof(name));
	assert_string_equal(name, "locktop-testhost-20231114-221321-2.pb.gz");
	s->host = "a/b\n";
	save__propose(s, "html", name, sizeof(name));
	assert_string_equal(name, "locktop-a_b_-20231114-221321.html");
	snapshot__free(s);
}

/* Half a file does not stay, and the reason is the first that there was. */
static void leaves_nothing_half_done(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct rlimit limit = { 10000, RLIM_INFINITY };
	int err = -EBADMSG, of_limit;

	(void)state;
	assert_int_equal(save__as("x", fail_to_write, &err), -EBADMSG);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	of_limit = save__as("x", write_long, s);
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(of_limit, -EFBIG);
	assert_int_equal(count_files(), 0);
	assert_int_equal(save__as("x", write_long, s), 0);
	snapshot__free(s);
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
		TEST(writes_a_private_file), TEST(never_overwrites),
		TEST(keeps_names_harmless),  TEST(writes_a_dump),
		TEST(reports_failure),	     TEST(writes_under_any_name),
		TEST(proposes_free_names),   TEST(leaves_nothing_half_done),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("save", tests, NULL, NULL);
}
