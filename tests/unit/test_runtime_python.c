// SPDX-License-Identifier: GPL-2.0-only
/* Interpreters found in real processes, what the probes are told of them, and what is answered. */
#include "python_child.h"

#include "../../user/names.h"
#include "../../user/python_state.h"
#include "../../user/runtime_python.h"

/* A source that remembers what it was told. */
struct told {
	struct source source;
	struct python_process process;
	int processes, processes_gone, gils, gils_gone;
	struct gil_key gil;
	struct gil_word word;
};

static void tell_python(struct source *s, uint32_t tgid, const struct python_process *process)
{
	struct told *t = (struct told *)s;

	(void)tgid;
	if (!process) {
		t->processes_gone++;
		return;
	}
	t->processes++;
	t->process = *process;
}

static void tell_gil(struct source *s, const struct gil_key *key, const struct gil_word *word)
{
	struct told *t = (struct told *)s;

	if (!word) {
		t->gils_gone++;
		return;
	}
	t->gils++;
	t->gil = *key;
	t->word = *word;
}

static const struct source_ops ops = { .python = tell_python, .gil = tell_gil };

struct bench {
	struct told told;
	struct proc *proc;
	struct names *names;
	struct pythons *pythons;
	struct process_entry entry;
	struct maps *maps;
};

static void begin(struct bench *b, pid_t pid)
{
	*b = (struct bench){ .told.source.ops = &ops };
	b->proc = proc__new("/proc");
	b->names = names__new(b->proc, false);
	b->pythons = pythons__new(b->proc, b->names, &b->told.source);
	b->entry = (struct process_entry){ .key = { .tgid = pid, .gen = 7 }, .tid = pid };
	assert_int_equal(proc__maps(b->proc, pid, &b->maps), 0);
	b->entry.maps_ns = 1;
}

static void end(struct bench *b)
{
	maps__free(b->maps);
	pythons__free(b->pythons);
	names__free(b->names);
	proc__free(b->proc);
}

static struct python *find(struct bench *b)
{
	return pythons__of(b->pythons, &b->entry, b->maps, util__monotonic_ns());
}

static const char script[] =
	"import threading, queue, sys\n"
	"gate = threading.Barrier(3)\n"
	"jobs = queue.Queue(4)\n"
	"bare = queue.LifoQueue()\n"
	"lock = threading.RLock()\n"
	"held = threading.Event()\n"
	"for i in range(4): jobs.put(i)\n"
	"bare.put(1)\n"
	"def come(): gate.wait()\n"
	"def hold():\n"
	"    with lock, lock:\n"
	"        held.set()\n"
	"        come()\n"
	"def want():\n"
	"    with lock: pass\n"
	"for f in come, hold:\n"
	"    threading.Thread(target=f, name=f.__name__, daemon=True).start()\n"
	"held.wait()\n"
	"while gate.n_waiting < 2: pass\n"
	"threading.Thread(target=want, name='want', daemon=True).start()\n"
	"print(id(gate), flush=True)\n"
	"print(id(jobs))\n"
	"print(id(bare))\n"
	"print(id(lock))\n"
	"for t in threading.enumerate():\n"
	"    if t.name == 'hold': print(getattr(t, 'native_id', 0))\n"
	"print('there', flush=True)\n"
	"sys.stdin.readline()\n";

/* It is found by its files, the probes are told where its frames and its GIL's word are; all that
 * is taken back when its process goes. */
static void check_found(struct bench *b, struct python_child *c)
{
	char title[32];
	struct python *py = find(b);
	uint64_t gil = 0;
	size_t which;

	assert_non_null(py);
	snprintf(title, sizeof(title), "CPython 3.%d", c->layout.minor);
	assert_string_equal(pythons__title(b->pythons, &b->entry.key), title);
	assert_string_equal(python__interpreter(py), c->interpreter);
	assert_ptr_equal(pythons__living(b->pythons, b->entry.key.tgid), py);
	assert_int_equal(b->told.processes, 1);
	assert_int_equal(b->told.process.gen, 7);
	assert_int_equal(b->told.process.previous, c->layout.frame.previous);
	assert_int_equal(b->told.process.indirect, -1); /* glibc */
	assert_true(b->told.gils > 0);
	assert_int_equal(python__gil_part(py, b->told.gil.addr, &gil, &which), GIL_CONDITION);
	assert_int_equal(gil + c->layout.gil.last_holder, b->told.word.last_holder);
	assert_int_equal(which, 0);
	assert_int_equal(python__gil_part(py, gil + c->layout.gil.mutex, &gil, &which), GIL_MUTEX);
	assert_int_equal(python__gil_part(py, 0x1000, &gil, &which), GIL_NONE);
}

/* A barrier counts, a queue is full, a reentrant lock knows who took it how often. */
static void check_state(struct bench *b, struct python_child *c, const uint64_t *ids, pid_t holder)
{
	struct python_lock_state state;
	struct python *py = find(b);
	struct python_target *t = python__target(py);
	uint64_t word = python__pointer(&c->target, ids[3] + c->layout.lock.lock);
	bool told = false;

	assert_true(python_state__read(t, KIND_PY_BARRIER, ids[0], &state));
	assert_int_equal(state.parties, 3);
	assert_int_equal(state.arrived, 2);
	assert_int_equal(state.capacity, -1);
	assert_true(python_state__read(t, KIND_PY_QUEUE, ids[1], &state));
	assert_int_equal(state.capacity, 4);
	assert_int_equal(state.size, 4);
	assert_int_equal(state.parties, -1);
	assert_true(python_state__read(t, KIND_PY_QUEUE, ids[2], &state));
	assert_int_equal(state.capacity, 0);
	assert_int_equal(state.size, 1);
	assert_false(python_state__read(t, KIND_PY_LOCK, ids[3], &state));
	assert_false(python_state__read(t, KIND_PY_BARRIER, 0x1000, &state));
	pythons__look(b->pythons, 0);
	assert_int_equal(pythons__owner(b->pythons, py, word, &told), holder);
	assert_true(told);
	assert_int_equal(pythons__recursion(b->pythons, py, word), 2);
	assert_int_equal(pythons__owner(b->pythons, py, word + 8, &told), 0);
	assert_false(told);
}

static void check_thread(struct bench *b, pid_t holder, pid_t pid)
{
	struct python *py = find(b);
	struct python_thread_seen seen;

	assert_true(pythons__thread(b->pythons, py, holder, &seen));
	assert_string_equal(seen.name, "hold");
	assert_int_equal(seen.daemon, 1);
	assert_int_equal(seen.gil, GIL_HAS_NOT); /* everybody waits, or reads its input */
	assert_true(pythons__thread(b->pythons, py, pid, &seen));
	assert_string_equal(seen.name, "MainThread");
	assert_int_equal(seen.daemon, 0);
	assert_false(pythons__thread(b->pythons, py, 1, &seen));
}

static void check(struct python_child *c)
{
	uint64_t ids[4];
	struct bench b;
	pid_t holder;

	ids[0] = strtoull(c->line, NULL, 0);
	for (int i = 1; i < 4; i++)
		ids[i] = python_child__number(c);
	holder = python_child__number(c);
	assert_string_equal(python_child__line(c), "there");
	usleep(50000); /* for main and want to come to rest */
	begin(&b, c->target.pid);
	check_found(&b, c);
	check_state(&b, c, ids, holder);
	check_thread(&b, holder, c->target.pid);
	pythons__drop(b.pythons, &b.entry.key);
	assert_int_equal(b.told.processes_gone, 1);
	assert_int_equal(b.told.gils_gone, b.told.gils);
	assert_null(pythons__known(b.pythons, &b.entry.key));
	end(&b);
}

static void test_versions(void **state)
{
	size_t n = 0;

	(void)state;
	for (int minor = 8; minor <= 13; minor++)
		n += python_child__each(minor, script, check);
	if (!n)
		skip();
}

/* This program is no interpreter; it is not asked again for as long as it maps the same. */
static void test_none(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, getpid());
	assert_null(find(&b));
	assert_null(find(&b));
	assert_null(pythons__title(b.pythons, &b.entry.key));
	assert_null(pythons__known(b.pythons, &b.entry.key));
	assert_int_equal(b.told.processes + b.told.gils, 0);
	end(&b);
}

/* Malformed events of the probes are dropped; so are chains whose stacks never come. */
static void test_events(void **state)
{
	struct {
		struct python_event event;
		struct python_head heads[PYTHON_FRAMES_MAX];
	} e = { .event = { .type = EVENT_PYTHON, .n = 2 } };
	struct bench b;

	(void)state;
	begin(&b, getpid());
	pythons__event(b.pythons, &e, 3);
	pythons__event(b.pythons, &e, sizeof(e.event) + sizeof(e.heads[0]));
	e.event.n = 1u << 30;
	pythons__event(b.pythons, &e, sizeof(e));
	e.event.n = PYTHON_FRAMES_MAX;
	for (uint32_t i = 0; i < 1000; i++) {
		e.event.tid = i;
		e.event.time_ns = i;
		pythons__event(b.pythons, &e, sizeof(e));
	}
	end(&b);
}

/* Who came to a barrier before and is not there is missing. */
static void test_missing(void **state)
{
	const pid_t there[] = { 10, 12 };
	const pid_t *missing;
	struct bench b;
	struct python *py;

	(void)state;
	begin(&b, getpid());
	find(&b);
	py = pythons__any(b.pythons, &b.entry.key);
	assert_non_null(py);
	assert_int_equal(python__missing(py, 0x100, there, 2, &missing), 0);
	for (int i = 10; i < 13; i++)
		python__came(py, 0x100, i);
	python__came(py, 0x100, 11);
	python__came(py, 0x200, 99);
	assert_int_equal(python__missing(py, 0x100, there, 2, &missing), 1);
	assert_int_equal(missing[0], 11);
	for (int i = 0; i < 1000; i++) {
		python__came(py, 0x300, 100 + i);
		python__came(py, 0x1000 + i, 1);
	}
	assert_int_equal(python__missing(py, 0x13e7, there, 2, &missing), 1);
	assert_true(python__missing(py, 0x300, there, 2, &missing) <= PYTHON_PARTIES);
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
