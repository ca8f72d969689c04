// SPDX-License-Identifier: GPL-2.0-only
/* Counts as JSON objects, which SQL can take apart (json_each), and back. */
#include <string.h>

#include "store_internal.h"

static char *decimal(char *buf, uint64_t n)
{
	char digits[20];
	int i = 0;

	do
		digits[i++] = '0' + n % 10;
	while (n /= 10);
	while (i)
		*buf++ = digits[--i];
	return buf;
}

/* One count of an object: its name, or where that is NULL its number. */
static char *member(char *at, const char *begin, const char *name, uint64_t edge, uint32_t count)
{
	*at = at == begin ? '{' : ',';
	at++;
	*at++ = '"';
	at = name ? stpcpy(at, name) : decimal(at, edge);
	*at++ = '"';
	*at++ = ':';
	return decimal(at, count);
}

size_t store_hist__format(char *buf, const uint32_t *hist)
{
	char *at = buf;

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		if (hist[i])
			at = member(at, buf, NULL, hist__edge(i + 1), hist[i]);
	}
	if (at > buf)
		*at++ = '}';
	return at - buf;
}

size_t store_states__format(char *buf, const unsigned int *counts)
{
	char *at = buf;

	for (unsigned int i = 0; i < STATE_COUNT; i++) {
		if (counts[i])
			at = member(at, buf, thread_state_names[i], 0, counts[i]);
	}
	if (at > buf)
		*at++ = '}';
	return at - buf;
}

static bool number(const char **at, const char *end, uint64_t *ret)
{
	const char *begin = *at;

	*ret = 0;
	for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
		if (__builtin_mul_overflow(*ret, 10, ret) ||
		    __builtin_add_overflow(*ret, **at - '0', ret))
			return false;
	return *at > begin;
}

static bool skip(const char **at, const char *end, char c)
{
	if (*at == end || **at != c)
		return false;
	(*at)++;
	return true;
}

bool store_hist__parse(const char *text, size_t size, uint32_t *hist)
{
	const char *at = text, *end = text + size;
	unsigned int bucket = 0;

	do {
		uint64_t edge, count;

		if (!skip(&at, end, at == text ? '{' : ',') || !skip(&at, end, '"') ||
		    !number(&at, end, &edge) || !skip(&at, end, '"') || !skip(&at, end, ':') ||
		    !number(&at, end, &count) || count > UINT32_MAX)
			return false;
		while (bucket < HIST_BUCKETS && hist__edge(bucket + 1) != edge)
			bucket++;
		if (bucket == HIST_BUCKETS)
			return false;
		hist[bucket++] = count;
	} while (at < end && *at == ',');
	return skip(&at, end, '}') && at == end;
}

static bool state(const char **at, const char *end, unsigned int *ret)
{
	for (unsigned int i = 0; i < STATE_COUNT; i++) {
		size_t size = strlen(thread_state_names[i]);

		if ((size_t)(end - *at) > size && !memcmp(*at, thread_state_names[i], size) &&
		    (*at)[size] == '"') {
			*at += size;
			*ret = i;
			return true;
		}
	}
	return false;
}

bool store_states__parse(const char *text, size_t size, unsigned int *counts)
{
	const char *at = text, *end = text + size;

	do {
		unsigned int i;
		uint64_t count;

		if (!skip(&at, end, at == text ? '{' : ',') || !skip(&at, end, '"') ||
		    !state(&at, end, &i) || !skip(&at, end, '"') || !skip(&at, end, ':') ||
		    !number(&at, end, &count) || count > UINT32_MAX)
			return false;
		counts[i] = count;
	} while (at < end && *at == ',');
	return skip(&at, end, '}') && at == end;
}
