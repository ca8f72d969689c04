// SPDX-License-Identifier: GPL-2.0-only
#include "html_data.h"

#include <inttypes.h>
#include <stdlib.h>

#include "fields.h"
#include "select.h"
#include "util.h"
#include "words.h"

struct html_data *html_data__new(const struct options *o)
{
	struct html_data *d = xcalloc(1, sizeof(*d));

	d->options = *o;
	d->merged = 1;
	d->intervals = xcalloc(HTML_INTERVALS_MAX, sizeof(*d->intervals));
	d->waiters = profile__new();
	d->wakers = profile__new();
	return d;
}

static void free_verdicts(struct lock *l)
{
	for (size_t i = 0; i < l->n_verdicts; i++) {
		free((char *)l->verdicts[i].name);
		free((char *)l->verdicts[i].evidence);
		free((char *)l->verdicts[i].advice);
	}
	free(l->verdicts);
	l->verdicts = NULL;
	l->n_verdicts = 0;
}

static void free_lock(struct html_lock *l)
{
	free_verdicts(&l->sum);
	free((char *)l->sum.comm);
	free((char *)l->sum.name);
	free((char *)l->sum.where);
	free(l->owner);
	free(l->loads);
	free(l->key);
	free(l);
}

void html_data__free(struct html_data *d)
{
	struct html_lock *l, *next;

	if (!d)
		return;
	HASH_ITER (hh, d->locks, l, next) {
		HASH_DELETE(hh, d->locks, l);
		free_lock(l);
	}
	profile__free(d->waiters);
	profile__free(d->wakers);
	free(d->intervals);
	free(d->deadlocks);
	free(d->host);
	free(d->kernel);
	free(d->version);
	free(d);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	uint64_t ret;

	return __builtin_add_overflow(a, b, &ret) ? UINT64_MAX : ret;
}

/* Two texts: the newer one, if there is one. */
static void replace(char **text, const char *newer)
{
	if (!newer || (*text && !strcmp(*text, newer)))
		return;
	free(*text);
	*text = xstrdup(newer);
}

static void replace_const(const char **text, const char *newer)
{
	replace((char **)text, newer);
}

/* ---- intervals ---- */

/* Every two intervals become one. */
static void halve(struct html_data *d)
{
	struct html_lock *l, *next;

	for (size_t i = 0; i < d->n_intervals; i++) {
		struct html_interval *from = &d->intervals[i], *to = &d->intervals[i / 2];

		if (i % 2) {
			to->end_ms = from->end_ms;
			to->length_ns = sum(to->length_ns, from->length_ns);
			to->wait_ns = sum(to->wait_ns, from->wait_ns);
			to->idle_ns = sum(to->idle_ns, from->idle_ns);
			to->losses = sum(to->losses, from->losses);
		} else {
			*to = *from;
		}
	}
	HASH_ITER (hh, d->locks, l, next) {
		size_t n = 0;

		for (size_t i = 0; i < l->n_loads; i++) {
			struct html_load load = l->loads[i];

			load.interval /= 2;
			if (n && l->loads[n - 1].interval == load.interval)
				l->loads[n - 1].wait_ns =
					sum(l->loads[n - 1].wait_ns, load.wait_ns);
			else
				l->loads[n++] = load;
		}
		l->n_loads = n;
	}
	d->n_intervals = (d->n_intervals + 1) / 2;
	d->merged *= 2;
}

static void add_interval(struct html_data *d, const struct snapshot *s)
{
	uint64_t end_ms = (uint64_t)s->time.tv_sec * 1000 + (uint64_t)s->time.tv_nsec / 1000000;
	uint64_t length_ms = s->interval_ns / 1000000;
	struct html_interval *last;

	if (!d->begin_ms)
		d->begin_ms = end_ms - MIN(end_ms, length_ms);
	d->end_ms = end_ms;
	d->duration_ns = sum(d->duration_ns, s->interval_ns);
	if (d->pending == d->merged || !d->n_intervals) {
		if (d->n_intervals == HTML_INTERVALS_MAX)
			halve(d);
		d->intervals[d->n_intervals++] = (struct html_interval){};
		d->pending = 0;
	}
	d->pending++;
	last = &d->intervals[d->n_intervals - 1];
	last->end_ms = end_ms;
	last->length_ns = sum(last->length_ns, s->interval_ns);
	last->wait_ns = sum(last->wait_ns, s->totals.wait_ns);
	last->idle_ns = sum(last->idle_ns, s->idle.wait_ns);
	last->losses = sum(last->losses, snapshot__losses(s));
}

/* ---- locks ---- */

static struct html_lock *find_lock(struct html_data *d, const struct lock *row)
{
	struct html_lock *l;
	char key[64];

	snprintf(key, sizeof(key), "%s %d", row->id, row->kind);
	HASH_FIND_STR(d->locks, key, l);
	if (l)
		return l;
	l = xcalloc(1, sizeof(*l));
	l->key = xstrdup(key);
	memcpy(l->sum.id, row->id, sizeof(l->sum.id));
	l->sum.pid = row->pid;
	l->sum.address = row->address;
	l->sum.kind = row->kind;
	HASH_ADD_KEYPTR(hh, d->locks, l->key, strlen(l->key), l);
	return l;
}

static void add_load(struct html_lock *l, uint32_t interval, uint64_t wait_ns)
{
	if (!wait_ns)
		return;
	if (!l->n_loads || l->loads[l->n_loads - 1].interval != interval) {
		array__grow(l->loads, l->n_loads, l->capacity);
		l->loads[l->n_loads++] = (struct html_load){ interval, 0 };
	}
	l->loads[l->n_loads - 1].wait_ns = sum(l->loads[l->n_loads - 1].wait_ns, wait_ns);
}

static void add_histogram(uint32_t *to, const uint32_t *from)
{
	for (int i = 0; i < HIST_BUCKETS; i++)
		if (__builtin_add_overflow(to[i], from[i], &to[i]))
			to[i] = UINT32_MAX;
}

static void add_exact(struct lock *to, const struct lock *from)
{
	to->exact = true;
	to->acquisitions = sum(to->acquisitions, from->acquisitions);
	to->contended = sum(to->contended, from->contended);
	to->try_failures = sum(to->try_failures, from->try_failures);
	to->hold_known = from->hold_known;
	to->hold_ns = sum(to->hold_ns, from->hold_ns);
	to->max_hold_ns = MAX(to->max_hold_ns, from->max_hold_ns);
	add_histogram(to->hold_hist, from->hold_hist);
}

static void add_figures(struct lock *to, const struct lock *from)
{
	to->class = from->class;
	to->sleeps = sum(to->sleeps, from->sleeps);
	to->wait_ns = sum(to->wait_ns, from->wait_ns);
	to->blocked_ns = sum(to->blocked_ns, from->blocked_ns);
	to->delay_ns = sum(to->delay_ns, from->delay_ns);
	to->timeouts = sum(to->timeouts, from->timeouts);
	to->max_ns = MAX(to->max_ns, from->max_ns);
	to->waiting = from->waiting;
	to->oldest_ns = from->oldest_ns;
	to->deadlocked |= from->deadlocked;
	to->owner_died = from->owner_died ? from->owner_died : to->owner_died;
	add_histogram(to->hist, from->hist);
	if (from->exact)
		add_exact(to, from);
	if (from->switches_known) {
		to->switches_known = true;
		to->switches = sum(to->switches, from->switches);
		to->forced_switches = sum(to->forced_switches, from->forced_switches);
	}
}

static void take_verdicts(struct lock *to, const struct lock *from)
{
	if (!from->n_verdicts)
		return;
	free_verdicts(to);
	to->verdicts = xcalloc(from->n_verdicts, sizeof(*to->verdicts));
	to->n_verdicts = from->n_verdicts;
	for (size_t i = 0; i < from->n_verdicts; i++) {
		replace_const(&to->verdicts[i].name, from->verdicts[i].name);
		replace_const(&to->verdicts[i].evidence, from->verdicts[i].evidence);
		replace_const(&to->verdicts[i].advice, from->verdicts[i].advice);
	}
}

static void take_owner(struct html_lock *to, const struct lock *from)
{
	const struct field *f = fields__find(ENTITY_LOCK, "owner");
	struct value v = {};

	if (f && (from->owner || from->readers > 0))
		v = f->get(from);
	if (v.known)
		replace(&to->owner, value__text(&v));
}

static void add_lock(struct html_data *d, const struct lock *row)
{
	struct html_lock *l = find_lock(d, row);

	add_figures(&l->sum, row);
	replace_const(&l->sum.comm, row->comm);
	replace_const(&l->sum.name, row->name);
	replace_const(&l->sum.where, row->where);
	take_verdicts(&l->sum, row);
	take_owner(l, row);
	add_load(l, (uint32_t)d->n_intervals - 1, row->wait_ns);
	profile__add_lock(d->waiters, row, ROLE_WAITER);
	profile__add_lock(d->wakers, row, ROLE_WAKER);
}

/* ---- the rest ---- */

static void add_totals(struct totals *to, const struct totals *from)
{
	to->sleeps = sum(to->sleeps, from->sleeps);
	to->wait_ns = sum(to->wait_ns, from->wait_ns);
	to->blocked_ns = sum(to->blocked_ns, from->blocked_ns);
	to->delay_ns = sum(to->delay_ns, from->delay_ns);
	to->waiting = from->waiting;
}

static void take_deadlocks(struct html_data *d, const struct snapshot *s)
{
	char *text = NULL;
	size_t size;
	FILE *out = s->n_deadlocks ? open_memstream(&text, &size) : NULL;

	if (!out)
		return;
	for (size_t i = 0; i < s->n_deadlocks; i++)
		words__deadlock(out, &s->deadlocks[i]);
	fclose(out);
	free(d->deadlocks);
	d->deadlocks = text;
}

void html_data__add(struct html_data *d, const struct snapshot *s)
{
	size_t n;
	const void **rows = select__all(s, &d->options, ENTITY_LOCK, &n);
	struct html_lock *l, *next;

	add_interval(d, s);
	HASH_ITER (hh, d->locks, l, next) /* of now; those that still are say so again */
		l->sum.waiting = l->sum.oldest_ns = 0;
	for (size_t i = 0; i < n; i++)
		add_lock(d, rows[i]);
	free(rows);
	add_totals(&d->totals, &s->totals);
	add_totals(&d->idle, &s->idle);
	for (int i = 0; i < LOSS_COUNT; i++)
		d->losses[i] = sum(d->losses[i], s->losses[i]);
	d->self.cpu_ns = sum(d->self.cpu_ns, s->self.cpu_ns);
	d->self.rss_bytes = MAX(d->self.rss_bytes, s->self.rss_bytes);
	d->exact |= s->exact;
	replace(&d->host, s->host);
	replace(&d->kernel, s->kernel);
	replace(&d->version, s->version);
	take_deadlocks(d, s);
}
