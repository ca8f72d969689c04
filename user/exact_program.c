// SPDX-License-Identifier: GPL-2.0-only
#include "exact_program.h"

#include <gelf.h>
#include <limits.h>
#include <paths.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "library_file.h"
#include "util.h"

#define HEADERS_MAX 256 /* more program headers than any program has */

/* A regular file that can be executed. A descriptor or less than 0. */
static int open_program(struct proc *proc, const char *path)
{
	_cleanup_(util__freep) char *real = access(path, X_OK) ? NULL : realpath(path, NULL);

	return real ? proc__open_inside(proc, 0, real, true) : -1;
}

/* As execvp() finds it. A descriptor or less than 0. */
static int find_program(struct proc *proc, const char *program)
{
	const char *dirs = getenv("PATH"), *end;

	if (strchr(program, '/') || !*program)
		return open_program(proc, program);
	for (const char *dir = dirs ? dirs : _PATH_DEFPATH;; dir = end + 1) {
		_cleanup_(util__freep) char *path = NULL;
		int fd;

		end = strchrnul(dir, ':');
		path = end == dir ? xasprintf("./%s", program)
				  : xasprintf("%.*s/%s", (int)(end - dir), dir, program);
		fd = open_program(proc, path);
		if (fd >= 0 || !*end)
			return fd;
	}
}

/* The loader that the program asks for. False: none. */
static bool read_interpreter(int fd, char ret[PATH_MAX])
{
	size_t n = 0;
	bool found = false;
	GElf_Phdr header;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &n))
		n = 0;
	for (size_t i = 0; i < MIN(n, HEADERS_MAX) && !found; i++) {
		if (!gelf_getphdr(elf, i, &header) || header.p_type != PT_INTERP)
			continue;
		if (header.p_filesz < 2 || header.p_filesz > PATH_MAX)
			break;
		found = pread(fd, ret, header.p_filesz, header.p_offset) ==
				(ssize_t)header.p_filesz &&
			!ret[header.p_filesz - 1];
		break;
	}
	elf_end(elf);
	return found;
}

/* Takes fd over. */
static bool read_file(int fd, const char *path, struct program_file *ret)
{
	struct program_file f = { .fd = fd };
	unsigned int bypass;

	if (fd >= 0 && !file_identity__of(fd, &f.library.identity) &&
	    library_file__read(fd, path, &f.library, &bypass) && f.library.n_places > 0) {
		f.library.path = xasprintf("/proc/self/fd/%d", fd);
		*ret = f;
		return true;
	}
	free(f.library.places);
	util__closep(&f.fd);
	return false;
}

size_t exact_program__read(struct proc *proc, const char *program,
			   struct program_file ret[PROGRAM_FILES])
{
	int fd = find_program(proc, program);
	char interpreter[PATH_MAX];
	bool has_interpreter = fd >= 0 && read_interpreter(fd, interpreter);
	size_t n = read_file(fd, program, &ret[0]);

	if (n)
		ret[0].alone = !has_interpreter;
	if (has_interpreter)
		n += read_file(open_program(proc, interpreter), interpreter, &ret[n]);
	return n;
}

void program_file__done(struct program_file *f)
{
	free(f->library.path);
	free(f->library.places);
	util__closep(&f->fd);
}
