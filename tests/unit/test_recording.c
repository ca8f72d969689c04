// SPDX-License-Identifier: GPL-2.0-only
/* A user at the keyboard in front of a recording. */
#include "keys_fixture.h"

#include "../../user/recording.h"
#include "../../user/screen.h"

#define INTERVALS 20
#define BEGIN	  1700000000ULL

/* Twenty seconds, the last of them two. */
static void make_recording(struct recording *r)
{
	struct timeline *t = &r->timeline;

	recording__init(r);
	for (uint64_t i = 0; i < INTERVALS; i++) {
		array__grow(t->items, t->n, t->capacity);
		t->items[t->n++] = (struct timeline_interval){
			.begin_ns = (BEGIN + i) * NSEC_PER_SEC,
			.end_ns = (BEGIN + i + 1 + (i == INTERVALS - 1)) * NSEC_PER_SEC,
			.load = i,
		};
	}
}

static struct recording recording;

static int setup_recording(void **state)
{
	struct world *w;

	setup(state);
	w = *state;
	make_recording(&recording);
	w->v->recording = &recording;
	return 0;
}

static int teardown_recording(void **state)
{
	recording__done(&recording);
	return teardown(state);
}

/* Left and Right, [ and ], Home and End go through time and stop at its ends. */
static void goes_through_time(void **state)
{
	struct world *w = *state;

	assert_true(press(w, KEYS_RIGHT) & OUTCOME_SEEK);
	assert_int_equal(recording.at, 1);
	press(w, KEYS_LEFT);
	press(w, KEYS_LEFT);
	assert_int_equal(recording.at, 0);
	press(w, ']');
	assert_int_equal(recording.at, 10);
	press(w, ']');
	press(w, ']');
	assert_int_equal(recording.at, INTERVALS - 1);
	press(w, '[');
	assert_int_equal(recording.at, INTERVALS - 11);
	press(w, KEYS_END);
	assert_int_equal(recording.at, INTERVALS - 1);
	press(w, KEYS_RIGHT);
	assert_int_equal(recording.at, INTERVALS - 1);
	press(w, KEYS_HOME);
	assert_int_equal(recording.at, 0);
}

/* The rest of the keys do what they do live: in and out, lists, help; in menus arrows are theirs.
 */
static void keeps_the_other_keys(void **state)
{
	struct world *w = *state;

	press(w, KEYS_DOWN);
	press(w, KEYS_ENTER);
	assert_int_equal(w->v->depth, 1);
	press(w, KEYS_RIGHT);
	assert_int_equal(w->v->depth, 1);
	assert_int_equal(recording.at, 1);
	press(w, KEYS_ESC);
	assert_int_equal(w->v->depth, 0);
	press(w, '2');
	assert_int_equal(view__clevel(w->v)->entity, ENTITY_LOCK);
	press(w, 'h');
	press(w, KEYS_LEFT);
	assert_int_equal(w->v->mode, MODE_LIST);
	assert_int_equal(recording.at, 1);
	assert_true(press(w, 'q') & OUTCOME_QUIT);
	assert_true(press(w, 'e') & OUTCOME_EXPORT);
	assert_true(press(w, 'D') & OUTCOME_DUMP);
	/* there is no interval to wait for */
	press(w, 'd');
	assert_int_equal(w->v->mode, MODE_LIST);
}

/* t asks for a time; what is none is said, and nothing moves. */
static void jumps_to_a_time(void **state)
{
	struct world *w = *state;

	press(w, 't');
	assert_int_equal(w->v->mode, MODE_PROMPT);
	type(w, "+7.5");
	assert_true(press(w, KEYS_ENTER) & OUTCOME_SEEK);
	assert_int_equal(recording.at, 7);
	press(w, 't');
	type(w, "2023-11-14T22:13:32Z"); /* twelve seconds after its begin */
	press(w, KEYS_ENTER);
	assert_int_equal(recording.at, 11);
	press(w, 't');
	type(w, "soon");
	press(w, KEYS_ENTER);
	assert_int_equal(recording.at, 11);
	assert_true(w->v->alarm);
	press(w, 't');
	type(w, "+1");
	press(w, KEYS_ESC);
	assert_int_equal(recording.at, 11);
	press(w, 't');
	press(w, KEYS_ENTER);
	assert_int_equal(recording.at, 11);
}

/* m at both ends, in whichever order; the sum is there until one goes on, or m again. */
static void marks_a_range(void **state)
{
	struct world *w = *state;

	press(w, ']');
	press(w, 'm');
	assert_true(recording.marked);
	assert_false(recording.summed);
	press(w, '[');
	press(w, KEYS_RIGHT);
	assert_true(press(w, 'm') & OUTCOME_SEEK);
	assert_true(recording.summed);
	assert_false(recording.marked);
	assert_int_equal(recording.first, 1);
	assert_int_equal(recording.at, 10);
	press(w, 'm');
	assert_false(recording.summed);
	assert_int_equal(recording.at, 10);
	press(w, 'm');
	press(w, KEYS_END);
	press(w, 'm');
	assert_true(recording.summed);
	assert_int_equal(recording.first, 10);
	press(w, KEYS_LEFT);
	assert_false(recording.summed);
	assert_int_equal(recording.at, INTERVALS - 2);
}

/* p plays at the pace of the intervals, or faster; it ends at the end, and begins anew from there.
 */
static void plays(void **state)
{
	struct world *w = *state;

	press(w, 'p');
	assert_true(recording.playing);
	assert_int_equal(recording__shown_ns(&recording), NSEC_PER_SEC);
	press(w, '+');
	press(w, '+');
	assert_int_equal(recording.speed, 4);
	assert_int_equal(recording__shown_ns(&recording), NSEC_PER_SEC / 4);
	press(w, '-');
	assert_int_equal(recording.speed, 2);
	for (int i = 0; i < 20; i++)
		press(w, '-');
	assert_int_equal(recording.speed, 1);
	for (int i = 0; i < 20; i++)
		press(w, '+');
	assert_true(recording__shown_ns(&recording) >= NSEC_PER_SEC / 50);
	for (int i = 1; i < INTERVALS; i++)
		recording__advance(&recording);
	assert_int_equal(recording.at, INTERVALS - 1);
	assert_true(recording.playing);
	recording__advance(&recording);
	assert_false(recording.playing);
	press(w, ' ');
	assert_true(recording.playing);
	assert_int_equal(recording.at, 0);
	press(w, KEYS_RIGHT);
	assert_false(recording.playing);
}

/* Any key in any order, on any size of a screen, leaves a place in the recording. */
static void survives_random_keys(void **state)
{
	static const int keys[] = { KEYS_LEFT, KEYS_RIGHT, KEYS_HOME, KEYS_END, KEYS_ENTER,
				    KEYS_ESC,  KEYS_UP,	   KEYS_DOWN, KEYS_TAB, KEYS_PAGE_DOWN,
				    '[',       ']',	   'm',	      'p',	't',
				    '+',       '-',	   '1',	      '2',	'3',
				    'g',       'h',	   's',	      'i' };
	struct world *w = *state;
	struct canvas *c = canvas__new(1, 1);
	unsigned int random = 4711;

	for (int i = 0; i < 20000; i++) {
		int width, height;

		random = random * 1103515245 + 12345;
		keys__dispatch(w->v, keys[(random >> 16) % ARRAY_SIZE(keys)]);
		if (recording.playing)
			recording__advance(&recording);
		assert_true(recording.at < recording.timeline.n);
		assert_true(!recording.summed || recording.first <= recording.at);
		width = 1 + (random >> 8) % 100;
		height = 1 + (random >> 20) % 50;
		canvas__resize(c, width, height);
		screen__prepare(w->v, w->s, width, height);
		screen__draw(w->s, w->v, c);
	}
	canvas__free(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_recording, teardown_recording)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(goes_through_time),
		TEST(keeps_the_other_keys),
		TEST(jumps_to_a_time),
		TEST(marks_a_range),
		TEST(plays),
		TEST(survives_random_keys),

	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
