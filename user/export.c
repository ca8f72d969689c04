// SPDX-License-Identifier: GPL-2.0-only
#include "export.h"

#include <string.h>

const struct exporter exporters[] = {
	{ "text", "tables for people", export_text__write },
	{ "json", "one object a line, an interval each", export_json__write },
	{ "csv", "one line a lock, with a head line", export_csv__write },
	{ "folded", "one line a waiting stack, its wait in ns, for flame graphs",
	  export_folded__write },
	{ "dot", "the wait graph for Graphviz, a digraph an interval", export_dot__write },
	{},
};

const struct exporter *exporter__find(const char *name)
{
	for (const struct exporter *e = exporters; e->name; e++)
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}
