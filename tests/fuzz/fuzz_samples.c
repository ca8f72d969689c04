// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stack samples as they come from the ring buffer: a sequence of events, sleeps that go on,
 * look-ups and ends of intervals, for a made-up process that has one small library mapped. Sites
 * stay bounded and nothing is credited twice.
 *
 * Input: records of one byte that says what, two bytes of length, then so many bytes.
 */
#include <libgen.h>
#include <limits.h>

#include "../../user/samples.h"
#include "../../user/util.h"
#include "fuzz.h"

#define LIBRARY_START 0x7f0000000000ULL /* seeds.py knows it too */
#define HEAP_START    0x7e0000000000ULL
#define HEAP_BYTES    0x100000ULL

enum what { EVENT, OPEN, NAME, NEXT, DROP, WHATS };

static const char *library_path(void)
{
	static char path[PATH_MAX + 16];
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	PROMISE(n > 0);
	exe[n] = 0;
	snprintf(path, sizeof(path), "%s/locks.so", dirname(exe));
	return path;
}

/* Process 1: the library as one mapping, a heap and this machine's files. */
static const char *tree(void)
{
	static const char stat_line[] =
		"1 (made up) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 77 0 0\n";
	static const char status[] =
		"Name:\tmade up\nTgid:\t1\nPid:\t1\nPPid:\t0\nUid:\t0\t0\t0\t0\n"
		"NSpid:\t1\nThreads:\t3\n";
	static const char *root;
	char maps[2 * PATH_MAX + 1024], link_path[512];
	struct stat st;
	int n;

	if (root)
		return root;
	root = fuzz__directory();
	fuzz__mkdir(root, "1");
	PROMISE(stat(library_path(), &st) == 0);
	/* As the loader would: code in the first page, data in the next, then what is zero. */
	n = snprintf(maps, sizeof(maps),
		     "%llx-%llx rw-p 00000000 00:00 0\n"
		     "%llx-%llx r-xp 00000000 00:01 %lu %s\n"
		     "%llx-%llx rw-p 00000000 00:01 %lu %s\n"
		     "%llx-%llx rw-p 00000000 00:00 0\n",
		     HEAP_START, HEAP_START + HEAP_BYTES, LIBRARY_START, LIBRARY_START + 0x1000,
		     st.st_ino, library_path(), LIBRARY_START + 0x1000, LIBRARY_START + 0x2000,
		     st.st_ino, library_path(), LIBRARY_START + 0x2000, LIBRARY_START + 0x3000);
	fuzz__put(root, "1/maps", maps, n);
	fuzz__put(root, "1/stat", stat_line, sizeof(stat_line) - 1);
	fuzz__put(root, "1/status", status, sizeof(status) - 1);
	fuzz__put(root, "1/comm", "made up\n", 8);
	fuzz__put(root, "1/cgroup", "0::/made.slice\n", 15);
	snprintf(link_path, sizeof(link_path), "%s/1/root", root);
	PROMISE(symlink("/", link_path) == 0);
	return root;
}

static void check(const struct sample_key *k)
{
	PROMISE(k->sites.n <= SITES_MAX);
	for (size_t i = 0; i < k->sites.n; i++) {
		const struct sample_site *s = &k->sites.items[i];

		PROMISE(s->role < ROLE_COUNT && s->hash);
		PROMISE(s->samples <= s->all_samples && s->wait_ns <= s->all_wait_ns);
		PROMISE(s->n_frames == 0 || s->frames);
		PROMISE(sites__find(&k->sites, s->role, s->hash));
	}
}

static void open_sleep(struct samples *s, const void *bytes, size_t size, uint64_t now_ns)
{
	struct open_sleep o = { 0 };

	memcpy(&o, bytes, MIN(size, sizeof(o)));
	/* Without an id, a sleeper's memory is read: that of a real process with this number. */
	o.sample_id |= 1;
	samples__open(s, samples__key(s, &o.key), &o, now_ns);
	check(samples__key(s, &o.key));
}

static void step(struct samples *s, enum what what, const void *bytes, size_t size, uint64_t now_ns)
{
	struct lock_key key = { 0 };
	const uint32_t *deep;

	switch (what) {
	case EVENT:
		samples__event(s, bytes, size);
		break;
	case OPEN:
		open_sleep(s, bytes, size, now_ns);
		break;
	case NAME:
		memcpy(&key, bytes, MIN(size, sizeof(key)));
		samples__name(s, samples__key(s, &key), now_ns);
		check(samples__key(s, &key));
		break;
	case NEXT:
		samples__deep(s, &deep);
		samples__next_interval(s);
		break;
	default:
		memcpy(&key, bytes, MIN(size, sizeof(key)));
		samples__drop(s, &key);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct options options = { .stack_bytes = STACK_BYTES_DEFAULT };
	struct proc *proc = proc__new(tree());
	struct owners *owners = owners__new(proc);
	struct processes processes;
	struct samples *s;
	uint64_t now_ns = 1000 * NSEC_PER_SEC;

	processes__init(&processes, &options, proc);
	s = samples__new(&processes, proc, owners, NULL);
	while (size) {
		uint16_t len;
		uint8_t what;
		void *bytes;

		fuzz__take(&data, &size, &what, sizeof(what));
		fuzz__take(&data, &size, &len, sizeof(len));
		/* Aligned as in the ring buffer, and no byte longer than it says. */
		bytes = calloc(1, len + !len);
		PROMISE(bytes);
		fuzz__take(&data, &size, bytes, len);
		step(s, what % WHATS, bytes, len, now_ns += NSEC_PER_SEC / 20);
		free(bytes);
	}
	samples__free(s);
	owners__free(owners);
	processes__done(&processes);
	proc__free(proc);
	return 0;
}
