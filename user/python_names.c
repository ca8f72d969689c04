// SPDX-License-Identifier: GPL-2.0-only
#include "python_names.h"

#include <stdio.h>
#include <string.h>

#include "python_search.h"

#define PART_MAX  128
#define TEXT_MAX  512
#define OUTER_MAX 3 /* frames outside of the one that waits */

/* The file that a program was started as: /srv/app.py -> app; /srv/tool/__main__.py -> tool. */
static void script_name(const char *file, char *buf, size_t size)
{
	const char *end = file + strlen(file), *base;

	if (end - file > 12 && !strcmp(end - 12, "/__main__.py"))
		end -= 12;
	for (base = end; base > file && base[-1] != '/'; base--)
		;
	if (end - base > 3 && !strncmp(end - 3, ".py", 3))
		end -= 3;
	snprintf(buf, size, "%.*s", (int)(end - base), base);
}

/* code: the file of code that has these globals. __file__ goes when the script has run to its end,
 * though other threads run on. */
static void module_name(struct python_target *t, uint64_t globals, const char *code, char *buf,
			size_t size)
{
	char file[PART_MAX * 4];

	if (python__string(t, python__dict_value(t, globals, "__name__"), buf, size) < 0)
		snprintf(buf, size, "?");
	if (strcmp(buf, "__main__") != 0)
		return;
	if (python__string(t, python__dict_value(t, globals, "__file__"), file, sizeof(file)) == 0)
		script_name(file, buf, size);
	else if (code && code[0] != '<') /* <string>, <stdin> */
		script_name(code, buf, size);
}

static void type_name(struct python_target *t, uint64_t type, char *buf, size_t size)
{
	uint64_t name = python__pointer(t, type + t->layout->type.name);

	if (python__c_string(t, name, buf, size) < 0)
		snprintf(buf, size, "?");
}

static void text(struct python_target *t, uint64_t object, char *buf, size_t size)
{
	if (python__string(t, object, buf, size) < 0)
		snprintf(buf, size, "?");
}

/* An int of one digit, as most keys are. */
static bool small_int(struct python_target *t, uint64_t object, long *ret)
{
	const struct python_layout *l = t->layout;
	struct {
		int64_t size; /* from 3.12 on: digits << 3 | sign (0: +, 1: 0, 2: -) */
		uint32_t digit;
	} v;
	char name[8];

	if (python__type_name(t, object, name, sizeof(name)) < 0 || strcmp(name, "int") ||
	    python__read(t, object + l->object.length, &v, 12) < 0)
		return false;
	if (l->minor >= 12)
		v.size = (v.size & 3) == 1 ? 0 : (v.size & 3) == 2 ? -(v.size >> 3) : v.size >> 3;
	if (v.size < -1 || v.size > 1)
		return false;
	*ret = v.size * (long)v.digit;
	return true;
}

static void key_name(struct python_target *t, uint64_t key, char *buf, size_t size)
{
	long number;

	if (python__string(t, key, buf, size) == 0)
		return;
	if (small_int(t, key, &number))
		snprintf(buf, size, "%ld", number);
	else
		snprintf(buf, size, "...");
}

/* self.__lock is kept as _Cache__lock. */
static const char *plain_attribute(const char *class, const char *name)
{
	size_t len;

	class += strspn(class, "_");
	len = strlen(class);
	if (name[0] == '_' && !strncmp(name + 1, class, len) && !strncmp(name + 1 + len, "__", 2))
		return name + 1 + len;
	return name;
}

static void node_name(struct python_search *s, const struct python_frame *frame,
		      const struct python_node *node, char *buf, size_t size)
{
	const struct python_node *parent = python_search__parent(s, node);
	struct python_target *t = python_search__target(s);
	char owner[PART_MAX], name[PART_MAX];

	switch (node->via) {
	case PYTHON_VIA_GLOBAL:
		module_name(t, node->owner, frame->file, owner, sizeof(owner));
		text(t, node->key, name, sizeof(name));
		snprintf(buf, size, "%s.%s", owner, name);
		return;
	case PYTHON_VIA_MODULE:
		text(t, python__attribute(t, node->owner, "__name__"), owner, sizeof(owner));
		text(t, node->key, name, sizeof(name));
		snprintf(buf, size, "%s.%s", owner, name);
		return;
	case PYTHON_VIA_LOCAL:
		text(t, python_search__variable(s, node->index), name, sizeof(name));
		snprintf(buf, size, "%s.<locals>.%s", frame->function ? frame->function : "?",
			 name);
		return;
	case PYTHON_VIA_ATTRIBUTE:
	case PYTHON_VIA_CLASS:
		type_name(t, node->owner, owner, sizeof(owner));
		text(t, node->key, name, sizeof(name));
		snprintf(buf, size, "%s.%s", owner, plain_attribute(owner, name));
		return;
	case PYTHON_VIA_KEY:
		key_name(t, node->key, name, sizeof(name));
		break;
	case PYTHON_VIA_INDEX:
		snprintf(name, sizeof(name), "%u", node->index);
		break;
	}
	/* An item: no deeper than the levels of a search. */
	if (parent)
		node_name(s, frame, parent, buf, size);
	snprintf(buf + strlen(buf), size - strlen(buf), "[%s]", name);
}

static const char *look(struct python_search *s, struct python_codes *codes, struct names *names,
			const struct python_frame *frame, bool variables, bool *known, bool *rlock)
{
	struct python_target *t = python_search__target(s);
	const struct python_code *code =
		frame->known ? python_codes__at(codes, t, names, frame->code) : NULL;
	const struct python_node *node;
	char name[TEXT_MAX] = "";

	node = code ? python_search__frame(s, frame, code, variables) : NULL;
	if (!node)
		return NULL;
	*known = node->lock != PYTHON_NO_LOCK;
	*rlock = node->lock == PYTHON_RLOCK;
	node_name(s, frame, node, name, sizeof(name));
	return names__intern(names, name);
}

/* The frame that waits, then the library's own inside of it, then those that called it. */
static const char *look_around(struct python_search *s, struct python_codes *codes,
			       struct names *names, const struct python_chain *chain, int user,
			       bool *known, bool *rlock)
{
	const char *name = NULL;
	int outer = 0;

	if (user >= 0)
		name = look(s, codes, names, &chain->frames[user], true, known, rlock);
	for (int i = (user >= 0 ? user : (int)chain->n) - 1; i >= 0 && !name; i--)
		if (!chain->frames[i].shim)
			name = look(s, codes, names, &chain->frames[i], false, known, rlock);
	for (size_t i = user + 1; user >= 0 && i < chain->n && outer < OUTER_MAX && !name; i++) {
		const struct python_frame *f = &chain->frames[i];

		if (f->shim || python_kinds__is_library(f->file))
			continue;
		name = look(s, codes, names, f, true, known, rlock);
		outer++;
	}
	return name;
}

/* Import locks have no variables, but the module's name. */
static const char *import_name(struct python_target *t, struct names *names, uint64_t object)
{
	char module[PART_MAX], name[PART_MAX + 16];

	if (!object)
		return names__intern(names, "import lock");
	if (python__string(t, python__attribute(t, object, "name"), module, sizeof(module)) < 0)
		return NULL;
	snprintf(name, sizeof(name), "import %s", module);
	return names__intern(names, name);
}

const char *python_names__find(struct python_target *t, struct python_codes *codes,
			       struct names *names, const struct python_chain *chain,
			       const struct python_wait *wait, uint64_t word, bool *known,
			       bool *rlock)
{
	struct python_search *s;
	const char *name;

	*known = *rlock = false;
	if (wait->detail && !strcmp(wait->detail, "import"))
		return import_name(t, names, wait->object);
	if (wait->user >= (int)chain->n || (!wait->object && !word))
		return NULL;
	s = python_search__new(t, wait->object, word);
	name = look_around(s, codes, names, chain, wait->user, known, rlock);
	python_search__free(s);
	return name;
}
