/* SPDX-License-Identifier: GPL-2.0-only */
/* Taking links of probes away: it takes 50 ms or more, nearly all of it waiting. */
#ifndef DETACH_H
#define DETACH_H

#include <stdbool.h>
#include <stddef.h>

struct uprobe_link;
struct detacher;

/* Several at a time, the first ones first. All are gone on return. */
void detach__all(struct uprobe_link **links, size_t n);

/* For those that nobody waits for, because the processes they were for have ended. */
struct detacher *detacher__new(void);
/* Waits until they are gone. Takes NULL. */
void detacher__free(struct detacher *d);
/* Returns at once; false: it has not done with those before, or cannot do it. */
bool detacher__take(struct detacher *d, struct uprobe_link **links, size_t n);

#endif
