// SPDX-License-Identifier: GPL-2.0-only
#include "assemble_exact.h"

#include "util.h"

/* Families of what is held; a semaphore is, if the balance of its calls is known. */
static bool knows_hold(const struct tally_key *k)
{
	switch (SIGNATURE_OP(k->key.signature) & ~OP_EXACT) {
	case OP_MUTEX_LOCK:
	case OP_RWLOCK_WRLOCK:
	case OP_SPIN_LOCK:
		return true;
	case OP_SEM_WAIT:
		return !k->exact->unbalanced;
	default:
		return false;
	}
}

void assemble_exact__add(struct lock *lock, const struct tally_key *k)
{
	const struct tally_exact *x = k->exact;

	if (!x->known)
		return;
	lock->hold_known = (lock->hold_known || !lock->exact) && knows_hold(k);
	lock->exact = true;
	lock->acquisitions += x->delta.calls;
	lock->read_acquisitions += x->delta.reads;
	lock->contended += x->delta.contended;
	lock->try_failures += x->delta.failures;
	lock->releases += x->delta.releases;
	lock->signals += x->delta.signals;
	lock->owner_changes += x->delta.owner_changes;
	lock->call_wait_ns += x->delta.wait_ns;
	lock->hold_ns += x->delta.hold_ns;
	lock->read_hold_ns += x->delta.read_hold_ns;
	lock->max_hold_ns = MAX(lock->max_hold_ns, x->max_hold_ns);
	for (int i = 0; i < HIST_BUCKETS; i++)
		lock->hold_hist[i] += k->hist_delta[i];
}

bool assemble_exact__has_holders(const struct part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct sites *s = &parts[i].sample->sites;

		for (size_t j = 0; parts[i].key->exact && j < s->n; j++)
			if (s->items[j].role == ROLE_HOLDER && s->items[j].all_wait_ns)
				return true;
	}
	return false;
}
