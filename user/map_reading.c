// SPDX-License-Identifier: GPL-2.0-only
#include "map_reading.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "util.h"

int map_reading__read(struct bpf_map *map, struct map_reading *r)
{
	size_t key_size = bpf_map__key_size(map), value_size = bpf_map__value_size(map);
	uint32_t batch[2] = {}, step = 512;
	bool first = true;
	int err;

	r->n = 0;
	for (;;) {
		uint32_t count = step;

		if (r->n + step > r->capacity) {
			r->capacity = MAX(2 * r->capacity, r->n + step);
			r->keys = xrealloc(r->keys, r->capacity, key_size);
			r->values = xrealloc(r->values, r->capacity, value_size);
		}
		err = bpf_map_lookup_batch(bpf_map__fd(map), first ? NULL : batch, batch,
					   (char *)r->keys + r->n * key_size,
					   (char *)r->values + r->n * value_size, &count, NULL);
		if (err == -ENOSPC && step < 1u << 20) { /* a bucket larger than the room */
			step *= 2;
			continue;
		}
		if (err && err != -ENOENT)
			return err;
		r->n += count;
		first = false;
		if (err == -ENOENT) /* the end */
			return 0;
	}
}

void map_reading__done(struct map_reading *r)
{
	free(r->keys);
	free(r->values);
}
