// SPDX-License-Identifier: GPL-2.0-only
#include "library_file.h"

#include <string.h>

#include "util.h"

#define COMMENT_BYTES ((size_t)64 << 10)

/* Compilers leave their names, stripped or not. */
static bool comment_has(Elf *elf, const char *word)
{
	Elf_Scn *scn = elf_file__find(elf, ".comment");
	Elf_Data *data = scn ? elf_file__section(scn, COMMENT_BYTES) : NULL;

	return data && memmem(data->d_buf, data->d_size, word, strlen(word));
}

static bool is_go(Elf *elf, const char *path)
{
	return elf_file__find(elf, ".go.buildinfo") || elf_file__find(elf, ".note.go.buildid");
}

static bool is_rust(Elf *elf, const char *path)
{
	return comment_has(elf, "rustc version");
}

static bool is_java(Elf *elf, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && strcmp(slash + 1, "libjvm.so") == 0;
}

static bool (*const signs[BYPASS_KINDS])(Elf *elf, const char *path) = {
	[BYPASS_GO] = is_go,
	[BYPASS_RUST] = is_rust,
	[BYPASS_JAVA] = is_java,
};

bool library_file__read(int fd, const char *path, struct library *ret, unsigned int *bypass)
{
	unsigned int mask = 0;
	struct build_id id;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf_kind(elf) != ELF_K_ELF) {
		elf_end(elf);
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		mask |= (unsigned int)signs[i](elf, path) << i;
	ret->n_places = lock_functions__find(fd, elf, &ret->places);
	if (ret->n_places > 0) {
		elf_build_id__read(elf, &id);
		elf_build_id__text(&id, ret->build_id);
	}
	elf_end(elf);
	*bypass = mask;
	return mask || ret->n_places > 0;
}
