// SPDX-License-Identifier: GPL-2.0-only
#include "python_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "util.h"

#define RANGES_A_CALL 64
#define PAGE	      4096

/* tp_flags, the same in all versions */
#define TYPE_IS_LONG  (1ULL << 24)
#define TYPE_IS_TUPLE (1ULL << 26)
#define TYPE_IS_STR   (1ULL << 28)
#define TYPE_IS_DICT  (1ULL << 29)

/* The state of a str, from its low bits up: interned:2, kind:3, compact:1, ascii:1. */
#define STATE_KIND(state) ((state) >> 2 & 7)
#define STATE_COMPACT	  (1u << 5)
#define STATE_ASCII	  (1u << 6)

/* How many of these ranges, from the first on, could be read. */
static size_t read_some(pid_t pid, struct python_range *ranges, size_t n)
{
	struct iovec local[RANGES_A_CALL], remote[RANGES_A_CALL];
	size_t whole = 0;
	ssize_t left;

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		local[i] = (struct iovec){ ranges[i].bytes, ranges[i].size };
		remote[i] = (struct iovec){ (void *)(uintptr_t)ranges[i].address, ranges[i].size };
	}
	left = process_vm_readv(pid, local, n, remote, n, 0);
	while (whole < n && left >= (ssize_t)ranges[whole].size)
		left -= ranges[whole++].size;
	return whole;
}

void python_target__read_live(struct python_target *t, struct python_range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ranges[i].got = false;
	for (size_t i = 0; i < n;) {
		size_t tried = MIN(n - i, RANGES_A_CALL);
		size_t whole = read_some(t->pid, ranges + i, tried);

		for (size_t k = 0; k < whole; k++)
			ranges[i + k].got = true;
		/* The call ended at the first that cannot be read: go on behind it. */
		i += whole < tried ? whole + 1 : whole;
	}
}

int python__read(struct python_target *t, uint64_t address, void *bytes, size_t size)
{
	struct python_range range = { .address = address, .bytes = bytes, .size = size };

	if (!address || size > UINT32_MAX || address + size < address)
		return -EFAULT;
	t->read(t, &range, 1);
	return range.got ? 0 : -EFAULT;
}

uint64_t python__pointer(struct python_target *t, uint64_t address)
{
	uint64_t value;

	return python__read(t, address, &value, sizeof(value)) ? 0 : value;
}

int python__int32(struct python_target *t, uint64_t address, int32_t *ret)
{
	int32_t value;
	int err = python__read(t, address, &value, sizeof(value));

	if (!err)
		*ret = value;
	return err;
}

/* Is the object's type, or one that it derives from, the one that this flag stands for? */
static bool is_kind(struct python_target *t, uint64_t object, uint64_t flag)
{
	const struct python_layout *l = t->layout;
	uint64_t type = object ? python__pointer(t, object + l->object.type) : 0;
	uint64_t flags = type ? python__pointer(t, type + l->type.flags) : 0;

	return flags & flag;
}

bool python__is_dict(struct python_target *t, uint64_t object)
{
	return is_kind(t, object, TYPE_IS_DICT);
}

/* Appends a character as UTF-8 if it fits into size - 1 bytes; false: it does not. */
static bool put_character(char *buf, size_t size, size_t *n, uint32_t c)
{
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
		c = '?'; /* half of a surrogate pair: how Python keeps bytes that are no text */
		length = 1;
	}
	if (*n + length >= size)
		return false;
	for (size_t i = length; i > 1; i--, c >>= 6)
		buf[*n + i - 1] = (char)(0x80 | (c & 0x3f));
	buf[*n] = (char)(length == 1 ? c : lead[length] | c);
	*n += length;
	return true;
}

static uint32_t character(const uint8_t *bytes, size_t i, unsigned int kind)
{
	uint16_t two;
	uint32_t four;

	if (kind == 1)
		return bytes[i];
	if (kind == 2) {
		memcpy(&two, bytes + 2 * i, 2);
		return two;
	}
	memcpy(&four, bytes + 4 * i, 4);
	return four;
}

/* Characters of `kind` bytes each at an address -> UTF-8. */
static int read_characters(struct python_target *t, uint64_t address, uint64_t length,
			   unsigned int kind, char *buf, size_t size)
{
	uint8_t bytes[1024];
	size_t n = 0;

	while (length > 0) {
		size_t some = MIN(length, MIN(sizeof(bytes) / kind, size));

		if (python__read(t, address, bytes, some * kind) != 0)
			return -EFAULT;
		for (size_t i = 0; i < some; i++) {
			if (!put_character(buf, size, &n, character(bytes, i, kind))) {
				buf[n] = 0;
				return 0;
			}
		}
		address += some * kind;
		length -= some;
	}
	buf[n] = 0;
	return 0;
}

int python__string(struct python_target *t, uint64_t object, char *buf, size_t size)
{
	const struct python_layout *l = t->layout;
	unsigned int kind;
	uint64_t length, data;
	int32_t bits;
	uint32_t state;

	if (size == 0)
		return -EINVAL;
	if (!is_kind(t, object, TYPE_IS_STR))
		return -EINVAL;
	if (python__read(t, object + l->object.length, &length, sizeof(length)) != 0 ||
	    python__int32(t, object + l->object.state, &bits) != 0)
		return -EFAULT;
	state = bits;
	kind = STATE_KIND(state);
	if ((kind != 1 && kind != 2 && kind != 4) || length > INT64_MAX)
		return -EINVAL;
	/* What is not compact (a subclass's) has its characters elsewhere. */
	if (!(state & STATE_COMPACT))
		data = python__pointer(t, object + l->object.compact);
	else
		data = object + (state & STATE_ASCII ? l->object.ascii : l->object.compact);
	return read_characters(t, data, length, kind, buf, size);
}

int python__c_string(struct python_target *t, uint64_t address, char *buf, size_t size)
{
	size_t n = 0;

	if (size == 0)
		return -EINVAL;
	/* Page by page: what is behind its end may not be there. */
	while (n < size) {
		size_t some = MIN(size - n, PAGE - (address + n) % PAGE);

		if (python__read(t, address + n, buf + n, some) != 0)
			return -EFAULT;
		if (memchr(buf + n, 0, some))
			return 0;
		n += some;
	}
	buf[size - 1] = 0;
	return 0;
}

int python__type_name(struct python_target *t, uint64_t object, char *buf, size_t size)
{
	const struct python_layout *l = t->layout;
	uint64_t type = object ? python__pointer(t, object + l->object.type) : 0;
	uint64_t name = type ? python__pointer(t, type + l->type.name) : 0;

	return name ? python__c_string(t, name, buf, size) : -EFAULT;
}

int python__tuple(struct python_target *t, uint64_t object, uint64_t *items, size_t max)
{
	const struct python_layout *l = t->layout;
	uint64_t length;
	size_t n;

	if (!is_kind(t, object, TYPE_IS_TUPLE))
		return -EINVAL;
	if (python__read(t, object + l->object.length, &length, sizeof(length)) != 0)
		return -EFAULT;
	n = MIN(length, MIN(max, INT32_MAX / sizeof(*items)));
	if (length > INT64_MAX)
		return -EINVAL;
	if (n > 0 && python__read(t, object + l->object.items, items, n * sizeof(*items)) != 0)
		return -EFAULT;
	return (int)n;
}

/* Digits of 30 bits follow the length; from 3.12 on that counts in units of 8, and its low two bits
 * are the sign: 0 positive, 1 zero, 2 negative. */
int python__integer(struct python_target *t, uint64_t object, int64_t *ret)
{
	const struct python_layout *l = t->layout;
	uint64_t length, value = 0;
	struct {
		int64_t length;
		uint32_t digits[2];
	} head;
	bool negative;

	if (!is_kind(t, object, TYPE_IS_LONG))
		return -EINVAL;
	if (python__read(t, object + l->object.length, &head, sizeof(head)) != 0)
		return -EFAULT;
	if (l->minor >= 12) {
		length = (uint64_t)head.length >> 3;
		negative = (head.length & 3) == 2;
	} else {
		negative = head.length < 0;
		length = negative ? -(uint64_t)head.length : (uint64_t)head.length;
	}
	if (length > 2)
		return -ERANGE;
	for (uint64_t i = 0; i < length; i++)
		value |= (uint64_t)(head.digits[i] & 0x3fffffff) << (30 * i);
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}
