// SPDX-License-Identifier: GPL-2.0-only
#include "microhttpd.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "util.h"

#define LIBRARY "libmicrohttpd.so.12"

const struct microhttpd *microhttpd__load(void)
{
	static struct microhttpd library;
	static const struct {
		const char *name;
		void *function;
	} functions[] = {
#define X(name) { "MHD_" #name, &library.name },
		MICROHTTPD_FUNCTIONS(X)
#undef X
	};
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		void *address = dlsym(handle, functions[i].name);

		if (!address)
			return NULL;
		memcpy(functions[i].function, &address, sizeof(address));
	}
	return &library;
}
