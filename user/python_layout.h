/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where things stand in the memory of CPython's interpreters: one row for each minor version, of
 * the 64-bit builds of 3.8 to 3.13 (printed from their headers), from 3.13 on what the interpreter
 * itself says (_Py_DebugOffsets). Pure.
 */
#ifndef PYTHON_LAYOUT_H
#define PYTHON_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PYTHON_ABSENT (-1) /* this version has no such member */

/* All in bytes from the beginning of the struct that the member is named after. */
struct python_layout {
	int major, minor;
	bool free_threaded; /* built without a GIL */
	struct {
		int interpreters_head; /* pointer to the first PyInterpreterState */
		int key;	       /* number of the thread-specific key: autoTSSkey's _key */
		int gil;	       /* the GIL's struct; absent: each interpreter says where */
	} runtime;
	struct {
		int next, threads_head;
		int gil;     /* pointer to the GIL's struct (3.12 on) */
		int modules; /* pointer to the dict sys.modules */
	} interpreter;
	struct {
		int next, interpreter;
		int thread_id;	      /* pthread_self() */
		int native_thread_id; /* 3.11 on */
		int cframe; /* 3.11, 3.12: pointer to a struct; `frame` is from its beginning */
		int frame;  /* pointer to the innermost frame */
	} thread;
	struct {
		int last_holder; /* thread state; stays when it lets go */
		int locked;	 /* int32: 1 held, 0 free, -1 not made yet */
		int switches;	 /* unsigned long: how often the holder changed */
		int condition, mutex, switch_condition, switch_mutex;
	} gil;
	struct {
		int code, previous, globals, function;
		int instruction; /* 3.8, 3.9: int32 index in bytes; 3.10: in units of two bytes;
				    later: pointer into the code, see find_instruction() in
				    python_frames.c */
		int owner;	 /* 3.11: is_entry (uint8); 3.12 on: owner (uint8) */
		int slots;	 /* local variables, cells, then the value stack: pointers */
		int blocks;	 /* up to 3.10: int32 f_iblock ... */
		int block_stack; /* ... and its blocks, 12 bytes each: type, handler, level */
		int tag_bits;	 /* of code and slots: mask of the low bits that are no address */
	} frame;
	struct {
		int file, name, qualified_name, first_line, line_table;
		int bytecode;	     /* 3.11 on: the code itself; before: pointer to bytes */
		int exception_table; /* 3.11 on: pointer to bytes */
		int names;	     /* tuple of str */
		int variables;	     /* tuple of names of the slots (co_varnames, from 3.11 on
					co_localsplusnames) */
		int n_locals;	     /* int32 */
		int n_slots;	     /* int32: locals, cells and free variables (3.11 on) */
		int cell_names, free_names; /* tuples, up to 3.10 */
		int stack_size;		    /* int32 */
		int n_arguments;	    /* int32 */
		int first_traceable;	    /* int32, in units of two bytes (3.11 on) */
	} code;
	struct {
		int length;  /* of str, bytes, tuple */
		int state;   /* of str: kind, compact, ascii */
		int ascii;   /* bytes of an ASCII str */
		int compact; /* characters of another compact str */
		int bytes;   /* of bytes */
		int items;   /* of a tuple */
		int type;    /* of any object */
	} object;
	struct {
		int name; /* char * */
		int flags, basic_size, dict_offset;
		int cached_keys; /* of heap types: keys of the instances' dicts */
	} type;
	struct {
		int used, keys, values;
		int log2_size;	  /* of keys; up to 3.10: int64 dk_size in its place */
		int log2_index;	  /* 3.11 on */
		int kind;	  /* 3.11 on: 0 general, 1 str keys, 2 split */
		int n_entries;	  /* int64 */
		int indices;	  /* the index begins; behind it the entries */
		int values_begin; /* the first value, in what `values` points to */
	} dict;
	/* where an instance's values or dict stand before it; see python_memory.c */
	int managed_values, managed_dict;
	struct {
		int lock;	 /* _thread.lock, _thread.RLock: pointer to the sem_t or byte;
				    with locks_inside that byte itself */
		int rlock_owner; /* pthread_self() of who has it */
		int rlock_count; /* unsigned long; with locks_inside one less */
	} lock;
	bool one_byte_locks; /* what `lock` points to is a PyMutex, no sem_t (3.13.1 on) */
	bool locks_inside;   /* the PyMutex stands in the object, without a pointer (3.14 on) */
};

/* NULL: not a version that is known. */
const struct python_layout *python_layout__of(int major, int minor);

/*
 * From 3.13 on: what stands at _PyRuntime. 0, -ENOENT: it does not begin with the offsets' cookie,
 * -EINVAL: they make no sense, -ENOTSUP: a version that is not known.
 */
int python_layout__debug(const void *bytes, size_t size, struct python_layout *ret);

#endif
