/* SPDX-License-Identifier: GPL-2.0-only */
/* Values that only the exact tier knows; the rows that use them stand in fields.c. */
#ifndef FIELDS_EXACT_H
#define FIELDS_EXACT_H

#include "fields.h"

struct value fields_exact__acquisitions(const void *row);
struct value fields_exact__read_acquisitions(const void *row);
struct value fields_exact__contended(const void *row);
struct value fields_exact__contention(const void *row);
struct value fields_exact__call_wait(const void *row);
struct value fields_exact__avg_wait(const void *row);
struct value fields_exact__hold(const void *row);
struct value fields_exact__read_hold(const void *row);
struct value fields_exact__avg_hold(const void *row);
struct value fields_exact__max_hold(const void *row);
struct value fields_exact__try_failures(const void *row);
struct value fields_exact__owner_changes(const void *row);
struct value fields_exact__signals(const void *row);

/* Of a process. */
struct value fields_exact__futex_calls(const void *row);
struct value fields_exact__futex_again(const void *row);
struct value fields_exact__futex_wakes(const void *row);
struct value fields_exact__futex_idle_wakes(const void *row);

#endif
