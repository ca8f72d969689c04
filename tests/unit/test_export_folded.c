// SPDX-License-Identifier: GPL-2.0-only
#include "export_fixture.h"

#include <inttypes.h>

static struct snapshot *with_stacks(void)
{
	struct snapshot *s = fixture__new(1);

	fixture__add_stacks(s, &s->locks[0]);
	return s;
}

/* As flame graph tools read it: the last blank of a line separates its weight. */
static uint64_t sum_of_weights(const char *text, const char *with)
{
	uint64_t sum = 0;

	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = strndup(text, n), *blank = strrchr(line, ' '), *end;

		assert_int_equal(text[n], '\n');
		assert_non_null(blank);
		assert_non_null(strchr(line, ';'));
		if (strstr(line, with))
			sum += strtoull(blank + 1, &end, 10);
		else
			strtoull(blank + 1, &end, 10);
		assert_int_equal(*end, 0);
		assert_true(end > blank + 1);
		free(line);
		text += n + 1;
	}
	return sum;
}

/* Outermost first, the lock last; names as they are, addresses where there are none. */
static void writes_stacks(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = with_stacks();
	char *text = export("folded", s, &o, true);

	(void)state;
	assert_true(has_line(text, "dbserver;start_thread;worker_main;execute_query;open_table;"
				   "pthread_mutex_lock;lock:table_cache_lock 1270500000"));
	assert_true(has_line(text,
			     "dbserver;[truncated];dbserver+0x2f000;execute_query;"
			     "open_table;pthread_mutex_lock;lock:table_cache_lock 577500000"));
	assert_non_null(strstr(text, ";std::map<std::basic_string<char>, std::vector<int>, "));
	assert_null(strstr(text, "pthread_mutex_unlock"));
	/* What no sample tells about is not left out. */
	assert_true(has_line(text, "dbserver;[no stack];lock:rwlock-write 0x7f10a4000b60 "
				   "640000000"));
	free(text);
	s->locks[0].sites[0].wait_ns = 0;
	text = export("folded", s, &o, true);
	assert_in_range(sum_of_weights(text, "[no stack];lock:table_cache_lock"), 1270500000,
			1270500010);
	free(text);
	snapshot__free(s);
}

/* The weights of a lock are its wait, those of two intervals that of both. */
static void adds_up(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = with_stacks();
	char *text = export("folded", s, &o, true), *more = export("folded", s, &o, false);
	char *both = xasprintf("%s%s", text, more);

	(void)state;
	assert_in_range(sum_of_weights(text, "lock:table_cache_lock"), 2310 * MS - 10, 2310 * MS);
	assert_in_range(sum_of_weights(text, ""), s->totals.wait_ns - 10, s->totals.wait_ns);
	assert_int_equal(sum_of_weights(both, ""), 2 * sum_of_weights(text, ""));
	free(text);
	free(more);
	free(both);
	snapshot__free(s);
}

/* Idle waits only when asked for. */
static void hides_idle(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = with_stacks();
	char *text = export("folded", s, &o, true);

	(void)state;
	assert_null(strstr(text, "cond"));
	free(text);
	o.idle = true;
	text = export("folded", s, &o, true);
	assert_int_equal(sum_of_weights(text, "lock:cond"), s->idle.wait_ns);
	free(text);
	snapshot__free(s);
}

/* No name can make a frame or a line of its own. */
static void escapes_names(void **state)
{
	static struct frame frames[] = {
		{ "in;ner\n", "/x", 0, NULL, 0, NULL, NULL },
		{ "", "", 0, NULL, 0, NULL, NULL },
		{ NULL, "/usr/lib/a;b.so", 16, NULL, 0, NULL, NULL },
	};
	struct options o = fixture__options();
	struct snapshot *s = fixture__empty(1);
	struct fixture_lock f = fixture_locks[0];
	struct site site = { .frames = frames, .n_frames = 3, .share = 1, .wait_ns = 5 };
	char *text;

	(void)state;
	f.comm = "a;b c\n";
	f.name = "lo;ck 7";
	f.wait_ms = 0;
	fixture__add_lock(s, &f);
	s->locks[0].sites = &site;
	s->locks[0].n_sites = 1;
	text = export("folded", s, &o, true);
	assert_string_equal(text, "a:b c?;a:b.so+0x10;[unknown];in:ner?;lock:lo:ck 7 5\n");
	free(text);
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_stacks),
		cmocka_unit_test(adds_up),
		cmocka_unit_test(hides_idle),
		cmocka_unit_test(escapes_names),
	};

	return cmocka_run_group_tests_name("export_folded", tests, NULL, NULL);
}
