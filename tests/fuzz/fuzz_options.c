// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line: lines of the input are its words. Options are written only when they are right,
 * and then inside their bounds; what is wrong is said in one line.
 */
#include "../../bpf/locktop.h"
#include "../../user/options.h"
#include "../../user/util.h"
#include "fuzz.h"

#define WORDS_MAX 64

static void check_options(const struct options *o)
{
	PROMISE(o->n_pids >= 0 && o->n_pids <= OPTIONS_PIDS_MAX);
	for (int i = 0; i < o->n_pids; i++)
		PROMISE(o->pids[i] > 0);
	PROMISE(o->delay_ns >= NSEC_PER_SEC / 10);
	PROMISE(o->format && o->stack_bytes <= STACK_BYTES_MAX);
	PROMISE(!o->live || !o->batch);
	PROMISE(!o->argv || o->argv[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct options o, untouched;
	char *argv[WORDS_MAX + 2] = { "locktop" }, *text, *rest, *word;
	char error[256] = "";
	int argc = 1;

	if (size == 0)
		return -1;
	memset(&o, 0xa5, sizeof(o));
	untouched = o;
	rest = text = strndup((const char *)data + 1, size - 1);
	PROMISE(text);
	while (argc <= WORDS_MAX && (word = strsep(&rest, "\n")))
		argv[argc++] = word;
	if (options__parse(argc, argv, data[0] & 1, &o, error, sizeof(error)) == 0) {
		check_options(&o);
	} else {
		PROMISE(memcmp(&o, &untouched, sizeof(o)) == 0);
		PROMISE(error[0] && strnlen(error, sizeof(error)) < sizeof(error));
	}
	free(text);
	return 0;
}
