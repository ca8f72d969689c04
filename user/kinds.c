// SPDX-License-Identifier: GPL-2.0-only
#include "kinds.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

/* linux/futex.h */
#define CMD(op)		      ((op)&0x7f)
#define FUTEX_WAIT	      0
#define FUTEX_LOCK_PI	      6
#define FUTEX_WAIT_BITSET     9
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_LOCK_PI2	      13
#define PRIVATE		      0x80
#define REALTIME	      0x100

/* pthread_t to its tid word: struct pthread of glibc on x86_64, measured on 2.31 to 2.36. */
#define GLIBC_TID_OFFSET 720

static const enum lock_class kind_classes[KIND_COUNT] = {
	[KIND_COND] = CLASS_IDLE,	  [KIND_BARRIER] = CLASS_IDLE,
	[KIND_JOIN] = CLASS_IDLE,	  [KIND_PARK] = CLASS_IDLE,
	[KIND_PY_CONDITION] = CLASS_IDLE, [KIND_PY_EVENT] = CLASS_IDLE,
	[KIND_PY_BARRIER] = CLASS_IDLE, /* all others: CLASS_CONTENTION, 0 */
};

/*
 * Functions of lock APIs, leading underscores removed. The signature is the cross-check: a thread
 * in pthread_cond_wait may be waiting for the mutex, to take it back.
 */
enum expect { EXPECT_ANY, EXPECT_COND, EXPECT_DIRECT };

static const struct function_row {
	enum lock_kind kind;
	enum expect expect;
	const char *patterns; /* fnmatch(3), separated by blanks */
} function_rows[] = {
	{ KIND_FUTEX, EXPECT_DIRECT, "syscall" }, /* syscall_rows below say more */
	{ KIND_MUTEX, EXPECT_ANY, "pthread_mutex_* mtx_lock mtx_timedlock" },
	{ KIND_RWLOCK_READ, EXPECT_ANY, "pthread_rwlock_*rdlock*" },
	{ KIND_RWLOCK_WRITE, EXPECT_ANY, "pthread_rwlock_*wrlock*" },
	{ KIND_COND, EXPECT_COND, "pthread_cond_*wait* cnd_wait cnd_timedwait" },
	{ KIND_SEM, EXPECT_ANY, "sem_wait sem_timedwait sem_clockwait new_sem_*wait*" },
	{ KIND_BARRIER, EXPECT_ANY, "pthread_barrier_wait" },
	{ KIND_ONCE, EXPECT_ANY, "pthread_once* call_once cxa_guard_acquire" },
	{ KIND_JOIN, EXPECT_ANY, "pthread_*join* thrd_join" },
	{ KIND_STDIO, EXPECT_ANY,
	  "flockfile printf fprintf vprintf vfprintf dprintf vdprintf printf_chk fprintf_chk "
	  "vprintf_chk vfprintf_chk scanf fscanf puts fputs putc fputc putchar ungetc perror getc "
	  "fgetc getchar gets fgets fgets_chk getline getdelim fwrite fread fread_chk fflush "
	  "fclose fseek fseeko ftell ftello rewind setvbuf IO_puts IO_fputs IO_fwrite IO_fread "
	  "IO_fflush IO_getc IO_putc IO_getline IO_fgets IO_fclose IO_vfprintf IO_printf "
	  "IO_flush_all*" },
	{ KIND_MALLOC, EXPECT_ANY,
	  "malloc calloc realloc reallocarray free cfree memalign posix_memalign aligned_alloc "
	  "valloc malloc_trim mallinfo mallinfo2 libc_malloc libc_calloc libc_realloc libc_free "
	  "libc_memalign" },
};

/* What the low bits of the word's address must be; objects with pairs of words are 8-aligned. */
enum align { ALIGN_ANY, ALIGN_8, ALIGN_4 };
enum words { WORDS_ANY, WORDS_SEM };
#define VALUE_ANY (-1)
#define ANY_BITS  (PRIVATE | REALTIME | OP_TIMED)

/*
 * Futex signatures, first match wins (glibc, measured; the others as read in sources). A row
 * matches if op, without the bits in `ignore`, is equal and value and alignment fit.
 */
static const struct signature_row {
	uint32_t op, ignore;
	int value;
	enum align align;
	enum words words;
	enum lock_kind kind;
	int class; /* -1: the kind's */
	int offset;
} signature_rows[] = {
	{ FUTEX_LOCK_PI, ANY_BITS, VALUE_ANY, 0, 0, KIND_PI_MUTEX, -1, 0 },
	{ FUTEX_LOCK_PI2, ANY_BITS, VALUE_ANY, 0, 0, KIND_PI_MUTEX, -1, 0 },
	{ FUTEX_WAIT_REQUEUE_PI, ANY_BITS, VALUE_ANY, 0, 0, KIND_COND, -1, 0 },
	{ OP_WAITV, ANY_BITS, VALUE_ANY, 0, 0, KIND_FUTEX, CLASS_IDLE, 0 },
	{ FUTEX_WAIT_BITSET | REALTIME, OP_TIMED, VALUE_OTHER, 0, 0, KIND_JOIN, -1,
	  GLIBC_TID_OFFSET },
	{ FUTEX_WAIT_BITSET | REALTIME, OP_TIMED, VALUE_GUARD, 0, 0, KIND_JOIN, -1,
	  GLIBC_TID_OFFSET }, /* a thread whose number is 65792 */
	{ FUTEX_WAIT, 0, VALUE_OTHER, 0, 0, KIND_FUTEX, -1, 0 },
	{ FUTEX_WAIT, ANY_BITS, VALUE_2, 0, 0, KIND_MUTEX, -1, 0 },
	{ FUTEX_WAIT, ANY_BITS, VALUE_TOP, 0, 0, KIND_MUTEX, -1, 0 },
	{ FUTEX_WAIT, ANY_BITS, VALUE_GUARD, 0, 0, KIND_ONCE, -1, 0 },
	{ FUTEX_WAIT | PRIVATE, 0, VALUE_1, 0, 0, KIND_ONCE, -1, 0 },
	{ FUTEX_WAIT | PRIVATE, OP_TIMED, VALUE_0, 0, 0, KIND_PARK, -1, 0 },
	{ FUTEX_WAIT_BITSET | OP_TIMED, PRIVATE | REALTIME, VALUE_2, 0, 0, KIND_MUTEX, -1, 0 },
	{ FUTEX_WAIT_BITSET | OP_TIMED, PRIVATE | REALTIME, VALUE_TOP, 0, 0, KIND_MUTEX, -1, 0 },
	{ FUTEX_WAIT_BITSET, ANY_BITS, VALUE_3, ALIGN_8, 0, KIND_RWLOCK_READ, -1, 8 },
	{ FUTEX_WAIT_BITSET, ANY_BITS, VALUE_3, ALIGN_4, 0, KIND_RWLOCK_WRITE, -1, 12 },
	{ FUTEX_WAIT_BITSET | REALTIME, PRIVATE, VALUE_2, ALIGN_8, 0, KIND_RWLOCK_WRITE, -1, 8 },
	{ FUTEX_WAIT_BITSET, PRIVATE, VALUE_2, 0, 0, KIND_MUTEX, -1, 0 },
	{ FUTEX_WAIT_BITSET, ANY_BITS, VALUE_0, ALIGN_4, 0, KIND_COND, -1, 44 },
	{ FUTEX_WAIT_BITSET, ANY_BITS, VALUE_0, ALIGN_8, WORDS_SEM, KIND_SEM, -1, 0 },
	{ FUTEX_WAIT_BITSET, ANY_BITS, VALUE_0, ALIGN_8, 0, KIND_COND, -1, 40 },
	{ FUTEX_WAIT_BITSET, ANY_BITS, VALUE_ALL, 0, 0, KIND_SEM, -1, 0 },
};

/* The same for musl's libc; what is not here is as above. Its pthread_once stands under no name. */
static const struct signature_row musl_rows[] = {
	{ FUTEX_WAIT | PRIVATE, 0, VALUE_3, 0, 0, KIND_ONCE, -1, 0 },
};

/*
 * The same for callers of syscall(2), which are no C library's locks. Rust's std: a mutex waits for
 * 2, a parked thread for 0xffffffff, a condition variable for a counter, none by the real-time
 * clock.
 */
static const struct signature_row syscall_rows[] = {
	{ OP_WAITV, ANY_BITS, VALUE_ANY, 0, 0, KIND_FUTEX, CLASS_IDLE, 0 },
	{ FUTEX_WAIT_BITSET | PRIVATE, OP_TIMED, VALUE_2, 0, 0, KIND_MUTEX, -1, 0 },
	{ FUTEX_WAIT_BITSET | PRIVATE, OP_TIMED, VALUE_ALL, 0, 0, KIND_PARK, -1, 0 },
	{ FUTEX_WAIT_BITSET | PRIVATE, OP_TIMED, VALUE_TOP, 0, 0, KIND_FUTEX, -1, 0 },
	{ FUTEX_WAIT_BITSET | PRIVATE, OP_TIMED, VALUE_ANY, 0, 0, KIND_FUTEX, CLASS_IDLE, 0 },
	{ FUTEX_WAIT, ANY_BITS, VALUE_2, 0, 0, KIND_MUTEX, -1, 0 },
};

/*
 * Runtimes that build their locks on the above or on syscall(2). by_site: a thread waits in an
 * object of its own, so that the address says who waits, not for what.
 */
static const struct wrapper_row {
	enum lock_kind kind;
	int class; /* -1: the kind's */
	bool by_site;
	const char *patterns;
} wrapper_rows[] = {
	/* Rust's std, 1.62 and newer */
	{ KIND_MUTEX, -1, false, "*std*sys*utex*::lock_contended*" },
	{ KIND_RWLOCK_READ, -1, false, "*std*sys*::read_contended*" },
	{ KIND_RWLOCK_WRITE, -1, false, "*std*sys*::write_contended*" },
	{ KIND_COND, -1, false, "*std*sys*ondvar*::wait*" },
	{ KIND_ONCE, -1, false, "*std*sys*Once*::call* *std*sys*Once*::wait*" },
	{ KIND_PARK, -1, true, "*std*sys*Parker*::park* *std*::thread*::park*" },
	/* parking_lot */
	{ KIND_MUTEX, -1, true, "*parking_lot*::RawMutex::lock_slow*" },
	{ KIND_RWLOCK_READ, -1, true, "*parking_lot*::RawRwLock::lock_shared_slow*" },
	{ KIND_RWLOCK_WRITE, -1, true,
	  "*parking_lot*::RawRwLock::lock_exclusive_slow* *parking_lot*::RawRwLock::wait_for*" },
	{ KIND_COND, -1, true, "*parking_lot*::Condvar::wait*" },
	/* libstdc++ */
	{ KIND_SEM, -1, false, "*std::*semaphore*" },
	{ KIND_BARRIER, -1, false, "*std::*latch*wait* *std::*barrier*wait*" },
	{ KIND_FUTEX, CLASS_IDLE, false,
	  "*std::__atomic_wait* *std::*atomic*wait* *std::__detail::__*wait*" },
	/* Abseil */
	{ KIND_MUTEX, -1, true, "absl::*Mutex::LockSlow* absl::*Mutex::*Lock" },
	{ KIND_COND, -1, true, "absl::*CondVar::Wait* absl::*Notification::Wait*" },
	/* Go */
	{ KIND_MUTEX, -1, false, "runtime.lock2 runtime.lockWithRank" },
	{ KIND_PARK, -1, true, "runtime.notesleep runtime.notetsleep* runtime.semasleep" },
	/* HotSpot, where its functions have names */
	{ KIND_MUTEX, -1, true,
	  "ObjectMonitor::*enter* ObjectMonitor::EnterI* ObjectSynchronizer::enter* "
	  "InterpreterRuntime::monitorenter* SharedRuntime::*monitor_*" },
	{ KIND_COND, -1, true, "ObjectMonitor::wait* ObjectSynchronizer::wait* JVM_MonitorWait" },
	{ KIND_PARK, -1, true,
	  "Parker::park* PlatformEvent::park* os::PlatformEvent::park* Unsafe_Park* "
	  "JavaThread::sleep* JVM_Sleep" },
	/* PostgreSQL: a backend waits for every lightweight lock on one semaphore of its own */
	{ KIND_SEM, -1, true,
	  "PGSemaphoreLock LWLockAcquire LWLockAcquireOrWait LWLockWaitForVar "
	  "ProcWaitForSignal" },
};

/* Libraries whose threads always wait in objects of their own. */
static const char *const own_object_libraries[] = { "libjvm.so" };

/*
 * Families of the exact tier: what an object is called by functions of that kind, one of which
 * stands for them all. Readers and writers are one lock there.
 */
static const struct exact_row {
	enum lock_kind kind;
	const char *function;
} exact_rows[EXACT_OPS] = {
	[OP_MUTEX_LOCK] = { KIND_MUTEX, "pthread_mutex_lock" },
	[OP_RWLOCK_WRLOCK] = { KIND_RWLOCK_WRITE, "pthread_rwlock_wrlock" },
	[OP_SPIN_LOCK] = { KIND_SPIN, NULL }, /* nobody ever sleeps on it */
	[OP_SEM_WAIT] = { KIND_SEM, "sem_wait" },
	[OP_COND_WAIT] = { KIND_COND, "pthread_cond_wait" },
	[OP_BARRIER_WAIT] = { KIND_BARRIER, "pthread_barrier_wait" },
	[OP_ONCE] = { KIND_ONCE, "pthread_once" },
};

static const char *strip(const char *function)
{
	while (*function == '_')
		function++;
	return function;
}

static bool is_one_of(const char *patterns, const char *function)
{
	while (*patterns) {
		size_t len = strcspn(patterns, " ");
		char pattern[64]; /* longer than any above */

		/* All functions are asked about: most differ in the first letter. */
		if (*patterns == *function || *patterns == '*') {
			snprintf(pattern, sizeof(pattern), "%.*s", (int)len, patterns);
			if (!fnmatch(pattern, function, 0))
				return true;
		}
		patterns += len + strspn(patterns + len, " ");
	}
	return false;
}

static const struct function_row *find_function(const char *function)
{
	if (!function)
		return NULL;
	function = strip(function);
	for (size_t i = 0; i < ARRAY_SIZE(function_rows); i++)
		if (is_one_of(function_rows[i].patterns, function))
			return &function_rows[i];
	return NULL;
}

bool kinds__is_lock_function(const char *function)
{
	return find_function(function) != NULL;
}

static const struct wrapper_row *find_wrapper(const char *function)
{
	for (size_t i = 0; function && i < ARRAY_SIZE(wrapper_rows); i++)
		if (is_one_of(wrapper_rows[i].patterns, function))
			return &wrapper_rows[i];
	return NULL;
}

bool kinds__is_wrapper(const char *function)
{
	return find_wrapper(function) != NULL;
}

/*
 * sem_t of glibc: value and number of waiters, 32 bits each. A sleeper of a condition variable
 * looks the same; but the neighbour of its word is the other group's signal count.
 */
static bool looks_like_sem(const uint8_t *after)
{
	uint32_t word[2];

	if (!after)
		return false;
	memcpy(word, after, sizeof(word));
	return word[0] == 0 && word[1] > 0 && word[1] < 1 << 20;
}

static bool row_matches(const struct signature_row *row, const struct lock_key *key,
			const uint8_t *after)
{
	if ((SIGNATURE_OP(key->signature) & ~row->ignore) != (row->op & ~row->ignore))
		return false;
	if (row->value != VALUE_ANY && row->value != (int)SIGNATURE_VALUE(key->signature))
		return false;
	if (row->align == ALIGN_8 && key->addr % 8)
		return false;
	if (row->align == ALIGN_4 && key->addr % 8 != 4)
		return false;
	return row->words != WORDS_SEM || looks_like_sem(after);
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

static bool is_musl(const struct lock_key *key, const char *library)
{
	uint32_t op = SIGNATURE_OP(key->signature);

	/* glibc's only words with bit 31 are those of robust mutexes, which it never calls private
	 */
	return (library && strstr(library, "musl")) ||
	       (SIGNATURE_VALUE(key->signature) == VALUE_TOP && CMD(op) == FUTEX_WAIT &&
		(op & PRIVATE));
}

static const struct signature_row *find_row(const struct signature_row *rows, size_t n,
					    const struct lock_key *key, const uint8_t *after)
{
	for (size_t i = 0; i < n; i++)
		if (row_matches(&rows[i], key, after))
			return &rows[i];
	return NULL;
}

static const struct signature_row *find_signature(const struct lock_key *key,
						  const struct kind_evidence *evidence, bool direct)
{
	const struct signature_row *musl = NULL;

	if (direct)
		return find_row(syscall_rows, ARRAY_SIZE(syscall_rows), key, evidence->after);
	if (is_musl(key, evidence->library))
		musl = find_row(musl_rows, ARRAY_SIZE(musl_rows), key, evidence->after);
	return musl ? musl
		    : find_row(signature_rows, ARRAY_SIZE(signature_rows), key, evidence->after);
}

/* Where the futex word stands in an object of this kind: glibc's layouts, and musl's mutex. */
static int64_t word_offset(enum lock_kind kind, const struct lock_key *key,
			   const struct kind_evidence *evidence)
{
	uint32_t op = SIGNATURE_OP(key->signature);
	enum value_class value = SIGNATURE_VALUE(key->signature);
	bool high = key->addr % 8 == 4;

	if (is_musl(key, evidence->library))
		return kind == KIND_MUTEX || kind == KIND_PI_MUTEX ? 4 : 0;
	switch (kind) {
	case KIND_COND:
		return evidence->on_stack ? 0 : (evidence->new_cond ? 32 : 40) + (high ? 4 : 0);
	case KIND_BARRIER:
		return 4;
	case KIND_RWLOCK_READ:
	case KIND_RWLOCK_WRITE:
		return value == VALUE_ALL || value == VALUE_TOP ? 0 : high ? 12 : 8; /* musl: 0 */
	case KIND_JOIN:
		return op & PRIVATE ? 0 : GLIBC_TID_OFFSET; /* the kernel wakes it, as if shared */
	default:
		return 0;
	}
}

/* Is a thread inside a condition variable's wait taking the mutex back? */
static bool takes_mutex_back(const struct lock_key *key, const struct kind_evidence *evidence)
{
	uint32_t cmd = CMD(SIGNATURE_OP(key->signature));

	if (evidence->on_stack) /* musl waits for the event in a word of its own */
		return false;
	return cmd == FUTEX_WAIT && SIGNATURE_VALUE(key->signature) != VALUE_0;
}

static struct kind_verdict verdict(enum lock_kind kind, int class)
{
	return (struct kind_verdict){
		.kind = kind,
		.class = class < 0 ? kind_classes[kind] : (enum lock_class) class,
	};
}

static struct kind_verdict judge_function(const struct function_row *f, const struct lock_key *key,
					  const struct kind_evidence *evidence)
{
	struct kind_verdict v = verdict(f->kind, -1);

	v.offset = word_offset(f->kind, key, evidence);
	for (size_t i = 0; i < ARRAY_SIZE(own_object_libraries); i++)
		if (!strcmp(base_name(evidence->user), own_object_libraries[i]))
			v = (struct kind_verdict){ .kind = KIND_PARK,
						   .class = CLASS_IDLE,
						   .offset = v.offset,
						   .by_site = true };
	return v;
}

static enum owner_rule owner_rule(enum lock_kind kind, const struct lock_key *key,
				  const struct kind_evidence *evidence)
{
	enum value_class value = SIGNATURE_VALUE(key->signature);
	bool musl = is_musl(key, evidence->library);

	switch (kind) {
	case KIND_MUTEX:
		if (musl)
			return OWNER_MUSL_MUTEX;
		return value == VALUE_TOP ? OWNER_WORD
		       : value == VALUE_2 ? OWNER_MUTEX
					  : OWNER_NONE;
	case KIND_RWLOCK_READ:
	case KIND_RWLOCK_WRITE:
		return musl || value == VALUE_ALL || value == VALUE_TOP ? OWNER_MUSL_RWLOCK
									: OWNER_RWLOCK;
	case KIND_STDIO: /* musl's files hold the number beside a bit for waiters */
		return musl ? OWNER_WORD : OWNER_STDIO;
	case KIND_JOIN:
		return musl || SIGNATURE_OP(key->signature) & PRIVATE ? OWNER_NONE : OWNER_JOIN;
	default:
		return OWNER_NONE;
	}
}

/* The object's own address: where it stands is known, but not how it is laid out. */
static struct kind_verdict judge_exact(uint32_t family)
{
	struct kind_verdict v =
		verdict(family < EXACT_OPS ? exact_rows[family].kind : KIND_FUTEX, -1);

	v.sure = v.kind != KIND_FUTEX;
	return v;
}

struct kind_verdict kinds__judge_as(const struct lock_key *key, uint32_t family)
{
	struct kind_evidence evidence = {};
	bool reader = kinds__judge(key, &evidence).kind == KIND_RWLOCK_READ;

	if (family < EXACT_OPS)
		evidence.function = reader && family == OP_RWLOCK_WRLOCK
					    ? "pthread_rwlock_rdlock"
					    : exact_rows[family].function;
	return kinds__judge(key, &evidence);
}

struct kind_verdict kinds__judge(const struct lock_key *key, const struct kind_evidence *evidence)
{
	const struct function_row *f = find_function(evidence->function);
	const struct wrapper_row *w = find_wrapper(evidence->wrapper);
	uint32_t op = SIGNATURE_OP(key->signature);
	bool pi = CMD(op) == FUTEX_LOCK_PI || CMD(op) == FUTEX_LOCK_PI2;
	bool direct = f && f->expect == EXPECT_DIRECT && !pi;
	const struct signature_row *s;
	struct kind_verdict v;

	if (op & OP_EXACT)
		return judge_exact(op & ~OP_EXACT);
	if (direct || pi || op & OP_WAITV)
		f = NULL; /* the call itself tells more than its caller */
	if (f && f->expect == EXPECT_COND && takes_mutex_back(key, evidence))
		f = NULL;
	s = f ? NULL : find_signature(key, evidence, direct);
	if (w && !pi) {
		v = verdict(w->kind, w->class);
		v.by_site = w->by_site;
		v.offset = f ? word_offset(f->kind, key, evidence) : 0;
	} else if (f) {
		v = judge_function(f, key, evidence);
	} else if (s) {
		v = verdict(s->kind, s->class);
		v.offset = is_musl(key, evidence->library) ? word_offset(s->kind, key, evidence)
							   : s->offset;
	} else {
		v = verdict(KIND_FUTEX, CLASS_CONTENTION);
	}
	if (evidence->on_stack)
		v.by_site = true;
	/* locks of other makes, and words that stand for many locks, have layouts of their own */
	if (pi)
		v.owner = OWNER_WORD;
	else if (!direct && !w && !v.by_site)
		v.owner = owner_rule(v.kind, key, evidence);
	v.sure = f || pi;
	return v;
}
