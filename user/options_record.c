// SPDX-License-Identifier: GPL-2.0-only
/* The options of recordings: sizes and times with units. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "options_internal.h"
#include "util.h"

#define SIZE_MIN     (1 << 20)
#define SIZE_LIMIT   (1ULL << 50)
#define SECONDS_MAX  (100.0 * 365 * 86400)
#define DURATION_MIN 0.1
#define EVENTS_MAX   1000000

struct factor {
	char letter; /* 0: no unit was given */
	double by;
};

static const struct factor times[] = {
	{ 0, 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, {},
};

static const struct factor sizes[] = {
	{ 0, 1 },
	{ 'K', 1 << 10 },
	{ 'M', 1 << 20 },
	{ 'G', 1 << 30 },
	{ 'T', (double)(1ULL << 40) },
	{},
};

static bool with_unit(const char *arg, const struct factor *units, double min, double max,
		      double *ret)
{
	char *end;
	double n = strtod(arg, &end);

	if (end == arg || !isfinite(n) || (end[0] && end[1]))
		return false;
	for (; units->by != 0; units++) {
		if (units->letter != *end)
			continue;
		*ret = n * units->by;
		return *ret >= min && *ret <= max;
	}
	return false;
}

int options__set_duration(struct parse *p, const char *arg)
{
	double seconds;

	if (!with_unit(arg, times, DURATION_MIN, SECONDS_MAX, &seconds))
		return options__wrong(p, "--duration: '%s' is not a time as 10s, 5m, 2h or 1d",
				      arg);
	p->o->duration_ns = (uint64_t)(seconds * NSEC_PER_SEC + 0.5);
	return 0;
}

int options__set_keep(struct parse *p, const char *arg)
{
	double seconds;

	if (!with_unit(arg, times, 1, SECONDS_MAX, &seconds))
		return options__wrong(p, "--keep: '%s' is not a time as 10s, 5m, 2h or 1d", arg);
	p->o->keep_ns = (uint64_t)(seconds * NSEC_PER_SEC + 0.5);
	return 0;
}

int options__set_events(struct parse *p, const char *arg)
{
	unsigned long n = EVENTS_DEFAULT;
	char *end;

	if (arg) {
		n = strtoul(arg, &end, 10);
		if (end == arg || *end || *arg == '-' || !n || n > EVENTS_MAX)
			return options__wrong(
				p, "--events: '%s' is not a number from 1 to %d (sleeps a second)",
				arg, EVENTS_MAX);
	}
	p->o->events = n;
	return 0;
}

int options__set_max_size(struct parse *p, const char *arg)
{
	double bytes;

	if (!with_unit(arg, sizes, SIZE_MIN, (double)SIZE_LIMIT, &bytes))
		return options__wrong(p, "--max-size: '%s' is not a size as 64M or 2G, 1M at least",
				      arg);
	p->o->max_bytes = (uint64_t)bytes;
	return 0;
}
