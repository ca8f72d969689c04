// SPDX-License-Identifier: GPL-2.0-only
/* waitv [ROUNDS [HOLD_MS]]: sleeps in futex_waitv(2) on two words; the first is woken each round.
 */
#include "workload.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define WORD_SIZE_32 2 /* FUTEX_32 | FUTEX_PRIVATE_FLAG below; old headers have no names */

struct word_wait {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static _Atomic uint32_t words[2] = { 1000, 1000 }; /* values that no known kind of lock waits for */
static struct word_wait vector[2];
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
		vector[0].val = words[0];
		start = now_ns();
		if (syscall(SYS_futex_waitv, vector, 2, 0, NULL, 0) < 0)
			die("futex_waitv: %s", strerror(errno));
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
	if (syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0) < 0 && errno == ENOSYS)
		return SKIPPED;
	for (i = 0; i < 2; i++)
		vector[i] = (struct word_wait){ .val = words[i],
						.uaddr = (uintptr_t)&words[i],
						.flags = WORD_SIZE_32 | FUTEX_PRIVATE_FLAG };
	must(pthread_create(&thread, NULL, waiter, (void *)(intptr_t)rounds), "pthread_create");
	await(&tid, 1);
	for (i = 1; i <= rounds; i++) {
		go = i;
		await_asleep(getpid(), tid, vector, sizeof(vector));
		pause_ns(hold_ns);
		words[0]++;
		syscall(SYS_futex, &words[0], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		await(&done, i);
	}
	pthread_join(thread, NULL);
	printf("{\"pid\":%d,\"tid\":%d,\"lock\":\"%p\",\"kind\":\"futex\",\"sleeps\":%d,"
	       "\"wait_ns\":%llu}\n",
	       getpid(), tid, (void *)&words[0], rounds, (unsigned long long)wait_ns);
	return 0;
}
