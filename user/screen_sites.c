// SPDX-License-Identifier: GPL-2.0-only
/* Under a lock's threads: the stacks that wait for it most, and those that let them go. */
#include "screen.h"

#include <stdio.h>
#include <string.h>

#define WIDTH_BESIDE 100 /* room for two stacks side by side */

/* The site of a role with the largest share. */
static const struct site *main_site(const struct lock *lock, enum site_role role)
{
	const struct site *best = NULL;

	for (size_t i = 0; i < lock->n_sites; i++) {
		const struct site *site = &lock->sites[i];

		if (site->role == role && (!best || site->share > best->share))
			best = site;
	}
	return best;
}

static void frame_text(const struct frame *f, char *buf, size_t size)
{
	const char *slash = f->module ? strrchr(f->module, '/') : NULL;
	const char *module = slash ? slash + 1 : f->module;
	char where[160];

	if (f->file && f->line)
		snprintf(where, sizeof(where), "%s:%d", f->file, f->line);
	else if (module)
		snprintf(where, sizeof(where), "%s+0x%llx", module, (unsigned long long)f->offset);
	else
		snprintf(where, sizeof(where), "0x%llx", (unsigned long long)f->offset);
	snprintf(buf, size, "%s  %s", f->function ? f->function : "?", where);
}

/* Returns the lines it took, at most rows. */
static int draw_site(const struct lock *lock, enum site_role role, int x, int y, int width,
		     int rows, struct canvas *c)
{
	static const char *const titles[ROLE_COUNT] = {
		[ROLE_WAITER] = "Waits here",
		[ROLE_WAKER] = "Let go by",
		[ROLE_HOLDER] = "Held by",
	};
	const struct site *site = main_site(lock, role);
	char text[512];
	int line = 0;

	if (rows <= 0)
		return 0;
	if (!site) {
		canvas__printf(c, x, y, width, STYLE_DIM, "%s: no stack sampled yet", titles[role]);
		return 1;
	}
	snprintf(text, sizeof(text), "%s: %d%% of %llu sampled", titles[role],
		 (int)(site->share * 100 + 0.5), (unsigned long long)site->samples);
	canvas__text(c, x, y, width, STYLE_LABEL, text);
	for (line = 1; line < rows && (size_t)line <= site->n_frames; line++) {
		frame_text(&site->frames[line - 1], text, sizeof(text));
		canvas__text(c, x + 2, y + line, width - 2, line == 1 ? STYLE_VALUE : STYLE_NORMAL,
			     text);
	}
	return line;
}

static const struct lock *find_lock(const struct snapshot *s, const struct level *l)
{
	for (size_t i = 0; i < s->n_locks; i++)
		if (s->locks[i].pid == l->pid && s->locks[i].address == l->address)
			return &s->locks[i];
	return NULL;
}

void screen_sites__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
			struct canvas *c)
{
	const struct lock *lock = s ? find_lock(s, view__clevel(v)) : NULL;
	int y = l->sites + 1, rows = l->site_rows - 1, width = c->width, used;

	if (!lock)
		return;
	canvas__style(c, 0, l->sites, -1, STYLE_TITLE);
	canvas__text(c, 0, l->sites, -1, STYLE_TITLE, "STACKS");
	if (width >= WIDTH_BESIDE) {
		width = c->width / 2;
		draw_site(lock, ROLE_WAITER, 0, y, width - 1, rows, c);
		draw_site(lock, ROLE_WAKER, width, y, c->width - width, rows, c);
		return;
	}
	used = draw_site(lock, ROLE_WAITER, 0, y, width, rows, c);
	draw_site(lock, ROLE_WAKER, 0, y + used, width, rows - used, c);
}
