// SPDX-License-Identifier: GPL-2.0-only
#include "python_slots.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define AT_ONCE	      64    /* threads whose frames are read together */
#define FRAME_BYTES   640   /* read of each: enough for most, with all slots */
#define FRAME_MAX     16384 /* a chunk of the interpreter's stack of frames */
#define DEPTH_MAX     1024  /* of a chain */
#define FRAMES_MAX    65536 /* of all threads */
#define OBJECTS_MAX   65536
#define BLOCKS_MAX    20 /* CO_MAXBLOCKS */
#define BLOCK_BYTES   12
#define SETUP_FINALLY 122  /* type of the blocks of `with` and `try`, 3.8 to 3.10 */
#define FIRST_SHIM    3	   /* owners from FRAME_OWNED_BY_CSTACK on run no program's code */
#define LOWEST	      4096 /* nothing is mapped below */

struct walk {
	struct python_target *target;
	struct python_codes *codes;
	struct names *names;
	struct python_slots *slots;
	size_t frames;
	uint64_t last; /* the code object that was looked up last, and what it is */
	const struct python_code *code;
};

/* The threads of a group that still have frames to read. */
struct group {
	size_t threads[AT_ONCE];
	uint64_t frames[AT_ONCE];
	size_t n;
};

struct frame_bytes {
	const uint8_t *bytes;
	size_t size;
};

static uint64_t pointer_in(const struct frame_bytes *f, int64_t offset)
{
	uint64_t value = 0;

	if (offset >= 0 && offset + (int64_t)sizeof(value) <= (int64_t)f->size)
		memcpy(&value, f->bytes + offset, sizeof(value));
	return value;
}

static int32_t int32_in(const struct frame_bytes *f, int64_t offset)
{
	int32_t value = 0;

	if (offset >= 0 && offset + (int64_t)sizeof(value) <= (int64_t)f->size)
		memcpy(&value, f->bytes + offset, sizeof(value));
	return value;
}

/* An object, whatever the interpreter marks its pointer with. */
static uint64_t object_in(const struct python_target *t, const struct frame_bytes *f,
			  int64_t offset)
{
	return pointer_in(f, offset) & ~(uint64_t)t->layout->frame.tag_bits;
}

static uint64_t slot_in(const struct python_target *t, const struct frame_bytes *f, int64_t i)
{
	return object_in(t, f, t->layout->frame.slots + i * 8);
}

static int64_t instruction_of(const struct python_layout *l, const struct frame_bytes *f,
			      const struct python_code *code)
{
	uint64_t at;

	if (l->minor < 11)
		return int32_in(f, l->frame.instruction) * (l->minor == 10 ? 2LL : 1LL);
	at = pointer_in(f, l->frame.instruction);
	return at >= code->bytecode ? (int64_t)(at - code->bytecode) : -1;
}

/* Up to 3.10 the blocks that are entered stand in the frame. */
static size_t levels_of_blocks(const struct python_layout *l, const struct frame_bytes *f,
			       int *levels)
{
	int32_t blocks = int32_in(f, l->frame.blocks);
	size_t n = 0;

	for (int32_t i = MIN(blocks, BLOCKS_MAX) - 1; i >= 0; i--) {
		int64_t block = l->frame.block_stack + i * BLOCK_BYTES;

		if (int32_in(f, block) == SETUP_FINALLY)
			levels[n++] = int32_in(f, block + 8);
	}
	return n;
}

static void add(struct python_slot **slots, size_t *n, size_t *capacity,
		const struct python_slot *slot)
{
	if (*n >= OBJECTS_MAX)
		return;
	array__grow(*slots, *n, *capacity);
	(*slots)[(*n)++] = *slot;
}

static void add_object(struct python_slots *s, uint64_t object)
{
	if (object < LOWEST || s->n_objects >= OBJECTS_MAX)
		return;
	array__grow(s->objects, s->n_objects, s->objects_capacity);
	s->objects[s->n_objects++] = object;
}

static bool is_condition_wait(const struct python_code *code)
{
	static const char file[] = "threading.py";
	size_t length = strlen(code->file);

	return !strcmp(code->name, "wait") && length >= strlen(file) &&
	       !strcmp(code->file + length - strlen(file), file);
}

/* All that one frame has; slot says where it is. */
static void take_slots(struct walk *w, const struct frame_bytes *f, const struct python_code *code,
		       struct python_slot slot)
{
	const struct python_layout *l = w->target->layout;
	struct python_slots *s = w->slots;
	int levels[BLOCKS_MAX];
	size_t n;

	if (l->frame.blocks != PYTHON_ABSENT)
		n = levels_of_blocks(l, f, levels);
	else
		n = python_code__handlers(code, slot.instruction, levels, BLOCKS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (levels[i] < 1 || levels[i] > code->stack_size)
			continue;
		slot.object = slot_in(w->target, f, code->n_slots + levels[i] - 1);
		slot.below =
			levels[i] < 2 ? 0 : slot_in(w->target, f, code->n_slots + levels[i] - 2);
		if (slot.object >= LOWEST)
			add(&s->exits, &s->n_exits, &s->exits_capacity, &slot);
	}
	slot.below = 0;
	slot.object = slot_in(w->target, f, 0);
	if (is_condition_wait(code) && slot.object >= LOWEST)
		add(&s->waits, &s->n_waits, &s->waits_capacity, &slot);
	for (int64_t i = 0; i < (int64_t)code->n_slots + code->stack_size; i++)
		add_object(s, slot_in(w->target, f, i));
}

static const struct python_code *code_at(struct walk *w, uint64_t code)
{
	if (code != w->last || !code) {
		w->code = python_codes__at(w->codes, w->target, w->names, code);
		w->last = code;
	}
	return w->code;
}

/* Where the frame is that called this one; 0: none. */
static uint64_t take_frame(struct walk *w, size_t thread, uint64_t frame, struct frame_bytes f)
{
	const struct python_layout *l = w->target->layout;
	uint64_t previous = pointer_in(&f, l->frame.previous);
	struct python_slot slot = { .thread = thread, .frame = frame };
	const struct python_code *code;
	uint8_t more[FRAME_MAX];
	int64_t size;

	if (l->minor >= 12 && l->frame.owner >= 0 && l->frame.owner < (int64_t)f.size &&
	    f.bytes[l->frame.owner] >= FIRST_SHIM)
		return previous;
	slot.code = object_in(w->target, &f, l->frame.code);
	code = code_at(w, slot.code);
	if (!code)
		return previous;
	size = l->frame.slots + 8 * ((int64_t)code->n_slots + code->stack_size);
	if (size > (int64_t)f.size) {
		/* In one piece again: slots belong to an instruction. */
		f = (struct frame_bytes){ more, MIN(size, FRAME_MAX) };
		if (python__read(w->target, frame, more, f.size) ||
		    object_in(w->target, &f, l->frame.code) != slot.code)
			return 0;
	}
	slot.instruction = instruction_of(l, &f, code);
	take_slots(w, &f, code, slot);
	return pointer_in(&f, l->frame.previous);
}

struct batch {
	uint8_t bytes[AT_ONCE][FRAME_BYTES];
	size_t sizes[AT_ONCE]; /* 0: it could not be read */
	struct {
		uint64_t code;
		size_t i;
	} order[AT_ONCE]; /* those of one code object together: to look it up costs a read */
};

static int by_code(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void read_batch(struct python_target *t, const struct group *g, struct batch *b)
{
	struct python_range ranges[AT_ONCE];

	for (size_t i = 0; i < g->n; i++)
		ranges[i] = (struct python_range){ g->frames[i], b->bytes[i], FRAME_BYTES, false };
	t->read(t, ranges, g->n);
	for (size_t i = 0; i < g->n; i++) {
		struct frame_bytes f = { b->bytes[i], FRAME_BYTES };

		if (!ranges[i].got) {
			/* The last one before memory ends: what comes before its slots. */
			f.size = MIN(t->layout->frame.slots, FRAME_BYTES);
			if (python__read(t, g->frames[i], b->bytes[i], f.size))
				f.size = 0;
		}
		b->sizes[i] = f.size;
		b->order[i].code = object_in(t, &f, t->layout->frame.code);
		b->order[i].i = i;
	}
	qsort(b->order, g->n, sizeof(*b->order), by_code);
}

/* One frame of each thread, at once. */
static void take_frames(struct walk *w, struct group *g)
{
	struct group left = { .n = 0 };
	struct batch b;

	read_batch(w->target, g, &b);
	for (size_t k = 0; k < g->n; k++) {
		size_t i = b.order[k].i;
		struct frame_bytes f = { b.bytes[i], b.sizes[i] };
		uint64_t previous;

		if (!f.size)
			continue;
		previous = take_frame(w, g->threads[i], g->frames[i], f);
		if (previous < LOWEST)
			continue;
		left.threads[left.n] = g->threads[i];
		left.frames[left.n++] = previous;
	}
	w->frames += g->n;
	*g = left;
}

/* Pointers at offset from each of g->frames; those that lead nowhere are left out. */
static void follow(struct python_target *t, struct group *g, int offset)
{
	struct python_range ranges[AT_ONCE];
	uint64_t pointers[AT_ONCE];
	size_t left = 0;

	for (size_t i = 0; i < g->n; i++)
		ranges[i] = (struct python_range){ g->frames[i] + offset, &pointers[i], 8, false };
	t->read(t, ranges, g->n);
	for (size_t i = 0; i < g->n; i++) {
		if (!ranges[i].got || pointers[i] < LOWEST)
			continue;
		g->threads[left] = g->threads[i];
		g->frames[left++] = pointers[i];
	}
	g->n = left;
}

static void take_group(struct walk *w, struct group *g)
{
	const struct python_layout *l = w->target->layout;

	if (l->thread.cframe != PYTHON_ABSENT)
		follow(w->target, g, l->thread.cframe);
	follow(w->target, g, l->thread.frame);
	for (int depth = 0; depth < DEPTH_MAX && g->n > 0 && w->frames < FRAMES_MAX; depth++)
		take_frames(w, g);
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void sort_objects(struct python_slots *s)
{
	size_t n = 0;

	if (s->n_objects)
		qsort(s->objects, s->n_objects, sizeof(*s->objects), by_address);
	for (size_t i = 0; i < s->n_objects; i++)
		if (!n || s->objects[n - 1] != s->objects[i])
			s->objects[n++] = s->objects[i];
	s->n_objects = n;
}

void python_slots__read(struct python_target *t, struct python_codes *codes, struct names *names,
			const struct python_thread *threads, const size_t *which, size_t n,
			struct python_slots *ret)
{
	struct walk w = { .target = t, .codes = codes, .names = names, .slots = ret };

	*ret = (struct python_slots){ 0 };
	while (n > 0) {
		struct group g = { .n = MIN(n, (size_t)AT_ONCE) };

		for (size_t i = 0; i < g.n; i++) {
			g.threads[i] = which[i];
			g.frames[i] = threads[which[i]].state;
		}
		which += g.n;
		n -= g.n;
		take_group(&w, &g);
	}
	sort_objects(ret);
}

void python_slots__done(struct python_slots *s)
{
	free(s->exits);
	free(s->waits);
	free(s->objects);
}
