// SPDX-License-Identifier: GPL-2.0-only
#include "serve_http.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "features.h"
#include "microhttpd.h"
#include "text.h"
#include "util.h"

/*
 * A scrape takes milliseconds. A connection serves one request and is shut when it is older than
 * this, however busily it trickles; when all are taken, those that had a second make room.
 */
#define CONNECTIONS_MAX	   256
#define CONNECTION_NS	   (10 * NSEC_PER_SEC)
#define CONNECTION_ROOM_NS NSEC_PER_SEC
#define CONNECTION_BYTES   (16 << 10) /* for a request's head: a larger one is refused */
#define BACKLOG		   1024

struct connection {
	int fd; /* -1: free */
	uint64_t since_ns;
};

struct serve_http {
	const struct microhttpd *lib;
	struct MHD_Daemon *daemon;
	int socket; /* -1: the daemon has it */
	int epoll;
	int stop; /* readable when the thread is to end */
	pthread_t thread;
	bool running;
	char *token;
	char url[128];
	char log[256]; /* what the library said of its own start */
	bool started;
	/* of the thread alone */
	struct connection connections[CONNECTIONS_MAX];
	int n_connections;
	bool full; /* was, since the thread last saw to it */
	/* of both threads */
	pthread_mutex_t mutex;
	struct MHD_Response *responses[ANSWER_COUNT];
};

static struct MHD_Response *make_response(const struct serve_http *h, enum serve_answer answer,
					  char *text, size_t size, enum MHD_ResponseMemoryMode mode)
{
	const struct serve_answer_row *row = &serve_answers[answer];
	struct MHD_Response *response = h->lib->create_response_from_buffer(size, text, mode);

	if (!response)
		return NULL;
	h->lib->add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, row->type);
	h->lib->add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (row->header)
		h->lib->add_response_header(response, row->header, row->value);
	return response;
}

/* The library counts who holds a response: the last answer on its way frees it. */
static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	struct serve_http *h = ctx;
	struct serve_request request = {
		.method = method,
		.path = url,
		.accept = h->lib->lookup_connection_value(connection, MHD_HEADER_KIND,
							  MHD_HTTP_HEADER_ACCEPT),
		.authorization = h->lib->lookup_connection_value(connection, MHD_HEADER_KIND,
								 MHD_HTTP_HEADER_AUTHORIZATION),
	};
	enum serve_answer answer = serve_answer__choose(&request, h->token);
	enum MHD_Result result = MHD_NO; /* closes the connection */

	pthread_mutex_lock(&h->mutex);
	if (h->responses[answer])
		result = h->lib->queue_response(connection, serve_answers[answer].status,
						h->responses[answer]);
	pthread_mutex_unlock(&h->mutex);
	return result;
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **slot,
			  enum MHD_ConnectionNotificationCode code)
{
	struct serve_http *h = ctx;
	const union MHD_ConnectionInfo *info =
		h->lib->get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct connection *c = *slot;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED && c) {
		c->fd = -1;
		h->n_connections--;
	} else if (code == MHD_CONNECTION_NOTIFY_STARTED && info) {
		for (c = h->connections; c < h->connections + CONNECTIONS_MAX; c++)
			if (c->fd < 0)
				break;
		if (c == h->connections + CONNECTIONS_MAX)
			return; /* the library has the same bound */
		*c = (struct connection){ info->connect_fd, util__monotonic_ns() };
		*slot = c;
		h->full |= ++h->n_connections == CONNECTIONS_MAX;
	}
}

/* Shuts what is too old; the library then finds it ended. Returns ms until it is wanted again. */
static int shut_old(struct serve_http *h)
{
	uint64_t now = util__monotonic_ns();
	uint64_t age = h->n_connections < CONNECTIONS_MAX ? CONNECTION_NS : CONNECTION_ROOM_NS;

	for (size_t i = 0; i < CONNECTIONS_MAX && h->n_connections; i++)
		if (h->connections[i].fd >= 0 && now - h->connections[i].since_ns >= age)
			shutdown(h->connections[i].fd, SHUT_RDWR);
	if (h->n_connections == CONNECTIONS_MAX)
		return 100;
	if (h->full) { /* the library listens again from its next turn on */
		h->full = false;
		return 0;
	}
	return h->n_connections ? 1000 : -1;
}

static void *serve(void *ctx)
{
	struct serve_http *h = ctx;
	struct pollfd fds[] = { { .fd = h->epoll, .events = POLLIN },
				{ .fd = h->stop, .events = POLLIN } };

	features__drop_thread();
	while (!fds[1].revents) {
		MHD_UNSIGNED_LONG_LONG wanted;
		int timeout = shut_old(h);

		if (h->lib->get_timeout(h->daemon, &wanted) == MHD_YES &&
		    (timeout < 0 || wanted < (unsigned int)timeout))
			timeout = wanted;
		if (poll(fds, ARRAY_SIZE(fds), timeout) < 0)
			break;
		h->lib->run(h->daemon);
	}
	return NULL;
}

/* Of clients' errors, of which there may be any number, nothing is kept. */
static void take_log(void *ctx, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void take_log(void *ctx, const char *format, va_list args)
{
	struct serve_http *h = ctx;
	char raw[sizeof(h->log)];

	if (h->started)
		return;
	vsnprintf(raw, sizeof(raw), format, args);
	raw[strcspn(raw, "\n")] = 0;
	text__clean(h->log, sizeof(h->log), raw);
}

static void name_url(struct serve_http *h, const struct sockaddr_storage *address, socklen_t length,
		     bool tls)
{
	char host[64] = "?", port[8] = "?";
	bool brackets;

	getnameinfo((const struct sockaddr *)address, length, host, sizeof(host), port,
		    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	brackets = strchr(host, ':');
	snprintf(h->url, sizeof(h->url), "%s://%s%s%s:%s/metrics", tls ? "https" : "http",
		 brackets ? "[" : "", host, brackets ? "]" : "", port);
}

/* With its name; that of the port that it got, if any would do. */
static int open_socket(struct serve_http *h, const struct serve_config *c)
{
	struct sockaddr_storage got;
	socklen_t length = sizeof(got);
	int one = 1;

	name_url(h, &c->address, c->address_length, c->cert);
	h->socket = socket(c->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (h->socket < 0 || setsockopt(h->socket, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(h->socket, (const struct sockaddr *)&c->address, c->address_length) ||
	    listen(h->socket, BACKLOG) || getsockname(h->socket, (struct sockaddr *)&got, &length))
		return -errno;
	name_url(h, &got, length, c->cert);
	return 0;
}

static int start_daemon(struct serve_http *h, const struct serve_config *c)
{
	/* read only with TLS: a list ends at its first END */
	struct MHD_OptionItem tls[] = {
		{ c->cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, c->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, c->key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
		  (void *)"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG | (c->cert ? MHD_USE_TLS : 0);
	const union MHD_DaemonInfo *info;

	h->daemon = h->lib->start_daemon(
		flags, 0, NULL, NULL, handle, h, MHD_OPTION_EXTERNAL_LOGGER, take_log, h,
		MHD_OPTION_LISTEN_SOCKET, h->socket, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)(CONNECTION_NS / NSEC_PER_SEC), MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_ARRAY, tls,
		MHD_OPTION_END);
	if (!h->daemon)
		return -EINVAL;
	h->socket = -1;
	info = h->lib->get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	h->epoll = info ? info->epoll_fd : -1;
	return h->epoll < 0 ? -ENOSYS : 0;
}

int serve_http__new(const struct serve_config *c, struct serve_http **ret, char error[SERVE_ERROR])
{
	const struct microhttpd *lib = microhttpd__load();
	struct serve_http *h;
	int err;

	if (!lib) {
		snprintf(error, SERVE_ERROR,
			 "serve: libmicrohttpd (libmicrohttpd.so.12) is needed");
		return -ENOSYS;
	}
	h = xcalloc(1, sizeof(*h));
	h->lib = lib;
	h->socket = -1;
	pthread_mutex_init(&h->mutex, NULL);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		h->connections[i].fd = -1;
	h->token = c->token ? xstrdup(c->token) : NULL;
	h->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = h->stop < 0 ? -errno : open_socket(h, c);
	if (err)
		snprintf(error, SERVE_ERROR, "cannot serve %s: %s", h->url, strerror(-err));
	if (!err) {
		err = start_daemon(h, c);
		if (err)
			snprintf(error, SERVE_ERROR, "cannot serve %s%s: %s", h->url,
				 c->cert ? " with this --tls-cert and --tls-key" : "",
				 h->log[0] ? h->log : strerror(-err));
	}
	for (int a = 0; a < ANSWER_COUNT && !err; a++)
		if (serve_answers[a].text)
			h->responses[a] = make_response(h, a, (char *)serve_answers[a].text,
							strlen(serve_answers[a].text),
							MHD_RESPMEM_PERSISTENT);
	if (err) {
		serve_http__free(h);
		return err;
	}
	h->started = true;
	*ret = h;
	return 0;
}

const char *serve_http__url(const struct serve_http *h)
{
	return h->url;
}

void serve_http__publish(struct serve_http *h, enum serve_answer answer, char *text, size_t size)
{
	struct MHD_Response *old,
		*new = make_response(h, answer, text, size, MHD_RESPMEM_MUST_FREE);

	if (!new) { /* no memory: what was published last stays */
		free(text);
		return;
	}
	pthread_mutex_lock(&h->mutex);
	old = h->responses[answer];
	h->responses[answer] = new;
	pthread_mutex_unlock(&h->mutex);
	if (old)
		h->lib->destroy_response(old);
}

int serve_http__start(struct serve_http *h)
{
	int err = util__start_thread(&h->thread, serve, h);

	h->running = !err;
	return err;
}

void serve_http__free(struct serve_http *h)
{
	uint64_t one = 1;

	if (!h)
		return;
	if (h->running && write(h->stop, &one, sizeof(one)) == sizeof(one))
		pthread_join(h->thread, NULL);
	if (h->daemon)
		h->lib->stop_daemon(h->daemon);
	for (int a = 0; a < ANSWER_COUNT; a++)
		if (h->responses[a])
			h->lib->destroy_response(h->responses[a]);
	if (h->socket >= 0)
		close(h->socket);
	if (h->stop >= 0)
		close(h->stop);
	if (h->token)
		explicit_bzero(h->token, strlen(h->token));
	free(h->token);
	pthread_mutex_destroy(&h->mutex);
	free(h);
}
