// SPDX-License-Identifier: GPL-2.0-only
/* A list of any entity: its columns come from the table of fields. */
#include "screen.h"

#include <stdio.h>
#include <string.h>

#include "shorten.h"
#include "text.h"

#define COLUMNS_MAX 32
#define PRIORITIES  10

/* Text columns at least this wide can use the spare width; narrower ones hold short words. */
#define WIDTH_ELASTIC 16

/* Rows that the widths of text columns are taken from, and how wide names may make them. */
#define ROWS_MEASURED 200
#define NEED_MOST     40
/* Columns that a text keeps on a screen that is narrower than what is always shown. */
#define TEXT_LEAST 8

/* Mean numbers of waiting threads from which a lock is worth a look, and is trouble. */
#define LOAD_WARM 0.1
#define LOAD_HOT  1.0

struct column {
	const struct field *field;
	int x, width;
	int need; /* columns that its texts take; 0: it has figures */
};

struct columns {
	struct column column[COLUMNS_MAX];
	int n;
	int width; /* of all, one blank between two */
};

/* The column that the list is sorted by stays in sight, and so does what tells idle locks apart. */
static unsigned int priority(const struct view *v, const struct field *f)
{
	if (f == v->sort[view__clevel(v)->entity])
		return 0;
	return v->idle && !strcmp(f->key, "class") ? MIN(f->priority, 1u) : f->priority;
}

static void drop_column(struct columns *cs, int i)
{
	cs->width -= cs->column[i].width + 1;
	memmove(&cs->column[i], &cs->column[i + 1], (--cs->n - i) * sizeof(cs->column[0]));
}

/* Drops what matters least until the rest fits; a column without room for itself is clipped. */
static void fit(const struct view *v, struct columns *cs, int width)
{
	while (cs->width > width) {
		int last = 0;

		for (int i = 1; i < cs->n; i++)
			if (priority(v, cs->column[i].field) >= priority(v, cs->column[last].field))
				last = i;
		if (cs->n == 0 || !priority(v, cs->column[last].field))
			return;
		drop_column(cs, last);
	}
}

/* On a screen too narrow for what is always shown, figures go before names. */
static void narrow(const struct view *v, struct columns *cs, int width)
{
	for (int i = cs->n - 2; i >= 0 && cs->width > width; i--) {
		const struct field *f = cs->column[i].field;

		if (f->unit != UNIT_TEXT && f->unit != UNIT_ID &&
		    f != v->sort[view__clevel(v)->entity])
			drop_column(cs, i);
	}
}

static bool elastic(const struct column *c)
{
	return (c->field->flags & FIELD_LEFT) && c->field->width >= WIDTH_ELASTIC;
}

static void measure(const struct view *v, struct columns *cs)
{
	char text[VIEW_TEXT];

	for (int i = 0; i < cs->n; i++) {
		struct column *c = &cs->column[i];

		if (!(c->field->flags & FIELD_LEFT))
			continue;
		c->need = text__columns(c->field->title);
		for (size_t j = 0; j < MIN(v->n_rows, (size_t)ROWS_MEASURED); j++) {
			view__format(v, c->field, v->rows[j], text, sizeof(text));
			c->need = MAX(c->need, text__columns(text));
		}
		c->need = MIN(c->need, NEED_MOST);
	}
}

static void widen(struct columns *cs, struct column *c, int by)
{
	c->width += by;
	cs->width += by;
}

/* Texts that are longer than their column get what other texts do not use. */
static void trade(struct columns *cs, int width)
{
	int wanted = cs->width - width, n;

	for (int i = 0; i < cs->n; i++)
		wanted += MAX(0, cs->column[i].need - cs->column[i].width);
	for (int i = cs->n - 1; i >= 0; i--) {
		struct column *c = &cs->column[i];

		n = c->need ? MIN(c->width - c->need, wanted) : 0;
		if (n > 0) {
			widen(cs, c, -n);
			wanted -= n;
		}
	}
	for (unsigned int priority = 0; priority < PRIORITIES; priority++) {
		for (int i = 0; i < cs->n && cs->width < width; i++) {
			struct column *c = &cs->column[i];

			if (c->field->priority == priority && c->need > c->width)
				widen(cs, c, MIN(c->need - c->width, width - cs->width));
		}
	}
}

/* What is still too wide: the longest texts are cut. */
static void squeeze(struct columns *cs, int width)
{
	while (cs->width > width) {
		struct column *widest = NULL;

		for (int i = 0; i < cs->n; i++) {
			struct column *c = &cs->column[i];

			if (c->need && c->width > TEXT_LEAST &&
			    (!widest || c->width > widest->width))
				widest = c;
		}
		if (!widest)
			return;
		widen(cs, widest, -1);
	}
}

static void spread(struct columns *cs, int spare)
{
	int n = 0, x = 0;

	for (int i = 0; i < cs->n; i++)
		n += elastic(&cs->column[i]);
	for (int i = 0; i < cs->n; i++) {
		struct column *c = &cs->column[i];

		if (spare > 0 && n > 0 && elastic(c)) {
			c->width += spare / n;
			spare -= spare / n--;
		}
		c->x = x;
		x += c->width + 1;
	}
	/* Nothing follows the last text, so it may be as long as it is. */
	if (cs->n && (cs->column[cs->n - 1].field->flags & FIELD_LEFT))
		cs->column[cs->n - 1].width += MAX(spare, 0);
}

/* Inside a process every row says the same here, and the line above says it already. */
static bool redundant(const struct view *v, const struct field *f)
{
	static const char *const keys[ENTITY_COUNT][2] = {
		[ENTITY_LOCK] = { "pid", "comm" },
		[ENTITY_THREAD] = { "pid", "process" },
	};
	const struct level *l = view__clevel(v);

	if (!l->pid || f == v->sort[l->entity])
		return false;
	for (int i = 0; i < 2; i++)
		if (keys[l->entity][i] && !strcmp(f->key, keys[l->entity][i]))
			return true;
	return false;
}

static void choose_columns(const struct view *v, int width, struct columns *cs)
{
	memset(cs, 0, sizeof(*cs));
	cs->width = -1;
	for (const struct field *f = fields__of(view__clevel(v)->entity); f->key; f++) {
		int columns = f->width + field__is_scaled(f, v->scaled);

		if (!view__has_column(v, f) || redundant(v, f) || cs->n == COLUMNS_MAX ||
		    !field__is_known(f, v->rows, v->n_rows))
			continue;
		cs->column[cs->n++] = (struct column){ .field = f, .width = columns };
		cs->width += columns + 1;
	}
	fit(v, cs, width);
	narrow(v, cs, width);
	measure(v, cs);
	trade(cs, width);
	squeeze(cs, width);
	spread(cs, width - cs->width);
}

static void draw_text(struct canvas *c, const struct column *column, int y, enum style style,
		      const char *text)
{
	if (column->field->unit == UNIT_TEXT)
		canvas__text(c, column->x, y, column->width, style, text);
	else
		canvas__right(c, column->x, y, column->width, style, text);
}

/* What is scaled is marked as such in the head, too. */
static void title_text(const struct view *v, const struct field *f, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s", field__is_scaled(f, v->scaled) ? "~" : "", f->title);
}

static void draw_heads(const struct view *v, const struct columns *cs, int y, struct canvas *c)
{
	canvas__style(c, 0, y, -1, STYLE_TITLE);
	for (int i = 0; i < cs->n; i++) {
		const struct column *column = &cs->column[i];
		bool sorted = column->field == v->sort[view__clevel(v)->entity];
		enum style style = sorted ? STYLE_SORTED : STYLE_TITLE;
		char title[32];

		canvas__style(c, column->x, y, column->width, style);
		title_text(v, column->field, title, sizeof(title));
		draw_text(c, column, y, style, title);
	}
}

enum style screen__heat(double load)
{
	return load >= LOAD_HOT ? STYLE_HOT : load >= LOAD_WARM ? STYLE_WARM : STYLE_NORMAL;
}

static enum style heat(const struct view *v, const struct field *f, const void *row)
{
	if (view__row_idle(v, row))
		return STYLE_DIM;
	if (strcmp(f->key, "wait_ns") || !v->interval_ns)
		return STYLE_NORMAL;
	return screen__heat((double)f->get(row).number / v->interval_ns);
}

void screen__mark(const struct view *v, struct canvas *c, int x, int y, int width, const char *text)
{
	const char *hit = v->search[0] ? strcasestr(text, v->search) : NULL;
	char before[VIEW_TEXT];
	int from, to;

	if (!hit)
		return;
	snprintf(before, sizeof(before), "%.*s", (int)(hit - text), text);
	from = text__columns(before);
	to = MIN(width, from + text__columns(v->search));
	if (from < to)
		canvas__style(c, x + from, y, to - from, STYLE_MATCH);
}

static void draw_row(const struct view *v, const struct columns *cs, const void *row, int y,
		     bool selected, struct canvas *c)
{
	if (selected)
		canvas__style(c, 0, y, -1, STYLE_SELECTED);
	for (int i = 0; i < cs->n; i++) {
		const struct column *column = &cs->column[i];
		enum style style = heat(v, column->field, row);
		char text[VIEW_TEXT];
		int x = column->x;

		view__format(v, column->field, row, text, sizeof(text));
		if (column->need && text__columns(text) > column->width)
			shorten__function(text, sizeof(text), text, column->width, v->utf8);
		draw_text(c, column, y, selected ? STYLE_SELECTED : style, text);
		if (column->field->unit != UNIT_TEXT)
			x += MAX(0, column->width - text__columns(text));
		screen__mark(v, c, x, y, column->x + column->width - x, text);
	}
}

bool screen_list__why_empty(const struct snapshot *s, const struct view *v, char *buf, size_t size)
{
	const char *filter = view__clevel(v)->filter;
	char waiting[16];

	if (!s) {
		snprintf(buf, size, "Measuring...");
	} else if (filter[0] && v->n_filtered_out) {
		snprintf(buf, size, "None of %zu rows contains \"%s\" (f changes the filter).",
			 v->n_filtered_out, filter);
	} else if (!v->idle && s->idle.waiting) {
		text__count(waiting, sizeof(waiting), s->idle.waiting);
		snprintf(buf, size,
			 "No thread waited for a lock in this interval. "
			 "%s %s idle (i shows them).",
			 waiting, s->idle.waiting == 1 ? "thread is" : "threads are");
	} else {
		return false;
	}
	return true;
}

/* On a narrow screen the end of the line says what to do. */
void screen__wrapped(struct canvas *c, int x, int y, int rows, const char *text)
{
	for (; *text && rows > 0; rows--) {
		size_t n = text__prefix(text, c->width - x), cut = n;

		while (text[n] && cut > 0 && text[cut] != ' ')
			cut--;
		n = cut ? cut : n;
		if (!n)
			return;
		canvas__printf(c, x, y++, -1, STYLE_NORMAL, "%.*s", (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
}

void screen_list__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
		       struct canvas *c)
{
	const struct level *level = view__clevel(v);
	struct columns cs;

	choose_columns(v, c->width, &cs);
	if (l->heads >= 0)
		draw_heads(v, &cs, l->heads, c);
	for (int i = 0; i < l->list_rows && (size_t)(level->top + i) < v->n_rows; i++)
		draw_row(v, &cs, v->rows[level->top + i], l->list + i,
			 level->top + i == level->position, c);
	if (!v->n_rows && l->list_rows) {
		char why[256], clean[256];
		/* A blank line sets it off where there is room. */
		int set_off = l->list_rows > 3;

		screen__of(level->entity)->empty(s, v, why, sizeof(why));
		screen__wrapped(c, set_off, l->list + set_off, l->list_rows - set_off,
				text__clean(clean, sizeof(clean), why));
	}
}
