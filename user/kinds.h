/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a futex wait says about the lock: its kind, its class and where the object begins. Tables:
 * a row for each lock function, a row for each futex signature.
 */
#ifndef KINDS_H
#define KINDS_H

#include <stdbool.h>

#include "model.h"
#include "owner_word.h"

struct kind_verdict {
	enum lock_kind kind;
	enum lock_class class;
	int64_t offset; /* of the futex word in the object: object = word - offset */
	bool by_site;	/* the word is the waiter's own: what it waits for is told by its caller */
	enum owner_rule owner; /* how the object records who holds it */
	bool sure;	       /* by a function that is known, not by the signature alone */
};

/* What is known of a wait beside its key. */
struct kind_evidence {
	const char *function; /* of a lock API, or the innermost exported one; NULL: no stack */
	const char *wrapper;  /* of a runtime that waits by that function; NULL: none */
	const char *library;  /* module of function, or that slept; NULL: unknown */
	const char *user;     /* module that called function; NULL: unknown */
	const uint8_t *after; /* WORDS_AFTER bytes from the futex word on, or NULL */
	bool on_stack;	      /* the futex word lies on the waiter's own stack */
	bool new_cond;	      /* glibc 2.41 or newer: its condition variables are laid out anew */
};

/* Always succeeds; without evidence it goes by the signature alone, or the exact tier's family. */
struct kind_verdict kinds__judge(const struct lock_key *key, const struct kind_evidence *evidence);

/* The same where the exact tier knows the object's family (exact_family()) by its calls. */
struct kind_verdict kinds__judge_as(const struct lock_key *key, uint32_t family);

/* Is this a function of a lock API (pthread_mutex_lock, sem_wait, ...)? */
bool kinds__is_lock_function(const char *function);

/* Is this a function of a runtime whose locks are built on those (Rust's std, Abseil, ...)? */
bool kinds__is_wrapper(const char *function);

#endif
