// SPDX-License-Identifier: GPL-2.0-only
#include "step_code.h"

#include <elf.h>
#include <stdlib.h>

#include "decode_x86_64.h"
#include "elf_file.h"
#include "util.h"

#define SETS_BITS  6
#define WAYS	   4
#define CALLS_BITS 9
#define CHUNKS	   64
#define CHUNK	   ((uint64_t)8192)
#define MARGIN	   (INSN_LENGTH_MAX + 1) /* an instruction may begin at a chunk's last byte */

struct row {
	uint64_t file; /* 0: empty */
	uint64_t vaddr;
	struct code_step step;
};

struct call_row {
	uint64_t file, vaddr;
	bool after_call;
};

struct chunk {
	uint64_t file, start, used;
	size_t size;
	uint8_t *bytes;
};

struct step_code {
	struct row rows[1 << SETS_BITS][WAYS]; /* the latest first */
	struct call_row calls[1 << CALLS_BITS];
	struct chunk chunks[CHUNKS];
	struct chunk *last; /* a walk seldom leaves it */
	uint64_t clock;
	struct code_walker *walker;
};

struct step_code *step_code__new(void)
{
	struct step_code *c = xcalloc(1, sizeof(*c));

	c->walker = code_walker__new();
	return c;
}

void step_code__free(struct step_code *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CHUNKS; i++)
		free(c->chunks[i].bytes);
	code_walker__free(c->walker);
	free(c);
}

static uint64_t hash(uint64_t file, uint64_t vaddr)
{
	return (vaddr ^ file << 40) * 0x9e3779b97f4a7c15ULL;
}

static const struct segment *segment_at(const struct elf_file *f, uint64_t vaddr)
{
	for (size_t i = 0; i < f->n_segments; i++) {
		const struct segment *s = &f->segments[i];

		if (s->exec && vaddr >= s->vaddr && vaddr - s->vaddr < s->file_size)
			return s;
	}
	return NULL;
}

/* The bytes from `start` on into the chunk that was not used for longest. NULL: unreadable. */
static struct chunk *read_chunk(struct step_code *c, const struct code_location *where,
				const struct segment *s, uint64_t start)
{
	uint64_t offset = start - s->vaddr;
	struct chunk *chunk = &c->chunks[0];
	ssize_t n;

	for (size_t i = 1; i < CHUNKS; i++) {
		if (c->chunks[i].used < chunk->used)
			chunk = &c->chunks[i];
	}
	if (!chunk->bytes)
		chunk->bytes = xcalloc(1, CHUNK + MARGIN);
	chunk->file = 0;
	n = symbols__read(where->symbols, where->pid, where->mapping, where->file,
			  s->offset + offset, chunk->bytes,
			  MIN(CHUNK + MARGIN, s->file_size - offset));
	if (n <= 0)
		return NULL;
	chunk->file = where->file->id;
	chunk->start = start;
	chunk->size = n;
	return chunk;
}

static bool holds(const struct chunk *chunk, const struct elf_file *file, uint64_t start)
{
	return chunk->file == file->id && chunk->start == start;
}

struct reading {
	struct step_code *c;
	const struct code_location *where;
};

static size_t read_code(void *context, uint64_t vaddr, const uint8_t **ret)
{
	struct reading *r = context;
	const struct segment *s = segment_at(r->where->file, vaddr);
	struct chunk *found = r->c->last;
	uint64_t start;

	if (!s)
		return 0;
	start = vaddr - (vaddr - s->vaddr) % CHUNK;
	if (found && !holds(found, r->where->file, start))
		found = NULL;
	for (size_t i = 0; i < CHUNKS && !found; i++) {
		if (holds(&r->c->chunks[i], r->where->file, start))
			found = &r->c->chunks[i];
	}
	if (!found)
		found = read_chunk(r->c, r->where, s, start);
	if (!found || vaddr - start >= found->size)
		return 0;
	found->used = ++r->c->clock;
	r->c->last = found;
	*ret = found->bytes + (vaddr - start);
	return found->size - (vaddr - start);
}

const struct code_step *step_code__at(struct step_code *c, const struct code_location *where)
{
	struct reading reading = { c, where };
	const struct code_reader reader = { .read = read_code, .context = &reading };
	uint64_t id = elf_file__id(where->file), vaddr = where->vaddr;
	struct row *set = c->rows[hash(id, vaddr) >> (64 - SETS_BITS)];
	struct row row = { .file = id, .vaddr = vaddr };
	const struct symbol *function;
	size_t i;

	if (elf_file__machine(where->file) != EM_X86_64)
		return NULL;
	for (i = 0; i < WAYS; i++) {
		if (set[i].file == id && set[i].vaddr == vaddr)
			return &set[i].step;
	}
	/* Of a return address: the call may be the last of its function. */
	function = elf_file__symbol(where->file, vaddr - 1, false);
	if (!code_walk__from(c->walker, &reader, vaddr,
			     function ? function->address + function->size : 0, &row.step))
		return NULL;
	for (i = WAYS - 1; i > 0; i--)
		set[i] = set[i - 1];
	set[0] = row;
	return &set[0].step;
}

bool step_code__after_call(struct step_code *c, const struct code_location *where)
{
	struct reading reading = { c, where };
	const struct code_reader reader = { .read = read_code, .context = &reading };
	uint64_t id = elf_file__id(where->file);
	struct call_row *row = &c->calls[hash(id, where->vaddr) >> (64 - CALLS_BITS)];
	const uint8_t *code;

	if (row->file == id && row->vaddr == where->vaddr)
		return row->after_call;
	/* What can't be read now is not remembered as wrong. */
	if (elf_file__machine(where->file) != EM_X86_64 ||
	    read_code(&reading, where->vaddr - 1, &code) == 0)
		return false;
	*row = (struct call_row){
		.file = id,
		.vaddr = where->vaddr,
		.after_call = code_walk__after_call(&reader, where->vaddr),
	};
	return row->after_call;
}
