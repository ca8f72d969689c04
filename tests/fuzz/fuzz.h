/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzz harnesses share. A broken promise of the code under test ends in __builtin_trap. */
#ifndef FUZZ_H
#define FUZZ_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PROMISE(condition)                                                                      \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
			__builtin_trap();                                                       \
		}                                                                               \
	} while (0)

/* Takes up to size bytes from the front of the input; what is missing is 0. */
static inline void fuzz__take(const uint8_t **data, size_t *left, void *to, size_t size)
{
	size_t n = *left < size ? *left : size;

	memset(to, 0, size);
	if (n)
		memcpy(to, *data, n);
	*data += n;
	*left -= n;
}

/*
 * A directory for a made-up /proc, under TMPDIR (tests/fuzz/run removes that). One for each process
 * of the fuzzer.
 */
static inline const char *fuzz__directory(void)
{
	static char path[256];
	const char *parent = getenv("TMPDIR");

	if (path[0])
		return path;
	snprintf(path, sizeof(path), "%s/locktop-fuzz-XXXXXX", parent ? parent : "/tmp");
	PROMISE(mkdtemp(path));
	return path;
}

/* Writes root/name; its directory must be there. */
static inline void fuzz__put(const char *root, const char *name, const void *bytes, size_t size)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "we");
	PROMISE(file);
	PROMISE(fwrite(bytes, 1, size, file) == size);
	PROMISE(fclose(file) == 0);
}

static inline void fuzz__mkdir(const char *root, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	PROMISE(mkdir(path, 0700) == 0 || errno == EEXIST);
}

#endif
