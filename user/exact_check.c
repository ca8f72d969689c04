// SPDX-License-Identifier: GPL-2.0-only
#include "exact_check.h"

#include <string.h>

#include "libraries.h"
#include "text.h"
#include "util.h"

#define FILES_MAX 8   /* told one by one */
#define LINE	  100 /* columns */

/* The path as its process sees it: what comes behind /proc/PID/root. */
static const char *plain_path(const char *path)
{
	const char *root = path ? strstr(path, "/root/") : NULL;

	return !path ? "?" : root && !strncmp(path, "/proc/", 6) ? root + 5 : path;
}

static size_t count_dear(const struct library *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_places; i++)
		n += !l->places[i].entry.emulated;
	return n;
}

static void print_dear(FILE *out, const struct library *l)
{
	const char *last = NULL;
	size_t column = fprintf(out, "           dear, ten times the others' cost:");

	for (size_t i = 0; i < l->n_places; i++) {
		const char *name = l->places[i].function->name;

		if (l->places[i].entry.emulated || (last && !strcmp(last, name)))
			continue;
		if (column + 1 + strlen(name) > LINE)
			column = fprintf(out, "\n           ") - 1;
		column += fprintf(out, " %s", name);
		last = name;
	}
	fputc('\n', out);
}

static void print_library(FILE *out, const struct library *l)
{
	char path[256];

	fprintf(out, "  %3zu functions in %s%s\n", l->n_places,
		text__clean(path, sizeof(path), plain_path(l->path)),
		l->n_places && l->places[0].musl ? " (musl)" : "");
	if (count_dear(l))
		print_dear(out, l);
}

void exact_check__print(FILE *out, struct proc *proc)
{
	struct libraries *l = libraries__new(proc);
	struct bypass bypass[BYPASS_KINDS];
	size_t n, files;

	libraries__look(l, NULL, 0);
	files = libraries__count(l);
	fprintf(out, "\nThe exact tier (-x) would probe, in programs that run now:\n");
	for (size_t i = 0; i < files && i < FILES_MAX; i++)
		print_library(out, libraries__at(l, i));
	if (files > FILES_MAX)
		fprintf(out, "  and %zu more files\n", files - FILES_MAX);
	if (!files)
		fprintf(out, "  nothing\n");
	n = libraries__bypass(l, bypass);
	for (size_t i = 0; i < n; i++) {
		char path[256];

		fprintf(out, "  it does not see %s of %s (%zu %s, as %s)\n", bypass[i].locks,
			bypass[i].runtime, bypass[i].files, bypass[i].files == 1 ? "file" : "files",
			text__clean(path, sizeof(path), plain_path(bypass[i].path)));
	}
	libraries__free(l);
}
