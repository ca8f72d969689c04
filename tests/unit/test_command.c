// SPDX-License-Identifier: GPL-2.0-only
/* Programs started to be observed: held, let go, their end passed on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../user/command.h"
#include "../../user/util.h"

#define PATIENCE (5 * NSEC_PER_SEC)

/* Waits for the end, but not for ever. */
static bool wait_end(struct command_run *c)
{
	uint64_t deadline = util__monotonic_ns() + PATIENCE;

	while (!command__ended(c)) {
		struct pollfd end = { .fd = c->pidfd, .events = POLLIN };

		if (util__monotonic_ns() > deadline)
			return false;
		poll(&end, 1, 10);
	}
	return true;
}

static struct command_run start(const char *script)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	struct command_run c;

	assert_int_equal(command__start(&c, argv, NULL), 0);
	assert_true(c.pid > 0);
	return c;
}

/* Its exit status and its death by a signal come out as a shell would give them. */
static void test_status(void **state)
{
	static const struct {
		const char *script;
		int status;
	} cases[] = {
		{ "exit 0", 0 },     { "exit 1", 1 },	       { "exit 42", 42 },
		{ "exit 255", 255 }, { "kill -TERM $$", 143 }, { "kill -KILL $$", 137 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct command_run c = start(cases[i].script);

		assert_int_equal(command__go(&c), 0);
		assert_true(wait_end(&c));
		assert_int_equal(c.status, cases[i].status);
		assert_true(command__ended(&c)); /* and stays so */
		assert_int_equal(c.status, cases[i].status);
		command__stop(&c);
	}
}

/* What cannot be executed is told by command__go, with the cause. */
static void test_cannot_execute(void **state)
{
	static const struct {
		const char *program;
		int err, status;
	} cases[] = {
		{ "/no/such/program", -ENOENT, 127 },
		{ "no-such-program-in-path", -ENOENT, 127 },
		{ "/etc/passwd", -EACCES, 126 },
		{ "/tmp", -EACCES, 126 },
		{ "", -ENOENT, 127 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *argv[] = { (char *)cases[i].program, NULL };
		struct command_run c;

		assert_int_equal(command__start(&c, argv, NULL), 0);
		assert_int_equal(command__go(&c), cases[i].err);
		assert_true(wait_end(&c));
		assert_int_equal(c.status, cases[i].status);
		command__stop(&c);
	}
}

/* Until it is let go it executes nothing. */
static void test_held(void **state)
{
	struct command_run c = start("exit 7");
	char comm[64], path[64];

	(void)state;
	usleep(50000);
	assert_false(command__ended(&c));
	snprintf(path, sizeof(path), "/proc/%d/comm", c.pid);
	assert_true(util__read_file(path, comm, sizeof(comm)) > 0);
	assert_string_not_equal(comm, "sh\n");
	assert_int_equal(command__go(&c), 0);
	assert_true(wait_end(&c));
	assert_int_equal(c.status, 7);
	command__stop(&c);
}

/* The pidfd is readable when it has ended: that is what loops sleep on. */
static void test_pidfd(void **state)
{
	struct command_run c = start("exit 0");
	struct pollfd end = { .fd = c.pidfd, .events = POLLIN };

	(void)state;
	assert_true(c.pidfd >= 0);
	assert_int_equal(poll(&end, 1, 0), 0);
	assert_int_equal(command__go(&c), 0);
	assert_int_equal(poll(&end, 1, PATIENCE / 1000000), 1);
	assert_true(command__ended(&c));
	command__stop(&c);
}

static bool is_gone(pid_t pid)
{
	return kill(pid, 0) && errno == ESRCH;
}

/* Stopped while held, while running, after its end: nothing and nobody is left behind. */
static void test_stop(void **state)
{
	struct command_run c = start("exit 0");
	pid_t pid = c.pid;
	int fds[] = { c.go_fd, c.fail_fd, c.pidfd };

	(void)state;
	command__stop(&c);
	assert_true(is_gone(pid));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), -1);
	assert_true(command__ended(&c));
	command__stop(&c);
	c = start("trap '' TERM INT HUP; while :; do sleep 0.05; done");
	pid = c.pid;
	assert_int_equal(command__go(&c), 0);
	assert_false(command__ended(&c));
	command__stop(&c);
	assert_true(is_gone(pid));
}

static int answer(void)
{
	return 33;
}

static int for_ever(void)
{
	for (;;)
		pause();
	return 0;
}

/* A function in place of a program, as the demo is. */
static void test_function(void **state)
{
	struct command_run c;
	pid_t pid;

	(void)state;
	assert_int_equal(command__start(&c, NULL, answer), 0);
	assert_int_equal(command__go(&c), 0);
	assert_true(wait_end(&c));
	assert_int_equal(c.status, 33);
	command__stop(&c);
	assert_int_equal(command__start(&c, NULL, for_ever), 0);
	pid = c.pid;
	assert_int_equal(command__go(&c), 0);
	assert_false(command__ended(&c));
	command__stop(&c);
	assert_true(is_gone(pid));
}

/* Starts a command in a child that ends at once, and says whether the command ran nevertheless. */
static bool runs_after_our_end(void)
{
	char path[] = "/tmp/locktop-command-XXXXXX", script[64];
	int status, fd = mkstemp(path);
	pid_t pid;

	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	snprintf(script, sizeof(script), "touch %s", path);
	pid = fork();
	if (pid == 0) {
		start(script);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	for (int i = 0; i < 30 && access(path, F_OK); i++)
		usleep(10000);
	return !unlink(path);
}

/* Nobody let it go: when the observer dies first, the command does not run unobserved. */
static void test_observer_dies(void **state)
{
	(void)state;
	assert_false(runs_after_our_end());
}

/* The end is seen also where the caller's caller ignores SIGCHLD, which the kernel hands down. */
static void test_ignored_sigchld(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct command_run c;

		signal(SIGCHLD, SIG_IGN);
		c = start("exit 5");
		if (command__go(&c))
			_exit(2);
		_exit(wait_end(&c) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),	      cmocka_unit_test(test_cannot_execute),
		cmocka_unit_test(test_held),	      cmocka_unit_test(test_pidfd),
		cmocka_unit_test(test_stop),	      cmocka_unit_test(test_function),
		cmocka_unit_test(test_observer_dies), cmocka_unit_test(test_ignored_sigchld),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
