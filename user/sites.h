/* SPDX-License-Identifier: GPL-2.0-only */
/* The distinct stacks of one lock key, with what their samples weigh. Pure. */
#ifndef SITES_H
#define SITES_H

#include "model.h"

#define SITES_MAX 32 /* distinct stacks kept for one key; the least important gives way */

/* Where the caller of the lock function stands: the same in every process that maps the file. */
struct site_place {
	const char *function; /* NULL: unknown */
	const char *module;   /* NULL: unknown */
	uint64_t address;     /* as linked in the module, or in the process without one */
	uint64_t offset;      /* in the function; valid with one */
	const char *outer;    /* without a function: the nearest one further out; NULL: none */
	int line;	 /* of a function that has no addresses (Python's): module is its file */
	uint64_t object; /* in the process: what is waited for there; 0: the place tells */
};

/* One distinct stack of one role. Strings are interned by their owner and outlive this. */
struct sample_site {
	enum site_role role;
	uint64_t hash;	      /* never 0 */
	uint64_t cut_hash;    /* of a cut stack whose place it took; 0: none */
	struct frame *frames; /* from malloc */
	size_t n_frames;
	bool truncated;
	bool has_place;
	struct site_place place;
	bool judged; /* the stack told what is waited for: kind, class and name are its own */
	enum lock_kind kind;
	enum lock_class class;
	const char *name;		   /* of what is waited for; NULL: unknown */
	uint64_t samples, wait_ns;	   /* of the running interval */
	uint64_t all_samples, all_wait_ns; /* since it was first seen */
	uint64_t used_ns;		   /* latest sample or credit */
};

struct sites {
	struct sample_site *items;
	size_t n;
	uint64_t main; /* hash of the site that names the key; 0: none */
};

void sites__done(struct sites *s);

/* NULL: none. */
struct sample_site *sites__find(const struct sites *s, enum site_role role, uint64_t hash);

/*
 * Enters a sample of a stack; takes the frames over. A whole stack takes the place of a cut one
 * that it begins with. Valid until the next call.
 */
struct sample_site *sites__add(struct sites *s, const struct sample_site *sample);

/* The site of a role that weighs most; it changes only for one that weighs twice as much. One key
 * is always asked for the same role. */
const struct sample_site *sites__main(struct sites *s, enum site_role role);

/* Nothing is named after the sites so far. */
void sites__forget_places(struct sites *s);

/* Only what came in the running interval is kept. */
void sites__begin_anew(struct sites *s);

/* The running interval's figures go to zero. */
void sites__next_interval(struct sites *s);

bool site_place__equal(const struct site_place *a, const struct site_place *b);

/* The function's name without its parameters, or ".. outer"; "" if none is known. */
void site_place__function(const struct site_place *p, char *buf, size_t size);

/* "function+0x2c", "function (file.py:12)" or "module+0x1234", at most size - 1 bytes. */
void site_place__format(const struct site_place *p, char *buf, size_t size);

#endif
