/* SPDX-License-Identifier: GPL-2.0-only */
/* Snapshots as bytes: one row in a table and one file for each format. */
#ifndef EXPORT_H
#define EXPORT_H

#include <stdio.h>

#include "model.h"
#include "options.h"
#include "output.h"

/*
 * A format that is one document of all intervals: it takes them in one by one, may write what it
 * can already, and the rest at their end.
 */
struct export_document {
	void *(*make)(const struct options *o);
	int (*add)(void *document, FILE *out, const struct snapshot *s); /* 0 or -errno */
	int (*write)(void *document, FILE *out);			 /* 0 or -errno */
	void (*free)(void *document);					 /* takes NULL */
};

struct exporter {
	const char *name;
	const char *help;
	const char *suffix; /* of a file's name */
	/*
	 * Writes one interval. first: the first of this output (heads are printed once).
	 * 0 or -errno; what is written goes to out only. NULL: it is a document.
	 */
	int (*write)(FILE *out, const struct snapshot *s, const struct options *o, bool first);
	const struct export_document *document;
	bool binary; /* nothing for a terminal */
	bool sleeps; /* it is about single sleeps: --events */
};

/* The table; it ends with a row without a name. */
extern const struct exporter exporters[];
const struct exporter *exporter__find(const char *name);

/* An output in one format: an interval after the other, then the end. */
struct export_run;

/* The format is that of the options, which must live as long as this. */
struct export_run *export__new(const struct options *o);
void export__free(struct export_run *e);

/* What of an interval is written at once. 0 or -errno. */
int export__add(struct export_run *e, FILE *out, const struct snapshot *s);
/* What is written when no interval follows. 0 or -errno. */
int export__end(struct export_run *e, FILE *out);

/*
 * What export__add() writes, or without a snapshot export__end(), into an output: put together
 * first, for others may print into the same file at any time. 0 or -errno.
 */
int export__print(struct export_run *e, struct output *out, const struct snapshot *s);

/* One interval alone, whole. 0 or -errno. */
int export__one(FILE *out, const struct snapshot *s, const struct options *o);

int export_text__write(FILE *out, const struct snapshot *s, const struct options *o, bool first);
int export_json__write(FILE *out, const struct snapshot *s, const struct options *o, bool first);
int export_csv__write(FILE *out, const struct snapshot *s, const struct options *o, bool first);
int export_folded__write(FILE *out, const struct snapshot *s, const struct options *o, bool first);
int export_dot__write(FILE *out, const struct snapshot *s, const struct options *o, bool first);

extern const struct export_document export_openmetrics, export_prometheus;
extern const struct export_document export_pprof, export_pprof_waker;
extern const struct export_document export_html;
extern const struct export_document export_trace;

#endif
