/* SPDX-License-Identifier: GPL-2.0-only */
/* Values of the columns that Python's threads and GILs have, for the table in fields.c. */
#ifndef FIELDS_PYTHON_H
#define FIELDS_PYTHON_H

#include "fields.h"

struct value fields_python__name(const void *thread);
/* The same, or where it has none the thread's comm. */
struct value fields_python__called(const void *thread);
struct value fields_python__daemon(const void *thread);
struct value fields_python__gil(const void *thread);

struct value fields_python__switches(const void *lock);
struct value fields_python__forced_switches(const void *lock);

#endif
