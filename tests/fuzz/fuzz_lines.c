// SPDX-License-Identifier: GPL-2.0-only
/*
 * DWARF: the bytes are taken as an ELF file, and the addresses where small programs have their code
 * and their data are looked up. Each answer must keep what is promised of it, and come in time.
 */
#include <sys/mman.h>

#include "../../user/dwarf_source.h"
#include "../../user/util.h"
#include "fuzz.h"

#define FIRST_ADDRESS 0x1000
#define LAST_ADDRESS  0x1400
#define STEP	      23
#define DATA_ADDRESS  0x9000 /* of the one variable in small programs */
#define DATA_BYTES    192
#define LOOK_UP_NS    (NSEC_PER_SEC / 10)

static void check(const struct source_code *code)
{
	PROMISE(code->n >= 1 && code->n <= SOURCE_DEPTH);
	for (size_t i = 0; i < code->n; i++) {
		const struct source_frame *f = &code->frames[i];

		PROMISE(f->line >= 0 && (f->file || f->line == 0));
		PROMISE(!f->file || strlen(f->file) < 65536);
		PROMISE(!f->function || strlen(f->function) < 65536);
		/* What was inlined is known by its name. */
		PROMISE(f->function || i == code->n - 1);
	}
}

static void look_at_members(struct dwarf_source *s, int fd, uint64_t begin_ns)
{
	for (uint64_t offset = 0; s && offset < DATA_BYTES; offset += 4) {
		uint64_t deadline_ns =
			MIN(util__monotonic_ns(), begin_ns + 5 * LOOK_UP_NS) + LOOK_UP_NS;
		char *path = dwarf_source__member(s, fd, deadline_ns, DATA_ADDRESS, offset);

		PROMISE(!path || (strlen(path) > 1 && strlen(path) < 1024));
		free(path);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t begin_ns = util__monotonic_ns();
	int fd = memfd_create("lines", MFD_CLOEXEC);
	struct dwarf_source *s;

	PROMISE(fd >= 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	s = dwarf_source__new(fd, begin_ns + LOOK_UP_NS);
	for (uint64_t a = FIRST_ADDRESS; s && a < LAST_ADDRESS; a += STEP) {
		uint64_t deadline_ns =
			MIN(util__monotonic_ns(), begin_ns + 5 * LOOK_UP_NS) + LOOK_UP_NS;
		struct source_code code;

		if (dwarf_source__at(s, fd, deadline_ns, a, &code))
			continue;
		check(&code);
		source_code__done(&code);
	}
	look_at_members(s, fd, begin_ns);
	dwarf_source__free(s);
	close(fd);
	return 0;
}
