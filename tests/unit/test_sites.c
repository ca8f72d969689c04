// SPDX-License-Identifier: GPL-2.0-only
/* The distinct stacks of a key: entered once, cut ones replaced, the least important give way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../user/sites.h"
#include "../../user/util.h"

static const char module[] = "/usr/bin/server";

/* A sample of a stack of n frames that begins with the frames 100, 101, ...; hash names it. */
static struct sample_site sample(uint64_t hash, size_t n, bool truncated)
{
	struct sample_site s = { .role = ROLE_WAITER, .hash = hash, .truncated = truncated };

	s.frames = xcalloc(n, sizeof(*s.frames));
	s.n_frames = n;
	for (size_t i = 0; i < n; i++)
		s.frames[i] = (struct frame){ .module = module, .offset = 100 + i };
	s.has_place = true;
	s.place = (struct site_place){ .module = module, .address = hash };
	return s;
}

static struct sample_site *add(struct sites *s, uint64_t hash, size_t n, bool truncated)
{
	struct sample_site one = sample(hash, n, truncated);

	return sites__add(s, &one);
}

/* The same stack twice is one site with two samples; another role is another site. */
static void test_same(void **state)
{
	struct sites s = {};
	struct sample_site waker = sample(7, 3, false);

	add(&s, 7, 3, false);
	assert_int_equal(add(&s, 7, 3, false)->samples, 2);
	waker.role = ROLE_WAKER;
	sites__add(&s, &waker);
	assert_int_equal(s.n, 2);
	assert_int_equal(sites__find(&s, ROLE_WAKER, 7)->samples, 1);
	assert_null(sites__find(&s, ROLE_HOLDER, 7));
	sites__done(&s);
}

/* A whole stack takes the place of a cut one that it begins with, and its figures; sleeps that
 * began under the old hash still find it. Another cut stack stays. */
static void test_cut(void **state)
{
	struct sites s = {};
	struct sample_site *site = add(&s, 1, 4, true);

	site->all_wait_ns = 500;
	assert_int_equal(sites__main(&s, ROLE_WAITER)->hash, 1);
	site = add(&s, 2, 9, false);
	assert_int_equal(s.n, 1);
	assert_int_equal(site->all_wait_ns, 500);
	assert_int_equal(site->samples, 2);
	assert_false(site->truncated);
	assert_ptr_equal(sites__find(&s, ROLE_WAITER, 1), site);
	assert_int_equal(sites__main(&s, ROLE_WAITER)->hash, 2);
	add(&s, 3, 12, true);
	assert_int_equal(s.n, 2);
	sites__done(&s);
}

/* The same places in another build of the file are others. */
static void test_builds(void **state)
{
	struct sample_site whole = sample(2, 9, false);
	struct sites s = {};

	for (size_t i = 0; i < whole.n_frames; i++)
		whole.frames[i].build_id = "aa01";
	add(&s, 1, 4, true);
	sites__add(&s, &whole);
	assert_int_equal(s.n, 2);
	sites__done(&s);
}

/* The table is bounded: the stack that waited least makes room. */
static void test_bounded(void **state)
{
	struct sites s = {};

	for (uint64_t i = 1; i <= SITES_MAX; i++)
		add(&s, i, 3, false)->all_wait_ns = i == 5 ? 1 : 100 + i;
	add(&s, 1000, 3, false);
	assert_int_equal(s.n, SITES_MAX);
	assert_null(sites__find(&s, ROLE_WAITER, 5));
	assert_non_null(sites__find(&s, ROLE_WAITER, 1000));
	sites__done(&s);
}

/* The site that names a lock does not change for one that waited a little more. */
static void test_main_is_stable(void **state)
{
	struct sites s = {};

	add(&s, 1, 3, false)->all_wait_ns = 100;
	assert_int_equal(sites__main(&s, ROLE_WAITER)->hash, 1);
	add(&s, 2, 3, false)->all_wait_ns = 150;
	assert_int_equal(sites__main(&s, ROLE_WAITER)->hash, 1);
	sites__find(&s, ROLE_WAITER, 2)->all_wait_ns = 300;
	assert_int_equal(sites__main(&s, ROLE_WAITER)->hash, 2);
	sites__done(&s);
}

/* An interval's figures are cleared, the totals stay. */
static void test_interval(void **state)
{
	struct sites s = {};
	struct sample_site *site = add(&s, 1, 3, false);

	site->wait_ns = site->all_wait_ns = 10;
	sites__next_interval(&s);
	assert_int_equal(s.items[0].samples, 0);
	assert_int_equal(s.items[0].wait_ns, 0);
	assert_int_equal(s.items[0].all_samples, 1);
	assert_int_equal(s.items[0].all_wait_ns, 10);
	sites__done(&s);
}

/* function+offset, else file+address, else the address. */
static void test_format(void **state)
{
	struct site_place p = { .function = "get", .module = module, .address = 0x40, .offset = 4 };
	char buf[64];

	site_place__format(&p, buf, sizeof(buf));
	assert_string_equal(buf, "get+0x4");
	p.function = "ns::table<int (*)(char)>::get(int, char) const";
	site_place__format(&p, buf, sizeof(buf));
	assert_string_equal(buf, "ns::table<int (*)(char)>::get+0x4");
	p.function = "run()::{lambda(int)#1}::operator()(int)";
	site_place__function(&p, buf, sizeof(buf));
	assert_string_equal(buf, "run()::{lambda(int)#1}::operator()");
	p.function = NULL;
	p.outer = "main";
	site_place__function(&p, buf, sizeof(buf));
	assert_string_equal(buf, ".. main");
	site_place__format(&p, buf, sizeof(buf));
	assert_string_equal(buf, "server+0x40");
	p.module = NULL;
	site_place__format(&p, buf, sizeof(buf));
	assert_string_equal(buf, "0x40");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),	       cmocka_unit_test(test_cut),
		cmocka_unit_test(test_builds),	       cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_main_is_stable), cmocka_unit_test(test_interval),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
