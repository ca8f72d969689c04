// SPDX-License-Identifier: GPL-2.0-only
/* The sums of all intervals of an output as metrics: what a scraper would see at its end. */
#include "export.h"
#include "metrics.h"

static void *new_metrics(const struct options *o)
{
	return metrics__new(o);
}

static int add(void *document, FILE *out, const struct snapshot *s)
{
	metrics__add(document, s);
	return 0;
}

static int write_openmetrics(void *document, FILE *out)
{
	return metrics__write(out, document, METRICS_OPENMETRICS);
}

static int write_prometheus(void *document, FILE *out)
{
	return metrics__write(out, document, METRICS_PROMETHEUS);
}

static void free_metrics(void *document)
{
	metrics__free(document);
}

const struct export_document export_openmetrics = { new_metrics, add, write_openmetrics,
						    free_metrics };
const struct export_document export_prometheus = { new_metrics, add, write_prometheus,
						   free_metrics };
