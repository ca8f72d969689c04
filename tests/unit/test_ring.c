// SPDX-License-Identifier: GPL-2.0-only
/* A ring buffer's records, in memory laid out as the kernel does it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../user/ring.h"

#define SIZE 4096

struct memory {
	int fd;
	size_t page;
	uint8_t *all; /* the consumer's page, the producer's, the data */
	struct ring *ring;
	char seen[256]; /* what was handed over, each with a blank behind it */
};

static unsigned long *consumer(struct memory *m)
{
	return (unsigned long *)m->all;
}

static unsigned long *producer(struct memory *m)
{
	return (unsigned long *)(m->all + m->page);
}

static void begin(struct memory *m, unsigned long at)
{
	*m = (struct memory){ .fd = memfd_create("ring", 0), .page = sysconf(_SC_PAGESIZE) };
	assert_int_equal(ftruncate(m->fd, 2 * m->page + SIZE), 0);
	m->all = mmap(NULL, 2 * m->page + SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	assert_true(m->all != MAP_FAILED);
	*consumer(m) = *producer(m) = at;
	assert_int_equal(ring__new(m->fd, SIZE, &m->ring), 0);
}

static void end(struct memory *m)
{
	ring__free(m->ring);
	munmap(m->all, 2 * m->page + SIZE);
	close(m->fd);
}

static void put(struct memory *m, const char *text, uint32_t flags)
{
	uint8_t *data = m->all + 2 * m->page;
	unsigned long at = *producer(m);
	size_t len = strlen(text);
	uint32_t header = len | flags;

	memcpy(data + at % SIZE, &header, sizeof(header));
	for (size_t i = 0; i < len; i++)
		data[(at + BPF_RINGBUF_HDR_SZ + i) % SIZE] = text[i];
	*producer(m) = at + (BPF_RINGBUF_HDR_SZ + len + 7) / 8 * 8;
}

static void note(void *ctx, const void *data, size_t size)
{
	struct memory *m = ctx;

	strncat(m->seen, data, size);
	strcat(m->seen, " ");
}

static const char *consume(struct memory *m)
{
	m->seen[0] = 0;
	ring__consume(m->ring, note, m);
	return m->seen;
}

/* All of them in order, each once; those that were given up are passed over. */
static void test_order(void **state)
{
	struct memory m;

	begin(&m, 0);
	assert_string_equal(consume(&m), "");
	put(&m, "one", 0);
	put(&m, "dropped", BPF_RINGBUF_DISCARD_BIT);
	put(&m, "a longer one", 0);
	assert_string_equal(consume(&m), "one a longer one ");
	assert_int_equal(*consumer(&m), *producer(&m));
	assert_string_equal(consume(&m), "");
	end(&m);
}

/* One that is still being written holds up those behind it. */
static void test_busy(void **state)
{
	struct memory m;
	unsigned long at;

	begin(&m, 0);
	put(&m, "one", 0);
	at = *producer(&m);
	put(&m, "two", BPF_RINGBUF_BUSY_BIT);
	put(&m, "three", 0);
	assert_string_equal(consume(&m), "one ");
	*(uint32_t *)(m.all + 2 * m.page + at) = 3;
	assert_string_equal(consume(&m), "two three ");
	end(&m);
}

/* At the end of the data a record goes on at its start, wherever it is cut; also far into time. */
static void test_joined(void **state)
{
	struct memory m;

	for (unsigned long left = 8; left <= 40; left += 8) {
		begin(&m, 1000000UL * SIZE - left);
		put(&m, "0123456789abcdefghij", 0);
		put(&m, "next", 0);
		assert_string_equal(consume(&m), "0123456789abcdefghij next ");
		end(&m);
	}
}

/* A length that cannot be leads nowhere. */
static void test_damaged(void **state)
{
	struct memory m;

	begin(&m, 0);
	put(&m, "one", 0);
	*(uint32_t *)(m.all + 2 * m.page) = SIZE + 1;
	assert_string_equal(consume(&m), "");
	assert_int_equal(*consumer(&m), 0);
	end(&m);
}

/* What cannot be mapped is an error. */
static void test_no_map(void **state)
{
	struct ring *r;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_true(ring__new(fds[0], SIZE, &r) < 0);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),  cmocka_unit_test(test_busy),
		cmocka_unit_test(test_joined), cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_no_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
