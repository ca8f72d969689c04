// SPDX-License-Identifier: GPL-2.0-only
/* The file names of line tables. */
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "dwarf_lines.h"
#include "util.h"

#define FORMATS_MAX 16
#define FILES_MAX   (1u << 20)

struct file_name {
	char *name;
	uint64_t directory;
};

/* A list of DWARF 5: what each item consists of, how many there are, the items. */
struct list {
	struct {
		uint64_t content, form;
	} formats[FORMATS_MAX];
	unsigned int n_formats;
	uint64_t n;
};

static bool read_list(struct cursor *c, struct list *ret)
{
	ret->n_formats = cursor__fixed(c, 1);
	if (ret->n_formats > FORMATS_MAX)
		return false;
	for (unsigned int i = 0; i < ret->n_formats; i++) {
		ret->formats[i].content = cursor__uleb(c);
		ret->formats[i].form = cursor__uleb(c);
	}
	ret->n = cursor__uleb(c);
	/* Items that take no bytes could be without end. */
	return !c->bad && (ret->n_formats > 0 || ret->n == 0) && ret->n <= FILES_MAX;
}

/* One value of an item. ret, if it is not NULL, gets text or number. */
static bool read_content(const struct dwarf_unit *u, struct cursor *c, uint64_t form,
			 struct dwarf_value *ret)
{
	struct abbrev_attribute attribute = { .form = form };
	struct dwarf_value value;

	if (form > UINT16_MAX || form == DW_FORM_implicit_const || form == DW_FORM_indirect ||
	    form == DW_FORM_flag_present || !dwarf_attribute__read(u, &attribute, c, &value))
		return false;
	if (ret)
		*ret = value;
	return true;
}

/* Item `wanted` of a list, leaving the cursor behind the list. */
static bool find_item(const struct dwarf_file *f, const struct dwarf_unit *u, struct cursor *c,
		      uint64_t wanted, struct file_name *ret)
{
	struct dwarf_value name = { .number = 0 }, directory = { .number = 0 };
	struct list list;

	if (!read_list(c, &list))
		return false;
	for (uint64_t i = 0; i < list.n; i++) {
		for (unsigned int j = 0; j < list.n_formats; j++) {
			uint64_t content = list.formats[j].content;
			struct dwarf_value *to = content == DW_LNCT_path	      ? &name
						 : content == DW_LNCT_directory_index ? &directory
										      : NULL;

			if (!read_content(u, c, list.formats[j].form, i == wanted ? to : NULL))
				return false;
		}
	}
	if (ret && wanted < list.n) {
		ret->name = dwarf_value__string(f, u, &name);
		ret->directory = directory.number;
	}
	return true;
}

/* Numbers count from 0; directory 0 is where the compiler ran. */
static char *name_5(const struct dwarf_file *f, const struct dwarf_unit *u, struct cursor c,
		    uint64_t number, char **directory)
{
	struct file_name file = { .name = NULL }, dir = { .name = NULL };
	struct cursor begin = c;

	if (!find_item(f, u, &c, UINT64_MAX, NULL) || !find_item(f, u, &c, number, &file) ||
	    !file.name)
		return file.name;
	find_item(f, u, &begin, file.directory, &dir);
	*directory = dir.name;
	return file.name;
}

/* Before DWARF 5: strings up to an empty one, then files up to an empty one. Both count from 1. */
static char *name_4(struct cursor c, uint64_t number, char **directory)
{
	struct cursor directories = c;
	const char *s;

	while ((s = cursor__string(&c)) && *s)
		;
	for (uint64_t i = 1; (s = cursor__string(&c)) && *s; i++) {
		uint64_t dir = cursor__uleb(&c);

		cursor__uleb(&c);
		cursor__uleb(&c);
		if (i != number)
			continue;
		for (uint64_t j = 1; j <= dir; j++) {
			const char *name = cursor__string(&directories);

			if (!name || !*name)
				break;
			if (j == dir)
				*directory = xstrdup(name);
		}
		return xstrdup(s);
	}
	return NULL;
}

/* Takes name and dir over. */
static char *join(char *dir, char *name)
{
	char *path;

	if (!dir || !dir[0] || name[0] == '/') {
		free(dir);
		return name;
	}
	path = xasprintf("%s/%s", dir, name);
	free(dir);
	free(name);
	return path;
}

char *dwarf_lines__file(const struct dwarf_file *f, const struct dwarf_unit *u,
			const struct dwarf_lines *l, uint64_t number, const char *directory)
{
	struct dwarf_unit unit = *u; /* sizes are the table's own */
	char *name, *dir = NULL;
	struct cursor c;

	if (!l->table.bytes) /* a unit may have no table, or none that makes sense */
		return NULL;
	c = (struct cursor){ .at = l->table.bytes + l->names,
			     .end = l->table.bytes + l->table.size };
	unit.offset_size = l->offset_size;
	unit.address_size = l->address_size;
	unit.version = l->version;
	name = l->version >= 5 ? name_5(f, &unit, c, number, &dir) : name_4(c, number, &dir);
	if (!name)
		return NULL;
	name = join(dir, name);
	return name[0] == '/' || !directory ? name : join(xstrdup(directory), name);
}
