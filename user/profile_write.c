// SPDX-License-Identifier: GPL-2.0-only
/* The tables of a profile as messages of proto/profile.proto, compressed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "profile_internal.h"
#include "proto/profile.pb-c.h"
#include "util.h"

#define WINDOW_GZIP (15 + 16) /* zlib's largest window, and gzip's head in place of its own */
#define MEMORY	    8

/* The message in the making; all that it points to is freed together. */
struct message {
	Pprof__Profile profile;
	void **blocks;
	size_t n_blocks, capacity;
};

/* Room for n items, never none. */
static void *room(struct message *m, size_t n, size_t size)
{
	array__grow(m->blocks, m->n_blocks, m->capacity);
	return m->blocks[m->n_blocks++] = xcalloc(n + 1, size);
}

static int64_t number(uint64_t n)
{
	return (int64_t)MIN(n, (uint64_t)INT64_MAX);
}

static void put_strings(const struct profile *p, struct message *m)
{
	Pprof__Profile *to = &m->profile;
	struct profile_item *item, *next;

	to->string_table = room(m, 1 + HASH_COUNT(p->strings), sizeof(char *));
	to->string_table[to->n_string_table++] = (char *)"";
	HASH_ITER (hh, p->strings, item, next)
		to->string_table[to->n_string_table++] = item->key;
}

/*
 * Addresses are those that the files were linked at, whatever processes mapped them where. pprof
 * takes them as such from a mapping that spans everything; made-up starts it would have to turn
 * back by the file's segments, which are not known here.
 */
static void put_mappings(const struct profile *p, struct message *message)
{
	Pprof__Profile *to = &message->profile;
	size_t n = HASH_COUNT(p->mappings);
	Pprof__Mapping *rows = room(message, n, sizeof(*rows));
	struct profile_item *item, *next;

	to->mapping = room(message, n, sizeof(*to->mapping));
	HASH_ITER (hh, p->mappings, item, next) {
		const struct mapping_key *key = item->key;
		Pprof__Mapping *m = &rows[to->n_mapping];

		pprof__mapping__init(m);
		m->id = item->id;
		m->memory_limit = UINT64_MAX;
		m->filename = (int64_t)key->path;
		m->build_id = (int64_t)key->build_id;
		m->has_functions = item->flags & MAPPING_FUNCTIONS;
		m->has_filenames = item->flags & MAPPING_FILES;
		/* both come from DWARF */
		m->has_line_numbers = m->has_inline_frames = item->flags & MAPPING_LINES;
		to->mapping[to->n_mapping++] = m;
	}
}

static void put_functions(const struct profile *p, struct message *m)
{
	Pprof__Profile *to = &m->profile;
	size_t n = HASH_COUNT(p->functions);
	Pprof__Function *rows = room(m, n, sizeof(*rows));
	struct profile_item *item, *next;

	to->function = room(m, n, sizeof(*to->function));
	HASH_ITER (hh, p->functions, item, next) {
		const struct function_key *key = item->key;
		Pprof__Function *f = &rows[to->n_function];

		pprof__function__init(f);
		f->id = item->id;
		f->name = f->system_name = (int64_t)key->name;
		f->filename = (int64_t)key->file;
		to->function[to->n_function++] = f;
	}
}

static void put_lines(const struct profile_item *item, struct message *m, Pprof__Location *l)
{
	const struct line_key *keys = location_lines(item, &l->n_line);
	Pprof__Line *lines = room(m, l->n_line, sizeof(*lines));

	l->line = room(m, l->n_line, sizeof(*l->line));
	for (size_t i = 0; i < l->n_line; i++) {
		pprof__line__init(&lines[i]);
		lines[i].function_id = keys[i].function;
		lines[i].line = (int64_t)keys[i].line;
		l->line[i] = &lines[i];
	}
}

static void put_locations(const struct profile *p, struct message *m)
{
	Pprof__Profile *to = &m->profile;
	size_t n = HASH_COUNT(p->locations);
	Pprof__Location *rows = room(m, n, sizeof(*rows));
	struct profile_item *item, *next;

	to->location = room(m, n, sizeof(*to->location));
	HASH_ITER (hh, p->locations, item, next) {
		const struct location_key *key = item->key;
		Pprof__Location *l = &rows[to->n_location];

		pprof__location__init(l);
		l->id = item->id;
		l->mapping_id = key->mapping;
		l->address = key->offset;
		put_lines(item, m, l);
		to->location[to->n_location++] = l;
	}
}

static void put_labels(const struct sample_key *key, Pprof__Label **labels)
{
	const uint64_t strings[PROFILE_LABELS] = { key->process, 0,	    key->lock,
						   key->address, key->kind, key->class };

	for (int i = 0; i < PROFILE_LABELS; i++) {
		pprof__label__init(labels[i]);
		labels[i]->key = TEXT_PROCESS + i;
		labels[i]->str = (int64_t)strings[i];
	}
	labels[1]->num = (int64_t)key->pid;
}

static void put_samples(const struct profile *p, struct message *m)
{
	Pprof__Profile *to = &m->profile;
	size_t n = HASH_COUNT(p->samples);
	Pprof__Sample *rows = room(m, n, sizeof(*rows));
	Pprof__Label *labels = room(m, n * PROFILE_LABELS, sizeof(*labels));
	Pprof__Label **pointers = room(m, n * PROFILE_LABELS, sizeof(*pointers));
	int64_t *values = room(m, 2 * n, sizeof(*values));
	struct profile_item *item, *next;

	to->sample = room(m, n, sizeof(*to->sample));
	for (size_t i = 0; i < n * PROFILE_LABELS; i++)
		pointers[i] = &labels[i];
	HASH_ITER (hh, p->samples, item, next) {
		size_t i = to->n_sample++;
		Pprof__Sample *s = to->sample[i] = &rows[i];

		pprof__sample__init(s);
		s->location_id = (uint64_t *)((char *)item->key + sizeof(struct sample_key));
		s->n_location_id = (item->size - sizeof(struct sample_key)) / sizeof(uint64_t);
		s->value = &values[2 * i];
		s->n_value = 2;
		s->value[0] = number(item->values[0]);
		s->value[1] = number(item->values[1]);
		s->label = &pointers[PROFILE_LABELS * i];
		s->n_label = PROFILE_LABELS;
		put_labels(item->key, s->label);
	}
}

static void put_comments(const struct profile *p, struct message *m)
{
	Pprof__Profile *to = &m->profile;
	struct profile_item *item, *next;

	to->comment = room(m, HASH_COUNT(p->comments), sizeof(*to->comment));
	HASH_ITER (hh, p->comments, item, next)
		memcpy(&to->comment[to->n_comment++], item->key, sizeof(*to->comment));
}

/* Compressed as a whole: a profile of 100,000 stacks has some ten megabytes. */
static int write_compressed(const uint8_t *bytes, size_t size, FILE *out)
{
	z_stream z = { .next_in = (Bytef *)bytes };
	uint8_t buf[65536];
	int end = Z_OK;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	errno = 0;
	while (end == Z_OK && !ferror(out)) {
		size_t part = MIN(size, (size_t)1 << 30);

		if (!z.avail_in) {
			z.avail_in = part;
			size -= part;
		}
		z.next_out = buf;
		z.avail_out = sizeof(buf);
		end = deflate(&z, size ? Z_NO_FLUSH : Z_FINISH);
		fwrite(buf, 1, sizeof(buf) - z.avail_out, out);
	}
	deflateEnd(&z);
	if (ferror(out))
		return errno ? -errno : -EIO;
	return end == Z_STREAM_END ? 0 : -EIO;
}

static int write_packed(const Pprof__Profile *profile, FILE *out)
{
	size_t size = pprof__profile__get_packed_size(profile);
	_cleanup_(util__freep) uint8_t *bytes = xcalloc(1, size + 1);

	pprof__profile__pack(profile, bytes);
	return write_compressed(bytes, size, out);
}

int profile__write(const struct profile *p, FILE *out, uint64_t begin_ns, uint64_t duration_ns)
{
	struct message m = { .profile = PPROF__PROFILE__INIT };
	Pprof__ValueType contentions = PPROF__VALUE_TYPE__INIT, delay = PPROF__VALUE_TYPE__INIT;
	Pprof__ValueType *types[] = { &contentions, &delay };
	int err;

	put_strings(p, &m);
	put_mappings(p, &m);
	put_functions(p, &m);
	put_locations(p, &m);
	put_samples(p, &m);
	put_comments(p, &m);
	contentions.type = TEXT_CONTENTIONS;
	contentions.unit = TEXT_COUNT;
	delay.type = m.profile.default_sample_type = TEXT_DELAY;
	delay.unit = TEXT_NANOSECONDS;
	m.profile.sample_type = types;
	m.profile.n_sample_type = ARRAY_SIZE(types);
	m.profile.period_type = &contentions;
	m.profile.period = 1;
	m.profile.time_nanos = number(begin_ns);
	m.profile.duration_nanos = number(duration_ns);
	err = write_packed(&m.profile, out);
	for (size_t i = 0; i < m.n_blocks; i++)
		free(m.blocks[i]);
	free(m.blocks);
	return err;
}
