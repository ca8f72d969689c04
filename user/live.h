/* SPDX-License-Identifier: GPL-2.0-only */
/* The live screen's loop: keys and intervals in, frames out. */
#ifndef LIVE_H
#define LIVE_H

#include "collector.h"
#include "options.h"

/*
 * Runs until the user quits, a signal ends it or options->count intervals are over (the short one
 * at the start does not count). The collector was started and setlocale() called before. 0 or
 * -errno, which stage__error() may explain.
 */
int live__run(const struct options *o, struct collector *c);

#endif
