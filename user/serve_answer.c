// SPDX-License-Identifier: GPL-2.0-only
#include "serve_answer.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "metrics.h"

#define PLAIN "text/plain; charset=utf-8"

const struct serve_answer_row serve_answers[ANSWER_COUNT] = {
	[ANSWER_OPENMETRICS] = { 200, METRICS_OPENMETRICS_TYPE, NULL, "Vary", "Accept" },
	[ANSWER_PROMETHEUS] = { 200, METRICS_PROMETHEUS_TYPE, NULL, "Vary", "Accept" },
	[ANSWER_HINT] = { 200, PLAIN, "locktop: the metrics are at /metrics\n", NULL, NULL },
	[ANSWER_NOT_FOUND] = { 404, PLAIN, "not found: the metrics are at /metrics\n", NULL, NULL },
	[ANSWER_WRONG_METHOD] = { 405, PLAIN, "only GET and HEAD\n", "Allow", "GET, HEAD" },
	[ANSWER_UNAUTHORIZED] = { 401, PLAIN, "a bearer token is needed\n", "WWW-Authenticate",
				  "Bearer realm=\"locktop\"" },
};

/* Takes as long wherever they differ: how much of a guess was right must not be measurable. */
static bool same_secret(const char *guess, const char *secret)
{
	size_t length = strlen(secret), guessed = strlen(guess);
	volatile unsigned char differ = guessed != length;

	for (size_t i = 0; i < length; i++)
		differ |=
			(unsigned char)secret[i] ^ (unsigned char)guess[i < guessed ? i : guessed];
	return !differ;
}

static bool is_allowed(const char *authorization, const char *token)
{
	static const char scheme[] = "Bearer ";

	if (!token)
		return true;
	if (!authorization || strncasecmp(authorization, scheme, strlen(scheme)))
		return false;
	authorization += strlen(scheme);
	return same_secret(authorization + strspn(authorization, " "), token);
}

/* OpenMetrics is what is served; who asks for plain text and does not know it gets the other. */
static bool wants_prometheus(const char *accept)
{
	return accept && !strcasestr(accept, "application/openmetrics-text") &&
	       strcasestr(accept, "text/plain");
}

enum serve_answer serve_answer__choose(const struct serve_request *r, const char *token)
{
	if (!is_allowed(r->authorization, token))
		return ANSWER_UNAUTHORIZED;
	if (strcmp(r->path, "/") && strcmp(r->path, "/metrics"))
		return ANSWER_NOT_FOUND;
	if (strcmp(r->method, "GET") && strcmp(r->method, "HEAD"))
		return ANSWER_WRONG_METHOD;
	if (!strcmp(r->path, "/"))
		return ANSWER_HINT;
	return wants_prometheus(r->accept) ? ANSWER_PROMETHEUS : ANSWER_OPENMETRICS;
}
