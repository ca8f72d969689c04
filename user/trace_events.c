// SPDX-License-Identifier: GPL-2.0-only
#include "trace_events.h"

#include <inttypes.h>

#include "util.h"
#include "words.h"

static const char *kind_of(const struct lock *l)
{
	return (unsigned int)l->kind < KIND_COUNT ? lock_kind_names[l->kind] : "lock";
}

static void put_lock_category(struct trace_json *j, const struct lock *l)
{
	const char *class = l->class == CLASS_IDLE ? "idle" : "contention";
	char category[64];

	snprintf(category, sizeof(category), "%s,%s", kind_of(l), class);
	trace_json__text(j, "cat", category);
}

static void put_lock(struct trace_json *j, const struct lock *l)
{
	trace_json__text(j, "lock", l->id);
	trace_json__text(j, "kind", kind_of(l));
	trace_json__address(j, "address", l->address);
	trace_json__text(j, "where", l->where);
}

static void put_thread(struct trace_json *j, const char *key, const struct thread *t)
{
	if (!t) {
		trace_json__text(j, key, NULL);
		return;
	}
	trace_json__open(j, key);
	trace_json__number(j, "pid", (uint64_t)t->pid);
	trace_json__number(j, "tid", (uint64_t)t->tid);
	trace_json__text(j, "comm", t->comm);
	trace_json__close(j);
}

/* A slice's beginning; what follows are its arguments. */
static void begin_slice(struct trace_json *j, const struct thread *t, uint64_t begin_ns,
			uint64_t end_ns)
{
	trace_json__event(j, 'X', t->pid, t->tid, begin_ns);
	trace_json__us(j, "dur", end_ns - begin_ns);
}

static void end_event(struct trace_json *j)
{
	trace_json__close(j);
	trace_json__end(j);
}

void trace_events__name(struct trace_json *j, pid_t pid, pid_t tid, const char *name)
{
	trace_json__event(j, 'M', pid, tid, j->begin_ns);
	trace_json__text(j, "name", tid ? "thread_name" : "process_name");
	trace_json__open(j, "args");
	trace_json__text(j, "name", name);
	end_event(j);
}

static void put_sleep(struct trace_json *j, const struct trace_slice *slice, const char *name)
{
	const struct sleep *s = slice->sleep;
	bool before = s->start_ns < j->begin_ns;

	begin_slice(j, s->thread, slice->begin_ns, slice->end_ns);
	trace_json__text(j, "name", name);
	put_lock_category(j, s->lock);
	trace_json__open(j, "args");
	put_lock(j, s->lock);
	trace_json__text(j, "ended", s->ended < END_COUNT ? sleep_end_names[s->ended] : NULL);
	put_thread(j, "waker", s->waker);
	trace_json__number(j, "blocked_ns", s->woken_ns - MIN(s->woken_ns, s->start_ns));
	trace_json__number(j, "delay_ns", s->end_ns - MIN(s->end_ns, s->woken_ns));
	trace_json__flag(j, "began_before", before);
	trace_json__flag(j, "clipped", slice->clipped && !before);
	trace_json__flag(j, "earlier", s->earlier);
	trace_json__flag(j, "resumed", s->resumed);
	trace_json__flag(j, "inferred", s->inferred);
	end_event(j);
}

/* It ends 1 ns before what it lies in: see trace_layout.c. */
static void put_delay(struct trace_json *j, const struct trace_slice *slice)
{
	begin_slice(j, slice->sleep->thread, slice->woken_ns, slice->end_ns - 1);
	trace_json__text(j, "name", "run queue");
	trace_json__text(j, "cat", "delay");
	trace_json__end(j);
}

static void put_mark(struct trace_json *j, const struct trace_slice *slice, const char *name)
{
	char text[WORDS_MAX + 8];

	snprintf(text, sizeof(text), "wakes %s", name);
	begin_slice(j, slice->sleep->waker, slice->sleep->woken_ns, slice->mark_end_ns);
	trace_json__text(j, "name", text);
	trace_json__text(j, "cat", "wake");
	trace_json__end(j);
}

/* One end of an arrow. It is bound to the slice that was written last before it at its time. */
static void put_arrow(struct trace_json *j, char what, const struct thread *t, uint64_t at_ns,
		      uint64_t id)
{
	trace_json__event(j, what, t->pid, t->tid, at_ns);
	trace_json__text(j, "name", "wake");
	trace_json__text(j, "cat", "wake");
	trace_json__number(j, "id", id);
	if (what == 'f')
		trace_json__text(j, "bp", "e");
	trace_json__end(j);
}

void trace_events__sleep(struct trace_json *j, const struct trace_slice *slice, uint64_t id)
{
	const struct sleep *s = slice->sleep;
	char name[WORDS_MAX];

	words__lock_name(name, sizeof(name), s->lock);
	if (slice->has_mark) {
		put_mark(j, slice, name);
		put_arrow(j, 's', s->waker, s->woken_ns, id);
	}
	put_sleep(j, slice, name);
	if (slice->has_mark)
		put_arrow(j, 'f', s->thread, slice->woken_ns, id);
	if (slice->end_ns > slice->woken_ns && s->woken_ns)
		put_delay(j, slice);
}

static void put_owner(struct trace_json *j, const struct owner *o)
{
	if (!o || !o->thread || (unsigned int)o->proof >= PROOF_COUNT)
		return;
	put_thread(j, "owner", o->thread);
	trace_json__text(j, "owner_proof", owner_proof_names[o->proof]);
}

void trace_events__waiting(struct trace_json *j, const struct thread *t, uint64_t begin_ns,
			   uint64_t end_ns)
{
	const struct lock *l = t->waiting_for;
	char name[WORDS_MAX];

	begin_slice(j, t, begin_ns, end_ns);
	trace_json__text(j, "name", words__lock_name(name, sizeof(name), l));
	put_lock_category(j, l);
	trace_json__open(j, "args");
	put_lock(j, l);
	trace_json__flag(j, "still_waiting", true);
	trace_json__number(j, "waiting_ns", t->waiting_ns);
	trace_json__flag(j, "began_before", t->waiting_ns > end_ns - j->begin_ns);
	trace_json__flag(j, "deadlocked", l->deadlocked);
	put_owner(j, l->owner);
	end_event(j);
}

void trace_events__load(struct trace_json *j, pid_t pid, uint64_t at_ns, double load)
{
	trace_json__event(j, 'C', pid, 0, at_ns);
	trace_json__text(j, "name", "threads waiting");
	trace_json__open(j, "args");
	trace_json__decimals(j, "load", load);
	end_event(j);
}

static void begin_instant(struct trace_json *j, pid_t pid, uint64_t at_ns, const char *name,
			  const char *category)
{
	trace_json__event(j, 'i', pid, 0, at_ns);
	trace_json__text(j, "s", pid ? "p" : "g");
	trace_json__text(j, "name", name);
	trace_json__text(j, "cat", category);
	trace_json__open(j, "args");
}

static void put_deadlocked(struct trace_json *j, const struct deadlock_thread *d, pid_t pid)
{
	char name[WORDS_MAX], waits[WORDS_MAX] = "a lock", held[WORDS_MAX], line[4 * WORDS_MAX];
	char key[32];

	words__thread(name, sizeof(name), d->thread, pid);
	words__thread(held, sizeof(held), d->held_by, pid);
	if (d->waits_for)
		words__lock(waits, sizeof(waits), d->waits_for);
	snprintf(key, sizeof(key), "thread %d", (int)d->thread->tid);
	snprintf(line, sizeof(line), "%s waits for %s, held by %s", name, waits, held);
	trace_json__text(j, key, line);
}

void trace_events__deadlock(struct trace_json *j, const struct deadlock *d, uint64_t at_ns)
{
	begin_instant(j, d->pid, at_ns, "DEADLOCK", "deadlock");
	for (size_t i = 0; i < d->n_threads; i++)
		put_deadlocked(j, &d->threads[i], d->pid);
	end_event(j);
}

void trace_events__losses(struct trace_json *j, const uint64_t *losses, uint64_t at_ns)
{
	uint64_t dropped = losses[LOSS_EVENTS_DROPPED], others = 0;
	char name[96];

	if (dropped) {
		snprintf(name, sizeof(name), "%" PRIu64 " sleeps of this interval are not shown",
			 dropped);
		begin_instant(j, 0, at_ns, name, "loss");
		trace_json__number(j, loss_names[LOSS_EVENTS_DROPPED], dropped);
		end_event(j);
	}
	for (int i = 0; i < LOSS_COUNT; i++)
		others |= i == LOSS_EVENTS_DROPPED ? 0 : losses[i];
	if (!others)
		return;
	begin_instant(j, 0, at_ns, "losses of this interval", "loss");
	for (int i = 0; i < LOSS_COUNT; i++)
		if (losses[i] && i != LOSS_EVENTS_DROPPED)
			trace_json__number(j, loss_names[i], losses[i]);
	end_event(j);
}

void trace_events__gap(struct trace_json *j, uint64_t at_ns)
{
	begin_instant(j, 0, at_ns, "an interval without single sleeps", "loss");
	end_event(j);
}
