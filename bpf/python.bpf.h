/* SPDX-License-Identifier: GPL-2.0-only */
/* CPython: the frames of a thread whose stack is sampled, and the words that stand for a GIL. */
#ifndef PYTHON_BPF_H
#define PYTHON_BPF_H

#include "state.bpf.h"

/* Interpreters that user space has found; others' frames are not looked for. */
extern struct pythons_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYTHONS_DEFAULT);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32); /* tgid */
	__type(value, struct python_process);
} pythons SEC(".maps");

extern struct gils_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYTHONS_DEFAULT);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct gil_key);
	__type(value, struct gil_word);
} gils SEC(".maps");

/*
 * Sends the Python frames of the current thread, if it has any; word: what it waits on. A function
 * of its own for the verifier: programs do not carry it along.
 */
int python__send(struct python_buffer *buffer, __u64 time_ns, __u64 word);

/* The GIL whose condition variable has this word, or NULL: its two words are neighbours. */
static __always_inline struct gil_word *gil__find(__u32 tgid, __u32 gen, __u64 word)
{
	struct gil_key key = { .tgid = tgid, .gen = gen, .addr = word & ~7ULL };

	return bpf_map_lookup_elem(&gils, &key);
}

#endif
