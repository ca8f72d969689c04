/* SPDX-License-Identifier: GPL-2.0-only */
/* Symbols as compilers write them -> names as people do. */
#ifndef USER_DEMANGLE_H
#define USER_DEMANGLE_H

/*
 * The name of a C++ or Rust function, whole, from malloc, and the language's. NULL if the symbol is
 * not mangled, not sound, or would take more room than a name may: then it is best shown as it is.
 */
char *demangle__name(const char *symbol, const char **language);

#endif
