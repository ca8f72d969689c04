// SPDX-License-Identifier: GPL-2.0-only
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define X(name, title) [KIND_##name] = title,
const char *const lock_kind_names[KIND_COUNT] = { LOCK_KINDS(X) };
#undef X

const char *const lock_class_names[CLASS_COUNT] = {
	[CLASS_CONTENTION] = "contention",
	[CLASS_IDLE] = "idle",
};

const char *const site_role_names[ROLE_COUNT] = {
	[ROLE_WAITER] = "waiter",
	[ROLE_WAKER] = "waker",
	[ROLE_HOLDER] = "holder",
};

#define X(name, title) [PROOF_##name] = title,
const char *const owner_proof_names[PROOF_COUNT] = { OWNER_PROOFS(X) };
#undef X

#define X(name, title) [STATE_##name] = title,
const char *const thread_state_names[STATE_COUNT] = { THREAD_STATES(X) };
#undef X

#define X(name, title) [END_##name] = title,
const char *const sleep_end_names[END_COUNT] = { SLEEP_ENDS(X) };
#undef X

#define X(name, key, help) [LOSS_##name] = key,
const char *const loss_names[LOSS_COUNT] = { LOCKTOP_LOSSES(X) };
#undef X

#define X(name, key, help) [LOSS_##name] = help,
const char *const loss_help[LOSS_COUNT] = { LOCKTOP_LOSSES(X) };
#undef X

#define CHUNK_BYTES (64 * 1024)
#define ALIGNMENT   _Alignof(max_align_t)

struct chunk {
	struct chunk *next;
	size_t size, used;
	max_align_t data[];
};

struct arena {
	struct chunk *chunks; /* the first is the one with room */
};

struct snapshot *snapshot__new(void)
{
	struct snapshot *s = xcalloc(1, sizeof(*s));

	s->arena = xcalloc(1, sizeof(*s->arena));
	return s;
}

void snapshot__free(struct snapshot *s)
{
	struct chunk *chunk, *next;

	if (!s)
		return;
	for (chunk = s->arena->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(s->arena);
	free(s);
}

static struct chunk *chunk_new(size_t size)
{
	struct chunk *chunk = xcalloc(1, sizeof(*chunk) + size);

	chunk->size = size;
	return chunk;
}

void *snapshot__alloc(struct snapshot *s, size_t n, size_t size)
{
	struct arena *arena = s->arena;
	struct chunk *chunk = arena->chunks;
	size_t bytes;
	char *p;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2)
		return xcalloc(SIZE_MAX, 2); /* as any memory that cannot be had */
	bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (!chunk || bytes > chunk->size - chunk->used) {
		/* what is large stands alone, behind the chunk that still has room */
		bool alone = chunk && bytes > CHUNK_BYTES / 4;

		chunk = chunk_new(alone ? bytes : MAX(bytes, (size_t)CHUNK_BYTES));
		if (alone) {
			chunk->next = arena->chunks->next;
			arena->chunks->next = chunk;
		} else {
			chunk->next = arena->chunks;
			arena->chunks = chunk;
		}
	}
	p = (char *)chunk->data + chunk->used;
	chunk->used += bytes;
	return p;
}

const char *snapshot__string(struct snapshot *s, const char *text)
{
	size_t size;

	if (!text)
		return NULL;
	size = strlen(text) + 1;
	return memcpy(snapshot__alloc(s, size, 1), text, size);
}

uint64_t hist__edge(unsigned int bucket)
{
	bucket = MIN(bucket, (unsigned int)HIST_BUCKETS);
	if (!bucket)
		return 0; /* the first bucket also holds all that is shorter */
	return (uint64_t)(HIST_STEPS + bucket % HIST_STEPS)
	       << (HIST_FIRST - HIST_STEP_BITS + bucket / HIST_STEPS);
}

uint64_t hist__count(const uint32_t *hist)
{
	uint64_t count = 0;

	for (int i = 0; i < HIST_BUCKETS; i++)
		count += hist[i];
	return count;
}

/*
 * The wait of rank q by nearest rank; waits are taken as evenly spread over their bucket. max: no
 * wait was longer (0: not known); it narrows the bucket that it falls into, and is the only bound
 * that the last bucket has.
 */
static uint64_t quantile(const uint32_t *hist, double q, uint64_t max)
{
	uint64_t count = hist__count(hist), rank, low, high;
	double position;
	unsigned int b = 0;
	bool has_max;

	if (!count)
		return 0;
	q = q >= 0 ? MIN(q, 1.0) : 0; /* also for NaN */
	rank = (uint64_t)(q * (double)count);
	rank += (double)rank < q * (double)count;
	rank = MIN(MAX(rank, (uint64_t)1), count);
	while (rank > hist[b])
		rank -= hist[b++];
	low = hist__edge(b);
	high = hist__edge(b + 1);
	has_max = max && max >= low && (max < high || b == HIST_BUCKETS - 1);
	if (has_max)
		high = max;
	/* the longest wait of the bucket stands at its end if that is known, else short of it */
	position = ((double)rank - (has_max ? 0 : 0.5)) / hist[b];
	return low + (uint64_t)(position * (double)(high - low));
}

uint64_t hist__quantile(const uint32_t *hist, double q)
{
	return quantile(hist, q, 0);
}

void lock__percentiles(struct lock *lock)
{
	lock->p50_ns = quantile(lock->hist, 0.50, lock->max_ns);
	lock->p99_ns = quantile(lock->hist, 0.99, lock->max_ns);
}

uint64_t snapshot__losses(const struct snapshot *s)
{
	uint64_t sum = 0;

	for (int i = 0; i < LOSS_COUNT; i++)
		sum += s->losses[i];
	return sum;
}

const struct process *snapshot__process(const struct snapshot *s, pid_t pid)
{
	const struct process *ended = NULL;

	/* a pid that was used again has two rows: the one that lives is meant */
	for (size_t i = 0; i < s->n_processes; i++) {
		if (s->processes[i].pid != pid)
			continue;
		if (!s->processes[i].ended)
			return &s->processes[i];
		ended = &s->processes[i];
	}
	return ended;
}
