/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of system calls. */
#ifndef SYSCALLS_H
#define SYSCALLS_H

/* NULL: there is no such call on this architecture. */
const char *syscalls__name(int nr);

#endif
