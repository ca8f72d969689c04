// SPDX-License-Identifier: GPL-2.0-only
/* How long waits were, and holds: a histogram as bars, its steps merged until it fits. */
#include <stdio.h>
#include <string.h>

#include "doing.h"
#include "page.h"
#include "text.h"

#define ROWS_MOST   12
#define BAR_MOST    50
#define EDGE_WIDTH  6
#define COUNT_WIDTH 6

/* Buckets of a bar: powers of two, so that bars begin at whole steps of the histogram. */
static int buckets_a_row(int low, int high)
{
	int n = 1;

	while (high / n - low / n + 1 > ROWS_MOST)
		n *= 2;
	return n;
}

struct bars {
	const uint32_t *hist;
	struct hist_range range; /* low > high: no bucket was ever used */
	uint64_t p50_ns, p99_ns;
	uint64_t total, most;
	int step;
};

static uint64_t sum(const struct bars *b, int row)
{
	uint64_t n = 0;

	for (int i = row * b->step; i < MIN((row + 1) * b->step, HIST_BUCKETS); i++)
		n += b->hist[i];
	return n;
}

/* Filled to an eighth of a column where the terminal can. */
static int draw_bar(struct canvas *c, int x, int row, int room, double part, bool utf8)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	int n = part > 0 ? MAX((int)(part * room * 8 + 0.5), 1) : 0, used = 0;

	if (!utf8)
		n = (n + 7) / 8 * 8;
	for (; used < n / 8; used++)
		canvas__text(c, x + used, row, 1, STYLE_BAR, utf8 ? "█" : "#");
	if (n % 8)
		used += canvas__text(c, x + used, row, 1, STYLE_BAR, eighths[n % 8]);
	return used;
}

/* The edges of the first and last bar hold what is shorter and what is longer than can be told. */
static void range_text(char *buf, size_t size, int from, int to)
{
	char low[16], high[16];

	text__duration(low, sizeof(low), hist__edge(from));
	text__duration(high, sizeof(high), hist__edge(to));
	if (to >= HIST_BUCKETS)
		snprintf(high, sizeof(high), "more");
	snprintf(buf, size, "%*s - %-*s", EDGE_WIDTH, low, EDGE_WIDTH, high);
}

/* Which of the figures above fall into this bar. */
static void marks_text(char *buf, size_t size, const struct bars *b, int from, int to)
{
	const struct {
		const char *name;
		uint64_t ns;
	} marks[] = { { " p50", b->p50_ns }, { " p99", b->p99_ns } };
	uint64_t low = hist__edge(from), high = to >= HIST_BUCKETS ? UINT64_MAX : hist__edge(to);

	buf[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (marks[i].ns >= low && marks[i].ns < high)
			strncat(buf, marks[i].name, size - strlen(buf) - 1);
}

static void draw_row(const struct bars *b, int i, struct page *p, const struct view *v)
{
	int row = page__row(p), from = i * b->step, to = from + b->step, x = p->x, room;
	uint64_t n = sum(b, i);
	char text[64], marks[32];
	enum style style = n ? STYLE_NORMAL : STYLE_DIM;

	p->y++;
	if (row < 0)
		return;
	range_text(text, sizeof(text), from, to);
	x += canvas__text(p->c, x, row, p->width, style, text);
	text__count(text, sizeof(text), n);
	canvas__right(p->c, x, row, COUNT_WIDTH, style, text);
	x += COUNT_WIDTH + 1;
	text__percent(text, sizeof(text), (double)n / b->total);
	canvas__right(p->c, x, row, 4, style, text);
	x += 5;
	marks_text(marks, sizeof(marks), b, from, to);
	room = MIN(BAR_MOST, p->x + p->width - x - (int)strlen(" p50 p99"));
	if (room > 0)
		x += draw_bar(p->c, x, row, room, (double)n / b->most, v->utf8);
	if (room > 0)
		canvas__text(p->c, x, row, -1, STYLE_LABEL, marks);
}

static void draw_bars(struct bars *b, struct page *p, const struct view *v)
{
	int first, last;

	if (b->range.low > b->range.high)
		return;
	b->step = buckets_a_row(b->range.low, b->range.high);
	first = b->range.low / b->step;
	last = b->range.high / b->step;
	for (int i = first; i <= last; i++)
		b->most = MAX(b->most, sum(b, i));
	if (!b->total)
		b->total = b->most = 1; /* rows stay, empty, and so does what is below */
	for (int i = first; i <= last; i++)
		draw_row(b, i, p, v);
}

void page_times__draw(struct page *p, const struct snapshot *s, const struct view *v)
{
	const struct detail *d = view__clevel(v)->detail;
	struct bars b = { .range = d->waits };
	char remark[64], count[16];

	(void)s;
	if (!d->lock)
		return;
	b.hist = d->lock->hist;
	b.p50_ns = d->lock->p50_ns;
	b.p99_ns = d->lock->p99_ns;
	b.total = hist__count(b.hist);
	text__count(count, sizeof(count), b.total);
	snprintf(remark, sizeof(remark), "%s ended", count);
	page__heading(p, "HOW LONG WAITS WERE", b.total ? remark : "");
	if (!b.total)
		page__say(p, "no wait has ended in this interval");
	draw_bars(&b, p, v);
}

/* The bars are not scaled: where the exact tier worked in slices, they are what it saw. */
void page_holds__draw(struct page *p, const struct snapshot *s, const struct view *v)
{
	const struct detail *d = view__clevel(v)->detail;
	struct bars b = { .range = d->holds };
	char remark[64], count[16];

	(void)s;
	if (!d->lock || !d->lock->exact)
		return;
	b.hist = d->lock->hold_hist;
	b.total = hist__count(b.hist);
	if (!b.total && b.range.low > b.range.high &&
	    (!doing__has_owner(d->lock->kind) || d->lock->kind == KIND_ONCE))
		return;
	b.p50_ns = hist__quantile(b.hist, 0.50);
	b.p99_ns = hist__quantile(b.hist, 0.99);
	text__count(count, sizeof(count), b.total);
	snprintf(remark, sizeof(remark), v->scaled ? "%s seen" : "%s ended", count);
	page__heading(p, "HOW LONG IT WAS HELD", b.total ? remark : "");
	if (!b.total)
		page__say(p, "no hold has ended in this interval");
	draw_bars(&b, p, v);
}
