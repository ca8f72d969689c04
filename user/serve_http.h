/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The HTTP server: one thread of its own, which hands out a finished text. Whatever clients do, it
 * takes a bounded number of connections and bytes, and whoever publishes never waits for them.
 */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "serve_answer.h"
#include "serve_config.h"

struct serve_http;

/* Listens, but answers nobody yet. 0, or -errno with a line in error. */
int serve_http__new(const struct serve_config *c, struct serve_http **ret, char error[SERVE_ERROR]);

/* http://127.0.0.1:9752/metrics: with the port that it got if 0 was asked for. */
const char *serve_http__url(const struct serve_http *h);

/*
 * From now on requests of this kind get this text, from malloc, which is taken over. Answers that
 * are on their way end as they began. Any thread may call it.
 */
void serve_http__publish(struct serve_http *h, enum serve_answer answer, char *text, size_t size);

/* Answers from now on; figures must have been published. 0 or -errno. */
int serve_http__start(struct serve_http *h);

/* Ends all connections. */
void serve_http__free(struct serve_http *h);

#endif
