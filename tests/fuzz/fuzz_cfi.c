// SPDX-License-Identifier: GPL-2.0-only
/*
 * Call frame tables and stacks: the bytes become an ELF file with these tables, registers and a
 * stack, and the stack is unwound. The table check must let nothing through that harms libdw, and
 * the walk must end inside its bounds whatever the tables and the stack say.
 *
 * Input: struct header, the frame table, its search table, then 32-bit tokens: registers and stack
 * words (see token()), so that a few bytes make a plausible address. seeds.py writes such inputs.
 */
#include <gelf.h>
#include <sys/mman.h>

#include "../../user/unwind.h"
#include "../../user/util.h"
#include "fuzz.h"

/* Below 4 GiB, so that they serve 32-bit files too. */
#define TEXT_START  0x10000000ULL
#define TEXT_BYTES  0x1000000ULL
#define STACK_START 0x7f000000ULL
#define STACK_WORDS 512

enum { FLAG_32 = 1, FLAG_DEBUG_FRAME = 2, FLAG_HIGH_STACK = 4 };

struct header {
	uint32_t flags;
	uint32_t frame_size, search_size;
	uint32_t frame_address, search_address; /* as linked; text begins at 0 */
};

static const char section_names[] = "\0.shstrtab\0.text\0.eh_frame\0.eh_frame_hdr\0.debug_frame";
enum { NAME_SHSTRTAB = 1, NAME_TEXT = 11, NAME_FRAME = 17, NAME_SEARCH = 27, NAME_DEBUG = 41 };

static void add_section(Elf *elf, unsigned int name, unsigned int type, uint64_t flags,
			uint64_t address, const void *bytes, size_t size)
{
	Elf_Scn *scn = elf_newscn(elf);
	Elf_Data *data = elf_newdata(scn);
	GElf_Shdr shdr;

	PROMISE(data && gelf_getshdr(scn, &shdr));
	*data = (Elf_Data){ .d_buf = (void *)bytes,
			    .d_size = size,
			    .d_type = ELF_T_BYTE,
			    .d_version = EV_CURRENT,
			    .d_align = 1 };
	shdr.sh_name = name;
	shdr.sh_type = type;
	shdr.sh_flags = flags;
	shdr.sh_addr = address;
	PROMISE(gelf_update_shdr(scn, &shdr));
}

static void write_file(int fd, const struct header *h, const uint8_t *frame, const uint8_t *search)
{
	bool narrow = h->flags & FLAG_32, debug = h->flags & FLAG_DEBUG_FRAME;
	GElf_Ehdr ehdr;
	GElf_Phdr phdr;
	Elf *elf;

	PROMISE(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_WRITE, NULL);
	PROMISE(elf && gelf_newehdr(elf, narrow ? ELFCLASS32 : ELFCLASS64));
	PROMISE(gelf_newphdr(elf, 1) && gelf_getehdr(elf, &ehdr) && gelf_getphdr(elf, 0, &phdr));
	add_section(elf, NAME_SHSTRTAB, SHT_STRTAB, 0, 0, section_names, sizeof(section_names));
	add_section(elf, NAME_TEXT, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0, "\xc3", 1);
	add_section(elf, debug ? NAME_DEBUG : NAME_FRAME, SHT_PROGBITS, debug ? 0 : SHF_ALLOC,
		    debug ? 0 : h->frame_address, frame, h->frame_size);
	if (h->search_size)
		add_section(elf, NAME_SEARCH, SHT_PROGBITS, SHF_ALLOC, h->search_address, search,
			    h->search_size);
	ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	ehdr.e_type = ET_DYN;
	ehdr.e_machine = narrow ? EM_386 : EM_X86_64;
	ehdr.e_version = EV_CURRENT;
	ehdr.e_shstrndx = 1;
	PROMISE(gelf_update_ehdr(elf, &ehdr));
	phdr.p_type = PT_LOAD;
	phdr.p_flags = PF_R | PF_X;
	phdr.p_filesz = phdr.p_memsz = TEXT_BYTES;
	phdr.p_align = 4096;
	PROMISE(gelf_update_phdr(elf, 0, &phdr));
	PROMISE(elf_update(elf, ELF_C_WRITE) > 0);
	elf_end(elf);
}

static uint64_t token(uint32_t t, uint64_t stack)
{
	uint64_t value = t >> 2;

	switch (t & 3) {
	case 0:
		return value;
	case 1:
		return TEXT_START + value % TEXT_BYTES;
	case 2:
		return stack + value % (2 * STACK_WORDS * sizeof(uint64_t));
	default:
		return UINT64_MAX - value;
	}
}

static void check(const struct unwind_stack *stack, const struct mapping *m)
{
	PROMISE(stack->n >= 1 && stack->n <= UNWIND_FRAMES_MAX);
	for (int i = 0; i < stack->n; i++) {
		const struct unwind_frame *f = &stack->frames[i];

		PROMISE(!f->mapping || f->mapping == m);
		PROMISE(!f->mapping || (f->lookup >= m->start && f->lookup < m->end));
		PROMISE(!f->file || f->mapping);
		/* All but the innermost are return addresses of code, and all but the last led on.
		 */
		PROMISE(i == stack->n - 1 || f->mapping);
	}
}

static void unwind(int fd, const struct header *h, const uint8_t *data, size_t left)
{
	static struct unwind_stack result;
	uint64_t stack = h->flags & FLAG_HIGH_STACK ? UINT64_MAX - 2048 : STACK_START;
	struct proc *proc = proc__new("/proc");
	struct symbols *symbols = symbols__new(proc);
	uint64_t words[STACK_WORDS];
	struct user_regs regs;
	struct mapping m = { .start = TEXT_START, .end = TEXT_START + TEXT_BYTES, .exec = true };
	struct maps maps = { .items = &m, .n = 1 };
	uint32_t t;
	char path[64];
	struct stat st;
	size_t n;

	PROMISE(fstat(fd, &st) == 0);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	m.path = path;
	m.inode = st.st_ino;
	for (size_t i = 0; i < ARRAY_SIZE(regs.r); i++) {
		fuzz__take(&data, &left, &t, sizeof(t));
		regs.r[i] = token(t, stack);
	}
	for (n = 0; n < STACK_WORDS && left; n++) {
		fuzz__take(&data, &left, &t, sizeof(t));
		words[n] = token(t, stack);
	}
	/* Exactly as long as it says, so that reading beyond it is seen. */
	void *copy = malloc(n * sizeof(*words) + !n);
	PROMISE(copy);
	memcpy(copy, words, n * sizeof(*words));
	unwind__stack(symbols, getpid(), &maps, &regs, copy, n * sizeof(*words), &result);
	check(&result, &m);
	free(copy);
	symbols__free(symbols);
	proc__free(proc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	const uint8_t *frame, *search;
	struct header h;

	if (size < sizeof(h))
		return -1;
	fuzz__take(&data, &size, &h, sizeof(h));
	h.frame_size = MIN(h.frame_size, size);
	h.search_size = MIN(h.search_size, size - h.frame_size);
	frame = data;
	search = frame + h.frame_size;
	if (fd < 0)
		fd = memfd_create("cfi", MFD_CLOEXEC);
	PROMISE(fd >= 0);
	write_file(fd, &h, frame, search);
	unwind(fd, &h, search + h.search_size, size - h.frame_size - h.search_size);
	return 0;
}
