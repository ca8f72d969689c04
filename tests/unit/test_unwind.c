// SPDX-License-Identifier: GPL-2.0-only
/*
 * unwind.c and frames.c over real stacks: threads of this program that sleep in a
 * futex, as locktop's samples do. Their registers come from a signal's context, their stack from
 * a copy.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../user/frames.h"
#include "../../user/unwind.h"
#include "../../user/util.h"

#define STACK_BYTES 16384

static struct fixture {
	struct proc *proc;
	struct symbols *symbols;
	struct maps *maps;
	/* of the sleeping thread */
	struct user_regs regs;
	uint8_t stack[STACK_BYTES];
	size_t stack_len;
	struct unwind_stack result;
} fx;

static uint32_t futex_word;
static volatile int asleep, captured;
static struct user_regs captured_regs;

static void __attribute__((noinline)) block_here(void)
{
	asleep = 1;
	while (__atomic_load_n(&futex_word, __ATOMIC_ACQUIRE) == 0)
		syscall(SYS_futex, &futex_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	__asm__ volatile("" ::: "memory"); /* no tail calls: every frame stays */
}

static void __attribute__((noinline)) descend(int levels)
{
	if (levels > 0)
		descend(levels - 1);
	else
		block_here();
	__asm__ volatile("" ::: "memory");
}

static void *thread_plain(void *arg)
{
	descend(5);
	return arg;
}

static int compare_and_block(const void *a, const void *b)
{
	block_here();
	return *(const int *)a - *(const int *)b;
}

static void *thread_qsort(void *arg)
{
	/* A sanitizer puts a qsort of its own before the C library's. */
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), *address = dlsym(libc, "qsort");
	void (*sort)(void *, size_t, size_t, int (*)(const void *, const void *));
	int numbers[] = { 2, 1 };

	memcpy(&sort, &address, sizeof(sort));
	sort(numbers, 2, sizeof(numbers[0]), compare_and_block);
	dlclose(libc);
	__asm__ volatile("" ::: "memory");
	return arg;
}

static void block_in_handler(int sig)
{
	(void)sig;
	block_here();
	__asm__ volatile("" ::: "memory");
}

static void __attribute__((noinline)) raise_signal(void)
{
	raise(SIGUSR2);
	__asm__ volatile("" ::: "memory");
}

static void *thread_handler(void *arg)
{
	raise_signal();
	__asm__ volatile("" ::: "memory");
	return arg;
}

static void *thread_other_stack(void *arg)
{
	stack_t stack = { .ss_sp = xcalloc(1, 65536), .ss_size = 65536 }, old;

	sigaltstack(&stack, &old);
	raise_signal();
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&old, NULL);
	free(stack.ss_sp);
	return arg;
}

/* push rbp; mov rbp, rsp; call rdi; pop rbp; ret: what a compiler that writes to memory makes. */
static const uint8_t jit_code[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3 };
static void *jit_page;

static void *thread_jit(void *arg)
{
	void (*call)(void (*)(void));

	memcpy(&call, &jit_page, sizeof(call));
	call(block_here);
	__asm__ volatile("" ::: "memory");
	return arg;
}

static void capture(int sig, siginfo_t *info, void *context)
{
	/* DWARF's order. */
	static const int order[REGS_MAX] = {
		REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
		REG_R9,	 REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
	};
	const ucontext_t *uc = context;

	(void)sig;
	(void)info;
	for (int i = 0; i < REGS_MAX; i++)
		captured_regs.r[i] = uc->uc_mcontext.gregs[order[i]];
	captured = 1;
}

static bool sleeping(pid_t tid)
{
	_cleanup_(util__freep) char *path = xasprintf("/proc/self/task/%d/syscall", tid);
	char buf[256];

	return util__read_file(path, buf, sizeof(buf)) > 0 && atoi(buf) == SYS_futex;
}

static pid_t thread_id;
static void *(*thread_main)(void *);

static void *run_thread(void *arg)
{
	thread_id = gettid();
	arg = thread_main(arg);
	__asm__ volatile("" ::: "memory");
	return arg;
}

/* Runs main_of_thread until it sleeps, unwinds it there, and lets it end. */
static void unwind_sleeper(void *(*main_of_thread)(void *))
{
	pthread_t thread;
	ssize_t n;

	asleep = captured = 0;
	futex_word = 0;
	thread_main = main_of_thread;
	assert_int_equal(pthread_create(&thread, NULL, run_thread, NULL), 0);
	for (int i = 0; i < 5000 && !(asleep && sleeping(thread_id)); i++)
		usleep(1000);
	assert_int_equal(pthread_kill(thread, SIGUSR1), 0);
	for (int i = 0; i < 5000 && !(captured && sleeping(thread_id)); i++)
		usleep(1000);
	assert_true(captured);
	fx.regs = captured_regs;
	memset(fx.stack, 0, sizeof(fx.stack));
	n = proc__read_memory(getpid(), fx.regs.r[7], fx.stack, sizeof(fx.stack));
	assert_true(n > 0);
	fx.stack_len = n;
	maps__free(fx.maps);
	assert_int_equal(proc__maps(fx.proc, getpid(), &fx.maps), 0);
	unwind__stack(fx.symbols, getpid(), fx.maps, &fx.regs, fx.stack, fx.stack_len, &fx.result);
	__atomic_store_n(&futex_word, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &futex_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static const char *name_of(const struct unwind_frame *f)
{
	const struct symbol *s = f->file ? elf_file__symbol(f->file, f->vaddr, false) : NULL;

	return s ? s->name : "?";
}

/* The place of a function in the result, from frame `from` on; fails the test if it is not there.
 */
static int frame_of(const char *name, int from)
{
	for (int i = from; i < fx.result.n; i++) {
		if (strcmp(name_of(&fx.result.frames[i]), name) == 0)
			return i;
	}
	for (int i = 0; i < fx.result.n; i++) {
		const struct unwind_frame *f = &fx.result.frames[i];

		print_message("%2d %lx %s %s\n", i, f->pc, name_of(f),
			      f->mapping ? f->mapping->path : "-");
	}
	fail_msg("no frame of %s", name);
	return -1;
}

/* Every frame from the futex call to the thread's first function, each exactly once. */
static void test_plain(void **state)
{
	int i;

	(void)state;
	unwind_sleeper(thread_plain);
	i = frame_of("block_here", 0);
	for (int level = 0; level < 6; level++)
		assert_string_equal(name_of(&fx.result.frames[++i]), "descend");
	assert_string_equal(name_of(&fx.result.frames[++i]), "thread_plain");
	assert_string_equal(name_of(&fx.result.frames[++i]), "run_thread");
	assert_false(fx.result.truncated);
	assert_true(fx.result.n > i + 1); /* the C library's start of a thread */
	assert_int_equal(fx.result.frames[0].lookup, fx.result.frames[0].pc);
	assert_int_equal(fx.result.frames[1].lookup, fx.result.frames[1].pc - 1);
}

/* Through a library without frame pointers. */
static void test_library(void **state)
{
	int compare, caller;

	(void)state;
	unwind_sleeper(thread_qsort);
	compare = frame_of("compare_and_block", 0);
	caller = frame_of("thread_qsort", compare);
	assert_true(caller > compare + 1);
	assert_non_null(strstr(fx.result.frames[caller - 1].mapping->path, "/libc"));
	assert_non_null(strstr(name_of(&fx.result.frames[caller - 1]), "qsort"));
	assert_false(fx.result.truncated);
}

/* Through a signal handler into what it interrupted, whose pc is no return address. */
static void test_signal(void **state)
{
	struct sigaction action = { .sa_handler = block_in_handler };
	int handler, raiser;
	struct unwind_frame *f;

	(void)state;
	sigaction(SIGUSR2, &action, NULL);
	unwind_sleeper(thread_handler);
	handler = frame_of("block_in_handler", 0);
	f = &fx.result.frames[handler];
	raiser = frame_of("raise_signal", handler);
	frame_of("thread_handler", raiser);
	assert_int_equal(f[1].lookup, f[1].pc);	    /* the trampoline */
	assert_int_equal(f[2].lookup, f[2].pc);	    /* interrupted */
	assert_int_equal(f[3].lookup, f[3].pc - 1); /* called */
	assert_false(fx.result.truncated);
}

/* A handler on a stack of its own: the other stack was not copied. */
static void test_other_stack(void **state)
{
	struct sigaction action = { .sa_handler = block_in_handler, .sa_flags = SA_ONSTACK };

	(void)state;
	sigaction(SIGUSR2, &action, NULL);
	unwind_sleeper(thread_other_stack);
	frame_of("block_in_handler", 0);
	assert_true(fx.result.truncated);
}

/* Code in anonymous memory has no tables, but it kept the frame pointer. */
static void test_jit(void **state)
{
	int jit;

	(void)state;
	jit_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(jit_page != MAP_FAILED);
	memcpy(jit_page, jit_code, sizeof(jit_code));
	assert_int_equal(mprotect(jit_page, 4096, PROT_READ | PROT_EXEC), 0);
	unwind_sleeper(thread_jit);
	jit = frame_of("block_here", 0) + 1;
	assert_int_equal(fx.result.frames[jit].pc, (uintptr_t)jit_page + 6);
	assert_null(fx.result.frames[jit].file);
	assert_string_equal(name_of(&fx.result.frames[jit + 1]), "thread_jit");
	assert_false(fx.result.truncated);
	munmap(jit_page, 4096);
}

/* Any cut of the copy gives a true beginning of the whole, and says that it is one. */
static void test_cut(void **state)
{
	struct unwind_stack whole, *cut = &fx.result;

	(void)state;
	unwind_sleeper(thread_plain);
	whole = fx.result;
	for (size_t len = 0; len <= fx.stack_len; len += 8) {
		unwind__stack(fx.symbols, getpid(), fx.maps, &fx.regs, fx.stack, len, cut);
		assert_in_range(cut->n, 1, whole.n);
		for (int i = 0; i < cut->n; i++)
			assert_int_equal(cut->frames[i].pc, whole.frames[i].pc);
		if (cut->n < whole.n)
			assert_true(cut->truncated);
		if (!cut->truncated)
			break;
	}
	assert_int_equal(cut->n, whole.n);
	unwind__stack(fx.symbols, getpid(), fx.maps, &fx.regs, NULL, 0, cut);
	assert_true(cut->truncated);
}

static uint64_t random_bits(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/*
 * Random stacks and registers, half of their words made to look like addresses of code or of the
 * stack itself: the walk ends, inside its bounds. A fixed seed, so that a failure comes again.
 */
static void test_garbage(void **state)
{
	uint64_t seed = 0x6c6f636b746f70, words[256];

	(void)state;
	unwind_sleeper(thread_plain);
	for (int round = 0; round < 20000; round++) {
		struct user_regs regs;

		for (int i = 0; i < REGS_MAX; i++)
			regs.r[i] = random_bits(&seed);
		if (round % 4)
			regs.r[7] = fx.regs.r[7];
		else if (round % 8 == 0)
			regs.r[7] = UINT64_MAX - (random_bits(&seed) & 0xfff);
		for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
			const struct mapping *m = &fx.maps->items[random_bits(&seed) % fx.maps->n];

			words[i] = random_bits(&seed);
			if (words[i] & 1)
				words[i] = m->start + words[i] % (m->end - m->start);
			else if (words[i] & 2)
				words[i] = regs.r[7] + (words[i] & 0xff8);
		}
		if (round % 3)
			regs.r[16] = words[0];
		if (round % 5)
			regs.r[6] = regs.r[7] + (words[1] & 0x7f8);
		unwind__stack(fx.symbols, getpid(), fx.maps, &regs, words, sizeof(words),
			      &fx.result);
		assert_in_range(fx.result.n, 1, UNWIND_FRAMES_MAX);
	}
}

/* A recursion deeper than there is room for ends at the bound and says so. */
static void test_deep(void **state)
{
	struct unwind_stack *r = &fx.result;
	uint64_t fp[2 * 200], base = 0x7000000000;
	struct mapping code = { .start = 0x1000, .end = 0x2000, .exec = true, .path = "" };
	struct maps maps = { .items = &code, .n = 1 };
	struct user_regs regs = { 0 };

	(void)state;
	for (int i = 0; i < 200; i++) {
		fp[2 * i] = base + 16 * (i + 1);
		fp[2 * i + 1] = 0x1500 + i;
	}
	regs.r[7] = regs.r[6] = base;
	regs.r[16] = 0x1400;
	unwind__stack(fx.symbols, getpid(), &maps, &regs, fp, sizeof(fp), r);
	assert_int_equal(r->n, UNWIND_FRAMES_MAX);
	assert_true(r->truncated);
	assert_int_equal(r->frames[127].pc, 0x1500 + 126);
	/* A chain that points back to itself, or down, ends there. */
	fp[2 * 10] = base + 16 * 10;
	unwind__stack(fx.symbols, getpid(), &maps, &regs, fp, sizeof(fp), r);
	assert_int_equal(r->n, 12);
	assert_true(r->truncated);
	/* A return address of 0 is the end that a thread's first frame has. */
	fp[2 * 5 + 1] = 0;
	unwind__stack(fx.symbols, getpid(), &maps, &regs, fp, sizeof(fp), r);
	assert_int_equal(r->n, 6);
	assert_false(r->truncated);
}

/* The vDSO's tables and names, without a file. */
static void test_vdso(void **state)
{
	const struct mapping *m = NULL;
	const struct symbol *s = NULL;
	struct elf_file *f;

	(void)state;
	for (size_t i = 0; i < fx.maps->n; i++) {
		if (strcmp(fx.maps->items[i].path, "[vdso]") == 0)
			m = &fx.maps->items[i];
	}
	assert_non_null(m);
	f = symbols__file(fx.symbols, getpid(), m);
	assert_non_null(f);
	assert_ptr_equal(symbols__file(fx.symbols, getpid(), m), f);
	for (uint64_t a = m->start; a < m->end; a += 16) {
		uint64_t vaddr;

		if (!elf_file__vaddr(f, m, a, &vaddr))
			continue;
		s = elf_file__symbol(f, vaddr, false);
		if (s && strcmp(s->name, "clock_gettime") == 0)
			break;
	}
	assert_non_null(s);
	assert_string_equal(s->name, "clock_gettime");
	assert_non_null(frames__at(symbols__frames(fx.symbols), f, s->address)->frame);
}

/* How long an unwind takes whose frames were all seen before. Printed, and bounded widely. */
static void test_warm(void **state)
{
	enum { ROUNDS = 20000 };
	uint64_t begin;

	(void)state;
	unwind_sleeper(thread_plain);
	begin = util__monotonic_ns();
	for (int i = 0; i < ROUNDS; i++)
		unwind__stack(fx.symbols, getpid(), fx.maps, &fx.regs, fx.stack, fx.stack_len,
			      &fx.result);
	begin = (util__monotonic_ns() - begin) / ROUNDS;
	print_message("warm unwind of %d frames: %lu ns\n", fx.result.n, begin);
	assert_true(begin < 200000);
}

static int setup(void **state)
{
	struct sigaction action = { .sa_sigaction = capture, .sa_flags = SA_SIGINFO | SA_RESTART };

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	fx.proc = proc__new("/proc");
	fx.symbols = symbols__new(fx.proc);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	maps__free(fx.maps);
	symbols__free(fx.symbols);
	proc__free(fx.proc);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	cmocka_unit_test(test_library),
		cmocka_unit_test(test_signal),	cmocka_unit_test(test_other_stack),
		cmocka_unit_test(test_jit),	cmocka_unit_test(test_cut),
		cmocka_unit_test(test_garbage), cmocka_unit_test(test_deep),
		cmocka_unit_test(test_vdso),	cmocka_unit_test(test_warm),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
