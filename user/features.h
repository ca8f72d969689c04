/* SPDX-License-Identifier: GPL-2.0-only */
/* What this kernel and machine can do: probed for, never assumed from a version number. */
#ifndef FEATURES_H
#define FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What the default tier cannot do without. 0, or -errno after filling error (one line). */
int features__require(char *error, size_t size);

/* Does sched_switch carry the state that the decision was made on (since 5.18)? */
bool features__switch_has_state(void);

/* `locktop check`: prints every feature and what its lack costs. 0 if the default tier can run. */
int features__check(FILE *out);

/* Gives back what the questions above have loaded. */
void features__done(void);

/*
 * Drops the capabilities that are not needed once the probes are attached. keep_kill: signals will
 * be passed on to a program that may run as another user.
 */
void features__drop_privileges(bool keep_kill);

/* Drops all capabilities of this thread: it deals with strangers. */
void features__drop_thread(void);

#endif
