// SPDX-License-Identifier: GPL-2.0-only
/* Wiring only: options, probes, source, collector, and the screen or the printer. */
#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aliases.h"
#include "batch.h"
#include "collector.h"
#include "command.h"
#include "compare.h"
#include "demo.h"
#include "dump.h"
#include "exact.h"
#include "exact_check.h"
#include "features.h"
#include "live.h"
#include "loader.h"
#include "options.h"
#include "output.h"
#include "record.h"
#include "report.h"
#include "serve.h"
#include "source_bpf.h"
#include "stage.h"
#include "suppressions.h"
#include "text.h"
#include "util.h"

enum { EXIT_FINE, EXIT_FAILED, EXIT_USAGE, EXIT_FOUND };

/* All that a run owns, in the order of its making. */
struct run {
	struct options options;
	struct proc *proc;
	struct aliases *aliases;
	struct suppressions *suppressions;
	struct command_run command;
	bool has_command;
	struct output output;
	struct locktop_bpf *skel;
	struct exact *exact; /* NULL: without the exact tier */
	struct source *source;
	struct collector *collector;
	struct serve *serve;   /* NULL: nothing is served */
	struct record *record; /* NULL: nothing is recorded */
	struct batch batch;
};

static int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int fail(const char *format, ...)
{
	va_list args;

	char raw[1024], clean[1024];

	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	/* paths and arguments are in it: one line, whatever they hold */
	fprintf(stderr, "locktop: %s\n", text__clean(clean, sizeof(clean), raw));
	return EXIT_FAILED;
}

/* The given processes must be there; a thread's number stands for its process. */
static int find_list(struct run *r, pid_t *pids, int n)
{
	for (int i = 0; i < n; i++) {
		struct proc_info info;
		int err = proc__info(r->proc, pids[i], &info);

		if (err == -ESRCH || err == -ENOENT)
			return fail("no process has the number %d", pids[i]);
		if (err)
			return fail("process %d: %s", pids[i], strerror(-err));
		pids[i] = info.tgid;
	}
	return EXIT_FINE;
}

static int find_pids(struct run *r)
{
	struct options *o = &r->options;
	int status = find_list(r, o->pids, o->n_pids);

	return status ? status : find_list(r, o->exact_pids, o->n_exact_pids);
}

/* A scope that grows by children that are there already. */
struct scope_walk {
	struct run *run;
	bool (*has)(struct locktop_bpf *skel, pid_t pid);
	int (*add)(struct locktop_bpf *skel, pid_t pid);
	bool grew;
};

static int add_child(pid_t pid, void *ctx)
{
	struct scope_walk *walk = ctx;
	struct proc_info info;

	if (!proc__info(walk->run->proc, pid, &info) && walk->has(walk->run->skel, info.ppid) &&
	    !walk->has(walk->run->skel, pid) && !walk->add(walk->run->skel, pid))
		walk->grew = true;
	return 0;
}

/* These processes and their children. */
static int fill(struct scope_walk *walk, const pid_t *pids, int n)
{
	int err = 0;

	for (int i = 0; i < n && !err; i++)
		err = walk->add(walk->run->skel, pids[i]);
	do { /* until no process is new: children need not come after their parents */
		walk->grew = false;
		if (!err && n)
			proc__each(walk->run->proc, add_child, walk);
	} while (walk->grew);
	return err;
}

/* The scope of -p, CMD or demo, and that of the exact tier, which is the same unless it is given.
 */
static int fill_scope(struct run *r)
{
	struct scope_walk all = { r, loader__scope_has, loader__scope_add, false };
	struct scope_walk exact = { r, loader__exact_has, loader__exact_add, false };
	const struct options *o = &r->options;
	const pid_t *pids = r->has_command ? &r->command.pid : o->pids;
	int n = r->has_command ? 1 : o->n_pids;
	int err = fill(&all, pids, n);

	if (!err && o->exact)
		err = o->n_exact_pids ? fill(&exact, o->exact_pids, o->n_exact_pids)
				      : fill(&exact, pids, n);
	return err;
}

static int set_up(struct run *r)
{
	/* a dump looks beyond its processes: those they share locks with may be to blame */
	bool scoped = (r->options.n_pids && r->options.command != COMMAND_DUMP) || r->has_command;
	char error[512];
	int err;

	if (loader__new(&r->options, scoped, &r->skel, error, sizeof(error)))
		return fail("%s", error);
	err = scoped || r->options.n_exact_pids ? fill_scope(r) : 0;
	if (err)
		return fail("cannot set the scope: %s", strerror(-err));
	if (r->options.exact)
		r->exact = exact__new(&r->options, r->skel, r->proc);
	if (r->exact && r->options.argv)
		exact__prepare(r->exact, r->options.argv[0], r->command.pid);
	err = source_bpf__new(r->skel, r->proc, r->exact, &r->source);
	if (err)
		return fail("cannot read from the probes: %s", strerror(-err));
	r->collector = collector__new(&r->options, r->source, r->proc, r->aliases, r->suppressions);
	loader__enable(r->skel);
	if (r->exact) /* before a command's first instruction */
		exact__tick(r->exact, util__monotonic_ns());
	err = r->exact ? exact__refused(r->exact) : 0;
	if (err)
		return fail("cannot attach the exact tier's probes: %s (locktop check says what "
			    "they need)",
			    strerror(-err));
	err = collector__start(r->collector);
	if (err)
		return fail("cannot read from the probes: %s", strerror(-err));
	collector__expect(r->collector, r->has_command ? &r->command.pid : r->options.pids,
			  r->has_command ? 1 : (size_t)r->options.n_pids);
	features__drop_privileges(r->has_command);
	features__done();
	malloc_trim(0); /* loading needed far more than observing does */
	/* and what an interval frees, the next one takes: page faults would cost more than it holds
	 */
	mallopt(M_TRIM_THRESHOLD, 4 << 20);
	/* but the debug information of a large library goes back as soon as it is let go */
	mallopt(M_MMAP_THRESHOLD, 2 << 20);
	return EXIT_FINE;
}

static int start_command(struct run *r)
{
	char **argv = r->options.argv;
	bool demo = r->options.command == COMMAND_DEMO;
	int err;

	if (!argv && !demo)
		return EXIT_FINE;
	err = command__start(&r->command, argv, demo ? demo__run : NULL);
	if (err)
		return fail("cannot start a process: %s", strerror(-err));
	r->has_command = true;
	return EXIT_FINE;
}

static int let_command_go(struct run *r)
{
	int err = r->has_command ? command__go(&r->command) : 0;

	if (!err)
		return EXIT_FINE;
	fail("%s: %s", r->options.argv[0], strerror(-err));
	return err == -ENOENT ? 127 : 126; /* as a shell has it */
}

static bool scope_alive(void *ctx)
{
	return loader__scope_alive(ctx);
}

/* Intervals go to the output: not to a screen, a scraper or a recording only. */
static bool prints(const struct options *o)
{
	if (o->command == COMMAND_RECORD)
		return o->print;
	return !o->live && o->command != COMMAND_SERVE;
}

static int run_batch(struct run *r)
{
	struct batch *b = &r->batch;
	int err;

	b->options = &r->options;
	b->collector = r->collector;
	b->output = prints(&r->options) ? &r->output : NULL;
	b->command = r->options.argv ? &r->command : NULL;
	b->alive = r->options.n_pids ? scope_alive : NULL;
	b->alive_ctx = r->skel;
	b->signal_fd = batch__signals();
	if (b->signal_fd < 0)
		return fail("cannot wait for signals: %s", strerror(-b->signal_fd));
	err = batch__run(b);
	if (err && r->record && record__error(r->record)[0])
		return fail("%s", record__error(r->record));
	if (err && !b->write_failed)
		return fail("cannot read from the probes: %s", strerror(-err));
	if (!err && b->output)
		err = output__commit(&r->output);
	if (err == -ENODATA) /* from a format that is about them */
		return fail("single sleeps were not kept: --events says so");
	if (err)
		return fail("cannot write to %s: %s", r->output.path ? r->output.path : "stdout",
			    strerror(-err));
	if (!b->found[0])
		return EXIT_FINE;
	if (r->has_command) /* it might never end by itself */
		loader__scope_kill(r->skel);
	fail("%s", b->found);
	return EXIT_FOUND;
}

static int run_serve(struct run *r)
{
	int err = serve__start(r->serve);

	if (err)
		return fail("cannot serve: %s", strerror(-err));
	fprintf(stderr, "locktop: metrics are at %s\n", serve__url(r->serve));
	r->batch.take = serve__add;
	r->batch.take_ctx = r->serve;
	return run_batch(r);
}

static int run_record(struct run *r)
{
	signal(SIGPIPE, SIG_IGN); /* who reads what is printed may go: the recording ends whole */
	r->batch.take = record__add;
	r->batch.take_ctx = r->record;
	if (isatty(STDERR_FILENO) && !r->options.argv)
		fprintf(stderr, "locktop: recording to %s; Ctrl-C ends it\n", r->options.output);
	return run_batch(r);
}

static int run_dump(struct run *r)
{
	const struct options *o = &r->options;
	struct snapshot *s;
	int err = collector__dump(r->collector, o->pids, o->n_pids, &s);

	if (err == -ESRCH)
		return fail("none of the processes is there any more");
	if (err)
		return fail("cannot read from the probes: %s", strerror(-err));
	for (int i = 0; i < o->n_pids && !err; i++)
		err = dump__write(r->output.file, s, o->pids[i]);
	snapshot__free(s);
	if (!err)
		err = output__commit(&r->output);
	return err ? fail("cannot write to %s: %s", o->output ? o->output : "stdout",
			  strerror(-err))
		   : EXIT_FINE;
}

static int run_live(struct run *r)
{
	int err = live__run(&r->options, r->collector);

	if (err && stage__error(err))
		return fail("%s", stage__error(err));
	return err ? fail("%s", strerror(-err)) : EXIT_FINE;
}

static int observe(struct run *r)
{
	if (r->options.command == COMMAND_DUMP)
		return run_dump(r);
	if (r->serve)
		return run_serve(r);
	if (r->record)
		return run_record(r);
	return r->options.live ? run_live(r) : run_batch(r);
}

/* The command's end is waited for even when the observation was shorter (-n). */
static int command_status(struct run *r)
{
	struct pollfd fds[] = {
		{ .fd = r->command.pidfd, .events = POLLIN },
		{ .fd = r->batch.signal_fd, .events = POLLIN },
	};

	while (!command__ended(&r->command)) {
		poll(fds, ARRAY_SIZE(fds), 1000);
		if (batch__signalled(&r->batch))
			return 128 + SIGINT;
	}
	return r->command.status;
}

static void tear_down(struct run *r)
{
	serve__free(r->serve);
	record__free(r->record);
	collector__free(r->collector);
	if (r->source)
		r->source->ops->free(r->source);
	exact__free(r->exact);
	loader__free(r->skel);
	output__abandon(&r->output);
	r->serve = NULL;
	r->record = NULL;
	r->collector = NULL;
	r->source = NULL;
	r->exact = NULL;
	r->skel = NULL;
}

static int run(struct run *r)
{
	char error[512];
	bool recording = r->options.command == COMMAND_RECORD;
	int status, err;

	r->proc = proc__new("/proc");
	if (aliases__load(NULL, &r->aliases, error, sizeof(error)) ||
	    suppressions__load(r->options.suppressions, &r->suppressions, error, sizeof(error)))
		status = fail("%s", error);
	else
		status = find_pids(r);
	if (!status && recording && record__new(&r->options, &r->record, error))
		status = fail("%s", error);
	if (!status && prints(&r->options)) {
		err = output__open(&r->output, recording ? NULL : r->options.output);
		if (err)
			status = fail("cannot write to %s: %s", r->options.output, strerror(-err));
	}
	/* before anything is loaded: a wrong address or file is said at once */
	if (!status && r->options.command == COMMAND_SERVE &&
	    serve__new(&r->options, &r->serve, error))
		status = fail("%s", error);
	if (!status)
		status = start_command(r);
	if (!status)
		status = set_up(r);
	if (!status)
		status = let_command_go(r);
	if (!status)
		status = observe(r);
	tear_down(r); /* the probes go before anything is waited for */
	if (!status && r->options.argv)
		status = command_status(r);
	if (r->has_command && (status || !r->options.argv))
		command__stop(&r->command);
	suppressions__free(r->suppressions);
	aliases__free(r->aliases);
	proc__free(r->proc);
	return status;
}

static int check(void)
{
	struct proc *proc;
	struct options o = {};
	struct locktop_bpf *skel = NULL;
	char error[512];
	char *argv[] = { (char *)"locktop", NULL };
	int err = features__check(stdout);

	if (err) {
		printf("\nThe default tier cannot run here.\n");
		return EXIT_FAILED;
	}
	err = options__parse(1, argv, true, &o, error, sizeof(error));
	if (!err)
		err = loader__new(&o, false, &skel, error, sizeof(error));
	loader__free(skel);
	features__done();
	if (err) {
		printf("\nThe default tier cannot run here: %s.\n", error);
		return EXIT_FAILED;
	}
	printf("\nThe probes were loaded and attached: the default tier can run here.\n");
	proc = proc__new("/proc");
	exact_check__print(stdout, proc);
	proc__free(proc);
	return EXIT_FINE;
}

/* Two files; nothing is observed. */
static int diff(struct run *r)
{
	char found[COMPARE_LINE] = "", error[COMPARE_LINE];
	int err = output__open(&r->output, r->options.output);

	if (err)
		return fail("cannot write to %s: %s", r->options.output, strerror(-err));
	err = compare__run(&r->options, &r->output, found, error);
	output__abandon(&r->output);
	if (err)
		return fail("%s", error);
	if (!found[0])
		return EXIT_FINE;
	fail("%s", found);
	return EXIT_FOUND;
}

/* Of a recording; nothing is observed. */
static int report(const struct options *o)
{
	static const int statuses[] = { [REPORT_FINE] = EXIT_FINE,
					[REPORT_FAILED] = EXIT_FAILED,
					[REPORT_FOUND] = EXIT_FOUND };
	char error[REPORT_ERROR];
	enum report_result result = report__run(o, error);

	if (result != REPORT_FINE)
		fail("%s", error);
	return statuses[result];
}

int main(int argc, char **argv)
{
	struct run r = {};
	char error[512];

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* one notation of numbers in all output */
	if (options__parse(argc, argv, isatty(STDOUT_FILENO), &r.options, error, sizeof(error))) {
		fail("%s", error);
		return EXIT_USAGE;
	}
	switch (r.options.command) {
	case COMMAND_HELP:
		options__help(stdout);
		break;
	case COMMAND_VERSION:
		printf("locktop " LOCKTOP_VERSION "\n");
		break;
	case COMMAND_CHECK:
		return check();
	case COMMAND_REPORT:
		return report(&r.options);
	case COMMAND_DIFF:
		return diff(&r);
	default:
		return run(&r);
	}
	return fflush(stdout) ? fail("cannot write to stdout: %s", strerror(errno)) : EXIT_FINE;
}
