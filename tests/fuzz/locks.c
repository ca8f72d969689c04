// SPDX-License-Identifier: GPL-2.0-only
/*
 * A small library with functions of lock APIs: what fuzz_samples.c lets its made-up process have
 * mapped. It is never run.
 */
#define FUNCTION(name)                                                        \
	int name(void *lock);                                                 \
	int __attribute__((noinline, visibility("default"))) name(void *lock) \
	{                                                                     \
		volatile char room[64] = { 0 };                               \
                                                                              \
		return wait_in_kernel(lock) + room[13];                       \
	}

static int __attribute__((noinline)) wait_in_kernel(void *lock)
{
	int (*volatile call)(void *) = 0;

	return call(lock) + 1;
}

FUNCTION(pthread_mutex_lock)
FUNCTION(pthread_cond_wait)
FUNCTION(pthread_rwlock_rdlock)
FUNCTION(sem_wait)
FUNCTION(syscall)
FUNCTION(malloc_like_function)

int some_lock[8];
