// SPDX-License-Identifier: GPL-2.0-only
#include "profile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "profile_internal.h"
#include "text.h"
#include "util.h"

#define TEXT_MAX 4096

/* An address beyond is not taken for one of the file. */
#define OFFSET_MAX (1ULL << 40)

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

/* Something that is no place in a program, by name. */
static uint64_t marker(struct profile *p, const char *name)
{
	struct location_key key = { .function = function(p, name, NULL) };

	return intern(&p->locations, &key, sizeof(key))->id;
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

static uint64_t location(struct profile *p, const struct frame *f)
{
	char buf[TEXT_MAX];
	uint64_t path = frame__is_python(f) ? 0 : string(p, f->module); /* there, its file */
	struct location_key key = { .line = f->line > 0 ? (uint64_t)f->line : 0 };
	struct profile_item *mapping = path ? intern(&p->mappings, &path, sizeof(path)) : NULL;

	key.function = function(p, function_name(f, buf, sizeof(buf)), f->file);
	if (mapping) {
		key.mapping = mapping->id;
		key.offset = f->offset < OFFSET_MAX ? f->offset : 0;
		mapping->values[0] = MAX(mapping->values[0], key.offset + 1);
		mapping->flags |= (f->file ? MAPPING_FILES : 0) | (key.line ? MAPPING_LINES : 0);
	}
	return intern(&p->locations, &key, sizeof(key))->id;
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
		for (size_t i = 0; i < sample->n_frames; i++)
			key[n++] = location(p, &sample->frames[i]);
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
