// SPDX-License-Identifier: GPL-2.0-only
#include "owner_word.h"

#include <linux/futex.h>
#include <string.h>

/* Bits of a mutex's kind: type, elision, robust, PI, protection, shared. */
#define KIND_BITS      0x3ff
#define MUSL_TYPE_BITS 15
#define MUSL_WRITER    0x7fffffff
/* Numbers of threads end here: PID_MAX_LIMIT of the kernel. */
#define NUMBER_MAX (4u << 20)

static uint32_t u32_at(const uint8_t *bytes, int at)
{
	uint32_t value;

	memcpy(&value, bytes + at, sizeof(value));
	return value;
}

static uint64_t u64_at(const uint8_t *bytes, int at)
{
	uint64_t value;

	memcpy(&value, bytes + at, sizeof(value));
	return value;
}

uint64_t owner_word__address(enum owner_rule rule, uint64_t word, int64_t word_offset)
{
	return rule == OWNER_WORD || rule == OWNER_JOIN ? word : word - word_offset;
}

uint64_t owner_word__number_at(enum owner_rule rule, uint64_t from, uint32_t *mask)
{
	*mask = FUTEX_TID_MASK;
	switch (rule) {
	case OWNER_MUTEX:
		return from + 8;
	case OWNER_RWLOCK:
		return from + 24;
	case OWNER_MUSL_MUTEX:
		return from + 4;
	case OWNER_WORD:
	case OWNER_JOIN:
		return from;
	default:
		*mask = 0;
		return 0;
	}
}

static struct owner_word mutex(const uint8_t *bytes)
{
	uint32_t lock = u32_at(bytes, 0), owner = u32_at(bytes, 8);
	struct owner_word word = { .readers = -1 };

	/* a lock that is free has no owner, whatever stands there; one that is taken gets it soon
	 */
	word.number = lock ? owner : 0;
	word.sound = lock <= 2 && u32_at(bytes, 12) >= 1 && !(u32_at(bytes, 16) & ~KIND_BITS);
	return word;
}

static struct owner_word rwlock(const uint8_t *bytes)
{
	/* readers: bit 0 whose phase it is, 1 a writer holds it, 2 it sleeps; the number from 3 on
	 */
	return (struct owner_word){ .number = u32_at(bytes, 24),
				    .readers = u32_at(bytes, 24) ? 0 : u32_at(bytes, 0) >> 3,
				    .sound = true };
}

static struct owner_word musl_mutex(const uint8_t *bytes)
{
	bool records = u32_at(bytes, 0) & MUSL_TYPE_BITS;

	return (struct owner_word){ .number = records ? u32_at(bytes, 4) & FUTEX_TID_MASK : 0,
				    .readers = -1,
				    .sound = records };
}

static struct owner_word musl_rwlock(const uint8_t *bytes)
{
	uint32_t count = u32_at(bytes, 0) & MUSL_WRITER;

	return (struct owner_word){ .readers = count == MUSL_WRITER ? 0 : (int)count,
				    .sound = true };
}

static struct owner_word decode(enum owner_rule rule, const uint8_t *bytes)
{
	struct owner_word word = { .readers = -1 };

	switch (rule) {
	case OWNER_MUTEX:
		return mutex(bytes);
	case OWNER_RWLOCK:
		return rwlock(bytes);
	case OWNER_MUSL_MUTEX:
		return musl_mutex(bytes);
	case OWNER_MUSL_RWLOCK:
		return musl_rwlock(bytes);
	case OWNER_WORD:
	case OWNER_JOIN:
		word.number = u32_at(bytes, 0) & FUTEX_TID_MASK;
		word.sound = true;
		return word;
	case OWNER_STDIO:
		word.descriptor = u32_at(bytes, 0) ? u64_at(bytes, 8) : 0;
		word.sound = true;
		return word;
	default:
		return word;
	}
}

struct owner_word owner_word__decode(enum owner_rule rule, const uint8_t bytes[OWNER_BYTES])
{
	struct owner_word word = decode(rule, bytes);

	if (word.number > NUMBER_MAX) {
		word.number = 0;
		word.sound = false;
	}
	return word;
}
