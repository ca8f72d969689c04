// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wait graph for Graphviz: what stands in it, and that Graphviz itself reads it without a
 * warning (where it is installed).
 */
#include "export_fixture.h"

#include <unistd.h>

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

static char *write_dot(const struct snapshot *s, bool idle, unsigned int top)
{
	struct options o = fixture__options();

	o.idle = idle;
	o.top = top;
	return export("dot", s, &o, true);
}

/* A chain, inferred and dead owners, readers, and two deadlocks, in four processes. */
static struct snapshot *graph(void)
{
	struct snapshot *s = fixture__new(1);

	fixture__add_owners(s);
	fixture__add_deadlock(s);
	return s;
}

/* The picture of all that can be in one. */
static void draws_all(void **state)
{
	struct snapshot *s = graph();
	char *text = write_dot(s, false, 20);

	(void)state;
	assert_golden("export_graph.dot", text);
	assert_true(has_line(text, "subgraph cluster_4242 {"));
	assert_non_null(strstr(text, "\nlabel=\"dbserver 4242\"\n"));
	/* Inferred owners have a dashed line. */
	assert_true(has_line(text, "lock_4242_55d0c0a81040 -> thread_4242_4293 "
				   "[label=\"held 23ms\\nlock-word\"]"));
	assert_true(has_line(text, "lock_977_5581f2a40a20 -> thread_977_990 "
				   "[label=\"last-waker\\n(inferred)\", style=dashed]"));
	assert_non_null(strstr(text, "[label=\"log-flusher 4300\\nasleep in fsync for 1.2"));
	/* Who waits says so on its edge alone. */
	assert_non_null(strstr(text, "[label=\"dbserver 4293\"]"));
	assert_non_null(strstr(text, "held by 3 readers"));
	assert_non_null(strstr(text, "its owner, thread 31350, has exited"));
	free(text);
	snapshot__free(s);
}

/* Red: the threads, locks and edges of deadlocks, and not who queues behind them. */
static void marks_deadlocks(void **state)
{
	struct snapshot *s = graph();
	char *text = write_dot(s, false, 20);

	(void)state;
	/* 3 threads, 3 locks, 3 waits, 3 owners */
	assert_int_equal(count(text, "penwidth=2.5"), 12);
	assert_true(has_line(text, "thread_5150_5151 -> lock_5150_5000 [label=\"waits 3.30s\", "
				   "color=\"#c00000\", fontcolor=\"#c00000\", penwidth=2.5]"));
	assert_true(has_line(text, "thread_5150_5153 -> lock_5150_5000 [label=\"waits 900ms\"]"));
	assert_non_null(strstr(text, "lock_5170_6000 -> thread_5170_5170"));
	free(text);
	text = write_dot(s, false, 1);
	assert_int_equal(count(text, "penwidth=2.5"), 12);
	free(text);
	snapshot__free(s);
}

/* What top leaves out is said: how many locks, and which one a thread waits for. */
static void respects_top(void **state)
{
	struct snapshot *s = graph();
	char *text = write_dot(s, false, 1);

	(void)state;
	assert_non_null(strstr(text, "\\l... and 2 more locks (--top 0 shows all)\\l"));
	assert_null(strstr(text, "lock_4242_7f10a4000b60"));
	assert_null(strstr(text, "log-flusher"));
	assert_non_null(strstr(text, "[label=\"dbserver 4293\\nwaits for rwlock-write "
				     "0x7f10a4000b60 for 23ms\"]"));
	free(text);
	text = write_dot(s, false, 0);
	assert_null(strstr(text, "--top"));
	free(text);
	snapshot__free(s);
}

/* Idle waits only when asked for, or where others wait for what an idle thread holds. */
static void hides_idle(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct thread *worker;
	char *text = write_dot(s, false, 20);

	(void)state;
	assert_null(strstr(text, "cond"));
	assert_null(strstr(text, "cluster"));
	assert_non_null(strstr(text, "  dbserver 4242\\l"));
	free(text);
	text = write_dot(s, true, 20);
	assert_non_null(strstr(text, "cluster_31337"));
	assert_int_equal(count(text, " -> lock_4242_7f10a4000c80"), 21);
	assert_non_null(strstr(text, "label=\"... 11 more\""));
	free(text);
	worker = fixture__thread(s, 4242 + 1 + 50 * 2 + 3);
	assert_ptr_equal(worker->waiting_for, &s->locks[2]);
	fixture__own(s, &s->locks[0], worker, PROOF_LOCK_WORD, 0);
	/* Who is only guessed to hold something does not wait in the graph, and says what it does.
	 */
	fixture__own(s, &s->locks[1], worker + 1, PROOF_LAST_WAKER, 0);
	text = write_dot(s, false, 20);
	assert_int_equal(count(text, " -> lock_4242_7f10a4000c80"), 1);
	assert_non_null(strstr(text, "[label=\"dbserver 4346\", fillcolor="));
	assert_non_null(strstr(text, "[label=\"dbserver 4347\\nwaits for cond"));
	free(text);
	snapshot__free(s);
}

/* Nothing to draw is a graph too. */
static void draws_nothing(void **state)
{
	struct snapshot *s = empty();
	char *text = write_dot(s, false, 20);

	(void)state;
	assert_memory_equal(text, "digraph locktop {\n", 18);
	assert_non_null(strstr(text, "no thread waits for a lock"));
	assert_null(strstr(text, "->"));
	assert_string_equal(text + strlen(text) - 2, "}\n");
	free(text);
	snapshot__free(s);
}

/* Of ten thousand waiters a few have an ellipse: those who block others, and the oldest. */
static void bounds_queues(void **state)
{
	struct snapshot *s = fixture__empty(1);
	struct fixture_lock f = fixture_locks[0], other = fixture_locks[1];
	struct thread *t;
	uint64_t start;
	char *text;

	(void)state;
	f.waiting = 9999;
	other.waiting = 1;
	s->threads = snapshot__alloc(s, 10100, sizeof(*s->threads));
	s->thread_locks = snapshot__alloc(s, 10100, sizeof(*s->thread_locks));
	fixture__add_lock(s, &f);
	fixture__add_lock(s, &other);
	fixture__add_threads(s);
	t = &s->threads[9998]; /* the youngest waiter */
	assert_ptr_equal(t->waiting_for, &s->locks[0]);
	fixture__own(s, &s->locks[1], t, PROOF_LOCK_WORD, 0);
	s->threads[9990].waiting_ns = 99 * NSEC_PER_SEC;
	start = util__monotonic_ns();
	text = write_dot(s, false, 20);
	assert_true(util__monotonic_ns() - start < 500 * MS);
	assert_int_equal(count(text, "-> lock_4242_55d0c0a81040"), 21);
	assert_non_null(strstr(text, "label=\"... 9979 more\""));
	assert_non_null(strstr(text, "lock_4242_7f10a4000b60 -> thread_4242_14241"));
	assert_non_null(strstr(text, "thread_4242_14241 -> lock_4242_55d0c0a81040"));
	assert_non_null(strstr(text, "thread_4242_14233 -> lock_4242_55d0c0a81040 "
				     "[label=\"waits 1m39s\"]"));
	free(text);
	snapshot__free(s);
}

/* The same graph gives the same text. */
static void keeps_its_order(void **state)
{
	struct snapshot *s = graph(), *same = graph();
	char *a = write_dot(s, true, 0), *b = write_dot(same, true, 0);

	(void)state;
	assert_string_equal(a, b);
	free(a);
	free(b);
	snapshot__free(s);
	snapshot__free(same);
}

/* ---- Graphviz ---- */

static bool is_installed(void)
{
	return !system("command -v dot >/dev/null 2>&1");
}

/* What dot makes of the text. Fails on the least complaint. */
static char *render(const char *text)
{
	char in[] = "/tmp/locktop-dot-XXXXXX", *command, *svg = xcalloc(1, 1 << 22);
	int fd = mkstemp(in);
	FILE *out;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	command = xasprintf("dot -Tsvg %s 2>&1", in);
	out = popen(command, "r");
	assert_non_null(out);
	svg[fread(svg, 1, (1 << 22) - 1, out)] = 0;
	assert_int_equal(pclose(out), 0);
	unlink(in);
	free(command);
	if (strncmp(svg, "<?xml", 5) || strstr(svg, "Warning") || strstr(svg, "Error"))
		fail_msg("dot says: %.400s", svg);
	return svg;
}

/* Lines that are neither edges nor something of the whole graph. */
static size_t count_nodes(const char *text)
{
	const char *const kinds[] = { "\nlock_", "\nthread_", "\nmore_" };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		n += count(text, kinds[i]);
	return n - count(text, " -> ");
}

/* Every graph, hostile names as well: as many nodes and edges as were written, no more. */
static void pleases_graphviz(void **state)
{
	struct snapshot *(*const made[])(void) = { graph, plain, owned, hostile, empty };

	(void)state;
	if (!is_installed())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		struct snapshot *s = made[i]();
		char *text = write_dot(s, true, 0), *svg = render(text);

		assert_int_equal(count(svg, "class=\"edge\""), count(text, " -> "));
		assert_int_equal(count(svg, "class=\"node\""), count_nodes(text));
		free(svg);
		free(text);
		snapshot__free(s);
	}
}

/* Names come out of it as they were: nothing in them is an escape, an entity or a line. */
static void keeps_names(void **state)
{
	static const char name[] = "a\\n\"b\" &amp; &lt;i&gt; \\N\\l\\E {x|y}";
	static const char drawn[] = "a\\n&quot;b&quot; &amp;amp; &amp;lt;i&amp;gt; \\N\\l\\E {x|y}";
	struct snapshot *s = fixture__empty(1);
	struct fixture_lock f = fixture_locks[0];
	char *text, *svg, *c;

	(void)state;
	if (!is_installed())
		skip();
	f.comm = f.name = name;
	fixture__add_lock(s, &f);
	fixture__add_threads(s);
	text = write_dot(s, false, 20);
	svg = render(text);
	while ((c = strstr(svg, "&#160;"))) /* blanks after blanks */
		memmove(memcpy(c, " ", 1) + 1, c + 6, strlen(c + 6) + 1);
	for (size_t at = 0; (c = strstr(svg + at, "&#45;")); at = c - svg)
		memmove(memcpy(c, "-", 1) + 1, c + 5, strlen(c + 5) + 1);
	if (count(svg, drawn) < 4) /* a lock and its three waiters */
		fail_msg("drawn as %s", svg);
	free(svg);
	free(text);
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_all),	   cmocka_unit_test(marks_deadlocks),
		cmocka_unit_test(respects_top),	   cmocka_unit_test(hides_idle),
		cmocka_unit_test(draws_nothing),   cmocka_unit_test(bounds_queues),
		cmocka_unit_test(keeps_its_order), cmocka_unit_test(pleases_graphviz),
		cmocka_unit_test(keeps_names),
	};

	return cmocka_run_group_tests_name("export_dot", tests, NULL, NULL);
}
