// SPDX-License-Identifier: GPL-2.0-only
/* Symbol tables -> two sorted arrays. Everything here was written by whoever made the file. */
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "elf_file.h"
#include "util.h"

#define SYMBOLS_MAX (2u << 20)
#define TABLE_BYTES ((size_t)SYMBOLS_MAX * sizeof(Elf64_Sym))
#define NAMES_BYTES ((size_t)128 << 20)

/* Address ranges of the sections, by index. */
struct range {
	uint64_t start, end;
};

struct candidate {
	struct symbol symbol;
	uint64_t limit; /* end of its section */
	uint32_t rank;	/* among aliases the smallest is taken */
};

struct reader {
	struct range *ranges; /* of the file that is being read */
	size_t n_ranges;
	struct candidate *items;
	size_t n, capacity;
};

static void read_ranges(struct reader *r, Elf *elf)
{
	Elf_Scn *scn = NULL;
	size_t n;

	free(r->ranges);
	r->ranges = NULL;
	r->n_ranges = 0;
	if (elf_getshdrnum(elf, &n) != 0)
		return;
	r->ranges = xcalloc(n, sizeof(*r->ranges));
	r->n_ranges = n;
	while ((scn = elf_nextscn(elf, scn))) {
		size_t i = elf_ndxscn(scn);
		GElf_Shdr shdr;

		if (i >= n || !gelf_getshdr(scn, &shdr) || !(shdr.sh_flags & SHF_ALLOC) ||
		    shdr.sh_addr + shdr.sh_size < shdr.sh_addr)
			continue;
		r->ranges[i] = (struct range){ shdr.sh_addr, shdr.sh_addr + shdr.sh_size };
	}
}

/*
 * A copy of a string table, ended by NUL and with version suffixes (name@VERSION) cut. One pass
 * over the whole table: names may overlap, so that work for each name could be endless.
 */
static char *copy_names(Elf *elf, size_t index, size_t *size)
{
	Elf_Scn *scn = elf_getscn(elf, index);
	Elf_Data *data = scn ? elf_file__section(scn, NAMES_BYTES) : NULL;
	char *names;

	if (!data)
		return NULL;
	names = xrealloc(NULL, data->d_size + 1, 1);
	memcpy(names, data->d_buf, data->d_size);
	names[data->d_size] = 0;
	for (char *s = names; (s = memchr(s, '@', names + data->d_size - s)); s++) {
		if (s > names && s[-1])
			*s = 0;
	}
	*size = data->d_size;
	return names;
}

/*
 * What people call a function: exported before hidden names, anything before local ones, few
 * leading underscores (write, not __write), global before weak, short before long.
 */
static uint32_t rank(const char *name, unsigned int binding, bool exported)
{
	uint32_t underscores = 0;

	while (underscores < 3 && name[underscores] == '_')
		underscores++;
	return (uint32_t)!exported << 20 | (uint32_t)(binding == STB_LOCAL) << 19 |
	       underscores << 16 | (uint32_t)(binding == STB_WEAK) << 15 |
	       (uint32_t)strnlen(name, 255);
}

static void add_symbol(struct reader *r, const GElf_Sym *sym, const char *names, size_t names_size,
		       bool exported)
{
	unsigned int type = GELF_ST_TYPE(sym->st_info);
	const struct range *range;
	uint64_t room;

	if ((type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_OBJECT) ||
	    sym->st_shndx == SHN_UNDEF || sym->st_shndx >= MIN(r->n_ranges, SHN_LORESERVE) ||
	    sym->st_name >= names_size || !names[sym->st_name] || r->n >= SYMBOLS_MAX)
		return;
	range = &r->ranges[sym->st_shndx];
	if (sym->st_value < range->start || sym->st_value >= range->end)
		return;
	room = range->end - sym->st_value;
	array__grow(r->items, r->n, r->capacity);
	r->items[r->n++] = (struct candidate){
		.symbol = {
			.address = sym->st_value,
			.size = MIN(sym->st_size, room),
			.name = names + sym->st_name,
			.data = type == STT_OBJECT,
			.exported = exported,
		},
		.limit = range->end,
		.rank = rank(names + sym->st_name, GELF_ST_BIND(sym->st_info), exported),
	};
}

static void read_table(struct reader *r, struct elf_file *f, Elf *elf, Elf_Scn *scn,
		       const GElf_Shdr *shdr, enum symbol_source source)
{
	size_t size = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT), names_size;
	Elf_Data *data;
	char *names;

	/* One of each kind: a second would have no place for its names. */
	if (f->names[source] || shdr->sh_size > TABLE_BYTES || !elf_file__section(scn, TABLE_BYTES))
		return;
	data = elf_getdata(scn, NULL);
	if (!data || data->d_type != ELF_T_SYM)
		return;
	names = copy_names(elf, shdr->sh_link, &names_size);
	if (!names)
		return;
	f->names[source] = names;
	f->bytes += names_size;
	for (size_t i = 0; i < data->d_size / size; i++) {
		GElf_Sym sym;

		if (gelf_getsym(data, i, &sym))
			add_symbol(r, &sym, names, names_size, source == DYNSYM);
	}
}

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->symbol.data != y->symbol.data)
		return x->symbol.data ? 1 : -1;
	if (x->symbol.address != y->symbol.address)
		return x->symbol.address < y->symbol.address ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->symbol.name < y->symbol.name ? -1 : x->symbol.name > y->symbol.name;
}

/*
 * Sorted candidates of one kind -> one symbol for each address, none without a size. dense: local
 * ones are among them.
 */
static void fill(struct symbol_array *ret, const struct candidate *items, size_t n, bool dense)
{
	size_t i = 0, next;

	if (n == 0)
		return;
	ret->items = xcalloc(n, sizeof(*ret->items));
	for (; i < n; i = next) {
		struct symbol s = items[i].symbol;

		for (next = i + 1; next < n && items[next].symbol.address == s.address; next++) {
			if (s.size == 0)
				s.size = items[next].symbol.size;
			s.exported |= items[next].symbol.exported;
		}
		/*
		 * Without a size it reaches to the next one, but never out of its section. What is
		 * exported alone has strangers behind it: musl's memset has half of its libc.
		 */
		if (s.size == 0 && !dense && !s.data)
			s.size = 1;
		else if (s.size == 0 && next < n && items[next].symbol.address < items[i].limit)
			s.size = items[next].symbol.address - s.address;
		else if (s.size == 0)
			s.size = items[i].limit - s.address;
		ret->items[ret->n++] = s;
	}
	ret->items = xrealloc(ret->items, ret->n, sizeof(*ret->items));
}

/* All tables of one file. symtab: which source its .symtab is. */
static void read_tables(struct reader *r, struct elf_file *f, Elf *elf, enum symbol_source symtab)
{
	Elf_Scn *scn = NULL;

	read_ranges(r, elf);
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;

		if (!gelf_getshdr(scn, &shdr))
			continue;
		if (shdr.sh_type == SHT_SYMTAB)
			read_table(r, f, elf, scn, &shdr, symtab);
		/* What is exported, the file itself says. */
		else if (shdr.sh_type == SHT_DYNSYM && symtab == SYMTAB)
			read_table(r, f, elf, scn, &shdr, DYNSYM);
	}
}

void elf_symbols__read(struct elf_file *f, Elf *own, Elf *mini, Elf *debug)
{
	struct reader r = { 0 };
	size_t functions = 0;

	read_tables(&r, f, own, SYMTAB);
	if (mini)
		read_tables(&r, f, mini, MINI_SYMTAB);
	if (debug && !f->names[SYMTAB])
		read_tables(&r, f, debug, DEBUG_SYMTAB);
	if (r.n > 0)
		qsort(r.items, r.n, sizeof(*r.items), compare);
	while (functions < r.n && !r.items[functions].symbol.data)
		functions++;
	if (r.n > 0) {
		bool dense = f->names[SYMTAB] || f->names[MINI_SYMTAB] || f->names[DEBUG_SYMTAB];

		fill(&f->functions, r.items, functions, dense);
		fill(&f->objects, r.items + functions, r.n - functions, dense);
	}
	f->bytes += (f->functions.n + f->objects.n) * sizeof(struct symbol);
	free(r.items);
	free(r.ranges);
}
