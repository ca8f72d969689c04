// SPDX-License-Identifier: GPL-2.0-only
#include "shorten.h"

#include <stdio.h>
#include <string.h>

#include "text.h"
#include "util.h"

#define NAME_BYTES 4096 /* of a name; what is longer is cut */
#define NAME_LEAST 6	/* columns of a name that a place leaves it */
#define DEPTH_MOST 3	/* nesting that is worth showing in a name that is too long */

static const char *ellipsis(bool utf8)
{
	return utf8 ? "…" : "..";
}

/* Text being written; what has no room is left out. */
struct out {
	char *buf;
	size_t size, n;
};

static void put(struct out *out, const char *s, size_t n)
{
	if (n >= out->size - out->n)
		return;
	memcpy(out->buf + out->n, s, n);
	out->n += n;
	out->buf[out->n] = 0;
}

/*
 * Bytes at s that are one word although they look like brackets: operators, arrows, and the name of
 * the nameless namespace. 0: none.
 */
static size_t bracket_word(const char *s)
{
	static const char *const words[] = {
		"operator()", "operator<=>", "operator<<", "operator>>", "operator->",
		"operator<",  "operator>",   "->",	   "=>",	 "(anonymous namespace)",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strncmp(s, words[i], strlen(words[i])))
			return strlen(words[i]);
	return 0;
}

/* Copies name; what stands deeper than keep brackets becomes a mark. */
static void elide(char *buf, size_t size, const char *name, int keep, const char *mark)
{
	struct out out = { buf, size, 0 };
	int depth = 0;

	buf[0] = 0;
	while (*name) {
		size_t n = bracket_word(name);
		bool open = !n && strchr("<(", *name), close = !n && strchr(">)", *name);

		if (close && depth > 0)
			depth--;
		n = n ? n : 1;
		if (depth <= keep)
			put(&out, name, n);
		name += n;
		if (open && depth++ == keep && !strchr(">)", *name))
			put(&out, mark, strlen(mark));
	}
}

/* Bytes of s to skip so that at most columns columns follow. */
static size_t tail(const char *s, int columns)
{
	size_t at = 0;
	int left = text__columns(s);

	while (s[at] && left > columns) {
		size_t n = text__prefix(s + at, 1);
		int taken = 1;

		if (!n) {
			n = text__prefix(s + at, 2);
			taken = 2;
		}
		if (!n)
			break;
		at += n;
		left -= taken;
	}
	return at;
}

/* head columns of the front stay, and as much of the end as there is room for. */
static void cut(char *buf, size_t size, const char *text, int head, int columns, bool utf8)
{
	const char *mark = ellipsis(utf8);
	int room = columns - text__columns(mark) - head;
	size_t front = text__prefix(text, head);
	char joined[NAME_BYTES + 8];

	if (room < 1)
		snprintf(joined, sizeof(joined), "%.*s", (int)text__prefix(text, MAX(columns, 0)),
			 text);
	else
		snprintf(joined, sizeof(joined), "%.*s%s%s", (int)front, text, mark,
			 text + tail(text, room));
	text__clean(buf, size, joined); /* cuts no character */
}

/* clean has no place behind it. */
static void shorten_name(char *buf, size_t size, const char *clean, int columns, bool utf8)
{
	char shorter[NAME_BYTES];
	const char *text = clean;

	for (int keep = DEPTH_MOST; keep >= 0 && text__columns(text) > columns; keep--) {
		elide(shorter, sizeof(shorter), clean, keep, ellipsis(utf8));
		text = shorter;
	}
	if (text__columns(text) > columns)
		cut(buf, size, text, columns / 3, columns, utf8);
	else
		text__clean(buf, size, text);
}

/* Both ends of a place say something: which file or module, and where in it. */
void shorten__place(char *buf, size_t size, const char *place, int columns, bool utf8)
{
	const char *slash = strrchr(place, '/'), *where;
	char clean[NAME_BYTES];
	int room;

	text__clean(clean, sizeof(clean), slash ? slash + 1 : place);
	if (text__columns(clean) <= columns) {
		text__clean(buf, size, clean);
		return;
	}
	where = strrchr(clean, ':');
	where = where ? where : strstr(clean, "+0x");
	room = columns - text__columns(ellipsis(utf8)) - (where ? text__columns(where) : 0);
	cut(buf, size, clean, MAX(room, 0), columns, utf8);
}

/* Bytes of text before its place, " (file.py:12)"; all of them if it says none. */
static size_t name_length(const char *text)
{
	size_t n = strlen(text), digits = n;
	const char *place = strrchr(text, '(');

	if (!n || text[--digits] != ')' || !place || place < text + 2 || place[-1] != ' ')
		return n;
	while (digits > 0 && text[digits - 1] >= '0' && text[digits - 1] <= '9')
		digits--;
	if (digits + 1 == n || digits < 1 || text[digits - 1] != ':')
		return n;
	return place - 1 - text;
}

/* The line is what people look for: the name goes before it, and then the file's. */
static void with_place(char *buf, size_t size, char *name, size_t n, int columns, bool utf8)
{
	char shorter[NAME_BYTES], place[NAME_BYTES], *line = strrchr(name, ':');
	int least, room;

	name[strlen(name) - 1] = 0;
	name[n] = 0;
	least = MIN(text__columns(name), NAME_LEAST);
	room = MAX(columns - least - 3, text__columns(line) + text__columns(ellipsis(utf8)));
	shorten__place(place, sizeof(place), name + n + 2, room, utf8);
	room = MAX(columns - text__columns(place) - 3, 0);
	shorten_name(shorter, sizeof(shorter), name, room, utf8);
	if (shorter[0])
		snprintf(name, NAME_BYTES, "%.*s (%.*s)", NAME_BYTES / 2, shorter, NAME_BYTES / 4,
			 place);
	else
		snprintf(name, NAME_BYTES, "%s", place);
	text__clean(buf, MIN(size, text__prefix(name, columns) + 1), name);
}

void shorten__function(char *buf, size_t size, const char *name, int columns, bool utf8)
{
	char clean[NAME_BYTES];
	size_t n;

	text__clean(clean, sizeof(clean), name);
	n = name_length(clean);
	if (clean[n] && text__columns(clean) > columns)
		with_place(buf, size, clean, n, columns, utf8);
	else
		shorten_name(buf, size, clean, columns, utf8);
}
