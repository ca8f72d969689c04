// SPDX-License-Identifier: GPL-2.0-only
/* Code objects of real interpreters against what these say of them; then memory that lies. */
#include "python_child.h"

#include "../../user/names.h"
#include "../../user/python_code.h"

/*
 * Writes about all code of some modules, and of functions made to be difficult, into a file, and
 * says its path: a line for the code itself, one for each range of instructions of one line, one
 * for each instruction with handlers.
 */
static const char script[] =
	"import sys, os, dis, types, tempfile, threading, queue\n"
	"for m in ('argparse typing json decimal inspect tarfile asyncio difflib pdb email.message "
	"'\n"
	"          'ast dataclasses subprocess logging pickle zipfile doctest "
	"unittest.mock').split():\n"
	"    try: __import__(m)\n"
	"    except ImportError: pass\n"
	"made = '''\n"
	"def far(a):\n"
	"    x = (a, FEW a.b(), MANY a)\n"
	"    return x\n"
	"def held(locks):\n"
	"    for l in locks:\n"
	"        with l, locks[0] as m:\n"
	"            try:\n"
	"                with m:\n"
	"                    m(1,\n"
	"                      2)\n"
	"            except (ValueError,\n"
	"                    TypeError):\n"
	"                m()\n"
	"            finally:\n"
	"                l()\n"
	"    return [i for i in locks if i]\n"
	"def \\u00e9t\\u00e9(\\u03bb): return lambda: (\\u03bb, \\n\\n 1)\n"
	"class C:\n"
	"    def gen(self):\n"
	"        with self:\n"
	"            yield self\n"
	"        return (yield)\n"
	"    async def co(self):\n"
	"        async with self as s:\n"
	"            await s\n"
	"'''\n"
	"made = made.replace('FEW', '\\n' * 300).replace('MANY', '\\n' * 70000)\n"
	"codes = {}\n"
	"def take(co):\n"
	"    if id(co) in codes: return\n"
	"    codes[id(co)] = co\n"
	"    for c in co.co_consts:\n"
	"        if isinstance(c, types.CodeType): take(c)\n"
	"take(compile(made, 'made.py', 'exec'))\n"
	"few = len(codes)\n"
	"for i in range(4200): take(compile('f = %d' % i, 'made%d.py' % i, 'exec'))\n"
	"seen = set()\n"
	"def walk(d):\n"
	"    for v in list(d.values()):\n"
	"        v = getattr(v, '__func__', v)\n"
	"        if isinstance(v, types.FunctionType): take(v.__code__)\n"
	"        elif isinstance(v, type) and v not in seen:\n"
	"            seen.add(v); walk(vars(v))\n"
	"for m in list(sys.modules.values()):\n"
	"    if m is not sys.modules['__main__'] and hasattr(m, '__dict__'): walk(vars(m))\n"
	"def ranges(co):\n"
	"    if hasattr(co, 'co_lines'):\n"
	"        for a, b, line in co.co_lines(): yield a, b, line or 0\n"
	"        return\n"
	"    at, line = 0, co.co_firstlineno\n"
	"    for start, l in dis.findlinestarts(co):\n"
	"        yield at, start, line\n"
	"        at, line = start, l\n"
	"    yield at, len(co.co_code), line\n"
	"def handlers(co):\n"
	"    if not hasattr(dis, '_parse_exception_table'): return\n"
	"    table = dis._parse_exception_table(co)\n"
	"    for at in range(0, len(co.co_code), 2):\n"
	"        got, i = [], at\n"
	"        for step in range(20):\n"
	"            e = [e for e in table if e.start <= i < e.end]\n"
	"            if not e: break\n"
	"            if not got or e[0].depth < got[-1]: got.append(e[0].depth)\n"
	"            i = e[0].target\n"
	"        if table: yield at, got\n"
	"def slots(co):\n"
	"    if sys.version_info < (3, 11):\n"
	"        return co.co_nlocals + len(co.co_cellvars) + len(co.co_freevars)\n"
	"    return len(set(co.co_varnames + co.co_cellvars + co.co_freevars))\n"
	"f, path = tempfile.mkstemp()\n"
	"with os.fdopen(f, 'w') as out:\n"
	"    for n, (a, co) in enumerate(codes.items()):\n"
	"        print('C', a, co.co_firstlineno, co.co_nlocals, co.co_stacksize,\n"
	"              slots(co),\n"
	"              ascii(getattr(co, 'co_qualname', co.co_name)), ascii(co.co_name),\n"
	"              co.co_filename, sep='\\t', file=out)\n"
	"        for r in ranges(co): print('L', *r, file=out)\n"
	"        if n < few or n > len(codes) - 400:\n"
	"            for at, d in handlers(co): print('H', at, len(d), *d, file=out)\n"
	"print(path)\n"
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

/* Reads of the target, counted; then memory is changed on its way. */
static size_t reads;
static struct {
	uint64_t address; /* this byte is another one */
	uint8_t by;
} change;

static void read_counted(struct python_target *t, struct python_range *ranges, size_t n)
{
	reads++;
	python_target__read_live(t, ranges, n);
	for (size_t i = 0; i < n; i++)
		if (change.by && change.address - ranges[i].address < ranges[i].size)
			((uint8_t *)ranges[i].bytes)[change.address - ranges[i].address] ^=
				change.by;
}

static int minor_now;
static size_t n_codes, n_ranges, n_handled;

/* ASCII names only are compared whole: how others are written is not this module's. */
static void check_name(const char *said, const char *got)
{
	size_t len = strlen(said);

	if (!strchr(said, '\\') && len >= 2)
		assert_true(strlen(got) == len - 2 && !strncmp(said + 1, got, len - 2));
}

static const struct python_code *check_code(struct fixture *f, struct python_target *t, char *line,
					    uint64_t *address)
{
	char *field[9] = {}, *rest = line;
	const struct python_code *code;
	size_t n = 0;

	while (n < 9 && (field[n] = strsep(&rest, "\t")))
		n++;
	assert_int_equal(n, 9);
	field[8][strcspn(field[8], "\n")] = 0;
	*address = strtoull(field[1], NULL, 10);
	code = python_codes__at(f->codes, t, f->names, *address);
	assert_non_null(code);
	assert_int_equal(code->first_line, atoi(field[2]));
	assert_int_equal(code->n_locals, atoi(field[3]));
	assert_int_equal(code->stack_size, atoi(field[4]));
	assert_int_equal(code->n_slots, atoi(field[5]));
	check_name(field[6], code->function);
	check_name(field[7], code->name);
	assert_string_equal(code->file, field[8]);
	n_codes++;
	return code;
}

static void check_range(struct python_target *t, const struct python_code *code, const char *line)
{
	int from, to, expected;

	assert_int_equal(sscanf(line, "L %d %d %d", &from, &to, &expected), 3);
	n_ranges++;
	for (int at = from; at < to; at += 2)
		if (python_code__line(t->layout, code, at) != expected)
			fail_msg("3.%d %s %s+%d: line %d, expected %d", minor_now, code->file,
				 code->function, at, python_code__line(t->layout, code, at),
				 expected);
}

static void check_handlers(const struct python_code *code, char *line)
{
	int depths[20];
	char *rest = line + 1;
	int64_t at = strtoll(rest, &rest, 10);
	size_t n = strtoul(rest, &rest, 10);

	assert_int_equal(python_code__handlers(code, at, depths, 20), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(depths[i], strtol(rest, &rest, 10));
	n_handled += n > 0;
}

static void check_all(struct python_child *c)
{
	struct fixture f = fixture__new();
	const struct python_code *code = NULL;
	FILE *in = fopen(c->line, "r");
	uint64_t address, first = 0;
	char line[8192];

	assert_non_null(in);
	unlink(c->line);
	n_codes = n_ranges = n_handled = 0;
	while (fgets(line, sizeof(line), in)) {
		if (line[0] == 'C')
			code = check_code(&f, &c->target, line, &address);
		else if (line[0] == 'L')
			check_range(&c->target, code, line);
		else
			check_handlers(code, line);
		first = first ? first : address;
	}
	fclose(in);
	print_message("%s: %zu codes, %zu ranges, %zu with handlers\n", c->interpreter, n_codes,
		      n_ranges, n_handled);
	assert_true(n_codes > 4096 && n_ranges > n_codes);
	assert_true(minor_now < 11 || n_handled > 100);

	/* asked again: one read; what was used least lately has been forgotten */
	c->target.read = read_counted;
	reads = 0;
	assert_non_null(python_codes__at(f.codes, &c->target, f.names, address));
	assert_int_equal(reads, 1);
	assert_non_null(python_codes__at(f.codes, &c->target, f.names, first));
	assert_true(reads > 2);

	/* an address that has become another code's: by its first line, then by its lines only */
	code = python_codes__at(f.codes, &c->target, f.names, first);
	change.address = first + c->layout.code.first_line;
	change.by = 0x40;
	int was = code->first_line;
	code = python_codes__at(f.codes, &c->target, f.names, first);
	assert_int_equal(code->first_line, was ^ 0x40);
	change.by = 0;
	code = python_codes__at(f.codes, &c->target, f.names, first);
	assert_int_equal(code->first_line, was);
	change.address = python__pointer(&c->target, first + c->layout.code.line_table) +
			 c->layout.object.bytes + 1;
	change.by = 1;
	was = code->lines[1];
	code = python_codes__at(f.codes, &c->target, f.names, first);
	assert_int_equal(code->lines[1], was ^ 1);
	change.by = 0;

	/* what is there, and is no code */
	assert_null(python_codes__at(f.codes, &c->target, f.names, first + 16));
	assert_null(python_codes__at(f.codes, &c->target, f.names, c->target.runtime));
	assert_null(python_codes__at(f.codes, &c->target, f.names, 8));
	assert_null(python_codes__at(f.codes, &c->target, f.names, 0));
	fixture__done(&f);
}

static void check_version(int minor)
{
	minor_now = minor;
	if (!python_child__each(minor, script, check_all))
		skip();
}

/* Names, files, numbers and the line of each instruction are what the interpreter says. */
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

/* All addresses can be read, and nothing there makes sense; now and then a small number does. */
static void read_random(struct python_target *t, struct python_range *ranges, size_t n)
{
	uint64_t *state = t->context;

	for (size_t i = 0; i < n; i++) {
		uint8_t *bytes = ranges[i].bytes;

		for (uint32_t k = 0; k < ranges[i].size; k++)
			bytes[k] = next_random(state) % 3 ? 0 : next_random(state);
		/* a type's name, often enough to come further */
		if (ranges[i].size >= 5 && next_random(state) % 2)
			memcpy(bytes, "code", 5);
		ranges[i].got = next_random(state) % 16 != 0;
	}
}

/* No crash, no endless loop, whatever the memory says. */
static void test_random_memory(void **state)
{
	for (int minor = 8; minor <= 13; minor++) {
		uint64_t seed = 0x9e3779b97f4a7c15ULL + minor;
		struct python_target t = { .layout = python_layout__of(3, minor),
					   .read = read_random,
					   .context = &seed };
		struct fixture f = fixture__new();

		assert_non_null(t.layout);
		for (int i = 0; i < 3000; i++)
			python_codes__at(f.codes, &t, f.names, next_random(&seed) % 64 * 8);
		fixture__done(&f);
	}
}

/* Tables of random bytes, and such as end in the middle of a number. */
static void test_random_tables(void **state)
{
	uint64_t seed = 88172645463325252ULL;

	for (int i = 0; i < 30000; i++) {
		size_t size = next_random(&seed) % 64;
		/* of its exact size: the sanitizer sees a byte too far */
		uint8_t *bytes = xcalloc(1, size ? size : 1);
		struct python_code code = { .first_line = (int)next_random(&seed),
					    .lines = bytes,
					    .lines_size = size,
					    .exceptions = bytes,
					    .exceptions_size = size };
		int depths[8];

		for (size_t k = 0; k < size; k++)
			bytes[k] = next_random(&seed);
		for (int minor = 8; minor <= 13; minor++) {
			const struct python_layout *l = python_layout__of(3, minor);

			for (int64_t at = -2; at < 400; at += 37)
				assert_true(python_code__line(l, &code, at) >= 0);
			assert_true(python_code__line(l, &code, INT64_MAX) >= 0);
			assert_true(python_code__line(l, &code, INT64_MIN) >= 0);
		}
		assert_true(python_code__handlers(&code, next_random(&seed) % 256, depths, 8) <= 8);
		assert_int_equal(python_code__handlers(&code, -1, depths, 8), 0);
		free(bytes);
	}
}

/* A handler that is its own handler. */
static void test_handler_cycle(void **state)
{
	const uint8_t table[] = { 0x80, 10, 0, 4 << 1 };
	struct python_code code = { .exceptions = table, .exceptions_size = sizeof(table) };
	int depths[4];

	assert_int_equal(python_code__handlers(&code, 6, depths, 4), 1);
	assert_int_equal(depths[0], 4);
	assert_int_equal(python_code__handlers(&code, 20, depths, 4), 0);
}

/* An empty table of 3.9 says that all is on the first line; one that was not read says nothing. */
static void test_empty_tables(void **state)
{
	struct python_code code = { .first_line = 7, .lines = (const uint8_t *)"" };

	assert_int_equal(python_code__line(python_layout__of(3, 9), &code, 10), 7);
	assert_int_equal(python_code__line(python_layout__of(3, 10), &code, 10), 0);
	assert_int_equal(python_code__line(python_layout__of(3, 12), &code, 10), 0);
	code.lines = NULL;
	assert_int_equal(python_code__line(python_layout__of(3, 9), &code, 10), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_3_8),	      cmocka_unit_test(test_3_9),
		cmocka_unit_test(test_3_10),	      cmocka_unit_test(test_3_11),
		cmocka_unit_test(test_3_12),	      cmocka_unit_test(test_3_13),
		cmocka_unit_test(test_random_memory), cmocka_unit_test(test_random_tables),
		cmocka_unit_test(test_handler_cycle), cmocka_unit_test(test_empty_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
