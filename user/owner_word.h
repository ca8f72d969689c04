/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the memory of a lock says of who holds it. Pure: one rule for each layout. Layouts of glibc
 * (2.31 to 2.36 measured on x86_64, the same since) and musl (1.2, read in its sources).
 */
#ifndef OWNER_WORD_H
#define OWNER_WORD_H

#include <stdbool.h>
#include <stdint.h>

enum owner_rule {
	OWNER_NONE,	   /* it records none, or in a way that is not known */
	OWNER_MUTEX,	   /* glibc: lock 0, count 4, owner 8, users 12, kind 16 */
	OWNER_WORD,	   /* the futex word holds the number: PI (the kernel's own), robust */
	OWNER_RWLOCK,	   /* glibc: readers 0, writer 24 */
	OWNER_MUSL_MUTEX,  /* type 0, word 4: the number, unless the type is normal */
	OWNER_MUSL_RWLOCK, /* word 0: number of readers, or that there is a writer */
	OWNER_STDIO,	   /* glibc: lock 0, count 4, address of the owner's descriptor 8 */
	OWNER_PYTHON,	   /* not the word, but the interpreter knows: see runtime_python.h */
	OWNER_JOIN,	   /* the futex word holds the number of the thread that is to end */
};

#define OWNER_BYTES 32 /* of memory that a rule looks at */

struct owner_word {
	uint32_t number;     /* of the thread, in its own namespace; 0: nobody, or not recorded */
	uint64_t descriptor; /* in place of it: address of the thread's descriptor; 0: none */
	int readers;	     /* that hold it; -1: not recorded */
	bool sound;	     /* all that could be checked of the object fits the layout */
};

/* Where the bytes begin that the rule wants: at the object, or at the futex word. */
uint64_t owner_word__address(enum owner_rule rule, uint64_t word, int64_t word_offset);

/* Address of the 32-bit word of the owner's number, and the bits of it that are the number; mask 0:
 * there is none. */
uint64_t owner_word__number_at(enum owner_rule rule, uint64_t from, uint32_t *mask);

struct owner_word owner_word__decode(enum owner_rule rule, const uint8_t bytes[OWNER_BYTES]);

/* From a thread's descriptor to its number (glibc). */
#define DESCRIPTOR_NUMBER 720

#endif
