// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../bpf/locktop.h"
#include "export.h"
#include "fail_if.h"
#include "keys.h"
#include "options_internal.h"
#include "text.h"
#include "util.h"

int options__wrong(struct parse *p, const char *format, ...)
{
	char raw[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	text__clean(p->error, p->size, raw); /* it quotes what was typed, or came from elsewhere */
	return -EINVAL;
}

static const struct command_row {
	const char *name;
	enum command command;
	int n_files; /* words that follow it */
	const char *files;
	const char *help;
} commands[] = {
	{ "check", COMMAND_CHECK, 0, "",
	  "say what this machine supports; exit 0 if locktop can run" },
	{ "demo", COMMAND_DEMO, 0, "", "start a small contended workload and observe it" },
	{ "dump", COMMAND_DUMP, 0, "",
	  "with -p: all threads, stacks, what they wait for and hold" },
	{ "record", COMMAND_RECORD, 0, "",
	  "with -o FILE: record, until Ctrl-C or CMD's end; -f prints too" },
	{ "report", COMMAND_REPORT, 1, "FILE", "show a recording: on screen, or as any format" },
	{ "diff", COMMAND_DIFF, 2, "A B",
	  "what got better and worse between two recordings or JSON files" },
	{ "serve", COMMAND_SERVE, 0, "", "metrics over HTTP, for Prometheus" },
};

static int parse_one(struct parse *p, const struct option *longs, int argc, char **argv,
		     const char *shorts, bool *done)
{
	int index = -1, c = getopt_long(argc, argv, shorts, longs, &index);

	if (c == -1) {
		*done = true;
		return 0;
	}
	if (c == '?' || c == ':') {
		const char *what = argv[optind - 1];

		if (optopt && optopt < 256)
			return options__wrong(p, "-%c: %s (locktop --help lists options)", optopt,
					      c == ':' ? "needs a value" : "no such option");
		return options__wrong(p, "%s: %s (locktop --help lists options)", what,
				      c == ':' ? "needs a value"
					       : "no such option, or not with a value");
	}
	if (index < 0)
		for (index = 0; option_rows[index].letter != c; index++)
			;
	return option_rows[index].set(p, optarg);
}

static const struct command_row *find_command(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(word, commands[i].name))
			return &commands[i];
	return NULL;
}

static int parse_command(struct parse *p, const char *word)
{
	const struct command_row *row;

	if (p->command && p->o->n_files < p->command->n_files) {
		p->o->files[p->o->n_files++] = word;
		return 0;
	}
	row = find_command(word);
	if (!row)
		return options__wrong(p,
				      "'%s' is no command (locktop --help lists commands; CMD "
				      "goes after --)",
				      word);
	if (p->command)
		return options__wrong(p, "'%s': one command is enough", word);
	p->command = row;
	if (p->o->command == COMMAND_TOP)
		p->o->command = row->command;
	return 0;
}

static int settle_serve(struct parse *p)
{
	struct options *o = p->o;

	if (o->command != COMMAND_SERVE) {
		if (o->listen || o->tls_cert || o->tls_key || o->token_file)
			return options__wrong(p, "--listen, --tls-cert, --tls-key and "
						 "--token-file go with serve only");
		return 0;
	}
	if (p->format_given || o->output || o->fail_on[0])
		return options__wrong(p, "serve: it prints nothing; --format, --output and "
					 "--fail-on do not go with it");
	if (!o->tls_cert != !o->tls_key)
		return options__wrong(p, "serve: --tls-cert and --tls-key go together");
	o->batch = true;
	return 0;
}

static int settle_diff(struct parse *p)
{
	struct options *o = p->o;

	if (o->command != COMMAND_DIFF && o->n_fail_if)
		return options__wrong(p, "--fail-if goes with diff only (--fail-on does not)");
	if (o->command != COMMAND_DIFF)
		return 0;
	if (o->n_pids || o->comm || o->user || o->cgroup || o->exact || o->fail_on[0])
		return options__wrong(p, "diff: all that was recorded is compared; --pid, --comm, "
					 "--user, --cgroup, --exact and --fail-on do not go with "
					 "it");
	if (strcmp(o->format, "text") && strcmp(o->format, "json"))
		return options__wrong(p, "diff: --format is text or json");
	o->batch = true;
	return 0;
}

static int settle_record(struct parse *p)
{
	struct options *o = p->o;

	if (o->command != COMMAND_RECORD)
		return o->max_bytes || o->keep_ns
			       ? options__wrong(p, "--max-size and --keep go with record only")
			       : 0;
	if (!o->output)
		return options__wrong(p, "record: to which file? -o FILE says it");
	o->print = p->format_given;
	o->batch = true;
	return 0;
}

/* A format that is about single sleeps needs them; a recording has them, or has not. */
static int settle_events(struct parse *p)
{
	struct options *o = p->o;
	bool wanted = exporter__find(o->format)->sleeps;

	if (o->events && o->command != COMMAND_TOP && o->command != COMMAND_DEMO &&
	    o->command != COMMAND_RECORD)
		return options__wrong(p, "--events does not go with %s", p->command->name);
	if (wanted && o->sum)
		return options__wrong(p, "--sum: %s is about single sleeps, which have no sum",
				      o->format);
	if (wanted && !o->events)
		o->events = EVENTS_DEFAULT;
	return 0;
}

static int settle(struct parse *p, bool tty)
{
	struct options *o = p->o;

	if (p->command && o->command == p->command->command && o->n_files < p->command->n_files)
		return options__wrong(p, "%s: %s is missing", p->command->name, p->command->files);
	if (o->argv && p->command && o->command != COMMAND_RECORD)
		return options__wrong(p, "CMD does not go with %s", p->command->name);
	if (o->command == COMMAND_DUMP && !o->n_pids)
		return options__wrong(p, "dump: whose threads? -p PID says it");
	if (o->command == COMMAND_DUMP && (p->format_given || o->fail_on[0]))
		return options__wrong(p,
				      "dump: it is text; --format and --fail-on do not go with it");
	if (o->argv && (o->n_pids || o->comm || o->user || o->cgroup))
		return options__wrong(
			p, "CMD is the scope: it does not go with --pid, --comm, --user or "
			   "--cgroup");
	if ((o->from || o->to || o->sum) && o->command != COMMAND_REPORT)
		return options__wrong(p, "--from, --to and --sum go with report only");
	if (o->command == COMMAND_REPORT &&
	    (o->n_pids || o->comm || o->user || o->cgroup || o->exact))
		return options__wrong(p,
				      "report: what was recorded is shown; --pid, --comm, --user, "
				      "--cgroup and --exact do not go with it");
	if (settle_serve(p) || settle_diff(p) || settle_record(p))
		return -EINVAL;
	if (tty && (!o->output || o->print) && exporter__find(o->format)->binary)
		return options__wrong(p, "--format: %s is not for a terminal: %s", o->format,
				      o->print ? "> FILE" : "-o FILE");
	if (settle_events(p))
		return -EINVAL;
	if (!o->samples_second || !o->samples_lock)
		o->stack_bytes = 0;
	if (!tty || p->format_given || o->output || o->argv || o->fail_on[0] || o->sum ||
	    o->duration_ns || o->command == COMMAND_DUMP)
		o->batch = true;
	o->live = !o->batch;
	return 0;
}

/* The table as getopt_long() wants it. */
static void list_options(struct option *longs, char *shorts)
{
	*shorts++ = ':';
	for (size_t i = 0; option_rows[i].name && i < OPTION_ROWS_MAX; i++) {
		const struct option_row *row = &option_rows[i];

		longs[i].name = row->name;
		longs[i].has_arg = !row->arg	      ? no_argument
				   : *row->arg == '[' ? optional_argument
						      : required_argument;
		if (!row->letter)
			continue;
		*shorts++ = row->letter;
		if (row->arg && *row->arg != '[') /* only the long one has a place for it */
			*shorts++ = ':';
	}
	*shorts = 0;
}

int options__parse(int argc, char **argv, bool tty, struct options *ret, char *error, size_t size)
{
	struct options o = {
		.delay_ns = NSEC_PER_SEC,
		.format = "text",
		.top = 20,
		.max_locks = 32768,
		.max_threads = 65536,
		.samples_lock = 10,
		.samples_second = 1000,
		.stack_bytes = STACK_BYTES_DEFAULT,
		.budget = 5,
		.min_load = 0.01,
	};
	struct parse p = { .o = &o, .error = error, .size = size };
	struct option longs[OPTION_ROWS_MAX + 1] = {};
	char shorts[2 * OPTION_ROWS_MAX + 3];
	bool done = false;
	int err;

	list_options(longs, shorts);
	for (int i = 1; i < argc; i++) { /* CMD stays out of getopt_long's sight */
		if (strcmp(argv[i], "--"))
			continue;
		if (i + 1 == argc)
			return options__wrong(&p, "--: no CMD follows");
		o.argv = &argv[i + 1];
		argc = i;
	}
	optind = 0; /* start anew */
	opterr = 0;
	while (!done) {
		err = parse_one(&p, longs, argc, argv, shorts, &done);
		if (err)
			return err;
	}
	for (int i = optind; i < argc; i++) { /* getopt_long moved the words behind the options */
		err = parse_command(&p, argv[i]);
		if (err)
			return err;
	}
	err = settle(&p, tty);
	if (err)
		return err;
	*ret = o;
	return 0;
}

void options__help(FILE *out)
{
	static const char *const entities[] = { "processes", "locks", "threads" };

	fprintf(out, "locktop: which locks do the programs on this machine lose time to?\n\n"
		     "usage: locktop [OPTIONS]              live screen\n"
		     "       locktop [OPTIONS] -- CMD ARG   observe CMD until it ends\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "       locktop %-8s%-14s %s\n", commands[i].name, commands[i].files,
			commands[i].help);
	fprintf(out, "\noptions:\n");
	for (const struct option_row *row = option_rows; row->name; row++) {
		char left[40], letter[5] = "    ";

		if (row->letter)
			snprintf(letter, sizeof(letter), "-%c, ", row->letter);
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name,
			 row->arg && *row->arg == '[' ? "" : " ", row->arg ? row->arg : "");
		fprintf(out, "  %-26s %s\n", left, row->help);
	}
	fprintf(out, "\nformats:\n");
	for (const struct exporter *e = exporters; e->name; e++)
		fprintf(out, "  %-26s %s\n", e->name, e->help);
	fprintf(out, "\nwhat --fail-on knows:\n");
	for (const struct fail_on *f = fail_ons; f->name; f++)
		fprintf(out, "  %-26s %s\n", f->name, f->help);
	fprintf(out, "\nfigures of diff:\n");
	fail_if__help(out);
	fprintf(out, "\nkeys of the live screen:\n");
	keys__print(out, false);
	fprintf(out, "\nkeys on a recording:\n");
	keys__print(out, true);
	for (int e = 0; e < ENTITY_COUNT; e++) {
		fprintf(out, "\nfields of %s:\n", entities[e]);
		for (const struct field *f = fields__of(e); f->key; f++)
			fprintf(out, "  %-26s %s\n", f->key, f->help);
	}
	fprintf(out,
		"\nExit status: 0 fine, 1 failed, 2 wrong usage, 3 --fail-on or --fail-if saw what "
		"it names;\nwith CMD, that of CMD.\n");
}
