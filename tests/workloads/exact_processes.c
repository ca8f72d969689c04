// SPDX-License-Identifier: GPL-2.0-only
/*
 * exact_processes fork|exec|late [ROUNDS [HOLD_US]]: takes mutexes in a process and its child, in
 * two programs one after the other, or by a C library that is loaded late (LIBRARY: a copy of it).
 */
#include "exact.h"
#include <dlfcn.h>
#include <sys/personality.h>

#define LATE_NS (2500 * NS_MS) /* to get a library noticed */

typedef int (*mutex_call)(pthread_mutex_t *);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, own = PTHREAD_MUTEX_INITIALIZER;
static struct truth truths[3];
static size_t n_truths;
static uint64_t hold_ns = 100000;
static int rounds = 100;
static char **arguments;

static struct truth *truth_new(const char *name, const volatile void *object)
{
	struct truth *t = &truths[n_truths++];

	t->name = name;
	t->kind = "mutex";
	t->object = object;
	return t;
}

static void mutex_rounds(pthread_mutex_t *m, struct truth *t, mutex_call lock, mutex_call unlock)
{
	uint64_t start;
	int i;

	for (i = 0; i < rounds; i++) {
		must(lock(m), "lock");
		start = now_ns();
		spin_ns(hold_ns);
		truth_add(&t->hold_ns, now_ns() - start);
		must(unlock(m), "unlock");
		truth_add(&t->acquisitions, 1);
	}
}

/* The child lets go the lock that its parent had when it forked, takes it, and one of its own. */
static void child_run(struct truth *shared)
{
	pthread_mutex_unlock(&mutex);
	shared[0].pid = shared[1].pid = outer_pid();
	mutex_rounds(&mutex, &shared[0], pthread_mutex_lock, pthread_mutex_unlock);
	mutex_rounds(&own, &shared[1], pthread_mutex_lock, pthread_mutex_unlock);
	_exit(0);
}

static void fork_case(void)
{
	struct truth *shared = shared_page(2 * sizeof(*shared)), *t;
	uint64_t start;

	t = truth_new("parent", &mutex);
	mutex_rounds(&mutex, t, pthread_mutex_lock, pthread_mutex_unlock);
	shared[0] = *truth_new("inherited", &mutex);
	shared[1] = *truth_new("child's own", &own);
	pthread_mutex_lock(&mutex);
	start = now_ns();
	if (!fork_child())
		child_run(shared);
	wait(NULL);
	truth_add(&t->hold_ns, now_ns() - start);
	pthread_mutex_unlock(&mutex);
	truth_add(&t->acquisitions, 1);
	truths[1] = shared[0];
	truths[2] = shared[1];
}

/* The same process number and address in two programs; the first one leaves while it holds. */
static void exec_case(void)
{
	struct truth *t = truth_new("exec", &mutex);
	const char *before = getenv("BEFORE");
	char text[64];

	if (!before) {
		personality(ADDR_NO_RANDOMIZE);
	} else {
		mutex_rounds(&mutex, t, pthread_mutex_lock, pthread_mutex_unlock);
		t->acquisitions += atoi(before);
		t->hold_ns += atoll(strchr(before, ' '));
		if (t->acquisitions > rounds)
			return;
		pthread_mutex_lock(&mutex);
		truth_add(&t->acquisitions, 1);
	}
	snprintf(text, sizeof(text), "%lld %lld", (long long)t->acquisitions,
		 (long long)t->hold_ns);
	setenv("BEFORE", text, 1);
	execv("/proc/self/exe", arguments);
	die("exec: %s", strerror(errno));
}

/* A second C library, in a name space and a file of its own. */
static void late_case(void)
{
#ifdef LM_ID_NEWLM
	const char *path = getenv("LIBRARY");
	/* by name: linkers warn of it in programs that are linked statically, which have it not */
	void *(*open_in)(Lmid_t, const char *, int) = dlsym(RTLD_DEFAULT, "dlmopen");
	void *library = path && open_in ? open_in(LM_ID_NEWLM, path, RTLD_NOW) : NULL;

	if (!library)
		die("LIBRARY: %s", path ? dlerror() : "not set");
	pause_ns(LATE_NS);
	mutex_rounds(&mutex, truth_new("late", &mutex),
		     (mutex_call)dlsym(library, "pthread_mutex_lock"),
		     (mutex_call)dlsym(library, "pthread_mutex_unlock"));
#else
	exit(SKIPPED);
#endif
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "?";

	arguments = argv;
	rounds = argument(argc, argv, 2, rounds);
	hold_ns = argument(argc, argv, 3, 100) * 1000;
	if (!strcmp(name, "fork"))
		fork_case();
	else if (!strcmp(name, "exec"))
		exec_case();
	else if (!strcmp(name, "late"))
		late_case();
	else
		die("usage: exact_processes fork|exec|late [ROUNDS [HOLD_US]]");
	truth_print(truths, n_truths);
	return 0;
}
