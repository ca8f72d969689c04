// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code of other people: the bytes are instructions, at an address that their first two bytes
 * choose. Every walk ends inside its budget, and a place is never before the code or a length past
 * it.
 */
#include "../../user/code_walk.h"
#include "../../user/decode_x86_64.h"
#include "fuzz.h"

#define WALKS 16

struct code {
	uint64_t base;
	const uint8_t *bytes;
	size_t size;
	size_t reads;
};

static size_t read_code(void *context, uint64_t vaddr, const uint8_t **ret)
{
	struct code *c = context;

	c->reads++;
	if (vaddr - c->base >= c->size)
		return 0;
	*ret = c->bytes + (vaddr - c->base);
	return c->size - (vaddr - c->base);
}

static void check(const uint8_t *bytes, size_t size)
{
	struct insn insn;
	int r = decode__insn(bytes, size, &insn);

	PROMISE(r == 0 || r == -ENODATA || r == -EILSEQ);
	PROMISE(r != -ENODATA || size < INSN_LENGTH_MAX);
	if (r != 0)
		return;
	PROMISE(insn.length > 0 && insn.length <= INSN_LENGTH_MAX && insn.length <= size);
	PROMISE(insn.loaded == X86_NONE || insn.loaded < X86_REGISTERS);
	PROMISE(insn.loaded != X86_RSP && !(insn.written & 1u << X86_RSP));
	PROMISE(insn.sp.base == X86_RSP || insn.sp.base == X86_RBP || insn.sp.base == X86_NONE);
	/* More bytes behind it change nothing, fewer are too few. */
	PROMISE(decode__insn(bytes, insn.length, &insn) == 0);
	PROMISE(decode__insn(bytes, insn.length - 1u, &insn) == -ENODATA);
}

static void walk(struct code_walker *w, struct code *c, uint64_t at)
{
	const struct code_reader reader = { .read = read_code, .context = c };
	struct code_step step;

	c->reads = 0;
	if (!code_walk__from(w, &reader, at, 0, &step))
		return;
	PROMISE(c->reads <= CODE_WALK_INSNS + 32);
	PROMISE(step.n <= CODE_WAYS_MAX);
	PROMISE(!step.outermost || (step.complete && step.n == 0));
	for (unsigned int i = 0; i < step.n; i++)
		PROMISE((step.ways[i].same & step.ways[i].restored) == 0);
	code_walk__after_call(&reader, at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct code_walker *walker;
	struct code c = { .size = size };
	uint16_t high;

	if (!walker)
		walker = code_walker__new();
	fuzz__take(&data, &c.size, &high, sizeof(high));
	c.bytes = data;
	/* Both ends of the address space among them. */
	c.base = high & 1 ? (uint64_t)high << 48 : high & 2 ? UINT64_MAX - high : high;
	for (size_t i = 0; i < c.size; i++)
		check(data + i, c.size - i);
	for (size_t i = 0; i < c.size && i < WALKS; i++)
		walk(walker, &c, c.base + i * (1 + c.size / WALKS));
	return 0;
}
