/* SPDX-License-Identifier: GPL-2.0-only */
/* What profile*.c share: the tables of a profile, each with ids from 1 in the order of coming. */
#ifndef PROFILE_INTERNAL_H
#define PROFILE_INTERNAL_H

#include <uthash.h>

#include "profile.h"

/* A row: what makes it distinct is its key. */
struct profile_item {
	uint64_t id;
	void *key;
	size_t size;
	uint64_t values[2]; /* of a sample: contentions, delay */
	unsigned int flags; /* of a mapping: or'ed */
	UT_hash_handle hh;
};

enum { MAPPING_FUNCTIONS = 1, MAPPING_FILES = 2, MAPPING_LINES = 4 };

/* Texts are ids of the table of strings; 0: none. */
struct function_key {
	uint64_t name;
	uint64_t file;
};

struct mapping_key {
	uint64_t path;
	uint64_t build_id; /* another build at the same path is another file */
};

/* With its lines behind it: functions that were inlined at one address, innermost first. */
struct location_key {
	uint64_t mapping; /* 0: none */
	uint64_t offset;
};

struct line_key {
	uint64_t function;
	uint64_t line; /* 0: unknown */
};

/* Before a sample's locations. */
struct sample_key {
	uint64_t process, pid, lock, address, kind, class;
};

/* Texts that every profile has, by their ids. */
enum profile_text {
	TEXT_CONTENTIONS = 1,
	TEXT_COUNT,
	TEXT_DELAY,
	TEXT_NANOSECONDS,
	TEXT_PROCESS, /* labels of a sample, as struct sample_key has them */
	TEXT_PID,
	TEXT_LOCK,
	TEXT_ADDRESS,
	TEXT_KIND,
	TEXT_CLASS,
};

#define PROFILE_LABELS 6

/* Lines of a location; *n: how many, at least one. */
static inline const struct line_key *location_lines(const struct profile_item *location, size_t *n)
{
	*n = (location->size - sizeof(struct location_key)) / sizeof(struct line_key);
	return (const struct line_key *)((const struct location_key *)location->key + 1);
}

struct profile {
	struct profile_item *strings; /* key: the text with its NUL */
	struct profile_item *mappings;
	struct profile_item *functions;
	struct profile_item *locations;
	struct profile_item *samples;
	struct profile_item *comments; /* key: id of the text */
};

#endif
