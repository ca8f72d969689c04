// SPDX-License-Identifier: GPL-2.0-only
/* futex2 [ROUNDS [HOLD_MS]]: sleeps in futex_wait(2), system call 455, and is woken by
 * futex_wake(2), 454. */
#include "workload.h"

#define NR_FUTEX_WAKE 454
#define NR_FUTEX_WAIT 455
#define ANY	      0xffffffffUL
#define WORD_SIZE_32  2 /* FUTEX2_SIZE_U32 */
#define FLAGS	      (WORD_SIZE_32 | FUTEX_PRIVATE_FLAG)

static _Atomic uint32_t word = 1000; /* a value that no known kind of lock waits for */
static _Atomic int go, done;
static _Atomic pid_t tid;
static uint64_t wait_ns, hold_ns;

static void *waiter(void *rounds)
{
	uint64_t start;
	int i;

	tid = gettid();
	for (i = 1; i <= (int)(intptr_t)rounds; i++) {
		await(&go, i);
		start = now_ns();
		if (syscall(NR_FUTEX_WAIT, &word, (unsigned long)word, ANY, FLAGS, NULL, 0))
			die("futex_wait: %s", strerror(errno));
		wait_ns += now_ns() - start;
		done = i;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int i, rounds = argument(argc, argv, 1, 23);
	pthread_t thread;

	hold_ns = argument(argc, argv, 2, 2) * NS_MS;
	if (syscall(NR_FUTEX_WAKE, &word, ANY, 1, FLAGS) < 0 && errno == ENOSYS)
		return SKIPPED;
	must(pthread_create(&thread, NULL, waiter, (void *)(intptr_t)rounds), "pthread_create");
	await(&tid, 1);
	for (i = 1; i <= rounds; i++) {
		go = i;
		await_asleep(getpid(), tid, &word, sizeof(word));
		pause_ns(hold_ns);
		word++;
		syscall(NR_FUTEX_WAKE, &word, ANY, 1, FLAGS);
		await(&done, i);
	}
	pthread_join(thread, NULL);
	printf("{\"pid\":%d,\"tid\":%d,\"lock\":\"%p\",\"kind\":\"futex\",\"sleeps\":%d,"
	       "\"wait_ns\":%llu}\n",
	       getpid(), tid, (void *)&word, rounds, (unsigned long long)wait_ns);
	return 0;
}
