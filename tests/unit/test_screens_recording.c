// SPDX-License-Identifier: GPL-2.0-only
/* Screens on a recording: the load over time, where in it one is, keys. */
#include "screen_fixture.h"

#include "../../user/recording.h"

#define BEGIN 1700000000ULL

static struct view *recorded_view(struct recording *r, size_t n)
{
	struct options o = fixture__options();
	struct view *v = view__new(&o);
	struct timeline *t = &r->timeline;

	recording__init(r);
	for (uint64_t i = 0; i < n; i++) {
		array__grow(t->items, t->n, t->capacity);
		t->items[t->n++] = (struct timeline_interval){
			.begin_ns = (BEGIN + i) * NSEC_PER_SEC,
			.end_ns = (BEGIN + i + 1) * NSEC_PER_SEC,
			.load = i % 50 == 7 ? 6 : i * 7 % 20 / 5.0,
			.lossy = i == n / 4,
		};
	}
	v->utf8 = true;
	v->recording = r;
	return v;
}

static void drop(struct view *v, struct recording *r)
{
	view__free(v);
	recording__done(r);
}

/* In every size; the chart comes where it has room. */
static void draws_in_every_size(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct recording r;
	struct view *v = recorded_view(&r, 300);

	(void)state;
	recording__go(&r, 140);
	assert_golden_sizes(v, s, "recording");
	assert_golden(v, s, "recording", 120, 40);
	drop(v, &r);
	snapshot__free(s);
}

/* Playing; one end marked; the sum of a range; fewer intervals than columns; a page of a lock. */
static void draws_states(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct recording r;
	struct view *v = recorded_view(&r, 12);

	(void)state;
	recording__play(&r);
	recording__change_speed(&r, 1);
	assert_golden(v, s, "recording_playing", 80, 24);
	recording__go(&r, 3);
	recording__mark(&r);
	recording__go(&r, 8);
	assert_golden(v, s, "recording_marked", 80, 24);
	recording__mark(&r);
	s->interval_ns = 6 * NSEC_PER_SEC;
	assert_golden(v, s, "recording_sum", 80, 24);
	view__show(v, ENTITY_LOCK);
	screen__prepare(v, s, 80, 24);
	view__enter(v);
	assert_golden(v, s, "recording_lock", 80, 24);
	drop(v, &r);
	snapshot__free(s);
}

/* The help says what keys do here, not what they do live. */
static void helps(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct recording r;
	struct view *v = recorded_view(&r, 1);
	struct canvas *c;

	(void)state;
	v->mode = MODE_HELP;
	c = draw(v, s, 100, 200);
	assert_true(shows(c, "one interval back"));
	assert_true(shows(c, "play on, or stand still"));
	assert_false(shows(c, "longer interval"));
	assert_false(shows(c, "first row; rows"));
	assert_true(shows(c, "Enter"));
	canvas__free(c);
	drop(v, &r);
	snapshot__free(s);
}

/* Without UTF-8 the chart is ASCII; one idle interval is no division by zero. */
static void draws_ascii(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct recording r;
	struct view *v = recorded_view(&r, 1);
	struct canvas *c;

	(void)state;
	v->utf8 = false;
	r.timeline.items[0].load = 0;
	c = draw(v, s, 80, 24);
	for (int i = 0; i < c->width * c->height; i++)
		assert_true((unsigned char)c->cells[i].text[0] < 0x80);
	canvas__free(c);
	drop(v, &r);
	snapshot__free(s);
}

/* The interval on screen stands out of the chart, at every width. */
static void shows_where_one_is(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct recording r;
	struct view *v = recorded_view(&r, 300);

	(void)state;
	for (int width = 7; width < 330; width++) {
		for (size_t at = 0; at < 300; at += 13) {
			struct canvas *c;

			recording__go(&r, at);
			c = draw(v, s, width, 24);
			assert_true(shows(c, "▲"));
			canvas__free(c);
		}
	}
	drop(v, &r);
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_in_every_size),
		cmocka_unit_test(draws_states),
		cmocka_unit_test(helps),
		cmocka_unit_test(draws_ascii),
		cmocka_unit_test(shows_where_one_is),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
