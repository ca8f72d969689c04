// SPDX-License-Identifier: GPL-2.0-only
/* Objects read from the memory of real interpreters, and from memory that makes no sense. */
#include "python_child.h"

/* ---- real interpreters ---- */

/*
 * The script says lines "what address-of-the-container name address-of-the-value", value 0 where
 * there is none: `attr` and `dict` are looked up, `str` says the text itself, `type` a type's name.
 */
static const char script[] =
	"import sys, types, threading, collections\n"
	"keep = []\n"
	"lines = []\n" /* said at last: all stays as it is then */
	"def line(*words):\n"
	"    lines.append(' '.join(map(str, words)))\n"
	"def say(what, where, name, value=None, missing=False):\n"
	"    keep.append((where, value))\n"
	"    line(what, hex(id(where)), name, 0 if missing else hex(id(value)))\n"
	"def each(o, names):\n"
	"    for n in names:\n"
	"        say('attr', o, n, vars_of(o)[n])\n"
	"def vars_of(o):\n"
	"    return {n: object.__getattribute__(o, n) for n in names_of[id(o)]}\n"
	"names_of = {}\n"
	"def give(o, names):\n"
	"    names_of[id(o)] = names\n"
	"    for n in names:\n"
	"        setattr(o, n, object())\n"
	"    keep.append(o)\n"
	"    return o\n"
	"print('ready')\n"
	"class Plain: pass\n"
	"class Big: pass\n"
	"class Slots: __slots__ = ('s', '__dict__')\n"
	"class Int(int): pass\n"
	"class Tuple(tuple): pass\n"
	"class List(list): pass\n"
	"class Dict(dict): pass\n"
	"class Str(str): pass\n"
	"class Error(Exception): pass\n"
	"class Sub(Plain): pass\n"
	"class Thread(threading.Thread): pass\n"
	"few = ['a', 'b', 'lock', '_lock']\n"
	"odd = ['\\xe4\\xf6', '\\u20ac', 'x\\U0001f600y'] + ['n' * 300]\n"
	"for cls in (Plain, Sub, Slots, Int, Tuple, List, Dict, Error, Thread):\n"
	"    args = ([1, 2, 3],) if cls is Tuple else ()\n"
	"    o = give(cls(*args), few)\n"
	"    each(o, few)\n"
	"    say('attr', o, 'nothing', missing=True)\n"
	"for n in (0, 1, 7, 12345678901234567890123, -5, -12345678901234567890123):\n"
	"    each(give(Int(n), few), few)\n"
	"for n in range(5):\n"
	"    each(give(Tuple(range(n)), few), few)\n"
	"for n in (5, 29, 30, 31, 40, 300, 3000, 70000):\n" /* tables of all index sizes */
	"    names = ['v%d' % i for i in range(n)]\n"
	"    some = names[::max(1, n // 10)] if n < 65000 else names[:3]\n"
	"    if n <= 3000:\n"
	"        o = give(Big(), names)\n"
	"        each(o, some)\n"
	"    d = {k: object() for k in names}\n"
	"    keep.append(d)\n"
	"    for k in some:\n"
	"        say('dict', d, k, d[k])\n"
	"o = give(Plain(), few + odd)\n"
	"each(o, few + odd)\n"
	"o = give(Plain(), few)\n" /* its dict made visible: attributes stand there, or still inline
				    */
	"keep.append(vars(o))\n"
	"each(o, few)\n"
	"o.late = object()\n"
	"say('attr', o, 'late', o.late)\n"
	"say('dict', vars(o), 'late', o.late)\n"
	"say('dict', vars(o), 'a', o.a)\n"
	"o = give(Plain(), few)\n" /* deleted, and made again */
	"del o.a\n"
	"say('attr', o, 'a', missing=True)\n"
	"say('attr', o, 'b', o.b)\n"
	"o = give(Plain(), few)\n"
	"del o.a\n"
	"o.a = object()\n"
	"say('attr', o, 'a', o.a)\n"
	"o = give(Plain(), few)\n" /* the dict replaced by one that is not split */
	"o.__dict__ = {'other': keep, 3: 4}\n"
	"say('attr', o, 'other', keep)\n"
	"say('attr', o, 'a', missing=True)\n"
	"o = give(Plain(), few)\n" /* a dict that outlives its object */
	"d, a = vars(o), o.a\n"
	"keep.append(a)\n"
	"keep[:] = [k for k in keep if k is not o and not (type(k) is tuple and k[0] is o)]\n"
	"del o\n"
	"say('dict', d, 'a', a)\n"
	"d = {1: 2, 'k': keep, (3,): 4, Str('sub'): few}\n"
	"say('dict', d, 'k', keep)\n"
	"say('dict', d, 'sub', few)\n"
	"say('dict', d, '1', missing=True)\n"
	"say('dict', collections.OrderedDict(a=few), 'a', few)\n"
	"say('dict', {}, 'a', missing=True)\n"
	"say('dict', [1], 'a', missing=True)\n"
	"say('dict', globals(), 'keep', keep)\n"
	"say('dict', sys.modules, 'threading', threading)\n"
	"say('attr', threading, '_active', threading._active)\n"
	"say('attr', threading.current_thread(), '_name', threading.current_thread()._name)\n"
	"m = types.ModuleType('m'); m.x = few\n"
	"say('attr', m, 'x', few)\n"
	"def f(): pass\n"
	"f.x = few\n"
	"say('attr', f, 'x', few)\n"
	"say('attr', 5, 'x', missing=True)\n"
	"for s in ('', 'ascii', '\\xe4\\xf6', '\\u20acuro', 'x\\U0001f600y', Str('sub'),\n"
	"          Str('\\u20ac'), 'a' * 1200):\n"
	"    keep.append(s)\n"
	"    line('str', hex(id(s)), ascii(str(s)).strip(\"'\") or '-', s.encode().hex() or '-')\n"
	"for o in (Plain(), threading.Lock(), threading.RLock(), [], threading.Condition(), ''):\n"
	"    keep.append(o)\n"
	"    line('type', hex(id(o)), type(o).__name__, 0)\n"
	"t = (few, odd, keep)\n"
	"line('tuple', hex(id(t)), 'x', hex(id(odd)))\n"
	"for l in lines: print(l)\n"
	"print('end')\n"
	"sys.stdin.read(1)\n";

static void check_string(struct python_child *c, uint64_t object, const char *hex)
{
	char text[4096], small[4], expected[2 * sizeof(text) + 1] = "";

	assert_int_equal(python__string(&c->target, object, text, sizeof(text)), 0);
	for (size_t i = 0; text[i]; i++)
		sprintf(expected + 2 * i, "%02x", (uint8_t)text[i]);
	assert_string_equal(expected[0] ? expected : "-", hex);
	/* cut at a character */
	assert_int_equal(python__string(&c->target, object, small, sizeof(small)), 0);
	assert_in_range(strlen(small), 0, sizeof(small) - 1);
	assert_memory_equal(small, text, strlen(small));
	assert_int_not_equal((uint8_t)text[strlen(small)] & 0xc0, 0x80);
}

static void check_type(struct python_child *c, uint64_t object, const char *name)
{
	char text[256];
	const char *dot;

	assert_int_equal(python__type_name(&c->target, object, text, sizeof(text)), 0);
	dot = strrchr(text, '.'); /* types of C modules have their module before */
	assert_string_equal(dot ? dot + 1 : text, name);
}

static void check_tuple(struct python_child *c, uint64_t object, uint64_t second)
{
	uint64_t items[8];

	assert_int_equal(python__tuple(&c->target, object, items, 8), 3);
	assert_int_equal(items[1], second);
	items[1] = 0;
	assert_int_equal(python__tuple(&c->target, object, items, 1), 1);
	assert_int_equal(items[1], 0);
	assert_int_equal(python__tuple(&c->target, second, items, 8), -EINVAL); /* a list */
}

/* What was looked up alone is also among all. */
struct sought {
	const char *name;
	uint64_t wanted; /* 0: there is none of that name */
	bool names_only; /* no key is anything but a str */
	uint64_t value;
	size_t times;
};

static int seek(void *ctx, struct python_target *t, uint64_t key, uint64_t value)
{
	struct sought *s = ctx;
	char text[1024];

	if (s->wanted && value != s->wanted)
		return 0; /* names of large tables take their time */
	if (python__string(t, key, text, sizeof(text)) != 0) {
		assert_false(s->names_only);
	} else if (strcmp(text, s->name) == 0) {
		s->value = value;
		s->times++;
	}
	return 0;
}

static int stop(void *ctx, struct python_target *t, uint64_t key, uint64_t value)
{
	(*(int *)ctx)++;
	return 7;
}

static void check_value(struct python_child *c, bool attribute, uint64_t object, const char *name,
			uint64_t value)
{
	struct python_target *t = &c->target;
	struct sought s = { .name = name, .wanted = value, .names_only = attribute };
	uint64_t got = attribute ? python__attribute(t, object, name)
				 : python__dict_value(t, object, name);
	int calls = 0, r;

	if (got != value)
		fail_msg("3.%d: %s of 0x%lx: 0x%lx, not 0x%lx", c->layout.minor, name, object, got,
			 value);
	r = attribute ? python__attributes_each(t, object, seek, &s)
		      : python__dict_each(t, object, seek, &s);
	if (value) {
		assert_int_equal(r, 0);
		assert_int_equal(s.times, 1);
		r = attribute ? python__attributes_each(t, object, stop, &calls)
			      : python__dict_each(t, object, stop, &calls);
		assert_int_equal(r, 7);
		assert_int_equal(calls, 1);
	}
	assert_int_equal(s.value, value);
	assert_int_equal(attribute ? 1 : python__is_dict(t, object), value != 0 || r == 0);
}

/* Everything that the script says is found where it says. */
static void check_child(struct python_child *c)
{
	size_t n = 0;

	assert_string_equal(c->line, "ready");
	for (char what[16], name[3200], last[6400];; n++) {
		uint64_t object, value;

		python_child__line(c);
		if (strcmp(c->line, "end") == 0)
			break;
		assert_int_equal(
			sscanf(c->line, "%15s %lx %3199s %6399s", what, &object, name, last), 4);
		value = strtoull(last, NULL, 16);
		if (strcmp(what, "str") == 0)
			check_string(c, object, last);
		else if (strcmp(what, "type") == 0)
			check_type(c, object, name);
		else if (strcmp(what, "tuple") == 0)
			check_tuple(c, object, value);
		else
			check_value(c, strcmp(what, "attr") == 0, object, name, value);
	}
	assert_in_range(n, 150, 1000);
}

/* The same with a dict that another thread changes all the time: what it never touches is found. */
static const char busy_script[] = "import threading\n"
				  "class A: pass\n"
				  "a = A(); a.first = object(); d = {'first': a.first}\n"
				  "def run():\n"
				  "    i = 0\n"
				  "    while True:\n"
				  "        i += 1\n"
				  "        k = 'k%d' % (i % 5000)\n"
				  "        d[k] = i; setattr(a, k, i)\n"
				  "        if i % 5000 == 0:\n"
				  "            f = a.first\n"
				  "            for n in list(d):\n"
				  "                if n != 'first': del d[n]; delattr(a, n)\n"
				  "print(hex(id(d)))\n"
				  "print(hex(id(a)))\n"
				  "print(hex(id(a.first)))\n"
				  "run()\n";

static void check_busy(struct python_child *c)
{
	uint64_t d = strtoull(c->line, NULL, 0), a = python_child__number(c);
	uint64_t first = python_child__number(c);
	size_t found = 0;

	for (int i = 0; i < 2000; i++) {
		uint64_t in_dict = python__dict_value(&c->target, d, "first");
		uint64_t in_object = python__attribute(&c->target, a, "first");

		/* It may be missed while the table is filled anew, another is never found. */
		assert_true(in_dict == first || in_dict == 0);
		assert_true(in_object == first || in_object == 0);
		found += in_dict == first && in_object == first;
	}
	assert_in_range(found, 1000, 2000);
}

static void test_live(void **state)
{
	if (python_child__each(*(int *)*state, script, check_child) == 0)
		skip();
}

static void test_busy(void **state)
{
	if (python_child__each(*(int *)*state, busy_script, check_busy) == 0)
		skip();
}

/* ---- this process, as if it were one ---- */

/* Ranges that cannot be read leave those that can alone, in any order and number. */
static void test_read_live(void **state)
{
	struct python_target t = { .pid = getpid() };
	struct python_range ranges[200];
	uint64_t from[200], to[200];

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		from[i] = i;
		to[i] = ~0ULL;
		ranges[i] = (struct python_range){
			.address = i % 3 == 0 ? 16 : (uint64_t)(uintptr_t)&from[i],
			.bytes = &to[i],
			.size = 8,
			.got = i % 2,
		};
	}
	python_target__read_live(&t, ranges, 200);
	for (size_t i = 0; i < 200; i++) {
		assert_int_equal(ranges[i].got, i % 3 != 0);
		assert_int_equal(to[i], i % 3 ? i : ~0ULL);
	}
	python_target__read_live(&t, ranges, 0);
}

/* ---- memory that makes no sense ---- */

struct chaos {
	uint64_t seed;
	size_t reads;
	int mode;
};

static uint64_t next(struct chaos *c)
{
	c->seed ^= c->seed << 13;
	c->seed ^= c->seed >> 7;
	c->seed ^= c->seed << 17;
	return c->seed;
}

/*
 * Nothing, the same everywhere (each pointer leads to itself or to all flags and lengths at once),
 * or numbers at random: small, large, and pointers.
 */
static void read_chaos(struct python_target *t, struct python_range *ranges, size_t n)
{
	struct chaos *c = t->context;

	for (size_t i = 0; i < n; i++) {
		uint8_t *to = ranges[i].bytes;

		c->reads++;
		ranges[i].got = c->mode < 6 && (c->mode < 4 || next(c) % 16);
		for (size_t k = 0; k < ranges[i].size; k++)
			to[k] = c->mode == 0   ? 0
				: c->mode == 1 ? 0xff
				: c->mode == 2 ? 0x24
				: c->mode == 3 ? (k % 8 == 3 ? 0x70 : 0)
					       : next(c) >> (next(c) % 48);
	}
}

static int count(void *ctx, struct python_target *t, uint64_t key, uint64_t value)
{
	(*(size_t *)ctx)++;
	return 0;
}

static void try_all(struct python_target *t, uint64_t object)
{
	char text[64], one[1];
	uint64_t items[16];
	size_t n = 0;
	int r;

	if (python__string(t, object, text, sizeof(text)) == 0)
		assert_in_range(strlen(text), 0, sizeof(text) - 1);
	if (python__c_string(t, object, text, sizeof(text)) == 0)
		assert_in_range(strlen(text), 0, sizeof(text) - 1);
	if (python__type_name(t, object, text, sizeof(text)) == 0)
		assert_in_range(strlen(text), 0, sizeof(text) - 1);
	if (python__string(t, object, one, sizeof(one)) == 0)
		assert_int_equal(one[0], 0);
	r = python__tuple(t, object, items, 16);
	assert_true(r <= 16);
	python__dict_value(t, object, "name");
	python__dict_value(t, object, "n\303\244me");
	python__dict_each(t, object, count, &n);
	python__attribute(t, object, "name");
	python__attributes_each(t, object, count, &n);
	assert_in_range(n, 0, 2 * PYTHON_DICT_MAX);
}

/* Whatever memory says, every call ends soon, inside of its buffers. */
static void test_chaos(void **state)
{
	(void)state;
	for (int minor = 8; minor <= 13; minor++) {
		for (int i = 0; i < 420; i++) {
			struct chaos c = { .seed = i * 77 + minor, .mode = i < 7 ? i : 4 + i % 2 };
			struct python_target t = { .layout = python_layout__of(3, minor),
						   .read = read_chaos,
						   .context = &c };

			try_all(&t, i == 0 ? 0 : i == 1 ? UINT64_MAX - 7 : next(&c));
			/* a few tables of the most entries, a read for each */
			assert_in_range(c.reads, 0, 20 * PYTHON_DICT_MAX);
		}
	}
}

int main(void)
{
	static int minors[] = { 8, 9, 10, 11, 12, 13 };
	const struct CMUnitTest tests[] = {
		{ "live 3.8", test_live, NULL, NULL, &minors[0] },
		{ "live 3.9", test_live, NULL, NULL, &minors[1] },
		{ "live 3.10", test_live, NULL, NULL, &minors[2] },
		{ "live 3.11", test_live, NULL, NULL, &minors[3] },
		{ "live 3.12", test_live, NULL, NULL, &minors[4] },
		{ "live 3.13", test_live, NULL, NULL, &minors[5] },
		{ "busy 3.8", test_busy, NULL, NULL, &minors[0] },
		{ "busy 3.11", test_busy, NULL, NULL, &minors[3] },
		{ "busy 3.12", test_busy, NULL, NULL, &minors[4] },
		{ "busy 3.13", test_busy, NULL, NULL, &minors[5] },
		cmocka_unit_test(test_read_live),
		cmocka_unit_test(test_chaos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
