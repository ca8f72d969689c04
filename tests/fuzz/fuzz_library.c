// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that processes map as code, for the places of probes: these must lie inside of the file, in
 * order, and a place behind the start must be one that the kernel emulates.
 */
#include <sys/mman.h>

#include "../../user/library_file.h"
#include "../../user/uprobe_x86_64.h"
#include "fuzz.h"

static void check_place(const struct lock_place *p, const uint8_t *data, size_t size)
{
	uint64_t at = p->offset + p->entry.offset;
	struct uprobe_insn u;

	PROMISE(p->function->op < EXACT_OPS);
	PROMISE(at >= p->offset);
	if (!p->entry.emulated) {
		PROMISE(p->entry.offset == 0 && !p->entry.tried);
		return;
	}
	PROMISE(!p->entry.refused && at < size);
	PROMISE(uprobe__insn(data + at, size - at, &u) == 0 && u.emulated);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("library", MFD_CLOEXEC);
	struct library library = { 0 };
	unsigned int bypass = 0;

	PROMISE(fd >= 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	library_file__read(fd, "/x/libjvm.so", &library, &bypass);
	close(fd);
	PROMISE(bypass >> BYPASS_KINDS == 0);
	PROMISE(strlen(library.build_id) < sizeof(library.build_id));
	for (size_t i = 0; i < library.n_places; i++) {
		PROMISE(i == 0 || library.places[i - 1].address < library.places[i].address);
		check_place(&library.places[i], data, size);
	}
	free(library.places);
	return 0;
}
