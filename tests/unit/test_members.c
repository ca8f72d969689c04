// SPDX-License-Identifier: GPL-2.0-only
/*
 * dwarf_members.c and dwarf_variables.c: what stands in static variables of this program itself, of
 * small programs in every dialect that the compilers here write, and of the same files damaged.
 */
#include "proc_tree.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>

#include "../../user/dwarf_source.h"
#include "../../user/names.h"

struct members_pool {
	char name[24];
	pthread_mutex_t lock;
};

union members_either {
	int word;
	struct members_pool wide;
};

struct members_row {
	uint64_t hits;
	struct members_pool pool;
	pthread_cond_t more;
};

/* All that names can be made of; what is looked for in it is in the table below. */
struct {
	pthread_mutex_t first;
	uint64_t count;
	const volatile struct members_pool pool;
	struct {
		sem_t inside; /* a member of a member without a name */
		struct members_pool *pointer;
	};
	struct members_row rows[3];
	pthread_rwlock_t grid[2][3];
	union members_either either;
	char bytes[64];
	pthread_cond_t last;
} members_server;

pthread_mutex_t members_plain;
pthread_mutex_t members_array[4];
struct members_row members_rows[2];

static const struct {
	const void *address;
	const char *name;
} rows[] = {
	{ &members_server.first, "members_server.first" },
	{ &members_server.count, "members_server.count" },
	{ (const char *)&members_server.count + 4, "members_server.count+0x4" },
	{ (const void *)&members_server.pool.lock, "members_server.pool.lock" },
	{ &members_server.inside, "members_server.inside" },
	{ &members_server.pointer, "members_server.pointer" },
	{ &members_server.rows[2].pool.lock, "members_server.rows[2].pool.lock" },
	{ &members_server.rows[0].more, "members_server.rows[0].more" },
	{ &members_server.grid[0][0], "members_server.grid[0][0]" },
	{ &members_server.grid[1][2], "members_server.grid[1][2]" },
	{ &members_server.either.word, "members_server.either.word" },
	{ &members_server.either.wide.lock, "members_server.either.wide.lock" },
	{ &members_server.bytes[0], "members_server.bytes" },
	{ &members_server.bytes[16], "members_server.bytes+0x10" },
	{ (const char *)&members_server.last + 8, "members_server.last+0x8" },
	{ &members_plain, "members_plain" },
	{ (const char *)&members_plain + 4, "members_plain+0x4" },
	{ &members_array[0], "members_array[0]" },
	{ &members_array[3], "members_array[3]" },
	{ &members_rows[1].pool.lock, "members_rows[1].pool.lock" },
};

/* Structures, arrays, unions and locks, named down to the lock and no further. */
static void test_own(void **state)
{
	struct proc *proc = proc__new("/proc");
	struct names *names = names__new(proc, false);
	struct maps *maps;

	(void)state;
	assert_int_equal(proc__maps(proc, getpid(), &maps), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct static_name name =
			names__data(names, getpid(), maps, (uintptr_t)rows[i].address);

		assert_non_null(name.name);
		assert_string_equal(name.name, rows[i].name);
		assert_string_equal(name.from, "symbol");
	}
	maps__free(maps);
	names__free(names);
	proc__free(proc);
}

/* The offsets are those of every compiler here: long has 8 bytes. */
static const char program_c[] =
	"typedef struct { long state; } lock_t;\n"
	"typedef struct { long count; lock_t lock; } pool_t;\n"
	"extern struct server server;\n"
	"struct server { lock_t first; pool_t pools[3]; union { long word; lock_t other; } u; };\n"
	"struct server server = { { 1 } };\n"
	"static volatile struct server hidden = { { 2 } };\n"
	"int main(void) { return server.u.word + hidden.u.word; }\n";

static const char program_cc[] =
	"namespace base { class mutex { public: long state; }; struct empty {};\n"
	"struct counted { long count; mutex lock; }; }\n"
	"namespace place {\n"
	"struct pool : base::empty, base::counted { long more; };\n"
	"struct server { base::mutex first; pool pools[3]; long word; static pool common; };\n"
	"pool server::common; server instance; static volatile server hidden;\n"
	"}\n"
	"int main() { return place::instance.word + place::hidden.word +\n"
	"	place::server::common.more; }\n";

#define DIRECTORY "7/root/usr/bin"

struct expected {
	const char *symbol;
	uint64_t offset;
	const char *path; /* NULL: nothing is known */
};

static const struct expected expected_c[] = {
	{ "server", 0, ".first" },
	{ "server", 16, ".pools[0].lock" },
	{ "server", 48, ".pools[2].lock" },
	{ "server", 56, ".u.word" },
	{ "server", 60, ".u.word+0x4" },
	{ "server", 64, NULL },
	{ "server", UINT64_MAX, NULL },
	{ "hidden", 32, ".pools[1].lock" },
	{},
};

static const struct expected expected_cc[] = {
	{ "_ZN5place8instanceE", 0, ".first" },
	{ "_ZN5place8instanceE", 16, ".pools[0].lock" },
	{ "_ZN5place8instanceE", 40, ".pools[1].lock" },
	{ "_ZN5place8instanceE", 80, ".word" },
	{ "_ZN5place6server6commonE", 8, ".lock" },
	{ "_ZN5place6server6commonE", 16, ".more" },
	{},
};

/* The value of a symbol, by nm. */
static uint64_t address_of(struct fixture *f, const char *symbol)
{
	_cleanup_(util__freep) char *command =
		xasprintf("nm '%s/" DIRECTORY "/program' | grep ' %s$'", f->root, symbol);
	FILE *pipe = popen(command, "r");
	unsigned long address = 0;

	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%lx", &address), 1);
	pclose(pipe);
	return address;
}

static bool compile(struct fixture *f, const char *compiler, const char *name)
{
	_cleanup_(util__freep) char *command =
		xasprintf("cd '%s/" DIRECTORY "' && %s in.%s -o program 2>/dev/null", f->root,
			  compiler, name);

	put(f, DIRECTORY "/in.c", program_c);
	put(f, DIRECTORY "/in.cc", program_cc);
	return system(command) == 0;
}

static int open_program(struct fixture *f)
{
	_cleanup_(util__freep) char *path = xasprintf("%s/" DIRECTORY "/program", f->root);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void expect_all(struct fixture *f, const struct expected *rows)
{
	int fd = open_program(f);
	struct dwarf_source *s = dwarf_source__new(fd, UINT64_MAX);

	assert_non_null(s);
	for (const struct expected *e = rows; e->symbol; e++) {
		_cleanup_(util__freep) char *path = dwarf_source__member(
			s, fd, UINT64_MAX, address_of(f, e->symbol), e->offset);

		if (!e->path) {
			assert_null(path);
			continue;
		}
		assert_non_null(path);
		assert_string_equal(path, e->path);
	}
	/* Where no variable begins, and when there is no time. */
	assert_null(dwarf_source__member(s, fd, UINT64_MAX, address_of(f, rows[0].symbol) + 1, 0));
	assert_null(dwarf_source__member(s, fd, 1, address_of(f, rows[0].symbol), 0));
	dwarf_source__free(s);
	close(fd);
}

static const struct {
	const char *compiler, *name;
} dialects[] = {
	{ "gcc -g -gdwarf-5", "c" },
	{ "gcc -g -gdwarf-4", "c" },
	{ "gcc -gdwarf-2 -gstrict-dwarf", "c" },
	{ "gcc -gdwarf-3 -gstrict-dwarf", "c" },
	{ "gcc -gdwarf-5 -gdwarf64", "c" },
	{ "gcc -g -gz", "c" },
	{ "clang -gdwarf-5", "c" },
	{ "clang -gdwarf-4", "c" },
	{ "g++ -gdwarf-5", "cc" },
	{ "g++ -gdwarf-4", "cc" },
	{ "clang++ -gdwarf-5", "cc" },
	{ "clang++ -gdwarf-4", "cc" },
};

/* The same answers from every way to write them down; nothing, without DWARF. */
static void test_dialects(void **state)
{
	struct fixture *f = *state;
	size_t compiled = 0;

	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
		if (!compile(f, dialects[i].compiler, dialects[i].name))
			continue;
		compiled++;
		expect_all(f, !strcmp(dialects[i].name, "c") ? expected_c : expected_cc);
	}
	assert_true(compiled > 0);
}

/* Damaged files: any answer or none, in time, and no wrong access. */
static void test_damaged(void **state)
{
	struct fixture *f = *state;
	unsigned int seed = 7;
	char good[65536];
	ssize_t size;
	uint64_t at;
	int fd;

	assert_true(compile(f, "gcc -g", "c"));
	at = address_of(f, "server");
	fd = open_program(f);
	size = pread(fd, good, sizeof(good), 0);
	assert_true(size > 0 && size < (ssize_t)sizeof(good));
	for (int round = 0; round < 2000; round++) {
		struct dwarf_source *s;

		assert_int_equal(pwrite(fd, good, size, 0), size);
		for (int i = 0; i < 8; i++) {
			uint8_t byte = rand_r(&seed);

			/* The sections with DWARF lie behind the code and data. */
			assert_int_equal(
				pwrite(fd, &byte, 1, size / 2 + rand_r(&seed) % (size / 2)), 1);
		}
		s = dwarf_source__new(fd, util__monotonic_ns() + NSEC_PER_SEC);
		for (uint64_t offset = 0; s && offset < 64; offset += 12)
			free(dwarf_source__member(s, fd, util__monotonic_ns() + NSEC_PER_SEC, at,
						  offset));
		dwarf_source__free(s);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test_setup_teardown(test_dialects, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
