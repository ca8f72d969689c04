// SPDX-License-Identifier: GPL-2.0-only
/* What a lock is called: after its object, or after the call site that waits most for it. */
#include "samples_internal.h"

#include <stdio.h>

/* What lies at the object's address; asked once, while the process is there. */
static void look_up(struct samples *s, struct sample_key *k, uint64_t now_ns)
{
	uint64_t object = k->key.addr - k->verdict.offset;
	struct process_entry *process = samples__process(s, k->key.tgid, k->key.gen, now_ns);
	const struct maps *maps = processes__maps(s->processes, process, object, false, now_ns);
	const struct mapping *m = maps ? maps__find(maps, object) : NULL;

	k->looked_up = true;
	if (!m)
		return;
	if (m->shared && m->inode) {
		k->shared.device = (uint64_t)m->dev_major << 32 | m->dev_minor;
		k->shared.inode = m->inode;
		k->shared.offset = object - m->start + m->offset;
	}
	k->memory = m->shared ? "shared" : m->path[0] == '/' ? "mapped" : "heap";
	k->object = names__data(s->names, process->tid, maps, object);
}

static void set_name(struct sample_key *k, const char *name, const char *from)
{
	k->name = name;
	k->name_from = from;
}

/* Returns whether the program has a name for it. */
static bool name_after_program(struct samples *s, struct sample_key *k)
{
	const char *alias = aliases__find(s->aliases, NULL, k->python.name);

	if (!k->python.name)
		return false;
	set_name(k, alias ? alias : k->python.name, alias ? "alias" : "python");
	return true;
}

/* Returns whether the object is static, and so has a name of its own. */
static bool name_after_object(struct samples *s, struct sample_key *k)
{
	const struct static_name *object = &k->object;
	const char *alias = aliases__find(s->aliases, object->module, object->name);

	if (!object->name || k->verdict.by_site)
		return false;
	set_name(k, alias ? alias : object->name, alias ? "alias" : object->from);
	return true;
}

/* A lock on the heap is called after the call site that waits most, or if nobody ever slept on it,
 * that holds it most: that is stable. */
static void name_after_site(struct samples *s, struct sample_key *k, const struct sample_site *site)
{
	char place[512], name[600];
	const char *alias;

	site_place__format(&site->place, place, sizeof(place));
	alias = aliases__find(s->aliases, site->place.module, place);
	snprintf(name, sizeof(name), "%s lock at %s",
		 k->python.seen ? "Python"
		 : k->memory	? k->memory
				: "heap",
		 place);
	set_name(k, names__intern(s->names, alias ? alias : name), alias ? "alias" : "site");
}

static const char *where_of(struct samples *s, const struct site_place *place)
{
	char function[512];

	site_place__function(place, function, sizeof(function));
	return function[0] ? names__intern(s->names, function) : NULL;
}

void samples__name(struct samples *s, struct sample_key *k, uint64_t now_ns)
{
	bool exact = SIGNATURE_OP(k->key.signature) & OP_EXACT;
	const struct sample_site *main = sites__main(&k->sites, exact ? ROLE_HOLDER : ROLE_WAITER);
	uint64_t hash = main && main->has_place ? main->hash : 1;

	if (!k->looked_up)
		look_up(s, k, now_ns);
	if (k->named_after == hash)
		return;
	k->named_after = hash;
	k->where = main && main->has_place ? where_of(s, &main->place) : NULL;
	if (!name_after_program(s, k) && !name_after_object(s, k) && main && main->has_place)
		name_after_site(s, k, main);
}

const char *samples__site_name(struct samples *s, const struct sample_key *k,
			       const struct sample_site *site, const char **from,
			       const char **where)
{
	enum lock_kind kind = site->judged ? site->kind : k->verdict.kind;
	char place[512], name[600];
	const char *alias;

	site_place__format(&site->place, place, sizeof(place));
	alias = aliases__find(s->aliases, site->name ? NULL : site->place.module,
			      site->name ? site->name : place);
	*from = alias ? "alias" : site->name ? "python" : "site";
	*where = where_of(s, &site->place);
	if (!alias && site->name)
		return site->name;
	snprintf(name, sizeof(name), "%s at %s", lock_kind_names[kind], place);
	return names__intern(s->names, alias ? alias : name);
}
