// SPDX-License-Identifier: GPL-2.0-only
/* What is served over HTTP, where, and to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../user/serve_answer.h"
#include "../../user/serve_config.h"
#include "../../user/serve_http.h"
#include "../../user/util.h"

#define TOKEN "0123456789abcdef"

static enum serve_answer ask(const char *method, const char *path, const char *accept,
			     const char *authorization, const char *token)
{
	struct serve_request r = { method, path, accept, authorization };

	return serve_answer__choose(&r, token);
}

/* Paths and methods: two paths, two methods, everything else is refused by its own name. */
static void test_paths(void **state)
{
	(void)state;
	assert_int_equal(ask("GET", "/metrics", NULL, NULL, NULL), ANSWER_OPENMETRICS);
	assert_int_equal(ask("HEAD", "/metrics", NULL, NULL, NULL), ANSWER_OPENMETRICS);
	assert_int_equal(ask("GET", "/", NULL, NULL, NULL), ANSWER_HINT);
	assert_int_equal(ask("HEAD", "/", NULL, NULL, NULL), ANSWER_HINT);
	assert_int_equal(ask("POST", "/metrics", NULL, NULL, NULL), ANSWER_WRONG_METHOD);
	assert_int_equal(ask("get", "/metrics", NULL, NULL, NULL), ANSWER_WRONG_METHOD);
	assert_int_equal(ask("DELETE", "/", NULL, NULL, NULL), ANSWER_WRONG_METHOD);
	assert_int_equal(ask("", "/", NULL, NULL, NULL), ANSWER_WRONG_METHOD);
	assert_int_equal(ask("GET", "/metrics/", NULL, NULL, NULL), ANSWER_NOT_FOUND);
	assert_int_equal(ask("GET", "//metrics", NULL, NULL, NULL), ANSWER_NOT_FOUND);
	assert_int_equal(ask("GET", "", NULL, NULL, NULL), ANSWER_NOT_FOUND);
	assert_int_equal(ask("POST", "/../etc/passwd", NULL, NULL, NULL), ANSWER_NOT_FOUND);
}

/* OpenMetrics for all but those who ask for the older notation and do not know it. */
static void test_notation(void **state)
{
	static const char prometheus_2_42[] =
		"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		"version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

	(void)state;
	assert_int_equal(ask("GET", "/metrics", "*/*", NULL, NULL), ANSWER_OPENMETRICS);
	assert_int_equal(ask("GET", "/metrics", "text/html,*/*", NULL, NULL), ANSWER_OPENMETRICS);
	assert_int_equal(ask("GET", "/metrics", prometheus_2_42, NULL, NULL), ANSWER_OPENMETRICS);
	assert_int_equal(ask("GET", "/metrics", "text/plain;version=0.0.4,*/*;q=0.1", NULL, NULL),
			 ANSWER_PROMETHEUS);
	assert_int_equal(ask("GET", "/metrics", "Text/Plain", NULL, NULL), ANSWER_PROMETHEUS);
}

/* With a token every path needs it, whole and exactly, and no path says whether it exists. */
static void test_token(void **state)
{
	(void)state;
	assert_int_equal(ask("GET", "/metrics", NULL, "Bearer " TOKEN, TOKEN), ANSWER_OPENMETRICS);
	assert_int_equal(ask("GET", "/metrics", NULL, "bearer   " TOKEN, TOKEN),
			 ANSWER_OPENMETRICS);
	assert_int_equal(ask("GET", "/", NULL, "Bearer " TOKEN, TOKEN), ANSWER_HINT);
	assert_int_equal(ask("GET", "/metrics", NULL, NULL, TOKEN), ANSWER_UNAUTHORIZED);
	assert_int_equal(ask("GET", "/metrics", NULL, "", TOKEN), ANSWER_UNAUTHORIZED);
	assert_int_equal(ask("GET", "/metrics", NULL, TOKEN, TOKEN), ANSWER_UNAUTHORIZED);
	assert_int_equal(ask("GET", "/metrics", NULL, "Basic " TOKEN, TOKEN), ANSWER_UNAUTHORIZED);
	assert_int_equal(ask("GET", "/metrics", NULL, "Bearer", TOKEN), ANSWER_UNAUTHORIZED);
	assert_int_equal(ask("GET", "/metrics", NULL, "Bearer ", TOKEN), ANSWER_UNAUTHORIZED);
	assert_int_equal(ask("GET", "/metrics", NULL, "Bearer " TOKEN "0", TOKEN),
			 ANSWER_UNAUTHORIZED);
	assert_int_equal(ask("GET", "/metrics", NULL, "Bearer 0123456789abcde", TOKEN),
			 ANSWER_UNAUTHORIZED);
	assert_int_equal(ask("GET", "/metrics", NULL, "Bearer 1123456789abcdef", TOKEN),
			 ANSWER_UNAUTHORIZED);
	assert_int_equal(ask("GET", "/secret", NULL, NULL, TOKEN), ANSWER_UNAUTHORIZED);
	assert_int_equal(ask("POST", "/", NULL, NULL, TOKEN), ANSWER_UNAUTHORIZED);
}

static void assert_split(const char *listen, const char *host, const char *port)
{
	_cleanup_(util__freep) char *copy = xstrdup(listen);
	char *got_host, *got_port;

	if (serve_config__split(copy, &got_host, &got_port))
		fail_msg("%s is refused", listen);
	assert_string_equal(got_host, host);
	if (port)
		assert_string_equal(got_port, port);
	else
		assert_null(got_port);
}

/* Addresses with and without a port, of both families; what is neither is refused. */
static void test_split(void **state)
{
	static const char *const wrong[] = {
		"", ":", ":80", "host:", "[::1", "[::1]x", "[::1]:", "[]:80", "[]",
	};

	(void)state;
	assert_split("127.0.0.1:9752", "127.0.0.1", "9752");
	assert_split("127.0.0.1", "127.0.0.1", NULL);
	assert_split("localhost:0", "localhost", "0");
	assert_split("[::1]:9752", "::1", "9752");
	assert_split("[::1]", "::1", NULL);
	assert_split("::1", "::1", NULL);
	assert_split("fe80::1%eth0", "fe80::1%eth0", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(util__freep) char *copy = xstrdup(wrong[i]);
		char *host, *port;

		if (serve_config__split(copy, &host, &port) != -EINVAL)
			fail_msg("'%s' is taken", wrong[i]);
	}
}

static bool is_loopback(int family, const char *text)
{
	struct sockaddr_storage address = { .ss_family = family };
	void *at = family == AF_INET ? (void *)&((struct sockaddr_in *)&address)->sin_addr
				     : (void *)&((struct sockaddr_in6 *)&address)->sin6_addr;

	assert_int_equal(inet_pton(family, text, at), 1);
	return serve_config__is_loopback((struct sockaddr *)&address);
}

/* Only what this machine alone can reach is loopback. */
static void test_loopback(void **state)
{
	struct sockaddr_storage unix_address = { .ss_family = AF_UNIX };

	(void)state;
	assert_true(is_loopback(AF_INET, "127.0.0.1"));
	assert_true(is_loopback(AF_INET, "127.255.0.9"));
	assert_true(is_loopback(AF_INET6, "::1"));
	assert_true(is_loopback(AF_INET6, "::ffff:127.0.0.1"));
	assert_false(is_loopback(AF_INET, "0.0.0.0"));
	assert_false(is_loopback(AF_INET, "128.0.0.1"));
	assert_false(is_loopback(AF_INET, "10.0.0.127"));
	assert_false(is_loopback(AF_INET6, "::"));
	assert_false(is_loopback(AF_INET6, "::ffff:10.0.0.1"));
	assert_false(is_loopback(AF_INET6, "7f00::1"));
	assert_false(serve_config__is_loopback((struct sockaddr *)&unix_address));
}

static int trim(const char *token, char buf[64])
{
	snprintf(buf, 64, "%s", token);
	return serve_config__trim_token(buf);
}

/* A token is one long word; the line end behind it is not part of it. */
static void test_trim_token(void **state)
{
	char buf[64];

	(void)state;
	assert_int_equal(trim(TOKEN, buf), 0);
	assert_int_equal(trim(" \t" TOKEN "\r\n", buf), 0);
	assert_string_equal(buf, TOKEN);
	assert_int_equal(trim("0123456789abcde\n", buf), -EINVAL);
	assert_int_equal(trim("", buf), -EINVAL);
	assert_int_equal(trim(" \n ", buf), -EINVAL);
	assert_int_equal(trim("0123456789 abcdef", buf), -EINVAL);
	assert_int_equal(trim("0123456789\nabcdef", buf), -EINVAL);
	assert_int_equal(trim("0123456789\x1b"
			      "abcdef",
			      buf),
			 -EINVAL);
	assert_int_equal(trim("0123456789\xc3\xa4"
			      "abcdef",
			      buf),
			 -EINVAL);
}

/* A file of its own in the test's directory, with this text. */
static const char *file_with(char path[64], const char *text)
{
	FILE *file;
	int fd;

	snprintf(path, 64, "/tmp/locktop-serve-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return path;
}

static void assert_refused(struct options o, const char *wanted)
{
	struct serve_config c = { .token = (char *)"untouched" };
	char error[SERVE_ERROR] = "";

	assert_true(serve_config__read(&o, &c, error) < 0);
	if (!strstr(error, wanted))
		fail_msg("'%s' does not say '%s'", error, wanted);
	assert_null(strchr(error, '\n'));
	assert_string_equal(c.token, "untouched");
}

/* An address that others reach needs TLS and a token, both; loopback needs neither. */
static void test_config(void **state)
{
	char token[64], short_token[64];
	struct serve_config c;
	char error[SERVE_ERROR];

	(void)state;
	file_with(token, TOKEN "\n");
	file_with(short_token, "secret\n");
	assert_int_equal(serve_config__read(&(struct options){}, &c, error), 0);
	assert_true(serve_config__is_loopback((struct sockaddr *)&c.address));
	assert_int_equal(ntohs(((struct sockaddr_in *)&c.address)->sin_port), 9752);
	assert_null(c.token);
	serve_config__done(&c);
	assert_int_equal(
		serve_config__read(&(struct options){ .listen = "[::1]:1", .token_file = token },
				   &c, error),
		0);
	assert_string_equal(c.token, TOKEN);
	serve_config__done(&c);
	assert_null(c.token);
	assert_int_equal(serve_config__read(&(struct options){ .listen = "0.0.0.0:1",
							       .tls_cert = token,
							       .tls_key = token,
							       .token_file = token },
					    &c, error),
			 0);
	serve_config__done(&c);
	assert_refused((struct options){ .listen = "0.0.0.0:1" }, "--token-file");
	assert_refused((struct options){ .listen = "[::]:1", .token_file = token }, "--tls-cert");
	assert_refused(
		(struct options){ .listen = "192.0.2.1:1", .tls_cert = token, .tls_key = token },
		"--token-file");
	assert_refused((struct options){ .listen = "127.0.0.1:65536" }, "65536");
	assert_refused((struct options){ .listen = "127.0.0.1:x" }, "ADDR:PORT");
	assert_refused((struct options){ .listen = "\x1b[31m" }, "--listen");
	assert_refused((struct options){ .token_file = "/no/such\nfile" }, "--token-file");
	assert_refused((struct options){ .token_file = "/" }, "cannot read");
	assert_refused((struct options){ .token_file = "/dev/zero" }, "too large");
	assert_refused((struct options){ .token_file = short_token }, "16");
	unlink(token);
	unlink(short_token);
}

/* ---- the server itself ---- */

static struct serve_http *serve_on_any_port(void)
{
	struct options o = { .listen = "127.0.0.1:0" };
	struct serve_config c;
	struct serve_http *h;
	char error[SERVE_ERROR];

	assert_int_equal(serve_config__read(&o, &c, error), 0);
	if (serve_http__new(&c, &h, error))
		fail_msg("%s", error);
	serve_config__done(&c);
	return h;
}

static void publish(struct serve_http *h, enum serve_answer answer, char c, size_t size)
{
	char *text = malloc(size);

	assert_non_null(text);
	memset(text, c, size);
	serve_http__publish(h, answer, text, size);
}

static int begin(const struct serve_http *h, const char *request)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), port;

	assert_int_equal(sscanf(serve_http__url(h), "http://127.0.0.1:%d/metrics", &port), 1);
	to.sin_port = htons(port);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	return fd;
}

/* Reads until the server closes: bytes of all, and how many of them are c. */
static size_t finish(int fd, char head[512], char c, size_t *all)
{
	char buf[16384];
	size_t found = 0;
	ssize_t n;

	*all = 0;
	head[0] = 0;
	while ((n = read(fd, buf, sizeof(buf) - 1)) > 0) {
		if (!*all)
			snprintf(head, 512, "%.*s", (int)n, buf);
		for (ssize_t i = 0; i < n; i++)
			found += buf[i] == c;
		*all += n;
	}
	close(fd);
	return found;
}

#define GET "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

/* What was published last is served; HEAD has its head only. */
static void test_publish(void **state)
{
	struct serve_http *h = serve_on_any_port();
	char head[512];
	size_t all;

	(void)state;
	publish(h, ANSWER_OPENMETRICS, '@', 100);
	assert_int_equal(serve_http__start(h), 0);
	assert_int_equal(finish(begin(h, GET), head, '@', &all), 100);
	assert_non_null(strstr(head, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(head, "application/openmetrics-text; version=1.0.0"));
	publish(h, ANSWER_OPENMETRICS, '#', 200);
	publish(h, ANSWER_PROMETHEUS, '@', 50);
	assert_int_equal(finish(begin(h, GET), head, '#', &all), 200);
	assert_int_equal(
		finish(begin(h, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), head, '#', &all), 0);
	assert_non_null(strstr(head, "Content-Length: 200\r\n"));
	assert_int_equal(finish(begin(h, "GET /metrics HTTP/1.1\r\nHost: x\r\n"
					 "Accept: text/plain\r\n\r\n"),
				head, '@', &all),
			 50);
	serve_http__free(h);
}

/*
 * An answer on its way ends as it began, however often others are published meanwhile; and the
 * server ends with connections open.
 */
static void test_answers_on_their_way(void **state)
{
	const size_t size = 32 << 20; /* more than the kernel buffers */
	struct serve_http *h = serve_on_any_port();
	char head[512];
	size_t all;
	int slow, idle;

	(void)state;
	publish(h, ANSWER_OPENMETRICS, '@', size);
	assert_int_equal(serve_http__start(h), 0);
	slow = begin(h, GET);
	idle = begin(h, "GET");
	assert_int_equal(recv(slow, head, 1, MSG_PEEK), 1); /* it is on its way */
	for (int i = 0; i < 100; i++)
		publish(h, ANSWER_OPENMETRICS, '#', 1000);
	assert_int_equal(finish(begin(h, GET), head, '#', &all), 1000);
	assert_int_equal(finish(slow, head, '@', &all), size);
	serve_http__free(h);
	close(idle);
}

struct publisher {
	struct serve_http *server;
	bool stop;
};

static void *publish_on(void *ctx)
{
	struct publisher *p = ctx;

	while (!__atomic_load_n(&p->stop, __ATOMIC_RELAXED))
		publish(p->server, ANSWER_OPENMETRICS, '@', 3000);
	return NULL;
}

/* One thread publishes while clients read: each gets one text, whole. */
static void test_publish_while_read(void **state)
{
	struct publisher p = { .server = serve_on_any_port() };
	pthread_t thread;
	char head[512];
	size_t all;

	(void)state;
	publish(p.server, ANSWER_OPENMETRICS, '@', 3000);
	assert_int_equal(serve_http__start(p.server), 0);
	assert_int_equal(pthread_create(&thread, NULL, publish_on, &p), 0);
	for (int i = 0; i < 300; i++)
		assert_int_equal(finish(begin(p.server, GET), head, '@', &all), 3000);
	__atomic_store_n(&p.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	serve_http__free(p.server);
}

/* A port that is taken, and a certificate that is none: a line that says so. */
static void test_cannot_listen(void **state)
{
	struct serve_http *h = serve_on_any_port(), *other;
	struct serve_config c;
	char error[SERVE_ERROR] = "";
	struct options o = { .listen = serve_http__url(h) + strlen("http://") };
	char listen[64];

	(void)state;
	snprintf(listen, sizeof(listen), "%.*s", (int)strcspn(o.listen, "/"), o.listen);
	o.listen = listen;
	assert_int_equal(serve_config__read(&o, &c, error), 0);
	assert_int_equal(serve_http__new(&c, &other, error), -EADDRINUSE);
	assert_non_null(strstr(error, strerror(EADDRINUSE)));
	serve_config__done(&c);
	o.listen = "127.0.0.1:0";
	assert_int_equal(serve_config__read(&o, &c, error), 0);
	c.cert = xstrdup("no certificate");
	c.key = xstrdup("no key");
	assert_true(serve_http__new(&c, &other, error) < 0);
	assert_non_null(strstr(error, "--tls-cert"));
	serve_config__done(&c);
	serve_http__free(h);
	serve_http__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_notation),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_trim_token),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_publish),
		cmocka_unit_test(test_answers_on_their_way),
		cmocka_unit_test(test_publish_while_read),
		cmocka_unit_test(test_cannot_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
