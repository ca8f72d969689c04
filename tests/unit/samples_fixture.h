/* SPDX-License-Identifier: GPL-2.0-only */
/* Events of sampled sleeps, made by hand, into struct samples. */
#ifndef SAMPLES_FIXTURE_H
#define SAMPLES_FIXTURE_H

#include "fake_source.h"

#include <pthread.h>
#include <stdlib.h>

#include "../../user/samples.h"

#define NOW  (1000 * NSEC_PER_SEC)
#define HEAP 0x7f0000001000ULL

struct fixture {
	struct options options;
	struct proc *proc;
	struct processes processes;
	struct owners *owners;
	struct samples *samples;
};

#define STACK_LEN 512

/* An event and room for a stack. */
union event {
	struct stack_event e;
	uint8_t bytes[sizeof(struct stack_event) + STACK_LEN];
};

static inline const struct sample_site *sites_of(const struct sample_key *k)
{
	return k->sites.items;
}

static inline size_t n_sites(const struct sample_key *k)
{
	return k->sites.n;
}

static inline int set_up(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));

	x->options.stack_bytes = STACK_BYTES_DEFAULT;
	x->proc = proc__new("/proc");
	processes__init(&x->processes, &x->options, x->proc);
	x->owners = owners__new(x->proc);
	x->samples = samples__new(&x->processes, x->proc, x->owners, NULL);
	*state = x;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *x = *state;

	samples__free(x->samples);
	owners__free(x->owners);
	processes__done(&x->processes);
	proc__free(x->proc);
	free(x);
	return 0;
}

/* A stack of one frame that is known, in this process. */
static inline union event event_at(enum event_type type, uint32_t id, struct lock_key key, void *pc)
{
	union event event = {};

	event.e.type = type;
	event.e.sample_id = id;
	event.e.key = key;
	event.e.time_ns = NOW;
	event.e.tid = event.e.tgid = key.tgid;
	event.e.gen = key.gen;
	event.e.regs.r[7] = HEAP;
	event.e.regs.r[REGS_MAX - 1] = (uintptr_t)pc;
	event.e.stack_len = STACK_LEN;
	return event;
}

static inline void send(struct fixture *x, const union event *event)
{
	samples__event(x->samples, event, sizeof(event->e) + event->e.stack_len);
}

static inline void send_end(struct fixture *x, uint32_t id, uint64_t blocked_ns, uint64_t delay_ns)
{
	struct end_event end = { .type = EVENT_SLEEP_END,
				 .sample_id = id,
				 .blocked_ns = blocked_ns,
				 .delay_ns = delay_ns };

	samples__event(x->samples, &end, sizeof(end));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
