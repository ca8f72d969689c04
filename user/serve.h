/* SPDX-License-Identifier: GPL-2.0-only */
/* `locktop serve`: all intervals so far as metrics, which the HTTP server hands out. */
#ifndef SERVE_H
#define SERVE_H

#include "model.h"
#include "options.h"
#include "serve_config.h"

struct serve;

/* Listens, before there are figures. 0, or -errno with a line in error. o must outlive it. */
int serve__new(const struct options *o, struct serve **ret, char error[SERVE_ERROR]);

/* Where it is found. */
const char *serve__url(const struct serve *s);

/* Answers from now on: with counters that are 0 until an interval was added. 0 or -errno. */
int serve__start(struct serve *s);

/* Adds an interval. ctx: a struct serve, as batch wants it. 0 or -errno. */
int serve__add(void *ctx, const struct snapshot *snapshot);

void serve__free(struct serve *s);

#endif
