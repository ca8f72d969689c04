/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Separate debug files: found by build id or by .gnu_debuglink, first as the process sees them,
 * then as this machine does.
 */
#ifndef ELF_DEBUG_H
#define ELF_DEBUG_H

#include <libelf.h>

#include "elf_build_id.h"
#include "proc.h"

/* Who maps the file, and what may be asked. */
struct elf_debug_search {
	struct proc *proc;
	pid_t pid;
	const char *path; /* of the file, as pid sees it */
	bool debuginfod;  /* may servers on the network be asked? */
};

/* A debug file that belongs to a file. */
struct elf_debug {
	int fd;
	pid_t pid;  /* whose root path is under; 0: this program's */
	char *path; /* from malloc */
};

/*
 * id: the file's. 0 or -errno. What is found has the same build id or, where there is none, the
 * right checksum.
 */
int elf_debug__find(const struct elf_debug_search *search, Elf *elf, const struct build_id *id,
		    struct elf_debug *ret);

#endif
