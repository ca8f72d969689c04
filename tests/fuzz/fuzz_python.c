// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of an interpreter that may be broken, or made to mislead: what can be read of it is the
 * input, at an address that pointers in it often hit. Every call ends, stays inside of its buffers,
 * and returns what its header says.
 */
#include "../../user/python_frames.h"
#include "../../user/python_kinds.h"
#include "../../user/python_locks.h"
#include "../../user/python_names.h"
#include "../../user/python_threads.h"
#include "fuzz.h"

#define BASE	  0x10000
#define READS_MAX 4000000

struct memory {
	const uint8_t *bytes;
	size_t size, reads;
	bool endless; /* the input again and again, at all addresses */
};

static void read_input(struct python_target *t, struct python_range *ranges, size_t n)
{
	struct memory *m = t->context;

	for (size_t i = 0; i < n; i++) {
		uint64_t at = ranges[i].address - BASE;
		uint8_t *to = ranges[i].bytes;

		m->reads++;
		ranges[i].got = m->size > 0 &&
				(m->endless || (at < m->size && m->size - at >= ranges[i].size));
		for (size_t k = 0; ranges[i].got && k < ranges[i].size; k++)
			to[k] = m->bytes[(at + k) % m->size];
	}
	PROMISE(m->reads < READS_MAX);
}

static int visit(void *ctx, struct python_target *t, uint64_t key, uint64_t value)
{
	size_t *n = ctx;

	PROMISE(key && value);
	return ++*n == 500 ? 7 : 0;
}

static void check_text(int r, const char *text, size_t size)
{
	PROMISE(r <= 0);
	PROMISE(r != 0 || strnlen(text, size) < size);
}

static void read_object(struct python_target *t, uint64_t object)
{
	char text[40];
	uint64_t items[16];
	size_t n = 0;
	int r;

	check_text(python__string(t, object, text, sizeof(text)), text, sizeof(text));
	check_text(python__string(t, object, text, 1), text, 1);
	check_text(python__c_string(t, object, text, sizeof(text)), text, sizeof(text));
	check_text(python__type_name(t, object, text, sizeof(text)), text, sizeof(text));
	PROMISE(python__tuple(t, object, items, 16) <= 16);
	python__dict_value(t, object, "_lock");
	python__attribute(t, object, "\303\244");
	python__attribute(t, object, "_lock");
	r = python__dict_each(t, object, visit, &n);
	PROMISE(r <= 0 || (r == 7 && n == 500));
	n = 0;
	r = python__attributes_each(t, object, visit, &n);
	PROMISE(r <= 0 || (r == 7 && n == 500));
}

static struct proc *proc; /* names need one, and ask it for nothing here */

static void check_chain(const struct python_chain *chain)
{
	PROMISE(chain->n <= PYTHON_FRAMES_MAX);
	for (size_t i = 0; i < chain->n; i++)
		PROMISE(!chain->frames[i].known || chain->frames[i].function);
}

/* Frames as the probes copy them, and as they stand in memory: what they say is looked up. */
static void read_frames(struct python_target *t, const uint8_t *data, size_t size)
{
	static const char *const native[] = { "sem_wait", "lock_PyThread_acquire_lock" };
	struct python_codes *codes = python_codes__new();
	struct names *names = names__new(proc, false);
	struct python_head heads[4];
	struct python_chain chain = { 0 };
	struct python_wait wait;
	bool known, rlock;
	uint64_t word;

	fuzz__take(&data, &size, heads, sizeof(heads));
	python_frames__decode(t, codes, names, heads, 4, &chain);
	check_chain(&chain);
	wait = python_kinds__judge(t, &chain, native, 2, BASE + 64);
	PROMISE(wait.user < (int)chain.n);
	python_names__find(t, codes, names, &chain, &wait, BASE + 64, &known, &rlock);
	python_locks__inner_any(t, BASE + 32, 3, &word);
	if (python_frames__read(t, codes, names, BASE, &chain) == 0)
		check_chain(&chain);
	python_codes__free(codes);
	names__free(names);
}

static void read_threads(struct python_target *t)
{
	struct python_codes *codes = python_codes__new();
	struct names *names = names__new(proc, false);
	struct python_thread *threads = NULL;
	struct python_lock *locks = NULL;
	struct python_gil gils[8];
	int n = python_threads__list(t, &threads);

	PROMISE(n <= PYTHON_THREADS_MAX);
	PROMISE(python_threads__gils(t, gils, 8) <= 8);
	if (n > 0) {
		size_t some = (size_t)n < 4 ? (size_t)n : 4;
		struct python_thread_info infos[4];

		if (python_threads__describe(t, threads, some, infos) == 0)
			PROMISE(strnlen(infos[0].name, sizeof(infos[0].name)) <
				sizeof(infos[0].name));
		if (python_threads__locks(t, codes, names, threads, some, &locks) >= 0)
			free(locks);
	}
	if (n >= 0)
		free(threads);
	python_codes__free(codes);
	names__free(names);
}

/* What 3.13 on says of itself is taken only if its offsets are offsets. */
static void check_layout(const uint8_t *data, size_t size, struct python_layout *layout)
{
	struct python_layout before = *layout;
	int r = python_layout__debug(data, size, layout);

	PROMISE(r == 0 || r == -ENOENT || r == -EINVAL || r == -ENOTSUP);
	PROMISE(r == 0 || memcmp(&before, layout, sizeof(before)) == 0);
	PROMISE(layout->frame.slots >= 0 && layout->object.ascii >= 0 && layout->dict.keys >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory m = { 0 };
	struct python_target t = { .runtime = BASE, .read = read_input, .context = &m };
	struct python_layout layout;
	uint8_t choice[2];

	if (!proc)
		proc = proc__new("/proc");
	fuzz__take(&data, &size, choice, sizeof(choice));
	layout = *python_layout__of(3, 8 + choice[0] % 6);
	if (choice[0] & 0x80)
		check_layout(data, size, &layout);
	t.layout = &layout;
	m.bytes = data;
	m.size = size;
	m.endless = choice[1] % 32 == 1; /* slow, and seldom new */
	for (size_t i = 0; i < 4; i++)
		read_object(&t, BASE + i * 64);
	read_frames(&t, data, size);
	read_threads(&t);
	return 0;
}
