/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model: what was seen in one interval, as plain data. Process -> lock -> site, and threads.
 * It knows neither kernel nor screen. Times are nanoseconds; counts and times are those of the
 * interval unless a comment says otherwise. Pointers into a snapshot live as long as it does.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include "../bpf/locktop.h"

/* X(enumerator, name in screens and exports). Their classes stand in kinds.c. */
#define LOCK_KINDS(X)                   \
	X(FUTEX, "futex")               \
	X(MUTEX, "mutex")               \
	X(RWLOCK_READ, "rwlock-read")   \
	X(RWLOCK_WRITE, "rwlock-write") \
	X(COND, "cond")                 \
	X(SEM, "sem")                   \
	X(BARRIER, "barrier")           \
	X(ONCE, "once")                 \
	X(JOIN, "join")                 \
	X(STDIO, "stdio")               \
	X(MALLOC, "malloc")             \
	X(PI_MUTEX, "pi-mutex")         \
	X(GIL, "gil")                   \
	X(PY_LOCK, "py-lock")           \
	X(PY_RLOCK, "py-rlock")         \
	X(PY_CONDITION, "py-condition") \
	X(PY_EVENT, "py-event")         \
	X(PY_BARRIER, "py-barrier")     \
	X(PY_SEMAPHORE, "py-semaphore") \
	X(PY_QUEUE, "py-queue")         \
	X(PARK, "park")                 \
	X(SPIN, "spin")

enum lock_kind {
#define X(name, title) KIND_##name,
	LOCK_KINDS(X)
#undef X
		KIND_COUNT
};

enum lock_class { CLASS_CONTENTION, CLASS_IDLE, CLASS_COUNT };
enum site_role { ROLE_WAITER, ROLE_WAKER, ROLE_HOLDER, ROLE_COUNT };

/* How it is known who holds a lock. X(enumerator, name in screens and exports). */
#define OWNER_PROOFS(X)                                             \
	X(LOCK_WORD, "lock-word")   /* read from the lock */        \
	X(EXACT, "exact")	    /* seen acquiring it */         \
	X(PYTHON, "python")	    /* read from the interpreter */ \
	X(LAST_WAKER, "last-waker") /* inferred: it let the last waiter go */

enum owner_proof {
#define X(name, title) PROOF_##name,
	OWNER_PROOFS(X)
#undef X
		PROOF_COUNT
};

extern const char *const lock_kind_names[KIND_COUNT];
extern const char *const lock_class_names[CLASS_COUNT];
extern const char *const site_role_names[ROLE_COUNT];
extern const char *const owner_proof_names[PROOF_COUNT];
extern const char *const thread_state_names[STATE_COUNT];
extern const char *const sleep_end_names[END_COUNT];
extern const char *const loss_names[LOSS_COUNT];
extern const char *const loss_help[LOSS_COUNT];

/* Strings are NULL where unknown. */
struct frame {
	const char *function;
	const char *module; /* path as the process maps it */
	uint64_t offset;    /* address as linked in the module; without a module, in the process */
	const char *file;
	int line;	      /* 0 = unknown */
	const char *language; /* "native", "python", ... */
	const char *build_id; /* of the module's file, in hex */
};

static inline bool frame__is_python(const struct frame *f)
{
	return f->language && !strcmp(f->language, "python");
}

struct site {
	enum site_role role;
	uint64_t samples;
	double share;	      /* of the lock's sampled wait in this role, 0..1 */
	uint64_t wait_ns;     /* the lock's wait times share */
	struct frame *frames; /* innermost first */
	size_t n_frames;
	bool truncated; /* outer frames are missing */
};

struct process {
	pid_t pid;
	uint32_t gen;
	const char *comm;
	const char *user;    /* NULL: unknown */
	const char *cgroup;  /* NULL: unknown */
	const char *runtime; /* NULL: unknown */
	int threads;	     /* -1: unknown (it has ended) */
	uint64_t sleeps;     /* contention only, as the next four */
	uint64_t wait_ns;
	uint64_t blocked_ns;
	uint64_t delay_ns;
	uint64_t waiting;
	uint64_t idle_wait_ns;
	bool ended;
	/* futex calls, whether they slept or not; known in the exact tier only */
	bool calls_known;
	uint64_t futex_calls;
	uint64_t futex_again; /* waits that came back at once: the word had changed */
	uint64_t futex_wakes;
	uint64_t futex_idle_wakes; /* of them, woke nobody */
};

/* What an interpreter knows of a thread. */
enum thread_gil { THREAD_GIL_UNKNOWN, THREAD_GIL_HAS, THREAD_GIL_WANTS, THREAD_GIL_NONE };

struct python_row {
	const char *name;    /* as the program calls it; NULL: it has no name */
	int daemon;	     /* -1: not known */
	enum thread_gil gil; /* at the end of the interval */
};

/* What a construct of Python's says of itself; -1: not recorded. */
struct python_lock_state {
	int64_t parties, arrived; /* of a barrier */
	int64_t capacity, size;	  /* of a queue; capacity 0: it has none */
	int64_t recursion;	  /* how often its owner has taken it */
	/* of a barrier: threads that came in earlier rounds, and have not come in this one */
	const struct thread **missing;
	size_t n_missing;
};

#define PYTHON_LOCK_STATE_UNKNOWN                                                         \
	{                                                                                 \
		.parties = -1, .arrived = -1, .capacity = -1, .size = -1, .recursion = -1 \
	}

/* Who holds a lock at the end of the interval. */
struct owner {
	const struct thread *thread;
	enum owner_proof proof;
	uint64_t held_ns; /* at least so long: it has not run since; 0: not known */
};

/* What one thread's holding cost the waiters of a lock. Inferred if the proof is. */
struct holder {
	const struct thread *thread;
	enum owner_proof proof;
	uint64_t samples; /* sampled waits of the interval that found it holding */
	double share;	  /* of the lock's sampled wait, 0..1 */
	uint64_t wait_ns; /* the lock's wait times share */
};

/*
 * What the looks of an interval found: a few moments a second at which a thread waited for the
 * lock. Evidence for verdicts.
 */
struct lock_looks {
	unsigned int n;			 /* looks at which a thread waited */
	unsigned int state[STATE_COUNT]; /* of them, what the owner was doing */
	unsigned int owned;		 /* of them, how many knew the owner */
	unsigned int readers;		 /* of them, at how many readers held it */
	unsigned int reader_changes; /* how often their number had changed since the last look */
	const char *syscall;	     /* the call that the owner was most often asleep in; or NULL */
	unsigned int syscalls;	     /* at how many looks it was in that one */
};

/* What is wrong with a lock, in plain words. Strings live as long as the snapshot. */
struct verdict {
	const char *name;     /* "convoy", "owner in I/O (read)" */
	const char *evidence; /* the figures that it rests on */
	const char *advice;   /* what people do about it */
};

struct lock {
	char id[32]; /* PID:0xADDR */
	pid_t pid;
	const char *comm; /* of its process */
	uint64_t address;
	enum lock_kind kind;
	enum lock_class class;
	const char *name;      /* NULL: unknown */
	const char *name_from; /* "symbol", "python", "site", "mapping"; NULL without a name */
	uint64_t sleeps;       /* begun in this interval */
	uint64_t wait_ns;
	uint64_t blocked_ns;
	uint64_t delay_ns;
	uint64_t max_ns; /* longest wait that ended in the interval or is still going on */
	uint64_t p50_ns; /* of the waits that ended; 0 if none */
	uint64_t p99_ns;
	uint64_t timeouts;
	uint64_t waiting;   /* threads waiting now */
	uint64_t oldest_ns; /* age of the oldest sleep going on, 0 if none */
	uint32_t hist[HIST_BUCKETS];
	unsigned int processes; /* that waited for it; more than one: it lies in shared memory */
	/* the innermost frame of its main waiter site that is not the C library's */
	const char *where;
	struct site *sites;
	size_t n_sites;
	struct owner *owner; /* NULL: none, or not known */
	int owner_died;	     /* number of the thread that ended while it held the lock; 0: none */
	int readers;	     /* that hold it now; -1: not known, or no such lock */
	struct holder *holders; /* by wait, largest first */
	size_t n_holders;
	/* wait of its waiters, and of all that queue behind them: what would go without this lock
	 */
	uint64_t impact_ns;
	uint64_t overtaken; /* wakes that went to others since its oldest waiter fell asleep */
	bool deadlocked;    /* part of snapshot->deadlocks */
	struct lock_looks looks;
	/*
	 * The exact tier's figures of the interval; valid if exact. Where the tier was on for a
	 * part of the interval only (snapshot->exact_share), they are scaled to all of it.
	 */
	bool exact;
	uint64_t acquisitions;	    /* of a condition variable, barrier or once: calls */
	uint64_t read_acquisitions; /* of them, by readers of a rwlock */
	uint64_t contended;	    /* of them, not free when wanted */
	uint64_t try_failures;	    /* tries that found it taken, time-outs */
	uint64_t releases;
	uint64_t signals;	/* of a condition variable */
	uint64_t call_wait_ns;	/* from the call until it was had, spinning included */
	bool hold_known;	/* false: of a semaphore that is let go more often than taken */
	uint64_t hold_ns;	/* of holds that ended; of a semaphore: also of those that go on */
	uint64_t read_hold_ns;	/* of them, by readers */
	uint64_t max_hold_ns;	/* longest that ended in the interval; 0: none */
	uint64_t owner_changes; /* taken by another thread than before */
	uint32_t hold_hist[HIST_BUCKETS];	/* of holds that ended; not scaled */
	const struct python_lock_state *python; /* NULL: it is none of Python's, or says nothing */
	/* of a GIL, in the interval: how often it changed hands, and how often who had it was made
	 * to let go and waited until another had it; valid if switches_known */
	bool switches_known;
	uint64_t switches;
	uint64_t forced_switches;
	struct verdict *verdicts; /* the most telling first */
	size_t n_verdicts;
};

struct thread {
	pid_t pid;
	pid_t tid;
	const char *process_comm;
	const char *comm;
	uint64_t sleeps; /* contention only; with idle shown, all */
	uint64_t wait_ns;
	uint64_t idle_wait_ns;
	const struct lock *waiting_for; /* NULL: not waiting */
	uint64_t waiting_ns;
	/*
	 * What it does at the end of the interval. Known of threads that wait, that hold what is
	 * waited for, and of all threads of a process that is dumped.
	 */
	enum thread_state state;
	bool truncated;			 /* its stack: outer frames are missing */
	const char *syscall;		 /* that it is asleep in; NULL: none, or not known */
	const struct python_row *python; /* NULL: no thread of Python's, or not asked for */
	uint64_t state_ns;    /* asleep, preempted, stopped ... at least so long; 0: not known */
	struct frame *frames; /* innermost first; NULL: not taken */
	size_t n_frames;
};

/* One thread's part in one lock. */
struct thread_lock {
	const struct thread *thread;
	const struct lock *lock;
	uint64_t sleeps;
	uint64_t wait_ns;
};

/*
 * One sleep that ended in the interval. Times are ns since 1970 by the clock as it stood when
 * observation began: later steps of it change nothing, so that sleeps of a thread never overlap.
 * start_ns <= woken_ns <= end_ns.
 */
struct sleep {
	const struct thread *thread;
	const struct lock *lock;
	const struct thread *waker; /* NULL: none, or not known */
	uint64_t start_ns;
	uint64_t woken_ns;
	uint64_t end_ns; /* it ran again */
	enum sleep_end ended;
	bool earlier;  /* it began before observation did, which is where start_ns stands */
	bool resumed;  /* the rest of a sleep that ended in an interval before */
	bool inferred; /* its word serves several call sites, and this one is a guess */
};

/* Threads that wait for each other for ever: a cycle of proved owners that has stood still. */
struct deadlock_thread {
	const struct thread *thread; /* with its stack */
	const struct lock *waits_for;
	const struct thread *held_by; /* the next one in the cycle */
};

struct deadlock {
	pid_t pid;	   /* of the first thread */
	uint64_t since_ns; /* how long it has stood: age of its youngest wait */
	struct deadlock_thread *threads;
	size_t n_threads; /* 1: it waits for itself */
};

/* One step of an inversion: `to` was wanted while `from` was held. */
struct inversion_edge {
	char from[32], to[32];		 /* ids, PID:0xADDR, as of struct lock */
	const char *from_name, *to_name; /* NULL: unknown */
	pid_t tid;			 /* that was seen doing so first */
	uint64_t count;			 /* so far */
	struct frame *frames; /* where `to` was wanted first; innermost first; NULL: not sampled */
	size_t n_frames;
	bool truncated;
	struct frame *from_frame; /* where `from` had been taken; NULL: not known */
};

/*
 * Locks that are taken in orders that contradict each other: no deadlock yet, but the threads need
 * only meet. edges[i].to is edges[i + 1].from; the last one's, the first one's.
 */
struct inversion {
	pid_t pid;
	const char *comm;
	bool fresh; /* first reported with this snapshot */
	struct inversion_edge *edges;
	size_t n_edges; /* two or more */
};

struct totals {
	uint64_t sleeps;
	uint64_t wait_ns;
	uint64_t blocked_ns;
	uint64_t delay_ns;
	uint64_t waiting;
};

struct self_cost {
	uint64_t cpu_ns;
	uint64_t rss_bytes;
	uint64_t probe_ns; /* scaled from slices; valid if probe_known */
	uint64_t probe_runs;
	bool probe_known;
};

struct arena; /* owns every string and array of a snapshot */

struct snapshot {
	const char *version;
	const char *host;
	const char *kernel;
	struct timespec time; /* CLOCK_REALTIME, end of the interval */
	uint64_t interval_ns;
	uint64_t number;    /* 1, 2, ... */
	bool exact;	    /* tier */
	double exact_share; /* of the interval that the exact tier's probes counted, 0..1 */
	uint64_t losses[LOSS_COUNT];
	struct self_cost self;
	struct totals totals; /* contention only */
	struct totals idle;
	struct process *processes;
	size_t n_processes;
	struct lock *locks; /* all classes, all processes */
	size_t n_locks;
	struct thread *threads;
	size_t n_threads;
	struct thread_lock *thread_locks;
	size_t n_thread_locks;
	struct deadlock *deadlocks;
	size_t n_deadlocks;
	struct inversion *inversions; /* all that are known; exact tier only */
	size_t n_inversions;
	/* sleeps one by one, by their ends; known with --events only */
	bool sleeps_known;
	struct sleep *sleeps;
	size_t n_sleeps;
	uint64_t sleeps_end_ns; /* end of the interval on their clock */
	struct arena *arena;
};

struct snapshot *snapshot__new(void);
void snapshot__free(struct snapshot *s);

/* Memory of a snapshot: zeroed, freed with it. */
void *snapshot__alloc(struct snapshot *s, size_t n, size_t size);
/* A copy of text, NULL for NULL. */
const char *snapshot__string(struct snapshot *s, const char *text);

/* Fills p50_ns and p99_ns from hist, with max_ns (0: not known) as their upper bound. */
void lock__percentiles(struct lock *lock);
/* The wait at quantile q (0..1) of a histogram, interpolated inside its bucket; 0 if empty. */
uint64_t hist__quantile(const uint32_t *hist, double q);
/* Number of waits in a histogram. */
uint64_t hist__count(const uint32_t *hist);
/* Lower bound of a bucket in ns; bucket HIST_BUCKETS is the end of the last. */
uint64_t hist__edge(unsigned int bucket);

/* Total losses of a snapshot. */
uint64_t snapshot__losses(const struct snapshot *s);

const struct process *snapshot__process(const struct snapshot *s, pid_t pid);

#endif
