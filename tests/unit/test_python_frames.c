// SPDX-License-Identifier: GPL-2.0-only
/* Chains of frames of real interpreters against what these say of them; then memory that lies. */
#include "python_child.h"

#include "../../user/names.h"
#include "../../user/python_frames.h"

/*
 * Threads that wait for a lock in many ways, each in a function called wait; the main thread says
 * where all are: T thread ident, name, number of frames; F code, line, name, file for each; then S,
 * the first two arguments of wait().
 */
static const char script[] =
	"import sys, threading, time, functools\n"
	"big = threading.Lock()\n"
	"big.acquire()\n"
	"class Guard:\n"
	"    def __enter__(self):\n"
	"        return self\n"
	"    def __exit__(self, *a):\n"
	"        pass\n"
	"def wait(a, b):\n"
	"    c = [a,\n"
	"         b, big.acquire(\n"
	"             True,\n"
	"             -1),\n"
	"         a]\n"
	"    return c\n"
	"def plain(): wait(big, Guard)\n"
	"def block():\n"
	"    a, b = big, Guard\n"
	"    with Guard() as g, \\\n"
	"         Guard():\n"
	"        for i in range(2):\n"
	"            try:\n"
	"                with Guard():\n"
	"                    if i: wait(a,\n"
	"                               b)\n"
	"            except ValueError:\n"
	"                pass\n"
	"def locking():\n"
	"    with Guard():\n"
	"        # a comment\n"
	"        with big:\n"
	"            pass\n"
	"def ended():\n"
	"    with Guard():\n"
	"        with Guard(): pass\n"
	"        wait(big, Guard)\n"
	"def generating():\n"
	"    def gen():\n"
	"        yield 1\n"
	"        yield wait(big, Guard)\n"
	"    def outer():\n"
	"        yield from gen()\n"
	"    for i in outer():\n"
	"        pass\n"
	"def closing():\n"
	"    cell = big\n"
	"    def inner(x):\n"
	"        return [wait(cell,\n"
	"                     Guard) for y in x if cell][0]\n"
	"    inner((1, 2))\n"
	"def key(x):\n"
	"    return plain()\n"
	"def sorting():\n"
	"    sorted([3, 4],\n"
	"           key=key)\n"
	"class C:\n"
	"    def __getattr__(self, name):\n"
	"        return functools.partial(wait, big, Guard)()\n"
	"    @property\n"
	"    def p(self): return self.q\n"
	"def special():\n"
	"    C().p\n"
	"def raising():\n"
	"    try:\n"
	"        raise ValueError\n"
	"    except ValueError:\n"
	"        try: 1 / 0\n"
	"        finally:\n"
	"            wait(big, Guard)\n"
	"def deep(n=100):\n"
	"    if n: deep(n - 1)\n"
	"    else: wait(big, Guard)\n"
	"event = threading.Event()\n"
	"def event_wait(): event.wait()\n"
	"def run(): exec(compile('\\n\\nspecial()', 'text', 'exec'))\n"
	"targets = [plain, block, locking, ended, generating, closing, sorting, special,\n"
	"           raising, deep, event_wait, run]\n"
	"threads = [threading.Thread(target=t, daemon=True) for t in targets]\n"
	"for t in threads: t.start()\n"
	"def waits(f): return f and f.f_code.co_name in ('wait', 'locking')\n"
	"while not all(waits(sys._current_frames().get(t.ident)) for t in threads): "
	"time.sleep(0.01)\n"
	"time.sleep(0.3)\n"
	"print(len(threads))\n"
	"for t in threads:\n"
	"    f, frames = sys._current_frames()[t.ident], []\n"
	"    while f:\n"
	"        frames.append(f)\n"
	"        f = f.f_back\n"
	"    print('T', t.ident, t._target.__name__, len(frames))\n"
	"    for f in frames:\n"
	"        co = f.f_code\n"
	"        name = getattr(co, 'co_qualname', co.co_name)\n"
	"        print('F', id(co), f.f_lineno, name, co.co_filename)\n"
	"del f, frames, co\n"
	"print('S', id(big), id(Guard))\n"
	"input()\n";

struct fixture {
	struct proc *proc;
	struct names *names;
	struct python_codes *codes;
};

static struct fixture fixture__new(void)
{
	struct fixture f = { .proc = proc__new("/proc"), .codes = python_codes__new() };

	f.names = names__new(f.proc, false);
	return f;
}

static void fixture__done(struct fixture *f)
{
	python_codes__free(f->codes);
	names__free(f->names);
	proc__free(f->proc);
}

static uint64_t find_state(struct python_target *t, uint64_t ident)
{
	const struct python_layout *l = t->layout;
	uint64_t interpreter = python__pointer(t, t->runtime + l->runtime.interpreters_head);
	uint64_t state = python__pointer(t, interpreter + l->interpreter.threads_head);

	for (int i = 0; state && i < 100; i++) {
		if (python__pointer(t, state + l->thread.thread_id) == ident)
			return state;
		state = python__pointer(t, state + l->thread.next);
	}
	return 0;
}

#define SHOWN_MAX 300

/* A frame as the interpreter says that it is. */
struct shown {
	uint64_t code;
	int line;
	char name[128], file[256];
};

static void read_shown(struct python_child *c, struct shown *s)
{
	unsigned long long code;

	assert_int_equal(sscanf(python_child__line(c), "F %llu %d %127s %255s", &code, &s->line,
				s->name, s->file),
			 4);
	s->code = code;
}

static void check_frame(const struct python_frame *f, const struct shown *s, int minor,
			const char *thread)
{
	if (!f->known || f->code != s->code || f->line != s->line ||
	    strcmp(f->function, s->name) != 0 || strcmp(f->file, s->file) != 0)
		fail_msg("3.%d %s: %s (%s:%d), expected %s (%s:%d)", minor, thread,
			 f->known ? f->function : "?", f->known ? f->file : "?", f->line, s->name,
			 s->file, s->line);
}

/* Which frames the interpreter's loop was called for: what C code called. */
static void check_entries(const struct python_chain *chain, int minor)
{
	for (size_t i = 0; i + 1 < chain->n; i++) {
		const struct python_frame *f = &chain->frames[i];

		if (f->shim || chain->truncated)
			continue;
		if (minor < 11 || !strcmp(f->name, "key") || !strcmp(f->name, "_bootstrap"))
			assert_true(f->entry);
		else if (!strcmp(f->name, "wait") && !f[1].shim && !strcmp(f[1].name, "plain"))
			assert_false(f->entry);
		if (f->entry && minor >= 12)
			assert_true(f[1].shim);
	}
}

/*
 * On the value stack, right below what a handler of a with block expects, is the method that ends
 * the block; a block that is over has left nothing that is taken for one.
 */
static void check_blocks(struct python_child *c, struct fixture *fix,
			 const struct python_chain *chain, const char *thread)
{
	struct python_target *t = &c->target;
	int minor = c->layout.minor, depths[16], blocks = 0;
	const struct python_frame *f = chain->frames;
	const struct python_code *code;
	size_t n;

	if (minor < 11 ||
	    (strcmp(thread, "block") && strcmp(thread, "locking") && strcmp(thread, "ended")))
		return;
	while (strcmp(f->name, thread) != 0)
		f++;
	code = python_codes__at(fix->codes, t, fix->names, f->code);
	assert_non_null(code);
	n = python_code__handlers(code, f->instruction, depths, 16);
	for (size_t i = 0; i < n; i++) {
		uint64_t slot =
			f->address + c->layout.frame.slots + 8 * (code->n_slots + depths[i] - 1);
		char type[64] = "";

		python__type_name(t, python__pointer(t, slot), type, sizeof(type));
		blocks += !strcmp(type, "method");
	}
	assert_int_equal(blocks, strcmp(thread, "block") ? 1 : 3);
}

static void check_thread(struct python_child *c, struct fixture *f, struct python_chain *chain,
			 struct python_frame *innermost)
{
	struct python_target *t = &c->target;
	int minor = c->layout.minor, n;
	char name[128];
	unsigned long long ident;
	struct shown shown[SHOWN_MAX];
	size_t k = 0;

	assert_int_equal(sscanf(python_child__line(c), "T %llu %127s %d", &ident, name, &n), 3);
	assert_true(n <= SHOWN_MAX);
	for (int i = 0; i < n; i++)
		read_shown(c, &shown[i]);
	assert_int_equal(python_frames__read(t, f->codes, f->names, find_state(t, ident), chain),
			 0);
	for (size_t i = 0; i < chain->n; i++) {
		if (chain->frames[i].shim) {
			assert_true(minor >= 12);
			continue;
		}
		assert_true(k < (size_t)n);
		check_frame(&chain->frames[i], &shown[k++], minor, name);
	}
	assert_int_equal(chain->truncated, !strcmp(name, "deep"));
	if (!chain->truncated)
		assert_int_equal(k, n);
	check_entries(chain, minor);
	check_blocks(c, f, chain, name);
	*innermost = chain->frames[0];
}

/* Frames that are only being set up: left out, but for the loop that was called for one. */
static void check_unfinished(struct python_child *c, struct fixture *f, uint64_t code)
{
	const struct python_layout *l = &c->layout;
	struct python_head heads[2] = {};
	static struct python_chain chain;

	if (l->minor < 11)
		return;
	for (int entry = 0; entry < 2; entry++) {
		for (int i = 0; i < 2; i++) {
			uint64_t at = code + l->code.bytecode + (i ? 20 : -2);

			memcpy(heads[i].bytes + l->frame.code, &code, sizeof(code));
			memcpy(heads[i].bytes + l->frame.instruction, &at, sizeof(at));
			heads[i].bytes[l->frame.owner] = entry && l->minor == 11;
		}
		python_frames__decode(&c->target, f->codes, f->names, heads, 2, &chain);
		assert_int_equal(chain.n, entry && l->minor == 11 ? 2 : 1);
		assert_int_equal(chain.frames[0].shim, chain.n == 2);
		assert_false(chain.frames[chain.n - 1].shim);
		assert_int_equal(chain.frames[chain.n - 1].instruction, 20);
	}
}

static void check_all(struct python_child *c)
{
	struct fixture f = fixture__new();
	size_t n = strtoul(c->line, NULL, 10), waits = 0;
	struct python_frame innermost[16];
	static struct python_chain chain;
	unsigned long long a, b;

	assert_in_range(n, 1, 16);
	for (size_t i = 0; i < n; i++)
		check_thread(c, &f, &chain, &innermost[i]);
	assert_int_equal(sscanf(python_child__line(c), "S %llu %llu", &a, &b), 2);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(innermost[i].name, "wait") != 0 ||
		    strcmp(innermost[i].file, "<string>") != 0)
			continue;
		assert_int_equal(innermost[i].slots[0], a);
		assert_int_equal(innermost[i].slots[1], b);
		assert_int_equal(innermost[i].slots[3], 0); /* it has three */
		waits++;
	}
	assert_int_equal(waits, n - 2);

	check_unfinished(c, &f, innermost[0].code);

	/* a thread state that is none */
	assert_int_not_equal(
		python_frames__read(&c->target, f.codes, f.names, c->target.runtime, &chain) == 0 &&
			chain.n > 0 && chain.frames[0].known,
		true);
	fixture__done(&f);
}

static void check_version(int minor)
{
	if (!python_child__each(minor, script, check_all))
		skip();
}

/* Frames, their order, lines, locals, and what calls them, are what the interpreter says. */
#define VERSION_TEST(minor)                  \
	static void test_3_##minor(void **s) \
	{                                    \
		check_version(minor);        \
	}
VERSION_TEST(8)
VERSION_TEST(9)
VERSION_TEST(10)
VERSION_TEST(11)
VERSION_TEST(12)
VERSION_TEST(13)

/* ---- memory that lies ---- */

static size_t reads;

static void read_random(struct python_target *t, struct python_range *ranges, size_t n)
{
	uint64_t *state = t->context;

	for (size_t i = 0; i < n; i++) {
		uint8_t *bytes = ranges[i].bytes;

		for (uint32_t k = 0; k < ranges[i].size; k++)
			bytes[k] = next_random(state) % 2 ? 0 : next_random(state);
		ranges[i].got = next_random(state) % 32 != 0;
	}
	reads += n;
}

/* No crash, no endless loop, and no more reads than frames are allowed. */
static void test_random_memory(void **state)
{
	static struct python_chain chain;

	for (int minor = 8; minor <= 13; minor++) {
		uint64_t seed = 0x9e3779b97f4a7c15ULL + minor;
		struct python_target t = { .layout = python_layout__of(3, minor),
					   .read = read_random,
					   .context = &seed };
		struct fixture f = fixture__new();
		struct python_head heads[PYTHON_FRAMES_MAX + 6];
		uint8_t *bytes = (uint8_t *)heads;

		for (int i = 0; i < 1000; i++) {
			reads = 0;
			python_frames__read(&t, f.codes, f.names, next_random(&seed), &chain);
			assert_true(reads < 20 * PYTHON_FRAMES_MAX);
			assert_true(chain.n <= PYTHON_FRAMES_MAX);
		}
		for (int i = 0; i < 50; i++) {
			for (size_t k = 0; k < sizeof(heads); k++)
				bytes[k] = next_random(&seed);
			python_frames__decode(&t, f.codes, f.names, heads, ARRAY_SIZE(heads),
					      &chain);
			assert_true(chain.n <= PYTHON_FRAMES_MAX && chain.truncated);
		}
		fixture__done(&f);
	}
}

/* Every pointer leads to the same frame; t->context: what the n-th read of it does. */
static void read_cycle(struct python_target *t, struct python_range *ranges, size_t n)
{
	int *moves = t->context;
	uint64_t at = 0x1000 + (reads++ >= (size_t)*moves ? 0x100 : 0);

	for (size_t i = 0; i < n; i++) {
		memset(ranges[i].bytes, 0, ranges[i].size);
		for (uint32_t k = 0; k + 8 <= ranges[i].size; k += 8)
			memcpy((uint8_t *)ranges[i].bytes + k, &at, sizeof(at));
		ranges[i].got = true;
	}
}

/* A frame that is its own caller; then a thread that moves while it is read. */
static void test_cycle(void **state)
{
	static struct python_chain chain;

	for (int minor = 8; minor <= 13; minor++) {
		int moves = 1000000;
		struct python_target t = { .layout = python_layout__of(3, minor),
					   .read = read_cycle,
					   .context = &moves };
		struct fixture f = fixture__new();

		reads = 0;
		assert_int_equal(python_frames__read(&t, f.codes, f.names, 0x8000, &chain), 0);
		assert_true(chain.n == 1 && chain.truncated && !chain.frames[0].known);
		reads = 0;
		moves = t.layout->thread.cframe == PYTHON_ABSENT ? 2 : 3;
		assert_int_equal(python_frames__read(&t, f.codes, f.names, 0x8000, &chain),
				 -EAGAIN);
		fixture__done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_3_8),	      cmocka_unit_test(test_3_9),
		cmocka_unit_test(test_3_10),	      cmocka_unit_test(test_3_11),
		cmocka_unit_test(test_3_12),	      cmocka_unit_test(test_3_13),
		cmocka_unit_test(test_random_memory), cmocka_unit_test(test_cycle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
