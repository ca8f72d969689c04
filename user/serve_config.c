// SPDX-License-Identifier: GPL-2.0-only
#include "serve_config.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "util.h"

#define PORT_DEFAULT  "9752"
#define FILE_MAX_SIZE (256 << 10) /* a chain of certificates is far below it */

static int wrong(char error[SERVE_ERROR], int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int wrong(char error[SERVE_ERROR], int err, const char *format, ...)
{
	char raw[SERVE_ERROR];
	va_list args;

	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	text__clean(error, SERVE_ERROR, raw);
	return err;
}

int serve_config__split(char *listen, char **host, char **port)
{
	char *colon = strrchr(listen, ':'), *end;

	*host = listen;
	*port = NULL;
	if (*listen == '[') {
		end = strchr(listen, ']');
		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		*host = listen + 1;
		colon = end[1] ? end + 1 : NULL;
		*end = 0;
	} else if (colon && strchr(listen, ':') != colon) { /* of IPv6, without a port */
		colon = NULL;
	}
	if (colon) {
		*colon = 0;
		*port = colon + 1;
	}
	return **host && (!*port || **port) ? 0 : -EINVAL;
}

bool serve_config__is_loopback(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

	if (address->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (address->sa_family != AF_INET6)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		return v6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static bool is_port(const char *port)
{
	size_t digits = strspn(port, "0123456789");

	return digits && digits <= 5 && !port[digits] && atoi(port) <= 65535;
}

static int resolve(const char *listen, struct serve_config *c, char error[SERVE_ERROR])
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found;
	_cleanup_(util__freep) char *copy = xstrdup(listen);
	char *host, *port;
	int err;

	if (serve_config__split(copy, &host, &port) || (port && !is_port(port)))
		return wrong(error, -EINVAL,
			     "--listen: '%s' is not ADDR:PORT (127.0.0.1:9752, [::1]:9752)",
			     listen);
	err = getaddrinfo(host, port ? port : PORT_DEFAULT, &hints, &found);
	if (err)
		return wrong(error, -EINVAL, "--listen: %s: %s", host, gai_strerror(err));
	memcpy(&c->address, found->ai_addr, found->ai_addrlen);
	c->address_length = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int read_file(const char *option, const char *path, char **ret, char error[SERVE_ERROR])
{
	_cleanup_(util__freep) char *text = xcalloc(1, FILE_MAX_SIZE);
	int length;

	if (!path)
		return 0;
	length = util__read_file(path, text, FILE_MAX_SIZE);
	if (length < 0)
		return wrong(error, length, "%s: cannot read %s: %s", option, path,
			     strerror(-length));
	if (length == FILE_MAX_SIZE - 1)
		return wrong(error, -EFBIG, "%s: %s is too large", option, path);
	*ret = xstrdup(text);
	explicit_bzero(text, length);
	return 0;
}

int serve_config__trim_token(char *token)
{
	size_t length = strlen(token), blanks = 0;

	while (length && isspace((unsigned char)token[length - 1]))
		token[--length] = 0;
	while (isspace((unsigned char)token[blanks]))
		blanks++;
	memmove(token, token + blanks, length - blanks + 1);
	for (const char *c = token; *c; c++)
		if (!isgraph((unsigned char)*c))
			return -EINVAL;
	return length - blanks >= SERVE_TOKEN_MIN && length - blanks < 4096 ? 0 : -EINVAL;
}

static int read_files(const struct options *o, struct serve_config *c, char error[SERVE_ERROR])
{
	int err = read_file("--tls-cert", o->tls_cert, &c->cert, error);

	if (!err)
		err = read_file("--tls-key", o->tls_key, &c->key, error);
	if (!err)
		err = read_file("--token-file", o->token_file, &c->token, error);
	if (!err && c->token && serve_config__trim_token(c->token))
		err = wrong(error, -EINVAL,
			    "--token-file: %s is not one word of %d or more visible characters",
			    o->token_file, SERVE_TOKEN_MIN);
	return err;
}

int serve_config__read(const struct options *o, struct serve_config *ret, char error[SERVE_ERROR])
{
	const char *listen = o->listen ? o->listen : SERVE_LISTEN_DEFAULT;
	struct serve_config c = {};
	int err = resolve(listen, &c, error);

	if (err)
		return err;
	if (!serve_config__is_loopback((struct sockaddr *)&c.address) &&
	    (!o->tls_cert || !o->token_file))
		return wrong(error, -EINVAL,
			     "--listen: others can reach %s: it needs --tls-cert, --tls-key and "
			     "--token-file",
			     listen);
	err = read_files(o, &c, error);
	if (err) {
		serve_config__done(&c);
		return err;
	}
	*ret = c;
	return 0;
}

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void serve_config__done(struct serve_config *c)
{
	free(c->cert);
	c->cert = NULL;
	wipe(&c->key);
	wipe(&c->token);
}
