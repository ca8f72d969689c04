// SPDX-License-Identifier: GPL-2.0-only
#include "export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

const struct exporter exporters[] = {
	{ "text", "tables for people", .suffix = "txt", .write = export_text__write },
	{ "json", "one object a line, an interval each", .suffix = "json",
	  .write = export_json__write },
	{ "csv", "one line a lock, with a head line", .suffix = "csv", .write = export_csv__write },
	{ "folded", "one line a waiting stack, its wait in ns, for flame graphs",
	  .suffix = "folded", .write = export_folded__write },
	{ "dot", "the wait graph for Graphviz, a digraph an interval", .suffix = "dot",
	  .write = export_dot__write },
	{ "openmetrics", "sums of all intervals as OpenMetrics", .suffix = "openmetrics",
	  .document = &export_openmetrics },
	{ "prometheus", "the same in Prometheus' older text format", .suffix = "prom",
	  .document = &export_prometheus },
	{ "pprof", "profile of waits by the stacks that waited, for go tool pprof",
	  .suffix = "pb.gz", .document = &export_pprof, .binary = true },
	{ "pprof-waker", "the same by the stacks that let the waiters go", .suffix = "waker.pb.gz",
	  .document = &export_pprof_waker, .binary = true },
	{ "html", "a page with table, charts and flame graph that stands alone", .suffix = "html",
	  .document = &export_html },
	{ "trace", "single sleeps as Chrome's trace events, for Perfetto; needs --events",
	  .suffix = "trace.json", .document = &export_trace, .sleeps = true },
	{},
};

struct export_run {
	const struct exporter *exporter;
	const struct options *options;
	void *document; /* NULL: it is none */
	bool begun;
};

const struct exporter *exporter__find(const char *name)
{
	for (const struct exporter *e = exporters; e->name; e++)
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}

struct export_run *export__new(const struct options *o)
{
	struct export_run *e = xcalloc(1, sizeof(*e));

	e->exporter = exporter__find(o->format);
	e->options = o;
	if (e->exporter->document)
		e->document = e->exporter->document->make(o);
	return e;
}

void export__free(struct export_run *e)
{
	if (!e)
		return;
	if (e->document)
		e->exporter->document->free(e->document);
	free(e);
}

int export__add(struct export_run *e, FILE *out, const struct snapshot *s)
{
	bool first = !e->begun;

	e->begun = true;
	if (!e->document)
		return e->exporter->write(out, s, e->options, first);
	return e->exporter->document->add(e->document, out, s);
}

int export__end(struct export_run *e, FILE *out)
{
	return e->document ? e->exporter->document->write(e->document, out) : 0;
}

int export__print(struct export_run *e, struct output *out, const struct snapshot *s)
{
	char *bytes = NULL;
	size_t size = 0;
	FILE *whole = open_memstream(&bytes, &size);
	int err;

	if (!whole)
		return -errno;
	err = s ? export__add(e, whole, s) : export__end(e, whole);
	if (fclose(whole) && !err)
		err = -errno;
	if (!err)
		err = output__write(out, bytes, size);
	free(bytes);
	return err;
}

int export__one(FILE *out, const struct snapshot *s, const struct options *o)
{
	struct export_run *e = export__new(o);
	int err = export__add(e, out, s);

	if (!err)
		err = export__end(e, out);
	export__free(e);
	return err;
}
