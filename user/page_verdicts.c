// SPDX-License-Identifier: GPL-2.0-only
/* What is wrong with a lock: each verdict with the figures behind it and what people do about it.
 */
#include <stdio.h>

#include "page.h"
#include "text.h"
#include "words.h"

#define INDENT 2

static void put(struct page *p, int indent, enum style style, const char *text)
{
	char clean[WORDS_MAX];

	if (text)
		page__wrapped(p, indent, style, text__clean(clean, sizeof(clean), text));
}

void page_verdicts__draw(struct page *p, const struct snapshot *s, const struct view *v)
{
	const struct lock *lock = view__clevel(v)->detail->lock;

	(void)s;
	if (!lock || !lock->n_verdicts)
		return;
	page__heading(p, lock->n_verdicts == 1 ? "VERDICT" : "VERDICTS", "");
	for (size_t i = 0; i < lock->n_verdicts; i++) {
		put(p, 0, STYLE_HOT, lock->verdicts[i].name);
		put(p, INDENT, STYLE_NORMAL, lock->verdicts[i].evidence);
		put(p, INDENT, STYLE_VALUE, lock->verdicts[i].advice);
	}
}
