// SPDX-License-Identifier: GPL-2.0-only
/* Recordings of a bounded size when an interval is much larger than those before it. */
#include "store_fixture.h"

#define LIMIT	   (1 << 20)
#define TEXT_BYTES 60000

/* Its locks have so many names of 60 kB that no other interval has. */
static struct snapshot *large(uint64_t number, size_t names)
{
	struct snapshot *s = fixture__new(number);

	for (size_t i = 0; i < names; i++) {
		_cleanup_(util__freep) char *name =
			xasprintf("%0*d", TEXT_BYTES, (int)(number + i));
		const char **where[] = { &s->locks[i / 2].name, &s->locks[i / 2].name_from };

		assert_in_range(i / 2, 0, s->n_locks - 1);
		*where[i % 2] = snapshot__string(s, name);
	}
	return s;
}

static void assert_bounded(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, 0, LIMIT);
}

/* A bounded file that rotates, its newest interval's number. */
static struct store *rotating(uint64_t last)
{
	const struct store_limits limits = { .bytes = LIMIT };
	struct store *s = create(&limits);

	for (uint64_t i = 1; i <= last; i++)
		append(s, large(1000 * i, i % 3));
	assert_bounded();
	return s;
}

/* It finds room at the cost of old ones, those after it too, and none is damaged. */
static void test_burst(void **state)
{
	struct store *s = rotating(100);
	size_t left;

	(void)state;
	append(s, large(200000, 12)); /* 720 kB */
	assert_bounded();
	for (uint64_t i = 0; i < 3; i++) {
		append(s, large(300000 + i, 1));
		assert_bounded();
	}
	append(s, large(400000, 12)); /* no room for both */
	store__close(s);
	assert_bounded();
	s = open_store();
	left = store__count(s);
	assert_in_range(left, 1, 4);
	for (size_t i = 0; i < left; i++) {
		struct snapshot *read = read_store(s, i);

		assert_int_equal(read->number, i == left - 1 ? 400000 : 300003 - left + 1 + i);
		if (i == left - 1)
			for (size_t j = 0; j < 6; j++)
				assert_int_equal(strlen(read->locks[j].name), TEXT_BYTES);
		snapshot__free(read);
	}
	store__close(s);
}

/* One that is larger than the file may become is refused; nothing that was there goes for it. */
static void test_too_large(void **state)
{
	struct snapshot *s = fixture__new(7), *read;
	struct store *store = rotating(50);
	char error[STORE_ERROR];
	size_t before;

	(void)state;
	for (size_t i = 0; i < s->n_threads; i++) {
		_cleanup_(util__freep) char *name = xasprintf("%0*d", TEXT_BYTES, (int)i);
		_cleanup_(util__freep) char *other = xasprintf("-%0*d", TEXT_BYTES, (int)i);

		s->threads[i].comm = snapshot__string(s, name);
		s->threads[i].process_comm = snapshot__string(s, other);
	}
	assert_in_range(s->n_threads * 2 * TEXT_BYTES, LIMIT, 100 * LIMIT);
	assert_int_equal(store__append(store, s, error), -EFBIG);
	assert_non_null(strstr(error, "--max-size"));
	snapshot__free(s);
	store__close(store);
	assert_bounded();
	store = open_store();
	before = store__count(store);
	assert_in_range(before, 2, 50);
	for (size_t i = 0; i < before; i++) {
		read = read_store(store, i);
		assert_int_equal(read->number, 1000 * (50 - before + 1 + i));
		snapshot__free(read);
	}
	store__close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_burst, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_large, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
