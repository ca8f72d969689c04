// SPDX-License-Identifier: GPL-2.0-only
#include "python_frames.h"

#include <errno.h>
#include <string.h>

#include "util.h"

/* owner of a frame, 3.12 on: this and what comes after it is none of a program's (FRAME_OWNED_BY_
 * CSTACK; 3.14 has one more of the kind before it) */
#define OWNER_SHIM 3
/* No code is longer: what is further from its beginning is another one's address. */
#define CODE_MAX (64 << 20)

static uint64_t pointer_in(const struct python_head *h, int offset)
{
	uint64_t value = 0;

	if (offset >= 0 && offset <= PYTHON_HEAD - (int)sizeof(value))
		memcpy(&value, h->bytes + offset, sizeof(value));
	return value;
}

static int32_t int32_in(const struct python_head *h, int offset)
{
	int32_t value = 0;

	if (offset >= 0 && offset <= PYTHON_HEAD - (int)sizeof(value))
		memcpy(&value, h->bytes + offset, sizeof(value));
	return value;
}

static uint8_t byte_in(const struct python_head *h, int offset)
{
	return offset >= 0 && offset < PYTHON_HEAD ? h->bytes[offset] : 0;
}

static uint64_t untagged(const struct python_layout *l, uint64_t object)
{
	return object & ~(uint64_t)l->frame.tag_bits;
}

/* ---- what the versions do each in their own way ---- */

static bool is_shim(const struct python_layout *l, const struct python_head *h)
{
	return l->minor >= 12 && byte_in(h, l->frame.owner) >= OWNER_SHIM;
}

/*
 * Up to 3.10 each frame has a call of the loop of its own. 3.11 says which ones have; later a shim
 * comes behind those.
 */
static bool is_entry(const struct python_layout *l, const struct python_head *h,
		     const struct python_head *outer)
{
	if (l->minor < 11)
		return true;
	if (l->minor == 11)
		return byte_in(h, l->frame.owner);
	return outer ? is_shim(l, outer) : !pointer_in(h, l->frame.previous);
}

/*
 * Up to 3.12 the instruction that was begun last, in 3.13 the one being run: the same, for threads
 * that wait in one. -1: not begun; -2: no instruction of this code.
 */
static int64_t find_instruction(const struct python_layout *l, const struct python_head *h,
				const struct python_code *code)
{
	int64_t at;

	if (l->minor < 11)
		at = (int64_t)int32_in(h, l->frame.instruction) * (l->minor == 10 ? 2 : 1);
	else
		at = pointer_in(h, l->frame.instruction) - code->bytecode;
	if (at < 0)
		return at >= -2 ? -1 : -2; /* one instruction before the first */
	return at < CODE_MAX ? at : -2;
}

/* ---- one frame ---- */

static void decode_code(struct python_target *t, const struct python_code *code,
			const struct python_head *h, struct python_frame *f)
{
	int64_t at = find_instruction(t->layout, h, code);

	f->function = code->function;
	f->name = code->name;
	f->file = code->file;
	f->known = true;
	f->instruction = MAX(at, -1);
	f->line = at == -2 ? 0 : python_code__line(t->layout, code, at);
	for (int i = 0; i < PYTHON_SLOTS && i < code->n_slots; i++)
		f->slots[i] = untagged(t->layout, h->slots[i]);
	/* What is only being set up is no frame yet; the loop that was called for it is there. */
	if (t->layout->minor >= 11 && at != -2 && at < code->first_traceable)
		f->shim = true;
}

static struct python_frame decode_head(struct python_target *t, struct python_codes *codes,
				       struct names *names, const struct python_head *h,
				       const struct python_head *outer)
{
	const struct python_layout *l = t->layout;
	struct python_frame f = {
		.address = h->at,
		.code = untagged(l, pointer_in(h, l->frame.code)),
		.globals = pointer_in(h, l->frame.globals),
		.instruction = -1,
		.shim = is_shim(l, h),
	};
	const struct python_code *code = NULL;

	if (!f.shim) {
		f.entry = is_entry(l, h, outer);
		code = python_codes__at(codes, t, names, f.code);
	}
	if (code)
		decode_code(t, code, h, &f);
	return f;
}

void python_frames__decode(struct python_target *t, struct python_codes *codes, struct names *names,
			   const struct python_head *heads, size_t n, struct python_chain *ret)
{
	*ret = (struct python_chain){ .truncated = n > PYTHON_FRAMES_MAX };
	n = MIN(n, (size_t)PYTHON_FRAMES_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct python_head *outer = i + 1 < n ? &heads[i + 1] : NULL;
		struct python_frame f = decode_head(t, codes, names, &heads[i], outer);

		/* A shim ends the frames of its loop: what is being set up must not. */
		if (f.shim && f.known && !(f.entry && t->layout->minor == 11))
			continue;
		ret->frames[ret->n++] = f;
	}
}

/* ---- chains in memory ---- */

static uint64_t innermost(struct python_target *t, uint64_t state)
{
	const struct python_layout *l = t->layout;
	uint64_t at;

	if (l->thread.cframe == PYTHON_ABSENT)
		return python__pointer(t, state + l->thread.frame);
	at = python__pointer(t, state + l->thread.cframe);
	return at ? python__pointer(t, at + l->thread.frame) : 0;
}

static bool read_head(struct python_target *t, uint64_t at, struct python_head *ret)
{
	struct python_head h = { .at = at };
	struct python_range ranges[] = {
		{ .address = at, .bytes = h.bytes, .size = sizeof(h.bytes) },
		{ .address = at + t->layout->frame.slots,
		  .bytes = h.slots,
		  .size = sizeof(h.slots) },
	};

	t->read(t, ranges, ARRAY_SIZE(ranges));
	if (!ranges[0].got)
		return false;
	if (!ranges[1].got) /* a short frame at the end of a mapping */
		memset(h.slots, 0, sizeof(h.slots));
	*ret = h;
	return true;
}

static bool has_moved(struct python_target *t, uint64_t state, const struct python_head *then)
{
	const struct python_layout *l = t->layout;
	struct python_head now;

	if (innermost(t, state) != then->at || !read_head(t, then->at, &now))
		return true;
	if (l->minor < 11 &&
	    int32_in(&now, l->frame.instruction) != int32_in(then, l->frame.instruction))
		return true;
	return pointer_in(&now, l->frame.code) != pointer_in(then, l->frame.code) ||
	       pointer_in(&now, l->frame.previous) != pointer_in(then, l->frame.previous) ||
	       (l->minor >= 11 &&
		pointer_in(&now, l->frame.instruction) != pointer_in(then, l->frame.instruction));
}

static bool is_among(const struct python_head *heads, size_t n, uint64_t at)
{
	for (size_t i = 0; i < n; i++)
		if (heads[i].at == at)
			return true;
	return false;
}

int python_frames__read(struct python_target *t, struct python_codes *codes, struct names *names,
			uint64_t thread_state, struct python_chain *ret)
{
	struct python_head heads[PYTHON_FRAMES_MAX];
	uint64_t at = innermost(t, thread_state);
	size_t n = 0;

	if (!at) {
		*ret = (struct python_chain){ .n = 0 };
		return 0;
	}
	for (; at && n < PYTHON_FRAMES_MAX && !is_among(heads, n, at); n++) {
		if (!read_head(t, at, &heads[n]))
			break;
		at = pointer_in(&heads[n], t->layout->frame.previous);
	}
	if (!n)
		return -EFAULT;
	if (has_moved(t, thread_state, &heads[0]))
		return -EAGAIN;
	python_frames__decode(t, codes, names, heads, n, ret);
	ret->truncated = at;
	return 0;
}
