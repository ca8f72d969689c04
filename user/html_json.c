// SPDX-License-Identifier: GPL-2.0-only
/* The data of a page as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "html_data.h"
#include "profile_internal.h"
#include "select.h"
#include "text.h"
#include "util.h"

/* As a JSON string, cleaned; NULL: null. */
static void write_text(FILE *out, const char *text)
{
	char clean[4096];

	if (!text) {
		fputs("null", out);
		return;
	}
	fputc('"', out);
	text__clean(clean, sizeof(clean), text);
	for (const char *c = clean; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c == '<' || *c == '>' || *c == '&') /* no end of an element, no comment */
			fprintf(out, "\\u%04x", (unsigned int)*c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

static void member(FILE *out, const char *key, const char *text)
{
	fprintf(out, ",\"%s\":", key);
	write_text(out, text);
}

static void number(FILE *out, const char *key, uint64_t n)
{
	fprintf(out, ",\"%s\":%" PRIu64, key, n);
}

/* [bucket, count] of those that are not empty. */
static void histogram(FILE *out, const char *key, const uint32_t *hist)
{
	bool first = true;

	fprintf(out, ",\"%s\":[", key);
	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		if (!hist[i])
			continue;
		fprintf(out, "%s[%u,%u]", first ? "" : ",", i, hist[i]);
		first = false;
	}
	fputc(']', out);
}

static void put_exact(FILE *out, const struct lock *l)
{
	if (l->exact) {
		number(out, "acquisitions", l->acquisitions);
		number(out, "contended", l->contended);
		number(out, "try_failures", l->try_failures);
		histogram(out, "hold_hist", l->hold_hist);
	}
	if (l->exact && l->hold_known) {
		number(out, "hold", l->hold_ns);
		number(out, "max_hold", l->max_hold_ns);
	}
	if (l->switches_known) {
		number(out, "switches", l->switches);
		number(out, "forced_switches", l->forced_switches);
	}
}

static void put_verdicts(FILE *out, const struct lock *l)
{
	fputs(",\"verdicts\":[", out);
	for (size_t i = 0; i < l->n_verdicts; i++) {
		const struct verdict *v = &l->verdicts[i];

		fputs(i ? ",[" : "[", out);
		write_text(out, v->name);
		fputc(',', out);
		write_text(out, v->evidence);
		fputc(',', out);
		write_text(out, v->advice);
		fputc(']', out);
	}
	fputc(']', out);
}

static void put_lock(FILE *out, const struct html_lock *row)
{
	struct lock l = row->sum;

	lock__percentiles(&l);
	fprintf(out, "{\"pid\":%d,\"address\":\"0x%" PRIx64 "\"", (int)l.pid, l.address);
	member(out, "process", l.comm);
	member(out, "kind", lock_kind_names[l.kind]);
	member(out, "class", lock_class_names[l.class]);
	member(out, "name", l.name);
	member(out, "where", l.where);
	member(out, "owner", row->owner);
	number(out, "sleeps", l.sleeps);
	number(out, "wait", l.wait_ns);
	number(out, "blocked", l.blocked_ns);
	number(out, "delay", l.delay_ns);
	number(out, "max", l.max_ns);
	number(out, "p50", l.p50_ns);
	number(out, "p99", l.p99_ns);
	number(out, "timeouts", l.timeouts);
	number(out, "waiting", l.waiting);
	number(out, "oldest", l.oldest_ns);
	fprintf(out, ",\"deadlocked\":%s", l.deadlocked ? "true" : "false");
	histogram(out, "hist", l.hist);
	put_exact(out, &l);
	put_verdicts(out, &l);
	fputs(",\"load\":[", out);
	for (size_t i = 0; i < row->n_loads; i++)
		fprintf(out, "%s[%u,%" PRIu64 "]", i ? "," : "", row->loads[i].interval,
			row->loads[i].wait_ns);
	fputs("]}", out);
}

static const struct html_lock *row_of(const void *lock)
{
	return (const struct html_lock *)((const char *)lock - offsetof(struct html_lock, sum));
}

static void put_locks(FILE *out, const struct html_data *d)
{
	const void **rows = xcalloc(HASH_COUNT(d->locks), sizeof(*rows));
	struct html_lock *l, *next;
	size_t n = 0, kept;

	HASH_ITER (hh, d->locks, l, next)
		rows[n++] = &l->sum;
	fields__sort(fields__default_sort(ENTITY_LOCK), false, rows, n);
	kept = select__top(rows, n, ENTITY_LOCK, d->options.top);
	fprintf(out, ",\"left_out\":%zu,\"locks\":[", n - kept);
	for (size_t i = 0; i < kept; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_lock(out, row_of(rows[i]));
	}
	fputs("]", out);
	free(rows);
}

static void put_intervals(FILE *out, const struct html_data *d)
{
	fputs(",\"intervals\":[", out);
	for (size_t i = 0; i < d->n_intervals; i++) {
		const struct html_interval *v = &d->intervals[i];

		fprintf(out, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
			i ? "," : "", v->end_ms, v->length_ns, v->wait_ns, v->idle_ns, v->losses);
	}
	fputc(']', out);
}

/* Lower bounds of the buckets in ns, and the end of the last. */
static void put_edges(FILE *out)
{
	fputs(",\"edges\":[", out);
	for (unsigned int i = 0; i <= HIST_BUCKETS; i++)
		fprintf(out, "%s%" PRIu64, i ? "," : "", hist__edge(i));
	fputc(']', out);
}

static void put_losses(FILE *out, const struct html_data *d)
{
	bool first = true;

	fputs(",\"losses\":[", out);
	for (int i = 0; i < LOSS_COUNT; i++) {
		if (!d->losses[i])
			continue;
		fprintf(out, "%s[\"%s\",%" PRIu64 ",", first ? "" : ",", loss_names[i],
			d->losses[i]);
		write_text(out, loss_help[i]);
		fputc(']', out);
		first = false;
	}
	fputc(']', out);
}

/* Lines stay lines: each becomes one text. */
static void put_deadlocks(FILE *out, const char *text)
{
	fputs(",\"deadlocks\":[", out);
	for (bool first = true; text && *text; first = false) {
		size_t n = strcspn(text, "\n");
		_cleanup_(util__freep) char *line = xcalloc(1, n + 1);

		memcpy(line, text, n);
		if (!first)
			fputc(',', out);
		write_text(out, line);
		text += n + (text[n] == '\n');
	}
	fputc(']', out);
}

/* ---- stacks ---- */

/* A frame for each line of a location. *first: where those of a location begin, by its id. */
static void put_locations(FILE *out, const struct profile *p, const char **texts, size_t *first)
{
	const struct profile_item **functions, **mappings;
	struct profile_item *item, *next;
	size_t rows = 1;

	functions = xcalloc(HASH_COUNT(p->functions) + 1, sizeof(*functions));
	mappings = xcalloc(HASH_COUNT(p->mappings) + 1, sizeof(*mappings));
	HASH_ITER (hh, p->functions, item, next)
		functions[item->id] = item;
	HASH_ITER (hh, p->mappings, item, next)
		mappings[item->id] = item;
	fputs("\"frames\":[null", out);
	HASH_ITER (hh, p->locations, item, next) {
		const struct location_key *key = item->key;
		const struct mapping_key *mapping =
			key->mapping ? mappings[key->mapping]->key : NULL;
		size_t n;
		const struct line_key *lines = location_lines(item, &n);

		first[item->id] = rows;
		rows += n;
		for (size_t i = 0; i < n; i++) {
			const struct function_key *function = functions[lines[i].function]->key;

			fputs(",[", out);
			write_text(out, texts[function->name]);
			fputc(',', out);
			write_text(out, texts[function->file]);
			fprintf(out, ",%" PRIu64 ",", lines[i].line);
			write_text(out, texts[mapping ? mapping->path : 0]);
			fputc(']', out);
		}
	}
	first[HASH_COUNT(p->locations) + 1] = rows;
	fputs("]", out);
	free(functions);
	free(mappings);
}

/* ["pid:address:kind", wait, sleeps, [frames, innermost first]] */
static void put_samples(FILE *out, const struct profile *p, const char **texts, const size_t *first)
{
	struct profile_item *item, *next;

	fputs(",\"stacks\":[", out);
	HASH_ITER (hh, p->samples, item, next) {
		const struct sample_key *key = item->key;
		const uint64_t *locations = (const uint64_t *)(key + 1);
		size_t n = (item->size - sizeof(*key)) / sizeof(*locations);

		fprintf(out, "%s[\"%d:%s:%s\",%" PRIu64 ",%" PRIu64 ",[",
			item->id > 1 ? ",\n" : "\n", (int)key->pid,
			key->address ? texts[key->address] : "", key->kind ? texts[key->kind] : "",
			item->values[1], item->values[0]);
		for (size_t i = 0; i < n; i++)
			for (size_t row = first[locations[i]]; row < first[locations[i] + 1]; row++)
				fprintf(out, "%s%zu", i || row > first[locations[i]] ? "," : "",
					row);
		fputs("]]", out);
	}
	fputs("]", out);
}

/* A profile's tables as the value of a member. */
static void write_stacks(FILE *out, const struct profile *p)
{
	const char **texts = xcalloc(HASH_COUNT(p->strings) + 1, sizeof(*texts));
	size_t *first = xcalloc(HASH_COUNT(p->locations) + 2, sizeof(*first));
	struct profile_item *item, *next;

	HASH_ITER (hh, p->strings, item, next)
		texts[item->id] = item->key;
	fputc('{', out);
	put_locations(out, p, texts, first);
	put_samples(out, p, texts, first);
	fputc('}', out);
	free(first);
	free(texts);
}

void html_json__write(FILE *out, const struct html_data *d)
{
	fprintf(out, "{\"begin\":%" PRIu64 ",\"end\":%" PRIu64, d->begin_ms, d->end_ms);
	member(out, "host", d->host);
	member(out, "kernel", d->kernel);
	member(out, "version", d->version);
	member(out, "tier", d->exact ? "exact" : "sleep");
	number(out, "duration", d->duration_ns);
	number(out, "wait", d->totals.wait_ns);
	number(out, "sleeps", d->totals.sleeps);
	number(out, "waiting", d->totals.waiting);
	number(out, "idle_wait", d->idle.wait_ns);
	number(out, "idle_waiting", d->idle.waiting);
	number(out, "self_cpu", d->self.cpu_ns);
	number(out, "self_rss", d->self.rss_bytes);
	put_losses(out, d);
	put_deadlocks(out, d->deadlocks);
	put_intervals(out, d);
	put_edges(out);
	put_locks(out, d);
	fputs(",\n\"waiters\":", out);
	write_stacks(out, d->waiters);
	fputs(",\n\"wakers\":", out);
	write_stacks(out, d->wakers);
	fputs("}\n", out);
}
