// SPDX-License-Identifier: GPL-2.0-only
/* A recording may have tens of millions of events: numbers are written without fprintf(). */
#include "trace_json.h"

#include "text.h"
#include "util.h"

#define EXACT_MAX (1ULL << 53)

static void put_decimal(FILE *out, uint64_t n)
{
	char digits[20], *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + n % 10);
	while (n /= 10);
	fwrite(at, 1, digits + sizeof(digits) - at, out);
}

static void put_key(struct trace_json *j, const char *key)
{
	if (!j->fresh)
		fputc(',', j->file);
	j->fresh = false;
	if (!key)
		return;
	fputc('"', j->file);
	fputs(key, j->file);
	fputs("\":", j->file);
}

/* Doubles would lose ns within a day: what is whole and what is not are written apart. */
void trace_json__us(struct trace_json *j, const char *key, uint64_t ns)
{
	const unsigned int rest = ns % 1000;
	const char decimals[] = { '.', '0' + rest / 100, '0' + rest / 10 % 10, '0' + rest % 10 };

	put_key(j, key);
	put_decimal(j->file, ns / 1000);
	fwrite(decimals, 1, sizeof(decimals), j->file);
}

void trace_json__number(struct trace_json *j, const char *key, uint64_t n)
{
	const char *quote = n > EXACT_MAX ? "\"" : "";

	put_key(j, key);
	fputs(quote, j->file);
	put_decimal(j->file, n);
	fputs(quote, j->file);
}

void trace_json__decimals(struct trace_json *j, const char *key, double n)
{
	put_key(j, key);
	fprintf(j->file, "%.3f", n);
}

void trace_json__address(struct trace_json *j, const char *key, uint64_t address)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)address);
	trace_json__text(j, key, text);
}

void trace_json__flag(struct trace_json *j, const char *key, bool is_so)
{
	if (!is_so)
		return;
	put_key(j, key);
	fputs("true", j->file);
}

void trace_json__text(struct trace_json *j, const char *key, const char *text)
{
	char clean[4096];

	put_key(j, key);
	if (!text) {
		fputs("null", j->file);
		return;
	}
	fputc('"', j->file);
	text__clean(clean, sizeof(clean), text); /* no control characters, and UTF-8 */
	for (const char *c = clean; *c; c++) {
		if (*c == '"' || *c == '\\')
			fputc('\\', j->file);
		fputc(*c, j->file);
	}
	fputc('"', j->file);
}

void trace_json__open(struct trace_json *j, const char *key)
{
	put_key(j, key);
	fputc('{', j->file);
	j->fresh = true;
}

void trace_json__close(struct trace_json *j)
{
	fputc('}', j->file);
	j->fresh = false;
}

void trace_json__event(struct trace_json *j, char what, pid_t pid, pid_t tid, uint64_t at_ns)
{
	fputs(j->any ? ",\n{\"ph\":\"" : "\n{\"ph\":\"", j->file);
	fputc(what, j->file);
	fputc('"', j->file);
	j->any = true;
	j->fresh = false;
	if (pid > 0)
		trace_json__number(j, "pid", (uint64_t)pid);
	if (tid > 0)
		trace_json__number(j, "tid", (uint64_t)tid);
	trace_json__us(j, "ts", at_ns - MIN(at_ns, j->begin_ns));
}

void trace_json__end(struct trace_json *j)
{
	fputc('}', j->file);
}
