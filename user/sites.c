// SPDX-License-Identifier: GPL-2.0-only
#include "sites.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

void sites__done(struct sites *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->items[i].frames);
	free(s->items);
	*s = (struct sites){};
}

struct sample_site *sites__find(const struct sites *s, enum site_role role, uint64_t hash)
{
	for (size_t i = 0; i < s->n; i++)
		if ((s->items[i].hash == hash || s->items[i].cut_hash == hash) &&
		    s->items[i].role == role)
			return &s->items[i];
	return NULL;
}

/* Are all frames of a cut stack the first ones of another? */
static bool begins_with(const struct sample_site *whole, const struct sample_site *cut)
{
	if (cut->n_frames >= whole->n_frames || cut->role != whole->role)
		return false;
	/* the last frame of a cut stack may be a guess */
	for (size_t i = 0; i + 1 < cut->n_frames; i++)
		if (cut->frames[i].offset != whole->frames[i].offset ||
		    cut->frames[i].module != whole->frames[i].module ||
		    cut->frames[i].build_id != whole->frames[i].build_id)
			return false;
	return cut->n_frames > 1;
}

static struct sample_site *find_cut(struct sites *s, const struct sample_site *sample)
{
	for (size_t i = 0; !sample->truncated && i < s->n; i++)
		if (s->items[i].truncated && begins_with(sample, &s->items[i]))
			return &s->items[i];
	return NULL;
}

/* A place for a new site: behind the others, or that of the least important one. */
static struct sample_site *new_site(struct sites *s)
{
	struct sample_site *least = NULL;

	if (s->n < SITES_MAX) {
		/* most have one only: no room before it is needed */
		s->items = xrealloc(s->items, s->n + 1, sizeof(*s->items));
		return &s->items[s->n++];
	}
	for (size_t i = 0; i < s->n; i++)
		if (!least || s->items[i].all_wait_ns < least->all_wait_ns)
			least = &s->items[i];
	free(least->frames);
	return least;
}

struct sample_site *sites__add(struct sites *s, const struct sample_site *sample)
{
	struct sample_site *site = sites__find(s, sample->role, sample->hash), *cut;

	if (site && site->hash == sample->hash) {
		/* The same stack; by now its source lines may be known. */
		free(site->frames);
		site->frames = sample->frames;
		site->n_frames = sample->n_frames;
	} else if (site) {
		free(sample->frames);
	} else if ((cut = find_cut(s, sample))) {
		struct sample_site old = *cut;

		free(old.frames);
		if (s->main == old.hash)
			s->main = sample->hash;
		site = cut;
		*site = *sample;
		site->cut_hash = old.hash; /* sleeps that began under it are still going on */
		site->samples = old.samples;
		site->wait_ns = old.wait_ns;
		site->all_samples = old.all_samples;
		site->all_wait_ns = old.all_wait_ns;
	} else {
		site = new_site(s);
		*site = *sample;
		site->samples = site->wait_ns = site->all_samples = site->all_wait_ns = 0;
	}
	site->samples++;
	site->all_samples++;
	site->used_ns = sample->used_ns;
	return site;
}

const struct sample_site *sites__main(struct sites *s, enum site_role role)
{
	struct sample_site *main = s->main ? sites__find(s, role, s->main) : NULL;
	struct sample_site *most = NULL;

	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].role == role &&
		    (!most || s->items[i].all_wait_ns > most->all_wait_ns))
			most = &s->items[i];
	if (!main || (most && most->all_wait_ns / 2 > main->all_wait_ns))
		main = most;
	s->main = main ? main->hash : 0;
	return main;
}

void sites__next_interval(struct sites *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->items[i].samples = s->items[i].wait_ns = 0;
}

void sites__forget_places(struct sites *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->items[i].has_place = false;
	s->main = 0;
}

void sites__begin_anew(struct sites *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct sample_site *site = &s->items[i];

		if (!site->samples && !site->wait_ns) {
			free(site->frames);
			continue;
		}
		site->all_samples = site->samples;
		site->all_wait_ns = site->wait_ns;
		s->items[kept++] = *site;
	}
	s->n = kept;
	s->main = 0;
}

bool site_place__equal(const struct site_place *a, const struct site_place *b)
{
	if (a->object || b->object)
		return a->object == b->object;
	return a->module == b->module && a->address == b->address;
}

/* Length of a function's name without the parameters that C++ writes behind it. */
static size_t bare_length(const char *function)
{
	const char *end = strrchr(function, ')');
	int depth = 0;

	/* behind the parameters stand const and the like, never what is part of the name */
	if (!end || strpbrk(end, ":}>"))
		return strlen(function);
	for (const char *c = end; c > function; c--) {
		depth += (*c == ')') - (*c == '(');
		if (!depth)
			return c - function;
	}
	return strlen(function);
}

void site_place__function(const struct site_place *p, char *buf, size_t size)
{
	const char *function = p->function ? p->function : p->outer;

	if (p->line)
		site_place__format(p, buf, size);
	else if (function)
		snprintf(buf, size, "%s%.*s", p->function ? "" : ".. ", (int)bare_length(function),
			 function);
	else
		buf[0] = 0;
}

void site_place__format(const struct site_place *p, char *buf, size_t size)
{
	const char *base = p->module ? strrchr(p->module, '/') : NULL;

	if (p->line)
		snprintf(buf, size, "%s (%s:%d)", p->function ? p->function : "?",
			 base ? base + 1 : p->module, p->line);
	else if (p->function)
		snprintf(buf, size, "%.*s+0x%" PRIx64, (int)bare_length(p->function), p->function,
			 p->offset);
	else if (p->module)
		snprintf(buf, size, "%s+0x%" PRIx64, base ? base + 1 : p->module, p->address);
	else
		snprintf(buf, size, "0x%" PRIx64, p->address);
}
