// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is read of a process in /proc: the bytes are its maps and all its other files. Mappings must
 * come out in order, as look-ups need them, and text must end where its buffer does.
 */
#include "../../user/proc.h"
#include "../../user/util.h"
#include "fuzz.h"

static const char *const names[] = {
	"1/maps",    "1/stat",	  "1/status",	 "1/comm",	   "1/cgroup",
	"self/stat", "1/cmdline", "1/mountinfo", "self/mountinfo", "1/task/1/comm",
};

/* The tree, once: all its files are one, whose contents change. */
static const char *tree(void)
{
	static const char *root;
	char first[512], other[512];

	if (root)
		return root;
	root = fuzz__directory();
	fuzz__mkdir(root, "self");
	fuzz__mkdir(root, "1");
	fuzz__mkdir(root, "1/task");
	fuzz__mkdir(root, "1/task/1");
	fuzz__put(root, names[0], "", 0);
	snprintf(first, sizeof(first), "%s/%s", root, names[0]);
	for (size_t i = 1; i < ARRAY_SIZE(names); i++) {
		snprintf(other, sizeof(other), "%s/%s", root, names[i]);
		PROMISE(link(first, other) == 0);
	}
	return root;
}

static void use_maps(struct proc *p, size_t size)
{
	struct maps *maps;

	if (proc__maps(p, 1, &maps) != 0)
		return;
	for (size_t i = 0; i < maps->n; i++) {
		const struct mapping *m = &maps->items[i];

		PROMISE(m->start < m->end);
		PROMISE(i == 0 || m[-1].end <= m->start);
		PROMISE(maps__find(maps, m->start) == m);
		PROMISE(maps__find(maps, m->end - 1) == m);
		PROMISE(maps__find(maps, m->end) != m);
		PROMISE(m->path && m->path >= maps->paths);
		PROMISE(strlen(m->path) <= size);
	}
	maps__free(maps);
}

static void use_others(struct proc *p)
{
	struct proc_info info;
	uint64_t cpu_ns, rss;
	char text[64];

	if (proc__info(p, 1, &info) == 0)
		PROMISE(strnlen(info.comm, sizeof(info.comm)) < sizeof(info.comm));
	if (proc__thread_comm(p, 1, 1, text, sizeof(text)) == 0)
		PROMISE(strnlen(text, sizeof(text)) < sizeof(text));
	if (proc__cgroup(p, 1, text, sizeof(text)) == 0)
		PROMISE(strnlen(text, sizeof(text)) < sizeof(text));
	proc__in_cgroup(p, 1, "/system.slice");
	proc__self(p, &cpu_ns, &rss);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *root = tree();
	struct proc *p;

	fuzz__put(root, names[0], data, size);
	p = proc__new(root);
	use_maps(p, size);
	use_others(p);
	proc__free(p);
	return 0;
}
