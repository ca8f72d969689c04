/* SPDX-License-Identifier: GPL-2.0-only */
/* The line of text that search, filter, interval, time and a file's name are typed into. */
#ifndef PROMPT_H
#define PROMPT_H

#include "view.h"

void prompt__open(struct view *v, enum prompt prompt);
/* A character as typed; what is no text is ignored. */
void prompt__insert(struct view *v, int character);
void prompt__erase(struct view *v);
void prompt__clear(struct view *v);
void prompt__accept(struct view *v);
void prompt__cancel(struct view *v);
/* What stands before the text. */
const char *prompt__label(const struct view *v);

#endif
