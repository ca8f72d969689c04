// SPDX-License-Identifier: GPL-2.0-only
#include "prompt.h"

#include <stdio.h>
#include <string.h>

#include "recording.h"

/* What each prompt does as text is typed, when it is accepted, and when it is given up. */
struct prompt_kind {
	const char *label;
	void (*change)(struct view *v); /* NULL: nothing until Enter */
	void (*accept)(struct view *v);
	void (*cancel)(struct view *v);
};

static void change_search(struct view *v)
{
	struct level *l = view__level(v);

	memcpy(v->search, v->input, sizeof(v->search));
	view__move(v, v->origin_position - l->position);
	v->message[0] = 0;
	if (v->search[0] && !view__find(v, 0))
		view__say(v, true, "nothing here contains \"%s\"", v->search);
}

static void accept_search(struct view *v)
{
	const void *row = view__row(v);

	if (v->search[0] && !(row && view__row_matches(v, row, v->search)))
		view__say(v, true, "nothing here contains \"%s\"", v->search);
}

static void cancel_search(struct view *v)
{
	memcpy(v->search, v->saved, sizeof(v->search));
	view__move(v, v->origin_position - view__level(v)->position);
}

static void change_filter(struct view *v)
{
	memcpy(view__level(v)->filter, v->input, sizeof(v->input));
	view__level(v)->resort = true;
}

static void cancel_filter(struct view *v)
{
	memcpy(view__level(v)->filter, v->saved, sizeof(v->saved));
	view__level(v)->resort = true;
}

static void accept_nothing(struct view *v)
{
	(void)v;
}

/*
 * Seconds with a fraction, in ns; point and comma are the same whatever the locale says. 0 for what
 * is no such number.
 */
static uint64_t parse_seconds(const char *text)
{
	uint64_t ns = 0, unit = NSEC_PER_SEC;
	const char *c;

	for (c = text; *c >= '0' && *c <= '9' && ns < VIEW_DELAY_MAX; c++)
		ns = 10 * ns + (*c - '0') * NSEC_PER_SEC;
	if (*c == '.' || *c == ',')
		for (c++; *c >= '0' && *c <= '9'; c++)
			ns += (*c - '0') * (unit /= 10);
	return *c ? 0 : ns;
}

static void accept_delay(struct view *v)
{
	uint64_t ns = parse_seconds(v->input);

	if (!v->input[0])
		return;
	if (ns < VIEW_DELAY_MIN || ns > VIEW_DELAY_MAX)
		view__say(v, true, "the interval is a number of seconds from %g to %g",
			  (double)VIEW_DELAY_MIN / NSEC_PER_SEC,
			  (double)VIEW_DELAY_MAX / NSEC_PER_SEC);
	else
		v->delay_ns = ns;
}

static void accept_time(struct view *v)
{
	if (v->input[0] && !recording__jump(v->recording, v->input))
		view__say(v, true, "a time is as 10:00:05, 2026-11-23T10:00:05Z, or +30 (seconds)");
}

static void accept_file(struct view *v)
{
	memcpy(v->file, v->input, sizeof(v->file));
}

static void cancel_file(struct view *v)
{
	v->file[0] = 0;
}

static const struct prompt_kind kinds[PROMPT_COUNT] = {
	[PROMPT_SEARCH] = { "Search", change_search, accept_search, cancel_search },
	[PROMPT_FILTER] = { "Filter", change_filter, accept_nothing, cancel_filter },
	[PROMPT_DELAY] = { "Interval in seconds", NULL, accept_delay, accept_nothing },
	[PROMPT_FILE] = { "Write to", NULL, accept_file, cancel_file },
	[PROMPT_TIME] = { "Go to", NULL, accept_time, accept_nothing },
};

void prompt__open(struct view *v, enum prompt prompt)
{
	const struct level *l = view__clevel(v);

	v->mode = MODE_PROMPT;
	v->prompt = prompt;
	memset(v->input, 0, sizeof(v->input));
	memcpy(v->saved, prompt == PROMPT_FILTER ? l->filter : v->search, sizeof(v->saved));
	if (prompt == PROMPT_FILTER)
		memcpy(v->input, l->filter, sizeof(v->input));
	if (prompt == PROMPT_FILE)
		memcpy(v->input, v->file, sizeof(v->input));
	v->origin_position = l->position;
}

static void changed(struct view *v)
{
	if (kinds[v->prompt].change)
		kinds[v->prompt].change(v);
}

static size_t encode(char *buf, unsigned int c)
{
	static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; c >>= 6)
		buf[i] = 0x80 | (c & 0x3f);
	buf[0] = n == 1 ? c : marks[n] | c;
	return n;
}

void prompt__insert(struct view *v, int character)
{
	size_t used = strlen(v->input), n;
	char bytes[4];

	/* 0xd800: a surrogate is no character. */
	if (character < ' ' || (character >= 0x7f && character < 0xa0) || character > 0x10ffff ||
	    (character >= 0xd800 && character < 0xe000))
		return;
	n = encode(bytes, character);
	if (used + n >= sizeof(v->input))
		return;
	memcpy(v->input + used, bytes, n);
	v->input[used + n] = 0; /* behind it stands what an older text left */
	changed(v);
}

void prompt__erase(struct view *v)
{
	size_t used = strlen(v->input);

	while (used > 0 && ((unsigned char)v->input[used - 1] & 0xc0) == 0x80)
		v->input[--used] = 0;
	if (used > 0)
		v->input[--used] = 0;
	changed(v);
}

void prompt__clear(struct view *v)
{
	memset(v->input, 0, sizeof(v->input));
	changed(v);
}

void prompt__accept(struct view *v)
{
	v->mode = MODE_LIST;
	kinds[v->prompt].accept(v);
}

void prompt__cancel(struct view *v)
{
	v->mode = MODE_LIST;
	v->message[0] = 0;
	kinds[v->prompt].cancel(v);
}

const char *prompt__label(const struct view *v)
{
	return kinds[v->prompt].label;
}
