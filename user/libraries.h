/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files that the exact tier puts probes into: whatever a process in scope has mapped as code
 * and defines a function of lock_functions.h. C libraries, most of all, of this machine and of
 * containers, and programs that are linked statically.
 */
#ifndef LIBRARIES_H
#define LIBRARIES_H

#include <limits.h>

#include "elf_file.h"
#include "lock_functions.h"
#include "proc.h"

struct libraries;

struct library {
	uint64_t id; /* ascending; never used again */
	struct file_identity identity;
	char *path; /* for the kernel to open; NULL: nobody that maps it can be asked any more */
	char build_id[BUILD_ID_TEXT]; /* hex; "" if it has none */
	struct lock_place *places;
	size_t n_places;
};

/* Code that takes its locks past all functions that can be probed. */
enum bypass_kind { BYPASS_GO, BYPASS_RUST, BYPASS_JAVA, BYPASS_KINDS };

struct bypass {
	const char *runtime, *locks; /* what it is, and what of it is not seen */
	size_t files;
	const char *path; /* of one of them; lives until the next look */
};

struct libraries *libraries__new(struct proc *proc);
void libraries__free(struct libraries *l);

/*
 * Looks for files in these processes, or in all for pids NULL. Again and again: what was looked
 * at and has not changed costs next to nothing. Files that no process of the latest look maps are
 * dropped after a minute.
 */
void libraries__look(struct libraries *l, const pid_t *pids, size_t n);

/* Ascending by id; valid until the next look. */
size_t libraries__count(const struct libraries *l);
const struct library *libraries__at(const struct libraries *l, size_t i);

/* Did this process map it at the latest look? */
bool libraries__maps(const struct libraries *l, pid_t pid, const struct library *library);

/* Files that define such functions, and processes, that did not fit; counted at each look. */
uint64_t libraries__lost(const struct libraries *l);

/* The runtimes found, of files that are mapped now; how many. */
size_t libraries__bypass(const struct libraries *l, struct bypass ret[BYPASS_KINDS]);

#endif
