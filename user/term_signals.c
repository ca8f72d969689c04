// SPDX-License-Identifier: GPL-2.0-only
#include "term_signals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "util.h"

#define RESET_BYTES 256

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static const int crashing[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP };
/* Only while waiting, so that no handler runs in the middle of a frame. */
static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT };

struct term_signals {
	struct sigaction old_ending[ARRAY_SIZE(ending)];
	sigset_t old_mask, wait_mask;
	stack_t old_stack;
	void *stack;
};

/* Handlers take no argument of ours: what they need stands here. */
static volatile sig_atomic_t ended, continued, armed;
static struct sigaction old_crashing[ARRAY_SIZE(crashing)];
static struct termios modes;
static bool modes_known;
static char reset[RESET_BYTES];
static size_t reset_len;

static void note_end(int signal)
{
	(void)signal;
	ended = 1;
}

static void note_continue(int signal)
{
	(void)signal;
	continued = 1;
}

/* Async-signal-safe: no curses. */
static void restore(void)
{
	size_t done = 0;

	if (!armed)
		return;
	armed = 0;
	while (done < reset_len) {
		ssize_t n = write(STDOUT_FILENO, reset + done, reset_len - done);

		if (n <= 0)
			break;
		done += n;
	}
	if (modes_known)
		tcsetattr(STDOUT_FILENO, TCSANOW, &modes);
}

static void crash(int signal, siginfo_t *info, void *context)
{
	(void)context;
	restore();
	for (size_t i = 0; i < ARRAY_SIZE(crashing); i++)
		sigaction(crashing[i], &old_crashing[i], NULL);
	/* A faulting instruction faults again on return, and the core shows the right place. */
	if (info->si_code <= 0 || signal == SIGTRAP || signal == SIGSYS)
		raise(signal);
}

static void take_ending(struct term_signals *s)
{
	struct sigaction note = { .sa_handler = note_end };

	for (size_t i = 0; i < ARRAY_SIZE(ending); i++) {
		sigaction(ending[i], NULL, &s->old_ending[i]);
		/* nohup and the like stay in force. */
		if (s->old_ending[i].sa_handler != SIG_IGN)
			sigaction(ending[i], &note, NULL);
	}
}

struct term_signals *term_signals__new(void)
{
	struct term_signals *s = xcalloc(1, sizeof(*s));
	struct sigaction note = { .sa_handler = note_continue };
	sigset_t block;

	ended = 0;
	reset_len = 0;
	modes_known = !tcgetattr(STDOUT_FILENO, &modes);
	take_ending(s);
	sigaction(SIGCONT, &note, NULL);
	sigemptyset(&block);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		sigaddset(&block, held[i]);
	sigprocmask(SIG_BLOCK, &block, &s->old_mask);
	s->wait_mask = s->old_mask;
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		sigdelset(&s->wait_mask, held[i]);
	return s;
}

void term_signals__free(struct term_signals *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaction(ending[i], &s->old_ending[i], NULL);
	signal(SIGCONT, SIG_DFL);
	sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
	free(s);
}

void term_signals__append(struct term_signals *s, const char *bytes, size_t n)
{
	(void)s;
	if (n > sizeof(reset) - reset_len)
		return;
	memcpy(reset + reset_len, bytes, n);
	reset_len += n;
}

/* A stack of its own, so that running out of stack is survived long enough too. */
void term_signals__arm(struct term_signals *s)
{
	static bool registered;
	struct sigaction action = { .sa_sigaction = crash, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t stack = { .ss_size = SIGSTKSZ };

	s->stack = xcalloc(1, stack.ss_size);
	stack.ss_sp = s->stack;
	sigaltstack(&stack, &s->old_stack);
	armed = 1;
	for (size_t i = 0; i < ARRAY_SIZE(crashing); i++)
		sigaction(crashing[i], &action, &old_crashing[i]);
	if (!registered)
		atexit(restore);
	registered = true;
}

void term_signals__disarm(struct term_signals *s)
{
	armed = 0;
	for (size_t i = 0; i < ARRAY_SIZE(crashing); i++)
		sigaction(crashing[i], &old_crashing[i], NULL);
	sigaltstack(&s->old_stack, NULL);
	free(s->stack);
	s->stack = NULL;
}

const sigset_t *term_signals__mask(const struct term_signals *s)
{
	return &s->wait_mask;
}

bool term_signals__ended(void)
{
	return ended;
}

bool term_signals__continued(void)
{
	bool result = continued;

	continued = 0;
	return result;
}
