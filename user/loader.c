// SPDX-License-Identifier: GPL-2.0-only
#include "loader.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../bpf/locktop.h"
#include "features.h"
#include "locktop.skel.h"
#include "sampler.h"
#include "uprobes.h"
#include "util.h"

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static void configure_exact(struct locktop_bpf *skel, const struct options *o, bool scoped)
{
	struct bpf_program *probes[] = { skel->progs.on_lock_call, skel->progs.on_lock_return };

	skel->rodata->knob_exact = o->exact;
	skel->rodata->knob_exact_scoped = scoped || o->n_exact_pids;
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		bpf_program__set_autoload(probes[i], o->exact);
		if (o->exact && uprobes__supports_multi())
			bpf_program__set_expected_attach_type(probes[i], UPROBES_MULTI);
	}
	bpf_program__set_autoload(skel->progs.on_spinning, o->exact);
	bpf_program__set_autoload(skel->progs.on_call_end, o->exact);
	bpf_program__set_autoattach(skel->progs.on_call_end, false); /* with the probes only */
	if (!o->exact)
		return;
	bpf_map__set_max_entries(skel->maps.exact_locks, 2 * o->max_locks);
	bpf_map__set_max_entries(skel->maps.exact_buffers, libbpf_num_possible_cpus());
}

/* A power of two, and whole pages: room for a quarter of a second, as assembling may take long. */
static size_t sleep_ring_bytes(unsigned int events)
{
	size_t wanted = (size_t)events * (sizeof(struct sleep_event) + BPF_RINGBUF_HDR_SZ) / 4;
	size_t size = sysconf(_SC_PAGESIZE);

	while (size < wanted)
		size *= 2;
	return size;
}

static void configure(struct locktop_bpf *skel, const struct options *o, bool scoped)
{
	skel->rodata->knob_scoped = scoped;
	skel->rodata->knob_switch_has_state = features__switch_has_state();
	skel->rodata->knob_stack_bytes = o->stack_bytes;
	skel->rodata->knob_sample_period_ns =
		o->samples_lock ? NSEC_PER_SEC / o->samples_lock : UINT64_MAX / 2;
	skel->rodata->knob_samples_second = o->samples_second;
	skel->rodata->knob_events_second = o->events;
	bpf_map__set_max_entries(skel->maps.sleep_events, sleep_ring_bytes(o->events));
	bpf_map__set_max_entries(skel->maps.locks, o->max_locks);
	bpf_map__set_max_entries(skel->maps.waits, o->max_threads);
	bpf_map__set_max_entries(skel->maps.sample_buffers, libbpf_num_possible_cpus());
	bpf_program__set_autoload(skel->progs.on_running, sampler__possible());
	bpf_program__set_autoload(skel->progs.on_fork, scoped || o->n_exact_pids);
	bpf_program__set_autoload(skel->progs.on_exit, scoped || o->n_exact_pids);
	configure_exact(skel, o, scoped);
}

int loader__new(const struct options *o, bool scoped, struct locktop_bpf **ret, char *error,
		size_t size)
{
	struct locktop_bpf *skel;
	int err;

	err = features__require(error, size);
	if (err)
		return err;
	libbpf_set_print(silent);
	skel = locktop_bpf__open();
	if (!skel) {
		err = -errno;
		snprintf(error, size, "cannot open the probes: %s", strerror(-err));
		return err;
	}
	configure(skel, o, scoped);
	err = locktop_bpf__load(skel);
	if (err) {
		snprintf(error, size, "cannot load the probes: %s (locktop check says more)",
			 strerror(-err));
		goto fail;
	}
	err = locktop_bpf__attach(skel);
	if (err) {
		snprintf(error, size, "cannot attach the probes: %s (locktop check says more)",
			 strerror(-err));
		goto fail;
	}
	*ret = skel;
	return 0;
fail:
	locktop_bpf__destroy(skel);
	return err;
}

void loader__free(struct locktop_bpf *skel)
{
	locktop_bpf__destroy(skel);
}

int loader__scope_add(struct locktop_bpf *skel, pid_t pid)
{
	__u32 key = pid, one = 1;

	if (bpf_map_update_elem(bpf_map__fd(skel->maps.scope), &key, &one, BPF_ANY))
		return -errno;
	return 0;
}

int loader__exact_add(struct locktop_bpf *skel, pid_t pid)
{
	__u32 key = pid, one = 1;

	if (bpf_map_update_elem(bpf_map__fd(skel->maps.exact_scope), &key, &one, BPF_ANY))
		return -errno;
	return 0;
}

static bool has(struct bpf_map *map, pid_t pid)
{
	__u32 key = pid, value;

	return bpf_map_lookup_elem(bpf_map__fd(map), &key, &value) == 0;
}

bool loader__exact_has(struct locktop_bpf *skel, pid_t pid)
{
	return has(skel->maps.exact_scope, pid);
}

bool loader__scope_has(struct locktop_bpf *skel, pid_t pid)
{
	return has(skel->maps.scope, pid);
}

bool loader__scope_alive(struct locktop_bpf *skel)
{
	__u32 key;

	return bpf_map_get_next_key(bpf_map__fd(skel->maps.scope), NULL, &key) == 0;
}

void loader__scope_kill(struct locktop_bpf *skel)
{
	__u32 key, *at = NULL;

	/* the probes take a process out when it ends: what stands there is no other one's number */
	while (!bpf_map_get_next_key(bpf_map__fd(skel->maps.scope), at, &key)) {
		kill(key, SIGKILL);
		at = &key;
	}
}

void loader__enable(struct locktop_bpf *skel)
{
	skel->bss->enabled = 1;
}
