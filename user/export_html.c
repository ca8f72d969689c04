// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page that stands alone: its style and its program, the files of user/html/, and the data that
 * they show. It asks no network, and its policy forbids it to.
 */
#include <errno.h>

#include "export.h"
#include "html_data.h"
#include "html_files.h"

static void *make(const struct options *o)
{
	return html_data__new(o);
}

static int add(void *document, FILE *out, const struct snapshot *s)
{
	html_data__add(document, s);
	return 0;
}

static void put_file(FILE *out, const unsigned char *bytes, size_t size)
{
	fwrite(bytes, 1, size, out);
}

#define PUT_FILE(out, name) put_file(out, name, sizeof(name))

static int write_page(void *document, FILE *out)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n"
	      "<title>locktop</title>\n<style>\n",
	      out);
	PUT_FILE(out, html_page_css);
	fputs("</style>\n</head>\n<body>\n", out);
	PUT_FILE(out, html_body_html);
	fputs("<script type=\"application/json\" id=\"data\">\n", out);
	html_json__write(out, document);
	fputs("</script>\n<script>\n\"use strict\";\n", out);
	PUT_FILE(out, html_words_js);
	PUT_FILE(out, html_chart_js);
	PUT_FILE(out, html_flame_js);
	PUT_FILE(out, html_page_js);
	fputs("</script>\n</body>\n</html>\n", out);
	return ferror(out) ? -EIO : 0;
}

static void free_document(void *document)
{
	html_data__free(document);
}

const struct export_document export_html = { make, add, write_page, free_document };
