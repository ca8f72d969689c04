// SPDX-License-Identifier: GPL-2.0-only
#include "owners.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "util.h"

#define BATCH 256 /* locks read in one call */

struct owners {
	struct namespaces *namespaces;
};

struct owners *owners__new(struct proc *proc)
{
	struct owners *o = xcalloc(1, sizeof(*o));

	o->namespaces = namespaces__new(proc);
	return o;
}

void owners__free(struct owners *o)
{
	if (!o)
		return;
	namespaces__free(o->namespaces);
	free(o);
}

bool owners__shared(const struct lock_key *key, const struct kind_verdict *verdict)
{
	/* a thread's end wakes its joiner as if from outside: the kernel does it */
	return !(SIGNATURE_OP(key->signature) & FUTEX_PRIVATE_FLAG) && verdict->owner != OWNER_JOIN;
}

static bool is_in_word(const struct kind_verdict *v)
{
	return v->owner != OWNER_NONE && v->owner != OWNER_PYTHON;
}

static uint64_t address_of(const struct owner_query *q)
{
	return owner_word__address(q->verdict->owner, q->key->addr, q->verdict->offset);
}

static int compare_processes(const void *a, const void *b)
{
	const struct owner_query *x = *(struct owner_query *const *)a;
	const struct owner_query *y = *(struct owner_query *const *)b;

	return (x->process > y->process) - (x->process < y->process);
}

static void decode(struct owner_query *q, const uint8_t *bytes)
{
	q->read = true;
	q->word = owner_word__decode(q->verdict->owner, bytes);
	q->number_at = owner_word__number_at(q->verdict->owner, address_of(q), &q->number_mask);
}

/* Locks of one process. A lock whose page is gone ends a call: the next one begins behind it. */
static void read_batch(struct owner_query **queries, size_t n)
{
	uint8_t bytes[BATCH][OWNER_BYTES];
	struct iovec local[BATCH], remote[BATCH];

	for (size_t i = 0; i < n; i++) {
		local[i] = (struct iovec){ bytes[i], OWNER_BYTES };
		remote[i] =
			(struct iovec){ (void *)(uintptr_t)address_of(queries[i]), OWNER_BYTES };
	}
	for (size_t done = 0; done < n;) {
		ssize_t got = process_vm_readv(queries[done]->process->tid, local + done, n - done,
					       remote + done, n - done, 0);
		size_t whole = got > 0 ? (size_t)got / OWNER_BYTES : 0;

		if (got < 0 && errno != EFAULT)
			return; /* it has gone */
		for (size_t i = 0; i < whole; i++)
			decode(queries[done + i], bytes[done + i]);
		done += whole + (done + whole < n);
	}
}

/* glibc's stdio locks hold the address of a thread's descriptor, which holds its number. */
static void follow_descriptor(struct owner_query *q)
{
	uint64_t at = q->word.descriptor + DESCRIPTOR_NUMBER;
	uint32_t number;

	if (!q->read || !q->word.descriptor ||
	    proc__read_memory(q->process->tid, at, &number, sizeof(number)) != sizeof(number) ||
	    number > FUTEX_TID_MASK)
		return;
	q->word.number = number;
}

void owners__read(struct owners *o, struct owner_query *queries, size_t n, uint64_t now_ns)
{
	struct owner_query **order = xcalloc(n, sizeof(*order));
	size_t wanted = 0;

	for (size_t i = 0; i < n; i++)
		if (is_in_word(queries[i].verdict) && !queries[i].process->ended)
			order[wanted++] = &queries[i];
	if (wanted)
		qsort(order, wanted, sizeof(*order), compare_processes);
	for (size_t i = 0, len; i < wanted; i += len) {
		for (len = 1; i + len < wanted && len < BATCH; len++)
			if (order[i + len]->process != order[i]->process)
				break;
		read_batch(order + i, len);
	}
	for (size_t i = 0; i < wanted; i++) {
		struct owner_query *q = order[i];

		follow_descriptor(q);
		if (q->read && q->word.number)
			q->tid = namespaces__thread(o->namespaces, q->process, q->word.number,
						    owners__shared(q->key, q->verdict), now_ns);
	}
	free(order);
}

pid_t owners__at_sleep(struct owners *o, const struct kind_verdict *verdict,
		       const struct process_entry *process, const struct stack_event *e)
{
	uint8_t words[WORDS_BEFORE + WORDS_AFTER];
	struct owner_word word;
	int64_t from;

	if (!is_in_word(verdict) || verdict->owner == OWNER_STDIO || !(e->words & WORDS_HAVE_AFTER))
		return 0;
	memcpy(words, e->before, WORDS_BEFORE);
	memcpy(words + WORDS_BEFORE, e->after, WORDS_AFTER);
	from = (int64_t)(owner_word__address(verdict->owner, e->key.addr, verdict->offset) -
			 e->key.addr);
	if (from > 0 || from < -WORDS_BEFORE || (from < 0 && !(e->words & WORDS_HAVE_BEFORE)))
		return 0;
	word = owner_word__decode(verdict->owner, words + WORDS_BEFORE + from);
	if (!word.number)
		return 0;
	return namespaces__thread(o->namespaces, process, word.number,
				  owners__shared(&e->key, verdict), e->time_ns);
}

pid_t owners__thread(struct owners *o, const struct process_entry *process, uint32_t number,
		     uint64_t now_ns)
{
	return number ? namespaces__thread(o->namespaces, process, number, false, now_ns) : 0;
}
