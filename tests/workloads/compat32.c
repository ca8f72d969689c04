// SPDX-License-Identifier: GPL-2.0-only
/* compat32: contend, built with -m32. Its system calls have other numbers, its pointers 4 bytes. */
#include "contend.c"
