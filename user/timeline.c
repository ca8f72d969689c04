// SPDX-License-Identifier: GPL-2.0-only
#include "timeline.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util.h"

#define DAY_NS (86400 * NSEC_PER_SEC)

void timeline__init(struct timeline *t)
{
	*t = (struct timeline){ .to_ns = UINT64_MAX };
}

void timeline__done(struct timeline *t)
{
	free(t->items);
}

static struct timeline_interval convert(const struct store_interval *from)
{
	uint64_t end = 0;

	/* a recording may say anything */
	if (from->time.tv_sec > 0 && (uint64_t)from->time.tv_sec < INT64_MAX / NSEC_PER_SEC)
		end = from->time.tv_sec * NSEC_PER_SEC + from->time.tv_nsec;
	return (struct timeline_interval){
		.end_ns = end,
		.begin_ns = end - MIN(from->interval_ns, end),
		.load = from->interval_ns ? (double)from->wait_ns / (double)from->interval_ns : 0,
		.lossy = from->losses,
	};
}

/* A program that is stalled notes the end late: still, no interval begins before the last ended. */
static void follow_on(struct timeline_interval *item, const struct timeline_interval *before)
{
	if (item->begin_ns < before->end_ns && before->end_ns <= item->end_ns)
		item->begin_ns = before->end_ns;
}

int timeline__follow(struct timeline *t, struct store *s)
{
	size_t count = store__count(s);

	for (size_t i = t->offset + t->n; i < count; i++) {
		struct store_interval from;
		struct timeline_interval item;
		int err = store__interval(s, i, &from);

		if (err)
			return err;
		item = convert(&from);
		if (t->n)
			follow_on(&item, &t->items[t->n - 1]);
		if (!t->n && item.end_ns <= t->from_ns) {
			t->offset = i + 1;
			continue;
		}
		if (item.begin_ns >= t->to_ns)
			break;
		array__grow(t->items, t->n, t->capacity);
		t->items[t->n++] = item;
	}
	return 0;
}

size_t timeline__at(const struct timeline *t, uint64_t ns)
{
	size_t i = 0;

	while (i + 1 < t->n && t->items[i].end_ns < ns)
		i++;
	/* between two, where nothing was recorded */
	if (i && ns < t->items[i].begin_ns &&
	    ns - t->items[i - 1].end_ns < t->items[i].begin_ns - ns)
		i--;
	return i;
}

/* A fraction of a second, if there is one. */
static const char *parse_fraction(const char *s, uint64_t *ns)
{
	uint64_t unit = NSEC_PER_SEC;

	*ns = 0;
	if (*s != '.' && *s != ',')
		return s;
	for (s++; isdigit((unsigned char)*s); s++)
		*ns += (*s - '0') * (unit /= 10);
	return s;
}

/* "Z", "+01:00", "" for local time. */
static int parse_zone(const char *s, struct tm *tm, time_t *ret)
{
	int sign = *s == '-' ? -1 : 1, hours, minutes, n = 0;

	if (!*s) {
		tm->tm_isdst = -1;
		*ret = mktime(tm);
		return 0;
	}
	*ret = timegm(tm);
	if (!strcmp(s, "Z") || !strcmp(s, "z"))
		return 0;
	if ((*s != '+' && *s != '-') || !isdigit((unsigned char)s[1]) ||
	    sscanf(s + 1, "%2d:%2d%n", &hours, &minutes, &n) != 2 || s[1 + n] || hours > 23 ||
	    minutes < 0 || minutes > 59)
		return -EINVAL;
	*ret -= sign * (hours * 3600 + minutes * 60);
	return 0;
}

static int parse_date(const char *text, uint64_t *ret)
{
	struct tm tm = {};
	uint64_t fraction;
	const char *rest;
	time_t seconds;

	rest = strptime(text, "%Y-%m-%d", &tm);
	if (!rest || (*rest != 'T' && *rest != 't' && *rest != ' '))
		return -EINVAL;
	rest = strptime(rest + 1, "%H:%M:%S", &tm);
	if (!rest)
		return -EINVAL;
	rest = parse_fraction(rest, &fraction);
	if (parse_zone(rest, &tm, &seconds) || seconds < 0 ||
	    (uint64_t)seconds >= INT64_MAX / NSEC_PER_SEC)
		return -EINVAL;
	*ret = seconds * NSEC_PER_SEC + fraction;
	return 0;
}

/* As the clock on the screen shows it. */
static int parse_clock(const char *text, uint64_t begin_ns, uint64_t end_ns, uint64_t *ret)
{
	time_t begin = begin_ns / NSEC_PER_SEC;
	struct tm tm, clock = {};
	uint64_t fraction = 0;
	const char *rest;
	time_t seconds;

	if (!localtime_r(&begin, &tm))
		return -EINVAL;
	rest = strptime(text, "%H:%M:%S", &clock);
	if (rest)
		rest = parse_fraction(rest, &fraction);
	else
		rest = strptime(text, "%H:%M", &clock);
	if (!rest || *rest)
		return -EINVAL;
	tm.tm_hour = clock.tm_hour;
	tm.tm_min = clock.tm_min;
	tm.tm_sec = clock.tm_sec;
	tm.tm_isdst = -1;
	seconds = mktime(&tm);
	if (seconds < 0)
		return -EINVAL;
	*ret = seconds * NSEC_PER_SEC + fraction;
	if (*ret < begin_ns && *ret + DAY_NS <= end_ns)
		*ret += DAY_NS; /* the night that followed */
	return 0;
}

static int parse_offset(const char *text, uint64_t begin_ns, uint64_t *ret)
{
	uint64_t seconds = 0, fraction;
	const char *s = text;

	for (; isdigit((unsigned char)*s) && seconds < 100000000; s++)
		seconds = 10 * seconds + (*s - '0');
	s = parse_fraction(s, &fraction);
	if (*s || s == text)
		return -EINVAL;
	*ret = begin_ns + seconds * NSEC_PER_SEC + fraction;
	return 0;
}

int timeline__parse(const char *text, uint64_t begin_ns, uint64_t end_ns, uint64_t *ret)
{
	if (*text == '+')
		return parse_offset(text + 1, begin_ns, ret);
	if (!parse_clock(text, begin_ns, end_ns, ret))
		return 0;
	return parse_date(text, ret);
}
