/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads whole hash maps of the kernel. */
#ifndef MAP_READING_H
#define MAP_READING_H

#include <stddef.h>

struct bpf_map;

/* What a map held at the last reading; the arrays grow with it. Zeroed at first. */
struct map_reading {
	void *keys, *values;
	size_t n, capacity;
};

/* Elements that come or go meanwhile may or may not be seen. 0 or -errno. */
int map_reading__read(struct bpf_map *map, struct map_reading *r);
void map_reading__done(struct map_reading *r);

#endif
