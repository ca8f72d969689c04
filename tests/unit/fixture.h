/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A made-up machine for the tests of view and screens: a database, a queue worker, a web server
 * with an idle pool, in one interval of a second.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../user/model.h"
#include "../../user/options.h"
#include "../../user/util.h"

#define MS 1000000ULL

/* Rows of the tables below; loads in ms of wait a second. */
struct fixture_lock {
	pid_t pid;
	const char *comm;
	uint64_t address;
	enum lock_kind kind;
	enum lock_class class;
	const char *name;
	const char *where;
	uint64_t sleeps, wait_ms, max_us;
	unsigned int waiting;
};

static const struct fixture_lock fixture_locks[] = {
	{ 4242, "dbserver", 0x55d0c0a81040, KIND_MUTEX, CLASS_CONTENTION, "table_cache_lock",
	  "open_table", 84210, 2310, 1840, 3 },
	{ 4242, "dbserver", 0x7f10a4000b60, KIND_RWLOCK_WRITE, CLASS_CONTENTION, NULL,
	  "flush_log_to_disk", 310, 640, 23100, 1 },
	{ 4242, "dbserver", 0x7f10a4000c80, KIND_COND, CLASS_IDLE, NULL, "pool_worker", 12, 31000,
	  2400000, 31 },
	{ 977, "queued", 0x5581f2a40a20, KIND_SEM, CLASS_CONTENTION, "slots", "take_slot", 1200, 92,
	  310, 0 },
	{ 977, "queued", 0x5581f2a40b00, KIND_MALLOC, CLASS_CONTENTION, NULL, "arena_get2", 88, 4,
	  95, 0 },
	{ 31337, "web: worker", 0x7ffd10203040, KIND_COND, CLASS_IDLE, NULL, "wait_for_request", 3,
	  3000, 1000000, 3 },
	{ 31337, "web: worker", 0x7ffd10203100, KIND_MUTEX, CLASS_CONTENTION, "session_lock",
	  "lookup_session", 41, 12, 800, 0 },
};

static inline void fixture__add_lock(struct snapshot *s, const struct fixture_lock *f)
{
	struct lock *l = &s->locks[s->n_locks++];
	struct totals *t = f->class == CLASS_IDLE ? &s->idle : &s->totals;

	snprintf(l->id, sizeof(l->id), "%d:0x%llx", f->pid, (unsigned long long)f->address);
	l->pid = f->pid;
	l->comm = f->comm;
	l->address = f->address;
	l->kind = f->kind;
	l->class = f->class;
	l->name = f->name;
	l->name_from = f->name ? "symbol" : NULL;
	l->where = f->where;
	l->sleeps = f->sleeps;
	l->wait_ns = f->wait_ms * MS;
	l->delay_ns = l->wait_ns / 10;
	l->blocked_ns = l->wait_ns - l->delay_ns;
	l->max_ns = f->max_us * 1000;
	l->hist[60] = f->sleeps;
	l->waiting = f->waiting;
	l->oldest_ns = f->waiting ? l->max_ns : 0;
	lock__percentiles(l);
	t->sleeps += l->sleeps;
	t->wait_ns += l->wait_ns;
	t->blocked_ns += l->blocked_ns;
	t->delay_ns += l->delay_ns;
	t->waiting += l->waiting;
}

static inline void fixture__add_processes(struct snapshot *s)
{
	for (size_t i = 0; i < s->n_locks; i++) {
		const struct lock *l = &s->locks[i];
		struct process *p = NULL;

		for (size_t j = 0; j < s->n_processes; j++)
			if (s->processes[j].pid == l->pid)
				p = &s->processes[j];
		if (!p) {
			p = &s->processes[s->n_processes++];
			*p = (struct process){ .pid = l->pid, .comm = l->comm, .user = "root" };
			p->cgroup = "/system.slice/example.service";
			p->threads = 40;
		}
		if (l->class == CLASS_IDLE) {
			p->idle_wait_ns += l->wait_ns;
			continue;
		}
		p->sleeps += l->sleeps;
		p->wait_ns += l->wait_ns;
		p->blocked_ns += l->blocked_ns;
		p->delay_ns += l->delay_ns;
		p->waiting += l->waiting;
	}
}

/* Each lock has as many waiters as it says, and one thread more that waited and got it. */
static inline void fixture__add_threads(struct snapshot *s)
{
	for (size_t i = 0; i < s->n_locks; i++) {
		const struct lock *l = &s->locks[i];

		for (unsigned int j = 0; j <= l->waiting; j++) {
			struct thread *t = &s->threads[s->n_threads++];
			struct thread_lock *tl = &s->thread_locks[s->n_thread_locks++];

			t->pid = l->pid;
			t->tid = l->pid + 1 + 50 * i + j;
			t->process_comm = t->comm = l->comm;
			t->sleeps = l->class == CLASS_IDLE ? 0 : l->sleeps / (l->waiting + 1);
			tl->wait_ns = l->wait_ns / (l->waiting + 1) + j * MS / 10;
			*(l->class == CLASS_IDLE ? &t->idle_wait_ns : &t->wait_ns) = tl->wait_ns;
			if (j < l->waiting) {
				t->waiting_for = l;
				t->waiting_ns = l->oldest_ns / (j + 1);
			}
			tl->thread = t;
			tl->lock = l;
			tl->sleeps = l->sleeps / (l->waiting + 1);
		}
	}
}

#define FIXTURE_LIBC	"/lib/x86_64-linux-gnu/libc.so.6"
#define FIXTURE_LIBC_ID "93ac61ec5a8eb1396f9fbd350e3169a558528a40"
#define FIXTURE_DB	"/usr/sbin/dbserver"
#define FIXTURE_DB_ID	"0123456789abcdef"

static inline void fixture__add_sites(struct snapshot *s, struct lock *l)
{
	static const struct frame waiter[] = {
		{ "pthread_mutex_lock", FIXTURE_LIBC, 0x8a2b0, NULL, 0, "native", FIXTURE_LIBC_ID },
		{ "open_table", FIXTURE_DB, 0x41f20, "table_cache.cc", 412, "native",
		  FIXTURE_DB_ID },
		{ "execute_query", FIXTURE_DB, 0x30110, "query.cc", 88, "native", FIXTURE_DB_ID },
		{ "main", FIXTURE_DB, 0x21000, NULL, 0, "native", FIXTURE_DB_ID },
	};
	struct site *sites = snapshot__alloc(s, 2, sizeof(*sites));

	for (int i = 0; i < 2; i++) {
		sites[i].role = i ? ROLE_WAKER : ROLE_WAITER;
		sites[i].samples = 10;
		sites[i].share = i ? 1 : 0.7;
		sites[i].n_frames = ARRAY_SIZE(waiter);
		sites[i].frames = snapshot__alloc(s, ARRAY_SIZE(waiter), sizeof(*waiter));
		memcpy(sites[i].frames, waiter, sizeof(waiter));
	}
	l->sites = sites;
	l->n_sites = 2;
}

/* Stacks that part ways, end early, have names of every length; and waits of many lengths. */
static inline void fixture__add_stacks(struct snapshot *s, struct lock *l)
{
	static const struct frame lock = {
		"pthread_mutex_lock", FIXTURE_LIBC, 0x8a2b0, NULL, 0, "native", FIXTURE_LIBC_ID
	};
	static const struct frame unlock = {
		"pthread_mutex_unlock", FIXTURE_LIBC, 0x8b7d0, NULL, 0, "native", FIXTURE_LIBC_ID
	};
	static const struct frame start = { "start_thread", FIXTURE_LIBC,   0x891f4, NULL, 0,
					    "native",	    FIXTURE_LIBC_ID };
	static const struct frame open_table = { "open_table", FIXTURE_DB,
						 0x41f20,      "/build/db/sql/table_cache.cc",
						 412,	       "native",
						 FIXTURE_DB_ID };
	static const struct frame query = { "execute_query", FIXTURE_DB, 0x30110,
					    "sql/query.cc",  88,	 "native",
					    FIXTURE_DB_ID };
	static const struct frame close_table = { "close_table", FIXTURE_DB,   0x42f80, NULL, 0,
						  "native",	 FIXTURE_DB_ID };
	static const struct frame worker = { "worker_main", FIXTURE_DB,	  0x21000, "main.cc", 7,
					     "native",	    FIXTURE_DB_ID };
	static const struct frame nameless = { NULL, FIXTURE_DB, 0x2f000,      NULL,
					       0,    "native",	 FIXTURE_DB_ID };
	static const struct frame cpp = {
		"std::map<std::basic_string<char>, std::vector<int>, std::less<void>>::"
		"operator[](std::basic_string<char> const&)",
		"/usr/lib/libcache-with-a-long-name.so.1.2.3",
		0x1234,
		"stl_map.h",
		512,
		"c++",
		NULL
	};
	static const struct {
		enum site_role role;
		double share;
		bool truncated;
		const struct frame *frames[7];
	} rows[] = {
		{ ROLE_WAITER, 0.55, false, { &lock, &open_table, &query, &worker, &start } },
		{ ROLE_WAITER, 0.25, true, { &lock, &open_table, &query, &nameless } },
		{ ROLE_WAITER, 0.12, false, { &lock, &open_table, &cpp, &worker, &start } },
		{ ROLE_WAITER, 0.077, false, { &lock, &close_table, &worker, &start } },
		{ ROLE_WAITER, 0.002, false, { &lock, &close_table, &query, &worker, &start } },
		{ ROLE_WAITER, 0.001, false, { &lock, &close_table, &nameless, &worker, &start } },
		{ ROLE_WAKER, 1.0, false, { &unlock, &close_table, &worker, &start } },
	};

	l->sites = snapshot__alloc(s, ARRAY_SIZE(rows), sizeof(*l->sites));
	l->n_sites = ARRAY_SIZE(rows);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct site *site = &l->sites[i];

		site->role = rows[i].role;
		site->samples = 1 + rows[i].share * 10;
		site->share = rows[i].share;
		site->wait_ns = rows[i].share * l->wait_ns;
		site->truncated = rows[i].truncated;
		site->frames =
			snapshot__alloc(s, ARRAY_SIZE(rows[i].frames), sizeof(*site->frames));
		while (site->n_frames < ARRAY_SIZE(rows[i].frames) &&
		       rows[i].frames[site->n_frames]) {
			site->frames[site->n_frames] = *rows[i].frames[site->n_frames];
			site->n_frames++;
		}
	}
	for (int i = 0; i < 20; i++)
		l->hist[50 + i] = i * (20 - i) * 40;
	lock__percentiles(l);
}

/* An interval of a second with the locks of the table; room for more rows is left. */
static inline struct snapshot *fixture__empty(uint64_t number)
{
	struct snapshot *s = snapshot__new();

	s->version = "0.1";
	s->host = "testhost";
	s->kernel = "6.1.0";
	s->time.tv_sec = 1700000000 + number;
	s->interval_ns = NSEC_PER_SEC;
	s->number = number;
	s->self.cpu_ns = 3 * MS;
	s->self.rss_bytes = 12 << 20;
	s->locks = snapshot__alloc(s, 64, sizeof(*s->locks));
	s->processes = snapshot__alloc(s, 64, sizeof(*s->processes));
	s->threads = snapshot__alloc(s, 1024, sizeof(*s->threads));
	s->thread_locks = snapshot__alloc(s, 1024, sizeof(*s->thread_locks));
	return s;
}

static inline struct snapshot *fixture__new(uint64_t number)
{
	struct snapshot *s = fixture__empty(number);

	for (size_t i = 0; i < ARRAY_SIZE(fixture_locks); i++)
		fixture__add_lock(s, &fixture_locks[i]);
	fixture__add_sites(s, &s->locks[0]);
	fixture__add_processes(s);
	fixture__add_threads(s);
	return s;
}

/* The lock of that id, or NULL. */
static inline const struct lock *fixture__lock(const struct snapshot *s, const char *id)
{
	for (size_t i = 0; i < s->n_locks; i++)
		if (!strcmp(s->locks[i].id, id))
			return &s->locks[i];
	return NULL;
}

static inline struct options fixture__options(void)
{
	return (struct options){ .delay_ns = NSEC_PER_SEC, .top = 20, .format = "text" };
}

#include "owners_fixture.h"
#include "exact_fixture.h"

#endif
