// SPDX-License-Identifier: GPL-2.0-only
/* Real locks of another process, read as they lie in its memory. */
#include "holders_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../../user/owners.h"
#include "../../user/util.h"

#define NOW	 (1000 * NSEC_PER_SEC)
#define MANY	 300 /* more than one call reads */
#define PAGE	 4096
#define PRIVATE	 SIGNATURE(0x80, VALUE_2)
#define SHARED	 SIGNATURE(0x00, VALUE_2)
#define HOLE(i)	 ((i) % 7 == 3 || (i) == MANY - 1)
#define SHORT_AT (PAGE - 16) /* the object ends in the next page */

/* What the child shows of itself, in memory that both have mapped. */
struct board {
	pid_t thread; /* of its second thread */
	int ready;
	pthread_mutex_t shared, robust;
};

struct fixture {
	struct proc *proc;
	struct owners *owners;
	struct board *board;
	char *pages; /* MANY of them, the child's own; some it unmaps */
	FILE *file;
	pid_t child;
	struct process_entry process;
};

/* Of the child: private memory, at addresses that it has from this process. */
static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER, threads_own = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t unheld = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t written = PTHREAD_RWLOCK_INITIALIZER, readers = PTHREAD_RWLOCK_INITIALIZER;

static void *second_thread(void *arg)
{
	struct board *b = arg;

	pthread_mutex_lock(&threads_own);
	pthread_mutex_lock(&b->shared);
	b->thread = syscall(SYS_gettid);
	__atomic_store_n(&b->ready, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
	return NULL;
}

static void be_child(struct fixture *x)
{
	pthread_t thread;

	hold__orphan_ends();
	pthread_mutex_lock(&plain);
	pthread_mutex_lock(&x->board->robust);
	pthread_rwlock_wrlock(&written);
	pthread_rwlock_rdlock(&readers);
	pthread_rwlock_rdlock(&readers);
	flockfile(x->file);
	for (int i = 0; i < MANY; i++) {
		pthread_mutex_lock((pthread_mutex_t *)(x->pages + i * PAGE));
		if (HOLE(i))
			munmap(x->pages + i * PAGE, PAGE);
	}
	pthread_create(&thread, NULL, second_thread, x->board);
	for (;;)
		pause();
}

static void init_shared(struct board *b)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&b->shared, &attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&b->robust, &attr);
	pthread_mutexattr_destroy(&attr);
}

static void end_child(struct fixture *x)
{
	if (x->child <= 0)
		return;
	kill(x->child, SIGKILL);
	waitpid(x->child, NULL, 0);
	x->child = 0;
}

static int set_up(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));

	x->proc = proc__new("/proc");
	x->owners = owners__new(x->proc);
	x->board = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	x->pages =
		mmap(NULL, MANY * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	x->file = fopen("/dev/null", "w");
	assert_true(x->board != MAP_FAILED && x->pages != MAP_FAILED && x->file);
	init_shared(x->board);
	x->child = fork();
	if (x->child == 0)
		be_child(x);
	assert_true(x->child > 0);
	for (int i = 0; i < 10000 && !__atomic_load_n(&x->board->ready, __ATOMIC_ACQUIRE); i++)
		usleep(1000);
	assert_true(x->board->thread > 0);
	x->process =
		(struct process_entry){ .key = { .tgid = x->child, .gen = 1 }, .tid = x->child };
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	end_child(x);
	munmap(x->board, PAGE);
	munmap(x->pages, MANY * PAGE);
	fclose(x->file);
	owners__free(x->owners);
	proc__free(x->proc);
	free(x);
	return 0;
}

/* One lock that is asked about. */
struct asked {
	struct lock_key key;
	struct kind_verdict verdict;
	struct owner_query query;
};

static void prepare(struct fixture *x, struct asked *a, const void *object, enum owner_rule rule,
		    int64_t offset, uint32_t signature)
{
	*a = (struct asked){ .key = { .tgid = x->child,
				      .gen = 1,
				      .addr = (uintptr_t)object + offset,
				      .signature = signature },
			     .verdict = { .owner = rule, .offset = offset } };
	a->query = (struct owner_query){ .key = &a->key,
					 .verdict = &a->verdict,
					 .process = &x->process };
}

static struct owner_query ask(struct fixture *x, const void *object, enum owner_rule rule,
			      int64_t offset, uint32_t signature)
{
	struct asked a;

	prepare(x, &a, object, rule, offset, signature);
	owners__read(x->owners, &a.query, 1, NOW);
	return a.query;
}

/* Each of the child's locks names the child's thread that took it, not this process' copy. */
static void test_child(void **state)
{
	struct fixture *x = *state;
	struct owner_query q = ask(x, &plain, OWNER_MUTEX, 0, PRIVATE);

	assert_true(q.read && q.word.sound);
	assert_int_equal(q.tid, x->child);
	assert_true(q.number_at == (uintptr_t)&plain + 8);
	assert_true(q.number_mask != 0);
	q = ask(x, &threads_own, OWNER_MUTEX, 0, PRIVATE);
	assert_int_equal(q.tid, x->board->thread);
	q = ask(x, &x->board->shared, OWNER_MUTEX, 0, SHARED);
	assert_int_equal(q.tid, x->board->thread);
	q = ask(x, &x->board->robust, OWNER_WORD, 0, SIGNATURE(0, VALUE_TOP));
	assert_int_equal(q.tid, x->child);
	q = ask(x, &written, OWNER_RWLOCK, 12, SIGNATURE(0x189, VALUE_3));
	assert_int_equal(q.tid, x->child);
	assert_int_equal(q.word.readers, 0);
	q = ask(x, x->file->_lock, OWNER_STDIO, 0, PRIVATE);
	assert_int_equal(q.tid, x->child);
	assert_int_equal(q.word.number, x->child);
	assert_int_equal(q.number_mask, 0);
}

/* Nobody: readers are only counted, a free lock has none, a layout that records none is not read.
 */
static void test_nobody(void **state)
{
	struct fixture *x = *state;
	struct owner_query q = ask(x, &readers, OWNER_RWLOCK, 8, SIGNATURE(0x189, VALUE_2));

	assert_true(q.read);
	assert_int_equal(q.tid, 0);
	assert_int_equal(q.word.readers, 2);
	q = ask(x, &unheld, OWNER_MUTEX, 0, PRIVATE);
	assert_true(q.read);
	assert_int_equal(q.tid, 0);
	q = ask(x, &plain, OWNER_NONE, 0, PRIVATE);
	assert_false(q.read);
	assert_int_equal(q.tid, 0);
	owners__read(x->owners, NULL, 0, NOW);
}

/* Of 300 locks some lie where nothing is any more: the others are read all the same. */
static void test_holes(void **state)
{
	struct fixture *x = *state;
	struct asked *a = xcalloc(MANY, sizeof(*a));
	struct owner_query *queries = xcalloc(MANY, sizeof(*queries));

	for (int i = 0; i < MANY; i++) {
		prepare(x, &a[i], x->pages + i * PAGE, OWNER_MUTEX, 0, PRIVATE);
		queries[i] = a[i].query;
	}
	owners__read(x->owners, queries, MANY, NOW);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(queries[i].read, !HOLE(i));
		assert_int_equal(queries[i].tid, HOLE(i) ? 0 : x->child);
	}
	free(queries);
	free(a);
}

/* An object that only begins in a page that is there was not read, and the next one was. */
static void test_cut_object(void **state)
{
	struct fixture *x = *state;
	struct asked a[2];
	struct owner_query queries[2];

	prepare(x, &a[0], x->pages + 2 * PAGE + SHORT_AT, OWNER_MUTEX, 0, PRIVATE);
	prepare(x, &a[1], x->pages + 4 * PAGE, OWNER_MUTEX, 0, PRIVATE);
	assert_true(HOLE(3));
	for (int i = 0; i < 2; i++)
		queries[i] = a[i].query;
	owners__read(x->owners, queries, 2, NOW);
	assert_false(queries[0].read);
	assert_int_equal(queries[1].tid, x->child);
}

/* Locks of several processes in any order: each is read in its own one's memory. */
static void test_processes(void **state)
{
	struct fixture *x = *state;
	struct process_entry own = { .key = { .tgid = getpid(), .gen = 1 }, .tid = getpid() };
	struct asked a[6];
	struct owner_query queries[6];

	pthread_mutex_lock(&unheld); /* here it is held, in the child it is not */
	for (int i = 0; i < 6; i++) {
		prepare(x, &a[i], i % 3 ? &plain : &unheld, OWNER_MUTEX, 0, PRIVATE);
		queries[i] = a[i].query;
		if (i % 2)
			queries[i].process = &own;
	}
	owners__read(x->owners, queries, 6, NOW);
	pthread_mutex_unlock(&unheld);
	for (int i = 0; i < 6; i++) {
		pid_t expected = i % 3 ? (i % 2 ? 0 : x->child) : (i % 2 ? getpid() : 0);

		assert_true(queries[i].read);
		assert_int_equal(queries[i].tid, expected);
	}
}

/* A process that has gone is nobody's and no crash; one that is known to have is not asked. */
static void test_gone(void **state)
{
	struct fixture *x = *state;
	struct owner_query q;

	x->process.ended = true;
	q = ask(x, &plain, OWNER_MUTEX, 0, PRIVATE);
	assert_false(q.read);
	x->process.ended = false;
	end_child(x);
	q = ask(x, &plain, OWNER_MUTEX, 0, PRIVATE);
	assert_false(q.read);
	assert_int_equal(q.tid, 0);
}

/* Only private words cannot have foreign owners; a joined thread is always of the process. */
static void test_shared(void **state)
{
	const struct kind_verdict mutex = { .owner = OWNER_MUTEX }, join = { .owner = OWNER_JOIN };
	const struct lock_key private = { .signature = PRIVATE };
	const struct lock_key shared = { .signature = SHARED };
	const struct lock_key joined = { .signature = SIGNATURE(0x109, VALUE_OTHER) };

	(void)state;
	assert_false(owners__shared(&private, &mutex));
	assert_true(owners__shared(&shared, &mutex));
	assert_false(owners__shared(&joined, &join));
}

/* The words that come with a sleep: around the futex word of this object. */
static struct stack_event event_of(struct fixture *x, const void *object, int64_t offset,
				   uint32_t signature)
{
	const char *word = (const char *)object + offset;
	struct stack_event e = { .words = WORDS_HAVE_BEFORE | WORDS_HAVE_AFTER, .time_ns = NOW };

	e.key = (struct lock_key){
		.tgid = x->child, .gen = 1, .addr = (uintptr_t)word, .signature = signature
	};
	memcpy(e.before, word - WORDS_BEFORE, WORDS_BEFORE);
	memcpy(e.after, word, WORDS_AFTER);
	return e;
}

/* Who held it when the sleep began, from those words alone; without them nobody is known. */
static void test_at_sleep(void **state)
{
	struct {
		char before[WORDS_BEFORE];
		pthread_mutex_t mutex;
		pthread_rwlock_t rwlock;
		char after[WORDS_AFTER];
	} memory = { .mutex = PTHREAD_MUTEX_INITIALIZER, .rwlock = PTHREAD_RWLOCK_INITIALIZER };
	const struct kind_verdict mutex = { .owner = OWNER_MUTEX };
	const struct kind_verdict rwlock = { .owner = OWNER_RWLOCK, .offset = 12 };
	const struct kind_verdict stdio = { .owner = OWNER_STDIO }, none = { .owner = OWNER_NONE };
	const struct kind_verdict far = { .owner = OWNER_MUTEX, .offset = WORDS_BEFORE + 4 };
	const struct kind_verdict ahead = { .owner = OWNER_MUTEX, .offset = -4 };
	struct fixture *x = *state;
	struct stack_event e;
	pid_t self = syscall(SYS_gettid);

	pthread_mutex_lock(&memory.mutex);
	pthread_rwlock_wrlock(&memory.rwlock);
	e = event_of(x, &memory.mutex, 0, PRIVATE);
	assert_int_equal(owners__at_sleep(x->owners, &mutex, &x->process, &e), self);
	assert_int_equal(owners__at_sleep(x->owners, &none, &x->process, &e), 0);
	assert_int_equal(owners__at_sleep(x->owners, &stdio, &x->process, &e), 0);
	assert_int_equal(owners__at_sleep(x->owners, &far, &x->process, &e), 0);
	assert_int_equal(owners__at_sleep(x->owners, &ahead, &x->process, &e), 0);
	e.words = WORDS_HAVE_BEFORE;
	assert_int_equal(owners__at_sleep(x->owners, &mutex, &x->process, &e), 0);
	e.words = WORDS_HAVE_AFTER;
	assert_int_equal(owners__at_sleep(x->owners, &mutex, &x->process, &e), self);
	e = event_of(x, &memory.rwlock, 12, SIGNATURE(0x189, VALUE_3));
	assert_int_equal(owners__at_sleep(x->owners, &rwlock, &x->process, &e), self);
	e.words = WORDS_HAVE_AFTER; /* the object begins before the word */
	assert_int_equal(owners__at_sleep(x->owners, &rwlock, &x->process, &e), 0);
	pthread_mutex_unlock(&memory.mutex);
	pthread_rwlock_unlock(&memory.rwlock);
	e = event_of(x, &memory.mutex, 0, PRIVATE);
	assert_int_equal(owners__at_sleep(x->owners, &mutex, &x->process, &e), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_child),     TEST(test_nobody), TEST(test_holes),  TEST(test_cut_object),
		TEST(test_processes), TEST(test_gone),	 TEST(test_shared), TEST(test_at_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
