/* SPDX-License-Identifier: GPL-2.0-only */
/* Which files of which processes the exact tier's probes are in, and putting them there. */
#ifndef EXACT_LINKS_H
#define EXACT_LINKS_H

#include "libraries.h"

struct locktop_bpf;
struct uprobe_link;
struct exact_links;

/*
 * Borrows both. bulk: probes come and go in bulk. Otherwise each needs a descriptor, so that they
 * are for all processes.
 */
struct exact_links *exact_links__new(struct locktop_bpf *skel, struct proc *proc, bool bulk);
/* Takes all probes away. Takes NULL. */
void exact_links__free(struct exact_links *l);

/*
 * A process in scope is about to execute this program, found as execvp() would find it: its file,
 * and the loader it asks for, which may be its C library, have their probes before it begins.
 */
void exact_links__prepare(struct exact_links *l, const char *program, pid_t pid);

/*
 * Looks for files and processes; those that are gone lose their probes, in time. Returns whether
 * the probes that are there must go before others are attached: then nothing must be counted.
 */
bool exact_links__look(struct exact_links *l);

/* A child was forked by a process in scope: until the next look it may have no probes. */
void exact_links__born(struct exact_links *l, pid_t pid);
/* So many of them had none at first. */
uint64_t exact_links__late(const struct exact_links *l);
/* See exact__unprobed(), exact__refused(). */
uint64_t exact_links__unprobed(const struct exact_links *l);
int exact_links__refused(const struct exact_links *l);

/* All probes that the latest look asked for, and those that are there already. */
void exact_links__attach(struct exact_links *l);
void exact_links__detach(struct exact_links *l);

/*
 * Some places of a file, for pid, or for all processes (0). skip: those that it says are left out;
 * NULL: none. 0 and *ret NULL if there are no such places; or -errno.
 */
int exact_links__attach_file(const struct library *file, int prog_fd, bool at_return, pid_t pid,
			     bool (*skip)(const struct lock_place *p), struct uprobe_link **ret);

#endif
