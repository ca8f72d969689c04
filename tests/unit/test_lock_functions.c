// SPDX-License-Identifier: GPL-2.0-only
/* The probed functions in the C libraries of this machine, checked with its disassembler. */
#include <dlfcn.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../user/lock_functions.h"
#include "../../user/util.h"

#define MUSL	     "/usr/lib/x86_64-linux-musl/libc.so"
#define GLIBC_STATIC "build/workloads/primitives-static"
#define MUSL_STATIC  "build/workloads/primitives-musl-static"

struct places {
	struct lock_place *items;
	size_t n;
};

static struct places read_fd(int fd)
{
	struct places p = { 0 };
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	p.n = lock_functions__find(fd, elf, &p.items);
	elf_end(elf);
	return p;
}

static struct places read_file(const char *path)
{
	_cleanup_(util__closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return read_fd(fd);
}

/* That of this process, whatever the sanitizer puts in front of it. */
static const char *glibc(void)
{
	Dl_info info;

	assert_int_not_equal(dladdr((void *)gnu_get_libc_version, &info), 0);
	return info.dli_fname;
}

static void need(const char *path)
{
	if (access(path, R_OK))
		skip();
}

/* The k-th place of this name, or NULL. */
static const struct lock_place *named(const struct places *p, const char *name, size_t k)
{
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->items[i].function->name, name) == 0 && k-- == 0)
			return &p->items[i];
	}
	return NULL;
}

/* Aliases and versions are the same function; what only begins or ends like one is none. */
static void test_names(void **state)
{
	static const char *const others[] = {
		"",
		"_",
		"pthread_",
		"pthread_mutex",
		"pthread_mutex_lock2",
		"pthread_mutex_loc",
		"pthread_mutex_lock_",
		"my_sem_wait",
		"sem_",
		"@",
		"pthread_mutex_cond_lock",
	};
	const struct lock_function *lock = lock_functions__named("pthread_mutex_lock");

	assert_int_equal(lock->op, OP_MUTEX_LOCK);
	assert_ptr_equal(lock_functions__named("__pthread_mutex_lock"), lock);
	assert_ptr_equal(lock_functions__named("___pthread_mutex_lock"), lock);
	assert_ptr_equal(lock_functions__named("pthread_mutex_lock@@GLIBC_2.2.5"), lock);
	assert_int_equal(lock_functions__named("pthread_cond_wait")->args, 2);
	assert_int_equal(lock_functions__named("mtx_timedlock")->op, OP_MUTEX_TIMEDLOCK);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_null(lock_functions__named(others[i]));
}

/* glibc has all operations, two versions of condition variables, and C11 over the others. */
static void test_glibc(void **state)
{
	struct places p = read_file(glibc());
	uint32_t ops = 0;

	for (size_t i = 0; i < p.n; i++) {
		const struct lock_place *place = &p.items[i];

		print_message("%-28s +%-3u %s%s%s\n", place->function->name, place->entry.offset,
			      place->entry.emulated ? "emulated" : "single-stepped",
			      place->entry.tried ? ", behind the try" : "",
			      place->entry.again ? ", again" : "");
		ops |= 1u << place->function->op;
		assert_false(place->musl);
		assert_false(place->entry.refused);
		assert_true(i == 0 || place[-1].address < place->address);
		assert_memory_not_equal(place->function->name, "mtx_", 4);
	}
	assert_int_equal(ops, (1u << EXACT_OPS) - 1);
	assert_non_null(named(&p, "pthread_cond_wait", 1));
	assert_null(named(&p, "pthread_mutex_lock", 1));
	/* Measured: without it, a lock + unlock pair costs ten times as much. */
	assert_true(named(&p, "pthread_mutex_lock", 0)->entry.emulated);
	assert_true(named(&p, "pthread_mutex_unlock", 0)->entry.emulated);
	assert_true(named(&p, "pthread_spin_lock", 0)->entry.tried);
	free(p.items);
}

/* musl has functions that are nothing but another one, and some that use another one in part. */
static void test_musl(void **state)
{
	struct places p;

	need(MUSL);
	p = read_file(MUSL);
	assert_null(named(&p, "sem_wait", 0));
	assert_non_null(named(&p, "sem_timedwait", 0));
	assert_null(named(&p, "pthread_cond_wait", 0));
	assert_null(named(&p, "mtx_unlock", 0));
	assert_true(named(&p, "mtx_lock", 0)->musl);
	assert_true(named(&p, "pthread_mutex_lock", 0)->inner & 1u << OP_MUTEX_TIMEDLOCK);
	assert_true(named(&p, "pthread_mutex_lock", 0)->inner & 1u << OP_MUTEX_TRYLOCK);
	assert_true(named(&p, "pthread_mutex_lock", 0)->entry.emulated);
	assert_true(named(&p, "pthread_rwlock_timedrdlock", 0)->inner & 1u << OP_RWLOCK_TRYRDLOCK);
	free(p.items);
}

/* Static programs: by their full symbol table, at other offsets than addresses. */
static void check_static(const char *path, bool musl)
{
	const struct lock_place *lock;
	struct places p;

	need(path);
	p = read_file(path);
	lock = named(&p, "pthread_mutex_lock", 0);
	assert_non_null(lock);
	assert_true(lock->entry.emulated);
	assert_int_equal(lock->musl, musl);
	assert_int_equal(lock->address - lock->offset, 0x400000);
	free(p.items);
}

static void test_static_glibc(void **state)
{
	check_static(GLIBC_STATIC, false);
}

static void test_static_musl(void **state)
{
	check_static(MUSL_STATIC, true);
}

/* What uses the functions of others has none. */
static void test_none(void **state)
{
	struct places p = read_file("/proc/self/exe");

	assert_null(named(&p, "pthread_barrier_wait", 0));
	free(p.items);
}

struct line {
	uint64_t address;
	char mnemonic[16];
};

/* objdump's view of the code from the first place to the last. */
static size_t disassemble(const char *path, const struct places *p, struct line **ret)
{
	_cleanup_(util__freep) char *command = xasprintf(
		"objdump -d --no-show-raw-insn --start-address=0x%lx --stop-address=0x%lx '%s'",
		p->items[0].address, p->items[p->n - 1].address + 256, path);
	size_t n = 0, capacity = 0;
	struct line *lines = NULL;
	char text[512];
	FILE *pipe = popen(command, "r");

	assert_non_null(pipe);
	while (fgets(text, sizeof(text), pipe)) {
		struct line line;

		if (sscanf(text, " %lx: %15s", &line.address, line.mnemonic) != 2 || text[0] != ' ')
			continue;
		array__grow(lines, n, capacity);
		lines[n++] = line;
	}
	assert_int_equal(pclose(pipe), 0);
	*ret = lines;
	return n;
}

static const struct line *line_at(const struct line *lines, size_t n, uint64_t address)
{
	for (size_t i = 0; i < n; i++) {
		if (lines[i].address == address)
			return &lines[i];
	}
	return NULL;
}

static bool is_emulated(const char *mnemonic)
{
	return mnemonic[0] == 'j' || strcmp(mnemonic, "push") == 0 ||
	       strcmp(mnemonic, "nop") == 0 || strcmp(mnemonic, "call") == 0;
}

/* Each place is where an instruction begins, and one of those that are said to be emulated. */
static void check_disassembly(const char *path)
{
	struct places p = read_file(path);
	struct line *lines;
	size_t n;

	if (p.n == 0)
		fail_msg("nothing in %s", path);
	n = disassemble(path, &p, &lines);
	for (size_t i = 0; i < p.n; i++) {
		const struct lock_place *place = &p.items[i];
		const struct line *line = line_at(lines, n, place->address + place->entry.offset);

		if (!line)
			fail_msg("%s: no instruction at +%u of %s", path, place->entry.offset,
				 place->function->name);
		else if (is_emulated(line->mnemonic) != place->entry.emulated)
			fail_msg("%s: %s at +%u of %s", path, line->mnemonic, place->entry.offset,
				 place->function->name);
	}
	free(lines);
	free(p.items);
}

static void test_disassembly(void **state)
{
	static const char *const paths[] = { MUSL, GLIBC_STATIC, MUSL_STATIC };

	if (system("objdump --version >/dev/null 2>&1"))
		skip();
	check_disassembly(glibc());
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (access(paths[i], R_OK) == 0)
			check_disassembly(paths[i]);
	}
}

/* Cut off and with bytes changed, in its headers, tables and code: never a crash. */
static void test_damaged(void **state)
{
	_cleanup_(util__closep) int from = open(glibc(), O_RDONLY | O_CLOEXEC);
	off_t size = lseek(from, 0, SEEK_END);
	uint8_t *bytes = xcalloc(1, (size_t)size);
	unsigned int seed = 1;

	assert_int_equal(pread(from, bytes, (size_t)size, 0), size);
	for (int round = 0; round < 60; round++) {
		_cleanup_(util__closep) int fd = memfd_create("damaged", MFD_CLOEXEC);
		off_t cut = round % 3 ? size : (off_t)(rand_r(&seed) % size);
		struct places p;

		assert_int_equal(write(fd, bytes, (size_t)cut), cut);
		for (int i = 0; i < 200; i++) {
			off_t at = rand_r(&seed) % (i < 20 ? 1024 : i < 60 ? 1 << 17 : size);
			uint8_t byte = (uint8_t)rand_r(&seed);

			if (at >= 16 && at < cut) /* else it is no ELF file at once */
				assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		}
		/* The section headers stand at the end. */
		for (int i = 0; i < 20 && cut == size; i++) {
			uint8_t byte = (uint8_t)rand_r(&seed);

			assert_int_equal(pwrite(fd, &byte, 1, size - 1 - rand_r(&seed) % 4096), 1);
		}
		p = read_fd(fd);
		free(p.items);
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	    cmocka_unit_test(test_glibc),
		cmocka_unit_test(test_musl),	    cmocka_unit_test(test_static_glibc),
		cmocka_unit_test(test_static_musl), cmocka_unit_test(test_none),
		cmocka_unit_test(test_disassembly), cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
