// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's file of suppressions: with sudo it is read as root and written by somebody else. The
 * bytes are the file, and its first line is also the name that globs meet.
 */
#include "../../user/suppressions.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *root = fuzz__directory();
	char path[512], error[256] = "", text[128];
	struct suppressions *s = NULL;
	struct frame frame = { .function = text };
	struct inversion_edge edge = { .from = "10:0x1000",
				       .to = "10:0x2000",
				       .from_name = text,
				       .frames = &frame,
				       .n_frames = 1 };
	bool there;
	int err;

	fuzz__put(root, "suppressions", data, size);
	snprintf(path, sizeof(path), "%s/suppressions", root);
	err = suppressions__load(path, &s, error, sizeof(error));
	PROMISE(err <= 0);
	PROMISE(!err == !!s);
	PROMISE(!err == !error[0]);
	snprintf(text, sizeof(text), "%.*s", (int)size, (const char *)data);
	text[strcspn(text, "\n")] = 0;
	there = suppressions__match(s, &edge);
	PROMISE(!there || s);
	suppressions__free(s);
	return 0;
}
