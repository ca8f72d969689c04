// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots as -f json prints them, schema locktop/1, an object a line. Only what a comparison
 * needs is read, and that is checked: type, range, number.
 */
#include "diff_read.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "util.h"

#define LINE_MAX_BYTES (128UL << 20)
#define FRAMES_USED    256UL /* of a stack, the innermost */
#define INTERVAL_MAX   (366ULL * 86400 * NSEC_PER_SEC)

/* A line in the reading. The first thing that is wrong is kept, and nothing is read after it. */
struct reader {
	struct diff_side *side;
	unsigned long line;
	char *error;
	size_t size;
	int err;
};

static void wrong(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void wrong(struct reader *r, const char *format, ...)
{
	char what[512];
	va_list args;

	if (r->err)
		return;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(r->error, r->size, "%s:%lu: %s", r->side->path, r->line, what);
	r->err = -EINVAL;
}

/* NULL: there is no such member, or it is null. */
static const json_t *member(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

static const json_t *needed(struct reader *r, const json_t *object, const char *key)
{
	const json_t *value = member(object, key);

	if (!value)
		wrong(r, "\"%s\" is missing: no snapshot of locktop", key);
	return value;
}

/* 0 where it is not known. */
static uint64_t number(struct reader *r, const json_t *object, const char *key, uint64_t max)
{
	const json_t *value = member(object, key);

	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > max) {
		wrong(r, "\"%s\" is no number of its kind", key);
		return 0;
	}
	return (uint64_t)json_integer_value(value);
}

static const char *text(struct reader *r, const json_t *object, const char *key)
{
	const json_t *value = member(object, key);

	if (value && !json_is_string(value))
		wrong(r, "\"%s\" is no text", key);
	return json_string_value(value);
}

static const json_t *list(struct reader *r, const json_t *object, const char *key)
{
	const json_t *value = member(object, key);

	if (value && !json_is_array(value))
		wrong(r, "\"%s\" is no list", key);
	return value;
}

/* The place of a text among names. */
static unsigned int choice(struct reader *r, const json_t *object, const char *key,
			   const char *const *names, unsigned int n)
{
	const char *name = text(r, object, key);

	for (unsigned int i = 0; i < n && name; i++)
		if (!strcmp(name, names[i]))
			return i;
	wrong(r, "\"%s\" is none that this version knows", key);
	return 0;
}

static double share(struct reader *r, const json_t *object, const char *key)
{
	double n = json_number_value(member(object, key));

	if (!(n >= 0 && n <= 1 + 1e-6))
		wrong(r, "\"%s\" is no share", key);
	return n;
}

static void read_totals(struct reader *r, const json_t *root, const char *key, struct totals *t)
{
	const json_t *o = member(root, key);

	t->sleeps = number(r, o, "sleeps", INT64_MAX);
	t->wait_ns = number(r, o, "wait_ns", INT64_MAX);
}

/* RFC 3339, as it is printed: UTC, with a fraction. */
static void read_time(struct reader *r, const json_t *root, struct timespec *ret)
{
	const char *s = text(r, root, "time"), *end;
	struct tm tm = {};
	double fraction = 0;

	if (!s)
		return;
	end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end && *end == '.')
		fraction = strtod(end, (char **)&end);
	if (!end || strcmp(end, "Z") || !(fraction >= 0 && fraction < 1)) {
		wrong(r, "\"time\" is no time");
		return;
	}
	ret->tv_sec = timegm(&tm);
	ret->tv_nsec = MIN((long)(fraction * 1e9 + 0.5), (long)NSEC_PER_SEC - 1);
}

/* All of an interval but its rows. */
static void read_head(struct reader *r, const json_t *root, struct snapshot *s)
{
	const char *schema = text(r, root, "schema"), *tier = text(r, root, "tier");
	const json_t *losses = member(root, "losses");

	if (!schema || strcmp(schema, "locktop/1"))
		wrong(r, "no snapshot of locktop (schema locktop/1), as -f json prints it");
	s->host = text(r, root, "host");
	s->version = text(r, root, "version");
	s->interval_ns = number(r, root, "interval_ns", INTERVAL_MAX);
	if (!s->interval_ns)
		wrong(r, "\"interval_ns\" is missing or 0");
	read_time(r, root, &s->time);
	s->exact = tier && !strcmp(tier, "exact");
	s->exact_share =
		s->exact && member(root, "exact_share") ? share(r, root, "exact_share") : 0;
	for (int i = 0; i < LOSS_COUNT; i++)
		s->losses[i] = number(r, losses, loss_names[i], INT64_MAX);
	read_totals(r, root, "totals", &s->totals);
	read_totals(r, root, "idle", &s->idle);
	s->n_deadlocks = json_array_size(list(r, root, "deadlocks"));
}

/* The bucket that ends there, or holds what ends there. */
static unsigned int bucket_of(uint64_t le_ns)
{
	unsigned int low = 0, high = HIST_BUCKETS - 1;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (hist__edge(middle + 1) < le_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void read_histogram(struct reader *r, const json_t *row, uint32_t *hist)
{
	const json_t *buckets = list(r, row, "histogram");

	for (size_t i = 0; i < json_array_size(buckets) && !r->err; i++) {
		const json_t *o = json_array_get(buckets, i);
		uint32_t *count = &hist[bucket_of(number(r, o, "le_ns", INT64_MAX))];

		if (__builtin_add_overflow(*count, number(r, o, "count", UINT32_MAX), count))
			*count = UINT32_MAX;
	}
}

static void read_frame(struct reader *r, const json_t *o, struct frame *f)
{
	const char *offset = text(r, o, "offset");

	f->function = text(r, o, "function");
	f->module = text(r, o, "module");
	f->file = text(r, o, "file");
	f->language = text(r, o, "language");
	f->line = (int)number(r, o, "line", INT32_MAX);
	f->offset = offset ? strtoull(offset, NULL, 16) : 0;
}

/* Frames and sites go into memory of the snapshot's, which is that of one line. */
static void read_site(struct reader *r, const json_t *o, struct snapshot *s, struct site *site)
{
	const json_t *frames = list(r, o, "frames");

	site->role = choice(r, o, "role", site_role_names, ROLE_COUNT);
	site->share = share(r, o, "share");
	site->n_frames = MIN(json_array_size(frames), FRAMES_USED);
	site->frames = snapshot__alloc(s, site->n_frames, sizeof(*site->frames));
	for (size_t i = 0; i < site->n_frames && !r->err; i++)
		read_frame(r, json_array_get(frames, i), &site->frames[i]);
}

/* Of each role the largest one stands first: that is all that is looked at. */
static void read_sites(struct reader *r, const json_t *row, struct snapshot *s, struct lock *lock)
{
	const json_t *sites = list(r, row, "sites");
	bool seen[ROLE_COUNT] = {};

	lock->sites = snapshot__alloc(s, ROLE_COUNT, sizeof(*lock->sites));
	for (size_t i = 0; i < json_array_size(sites) && !r->err; i++) {
		const json_t *o = json_array_get(sites, i);
		unsigned int role = choice(r, o, "role", site_role_names, ROLE_COUNT);

		if (!r->err && !seen[role])
			read_site(r, o, s, &lock->sites[lock->n_sites++]);
		seen[role] = true;
	}
}

struct command {
	uint64_t pid;
	const char *comm;
};

static int compare_commands(const void *a, const void *b)
{
	const struct command *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* The commands of all processes by their numbers: rows of locks do not repeat them. */
static struct command *read_processes(struct reader *r, const json_t *rows)
{
	size_t n = json_array_size(rows);
	struct command *commands = xcalloc(n + 1, sizeof(*commands));

	for (size_t i = 0; i < n && !r->err; i++) {
		const json_t *o = json_array_get(rows, i);

		commands[i].pid = number(r, o, "pid", INT32_MAX);
		commands[i].comm = text(r, o, "comm");
	}
	qsort(commands, n, sizeof(*commands), compare_commands);
	return commands;
}

static const char *comm_of(const struct command *commands, size_t n, uint64_t pid)
{
	const struct command key = { .pid = pid };
	const struct command *found = bsearch(&key, commands, n, sizeof(key), compare_commands);

	return found ? found->comm : NULL;
}

static void read_lock(struct reader *r, const json_t *o, const struct command *commands,
		      size_t n_commands, struct snapshot *s)
{
	struct lock lock = {};
	const char *id = text(r, o, "id");

	if (!id || snprintf(lock.id, sizeof(lock.id), "%s", id) >= (int)sizeof(lock.id))
		wrong(r, "\"id\" of a lock is missing or too long");
	needed(r, o, "wait_ns");
	lock.pid = (pid_t)number(r, o, "pid", INT32_MAX);
	lock.comm = comm_of(commands, n_commands, (uint64_t)lock.pid);
	lock.kind = choice(r, o, "kind", lock_kind_names, KIND_COUNT);
	lock.class = choice(r, o, "class", lock_class_names, CLASS_COUNT);
	lock.name = text(r, o, "name");
	lock.name_from = text(r, o, "name_from");
	lock.wait_ns = number(r, o, "wait_ns", INT64_MAX);
	lock.sleeps = number(r, o, "sleeps", INT64_MAX);
	lock.max_ns = number(r, o, "max_ns", INT64_MAX);
	lock.exact = member(o, "acquisitions");
	lock.acquisitions = number(r, o, "acquisitions", INT64_MAX);
	lock.try_failures = number(r, o, "try_failures", INT64_MAX);
	lock.hold_known = member(o, "hold_ns");
	lock.hold_ns = number(r, o, "hold_ns", INT64_MAX);
	read_histogram(r, o, lock.hist);
	read_sites(r, o, s, &lock);
	if (!r->err && diff_side__lock(r->side, s, &lock))
		wrong(r, "more than %d locks", DIFF_LOCKS);
}

static void read_snapshot(struct reader *r, const json_t *root, struct snapshot *s)
{
	const json_t *locks = list(r, root, "locks"), *processes = list(r, root, "processes");
	_cleanup_(util__freep) struct command *commands = NULL;

	read_head(r, root, s);
	needed(r, root, "locks");
	needed(r, root, "processes");
	if (r->err)
		return;
	commands = read_processes(r, processes);
	diff_side__begin(r->side, s);
	for (size_t i = 0; i < json_array_size(locks) && !r->err; i++)
		read_lock(r, json_array_get(locks, i), commands, json_array_size(processes), s);
}

static void read_object(struct reader *r, const char *bytes, size_t n)
{
	json_error_t error;
	json_t *root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);
	struct snapshot *s;

	if (!root || !json_is_object(root)) {
		wrong(r, "no recording, and no snapshot as -f json prints it%s%s", root ? "" : ": ",
		      root ? "" : error.text);
		json_decref(root);
		return;
	}
	s = snapshot__new();
	read_snapshot(r, root, s);
	snapshot__free(s);
	json_decref(root);
}

/* One line without its end into *buf; false: there is none, or it is too long. */
static bool read_line(struct reader *r, FILE *file, char **buf, size_t *capacity, size_t *n)
{
	int c;

	r->line++;
	*n = 0;
	while ((c = getc_unlocked(file)) != EOF && c != '\n') {
		if (*n == LINE_MAX_BYTES) {
			wrong(r, "a line of more than %lu MB", LINE_MAX_BYTES >> 20);
			return false;
		}
		array__grow(*buf, *n, *capacity);
		(*buf)[(*n)++] = (char)c;
	}
	if (c == EOF && ferror(file))
		wrong(r, "%s", strerror(errno));
	return !r->err && (c != EOF || *n);
}

static bool is_blank(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

int diff_read__json(FILE *file, struct diff_side *side, char *error, size_t size)
{
	struct reader r = { .side = side, .error = error, .size = size };
	_cleanup_(util__freep) char *line = NULL;
	size_t capacity = 0, n;

	while (!r.err && read_line(&r, file, &line, &capacity, &n))
		if (!is_blank(line, n))
			read_object(&r, line, n);
	return r.err;
}
