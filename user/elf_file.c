// SPDX-License-Identifier: GPL-2.0-only
#include "elf_file.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arch.h"
#include "util.h"

#define SEGMENTS_MAX	    1024
#define SECTION_NAMES_BYTES ((size_t)4 << 20)

Elf_Data *elf_file__section(Elf_Scn *scn, size_t max)
{
	GElf_Shdr shdr;
	Elf_Data *data;

	if (!gelf_getshdr(scn, &shdr) || shdr.sh_type == SHT_NOBITS ||
	    (shdr.sh_flags & SHF_COMPRESSED) || shdr.sh_size == 0 || shdr.sh_size > max)
		return NULL;
	/* libelf itself checks that it lies inside the file. */
	data = elf_rawdata(scn, NULL);
	return data && data->d_buf && data->d_size == shdr.sh_size ? data : NULL;
}

Elf_Scn *elf_file__find(Elf *elf, const char *name)
{
	Elf_Scn *scn = NULL, *found = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) != 0 || names == 0 || !elf_getscn(elf, names) ||
	    !elf_file__section(elf_getscn(elf, names), SECTION_NAMES_BYTES))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		const char *s =
			gelf_getshdr(scn, &shdr) ? elf_strptr(elf, names, shdr.sh_name) : NULL;

		if (!s || shdr.sh_type == SHT_NOBITS || strcmp(s, name) != 0)
			continue;
		if (found)
			return NULL;
		found = scn;
	}
	return found;
}

int file_identity__of(int fd, struct file_identity *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = (struct file_identity){
		.device = st.st_dev,
		.inode = st.st_ino,
		.size = st.st_size,
		.seconds = st.st_mtim.tv_sec,
		.nanoseconds = st.st_mtim.tv_nsec,
	};
	return 0;
}

bool file_identity__equal(const struct file_identity *a, const struct file_identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->seconds == b->seconds && a->nanoseconds == b->nanoseconds;
}

static bool usable(Elf *elf, int *machine)
{
	GElf_Ehdr ehdr;
	const struct arch *arch;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &ehdr))
		return false;
	arch = arch__of_machine(ehdr.e_machine);
	if (!arch || ehdr.e_ident[EI_CLASS] != (arch->word == 8 ? ELFCLASS64 : ELFCLASS32) ||
	    ehdr.e_ident[EI_DATA] != ARCH_ELFDATA)
		return false;
	*machine = ehdr.e_machine;
	return ehdr.e_type == ET_EXEC || ehdr.e_type == ET_DYN;
}

static bool read_segments(struct elf_file *f, Elf *elf)
{
	size_t n, capacity = 0;

	if (elf_getphdrnum(elf, &n) != 0 || n > SEGMENTS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf, i, &phdr))
			return false;
		if (phdr.p_type != PT_LOAD || phdr.p_filesz == 0 ||
		    phdr.p_offset + phdr.p_filesz < phdr.p_offset)
			continue;
		array__grow(f->segments, f->n_segments, capacity);
		f->segments[f->n_segments++] = (struct segment){
			.offset = phdr.p_offset,
			.vaddr = phdr.p_vaddr,
			.file_size = phdr.p_filesz,
			.exec = phdr.p_flags & PF_X,
		};
	}
	return f->n_segments > 0;
}

/* Lines of both addresses and functions: one without the other is of no use. */
static bool has_dwarf(Elf *elf)
{
	return elf_file__find(elf, ".debug_info") && elf_file__find(elf, ".debug_line");
}

/*
 * The debug file, if it has anything to add: the path to it is kept, the file is closed again.
 * What is open cannot be unmounted.
 */
static Elf *open_debug(struct elf_file *f, Elf *own, const struct build_id *id,
		       const struct elf_debug_search *search, int *fd)
{
	struct dwarf_place *place = &f->dwarf_place;
	struct elf_debug debug;
	Elf *elf;

	if ((place->in == DWARF_OWN && elf_file__find(own, ".symtab")) ||
	    elf_debug__find(search, own, id, &debug) < 0)
		return NULL;
	elf = elf_begin(debug.fd, ELF_C_READ, NULL);
	if (place->in == DWARF_NOWHERE && elf && has_dwarf(elf) &&
	    !file_identity__of(debug.fd, &place->identity)) {
		place->in = DWARF_SEPARATE;
		place->pid = debug.pid;
		place->path = debug.path;
	} else {
		free(debug.path);
	}
	*fd = debug.fd;
	return elf;
}

static void read_symbols(struct elf_file *f, Elf *elf, const struct build_id *id,
			 const struct elf_debug_search *search)
{
	_cleanup_(util__closep) int debug_fd = -1;
	Elf *mini, *debug = NULL;
	char *mini_image = NULL;

	if (search)
		debug = open_debug(f, elf, id, search, &debug_fd);
	mini = elf_minidebug__open(elf, &mini_image);
	elf_symbols__read(f, elf, mini, debug);
	elf_end(mini);
	elf_end(debug);
	free(mini_image);
}

/*
 * Symbols are copied, so their handle is closed again and gives back its buffers; the handle of
 * the frame tables stays.
 */
static struct elf_file *read_file(Elf *(*open_elf)(void *from), void *from,
				  const struct elf_debug_search *search)
{
	static uint64_t last_id;
	struct elf_file *f = xcalloc(1, sizeof(*f));
	Elf *elf = open_elf(from);
	char text[BUILD_ID_TEXT];
	struct build_id id;

	if (!elf || !usable(elf, &f->machine) || !read_segments(f, elf)) {
		elf_end(elf);
		elf_file__free(f);
		return NULL;
	}
	f->id = ++last_id;
	f->bytes = sizeof(*f) + f->n_segments * sizeof(*f->segments);
	if (search && has_dwarf(elf))
		f->dwarf_place.in = DWARF_OWN;
	elf_build_id__read(elf, &id);
	elf_build_id__text(&id, text);
	f->build_id = id.n ? xasprintf("%s", text) : NULL;
	read_symbols(f, elf, &id, search);
	elf_end(elf);
	elf = open_elf(from);
	if (elf)
		elf_cfi__read(f, elf);
	return f;
}

static Elf *open_fd(void *from)
{
	return elf_begin(*(int *)from, ELF_C_READ, NULL);
}

struct elf_file *elf_file__read(int fd, const struct elf_debug_search *search)
{
	struct elf_file *f;
	struct stat st;

	elf_version(EV_CURRENT);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	f = read_file(open_fd, &fd, search);
	/* All that is needed was read: the caller may close fd. */
	if (f && f->elf)
		elf_cntl(f->elf, ELF_C_FDDONE);
	if (f && f->dwarf_place.in == DWARF_OWN)
		file_identity__of(fd, &f->dwarf_place.identity);
	return f;
}

struct image {
	char *bytes;
	size_t size;
};

static Elf *open_image(void *from)
{
	struct image *image = from;

	return elf_memory(image->bytes, image->size);
}

struct elf_file *elf_file__image(char *bytes, size_t size)
{
	struct image image = { .bytes = bytes, .size = size };
	struct elf_file *f;

	elf_version(EV_CURRENT);
	f = read_file(open_image, &image, NULL);
	if (!f) {
		free(bytes);
		return NULL;
	}
	f->image = bytes;
	f->bytes += size;
	return f;
}

void elf_file__free(struct elf_file *f)
{
	if (!f)
		return;
	if (f->eh_cfi)
		dwarf_cfi_end(f->eh_cfi);
	elf_end(f->elf);
	if (f->dwarf)
		dwarf_end(f->dwarf);
	elf_end(f->debug_elf);
	free(f->debug_image);
	free(f->image);
	for (size_t i = 0; i < ARRAY_SIZE(f->names); i++)
		free(f->names[i]);
	free(f->dwarf_place.path);
	free(f->build_id);
	free(f->functions.items);
	free(f->objects.items);
	free(f->segments);
	free(f);
}

bool elf_file__vaddr(const struct elf_file *f, const struct mapping *m, uint64_t address,
		     uint64_t *ret)
{
	uint64_t offset = address - m->start + m->offset;
	const struct segment *found = NULL;

	if (address < m->start || address >= m->end)
		return false;
	for (size_t i = 0; i < f->n_segments && !found; i++) {
		const struct segment *s = &f->segments[i];

		if (s->exec == m->exec && offset >= s->offset && offset - s->offset < s->file_size)
			found = s;
	}
	/* Whole pages are mapped: a segment's neighbours in the file are in its mapping too. */
	for (size_t i = 0; i < f->n_segments && !found; i++) {
		const struct segment *s = &f->segments[i];
		uint64_t begin = s->offset & ~(uint64_t)(ARCH_PAGE - 1);
		uint64_t size = (s->offset - begin + s->file_size + ARCH_PAGE - 1) &
				~(uint64_t)(ARCH_PAGE - 1);

		if (offset >= begin && offset - begin < size)
			found = s;
	}
	if (!found)
		return false;
	*ret = offset - found->offset + found->vaddr;
	return true;
}

const struct symbol *elf_file__symbol(const struct elf_file *f, uint64_t vaddr, bool data)
{
	const struct symbol_array *a = data ? &f->objects : &f->functions;
	size_t low = 0, high = a->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->items[middle].address <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	/* A small symbol can lie inside of a large one: look at a few before. */
	for (size_t i = low; i > 0 && low - i < 8; i--) {
		const struct symbol *s = &a->items[i - 1];

		if (vaddr - s->address < s->size)
			return s;
	}
	return NULL;
}

int elf_file__machine(const struct elf_file *f)
{
	return f->machine;
}

uint64_t elf_file__id(const struct elf_file *f)
{
	return f->id;
}

const char *elf_file__build_id(const struct elf_file *f)
{
	return f->build_id;
}

Dwarf_CFI *elf_file__eh_cfi(struct elf_file *f)
{
	return f->eh_cfi;
}

Dwarf_CFI *elf_file__debug_cfi(struct elf_file *f)
{
	return f->debug_cfi;
}
