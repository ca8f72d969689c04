// SPDX-License-Identifier: GPL-2.0-only
/* Keys e and E from the keyboard to the file, on a stage without a terminal. */
#include "keys_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../user/export.h"
#include "../../user/prompt.h"
#include "../../user/recording.h"
#include "../../user/save.h"
#include "../../user/stage.h"
#include "../../user/text_page.h"

static char directory[64];

struct desk {
	struct world w;
	struct options o;
	struct stage stage;
	struct recording recording;
	struct snapshot *range[3]; /* marked, of a recording */
	size_t n_read;
};

static int setup_desk(void **state)
{
	struct desk *d = xcalloc(1, sizeof(*d));

	strcpy(directory, "/tmp/locktop-test-stage-XXXXXX");
	assert_true(mkdtemp(directory) && !chdir(directory));
	d->o = fixture__options();
	d->w.s = fixture__new(1);
	d->w.v = view__new(&d->o);
	d->stage = (struct stage){ .o = &d->o, .view = d->w.v, .shown = d->w.s };
	view__update(d->w.v, d->w.s, 10);
	*state = d;
	return 0;
}

static int count_files(bool remove)
{
	DIR *dir = opendir(".");
	int n = 0;

	for (struct dirent *e; (e = readdir(dir));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		n++;
		if (remove && unlink(e->d_name))
			rmdir(e->d_name);
	}
	closedir(dir);
	return n;
}

static int teardown_desk(void **state)
{
	struct desk *d = *state;

	assert_int_equal(chdir(directory), 0);
	count_files(true);
	for (size_t i = 0; i < ARRAY_SIZE(d->range); i++)
		if (d->range[i])
			snapshot__free(d->range[i]);
	view__free(d->w.v);
	snapshot__free(d->w.s);
	free(d);
	return chdir("/") || rmdir(directory) ? -1 : 0;
}

/* As the loop does. */
static void key(struct desk *d, int key)
{
	stage__export(&d->stage, press(&d->w, key));
	view__update(d->w.v, d->w.s, 10);
}

/* Opens the menu and goes to a format. */
static void choose(struct desk *d, const char *format)
{
	key(d, 'E');
	assert_int_equal(d->w.v->mode, MODE_EXPORT);
	key(d, KEYS_HOME);
	for (const struct exporter *e = exporters; strcmp(e->name, format); e++)
		key(d, KEYS_DOWN);
	key(d, KEYS_ENTER);
}

/* Types a name in place of the one that is proposed. */
static void name(struct desk *d, const char *text)
{
	assert_int_equal(d->w.v->mode, MODE_PROMPT);
	key(d, KEYS_CTRL('u'));
	while (*text)
		key(d, (unsigned char)*text++);
	key(d, KEYS_ENTER);
	assert_int_equal(d->w.v->mode, MODE_LIST);
}

static char *content(const char *path)
{
	char *text = xcalloc(1, 1 << 20);
	FILE *file = fopen(path, "r");

	if (!file)
		fail_msg("%s is not there: %s", path, "");
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

/* What export__one() makes of the snapshot, by options as the screen has them. */
static void assert_same(struct desk *d, const char *path, const char *format)
{
	char *text = NULL, *written = content(path);
	size_t size;
	struct options o = d->o;
	FILE *out = open_memstream(&text, &size);

	o.format = format;
	o.idle = d->w.v->idle;
	o.top = 0;
	assert_int_equal(export__one(out, d->w.s, &o), 0);
	fclose(out);
	assert_memory_equal(text, written, size);
	free(text);
	free(written);
}

/* Every format proposes a name of its own, and writes what is on screen under it, for the user. */
static void writes_every_format(void **state)
{
	struct desk *d = *state;
	int n = 0;

	d->w.s->sleeps_known = true;
	view__toggle_idle(d->w.v);
	for (const struct exporter *e = exporters; e->name; e++) {
		char expected[128];
		struct stat st;

		choose(d, e->name);
		snprintf(expected, sizeof(expected), "locktop-testhost-20231114-221321.%s",
			 e->suffix);
		assert_string_equal(d->w.v->input, expected);
		assert_true(view__exporting(d->w.v));
		key(d, KEYS_ENTER);
		assert_false(view__exporting(d->w.v));
		assert_false(d->w.v->alarm);
		assert_non_null(strstr(d->w.v->message, expected));
		assert_int_equal(stat(expected, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_same(d, expected, e->name);
		assert_int_equal(count_files(false), ++n);
	}
	choose(d, "csv"); /* the same again has another name */
	assert_string_equal(d->w.v->input, "locktop-testhost-20231114-221321-2.csv");
}

/* Esc leaves the menu and the prompt, and nothing is written; the next name is of its own time. */
static void leaves_with_escape(void **state)
{
	struct desk *d = *state;

	key(d, 'E');
	key(d, KEYS_ESC);
	assert_int_equal(d->w.v->mode, MODE_LIST);
	choose(d, "json");
	key(d, 'x');
	key(d, KEYS_ESC);
	assert_int_equal(d->w.v->mode, MODE_LIST);
	assert_string_equal(d->w.v->message, "");
	d->w.s->time.tv_sec++;
	choose(d, "json");
	assert_string_equal(d->w.v->input, "locktop-testhost-20231114-221322.json");
	key(d, KEYS_ESC);
	assert_int_equal(count_files(false), 0);
	key(d, 'E'); /* the menu begins where it was left */
	key(d, KEYS_ENTER);
	assert_string_equal(d->w.v->exporter->name, "json");
}

/* What cannot be written is said, leaves nothing, and can be mended: the name is proposed again. */
static void says_what_fails(void **state)
{
	static const struct {
		const char *name, *said;
	} cases[] = {
		{ "", "name is missing" },
		{ "here", "there is a file here" },
		{ "dangling", "there is a file dangling" },
		{ "dir", "Is a directory" },
		{ "dir/", "Is a directory" },
		{ "new/", "Is a directory" },
		{ "no/such/place", "No such file" },
		{ "here/below", "Not a directory" },
		{ "/proc/x", "not exported" },
	};
	struct desk *d = *state;
	char *text;
	int fd = open("here", O_CREAT | O_WRONLY, 0600);

	assert_int_equal(write(fd, "mine", 4), 4);
	close(fd);
	assert_int_equal(symlink("/nonexistent/file", "dangling"), 0);
	assert_int_equal(mkdir("dir", 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		choose(d, "text");
		name(d, cases[i].name);
		assert_true(d->w.v->alarm);
		assert_non_null(strstr(d->w.v->message, cases[i].said));
		assert_int_equal(count_files(false), 3);
		if (!cases[i].name[0])
			continue;
		choose(d, "text");
		assert_string_equal(d->w.v->input, cases[i].name);
		key(d, KEYS_ESC);
	}
	text = content("here");
	assert_string_equal(text, "mine");
	free(text);
	choose(d, "text");
	name(d, "dir"); /* of another format another name is proposed */
	choose(d, "csv");
	assert_string_equal(d->w.v->input, "locktop-testhost-20231114-221321.csv");
	name(d, "dir/table.csv");
	assert_same(d, "dir/table.csv", "csv");
	assert_int_equal(unlink("dir/table.csv"), 0);
}

/* A name may be as long as the file system has it, and no longer. */
static void bounds_names(void **state)
{
	struct desk *d = *state;
	char longest[VIEW_INPUT + 100], path[VIEW_INPUT + 100];

	memset(longest, 'n', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	choose(d, "json");
	name(d, longest);
	assert_false(d->w.v->alarm);
	assert_int_equal(count_files(false), 1);
	snprintf(path, sizeof(path), "%.255s", longest);
	assert_same(d, path, "json");
	assert_int_equal(save__as(longest, NULL, NULL), -ENAMETOOLONG);
}

/* Pasted controls are no part of a name. */
static void keeps_controls_out(void **state)
{
	struct desk *d = *state;

	choose(d, "json");
	key(d, KEYS_CTRL('u'));
	for (const char *c = "a\002\033"; *c && *c != 033; c++)
		key(d, (unsigned char)*c);
	key(d, 0x9b);
	key(d, 7);
	key(d, 'b');
	key(d, KEYS_ENTER);
	assert_same(d, "ab", "json");
}

/* Over a dump E asks for the name only, and writes the dump. */
static void writes_a_dump(void **state)
{
	static const struct timespec when = { .tv_sec = 1700000001 };
	struct desk *d = *state;
	char *text;

	view__show_text(d->w.v, "Threads", text_page__new(4242, &when, "one\n\ttwo\n"));
	key(d, 'E');
	assert_string_equal(d->w.v->input, "locktop-dump-4242-20231114-221321.txt");
	name(d, "threads");
	text = content("threads");
	assert_string_equal(text, "one\n\ttwo\n");
	free(text);
	key(d, 'E');
	key(d, KEYS_ESC);
	assert_int_equal(count_files(false), 1);
}

/* Nothing is measured yet: that is said, and no name is asked for. */
static void needs_a_snapshot(void **state)
{
	struct desk *d = *state;

	d->stage.shown = NULL;
	choose(d, "json");
	assert_string_equal(d->w.v->message, "nothing is measured yet");
	assert_int_equal(d->w.v->mode, MODE_LIST);
	key(d, 'e');
	assert_string_equal(d->w.v->message, "nothing is measured yet");
	assert_int_equal(count_files(false), 0);
}

static const struct export_document no_document;
static const struct exporter sleeping = { "sleeping", "of sleeps", .suffix = "s",
					  .document = &no_document, .sleeps = true };

/* What is about single sleeps needs them. */
static void needs_single_sleeps(void **state)
{
	struct desk *d = *state;

	d->w.v->exporter = &sleeping;
	stage__export(&d->stage, OUTCOME_NAME);
	assert_string_equal(d->w.v->message, "single sleeps are not kept: start with --events");
	assert_int_equal(d->w.v->mode, MODE_LIST);
	d->w.v->recording = &d->recording;
	stage__export(&d->stage, OUTCOME_NAME);
	assert_string_equal(d->w.v->message,
			    "single sleeps were not recorded: record with --events");
	d->w.s->sleeps_known = true;
	stage__export(&d->stage, OUTCOME_NAME);
	assert_int_equal(d->w.v->mode, MODE_PROMPT);
	assert_string_equal(d->w.v->input, "locktop-testhost-20231114-221321.s");
	d->w.v->recording = NULL;
}

static int each(void *ctx, int (*take)(void *to, const struct snapshot *s), void *to)
{
	struct desk *d = ctx;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(d->range) && !err; i++, d->n_read++)
		err = take(to, d->range[i]);
	return err;
}

/* Of a marked range a document gets the intervals; other formats write the sum on screen. */
static void writes_a_range(void **state)
{
	struct desk *d = *state;
	struct options o = d->o;
	char *text = NULL, *written;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct export_run *run;

	o.format = "html";
	o.top = 0;
	run = export__new(&o);
	for (size_t i = 0; i < ARRAY_SIZE(d->range); i++) {
		d->range[i] = fixture__new(i + 1);
		assert_int_equal(export__add(run, out, d->range[i]), 0);
	}
	assert_int_equal(export__end(run, out), 0);
	export__free(run);
	fclose(out);
	d->stage.each = each;
	d->stage.each_ctx = d;
	choose(d, "html");
	name(d, "page");
	written = content("page");
	assert_string_equal(written, text);
	assert_int_equal(d->n_read, 3);
	choose(d, "json");
	name(d, "sum");
	assert_same(d, "sum", "json");
	assert_int_equal(d->n_read, 3);
	d->range[2]->sleeps_known = true; /* one interval that has them is enough */
	d->w.v->exporter = &sleeping;
	stage__export(&d->stage, OUTCOME_NAME);
	assert_int_equal(d->w.v->mode, MODE_PROMPT);
	free(written);
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_desk, teardown_desk)
	const struct CMUnitTest tests[] = {
		TEST(writes_every_format), TEST(leaves_with_escape), TEST(says_what_fails),
		TEST(bounds_names),	   TEST(keeps_controls_out), TEST(needs_a_snapshot),
		TEST(needs_single_sleeps), TEST(writes_a_range),     TEST(writes_a_dump),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("stage_export", tests, NULL, NULL);
}
