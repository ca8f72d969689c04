/* SPDX-License-Identifier: GPL-2.0-only */
/* Values of the columns that say who holds a lock, for the table in fields.c. */
#ifndef FIELDS_OWNER_H
#define FIELDS_OWNER_H

#include "fields.h"

/* In a few words; a ? where it is inferred. */
struct value fields_owner__words(const void *lock);
struct value fields_owner__tid(const void *lock);
struct value fields_owner__proof(const void *lock);
struct value fields_owner__died(const void *lock);
struct value fields_owner__readers(const void *lock);

#endif
