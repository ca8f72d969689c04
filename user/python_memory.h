/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects in the memory of a CPython process, read from outside: it is neither stopped nor written
 * to. Everything may change or be garbage while it is read: every length is bounded, every pointer
 * may lead nowhere. Nothing here trusts an object beyond what it reads of it.
 */
#ifndef PYTHON_MEMORY_H
#define PYTHON_MEMORY_H

#include <sys/types.h>

#include "../bpf/locktop.h"
#include "python_layout.h"

struct python_range {
	uint64_t address;
	void *bytes; /* to be filled */
	uint32_t size;
	bool got; /* all of it could be read */
};

/* One interpreter process. read and context are the tests' to replace. */
struct python_target {
	const struct python_layout *layout;
	uint64_t runtime; /* address of _PyRuntime */
	pid_t pid;	  /* a thread of it that lives */
	/* Fills the ranges that can be read, sets got in each. */
	void (*read)(struct python_target *t, struct python_range *ranges, size_t n);
	void *context;
};

/* target->read of living processes: process_vm_readv(2), many ranges a call. */
void python_target__read_live(struct python_target *t, struct python_range *ranges, size_t n);

/* One range. 0 or -EFAULT. */
int python__read(struct python_target *t, uint64_t address, void *bytes, size_t size);
/* 0 where it cannot be read. */
uint64_t python__pointer(struct python_target *t, uint64_t address);
int python__int32(struct python_target *t, uint64_t address, int32_t *ret);

/*
 * A str as UTF-8, cut to size - 1 bytes; what is no character comes as '?'. 0, or -errno: it is no
 * str (checked by its type's flags).
 */
int python__string(struct python_target *t, uint64_t object, char *buf, size_t size);
/* A C string, cut likewise. 0 or -errno. */
int python__c_string(struct python_target *t, uint64_t address, char *buf, size_t size);

/* tp_name of an object's type, for static and heap types ("_thread.lock", "Cache"). 0 or -errno. */
int python__type_name(struct python_target *t, uint64_t object, char *buf, size_t size);

/* An int or bool that fits. 0, or -errno: it does not, or is no such object. */
int python__integer(struct python_target *t, uint64_t object, int64_t *ret);

bool python__is_dict(struct python_target *t, uint64_t object);

/*
 * The value for a str key in a dict (whatever its layout), by reading its entries, at most
 * PYTHON_DICT_MAX of them. Address of the object; 0: none.
 */
#define PYTHON_DICT_MAX 65536
uint64_t python__dict_value(struct python_target *t, uint64_t dict, const char *key);

/*
 * Visits keys of any type, with their values. Stops when fn returns not 0, and returns that; 0 at
 * the end; -errno.
 */
typedef int (*python_entry_fn)(void *ctx, struct python_target *t, uint64_t key, uint64_t value);
int python__dict_each(struct python_target *t, uint64_t dict, python_entry_fn fn, void *ctx);

/* An attribute that is in the object's own dict (instances, modules), or inline values of that
 * version; not of its type, no slots. 0: none. */
uint64_t python__attribute(struct python_target *t, uint64_t object, const char *name);
/* The same for all attributes. */
int python__attributes_each(struct python_target *t, uint64_t object, python_entry_fn fn,
			    void *ctx);

/* Items of a tuple, at most max. Their number, or -errno. */
int python__tuple(struct python_target *t, uint64_t object, uint64_t *items, size_t max);

#endif
