/* SPDX-License-Identifier: GPL-2.0-only */
/* `locktop demo`: a small program with something to see for every screen. */
#ifndef DEMO_H
#define DEMO_H

/* The workload. Runs until it is killed. */
int demo__run(void);

#endif
