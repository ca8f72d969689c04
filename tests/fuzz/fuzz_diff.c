// SPDX-License-Identifier: GPL-2.0-only
/*
 * Comparisons: the first line is a condition of --fail-if, the rest a file of JSON snapshots, or if
 * it begins as one, a recording. It is compared with itself, and with an interval without a lock.
 */
#include "../../user/diff.h"
#include "../../user/diff_read.h"
#include "../../user/fail_if.h"
#include "../../user/options.h"
#include "fuzz.h"

#include <jansson.h>
#include <math.h>

/* Whatever was read, what is printed of it is lines of text and one JSON object. */
static void check_output(const struct diff *d)
{
	const struct options o = { .top = 0 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *root;

	PROMISE(diff_text__write(out, d, &o) == 0);
	PROMISE(fclose(out) == 0);
	for (size_t i = 0; i < size; i++)
		PROMISE(text[i] == '\n' || (unsigned char)text[i] >= ' ');
	free(text);
	out = open_memstream(&text, &size);
	PROMISE(diff_json__write(out, d, &o) == 0);
	PROMISE(fclose(out) == 0);
	root = json_loads(text, 0, NULL);
	PROMISE(root && json_array_size(json_object_get(root, "locks")) == d->n);
	json_decref(root);
	free(text);
}

static void check_rows(const struct diff *d, bool same)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct diff_row *row = &d->rows[i];

		PROMISE(isfinite(row->change) && (!row->noise.known || isfinite(row->noise.n)));
		PROMISE(row->locks[DIFF_A] || row->locks[DIFF_B]);
		PROMISE(!i || fabs(d->rows[i - 1].change) >= fabs(row->change));
		PROMISE(!same || (row->locks[DIFF_A] == row->locks[DIFF_B] && row->change == 0));
	}
}

static void compare(const struct diff_side *a, const struct diff_side *b,
		    const struct fail_if *fail_if, bool same)
{
	struct diff *d = diff__new(a, b);
	char line[256] = "";

	check_rows(d, same);
	check_output(d);
	if (fail_if && fail_if__can_tell(fail_if, d, line, sizeof(line))) {
		PROMISE(fail_if__check(fail_if, d, 0, line, sizeof(line)) == !!line[0]);
		PROMISE(!same || fail_if->what != FAIL_IF_NEW || fail_if->less ||
			fail_if->limit < 0 || !line[0]);
	}
	diff__free(d);
}

static struct diff_side *nothing(void)
{
	struct diff_side *side = diff_side__new("nothing", false);
	struct snapshot s = { .interval_ns = 1000000000 };

	diff_side__begin(side, &s);
	return side;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	size_t n = end ? (size_t)(end - data) : size;
	char *condition = strndup((const char *)data, n), error[512] = "", path[512];
	struct diff_side *side = NULL, *other = nothing();
	struct fail_if f;
	bool judged = !fail_if__parse(condition, &f, error, sizeof(error));
	int err;

	PROMISE(judged == !error[0]);
	error[0] = 0;
	fuzz__put(fuzz__directory(), "side", data + n + !!end, size - n - !!end);
	snprintf(path, sizeof(path), "%s/side", fuzz__directory());
	err = diff_read(path, true, &side, error, sizeof(error));
	PROMISE(err <= 0 && !err == !!side && !err == !error[0]);
	if (side) {
		compare(side, side, judged ? &f : NULL, true);
		compare(side, other, judged ? &f : NULL, false);
		compare(other, side, judged ? &f : NULL, false);
	}
	diff_side__free(side);
	diff_side__free(other);
	free(condition);
	return 0;
}
