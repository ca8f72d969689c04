// SPDX-License-Identifier: GPL-2.0-only
/*
 * libdebuginfod is loaded when it is first needed: it brings an HTTP client with all that belongs
 * to it, which hardly any run of this program wants in its memory.
 */
#include "debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define PAUSE_NS (60 * NSEC_PER_SEC)

struct debuginfod_client;

static struct library {
	struct debuginfod_client *(*begin)(void);
	void (*end)(struct debuginfod_client *client);
	int (*find)(struct debuginfod_client *client, const unsigned char *id, int id_len,
		    char **path);
	bool tried, usable;
	uint64_t pause_until_ns;
} library;

static bool load(struct library *l)
{
	const struct {
		const char *name;
		void *function;
	} functions[] = {
		{ "debuginfod_begin", &l->begin },
		{ "debuginfod_end", &l->end },
		{ "debuginfod_find_debuginfo", &l->find },
	};
	void *handle;

	if (l->tried)
		return l->usable;
	l->tried = true;
	handle = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; handle && i < ARRAY_SIZE(functions); i++) {
		void *address = dlsym(handle, functions[i].name);

		if (!address)
			return false;
		memcpy(functions[i].function, &address, sizeof(address));
	}
	/* What the user set stays. Somebody looks at a screen while this waits. */
	setenv("DEBUGINFOD_TIMEOUT", "2", 0);
	setenv("DEBUGINFOD_RETRY_LIMIT", "0", 0);
	setenv("DEBUGINFOD_MAXTIME", "10", 0);
	setenv("DEBUGINFOD_MAXSIZE", "536870912", 0);
	l->usable = handle != NULL;
	return l->usable;
}

int debuginfod__fetch(const unsigned char *id, size_t id_len, char **path)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	struct debuginfod_client *client;
	int fd;

	if (!urls || !urls[0] || util__monotonic_ns() < library.pause_until_ns)
		return -ENOENT;
	if (!load(&library))
		return -ENOSYS;
	client = library.begin();
	if (!client)
		return -ENOMEM;
	fd = library.find(client, id, id_len, path);
	library.end(client);
	/* A server that says no is fine; one that does not answer would be waited for each time. */
	if (fd < 0 && fd != -ENOENT)
		library.pause_until_ns = util__monotonic_ns() + PAUSE_NS;
	return fd;
}
