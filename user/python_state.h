/* SPDX-License-Identifier: GPL-2.0-only */
/* What a construct of threading or queue says of itself: how many have come, how full it is. */
#ifndef PYTHON_STATE_H
#define PYTHON_STATE_H

#include "model.h"
#include "python_memory.h"

/* Fills what an object of this kind records; the rest is -1. false: nothing. */
bool python_state__read(struct python_target *t, enum lock_kind kind, uint64_t object,
			struct python_lock_state *ret);

#endif
