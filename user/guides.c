// SPDX-License-Identifier: GPL-2.0-only
#include "guides.h"

#include "util.h"

struct glyphs {
	const char *pass, *gap, *branch, *last;
};

int guides__draw(struct canvas *c, int x, int row, int room, const struct guides *g, bool utf8)
{
	static const struct glyphs lines = { "│ ", "  ", "├─", "└─" };
	static const struct glyphs ascii = { "| ", "  ", "|-", "`-" };
	const struct glyphs *glyphs = utf8 ? &lines : &ascii;
	int depth = MIN(g->depth, GUIDES_DEPTH), used = 0;

	for (int i = 1; i <= depth && used + 2 <= room; i++) {
		const char *text = g->rest >> i & 1 ? glyphs->pass : glyphs->gap;

		if (i == depth && g->head)
			text = g->last ? glyphs->last : glyphs->branch;
		else if (i == depth)
			text = g->last ? glyphs->gap : glyphs->pass;
		used += canvas__text(c, x + used, row, room - used, STYLE_DIM, text);
	}
	return used;
}
