// SPDX-License-Identifier: GPL-2.0-only
#include "term.h"

#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NCURSES_NOMACROS 1
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <term.h>

#include "keys.h"
#include "term_signals.h"
#include "util.h"

#define ESC_DELAY_MS 25

struct terminal {
	SCREEN *screen;
	bool utf8;
	bool colors;
	bool read_failed; /* the last read for keys brought nothing */
	int character;	  /* being put together from bytes */
	int missing;	  /* bytes of it that have not come yet */
	attr_t attributes[STYLE_COUNT];
	short pairs[STYLE_COUNT];
	struct term_signals *signals;
};

/* What a style looks like with colours, and by attributes alone. -1: the terminal's own colour. */
static const struct look {
	short fg, bg;
	attr_t with_color, without;
} looks[STYLE_COUNT] = {
	[STYLE_NORMAL] = { -1, -1, 0, 0 },
	[STYLE_DIM] = { -1, -1, A_DIM, A_DIM },
	[STYLE_TITLE] = { COLOR_BLACK, COLOR_WHITE, 0, A_UNDERLINE },
	[STYLE_SORTED] = { COLOR_BLACK, COLOR_CYAN, 0, A_UNDERLINE | A_BOLD },
	[STYLE_SELECTED] = { COLOR_WHITE, COLOR_BLUE, A_BOLD, A_REVERSE },
	[STYLE_LABEL] = { COLOR_CYAN, -1, 0, 0 },
	[STYLE_VALUE] = { -1, -1, A_BOLD, A_BOLD },
	[STYLE_BAR] = { COLOR_GREEN, -1, 0, 0 },
	[STYLE_WARM] = { COLOR_YELLOW, -1, A_BOLD, A_BOLD },
	[STYLE_HOT] = { COLOR_RED, -1, A_BOLD, A_BOLD | A_UNDERLINE },
	[STYLE_ALARM] = { COLOR_WHITE, COLOR_RED, A_BOLD, A_REVERSE | A_BOLD },
	[STYLE_KEY] = { COLOR_CYAN, -1, A_BOLD, A_BOLD },
	[STYLE_MATCH] = { COLOR_BLACK, COLOR_YELLOW, 0, A_BOLD | A_UNDERLINE },
};

static void set_styles(struct terminal *t)
{
	const char *no_color = getenv("NO_COLOR");

	t->colors = !(no_color && no_color[0]) && has_colors() && start_color() == OK;
	if (t->colors)
		use_default_colors();
	for (int s = 0; s < STYLE_COUNT; s++) {
		const struct look *look = &looks[s];

		t->attributes[s] = t->colors ? look->with_color : look->without;
		if (!t->colors || (look->fg < 0 && look->bg < 0))
			continue;
		if (init_pair(s + 1, look->fg, look->bg) == OK)
			t->pairs[s] = s + 1;
		else
			t->attributes[s] = look->without;
	}
}

/* What terminfo says, NULL where it says nothing. */
static const char *capability(const char *name)
{
	char *s = tigetstr((char *)name);

	return s == (char *)-1 ? NULL : s;
}

/* Appends what a terminfo string sends, without its $<delays>. */
static void append_capability(struct term_signals *signals, const char *name)
{
	const char *s = capability(name);

	while (s && *s) {
		const char *delay = strstr(s, "$<");
		size_t n = delay ? (size_t)(delay - s) : strlen(s);

		term_signals__append(signals, s, n);
		s += n;
		if (delay)
			s += strcspn(s, ">") + (strchr(s, '>') != NULL);
	}
}

/* newterm() says neither what is wrong nor gives all of its memory back, so it is asked before. */
static int check_type(void)
{
	int known, err = 0;

	if (setupterm(NULL, STDOUT_FILENO, &known) != OK)
		return -ENOTTY;
	if (!capability("cup"))
		err = -EOPNOTSUPP;
	del_curterm(cur_term);
	return err;
}

int term__open(struct terminal **ret)
{
	/* In this order: colours off, cursor on, keypad off, the user's screen back. */
	static const char *const reset[] = { "sgr0", "cnorm", "rmkx", "rmcup" };
	struct term_signals *signals;
	struct terminal *t;
	SCREEN *screen;
	int err = check_type();

	if (err)
		return err;
	/* Before curses, which leaves alone what already has a handler. */
	signals = term_signals__new();
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		term_signals__free(signals);
		return -ENOTTY;
	}
	t = xcalloc(1, sizeof(*t));
	t->signals = signals;
	t->screen = screen;
	for (size_t i = 0; i < ARRAY_SIZE(reset); i++)
		append_capability(t->signals, reset[i]);
	t->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	set_escdelay(ESC_DELAY_MS);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	intrflush(stdscr, FALSE);
	curs_set(0);
	set_styles(t);
	term_signals__arm(t->signals);
	*ret = t;
	return 0;
}

void term__close(struct terminal *t)
{
	if (!t)
		return;
	term_signals__disarm(t->signals);
	endwin();
	delscreen(t->screen);
	term_signals__free(t->signals);
	free(t);
}

bool term__utf8(const struct terminal *t)
{
	return t->utf8;
}

void term__size(struct terminal *t, int *width, int *height)
{
	struct winsize size;

	(void)t;
	/* Terminals that do not know say 0. */
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col && size.ws_row &&
	    is_term_resized(size.ws_row, size.ws_col))
		resizeterm(size.ws_row, size.ws_col);
	*width = getmaxx(stdscr);
	*height = getmaxy(stdscr);
}

/* A run of cells of one style, as bytes that the locale can show. */
static int run_text(const struct terminal *t, const struct cell *cells, int n, char *buf,
		    size_t size)
{
	size_t used = 0;
	int i;

	for (i = 0; i < n && cells[i].style == cells[0].style; i++) {
		const struct cell *cell = &cells[i];
		bool foreign = !t->utf8 && (!cell->text[0] || (cell->text[0] & 0x80));
		const char *text = foreign ? "?" : cell->text;

		if (used + strlen(text) + 1 > size)
			break;
		used += stpcpy(buf + used, text) - (buf + used);
	}
	buf[used] = 0;
	return i;
}

void term__show(struct terminal *t, const struct canvas *c)
{
	char text[1024];

	erase();
	for (int y = 0; y < c->height; y++) {
		const struct cell *row = c->cells + (size_t)y * c->width;

		for (int x = 0, n; x < c->width; x += n) {
			n = run_text(t, row + x, c->width - x, text, sizeof(text));
			attr_set(t->attributes[row[x].style], t->pairs[row[x].style], NULL);
			mvaddstr(y, x, text);
		}
	}
	refresh();
}

void term__repaint(struct terminal *t)
{
	(void)t;
	clearok(curscr, TRUE);
}

unsigned int term__wait(struct terminal *t, int other_fd, uint64_t timeout_ns)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = other_fd, .events = POLLIN },
	};
	struct pollfd fd;
	struct timespec timeout = { timeout_ns / NSEC_PER_SEC, timeout_ns % NSEC_PER_SEC };
	unsigned int events = 0;
	int n = ppoll(fds, ARRAY_SIZE(fds), &timeout, term_signals__mask(t->signals));

	if (n < 0)
		events |= errno == EINTR ? TERM_SIGNAL : TERM_END;
	fd = fds[0];
	n = n > 0 ? fd.revents : 0;
	/* Readable without anything to read is the end of the input. */
	if (n > 0 && (fd.revents & POLLIN)) {
		int bytes = 0;

		if (!ioctl(STDIN_FILENO, FIONREAD, &bytes) ? bytes == 0 : t->read_failed)
			events |= TERM_END;
		events |= TERM_INPUT;
	} else if (n > 0) {
		events |= TERM_END;
	}
	if (n > 0 && (fd.revents & (POLLERR | POLLNVAL)))
		events |= TERM_END;
	/* Whoever used the terminal in between left it in other modes. */
	if (term_signals__continued()) {
		reset_prog_mode();
		term__repaint(t);
	}
	if (term_signals__ended())
		events |= TERM_END;
	return events;
}

static int map_key(int code)
{
	static const struct {
		int curses, key;
	} map[] = {
		{ KEY_UP, KEYS_UP },
		{ KEY_DOWN, KEYS_DOWN },
		{ KEY_LEFT, KEYS_LEFT },
		{ KEY_RIGHT, KEYS_RIGHT },
		{ KEY_PPAGE, KEYS_PAGE_UP },
		{ KEY_NPAGE, KEYS_PAGE_DOWN },
		{ KEY_HOME, KEYS_HOME },
		{ KEY_END, KEYS_END },
		{ KEY_BACKSPACE, KEYS_BACKSPACE },
		{ KEY_BTAB, KEYS_BACK_TAB },
		{ KEY_ENTER, KEYS_ENTER },
		{ KEY_F(1), KEYS_F1 },
		{ KEY_F(3), KEYS_F3 },
		{ KEY_F(4), KEYS_F4 },
		{ KEY_F(6), KEYS_F6 },
		{ KEY_F(10), KEYS_F10 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (map[i].curses == code)
			return map[i].key;
	return 0;
}

/*
 * Characters are put together here: get_wch() swallows the keys that follow a byte which is no text
 * in the locale. Returns the character that byte completes, or 0.
 */
static int add_byte(struct terminal *t, unsigned int byte)
{
	if (byte < 0x80)
		return byte;
	if (!t->utf8)
		return 0;
	if (byte >= 0xc2 && byte <= 0xf4) {
		t->missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
		t->character = byte & (0x3f >> t->missing);
		return 0;
	}
	if (byte >= 0xc0 || !t->missing) {
		t->missing = 0;
		return 0;
	}
	t->character = (t->character << 6) | (byte & 0x3f);
	/* An overlong form of a key is no key. */
	return --t->missing == 0 && t->character >= 0x80 ? t->character : 0;
}

int term__key(struct terminal *t)
{
	int c = getch();

	t->read_failed = c == ERR;
	if (c == ERR)
		return KEYS_NONE;
	if (c > 0xff)
		return map_key(c);
	if (c < 0x80)
		t->missing = 0;
	c = add_byte(t, c);
	if (c == '\n')
		return KEYS_ENTER;
	return c == 0x7f ? KEYS_BACKSPACE : c;
}
