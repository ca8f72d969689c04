/* SPDX-License-Identifier: GPL-2.0-only */
/* What `locktop serve` is told: where to listen, and what guards an address that others reach. */
#ifndef SERVE_CONFIG_H
#define SERVE_CONFIG_H

#include <stdbool.h>
#include <sys/socket.h>

#include "options.h"

#define SERVE_LISTEN_DEFAULT "127.0.0.1:9752"
#define SERVE_ERROR	     512 /* bytes of an error line */
#define SERVE_TOKEN_MIN	     16	 /* characters */

struct serve_config {
	struct sockaddr_storage address;
	socklen_t address_length;
	char *cert, *key; /* PEM; NULL: without TLS */
	char *token;	  /* NULL: nobody is asked for one */
};

/*
 * Resolves the address and reads the files. An address that is not this machine's own (loopback)
 * needs both TLS and a token. 0, or -errno with a line in error; *ret for serve_config__done.
 */
int serve_config__read(const struct options *o, struct serve_config *ret, char error[SERVE_ERROR]);
void serve_config__done(struct serve_config *c);

/* "ADDR:PORT", "[ADDR]:PORT" or "ADDR" -> its parts; port NULL: not given. 0 or -EINVAL. */
int serve_config__split(char *listen, char **host, char **port);
bool serve_config__is_loopback(const struct sockaddr *address);

/* A token as a file holds it, without blanks around it, in place. 0 or -EINVAL. */
int serve_config__trim_token(char *token);

#endif
