/* SPDX-License-Identifier: GPL-2.0-only */
/* Events of a trace as JSON: one a line, member after member. */
#ifndef TRACE_JSON_H
#define TRACE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct trace_json {
	FILE *file;
	uint64_t begin_ns; /* that is 0 in the trace */
	bool any;	   /* an event was written */
	bool fresh;	   /* the object that is open has no member yet */
};

/*
 * An event's beginning: what it is (a letter of the format), whose, when. pid and tid 0: of no
 * process, of no thread.
 */
void trace_json__event(struct trace_json *j, char what, pid_t pid, pid_t tid, uint64_t at_ns);
void trace_json__end(struct trace_json *j);

/* A member that is an object, or with a NULL key an item of an array; and its end. */
void trace_json__open(struct trace_json *j, const char *key);
void trace_json__close(struct trace_json *j);

/* Members; keys are ours. Foreign text is made valid and harmless; NULL is null. */
void trace_json__text(struct trace_json *j, const char *key, const char *text);
/* Beyond 2^53, where a reader that knows doubles only would round it, a number is a text. */
void trace_json__number(struct trace_json *j, const char *key, uint64_t n);
/* A duration in us, to the ns. */
void trace_json__us(struct trace_json *j, const char *key, uint64_t ns);
/* With three decimals. */
void trace_json__decimals(struct trace_json *j, const char *key, double n);
void trace_json__address(struct trace_json *j, const char *key, uint64_t address);
/* What is not so is not written. */
void trace_json__flag(struct trace_json *j, const char *key, bool is_so);

#endif
