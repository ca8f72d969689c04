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
	uint64_t values[2]; /* of a sample: contentions, delay; of a mapping: its end, 0 */
	unsigned int flags; /* of a mapping: or'ed */
	UT_hash_handle hh;
};

enum { MAPPING_FILES = 1, MAPPING_LINES = 2 };

/* Texts are ids of the table of strings; 0: none. */
struct function_key {
	uint64_t name;
	uint64_t file;
};

struct location_key {
	uint64_t mapping; /* 0: none */
	uint64_t function;
	uint64_t offset;
	uint64_t line;
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

struct profile {
	struct profile_item *strings;  /* key: the text with its NUL */
	struct profile_item *mappings; /* key: id of the path */
	struct profile_item *functions;
	struct profile_item *locations;
	struct profile_item *samples;
	struct profile_item *comments; /* key: id of the text */
};

#endif
