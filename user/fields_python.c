// SPDX-License-Identifier: GPL-2.0-only
#include "fields_python.h"

#include "fields_internal.h"

struct value fields_python__name(const void *row)
{
	const struct thread *t = row;

	return t->python && t->python->name ? text(t->python->name) : nothing();
}

struct value fields_python__called(const void *row)
{
	struct value name = fields_python__name(row);

	return name.known ? name : text(((const struct thread *)row)->comm);
}

struct value fields_python__daemon(const void *row)
{
	const struct thread *t = row;

	return t->python && t->python->daemon >= 0 ? text(t->python->daemon ? "yes" : "no")
						   : nothing();
}

struct value fields_python__gil(const void *row)
{
	static const char *const words[] = {
		[THREAD_GIL_HAS] = "has", [THREAD_GIL_WANTS] = "wants", [THREAD_GIL_NONE] = "no"
	};
	const struct thread *t = row;

	return t->python && t->python->gil ? text(words[t->python->gil]) : nothing();
}

struct value fields_python__switches(const void *row)
{
	const struct lock *l = row;

	return l->switches_known ? number(l->switches) : nothing();
}

struct value fields_python__forced_switches(const void *row)
{
	const struct lock *l = row;

	return l->switches_known ? number(l->forced_switches) : nothing();
}
