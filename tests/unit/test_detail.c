// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

#include "../../user/detail.h"

/* A page of 40 lines on 10 rows, its parts at these lines. */
static struct detail *page(void)
{
	struct detail *d = detail__new();

	d->lines = 40;
	d->rows = 10;
	d->n_parts = 4;
	d->starts[1] = 5;
	d->starts[2] = 20;
	d->starts[3] = 35;
	return d;
}

/* Scrolling stops at both ends. */
static void scrolls_within_the_page(void **state)
{
	struct detail *d = page();

	(void)state;
	detail__scroll(d, 7);
	assert_int_equal(d->top, 7);
	detail__scroll(d, 1000);
	assert_int_equal(d->top, 30);
	detail__scroll(d, -5);
	assert_int_equal(d->top, 0);
	d->lines = 3;
	detail__scroll(d, 1);
	assert_int_equal(d->top, 0);
	detail__free(d);
	detail__free(NULL);
}

/* What is read stands still when lines above it come and go, or when the page is short once. */
static void stays_at_what_is_read(void **state)
{
	struct detail *d = page();

	(void)state;
	detail__scroll(d, 22);
	d->starts[2] = 26;
	d->starts[3] = 41;
	d->lines = 46;
	detail__settle(d);
	assert_int_equal(d->top, 28);
	d->lines = 12;
	detail__settle(d);
	assert_int_equal(d->top, 2);
	d->lines = 46;
	detail__settle(d);
	assert_int_equal(d->top, 28);
	d->n_parts = 0;
	detail__settle(d);
	detail__free(d);
}

/* Tab goes from part to part and round; a part that the last page shows is reached, too. */
static void goes_from_part_to_part(void **state)
{
	struct detail *d = page();

	(void)state;
	detail__scroll(d, detail__part(d, 1));
	assert_int_equal(d->top, 5);
	detail__scroll(d, detail__part(d, 1));
	assert_int_equal(d->top, 20);
	detail__scroll(d, detail__part(d, 1));
	assert_int_equal(d->top, 30);
	detail__scroll(d, detail__part(d, 1));
	assert_int_equal(d->top, 0);
	detail__scroll(d, detail__part(d, -1));
	assert_int_equal(d->top, 30);
	detail__scroll(d, detail__part(d, -1));
	assert_int_equal(d->top, 20);
	d->lines = d->rows;
	detail__scroll(d, detail__part(d, 1));
	assert_int_equal(d->top, 0);
	detail__free(d);
}

/* The histogram's range only grows: its rows do not come and go with every interval. */
static void remembers_the_range(void **state)
{
	struct detail *d = detail__new();
	struct lock one = { .hist = { [40] = 1 } }, other = { .hist = { [30] = 1, [50] = 2 } };

	(void)state;
	assert_true(d->waits.low > d->waits.high);
	detail__update(d, &one, false);
	assert_int_equal(d->waits.low, 40);
	assert_int_equal(d->waits.high, 40);
	detail__update(d, &other, true);
	detail__update(d, NULL, true);
	assert_null(d->lock);
	detail__update(d, &one, true);
	assert_int_equal(d->waits.low, 30);
	assert_int_equal(d->waits.high, 50);
	detail__free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scrolls_within_the_page),
		cmocka_unit_test(stays_at_what_is_read),
		cmocka_unit_test(goes_from_part_to_part),
		cmocka_unit_test(remembers_the_range),
	};

	return cmocka_run_group_tests_name("detail", tests, NULL, NULL);
}
