// SPDX-License-Identifier: GPL-2.0-only
#include "suppressions.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "util.h"

#define KEYWORD "inversion"

struct suppression {
	const char *glob, *other; /* in text; other NULL: one pattern */
};

struct suppressions {
	char *text;
	struct suppression *items;
	size_t n, capacity;
};

/* The next word of a line; NULL: none, or a comment. */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");

	if (!*word || *word == '#')
		return NULL;
	*line = word + strcspn(word, " \t");
	if (**line)
		*(*line)++ = 0;
	return word;
}

static bool add_line(void *ctx, char *line)
{
	struct suppressions *s = ctx;
	const char *keyword = next_word(&line);
	const char *glob = keyword ? next_word(&line) : NULL;
	const char *other = glob ? next_word(&line) : NULL;

	if (!glob || strcmp(keyword, KEYWORD) || (other && next_word(&line)))
		return false;
	array__grow(s->items, s->n, s->capacity);
	s->items[s->n++] = (struct suppression){ glob, other };
	return true;
}

static const struct config config = {
	.name = "suppressions",
	.wanted = "\"" KEYWORD " PATTERN [PATTERN]\" is wanted",
	.line = add_line,
};

int suppressions__load(const char *path, struct suppressions **ret, char *error, size_t size)
{
	struct suppressions *s = xcalloc(1, sizeof(*s));
	int err = config__read(&config, path, s, &s->text, error, size);

	if (err) {
		suppressions__free(s);
		return err;
	}
	*ret = s;
	return 0;
}

void suppressions__free(struct suppressions *s)
{
	if (!s)
		return;
	free(s->items);
	free(s->text);
	free(s);
}

static bool is_like(const char *glob, const char *text)
{
	return text && !fnmatch(glob, text, 0);
}

static bool is_lock(const char *glob, const char *name, const char *id)
{
	return is_like(glob, name) || is_like(glob, id);
}

static bool is_from(const char *glob, const struct inversion_edge *e)
{
	return is_lock(glob, e->from_name, e->from);
}

static bool is_to(const char *glob, const struct inversion_edge *e)
{
	return is_lock(glob, e->to_name, e->to);
}

static bool is_made_by(const char *glob, const struct inversion_edge *e)
{
	for (size_t i = 0; i < e->n_frames; i++)
		if (is_like(glob, e->frames[i].function))
			return true;
	return e->from_frame && is_like(glob, e->from_frame->function);
}

bool suppressions__match(const struct suppressions *s, const struct inversion_edge *edge)
{
	for (size_t i = 0; s && i < s->n; i++) {
		const char *glob = s->items[i].glob, *other = s->items[i].other;
		bool found =
			other ? (is_from(glob, edge) && is_to(other, edge)) ||
					(is_from(other, edge) && is_to(glob, edge))
			      : is_from(glob, edge) || is_to(glob, edge) || is_made_by(glob, edge);

		if (found)
			return true;
	}
	return false;
}
