// SPDX-License-Identifier: GPL-2.0-only
#include "dictionary.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "util.h"

#define SLOTS_MIN   1024
#define CHUNK_BYTES (32 * 1024)

struct entry {
	int64_t number;
	uint32_t size;
	unsigned char bytes[];
};

struct slot {
	uint64_t hash;
	struct entry *entry; /* NULL: free */
};

struct chunk {
	struct chunk *next;
	size_t size, used;
	max_align_t data[];
};

struct dictionary {
	struct slot *slots;
	size_t n_slots, n; /* n_slots: a power of two */
	struct chunk *chunks;
	size_t chunk_bytes;
	uint64_t key; /* names are other people's: they must not choose their slots */
};

struct dictionary *dictionary__new(void)
{
	struct dictionary *d = xcalloc(1, sizeof(*d));

	if (getrandom(&d->key, sizeof(d->key), GRND_NONBLOCK) != sizeof(d->key))
		d->key = util__monotonic_ns();
	d->n_slots = SLOTS_MIN;
	d->slots = xcalloc(d->n_slots, sizeof(*d->slots));
	return d;
}

static void free_chunks(struct dictionary *d)
{
	struct chunk *next;

	for (; d->chunks; d->chunks = next) {
		next = d->chunks->next;
		free(d->chunks);
	}
	d->chunk_bytes = 0;
}

void dictionary__free(struct dictionary *d)
{
	if (!d)
		return;
	free_chunks(d);
	free(d->slots);
	free(d);
}

void dictionary__clear(struct dictionary *d)
{
	free_chunks(d);
	free(d->slots);
	d->n = 0;
	d->n_slots = SLOTS_MIN;
	d->slots = xcalloc(d->n_slots, sizeof(*d->slots));
}

size_t dictionary__bytes(const struct dictionary *d)
{
	return d->chunk_bytes + d->n_slots * sizeof(*d->slots);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

static uint64_t hash_of(const struct dictionary *d, const unsigned char *bytes, size_t size)
{
	uint64_t hash = d->key ^ size, word;

	for (; size >= sizeof(word); bytes += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = mix(hash, word);
	}
	word = 0;
	memcpy(&word, bytes, size);
	return mix(mix(hash, word), d->key);
}

static struct entry *new_entry(struct dictionary *d, size_t size)
{
	size_t align = _Alignof(max_align_t);
	size_t bytes = (sizeof(struct entry) + size + align - 1) / align * align;
	struct chunk *chunk = d->chunks;
	struct entry *entry;

	if (!chunk || bytes > chunk->size - chunk->used) {
		size_t room = MAX(bytes, (size_t)CHUNK_BYTES);

		chunk = xcalloc(1, sizeof(*chunk) + room);
		chunk->size = room;
		chunk->next = d->chunks;
		d->chunks = chunk;
		d->chunk_bytes += sizeof(*chunk) + room;
	}
	entry = (struct entry *)((char *)chunk->data + chunk->used);
	chunk->used += bytes;
	return entry;
}

static void grow(struct dictionary *d)
{
	size_t n_slots = 2 * d->n_slots;
	struct slot *slots = xcalloc(n_slots, sizeof(*slots));

	for (size_t i = 0; i < d->n_slots; i++) {
		size_t at = d->slots[i].hash & (n_slots - 1);

		if (!d->slots[i].entry)
			continue;
		while (slots[at].entry)
			at = (at + 1) & (n_slots - 1);
		slots[at] = d->slots[i];
	}
	free(d->slots);
	d->slots = slots;
	d->n_slots = n_slots;
}

int64_t dictionary__number(struct dictionary *d, const void *bytes, size_t size, int64_t next)
{
	uint64_t hash = hash_of(d, bytes, size);
	size_t at = hash & (d->n_slots - 1);
	struct entry *entry;

	while ((entry = d->slots[at].entry)) {
		if (d->slots[at].hash == hash && entry->size == size &&
		    !memcmp(entry->bytes, bytes, size))
			return entry->number;
		at = (at + 1) & (d->n_slots - 1);
	}
	entry = new_entry(d, size);
	entry->number = next;
	entry->size = size;
	memcpy(entry->bytes, bytes, size);
	d->slots[at] = (struct slot){ hash, entry };
	if (++d->n > d->n_slots / 2)
		grow(d);
	return next;
}
