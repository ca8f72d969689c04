/* SPDX-License-Identifier: GPL-2.0-only */
/* What a thread does and who holds a lock, in words for the screens. Clean, as words.h. */
#ifndef DOING_H
#define DOING_H

#include <stdbool.h>

#include "model.h"

/*
 * "asleep in fsync for 1.2s", "waits for table_lock for 3.2s"; "" where it is not known. Returns
 * buf, as the next.
 */
char *doing__thread(char *buf, size_t size, const struct thread *t);

/*
 * Who holds a lock whose owner is not proved: "held by 3 readers", "owner unknown, last let go by
 * worker 4243 (inferred)", "owner 4250 exited: never coming back"; "" for a
 * lock with a proved owner, and for what nobody can hold.
 */
char *doing__unproved(char *buf, size_t size, const struct lock *l);

/* A kind of lock that a thread holds; nobody holds a semaphore or a condition variable. */
bool doing__has_owner(enum lock_kind kind);

/* It has an owner, and that it has is more than inferred. */
bool doing__proved(const struct lock *l);

#endif
