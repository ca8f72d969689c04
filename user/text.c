// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers are written with integers only and characters are decoded here: neither the decimal
 * comma nor the character set of the user's locale can change what comes out.
 */
#include "text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

struct scale {
	uint64_t unit;
	const char *suffix;
};

/* n hundredths or tenths (decimals 2, 1), as 2.41s. */
static void decimal(char *buf, size_t size, uint64_t n, int decimals, const char *suffix)
{
	unsigned int unit = decimals == 2 ? 100 : 10;

	snprintf(buf, size, "%" PRIu64 ".%0*u%s", n / unit, decimals, (unsigned int)(n % unit),
		 suffix);
}

/* n in this unit as 1.2m or 34m. False if that rounds to limit or more. */
static bool scaled(char *buf, size_t size, uint64_t n, const struct scale *scale, uint64_t limit)
{
	uint64_t whole = n / scale->unit, rest = n % scale->unit;
	uint64_t tenths = (rest * 10 + scale->unit / 2) / scale->unit;

	if (scale->unit > 1 && whole * 10 + tenths < 100) {
		decimal(buf, size, whole * 10 + tenths, 1, scale->suffix);
		return true;
	}
	if (rest > (scale->unit - 1) / 2)
		whole++;
	if (whole >= limit)
		return false;
	snprintf(buf, size, "%" PRIu64 "%s", whole, scale->suffix);
	return true;
}

/* In the first of n scales in which the number stays below limit. False if there is none. */
static bool scaled_among(char *buf, size_t size, uint64_t value, const struct scale *scales,
			 size_t n, uint64_t limit)
{
	for (size_t i = 0; i < n; i++)
		if (scaled(buf, size, value, &scales[i], limit))
			return true;
	return false;
}

/* A minute and more: 3m05s, 4h12m, 12d03h, 400d, 584y. */
static void long_duration(char *buf, size_t size, uint64_t seconds)
{
	static const struct {
		uint64_t limit, unit, part; /* in seconds */
		char unit_name, part_name;
	} clocks[] = {
		{ 3600, 60, 1, 'm', 's' },
		{ 86400, 3600, 60, 'h', 'm' },
		{ 100 * 86400, 86400, 3600, 'd', 'h' },
	};

	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		if (seconds >= clocks[i].limit)
			continue;
		snprintf(buf, size, "%" PRIu64 "%c%02" PRIu64 "%c", seconds / clocks[i].unit,
			 clocks[i].unit_name, seconds % clocks[i].unit / clocks[i].part,
			 clocks[i].part_name);
		return;
	}
	if (seconds < 100000ULL * 86400)
		snprintf(buf, size, "%" PRIu64 "d", seconds / 86400);
	else
		snprintf(buf, size, "%" PRIu64 "y", seconds / (365 * 86400));
}

void text__duration(char *buf, size_t size, uint64_t ns)
{
	static const struct scale scales[] = { { 1, "ns" }, { 1000, "us" }, { 1000000, "ms" } };

	if (!ns)
		snprintf(buf, size, "0");
	else if (scaled_among(buf, size, ns, scales, ARRAY_SIZE(scales), 1000))
		return;
	else if (ns < 9995000000)
		decimal(buf, size, (ns + 5000000) / 10000000, 2, "s");
	else if (ns < 59950000000)
		decimal(buf, size, (ns + 50000000) / 100000000, 1, "s");
	else
		long_duration(buf, size,
			      ns / NSEC_PER_SEC + (ns % NSEC_PER_SEC >= NSEC_PER_SEC / 2));
}

void text__count(char *buf, size_t size, double n)
{
	static const struct scale scales[] = {
		{ 1000, "k" },		{ 1000000, "M" },	   { 1000000000, "G" },
		{ 1000000000000, "T" }, { 1000000000000000, "P" }, { 1000000000000000000, "E" },
	};
	unsigned int tenths = n < 9.95 && n > 0 ? (unsigned int)(n * 10 + 0.5) : 0;

	if (!(n >= 0)) /* NaN is neither */
		snprintf(buf, size, "?");
	else if (!tenths && n > 0 && n < 9.95)
		snprintf(buf, size, "<0.1"); /* rare is not never */
	else if (tenths % 10)
		decimal(buf, size, tenths, 1, "");
	else if (n < 9999.5)
		snprintf(buf, size, "%u", (unsigned int)(n + 0.5));
	else if (n < 1e19)
		scaled_among(buf, size, (uint64_t)(n + 0.5), scales, ARRAY_SIZE(scales), 1000);
	else
		snprintf(buf, size, ">10E");
}

void text__load(char *buf, size_t size, double n)
{
	if (n >= 0 && n < 9.995)
		decimal(buf, size, (uint64_t)(n * 100 + 0.5), 2, "");
	else if (n >= 0 && n < 99.95)
		decimal(buf, size, (uint64_t)(n * 10 + 0.5), 1, "");
	else
		text__count(buf, size, n);
}

void text__percent(char *buf, size_t size, double share)
{
	if (share > 0 && share < 0.005)
		snprintf(buf, size, "<1%%");
	else
		snprintf(buf, size, "%d%%", (int)(MAX(0.0, MIN(share, 1.0)) * 100 + 0.5));
}

void text__bytes(char *buf, size_t size, uint64_t n)
{
	static const struct scale scales[] = {
		{ 1ULL << 0, "B" },  { 1ULL << 10, "K" }, { 1ULL << 20, "M" }, { 1ULL << 30, "G" },
		{ 1ULL << 40, "T" }, { 1ULL << 50, "P" }, { 1ULL << 60, "E" },
	};

	scaled_among(buf, size, n, scales, ARRAY_SIZE(scales), 1024);
}

struct range {
	uint32_t first, last;
};

/* Sorted. What can act on a terminal, reorder its text, or hide in it. */
static const struct range harmful[] = {
	{ 0x0000, 0x001f },   { 0x007f, 0x009f },
	{ 0x061c, 0x061c },   { 0x200e, 0x200f }, /* direction marks */
	{ 0x2028, 0x202e },   { 0x2066, 0x206f }, /* line ends, overrides, isolates, shaping */
	{ 0xfeff, 0xfeff },   { 0xfff9, 0xfffb }, /* byte order, annotations */
	{ 0xe0000, 0xe007f },			  /* tags */
};

/* Sorted, from Unicode 14: no column of their own. Scripts that names are likely written in. */
static const struct range combining[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 },	  { 0x0591, 0x05bd }, { 0x05bf, 0x05bf },
	{ 0x05c1, 0x05c2 }, { 0x05c4, 0x05c5 },	  { 0x05c7, 0x05c7 }, { 0x0610, 0x061a },
	{ 0x064b, 0x065f }, { 0x0670, 0x0670 },	  { 0x06d6, 0x06dc }, { 0x06df, 0x06e4 },
	{ 0x06e7, 0x06e8 }, { 0x06ea, 0x06ed },	  { 0x0711, 0x0711 }, { 0x0730, 0x074a },
	{ 0x07a6, 0x07b0 }, { 0x07eb, 0x07f3 },	  { 0x07fd, 0x07fd }, { 0x093a, 0x093a },
	{ 0x093c, 0x093c }, { 0x0941, 0x0948 },	  { 0x094d, 0x094d }, { 0x0951, 0x0957 },
	{ 0x0962, 0x0963 }, { 0x0981, 0x0981 },	  { 0x09bc, 0x09bc }, { 0x09c1, 0x09c4 },
	{ 0x09cd, 0x09cd }, { 0x09e2, 0x09e3 },	  { 0x0b82, 0x0b82 }, { 0x0bc0, 0x0bc0 },
	{ 0x0bcd, 0x0bcd }, { 0x0e31, 0x0e31 },	  { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e },
	{ 0x0eb1, 0x0eb1 }, { 0x0eb4, 0x0ebc },	  { 0x0ec8, 0x0ecd }, { 0x1160, 0x11ff },
	{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },	  { 0x200b, 0x200d }, { 0x2060, 0x2064 },
	{ 0x20d0, 0x20f0 }, { 0x302a, 0x302d },	  { 0x3099, 0x309a }, { 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef },
};

/* Sorted, from Unicode 14: East Asian wide and fullwidth, emoji. */
static const struct range wide[] = {
	{ 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x2329, 0x232a },	  { 0x23e9, 0x23ec },
	{ 0x23f0, 0x23f0 },   { 0x23f3, 0x23f3 },   { 0x25fd, 0x25fe },	  { 0x2614, 0x2615 },
	{ 0x2648, 0x2653 },   { 0x267f, 0x267f },   { 0x2693, 0x2693 },	  { 0x26a1, 0x26a1 },
	{ 0x26aa, 0x26ab },   { 0x26bd, 0x26be },   { 0x26c4, 0x26c5 },	  { 0x26ce, 0x26ce },
	{ 0x26d4, 0x26d4 },   { 0x26ea, 0x26ea },   { 0x26f2, 0x26f3 },	  { 0x26f5, 0x26f5 },
	{ 0x26fa, 0x26fa },   { 0x26fd, 0x26fd },   { 0x2705, 0x2705 },	  { 0x270a, 0x270b },
	{ 0x2728, 0x2728 },   { 0x274c, 0x274c },   { 0x274e, 0x274e },	  { 0x2753, 0x2755 },
	{ 0x2757, 0x2757 },   { 0x2795, 0x2797 },   { 0x27b0, 0x27b0 },	  { 0x27bf, 0x27bf },
	{ 0x2b1b, 0x2b1c },   { 0x2b50, 0x2b50 },   { 0x2b55, 0x2b55 },	  { 0x2e80, 0x303e },
	{ 0x3041, 0x3247 },   { 0x3250, 0x4dbf },   { 0x4e00, 0xa4c6 },	  { 0xa960, 0xa97c },
	{ 0xac00, 0xd7a3 },   { 0xf900, 0xfad9 },   { 0xfe10, 0xfe19 },	  { 0xfe30, 0xfe6b },
	{ 0xff01, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x16fe0, 0x1b2fb }, { 0x1f004, 0x1f004 },
	{ 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f18e }, { 0x1f191, 0x1f19a }, { 0x1f200, 0x1f320 },
	{ 0x1f32d, 0x1f335 }, { 0x1f337, 0x1f37c }, { 0x1f37e, 0x1f393 }, { 0x1f3a0, 0x1f3ca },
	{ 0x1f3cf, 0x1f3d3 }, { 0x1f3e0, 0x1f3f0 }, { 0x1f3f4, 0x1f3f4 }, { 0x1f3f8, 0x1f43e },
	{ 0x1f440, 0x1f440 }, { 0x1f442, 0x1f4fc }, { 0x1f4ff, 0x1f53d }, { 0x1f54b, 0x1f54e },
	{ 0x1f550, 0x1f567 }, { 0x1f57a, 0x1f57a }, { 0x1f595, 0x1f596 }, { 0x1f5a4, 0x1f5a4 },
	{ 0x1f5fb, 0x1f64f }, { 0x1f680, 0x1f6c5 }, { 0x1f6cc, 0x1f6cc }, { 0x1f6d0, 0x1f6d2 },
	{ 0x1f6d5, 0x1f6df }, { 0x1f6eb, 0x1f6ec }, { 0x1f6f4, 0x1f6fc }, { 0x1f7e0, 0x1f7f0 },
	{ 0x1f90c, 0x1f93a }, { 0x1f93c, 0x1f945 }, { 0x1f947, 0x1f9ff }, { 0x1fa70, 0x1faf6 },
	{ 0x20000, 0x3fffd },
};

static bool in_ranges(uint32_t c, const struct range *ranges, size_t n)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c > ranges[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && c >= ranges[low].first;
}

/*
 * The character that s begins with, and its bytes; 0 if no valid one stands there. Reads no byte
 * behind a NUL.
 */
static size_t decode(const char *s, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)s[0];
	size_t len = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c;

	if (!len || first > 0xf4)
		return 0;
	c = len == 1 ? first : first & (0x7f >> len);
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return len;
}

char *text__clean(char *buf, size_t size, const char *s)
{
	size_t out = 0, len;
	uint32_t c;

	if (!size)
		return buf;
	/* nearly all text is of plain ASCII */
	while (out < size - 1 && *s >= ' ' && *s < 0x7f)
		buf[out++] = *s++;
	for (; *s; s += len) {
		const char *from = s;
		size_t bytes;

		len = bytes = decode(s, &c);
		if (!len || in_ranges(c, harmful, ARRAY_SIZE(harmful))) {
			from = "?";
			bytes = 1;
			len = MAX(len, (size_t)1);
		}
		if (bytes > size - 1 - out)
			break;
		memcpy(buf + out, from, bytes);
		out += bytes;
	}
	buf[out] = 0;
	return buf;
}

/* Bytes and columns of the character that s begins with; a bad byte counts as one of each. */
static size_t measure(const char *s, int *columns)
{
	uint32_t c;
	size_t len = decode(s, &c);

	*columns = 1;
	if (!len)
		return 1;
	if (in_ranges(c, combining, ARRAY_SIZE(combining)))
		*columns = 0;
	else if (in_ranges(c, wide, ARRAY_SIZE(wide)))
		*columns = 2;
	return len;
}

int text__columns(const char *s)
{
	int sum = 0, columns;

	for (; *s; sum += columns)
		s += measure(s, &columns);
	return sum;
}

size_t text__prefix(const char *s, int columns)
{
	size_t done = 0;
	int width;

	while (s[done]) {
		size_t len = measure(s + done, &width);

		if (width > columns)
			break;
		columns -= width;
		done += len;
	}
	return done;
}
