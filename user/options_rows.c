// SPDX-License-Identifier: GPL-2.0-only
/* The table of options, and how each takes its value. */
#include <errno.h>
#include <math.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "../bpf/locktop.h"
#include "export.h"
#include "options_internal.h"
#include "timeline.h"
#include "util.h"

#define DELAY_MIN 0.1
#define DELAY_MAX 86400.0

static int number(struct parse *p, const char *name, const char *arg, unsigned long min,
		  unsigned long max, unsigned long *ret)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(arg, &end, 10);
	if (errno || end == arg || *end || arg[0] == '-' || n < min || n > max)
		return options__wrong(p, "%s: '%s' is not a whole number from %lu to %lu", name,
				      arg, min, max);
	*ret = n;
	return 0;
}

static int unsigned_number(struct parse *p, const char *name, const char *arg, unsigned long min,
			   unsigned long max, unsigned int *ret)
{
	unsigned long n;
	int err = number(p, name, arg, min, max, &n);

	if (!err)
		*ret = n;
	return err;
}

static int add_pids(struct parse *p, const char *name, const char *arg, pid_t *pids, int *count)
{
	_cleanup_(util__freep) char *copy = xstrdup(arg);
	char *rest = copy, *item;

	while ((item = strsep(&rest, ","))) {
		unsigned long pid;
		int err = number(p, name, item, 1, 4194304, &pid);

		if (err)
			return err;
		if (*count == OPTIONS_PIDS_MAX)
			return options__wrong(p, "%s: at most %d processes", name,
					      OPTIONS_PIDS_MAX);
		pids[(*count)++] = pid;
	}
	return 0;
}

static int set_pids(struct parse *p, const char *arg)
{
	return add_pids(p, "--pid", arg, p->o->pids, &p->o->n_pids);
}

static int set_exact(struct parse *p, const char *arg)
{
	p->o->exact = true;
	return arg ? add_pids(p, "--exact", arg, p->o->exact_pids, &p->o->n_exact_pids) : 0;
}

static int set_budget(struct parse *p, const char *arg)
{
	char *end;
	double percent = strtod(arg, &end);

	if (end == arg || *end || !isfinite(percent) || percent < 0.1 || percent > 10000)
		return options__wrong(
			p, "--budget: '%s' is not a percentage of one CPU from 0.1 to 10000", arg);
	p->o->budget = percent;
	return 0;
}

static int set_suppressions(struct parse *p, const char *arg)
{
	if (!*arg)
		return options__wrong(p, "--suppressions: the name of a file is empty");
	p->o->suppressions = arg;
	return 0;
}

static int set_comm(struct parse *p, const char *arg)
{
	p->o->comm = arg;
	return 0;
}

static int set_user(struct parse *p, const char *arg)
{
	struct passwd *pw = getpwnam(arg);
	unsigned long uid;

	p->o->user = arg;
	if (pw) {
		p->o->uid = pw->pw_uid;
		return 0;
	}
	if (number(p, "--user", arg, 0, 4294967294UL, &uid))
		return options__wrong(p, "--user: no user is called '%s'", arg);
	p->o->uid = uid;
	return 0;
}

static int set_cgroup(struct parse *p, const char *arg)
{
	p->o->cgroup = arg;
	return 0;
}

static int set_delay(struct parse *p, const char *arg)
{
	char *end;
	double d = strtod(arg, &end);

	if (end == arg || *end || !isfinite(d) || d < DELAY_MIN || d > DELAY_MAX)
		return options__wrong(p, "--delay: '%s' is not a time in seconds from %g to %g",
				      arg, DELAY_MIN, DELAY_MAX);
	p->o->delay_ns = (uint64_t)(d * NSEC_PER_SEC + 0.5);
	return 0;
}

static int set_count(struct parse *p, const char *arg)
{
	return number(p, "--count", arg, 1, 1UL << 60, &p->o->count);
}

static int set_batch(struct parse *p, const char *arg)
{
	p->o->batch = true;
	return 0;
}

static int set_format(struct parse *p, const char *arg)
{
	if (!exporter__find(arg))
		return options__wrong(
			p, "--format: '%s' is not known (locktop --help lists formats)", arg);
	p->o->format = arg;
	p->format_given = true;
	return 0;
}

static int set_output(struct parse *p, const char *arg)
{
	if (!*arg)
		return options__wrong(p, "--output: the name of a file is empty");
	p->o->output = arg;
	return 0;
}

static int set_sort(struct parse *p, const char *arg)
{
	p->o->sort_key = arg;
	p->o->sort = fields__find(ENTITY_LOCK, arg);
	if (!p->o->sort && !fields__find(ENTITY_PROCESS, arg) && !fields__find(ENTITY_THREAD, arg))
		return options__wrong(
			p, "--sort: no field is called '%s' (locktop --help lists fields)", arg);
	return 0;
}

static int set_reverse(struct parse *p, const char *arg)
{
	p->o->reverse = true;
	return 0;
}

static int set_idle(struct parse *p, const char *arg)
{
	p->o->idle = true;
	return 0;
}

static int set_top(struct parse *p, const char *arg)
{
	return unsigned_number(p, "--top", arg, 0, 1000000, &p->o->top);
}

static int set_max_locks(struct parse *p, const char *arg)
{
	return unsigned_number(p, "--max-locks", arg, 16, 4194304, &p->o->max_locks);
}

static int set_max_threads(struct parse *p, const char *arg)
{
	return unsigned_number(p, "--max-threads", arg, 16, 4194304, &p->o->max_threads);
}

static int set_samples(struct parse *p, const char *arg)
{
	return unsigned_number(p, "--samples", arg, 0, 1000, &p->o->samples_lock);
}

static int set_max_samples(struct parse *p, const char *arg)
{
	return unsigned_number(p, "--max-samples", arg, 0, 100000, &p->o->samples_second);
}

static int set_stack_bytes(struct parse *p, const char *arg)
{
	return unsigned_number(p, "--stack-bytes", arg, 256, STACK_BYTES_MAX, &p->o->stack_bytes);
}

static int set_fail_on(struct parse *p, const char *arg)
{
	_cleanup_(util__freep) char *copy = xstrdup(arg);
	char *rest = copy, *item;
	size_t n = 0;

	while (p->o->fail_on[n])
		n++;
	while ((item = strsep(&rest, ","))) {
		const struct fail_on *f = fail_on__find(item);

		if (!f)
			return options__wrong(
				p, "--fail-on: '%s' is not known (locktop --help lists what is)",
				item);
		if (n + 1 == OPTIONS_FAIL_ON_MAX)
			return options__wrong(p, "--fail-on: once each is enough");
		p->o->fail_on[n++] = f;
	}
	return 0;
}

static int set_fail_if(struct parse *p, const char *arg)
{
	char error[512];

	if (p->o->n_fail_if == OPTIONS_FAIL_IF_MAX)
		return options__wrong(p, "--fail-if: at most %d conditions", OPTIONS_FAIL_IF_MAX);
	if (fail_if__parse(arg, &p->o->fail_if[p->o->n_fail_if], error, sizeof(error)))
		return options__wrong(p, "--fail-if %s", error);
	p->o->n_fail_if++;
	return 0;
}

static int set_min_load(struct parse *p, const char *arg)
{
	char *end;
	double load = strtod(arg, &end);

	if (end == arg || *end || !isfinite(load) || load < 0)
		return options__wrong(p, "--min-load: '%s' is no load (0.01, say)", arg);
	p->o->min_load = load;
	return 0;
}

static int set_debuginfod(struct parse *p, const char *arg)
{
	if (!getenv("DEBUGINFOD_URLS"))
		return options__wrong(
			p, "--debuginfod: DEBUGINFOD_URLS names no servers (sudo -E keeps it)");
	p->o->debuginfod = true;
	return 0;
}

/* What it means, the recording says; that it is a time is seen here. */
static int parse_time(struct parse *p, const char *name, const char *arg, const char **ret)
{
	uint64_t day = 1000000000 * NSEC_PER_SEC, ns; /* any will do */

	if (timeline__parse(arg, day, day, &ns))
		return options__wrong(p,
				      "%s: '%s' is no time: 10:00:05, 2026-11-23T10:00:05Z, or "
				      "+30 (seconds from the recording's begin)",
				      name, arg);
	*ret = arg;
	return 0;
}

static int set_from(struct parse *p, const char *arg)
{
	return parse_time(p, "--from", arg, &p->o->from);
}

static int set_to(struct parse *p, const char *arg)
{
	return parse_time(p, "--to", arg, &p->o->to);
}

static int set_sum(struct parse *p, const char *arg)
{
	p->o->sum = true;
	return 0;
}

static int set_listen(struct parse *p, const char *arg)
{
	p->o->listen = arg;
	return 0;
}

static int set_tls_cert(struct parse *p, const char *arg)
{
	p->o->tls_cert = arg;
	return 0;
}

static int set_tls_key(struct parse *p, const char *arg)
{
	p->o->tls_key = arg;
	return 0;
}

static int set_token_file(struct parse *p, const char *arg)
{
	p->o->token_file = arg;
	return 0;
}

static int set_help(struct parse *p, const char *arg)
{
	p->o->command = COMMAND_HELP;
	return 0;
}

static int set_version(struct parse *p, const char *arg)
{
	p->o->command = COMMAND_VERSION;
	return 0;
}

const struct option_row option_rows[] = {
	{ 'p', "pid", "PID[,PID...]", set_pids, "only these processes, with their children" },
	{ 0, "comm", "GLOB", set_comm, "only processes whose name matches" },
	{ 0, "user", "NAME", set_user, "only processes of this user" },
	{ 0, "cgroup", "PATH", set_cgroup, "only processes in this control group or below it" },
	{ 'd', "delay", "SECONDS", set_delay, "length of an interval (default 1, at least 0.1)" },
	{ 'n', "count", "N", set_count, "stop after N intervals" },
	{ 0, "duration", "TIME", options__set_duration,
	  "stop after so long: 10s, 5m, 2h, 1d; implies -b" },
	{ 'b', "batch", NULL, set_batch, "no screen: print each interval" },
	{ 'f', "format", "FORMAT", set_format, "what is printed; implies -b" },
	{ 'o', "output", "FILE", set_output,
	  "write there instead, whole or not at all; implies -b" },
	{ 's', "sort", "FIELD", set_sort, "sort by this field" },
	{ 'r', "reverse", NULL, set_reverse, "smallest first" },
	{ 'i', "idle", NULL, set_idle, "show idle waiting too (for work, an event, an end)" },
	{ 0, "top", "N", set_top, "locks printed for each process (default 20, 0: all)" },
	{ 0, "fail-on", "WHAT[,WHAT]", set_fail_on,
	  "end with status 3 when this is seen (CMD is killed); implies -b" },
	{ 'x', "exact", "[=PID[,PID...]]", set_exact,
	  "count every acquisition: of these processes, or of all observed" },
	{ 0, "budget", "PCT", set_budget,
	  "what -x may take of one CPU before it works in time slices (default 5)" },
	{ 0, "suppressions", "FILE", set_suppressions,
	  "inversions not to report (default ~/.config/locktop/suppressions)" },
	{ 0, "samples", "N", set_samples, "stack samples a second for each lock (default 10)" },
	{ 0, "max-samples", "N", set_max_samples,
	  "stack samples a second in all (default 1000, 0: none)" },
	{ 0, "stack-bytes", "N", set_stack_bytes, "bytes of stack in a sample (default 4096)" },
	{ 0, "max-locks", "N", set_max_locks, "locks that can be told apart (default 32768)" },
	{ 0, "max-threads", "N", set_max_threads,
	  "thread and lock pairs that can be told apart (default 65536)" },
	{ 0, "debuginfod", NULL, set_debuginfod,
	  "ask the servers in DEBUGINFOD_URLS for debug files" },
	{ 0, "max-size", "BYTES", options__set_max_size,
	  "record: the file stays below 64M, 2G ...; the oldest intervals go" },
	{ 0, "keep", "TIME", options__set_keep,
	  "record: intervals older than 30m, 12h, 7d ... go" },
	{ 0, "events", "[=N]", options__set_events,
	  "keep single sleeps, N a second at most (default 20000), for -f trace" },
	{ 0, "from", "TIME", set_from,
	  "report: begin there: as 2026-11-23T10:00:00Z, 10:00:00, or +SECONDS" },
	{ 0, "to", "TIME", set_to, "report: end there" },
	{ 0, "fail-if", "CONDITION", set_fail_if,
	  "diff: end with status 3 when it is met: 'load>1.2x', 'NAME:p99>5ms'" },
	{ 0, "min-load", "LOAD", set_min_load,
	  "diff: what --fail-if leaves out, below it on both sides (default 0.01)" },
	{ 0, "sum", NULL, set_sum, "report: all intervals as one; implies -b" },
	{ 0, "listen", "ADDR:PORT", set_listen, "serve: where (default 127.0.0.1:9752)" },
	{ 0, "tls-cert", "FILE", set_tls_cert, "serve: certificate (PEM); with --tls-key" },
	{ 0, "tls-key", "FILE", set_tls_key, "serve: its private key (PEM)" },
	{ 0, "token-file", "FILE", set_token_file,
	  "serve: the bearer token that requests must have" },
	{ 'h', "help", NULL, set_help, "show this help" },
	{ 'V', "version", NULL, set_version, "show the version" },
	{},
};
