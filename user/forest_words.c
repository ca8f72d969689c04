// SPDX-License-Identifier: GPL-2.0-only
/* The lines of a forest in words. */
#include <stdio.h>
#include <string.h>

#include "doing.h"
#include "forest.h"
#include "text.h"
#include "util.h"
#include "words.h"

/* Its process is said where it is not that of the line above. */
static void thread_words(char *buf, const struct thread *t, pid_t pid)
{
	words__thread(buf, WORDS_MAX, t, t->tid == t->pid ? t->pid : pid);
}

/* "log-flusher 4300 (dbserver 4242)" */
static void root_words(char *buf, const struct thread *t)
{
	char who[WORDS_MAX], process[64];

	words__thread(who, sizeof(who), t, t->pid);
	text__clean(process, sizeof(process), t->process_comm ? t->process_comm : "?");
	if (t->tid == t->pid)
		snprintf(buf, WORDS_MAX, "%.200s", who);
	else
		snprintf(buf, WORDS_MAX, "%.200s (%s %d)", who, process, (int)t->pid);
}

static void cycle_words(const struct forest_line *line, char *what, char *remark)
{
	const char *form = line->mark == FOREST_DEADLOCK ? "DEADLOCK in" : "CYCLE, seen once, in";
	const struct thread *t = line->thread;
	char comm[64];

	text__clean(comm, sizeof(comm), t->process_comm ? t->process_comm : "?");
	snprintf(what, WORDS_MAX, "%s %s %d", form, comm, (int)t->pid);
	if (line->mark != FOREST_DEADLOCK)
		snprintf(remark, WORDS_MAX, "a deadlock if it stands still");
	else if (line->n == 1)
		snprintf(remark, WORDS_MAX, "a thread waits for itself");
	else
		snprintf(remark, WORDS_MAX, "%zu threads wait for each other", line->n);
}

/* The one that holds it has a line of its own, where its name stands. */
static void link_words(const struct forest_line *line, char *what, char *remark)
{
	const struct thread *t = line->thread, *holder = line->holder;
	char lock[WORDS_MAX] = "a lock", who[32] = "itself";

	if (holder && holder->pid != t->pid)
		root_words(what, t); /* a cycle across processes */
	else
		thread_words(what, t, t->pid);
	if (line->lock)
		words__lock_name(lock, sizeof(lock), line->lock);
	if (holder && holder != t)
		snprintf(who, sizeof(who), "%d", (int)holder->tid);
	snprintf(remark, WORDS_MAX, "waits for %.400s, held by %s", lock, who);
}

static void lock_words(const struct lock *l, uint64_t interval_ns, char *what, char *remark)
{
	char name[WORDS_MAX], load[16], waiting[16], owner[WORDS_MAX];
	const char *kind = (unsigned int)l->kind < KIND_COUNT ? lock_kind_names[l->kind] : "";

	words__lock_name(name, sizeof(name), l);
	/* A lock without a name, or named by its site, says its kind: "sem at take_slot+0x10". */
	if (!strncmp(name, kind, strlen(kind)) && name[strlen(kind)] == ' ')
		kind = "";
	snprintf(what, WORDS_MAX, "%s%s%.400s", kind, kind[0] ? " " : "", name);
	text__load(load, sizeof(load), interval_ns ? (double)l->wait_ns / interval_ns : 0);
	text__count(waiting, sizeof(waiting), l->waiting);
	doing__unproved(owner, sizeof(owner), l);
	snprintf(remark, WORDS_MAX, "%.800s%s%s waiting, load %s", owner, owner[0] ? "; " : "",
		 waiting, load);
}

static void more_words(const struct forest_line *line, char *what, char *remark)
{
	char least[16], most[16], count[16];

	text__count(count, sizeof(count), line->n);
	text__duration(least, sizeof(least), line->least_ns);
	text__duration(most, sizeof(most), line->age_ns);
	snprintf(remark, WORDS_MAX, "... %s more waiting, %s to %s", count, least, most);
	what[0] = 0;
}

void forest__words(const struct forest_line *line, uint64_t interval_ns, char *what, char *remark)
{
	const struct thread *t = line->thread;
	const struct frame *frame;
	char text[WORDS_MAX];

	what[0] = remark[0] = 0;
	switch (line->mark) {
	case FOREST_DEADLOCK:
	case FOREST_CYCLE:
		cycle_words(line, what, remark);
		break;
	case FOREST_LINK:
		link_words(line, what, remark);
		break;
	case FOREST_ROOT:
		root_words(what, t);
		doing__thread(remark, WORDS_MAX, t);
		break;
	case FOREST_FRAME:
		frame = words__own_frame(t->frames, t->n_frames);
		if (frame)
			snprintf(remark, WORDS_MAX, "in %.1000s",
				 words__frame(text, sizeof(text), frame));
		break;
	case FOREST_LOCK:
		lock_words(line->lock, interval_ns, what, remark);
		break;
	case FOREST_WAITER:
		thread_words(what, t, line->lock->pid);
		/* That it waits, and for what, is said by its place. */
		if (t->state != STATE_WAITING && t->state != STATE_UNKNOWN)
			doing__thread(remark, WORDS_MAX, t);
		break;
	case FOREST_MORE:
		more_words(line, what, remark);
		break;
	}
}
