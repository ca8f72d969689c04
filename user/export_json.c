// SPDX-License-Identifier: GPL-2.0-only
/* The snapshot as JSON, schema locktop/1: one object a line. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "export.h"
#include "select.h"
#include "text.h"
#include "util.h"

/* Text that is not UTF-8 is made so: jansson refuses it. NULL becomes null. */
static json_t *text(const char *s)
{
	char clean[4096];

	if (!s)
		return json_null();
	return json_string(text__clean(clean, sizeof(clean), s));
}

static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *scalar(const struct field *f, const void *row)
{
	struct value v = f->get(row);
	char hex[32];

	if (!v.known)
		return json_null();
	if (f->unit == UNIT_TEXT)
		return text(value__text(&v));
	if (f->unit == UNIT_RATIO)
		return json_real((double)v.number / VALUE_WHOLE);
	if (f->unit == UNIT_FLAG)
		return json_boolean(v.number);
	if (f->unit == UNIT_ADDRESS) {
		snprintf(hex, sizeof(hex), "0x%" PRIx64, (uint64_t)v.number);
		return json_string(hex);
	}
	return json_integer(v.number);
}

static json_t *scalars(enum entity entity, const void *row)
{
	json_t *o = json_object();

	for (const struct field *f = fields__of(entity); f->key; f++)
		if (f->flags & FIELD_JSON)
			json_object_set_new(o, f->key, scalar(f, row));
	return o;
}

static json_t *histogram(const uint32_t *hist)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		if (hist[i])
			json_array_append_new(a, json_pack("{s:o, s:I}", "le_ns",
							   number(hist__edge(i + 1)), "count",
							   (json_int_t)hist[i]));
	return a;
}

static json_t *stack(const struct frame *frames, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct frame *f = &frames[i];
		char hex[32];

		snprintf(hex, sizeof(hex), "0x%" PRIx64, f->offset);
		json_array_append_new(
			a, json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "function",
				     text(f->function), "module", text(f->module), "offset", hex,
				     "file", text(f->file), "line",
				     f->line ? json_integer(f->line) : json_null(), "language",
				     text(f->language), "build_id", text(f->build_id)));
	}
	return a;
}

static json_t *sites(const struct lock *lock)
{
	json_t *a = json_array();

	for (size_t i = 0; i < lock->n_sites; i++) {
		const struct site *s = &lock->sites[i];

		json_array_append_new(a, json_pack("{s:s, s:o, s:f, s:o, s:b, s:o}", "role",
						   site_role_names[s->role], "samples",
						   number(s->samples), "share", s->share, "wait_ns",
						   number(s->wait_ns), "truncated", s->truncated,
						   "frames", stack(s->frames, s->n_frames)));
	}
	return a;
}

static json_t *name_of(const struct thread *t)
{
	return text(t->python ? t->python->name : NULL);
}

static json_t *number_or_null(uint64_t n)
{
	return n ? number(n) : json_null();
}

static json_t *id(const struct lock *lock)
{
	return lock ? text(lock->id) : json_null();
}

/* Who a thread is and how that is known, as owners and holders begin. */
static json_t *identity(const struct thread *t, enum owner_proof proof)
{
	return json_pack("{s:i, s:i, s:o, s:o, s:s, s:b}", "tid", (int)t->tid, "pid", (int)t->pid,
			 "comm", text(t->comm), "name", name_of(t), "proof",
			 owner_proof_names[proof], "inferred", proof == PROOF_LAST_WAKER);
}

static json_t *owner(const struct owner *o)
{
	const struct thread *t = o ? o->thread : NULL;
	json_t *object;

	if (!t)
		return json_null();
	object = identity(t, o->proof);
	json_object_set_new(object, "held_ns", number_or_null(o->held_ns));
	json_object_set_new(object, "state",
			    t->state == STATE_UNKNOWN ? json_null()
						      : text(thread_state_names[t->state]));
	json_object_set_new(object, "syscall", text(t->syscall));
	json_object_set_new(object, "state_ns", number_or_null(t->state_ns));
	json_object_set_new(object, "waiting_for", id(t->waiting_for));
	json_object_set_new(object, "frames",
			    t->frames ? stack(t->frames, t->n_frames) : json_null());
	return object;
}

static json_t *holders(const struct lock *lock)
{
	json_t *a = json_array();

	for (size_t i = 0; i < lock->n_holders; i++) {
		const struct holder *h = &lock->holders[i];
		json_t *object = identity(h->thread, h->proof);

		json_object_set_new(object, "samples", number(h->samples));
		json_object_set_new(object, "share", json_real(h->share));
		json_object_set_new(object, "wait_ns", number(h->wait_ns));
		json_array_append_new(a, object);
	}
	return a;
}

static json_t *verdicts(const struct lock *lock)
{
	json_t *a = json_array();

	for (size_t i = 0; i < lock->n_verdicts; i++) {
		const struct verdict *v = &lock->verdicts[i];

		json_array_append_new(a, json_pack("{s:o, s:o, s:o}", "name", text(v->name),
						   "evidence", text(v->evidence), "advice",
						   text(v->advice)));
	}
	return a;
}

/*
 * Rows are dumped one by one: a tree of ten thousand threads would be larger than all else that
 * locktop holds. flags: JSON_EMBED leaves an object's braces out. 0 or -errno.
 */
static int dump(FILE *out, json_t *json, size_t flags)
{
	char *text = json ? json_dumps(json, JSON_COMPACT | flags) : NULL;
	int err = 0;

	json_decref(json);
	if (!text)
		return -ENOMEM;
	errno = 0;
	if (fputs(text, out) == EOF)
		err = errno ? -errno : -EIO;
	free(text);
	return err;
}

static json_t *count_or_null(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static json_t *python_state(const struct python_lock_state *p)
{
	json_t *missing;

	if (!p)
		return json_null();
	missing = json_array();
	for (size_t i = 0; i < p->n_missing; i++)
		json_array_append_new(missing,
				      json_pack("{s:i, s:o}", "tid", (int)p->missing[i]->tid,
						"name", name_of(p->missing[i])));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "parties", count_or_null(p->parties),
			 "arrived", count_or_null(p->arrived), "missing", missing, "capacity",
			 count_or_null(p->capacity), "size", count_or_null(p->size), "recursion",
			 count_or_null(p->recursion));
}

static json_t *row_object(enum entity entity, const void *row)
{
	json_t *object = scalars(entity, row);
	const struct lock *lock = row;

	if (entity == ENTITY_LOCK) {
		json_object_set_new(object, "histogram", histogram(lock->hist));
		json_object_set_new(object, "hold_histogram",
				    lock->exact ? histogram(lock->hold_hist) : json_null());
		json_object_set_new(object, "owner", owner(lock->owner));
		json_object_set_new(object, "holders", holders(lock));
		json_object_set_new(object, "verdicts", verdicts(lock));
		json_object_set_new(object, "python", python_state(lock->python));
		json_object_set_new(object, "sites", sites(lock));
	}
	return object;
}

static int write_rows(FILE *out, const char *key, const struct snapshot *s, const struct options *o,
		      enum entity entity)
{
	size_t n;
	const void **row = select__rows(s, o, entity, &n);
	int err = 0;

	fprintf(out, ",\"%s\":[", key);
	for (size_t i = 0; i < n && !err; i++) {
		if (i)
			fputc(',', out);
		err = dump(out, row_object(entity, row[i]), 0);
	}
	fputc(']', out);
	free(row);
	return err;
}

static json_t *deadlock_thread(const struct deadlock_thread *d)
{
	const struct thread *t = d->thread;

	return json_pack("{s:i, s:i, s:o, s:o, s:o, s:i, s:o}", "pid", (int)t->pid, "tid",
			 (int)t->tid, "comm", text(t->comm), "name", name_of(t), "waits_for",
			 id(d->waits_for), "held_by", (int)d->held_by->tid, "frames",
			 stack(t->frames, t->n_frames));
}

static int write_deadlock(FILE *out, const struct deadlock *d)
{
	int err = 0;

	fprintf(out, "{\"pid\":%d,\"since_ns\":%" PRIu64 ",\"threads\":[", (int)d->pid,
		MIN(d->since_ns, (uint64_t)INT64_MAX));
	for (size_t i = 0; i < d->n_threads && !err; i++) {
		if (i)
			fputc(',', out);
		err = dump(out, deadlock_thread(&d->threads[i]), 0);
	}
	fputs("]}", out);
	return err;
}

static int write_deadlocks(FILE *out, const struct snapshot *s)
{
	int err = 0;

	fputs(",\"deadlocks\":[", out);
	for (size_t i = 0; i < s->n_deadlocks && !err; i++) {
		if (i)
			fputc(',', out);
		err = write_deadlock(out, &s->deadlocks[i]);
	}
	fputc(']', out);
	return err;
}

static json_t *edge(const struct inversion_edge *e)
{
	json_t *from = e->from_frame ? stack(e->from_frame, 1) : NULL;
	json_t *object =
		json_pack("{s:o, s:o, s:o, s:o, s:i, s:o, s:b, s:o}", "from", text(e->from), "to",
			  text(e->to), "from_name", text(e->from_name), "to_name", text(e->to_name),
			  "tid", (int)e->tid, "count", number(e->count), "truncated", e->truncated,
			  "frames", stack(e->frames, e->n_frames));

	json_object_set(object, "from_frame", from ? json_array_get(from, 0) : json_null());
	json_decref(from);
	return object;
}

static json_t *inversion(const struct inversion *inversion)
{
	json_t *locks = json_array(), *edges = json_array();

	for (size_t i = 0; i < inversion->n_edges; i++) {
		json_array_append_new(locks, text(inversion->edges[i].from));
		json_array_append_new(edges, edge(&inversion->edges[i]));
	}
	return json_pack("{s:i, s:o, s:b, s:o, s:o}", "pid", (int)inversion->pid, "comm",
			 text(inversion->comm), "new", inversion->fresh, "locks", locks, "sites",
			 edges);
}

/* Without the exact tier nobody looks at orders: that there is none is not known. */
static int write_inversions(FILE *out, const struct snapshot *s)
{
	int err = 0;

	fputs(s->exact ? ",\"inversions\":[" : ",\"inversions\":null", out);
	for (size_t i = 0; s->exact && i < s->n_inversions && !err; i++) {
		if (i)
			fputc(',', out);
		err = dump(out, inversion(&s->inversions[i]), 0);
	}
	if (s->exact)
		fputc(']', out);
	return err;
}

static json_t *losses(const struct snapshot *s)
{
	json_t *o = json_object();

	for (int i = 0; i < LOSS_COUNT; i++)
		json_object_set_new(o, loss_names[i], number(s->losses[i]));
	return o;
}

static json_t *self(const struct self_cost *c)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "cpu_ns", number(c->cpu_ns), "rss_bytes",
			 number(c->rss_bytes), "probe_ns",
			 c->probe_known ? number(c->probe_ns) : json_null(), "probe_runs",
			 c->probe_known ? number(c->probe_runs) : json_null());
}

static json_t *head(const struct snapshot *s)
{
	const struct totals *t = &s->totals;
	char time[64], seconds[32];
	struct tm tm;

	gmtime_r(&s->time.tv_sec, &tm);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(time, sizeof(time), "%s.%03ldZ", seconds, s->time.tv_nsec / 1000000);
	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:s, s:o, s:o, s:o,"
			 " s:{s:o, s:o, s:o, s:o, s:o}, s:{s:o, s:o, s:o}}",
			 "schema", "locktop/1", "version", s->version, "host", text(s->host),
			 "kernel", text(s->kernel), "time", time, "interval_ns",
			 number(s->interval_ns), "tier", s->exact ? "exact" : "sleep",
			 "exact_share", s->exact ? json_real(s->exact_share) : json_null(),
			 "losses", losses(s), "self", self(&s->self), "totals", "sleeps",
			 number(t->sleeps), "wait_ns", number(t->wait_ns), "blocked_ns",
			 number(t->blocked_ns), "delay_ns", number(t->delay_ns), "waiting",
			 number(t->waiting), "idle", "sleeps", number(s->idle.sleeps), "wait_ns",
			 number(s->idle.wait_ns), "waiting", number(s->idle.waiting));
}

int export_json__write(FILE *out, const struct snapshot *s, const struct options *o, bool first)
{
	int err;

	fputc('{', out);
	err = dump(out, head(s), JSON_EMBED);
	if (!err)
		err = write_rows(out, "processes", s, o, ENTITY_PROCESS);
	if (!err)
		err = write_rows(out, "locks", s, o, ENTITY_LOCK);
	if (!err)
		err = write_rows(out, "threads", s, o, ENTITY_THREAD);
	if (!err)
		err = write_deadlocks(out, s);
	if (!err)
		err = write_inversions(out, s);
	errno = 0;
	if (!err && (fputs("}\n", out) == EOF || ferror(out)))
		err = errno ? -errno : -EIO;
	return err;
}
