// SPDX-License-Identifier: GPL-2.0-only
/* Profiles, unpacked again by the library and held to what pprof asks of them. */
#include "export_fixture.h"
#include "python_fixture.h"

#include <inttypes.h>
#include <zlib.h>

#include "proto/profile.pb-c.h"

#include "../../user/profile.h"

static Pprof__Profile *unpack(const char *bytes, size_t size)
{
	size_t room = 64 << 20;
	uint8_t *packed = xcalloc(1, room);
	z_stream z = { .next_in = (Bytef *)bytes, .avail_in = size };
	Pprof__Profile *p;

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_out = packed;
	z.avail_out = room;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	p = pprof__profile__unpack(NULL, z.total_out, packed);
	assert_non_null(p);
	inflateEnd(&z);
	free(packed);
	return p;
}

static Pprof__Profile *profile_of(const char *format, const struct snapshot *s,
				  const struct options *o)
{
	size_t size;
	char *bytes = export_bytes(format, s, o, true, &size);
	Pprof__Profile *p = unpack(bytes, size);

	free(bytes);
	return p;
}

static const char *text_at(const Pprof__Profile *p, int64_t i)
{
	assert_in_range(i, 0, p->n_string_table - 1);
	return p->string_table[i];
}

static const char *function_at(const Pprof__Profile *p, uint64_t location)
{
	return text_at(p, p->function[p->location[location - 1]->line[0]->function_id - 1]->name);
}

/* All that refers to something refers to something that is there, and ids are those of places. */
static void assert_valid(const Pprof__Profile *p)
{
	assert_string_equal(p->string_table[0], "");
	assert_int_equal(p->n_sample_type, 2);
	assert_string_equal(text_at(p, p->sample_type[0]->type), "contentions");
	assert_string_equal(text_at(p, p->sample_type[0]->unit), "count");
	assert_string_equal(text_at(p, p->sample_type[1]->type), "delay");
	assert_string_equal(text_at(p, p->sample_type[1]->unit), "nanoseconds");
	assert_string_equal(text_at(p, p->default_sample_type), "delay");
	for (size_t i = 0; i < p->n_mapping; i++) {
		assert_int_equal(p->mapping[i]->id, i + 1);
		/* so that pprof takes addresses for those of the file */
		assert_int_equal(p->mapping[i]->memory_start, 0);
		assert_int_equal(p->mapping[i]->memory_limit, UINT64_MAX);
		assert_int_equal(p->mapping[i]->file_offset, 0);
		text_at(p, p->mapping[i]->filename);
		text_at(p, p->mapping[i]->build_id);
	}
	for (size_t i = 0; i < p->n_function; i++) {
		assert_int_equal(p->function[i]->id, i + 1);
		assert_true(text_at(p, p->function[i]->name)[0]);
		text_at(p, p->function[i]->filename);
	}
	for (size_t i = 0; i < p->n_location; i++) {
		const Pprof__Location *l = p->location[i];

		assert_int_equal(l->id, i + 1);
		assert_true(l->mapping_id <= p->n_mapping);
		assert_true(l->n_line > 0);
		for (size_t j = 0; j < l->n_line; j++)
			assert_in_range(l->line[j]->function_id, 1, p->n_function);
	}
	for (size_t i = 0; i < p->n_sample; i++) {
		const Pprof__Sample *s = p->sample[i];

		assert_int_equal(s->n_value, 2);
		assert_true(s->value[0] >= 0 && s->value[1] >= 0);
		assert_true(s->n_location_id > 0);
		for (size_t j = 0; j < s->n_location_id; j++)
			assert_in_range(s->location_id[j], 1, p->n_location);
		for (size_t j = 0; j < s->n_label; j++) {
			assert_true(text_at(p, s->label[j]->key)[0]);
			text_at(p, s->label[j]->str);
		}
	}
}

static uint64_t sum_of(const Pprof__Profile *p, int value)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < p->n_sample; i++)
		sum += p->sample[i]->value[value];
	return sum;
}

/* A line that was inlined into the next one ends with "in". */
static void tell_line(const Pprof__Profile *p, const Pprof__Location *l, size_t i, FILE *f)
{
	const Pprof__Function *fn = p->function[l->line[i]->function_id - 1];

	fprintf(f, "\t%s %s:%" PRId64 " 0x%" PRIx64 " of %" PRIu64 "%s\n", text_at(p, fn->name),
		text_at(p, fn->filename), l->line[i]->line, l->address, l->mapping_id,
		i + 1 < l->n_line ? " in" : "");
}

static void tell_mapping(const Pprof__Profile *p, const Pprof__Mapping *m, FILE *f)
{
	fprintf(f, "mapping %s (%s)%s%s%s%s\n", text_at(p, m->filename), text_at(p, m->build_id),
		m->has_functions ? " functions" : "", m->has_filenames ? " files" : "",
		m->has_line_numbers ? " lines" : "", m->has_inline_frames ? " inlined" : "");
}

/* As text: a line a sample, then mappings and comments. */
static char *told(const Pprof__Profile *p)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; i < p->n_sample; i++) {
		const Pprof__Sample *s = p->sample[i];

		fprintf(f, "%" PRId64 " %" PRId64, s->value[0], s->value[1]);
		for (size_t j = 0; j < s->n_label; j++)
			fprintf(f, s->label[j]->num ? " %s=%s%" PRId64 : " %s=%s",
				text_at(p, s->label[j]->key), text_at(p, s->label[j]->str),
				s->label[j]->num);
		fputc('\n', f);
		for (size_t j = 0; j < s->n_location_id; j++) {
			const Pprof__Location *l = p->location[s->location_id[j] - 1];

			for (size_t k = 0; k < l->n_line; k++)
				tell_line(p, l, k, f);
		}
	}
	for (size_t i = 0; i < p->n_mapping; i++)
		tell_mapping(p, p->mapping[i], f);
	for (size_t i = 0; i < p->n_comment; i++)
		fprintf(f, "# %s\n", text_at(p, p->comment[i]));
	fprintf(f, "from %" PRId64 " for %" PRId64 "\n", p->time_nanos, p->duration_nanos);
	fclose(f);
	return text;
}

static struct snapshot *with_stacks(void)
{
	struct snapshot *s = fixture__new(1);

	fixture__add_stacks(s, &s->locks[0]);
	s->losses[LOSS_LOCKS_FULL] = 12;
	return s;
}

/* Usual ones, of each role, a hostile one, and one of a Python program. */
static void golden(void **state)
{
	static const struct {
		const char *name, *format;
		struct snapshot *(*make)(void);
	} rows[] = {
		{ "export_stacks.pprof", "pprof", with_stacks },
		{ "export_stacks.pprof-waker", "pprof-waker", with_stacks },
		{ "export_hostile.pprof", "pprof", hostile },
		{ "export_empty.pprof", "pprof", empty },
		{ "export_python.pprof", "pprof", python_usual },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct options o = fixture__options();
		struct snapshot *s = rows[i].make();
		Pprof__Profile *p = profile_of(rows[i].format, s, &o);
		char *text = told(p);

		assert_valid(p);
		assert_golden(rows[i].name, text);
		assert_null(strpbrk(text, "\x1b\x7f\r"));
		assert_null(strstr(text, "\xff"));
		free(text);
		pprof__profile__free_unpacked(p, NULL);
		snapshot__free(s);
	}
}

/* Whatever was sampled, the sums are those of the locks: of either role. */
static void sums_are_totals(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = with_stacks();

	(void)state;
	for (int waker = 0; waker < 2; waker++) {
		Pprof__Profile *p = profile_of(waker ? "pprof-waker" : "pprof", s, &o);

		assert_valid(p);
		assert_int_equal(sum_of(p, 0), s->totals.sleeps);
		assert_int_equal(sum_of(p, 1), s->totals.wait_ns);
		pprof__profile__free_unpacked(p, NULL);
	}
	o.idle = true;
	for (int waker = 0; waker < 2; waker++) {
		Pprof__Profile *p = profile_of(waker ? "pprof-waker" : "pprof", s, &o);

		assert_int_equal(sum_of(p, 1), s->totals.wait_ns + s->idle.wait_ns);
		pprof__profile__free_unpacked(p, NULL);
	}
	snapshot__free(s);
}

/* Equal stacks of several intervals are one sample; its times are their sums. */
static void adds_intervals(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = with_stacks();
	struct export_run *run;
	Pprof__Profile *one = profile_of("pprof", s, &o), *three;
	char *bytes;
	size_t size;
	FILE *f = open_memstream(&bytes, &size);

	(void)state;
	o.format = "pprof";
	run = export__new(&o);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(export__add(run, f, s), 0);
		s->time.tv_sec++;
	}
	assert_int_equal(ftell(f), 0); /* nothing before the end */
	assert_int_equal(export__end(run, f), 0);
	export__free(run);
	fclose(f);
	three = unpack(bytes, size);
	assert_valid(three);
	assert_int_equal(three->n_sample, one->n_sample);
	assert_int_equal(three->n_location, one->n_location);
	assert_int_equal(sum_of(three, 1), 3 * sum_of(one, 1));
	assert_int_equal(three->time_nanos, one->time_nanos);
	assert_int_equal(three->duration_nanos, 3 * one->duration_nanos);
	pprof__profile__free_unpacked(one, NULL);
	pprof__profile__free_unpacked(three, NULL);
	free(bytes);
	snapshot__free(s);
}

/* Stacks beyond the bound are counted under one name. */
static void bounds_samples(void **state)
{
	const struct profile_labels labels = { "p", 1, "l", "0x1", "mutex", "contention" };
	struct profile *profile = profile__new();
	struct frame frame = { "f", "/bin/p", 0, NULL, 0, "native", NULL };
	struct profile_sample sample = { &frame, 1, false, 1, 2 };
	Pprof__Profile *p;
	char *bytes;
	size_t size;
	FILE *f = open_memstream(&bytes, &size);

	(void)state;
	for (int i = 0; i < PROFILE_SAMPLES_MAX + 1000; i++) {
		frame.offset = i;
		profile__add(profile, &labels, &sample);
	}
	assert_int_equal(profile__write(profile, f, 0, 0), 0);
	fclose(f);
	profile__free(profile);
	p = unpack(bytes, size);
	assert_int_equal(p->n_sample, PROFILE_SAMPLES_MAX + 1);
	assert_int_equal(sum_of(p, 1), 2 * (PROFILE_SAMPLES_MAX + 1000));
	assert_string_equal(function_at(p, p->sample[p->n_sample - 1]->location_id[0]),
			    "[other stacks]");
	pprof__profile__free_unpacked(p, NULL);
	free(bytes);
}

/*
 * Two builds at one path are two files; what one of them knows says nothing of the other. What was
 * inlined at one address is one location; a call of oneself is not.
 */
static void tells_builds_apart(void **state)
{
	static const struct frame frames[] = {
		{ "f", "/bin/p", 0x401000, "f.c", 7, "native", "aa01" },
		{ NULL, "/bin/p", 0x401000, NULL, 0, "native", "bb02" },
		{ "g", "/bin/p", 0x401234, "g.c", 8, "native", "aa01" },
		{ "f", "/bin/p", 0x401234, "f.c", 9, "native", "aa01" },
		{ "f", "/bin/p", 0x401234, "f.c", 9, "native", "aa01" },
		{ "h", "/bin/p", UINT64_MAX, NULL, 0, "native", NULL },
		{ "k", "/srv/k.py", 3, "/srv/k.py", 3, "python", NULL },
		{ NULL, NULL, 0x7f0012345678, NULL, 0, "jit", NULL },
	};
	const struct profile_labels labels = { "p", 1, "l", "0x1", "mutex", "contention" };
	struct profile_sample sample = { frames, ARRAY_SIZE(frames), false, 1, 2 };
	struct profile *profile = profile__new();
	Pprof__Profile *p;
	char *bytes, *text;
	size_t size;
	FILE *f = open_memstream(&bytes, &size);

	(void)state;
	profile__add(profile, &labels, &sample);
	assert_int_equal(profile__write(profile, f, 0, 0), 0);
	fclose(f);
	profile__free(profile);
	p = unpack(bytes, size);
	assert_valid(p);
	text = told(p);
	assert_string_equal(text, "1 2 process=p pid=1 lock=l address=0x1 kind=mutex "
				  "class=contention\n"
				  "\tf f.c:7 0x401000 of 1\n"
				  "\tp+0x401000 :0 0x401000 of 2\n"
				  "\tg g.c:8 0x401234 of 1 in\n"
				  "\tf f.c:9 0x401234 of 1\n"
				  "\tf f.c:9 0x401234 of 1\n"
				  "\th :0 0xffffffffffffffff of 3\n"
				  "\tk /srv/k.py:3 0x0 of 0\n"
				  "\t[unknown] :0 0x0 of 0\n"
				  "mapping /bin/p (aa01) functions files lines inlined\n"
				  "mapping /bin/p (bb02)\n"
				  "mapping /bin/p () functions\n"
				  "from 0 for 0\n");
	free(text);
	pprof__profile__free_unpacked(p, NULL);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(sums_are_totals),
		cmocka_unit_test(adds_intervals),
		cmocka_unit_test(bounds_samples),
		cmocka_unit_test(tells_builds_apart),
	};

	return cmocka_run_group_tests_name("export_pprof", tests, NULL, NULL);
}
