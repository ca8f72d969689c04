// SPDX-License-Identifier: GPL-2.0-only
#include "profile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "profile_internal.h"
#include "text.h"
#include "util.h"

#define TEXT_MAX    4096
#define INLINED_MAX ((size_t)32) /* at one address; more are a location of their own */

static void free_items(struct profile_item *items)
{
	struct profile_item *item, *next;

	HASH_ITER (hh, items, item, next) {
		HASH_DELETE(hh, items, item);
		free(item->key);
		free(item);
	}
}

void profile__free(struct profile *p)
{
	if (!p)
		return;
	free_items(p->strings);
	free_items(p->mappings);
	free_items(p->functions);
	free_items(p->locations);
	free_items(p->samples);
	free_items(p->comments);
	free(p);
}

static struct profile_item *intern(struct profile_item **items, const void *key, size_t size)
{
	struct profile_item *item;

	HASH_FIND(hh, *items, key, size, item);
	if (item)
		return item;
	item = xcalloc(1, sizeof(*item));
	item->id = HASH_COUNT(*items) + 1;
	item->key = memcpy(xcalloc(1, size), key, size);
	item->size = size;
	HASH_ADD_KEYPTR(hh, *items, item->key, size, item);
	return item;
}

static uint64_t string(struct profile *p, const char *text)
{
	char clean[TEXT_MAX];

	if (!text || !text[0])
		return 0;
	text__clean(clean, sizeof(clean), text);
	return intern(&p->strings, clean, strlen(clean) + 1)->id;
}

struct profile *profile__new(void)
{
	static const char *const texts[] = {
		[TEXT_CONTENTIONS] = "contentions",
		[TEXT_COUNT] = "count",
		[TEXT_DELAY] = "delay",
		[TEXT_NANOSECONDS] = "nanoseconds",
		[TEXT_PROCESS] = "process",
		[TEXT_PID] = "pid",
		[TEXT_LOCK] = "lock",
		[TEXT_ADDRESS] = "address",
		[TEXT_KIND] = "kind",
		[TEXT_CLASS] = "class",
	};
	struct profile *p = xcalloc(1, sizeof(*p));

	for (size_t i = 1; i < ARRAY_SIZE(texts); i++) /* they get their ids by this order */
		string(p, texts[i]);
	return p;
}

void profile__comment(struct profile *p, const char *text)
{
	uint64_t id = string(p, text);

	if (id)
		intern(&p->comments, &id, sizeof(id));
}

static uint64_t function(struct profile *p, const char *name, const char *file)
{
	struct function_key key = { string(p, name), string(p, file) };

	return intern(&p->functions, &key, sizeof(key))->id;
}

/* A location's key: room for as many functions as anybody inlines at one address. */
struct place {
	struct location_key at;
	struct line_key lines[INLINED_MAX];
};

static uint64_t add_place(struct profile *p, const struct place *place, size_t n_lines)
{
	return intern(&p->locations, place, sizeof(place->at) + n_lines * sizeof(*place->lines))
		->id;
}

/* Something that is no place in a program, by name. */
static uint64_t marker(struct profile *p, const char *name)
{
	struct place place = { .lines[0].function = function(p, name, NULL) };

	return add_place(p, &place, 1);
}

/* A function that has no name is called by where it lies. */
static const char *function_name(const struct frame *f, char *buf, size_t size)
{
	const char *slash = f->module ? strrchr(f->module, '/') : NULL;

	if (f->function && f->function[0])
		return f->function;
	if (!f->module || !f->module[0])
		return "[unknown]";
	snprintf(buf, size, "%s+0x%" PRIx64, slash ? slash + 1 : f->module, f->offset);
	return buf;
}

/* NULL: it lies in no file. A Python function's module is its source. */
static struct profile_item *mapping_of(struct profile *p, const struct frame *f)
{
	struct mapping_key key = { .path = frame__is_python(f) ? 0 : string(p, f->module) };

	if (!key.path)
		return NULL;
	key.build_id = string(p, f->build_id);
	return intern(&p->mappings, &key, sizeof(key));
}

static struct line_key line_of(struct profile *p, const struct frame *f)
{
	char buf[TEXT_MAX];

	return (struct line_key){
		.function = function(p, function_name(f, buf, sizeof(buf)), f->file),
		.line = f->line > 0 ? (uint64_t)f->line : 0,
	};
}

/*
 * The first of these frames, with those that it was inlined into: they have one address. *n: how
 * many. A function that calls itself there stands alone.
 */
static uint64_t location(struct profile *p, const struct frame *frames, size_t n_frames, size_t *n)
{
	struct profile_item *mapping = mapping_of(p, frames);
	struct place place = {};

	if (mapping)
		place.at = (struct location_key){ mapping->id, frames->offset };
	for (*n = 0; *n < MIN(n_frames, INLINED_MAX); ++*n) {
		const struct frame *f = &frames[*n];
		struct line_key line;

		if (*n && (!mapping || f->offset != frames->offset || mapping_of(p, f) != mapping))
			break;
		line = line_of(p, f);
		if (*n && !memcmp(&line, &place.lines[*n - 1], sizeof(line)))
			break;
		place.lines[*n] = line;
		if (mapping)
			mapping->flags |= (f->function ? MAPPING_FUNCTIONS : 0) |
					  (f->file ? MAPPING_FILES : 0) |
					  (line.line ? MAPPING_LINES : 0);
	}
	return add_place(p, &place, *n);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	uint64_t ret;

	return __builtin_add_overflow(a, b, &ret) ? UINT64_MAX : ret;
}

void profile__add(struct profile *p, const struct profile_labels *labels,
		  const struct profile_sample *sample)
{
	struct sample_key head = { string(p, labels->process), (uint64_t)labels->pid,
				   string(p, labels->lock),    string(p, labels->address),
				   string(p, labels->kind),    string(p, labels->class) };
	size_t n = sizeof(head) / sizeof(uint64_t);
	uint64_t *key = xcalloc(n + sample->n_frames + 1, sizeof(*key));
	struct profile_item *item;

	if (HASH_COUNT(p->samples) < PROFILE_SAMPLES_MAX) {
		memcpy(key, &head, sizeof(head));
		for (size_t i = 0, lines; i < sample->n_frames; i += lines)
			key[n++] = location(p, &sample->frames[i], sample->n_frames - i, &lines);
		if (!sample->n_frames)
			key[n++] = marker(p, "[no stack]");
		else if (sample->truncated)
			key[n++] = marker(p, "[truncated]");
	} else {
		key[n++] = marker(p, "[other stacks]");
	}
	item = intern(&p->samples, key, n * sizeof(*key));
	item->values[0] = sum(item->values[0], sample->contentions);
	item->values[1] = sum(item->values[1], sample->delay_ns);
	free(key);
}
