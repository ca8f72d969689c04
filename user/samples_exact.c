// SPDX-License-Identifier: GPL-2.0-only
/* Samples of the exact tier: who takes a lock where, and how long it is held then. */
#include "samples_internal.h"

#define HOLD_INTERVALS	 600 /* a hold whose end was not seen is kept this long */
#define UNUSED_INTERVALS 64  /* an object that no figures come of is kept this long */

void samples_exact__taker(struct samples *s, const struct stack_event *e)
{
	struct process_entry *process = samples__process(s, e->tgid, e->gen, e->time_ns);
	struct raw_stack raw = stacks__of_event(e);
	uint32_t op = SIGNATURE_OP(e->key.signature);
	struct sample_key *k;
	uint64_t site;

	if (!process->in_scope || !(op & OP_EXACT))
		return;
	process->thread = e->tid;
	k = samples__key(s, &e->key);
	site = samples__take_stack(s, k, ROLE_HOLDER, process, &raw, NULL);
	/* others may let a semaphore go: no end comes */
	if (site && op != (OP_EXACT | OP_SEM_WAIT))
		samples__pending(s, e->sample_id, k)->site[ROLE_HOLDER] = site;
}

bool samples_exact__is_lost(const struct samples *s, const struct pending *p)
{
	return s->interval - p->seen >= HOLD_INTERVALS;
}

bool samples_exact__is_unused(const struct samples *s, const struct sample_key *k)
{
	return SIGNATURE_OP(k->key.signature) & OP_EXACT &&
	       s->interval - k->used >= UNUSED_INTERVALS;
}

static void rename_later(struct sample_key *k)
{
	k->looked_up = false;
	k->named_after = 0;
}

void samples__judged(struct sample_key *k, const struct kind_verdict *verdict)
{
	if (k->verdict.sure)
		return;
	k->verdict = *verdict;
	rename_later(k);
}

void samples__begin_anew(struct sample_key *k)
{
	sites__begin_anew(&k->sites);
	depths__done(&k->depths);
	holders__done(&k->holders);
	k->name = k->name_from = k->where = k->memory = NULL;
	k->object = (struct static_name){};
	k->shared.inode = 0;
	samples_python__begin_anew(k);
	k->has_stack = false;
	rename_later(k);
}
