// SPDX-License-Identifier: GPL-2.0-only
/* Parts of the exact tier and of futex words of one lock: which of them says what. */
#include "looks_fixture.h"

#include "../../user/assemble.h"

#define HEAP 0x7f0000001000ULL

static struct identities *identities;

static struct lock_key futex_at(uint64_t word)
{
	return fake__key(getpid(), word, SIG_MUTEX);
}

static struct lock_key exact_at(uint64_t object, enum exact_op family)
{
	return fake__key(getpid(), object, SIGNATURE(OP_EXACT | family, 0));
}

/* A site of a role with that weight. */
static void add_site(struct fixture *x, struct lock_key key, enum site_role role, uint64_t hash,
		     uint64_t weight, const char *place)
{
	struct sample_site site = { .role = role, .hash = hash, .has_place = true };
	struct sample_site *added;

	site.place.function = place;
	site.frames = xcalloc(1, sizeof(*site.frames));
	site.frames[0].function = place;
	site.n_frames = 1;
	added = sites__add(&samples__key(x->samples, &key)->sites, &site);
	added->wait_ns = added->all_wait_ns = weight;
}

static struct snapshot *assemble_now(struct fixture *x)
{
	struct snapshot *s = snapshot__new();

	x->fake.exact_on = true;
	end_interval(x);
	s->interval_ns = NSEC_PER_SEC;
	assemble(s, identities, &x->tally, x->samples, &x->processes, x->looks, NULL);
	return s;
}

static int begin(void **state)
{
	int err = set_up(state);
	struct fixture *x = *state;

	identities = identities__new();
	x->fake.exact_on = true;
	end_interval(x);
	return err;
}

static int end(void **state)
{
	identities__free(identities);
	return tear_down(state);
}

static void use(struct fixture *x, uint64_t object, enum exact_op family)
{
	fake__exact(&x->fake, getpid(), object, family)->calls++;
}

static const struct site *site_of(const struct lock *l, const char *place)
{
	for (size_t i = 0; i < l->n_sites; i++)
		if (!strcmp(l->sites[i].frames[0].function, place))
			return &l->sites[i];
	return NULL;
}

/* Holder sites weigh either waits or holds: with holds sampled, what looks found is left out. */
static void test_one_unit(void **state)
{
	struct fixture *x = *state;
	struct lock_key futex = futex_at(HEAP), exact = exact_at(HEAP, OP_MUTEX_LOCK);
	struct snapshot *s;

	fake__sleeps(&x->fake, futex, 11, 1, 50, 0);
	use(x, HEAP, OP_MUTEX_LOCK);
	add_site(x, futex, ROLE_WAITER, 1, 50, "waiter");
	add_site(x, futex, ROLE_HOLDER, 2, 900, "found_holding");
	add_site(x, exact, ROLE_HOLDER, 3, 30, "takes_long");
	add_site(x, exact, ROLE_HOLDER, 4, 10, "takes_short");
	s = assemble_now(x);
	assert_int_equal(s->n_locks, 1);
	assert_int_equal(s->locks[0].n_sites, 3);
	assert_null(site_of(&s->locks[0], "found_holding"));
	assert_float_equal(site_of(&s->locks[0], "takes_long")->share, 0.75, 1e-9);
	assert_float_equal(site_of(&s->locks[0], "takes_short")->share, 0.25, 1e-9);
	assert_float_equal(site_of(&s->locks[0], "waiter")->share, 1, 0);
	snapshot__free(s);
}

/* As long as no hold was seen to end, as of a semaphore, looks are all there is. */
static void test_looks_only(void **state)
{
	struct fixture *x = *state;
	struct lock_key futex = futex_at(HEAP);
	struct snapshot *s;

	fake__sleeps(&x->fake, futex, 11, 1, 50, 0);
	use(x, HEAP, OP_MUTEX_LOCK);
	add_site(x, futex, ROLE_HOLDER, 2, 900, "found_holding");
	add_site(x, exact_at(HEAP, OP_MUTEX_LOCK), ROLE_HOLDER, 3, 0, "takes");
	s = assemble_now(x);
	assert_float_equal(site_of(&s->locks[0], "found_holding")->share, 1, 0);
	assert_float_equal(site_of(&s->locks[0], "takes")->share, 0, 0);
	snapshot__free(s);
}

/* The futex part names the lock, however little it waited; if it cannot, the takers do. */
static void test_names(void **state)
{
	struct fixture *x = *state;
	struct lock_key futex = futex_at(HEAP), nameless = futex_at(HEAP + 4096);
	struct snapshot *s;

	fake__sleeps(&x->fake, futex, 11, 1, 0, 0);
	fake__sleeps(&x->fake, nameless, 11, 1, 0, 0);
	use(x, HEAP, OP_MUTEX_LOCK);
	use(x, HEAP + 4096, OP_MUTEX_LOCK);
	add_site(x, futex, ROLE_WAITER, 1, 1, "waiter");
	add_site(x, exact_at(HEAP, OP_MUTEX_LOCK), ROLE_HOLDER, 2, 500, "taker");
	add_site(x, exact_at(HEAP + 4096, OP_MUTEX_LOCK), ROLE_HOLDER, 2, 500, "taker");
	s = assemble_now(x);
	assert_int_equal(s->n_locks, 2);
	assert_string_equal(s->locks[0].name, "heap lock at waiter+0x0");
	assert_string_equal(s->locks[0].where, "waiter");
	assert_string_equal(s->locks[1].name, "heap lock at taker+0x0");
	assert_string_equal(s->locks[1].where, "taker");
	snapshot__free(s);
}

/* What a function told of a sleeper's lock stands, though calls of another family were seen there.
 */
static void test_kind_stands(void **state)
{
	struct fixture *x = *state;
	struct lock_key futex = futex_at(HEAP);
	struct sample_key *k = samples__key(x->samples, &futex);
	struct snapshot *s;

	k->verdict = (struct kind_verdict){ .kind = KIND_STDIO, .sure = true };
	fake__sleeps(&x->fake, futex, 11, 1, 0, 0);
	use(x, HEAP, OP_MUTEX_LOCK);
	s = assemble_now(x);
	assert_int_equal(s->n_locks, 1);
	assert_int_equal(s->locks[0].kind, KIND_STDIO);
	assert_int_equal(s->locks[0].acquisitions, 1);
	snapshot__free(s);
}

/* Both words of a condition variable are in the object that its calls name. */
static void test_cond(void **state)
{
	struct fixture *x = *state;
	struct snapshot *s;

	fake__sleeps(&x->fake, fake__key(getpid(), HEAP + 40, SIG_COND), 11, 1, 20, 0);
	fake__sleeps(&x->fake, fake__key(getpid(), HEAP + 44, SIG_COND), 12, 2, 20, 0);
	use(x, HEAP, OP_COND_WAIT);
	fake__exact(&x->fake, getpid(), HEAP, OP_COND_WAIT)->signals = 9;
	s = assemble_now(x);
	assert_int_equal(s->n_locks, 1);
	assert_int_equal(s->locks[0].address, HEAP);
	assert_int_equal(s->locks[0].sleeps, 3);
	assert_int_equal(s->locks[0].acquisitions, 1);
	assert_int_equal(s->locks[0].signals, 9);
	assert_int_equal(s->idle.sleeps, 3);
	snapshot__free(s);
}

/* Objects next to each other are not each other. */
static void test_neighbours(void **state)
{
	struct fixture *x = *state;
	struct snapshot *s;

	fake__sleeps(&x->fake, futex_at(HEAP), 11, 1, 20, 0);
	use(x, HEAP - 4, OP_SPIN_LOCK);
	use(x, HEAP + 40, OP_MUTEX_LOCK);
	s = assemble_now(x);
	assert_int_equal(s->n_locks, 3);
	for (size_t i = 0; i < s->n_locks; i++)
		assert_int_equal(s->locks[i].exact, s->locks[i].address != HEAP);
	snapshot__free(s);
}

#undef TEST
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_unit),	TEST(test_looks_only), TEST(test_names),
		TEST(test_kind_stands), TEST(test_cond),       TEST(test_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
