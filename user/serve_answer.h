/* SPDX-License-Identifier: GPL-2.0-only */
/* What a request gets: a pure function of what it says. Everything in it is hostile. */
#ifndef SERVE_ANSWER_H
#define SERVE_ANSWER_H

/* Strings are NULL where the request has none. */
struct serve_request {
	const char *method;
	const char *path;
	const char *accept;	   /* header Accept */
	const char *authorization; /* header Authorization */
};

enum serve_answer {
	ANSWER_OPENMETRICS,
	ANSWER_PROMETHEUS, /* the same figures, in the notation of before */
	ANSWER_HINT,
	ANSWER_NOT_FOUND,
	ANSWER_WRONG_METHOD,
	ANSWER_UNAUTHORIZED,
	ANSWER_COUNT
};

struct serve_answer_row {
	unsigned int status;
	const char *type;
	const char *text;	    /* NULL: the figures */
	const char *header, *value; /* one more, or NULL */
};

extern const struct serve_answer_row serve_answers[ANSWER_COUNT];

/* token NULL: none is asked for. */
enum serve_answer serve_answer__choose(const struct serve_request *r, const char *token);

#endif
