// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's file of names: with sudo it is read as root and written by somebody else. The bytes
 * are the file, and its first line is also looked up, so that globs meet hostile text.
 */
#include "../../user/aliases.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *root = fuzz__directory(), *name;
	char path[512], error[256] = "", text[128];
	struct aliases *aliases = NULL;
	int err;

	fuzz__put(root, "names", data, size);
	snprintf(path, sizeof(path), "%s/names", root);
	err = aliases__load(path, &aliases, error, sizeof(error));
	PROMISE(strnlen(error, sizeof(error)) < sizeof(error));
	PROMISE(!err || (error[0] && !aliases));
	PROMISE(err <= 0);
	snprintf(text, sizeof(text), "%.*s", (int)size, (const char *)data);
	text[strcspn(text, "\n")] = 0;
	name = aliases__find(aliases, "/usr/lib/libexample.so.1", text);
	PROMISE(!name || name[0]);
	name = aliases__find(aliases, NULL, "queue_lock+0x10");
	PROMISE(!name || name[0]);
	aliases__free(aliases);
	return 0;
}
