// SPDX-License-Identifier: GPL-2.0-only
/* Texts, frames and stacks of a recording: each is written once a chapter. */
#include <stdlib.h>
#include <string.h>

#include "store_internal.h"
#include "util.h"

/* Words of a row in `frame`, as its key in the dictionary. 0: NULL. */
struct frame_key {
	int64_t function, module, offset, file, line, language, build_id;
};

/* Adds a row if its number is the next one: it was not there before. */
static int add(sqlite3_stmt *statement, int64_t number, int64_t *next)
{
	int code;

	sqlite3_bind_int64(statement, 1, number);
	code = sqlite3_step(statement);
	sqlite3_reset(statement);
	if (code != SQLITE_DONE)
		return code;
	*next = number + 1;
	return SQLITE_OK;
}

int store_words__string(struct store *s, const char *text, int64_t *ret)
{
	struct store_words *w = &s->words;
	struct store_seen *seen =
		&w->seen[((uintptr_t)text ^ (uintptr_t)text >> 12) % ARRAY_SIZE(w->seen)];
	size_t size;

	if (seen->at == text) {
		*ret = seen->number;
		return SQLITE_OK;
	}
	size = strnlen(text, STORE_TEXT_MAX);
	*ret = dictionary__number(w->strings, text, size, w->next_string);
	if (*ret == w->next_string) {
		int code;

		sqlite3_bind_text64(w->add_string, 2, text, size, SQLITE_STATIC, SQLITE_UTF8);
		code = add(w->add_string, *ret, &w->next_string);
		if (code)
			return code;
	}
	*seen = (struct store_seen){ text, *ret };
	return SQLITE_OK;
}

static int string_or_null(struct store *s, const char *text, int64_t *ret)
{
	*ret = 0;
	return text ? store_words__string(s, text, ret) : SQLITE_OK;
}

static void bind_or_null(sqlite3_stmt *statement, int at, int64_t number)
{
	if (number)
		sqlite3_bind_int64(statement, at, number);
	else
		sqlite3_bind_null(statement, at);
}

int store_words__frame(struct store *s, const struct frame *f, int64_t *ret)
{
	struct store_words *w = &s->words;
	struct frame_key key = { .offset = (int64_t)f->offset, .line = f->line };
	int code = string_or_null(s, f->function, &key.function);

	if (!code)
		code = string_or_null(s, f->module, &key.module);
	if (!code)
		code = string_or_null(s, f->file, &key.file);
	if (!code)
		code = string_or_null(s, f->language, &key.language);
	if (!code)
		code = string_or_null(s, f->build_id, &key.build_id);
	if (code)
		return code;
	*ret = dictionary__number(w->frames, &key, sizeof(key), w->next_frame);
	if (*ret != w->next_frame)
		return SQLITE_OK;
	bind_or_null(w->add_frame, 2, key.function);
	bind_or_null(w->add_frame, 3, key.module);
	sqlite3_bind_int64(w->add_frame, 4, key.offset);
	bind_or_null(w->add_frame, 5, key.file);
	bind_or_null(w->add_frame, 6, key.line);
	bind_or_null(w->add_frame, 7, key.language);
	bind_or_null(w->add_frame, 8, key.build_id);
	return add(w->add_frame, *ret, &w->next_frame);
}

static int add_stack(struct store *s, int64_t number, const int64_t *frames, size_t n)
{
	struct store_words *w = &s->words;
	int64_t ignored;
	int code = SQLITE_OK;

	for (size_t i = 0; i < n && !code; i++) {
		sqlite3_bind_int64(w->add_stack, 2, i);
		sqlite3_bind_int64(w->add_stack, 3, frames[i]);
		code = add(w->add_stack, number, &ignored);
	}
	if (!code)
		w->next_stack = number + 1;
	return code;
}

/* Many locks are waited for at one place. Equal addresses are equal texts in one interval. */
static struct store_seen_stack *seen_stack(struct store_words *w, const struct frame *frames,
					   size_t n)
{
	uint64_t hash = n;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ frames[i].offset ^ (uintptr_t)frames[i].function) *
		       0x9e3779b97f4a7c15ULL;
	return &w->seen_stacks[(hash >> 32) % ARRAY_SIZE(w->seen_stacks)];
}

static bool is_same(const struct store_seen_stack *seen, const struct frame *frames, size_t n)
{
	if (!seen->frames || seen->n != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct frame *a = &seen->frames[i], *b = &frames[i];

		if (a->function != b->function || a->module != b->module ||
		    a->offset != b->offset || a->file != b->file || a->line != b->line ||
		    a->language != b->language || a->build_id != b->build_id)
			return false;
	}
	return true;
}

static int new_stack(struct store *s, const struct frame *frames, size_t n, int64_t *ret)
{
	struct store_words *w = &s->words;
	int64_t few[64], *numbers = n <= ARRAY_SIZE(few) ? few : xcalloc(n, sizeof(*numbers));
	int code = SQLITE_OK;

	for (size_t i = 0; i < n && !code; i++)
		code = store_words__frame(s, &frames[i], &numbers[i]);
	*ret = 0;
	if (!code && n) {
		*ret = dictionary__number(w->stacks, numbers, n * sizeof(*numbers), w->next_stack);
		if (*ret == w->next_stack)
			code = add_stack(s, *ret, numbers, n);
	}
	if (numbers != few)
		free(numbers);
	return code;
}

/* A stack that was taken and has no frames has the number 0. */
int store_words__stack(struct store *s, const struct frame *frames, size_t n, int64_t *ret)
{
	struct store_seen_stack *seen = seen_stack(&s->words, frames, n);
	int code;

	if (is_same(seen, frames, n)) {
		*ret = seen->number;
		return SQLITE_OK;
	}
	code = new_stack(s, frames, n, ret);
	if (!code)
		*seen = (struct store_seen_stack){ frames, n, *ret };
	return code;
}

void store_words__new_interval(struct store *s)
{
	memset(s->words.seen, 0, sizeof(s->words.seen));
	memset(s->words.seen_stacks, 0, sizeof(s->words.seen_stacks));
}
