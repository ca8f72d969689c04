// SPDX-License-Identifier: GPL-2.0-only
#include "syscalls.h"

#include <stddef.h>
#include <sys/syscall.h>

#include "util.h"

/* A row for each __NR_ of the C library's headers; the Makefile writes them. */
static const char *const names[] = {
#include "syscall_names.h"
};

const char *syscalls__name(int nr)
{
	return nr >= 0 && (size_t)nr < ARRAY_SIZE(names) ? names[nr] : NULL;
}
