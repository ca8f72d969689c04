// SPDX-License-Identifier: GPL-2.0-only
#include "serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics.h"
#include "serve_http.h"
#include "util.h"

struct serve {
	struct metrics *metrics;
	struct serve_http *http;
};

int serve__new(const struct options *o, struct serve **ret, char error[SERVE_ERROR])
{
	struct serve_config config;
	struct serve_http *http;
	int err = serve_config__read(o, &config, error);

	if (err)
		return err;
	err = serve_http__new(&config, &http, error);
	serve_config__done(&config);
	if (err)
		return err;
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->metrics = metrics__new(o);
	(*ret)->http = http;
	return 0;
}

const char *serve__url(const struct serve *s)
{
	return serve_http__url(s->http);
}

static int publish_as(struct serve *s, enum serve_answer answer, enum metrics_notation notation)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int err;

	if (!out)
		return -errno;
	err = metrics__write(out, s->metrics, notation);
	if (fclose(out) && !err)
		err = -errno;
	if (err)
		free(text);
	else
		serve_http__publish(s->http, answer, text, size);
	return err;
}

static int publish(struct serve *s)
{
	int err = publish_as(s, ANSWER_OPENMETRICS, METRICS_OPENMETRICS);

	return err ? err : publish_as(s, ANSWER_PROMETHEUS, METRICS_PROMETHEUS);
}

int serve__start(struct serve *s)
{
	int err = publish(s);

	return err ? err : serve_http__start(s->http);
}

int serve__add(void *ctx, const struct snapshot *snapshot)
{
	struct serve *s = ctx;

	metrics__add(s->metrics, snapshot);
	return publish(s);
}

void serve__free(struct serve *s)
{
	if (!s)
		return;
	serve_http__free(s->http);
	metrics__free(s->metrics);
	free(s);
}
