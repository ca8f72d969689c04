// SPDX-License-Identifier: GPL-2.0-only
#include "python_code.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "util.h"

#define CODES_MAX  4096
#define BYTES_MAX  (8 << 20) /* of the tables of all codes */
#define TABLE_MAX  (1 << 20)
#define HEAD_MAX   320	     /* the members that are read stand in the first so many bytes */
#define COUNT_MAX  (1 << 20) /* locals, slots */
#define SAMPLE_MAX 64	     /* bytes of a line table that are compared when asked again */
#define NAME_BYTES 512
#define FILE_BYTES 4096

/* What tells one code object from the next at its address. All members are compared. */
struct identity {
	uint64_t type, file, name, qualified_name, line_table, exception_table, names, variables;
	uint64_t cell_names, free_names;
	int64_t first_line, n_locals, n_slots, stack_size, first_traceable;
};

struct entry {
	UT_hash_handle hh; /* in order of use, the least lately used first */
	uint64_t address;
	struct identity identity;
	struct python_code code;
};

struct python_codes {
	struct entry *entries;
	size_t bytes;
};

struct python_codes *python_codes__new(void)
{
	return xcalloc(1, sizeof(struct python_codes));
}

static size_t table_bytes(const struct python_code *code)
{
	return code->lines_size + code->exceptions_size;
}

static void free_tables(struct python_code *code)
{
	free((void *)code->lines);
	free((void *)code->exceptions);
}

static void drop(struct python_codes *c, struct entry *e)
{
	HASH_DELETE(hh, c->entries, e);
	c->bytes -= table_bytes(&e->code);
	free_tables(&e->code);
	free(e);
}

void python_codes__free(struct python_codes *c)
{
	struct entry *e, *next;

	if (!c)
		return;
	HASH_ITER (hh, c->entries, e, next)
		drop(c, e);
	free(c);
}

/* ---- reading ---- */

static uint64_t pointer_in(const uint8_t *head, int offset)
{
	uint64_t value = 0;

	if (offset >= 0 && offset <= HEAD_MAX - (int)sizeof(value))
		memcpy(&value, head + offset, sizeof(value));
	return value;
}

static int32_t int32_in(const uint8_t *head, int offset)
{
	int32_t value = 0;

	if (offset >= 0 && offset <= HEAD_MAX - (int)sizeof(value))
		memcpy(&value, head + offset, sizeof(value));
	return value;
}

/* Bytes of a code object that hold all members; 0: more than there is room for. */
static size_t head_size(const struct python_layout *l)
{
	const int offsets[] = {
		l->object.type,		l->code.file,	    l->code.name,
		l->code.qualified_name, l->code.line_table, l->code.exception_table,
		l->code.names,		l->code.variables,  l->code.cell_names,
		l->code.free_names,	l->code.first_line, l->code.n_locals,
		l->code.n_slots,	l->code.stack_size, l->code.first_traceable
	};
	int most = 0;

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++)
		most = MAX(most, offsets[i]);
	return most <= HEAD_MAX - 8 ? most + 8 : 0;
}

static struct identity identify(const struct python_layout *l, const uint8_t *head)
{
	return (struct identity){
		.type = pointer_in(head, l->object.type),
		.file = pointer_in(head, l->code.file),
		.name = pointer_in(head, l->code.name),
		.qualified_name = pointer_in(head, l->code.qualified_name),
		.line_table = pointer_in(head, l->code.line_table),
		.exception_table = pointer_in(head, l->code.exception_table),
		.names = pointer_in(head, l->code.names),
		.variables = pointer_in(head, l->code.variables),
		.cell_names = pointer_in(head, l->code.cell_names),
		.free_names = pointer_in(head, l->code.free_names),
		.first_line = int32_in(head, l->code.first_line),
		.n_locals = int32_in(head, l->code.n_locals),
		.n_slots = int32_in(head, l->code.n_slots),
		.stack_size = int32_in(head, l->code.stack_size),
		.first_traceable = int32_in(head, l->code.first_traceable),
	};
}

/* Is what is remembered still what stands there? The object may have gone, and its address and
 * even its strings' may be another's: so the line table is looked at too. One read. */
static bool is_same(struct python_target *t, const struct entry *e)
{
	size_t n = MIN(e->code.lines_size, (size_t)SAMPLE_MAX);
	uint8_t head[HEAD_MAX] = {}, sample[SAMPLE_MAX];
	struct python_range ranges[] = {
		{ .address = e->address, .bytes = head, .size = head_size(t->layout) },
		{ .address = e->identity.line_table + t->layout->object.bytes,
		  .bytes = sample,
		  .size = n },
	};
	struct identity now;

	t->read(t, ranges, n ? 2 : 1);
	if (!ranges[0].got || (n && !ranges[1].got))
		return false;
	now = identify(t->layout, head);
	return !memcmp(&now, &e->identity, sizeof(now)) &&
	       (!n || !memcmp(sample, e->code.lines, n));
}

/* A bytes object's contents. One that is too long comes as NULL: it has no use. 0 or -errno. */
static int read_table(struct python_target *t, uint64_t object, const uint8_t **ret,
		      size_t *ret_size)
{
	const struct python_layout *l = t->layout;
	uint64_t size;
	uint8_t *bytes;

	if (python__read(t, object + l->object.length, &size, sizeof(size)))
		return -EFAULT;
	if (size > TABLE_MAX)
		return 0;
	bytes = xcalloc(1, size + 1);
	if (size && python__read(t, object + l->object.bytes, bytes, size)) {
		free(bytes);
		return -EFAULT;
	}
	*ret = bytes;
	*ret_size = size;
	return 0;
}

static const char *read_name(struct python_target *t, struct names *names, uint64_t object)
{
	char text[NAME_BYTES];

	return python__string(t, object, text, sizeof(text)) ? NULL : names__intern(names, text);
}

static const char *read_file(struct python_target *t, struct names *names, uint64_t object)
{
	char text[FILE_BYTES];

	return python__string(t, object, text, sizeof(text)) ? NULL : names__intern(names, text);
}

/* Up to 3.10 a frame's slots are counted by the names of its variables. */
static int64_t count_slots(struct python_target *t, const struct identity *id)
{
	const uint64_t tuples[] = { id->cell_names, id->free_names };
	int64_t n = id->n_locals;

	if (t->layout->code.n_slots != PYTHON_ABSENT)
		return id->n_slots;
	for (size_t i = 0; i < ARRAY_SIZE(tuples); i++) {
		uint64_t length = python__pointer(t, tuples[i] + t->layout->object.length);

		n += MIN(length, (uint64_t)COUNT_MAX);
	}
	return n;
}

static bool is_count(int64_t n)
{
	return n >= 0 && n <= COUNT_MAX;
}

static int fill(struct python_target *t, struct names *names, struct entry *e)
{
	const struct python_layout *l = t->layout;
	const struct identity *id = &e->identity;
	struct python_code *code = &e->code;
	uint8_t head[HEAD_MAX] = {};
	char type[16];

	if (!head_size(l) || python__read(t, e->address, head, head_size(l)))
		return -EFAULT;
	if (python__type_name(t, e->address, type, sizeof(type)) || strcmp(type, "code"))
		return -EINVAL;
	e->identity = identify(l, head);
	if (!is_count(id->n_locals) || !is_count(id->stack_size) || !is_count(id->first_traceable))
		return -EINVAL;
	*code = (struct python_code){
		.name = read_name(t, names, id->name),
		.file = read_file(t, names, id->file),
		.first_line = id->first_line,
		.n_locals = id->n_locals,
		.n_slots = count_slots(t, id),
		.stack_size = id->stack_size,
		.first_traceable = id->first_traceable * 2,
		.bytecode = l->minor >= 11 ? e->address + l->code.bytecode : 0,
		.names = id->names,
		.variables = id->variables,
	};
	code->function = id->qualified_name ? read_name(t, names, id->qualified_name) : code->name;
	if (!code->name || !code->file || !code->function || !is_count(code->n_slots))
		return -EINVAL;
	if (read_table(t, id->line_table, &code->lines, &code->lines_size))
		return -EFAULT;
	if (!id->exception_table)
		return 0;
	return read_table(t, id->exception_table, &code->exceptions, &code->exceptions_size);
}

static struct entry *add(struct python_codes *c, struct python_target *t, struct names *names,
			 uint64_t address)
{
	struct entry *e = xcalloc(1, sizeof(*e));

	e->address = address;
	if (fill(t, names, e)) {
		free_tables(&e->code);
		free(e);
		return NULL;
	}
	c->bytes += table_bytes(&e->code);
	while (c->entries && (HASH_COUNT(c->entries) >= CODES_MAX || c->bytes > BYTES_MAX))
		drop(c, c->entries);
	return e;
}

const struct python_code *python_codes__at(struct python_codes *c, struct python_target *t,
					   struct names *names, uint64_t code)
{
	struct entry *e;

	if (!code)
		return NULL;
	HASH_FIND(hh, c->entries, &code, sizeof(code), e);
	if (e && !is_same(t, e)) {
		drop(c, e);
		e = NULL;
	}
	if (e)
		HASH_DELETE(hh, c->entries, e);
	else
		e = add(c, t, names, code);
	if (!e)
		return NULL;
	HASH_ADD(hh, c->entries, address, sizeof(e->address), e);
	return &e->code;
}
