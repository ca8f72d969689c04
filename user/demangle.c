// SPDX-License-Identifier: GPL-2.0-only
/*
 * libiberty bounds how deep it recurses (which leaves C++ symbols of more than 1024 bytes as they
 * are), but neither what it writes (a symbol of 300 bytes can stand for terabytes, by references to
 * its own parts) nor the stack that it takes for that. Its entry points with a callback keep
 * nothing on the heap (but for a moment the letters of a Rust name in Unicode), so that a callback
 * that has seen enough can leave by a long jump. Its other entry points need an xrealloc that is
 * not that of util.h, which is why that header is not here.
 */
#include "demangle.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <libiberty/demangle.h>

#define SYMBOL_BYTES 4096
#define NAME_BYTES   16384
#define PAIRS_MAX    32768 /* of 16 bytes each on the stack, times four */

struct output {
	char text[NAME_BYTES];
	size_t n;
	jmp_buf too_long;
};

static void append(const char *s, size_t n, void *opaque)
{
	struct output *out = opaque;

	if (n >= NAME_BYTES - out->n)
		longjmp(out->too_long, 1);
	memcpy(out->text + out->n, s, n);
	out->n += n;
}

static size_t count(const char *s, char c)
{
	size_t n = 0;

	for (; (s = strchr(s, c)); s++)
		n++;
	return n;
}

/*
 * The C++ printer keeps, on the stack, the templates around each reference to a template parameter:
 * their product. Each template has an I, each such reference a T.
 */
static bool fits_stack(const char *symbol)
{
	return count(symbol, 'I') * count(symbol, 'T') <= PAIRS_MAX;
}

static const struct {
	const char *prefix, *language;
	int (*demangle)(const char *symbol, int options, demangle_callbackref callback,
			void *opaque);
	int options;
} manglers[] = {
	/* Rust's old symbols are C++ names with a hash at their end, so they come first. */
	{ "_R", "rust", rust_demangle_callback, DMGL_RUST },
	{ "_ZN", "rust", rust_demangle_callback, DMGL_RUST },
	{ "_Z", "c++", cplus_demangle_v3_callback, DMGL_PARAMS | DMGL_ANSI },
};

char *demangle__name(const char *symbol, const char **language)
{
	struct output out;

	if (symbol[0] != '_' || strnlen(symbol, SYMBOL_BYTES) == SYMBOL_BYTES ||
	    !fits_stack(symbol))
		return NULL;
	if (setjmp(out.too_long))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(manglers); i++) {
		if (strncmp(symbol, manglers[i].prefix, strlen(manglers[i].prefix)) != 0)
			continue;
		out.n = 0;
		if (manglers[i].demangle(symbol, manglers[i].options, append, &out) && out.n > 0) {
			out.text[out.n] = 0;
			*language = manglers[i].language;
			return xstrdup(out.text);
		}
	}
	return NULL;
}
