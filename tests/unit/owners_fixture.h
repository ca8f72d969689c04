/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who holds what on the made-up machine, for the tests of graph, verdicts, screens and exports.
 * fixture__add_owners() and fixture__add_deadlock() add to what fixture__new() made; included by
 * fixture.h.
 */
#ifndef OWNERS_FIXTURE_H
#define OWNERS_FIXTURE_H

#define FIXTURE_FRAMES(s, t, rows)                                                     \
	do {                                                                           \
		(t)->n_frames = ARRAY_SIZE(rows);                                      \
		(t)->frames = snapshot__alloc(s, (t)->n_frames, sizeof(*(t)->frames)); \
		memcpy((t)->frames, rows, sizeof(rows));                               \
	} while (0)

static inline struct thread *fixture__thread(struct snapshot *s, pid_t tid)
{
	for (size_t i = 0; i < s->n_threads; i++)
		if (s->threads[i].tid == tid)
			return &s->threads[i];
	fail_msg("thread %d is not in the fixture", tid);
	return NULL;
}

static inline struct thread *fixture__add_thread(struct snapshot *s, pid_t pid, pid_t tid,
						 const char *process, const char *comm,
						 enum thread_state state)
{
	struct thread *t = &s->threads[s->n_threads++];

	*t = (struct thread){ .pid = pid, .tid = tid, .process_comm = process, .comm = comm };
	t->state = state;
	return t;
}

/* The thread has waited for so long, and waits on. */
static inline void fixture__wait(struct snapshot *s, struct thread *t, struct lock *l, uint64_t ns)
{
	struct thread_lock *tl = &s->thread_locks[s->n_thread_locks++];

	t->waiting_for = l;
	t->waiting_ns = t->state_ns = ns;
	t->wait_ns = MIN(ns, NSEC_PER_SEC);
	t->state = STATE_WAITING;
	t->syscall = "futex";
	t->sleeps = 1;
	l->waiting++;
	l->wait_ns += MIN(ns, NSEC_PER_SEC);
	l->blocked_ns += MIN(ns, NSEC_PER_SEC);
	l->oldest_ns = MAX(l->oldest_ns, ns);
	l->max_ns = MAX(l->max_ns, ns);
	s->totals.waiting++;
	for (size_t i = 0; i < s->n_processes; i++)
		if (s->processes[i].pid == t->pid)
			s->processes[i].waiting++;
	*tl = (struct thread_lock){ .thread = t, .lock = l, .sleeps = 1, .wait_ns = t->wait_ns };
}

static inline void fixture__own(struct snapshot *s, struct lock *l, const struct thread *t,
				enum owner_proof proof, uint64_t held_ns)
{
	l->owner = snapshot__alloc(s, 1, sizeof(*l->owner));
	*l->owner = (struct owner){ .thread = t, .proof = proof, .held_ns = held_ns };
}

static inline struct lock *fixture__new_lock(struct snapshot *s, pid_t pid, const char *comm,
					     uint64_t address, enum lock_kind kind,
					     const char *name)
{
	struct fixture_lock f = { .pid = pid, .comm = comm, .address = address, .kind = kind };

	f.name = name;
	fixture__add_lock(s, &f);
	s->locks[s->n_locks - 1].readers = -1;
	return &s->locks[s->n_locks - 1];
}

/*
 * A chain: three threads wait for table_cache_lock, which 4293 holds; 4293 waits for a rwlock,
 * which 4300 holds, asleep in fsync. A semaphore whose last waker is known, a rwlock held by three
 * readers, and a mutex whose owner has died; each has a waiter.
 */
static inline void fixture__add_owners(struct snapshot *s)
{
	static const struct frame frames[] = {
		{ "fsync", "/lib/x86_64-linux-gnu/libc.so.6", 0x101b0, NULL, 0, "native", NULL },
		{ "flush_log_to_disk", "/usr/sbin/dbserver", 0x51f20, "sql/log.cc", 120, "native",
		  NULL },
		{ "flusher_main", "/usr/sbin/dbserver", 0x52a00, "sql/log.cc", 31, "native", NULL },
	};
	static const struct verdict verdicts[] = {
		{ "owner in I/O (fsync)",
		  "its owner was asleep in fsync at 7 of 10 looks; 5.4 threads waited meanwhile",
		  "do the I/O outside of the critical section, or hand it to a thread of its own" },
		{ "one big lock", "78 % of the process's wait is on this lock",
		  "one lock per resource instead of one for all" },
	};
	struct lock *table, *log, *cache;
	struct thread *flusher, *middle, *taker;

	for (size_t i = 0; i < s->n_locks; i++)
		s->locks[i].readers = -1;
	for (size_t i = 0; i < s->n_threads; i++)
		if (s->threads[i].waiting_for)
			s->threads[i].state = STATE_WAITING;
	table = &s->locks[0];
	log = &s->locks[1];
	middle = fixture__thread(s, 4293);
	flusher = fixture__add_thread(s, 4242, 4300, "dbserver", "log-flusher", STATE_SLEEPING);
	flusher->syscall = "fsync";
	flusher->state_ns = 1200 * MS;
	FIXTURE_FRAMES(s, flusher, frames);
	fixture__own(s, table, middle, PROOF_LOCK_WORD, middle->waiting_ns);
	fixture__own(s, log, flusher, PROOF_LOCK_WORD, 1200 * MS);
	table->holders = snapshot__alloc(s, 2, sizeof(*table->holders));
	table->n_holders = 2;
	table->holders[0] = (struct holder){ middle, PROOF_LOCK_WORD, 31, 0.62, 1432 * MS };
	table->holders[1] = (struct holder){ flusher, PROOF_LAST_WAKER, 4, 0.08, 185 * MS };
	log->impact_ns = log->wait_ns + table->wait_ns;
	table->impact_ns = table->wait_ns;
	table->verdicts = snapshot__alloc(s, ARRAY_SIZE(verdicts), sizeof(verdicts[0]));
	table->n_verdicts = ARRAY_SIZE(verdicts);
	memcpy(table->verdicts, verdicts, sizeof(verdicts));
	table->looks = (struct lock_looks){ .n = 10, .owned = 10, .syscall = "fsync" };
	table->looks.state[STATE_WAITING] = 3;
	table->looks.state[STATE_SLEEPING] = table->looks.syscalls = 7;

	taker = fixture__add_thread(s, 977, 990, "queued", "taker", STATE_RUNNING);
	fixture__own(s, &s->locks[3], taker, PROOF_LAST_WAKER, 0);
	fixture__wait(s, fixture__add_thread(s, 977, 991, "queued", "queued", STATE_WAITING),
		      &s->locks[3], 12 * MS);
	cache = fixture__new_lock(s, 977, "queued", 0x5581f2a40c00, KIND_RWLOCK_WRITE, "routes");
	cache->readers = 3;
	fixture__wait(s, fixture__add_thread(s, 977, 992, "queued", "updater", STATE_WAITING),
		      cache, 740 * MS);
	s->locks[6].owner_died = 31350;
	fixture__wait(
		s,
		fixture__add_thread(s, 31337, 31351, "web: worker", "web: worker", STATE_WAITING),
		&s->locks[6], 95000 * MS);
}

/*
 * Two threads of "bank" that wait for each other for 3.2 s, a third that queues behind one of
 * them, and a thread that waits for itself in another process.
 */
static inline void fixture__add_deadlock(struct snapshot *s)
{
	static const struct frame frames[] = {
		{ "__lll_lock_wait", "/lib/x86_64-linux-gnu/libc.so.6", 0x8a010, NULL, 0, "native",
		  NULL },
		{ "pthread_mutex_lock", "/lib/x86_64-linux-gnu/libc.so.6", 0x8a2b0, NULL, 0,
		  "native", NULL },
		{ "transfer", "/usr/sbin/bank", 0x1210, "bank.c", 88, "native", NULL },
		{ "teller_main", "/usr/sbin/bank", 0x1400, "bank.c", 130, "native", NULL },
	};
	struct deadlock *d = snapshot__alloc(s, 2, sizeof(*d));
	struct deadlock_thread *cycle = snapshot__alloc(s, 3, sizeof(*cycle));
	struct process *p = &s->processes[s->n_processes++];
	struct thread *a, *b, *self, *behind;
	struct lock *accounts, *audit, *own;

	*p = (struct process){ .pid = 5150, .comm = "bank", .user = "root", .threads = 6 };
	accounts = fixture__new_lock(s, 5150, "bank", 0x5000, KIND_MUTEX, "accounts_lock");
	audit = fixture__new_lock(s, 5150, "bank", 0x5040, KIND_MUTEX, "audit_lock");
	own = fixture__new_lock(s, 5170, "loner", 0x6000, KIND_MUTEX, NULL);
	a = fixture__add_thread(s, 5150, 5151, "bank", "teller-1", STATE_WAITING);
	b = fixture__add_thread(s, 5150, 5152, "bank", "teller-2", STATE_WAITING);
	behind = fixture__add_thread(s, 5150, 5153, "bank", "auditor", STATE_WAITING);
	self = fixture__add_thread(s, 5170, 5170, "loner", "loner", STATE_WAITING);
	fixture__wait(s, a, accounts, 3300 * MS);
	fixture__wait(s, b, audit, 3200 * MS);
	fixture__wait(s, behind, accounts, 900 * MS);
	fixture__wait(s, self, own, 61000 * MS);
	FIXTURE_FRAMES(s, a, frames);
	FIXTURE_FRAMES(s, b, frames);
	FIXTURE_FRAMES(s, self, frames);
	fixture__own(s, accounts, b, PROOF_LOCK_WORD, 3200 * MS);
	fixture__own(s, audit, a, PROOF_LOCK_WORD, 3300 * MS);
	fixture__own(s, own, self, PROOF_LOCK_WORD, 61000 * MS);
	accounts->deadlocked = audit->deadlocked = own->deadlocked = true;
	cycle[0] = (struct deadlock_thread){ a, accounts, b };
	cycle[1] = (struct deadlock_thread){ b, audit, a };
	cycle[2] = (struct deadlock_thread){ self, own, self };
	d[0] = (struct deadlock){ 5150, 3200 * MS, cycle, 2 };
	d[1] = (struct deadlock){ 5170, 61000 * MS, &cycle[2], 1 };
	s->deadlocks = d;
	s->n_deadlocks = 2;
}

#endif
