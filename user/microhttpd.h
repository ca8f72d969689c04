/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libmicrohttpd is loaded when something is to be served: it brings a TLS library with all that
 * belongs to it, which no other run of this program wants in its memory.
 */
#ifndef MICROHTTPD_H
#define MICROHTTPD_H

#include <microhttpd.h>

/* The functions in use, each by its name without MHD_. */
#define MICROHTTPD_FUNCTIONS(X)        \
	X(start_daemon)                \
	X(stop_daemon)                 \
	X(run)                         \
	X(get_timeout)                 \
	X(get_daemon_info)             \
	X(get_connection_info)         \
	X(lookup_connection_value)     \
	X(create_response_from_buffer) \
	X(add_response_header)         \
	X(queue_response)              \
	X(destroy_response)

struct microhttpd {
#define X(name) __typeof__(&MHD_##name) name;
	MICROHTTPD_FUNCTIONS(X)
#undef X
};

/* Stays loaded. NULL: this machine does not have it. */
const struct microhttpd *microhttpd__load(void);

#endif
