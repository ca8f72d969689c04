// SPDX-License-Identifier: GPL-2.0-only
#include "lock_functions.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch.h"
#include "elf_file.h"
#include "util.h"

#define PLACES_MAX   256
#define SEGMENTS_MAX 64
#define TABLE_BYTES  ((size_t)48 << 20)
#define NAMES_BYTES  ((size_t)128 << 20)
#define WAYS_OUT     32
#define WINDOW	     4096
#define MARGIN	     16 /* the longest instruction */
/* A name of `environ` that programs and libraries with musl's startup have, glibc's do not. */
#define MUSL_SYMBOL "___environ"

static const struct lock_function functions[] = {
	{ "pthread_mutex_lock", OP_MUTEX_LOCK, 1, false },
	{ "pthread_mutex_trylock", OP_MUTEX_TRYLOCK, 1, true },
	{ "pthread_mutex_timedlock", OP_MUTEX_TIMEDLOCK, 1, true },
	{ "pthread_mutex_clocklock", OP_MUTEX_TIMEDLOCK, 1, true },
	{ "pthread_mutex_unlock", OP_MUTEX_UNLOCK, 1, false },
	{ "pthread_mutex_destroy", OP_MUTEX_DESTROY, 1, false },
	{ "pthread_rwlock_rdlock", OP_RWLOCK_RDLOCK, 1, false },
	{ "pthread_rwlock_wrlock", OP_RWLOCK_WRLOCK, 1, false },
	{ "pthread_rwlock_tryrdlock", OP_RWLOCK_TRYRDLOCK, 1, true },
	{ "pthread_rwlock_trywrlock", OP_RWLOCK_TRYWRLOCK, 1, true },
	{ "pthread_rwlock_timedrdlock", OP_RWLOCK_TIMEDRDLOCK, 1, true },
	{ "pthread_rwlock_clockrdlock", OP_RWLOCK_TIMEDRDLOCK, 1, true },
	{ "pthread_rwlock_timedwrlock", OP_RWLOCK_TIMEDWRLOCK, 1, true },
	{ "pthread_rwlock_clockwrlock", OP_RWLOCK_TIMEDWRLOCK, 1, true },
	{ "pthread_rwlock_unlock", OP_RWLOCK_UNLOCK, 1, false },
	{ "pthread_rwlock_destroy", OP_RWLOCK_DESTROY, 1, false },
	{ "pthread_spin_lock", OP_SPIN_LOCK, 1, false },
	{ "pthread_spin_trylock", OP_SPIN_TRYLOCK, 1, true },
	{ "pthread_spin_unlock", OP_SPIN_UNLOCK, 1, false },
	{ "sem_wait", OP_SEM_WAIT, 1, false },
	{ "sem_trywait", OP_SEM_TRYWAIT, 1, true },
	{ "sem_timedwait", OP_SEM_TIMEDWAIT, 1, true },
	{ "sem_clockwait", OP_SEM_TIMEDWAIT, 1, true },
	{ "sem_post", OP_SEM_POST, 1, false },
	{ "sem_init", OP_SEM_INIT, 1, false },
	{ "pthread_cond_wait", OP_COND_WAIT, 2, false },
	{ "pthread_cond_timedwait", OP_COND_TIMEDWAIT, 2, false },
	{ "pthread_cond_clockwait", OP_COND_TIMEDWAIT, 2, false },
	{ "pthread_cond_signal", OP_COND_SIGNAL, 1, false },
	{ "pthread_cond_broadcast", OP_COND_BROADCAST, 1, false },
	{ "pthread_barrier_wait", OP_BARRIER_WAIT, 1, false },
	{ "pthread_once", OP_ONCE, 1, false },
	/* C11, for libraries that do more in these than call the others */
	{ "mtx_lock", OP_MUTEX_LOCK, 1, false },
	{ "mtx_trylock", OP_MUTEX_TRYLOCK, 1, true },
	{ "mtx_timedlock", OP_MUTEX_TIMEDLOCK, 1, true },
	{ "mtx_unlock", OP_MUTEX_UNLOCK, 1, false },
	{ "mtx_destroy", OP_MUTEX_DESTROY, 1, false },
	{ "cnd_wait", OP_COND_WAIT, 2, false },
	{ "cnd_timedwait", OP_COND_TIMEDWAIT, 2, false },
	{ "cnd_signal", OP_COND_SIGNAL, 1, false },
	{ "cnd_broadcast", OP_COND_BROADCAST, 1, false },
	{ "call_once", OP_ONCE, 1, false },
};

static const char *const prefixes[] = { "pthread_", "sem_", "mtx_", "cnd_", "call_" };

/* The operation of which one is the form with a time limit; else itself. */
static enum exact_op untimed(enum exact_op op)
{
	switch (op) {
	case OP_MUTEX_TIMEDLOCK:
		return OP_MUTEX_LOCK;
	case OP_RWLOCK_TIMEDRDLOCK:
		return OP_RWLOCK_RDLOCK;
	case OP_RWLOCK_TIMEDWRLOCK:
		return OP_RWLOCK_WRLOCK;
	case OP_SEM_TIMEDWAIT:
		return OP_SEM_WAIT;
	case OP_COND_TIMEDWAIT:
		return OP_COND_WAIT;
	default:
		return op;
	}
}

const struct lock_function *lock_functions__named(const char *name)
{
	bool likely = false;
	size_t len;

	name += strspn(name, "_");
	for (size_t i = 0; i < ARRAY_SIZE(prefixes) && !likely; i++)
		likely = strncmp(name, prefixes[i], strlen(prefixes[i])) == 0;
	if (!likely)
		return NULL;
	len = strcspn(name, "@");
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		const char *s = functions[i].name;

		if (strncmp(name, s, len) == 0 && !s[len])
			return &functions[i];
	}
	return NULL;
}

struct segment_row {
	uint64_t vaddr, offset, size;
};

/* A file's code, a window at a time. */
struct code_file {
	int fd;
	struct segment_row segments[SEGMENTS_MAX];
	size_t n_segments;
	uint64_t window; /* address of its first byte */
	size_t used;
	uint8_t bytes[WINDOW];
};

struct found {
	struct lock_place place;
	uint64_t size;
};

struct finder {
	struct code_file file;
	struct found items[PLACES_MAX];
	size_t n;
	bool musl;
};

static void read_segments(struct code_file *c, Elf *elf)
{
	size_t n;

	if (elf_getphdrnum(elf, &n) != 0)
		return;
	for (size_t i = 0; i < n && c->n_segments < SEGMENTS_MAX; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf, i, &phdr))
			return;
		if (phdr.p_type != PT_LOAD || !(phdr.p_flags & PF_X) || phdr.p_offset > INT64_MAX ||
		    phdr.p_filesz > INT64_MAX - phdr.p_offset ||
		    phdr.p_vaddr + phdr.p_filesz < phdr.p_vaddr)
			continue;
		c->segments[c->n_segments++] =
			(struct segment_row){ phdr.p_vaddr, phdr.p_offset, phdr.p_filesz };
	}
}

static const struct segment_row *segment_at(const struct code_file *c, uint64_t vaddr)
{
	for (size_t i = 0; i < c->n_segments; i++) {
		const struct segment_row *s = &c->segments[i];

		if (vaddr >= s->vaddr && vaddr - s->vaddr < s->size)
			return s;
	}
	return NULL;
}

static size_t read_code(void *context, uint64_t vaddr, const uint8_t **ret)
{
	struct code_file *c = context;
	const struct segment_row *s = segment_at(c, vaddr);
	uint64_t within = vaddr - c->window;
	ssize_t n;

	if (!s)
		return 0;
	if (within >= c->used || c->used - within < MARGIN) {
		uint64_t left = s->size - (vaddr - s->vaddr);

		n = pread(c->fd, c->bytes, MIN(left, WINDOW),
			  (off_t)(s->offset + (vaddr - s->vaddr)));
		c->used = n > 0 ? (size_t)n : 0;
		c->window = vaddr;
		within = 0;
	}
	*ret = c->bytes + within;
	return c->used - within;
}

static void add_symbol(struct finder *f, const GElf_Sym *sym, const char *name)
{
	const struct lock_function *function;
	const struct segment_row *s;

	if (GELF_ST_TYPE(sym->st_info) != STT_FUNC || GELF_ST_BIND(sym->st_info) == STB_LOCAL)
		return;
	function = lock_functions__named(name);
	s = function ? segment_at(&f->file, sym->st_value) : NULL;
	if (!s)
		return;
	for (size_t i = 0; i < f->n; i++) {
		struct found *old = &f->items[i];

		if (old->place.address == sym->st_value) {
			old->place.function = MIN(old->place.function, function);
			old->size = MAX(old->size, sym->st_size);
			return;
		}
	}
	if (f->n == PLACES_MAX)
		return;
	f->items[f->n++] = (struct found){
		.place.function = function,
		.place.address = sym->st_value,
		.place.offset = s->offset + (sym->st_value - s->vaddr),
		.size = sym->st_size,
	};
}

static void read_table(struct finder *f, Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr)
{
	Elf_Scn *names_scn = elf_getscn(elf, shdr->sh_link);
	Elf_Data *data = NULL, *names = NULL;
	size_t size = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);

	if (names_scn && elf_file__section(scn, TABLE_BYTES)) {
		data = elf_getdata(scn, NULL);
		names = elf_file__section(names_scn, NAMES_BYTES);
	}
	/* Then each name in the table ends inside of it. */
	if (!data || data->d_type != ELF_T_SYM || !names ||
	    ((const char *)names->d_buf)[names->d_size - 1])
		return;
	for (size_t i = 0; i < data->d_size / size; i++) {
		const char *name = names->d_buf;
		GElf_Sym sym;

		if (!gelf_getsym(data, i, &sym) || sym.st_name >= names->d_size ||
		    sym.st_shndx == SHN_UNDEF)
			continue;
		name += sym.st_name;
		f->musl |= strcmp(name, MUSL_SYMBOL) == 0;
		add_symbol(f, &sym, name);
	}
}

/* Does it need other files? Then its pthread functions are theirs, or it exports its own. */
static bool needs_others(Elf *elf)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		Elf_Data *data;
		GElf_Dyn dyn;

		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_DYNAMIC ||
		    !elf_file__section(scn, TABLE_BYTES))
			continue;
		data = elf_getdata(scn, NULL);
		if (!data || data->d_type != ELF_T_DYN)
			continue;
		for (int i = 0; i < (int)(data->d_size / sizeof(Elf64_Dyn)); i++) {
			if (gelf_getdyn(data, i, &dyn) && dyn.d_tag == DT_NEEDED)
				return true;
		}
	}
	return false;
}

static void read_symbols(struct finder *f, Elf *elf)
{
	bool dynamic = needs_others(elf);
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;

		if (gelf_getshdr(scn, &shdr) &&
		    (shdr.sh_type == SHT_DYNSYM || (shdr.sh_type == SHT_SYMTAB && !dynamic)))
			read_table(f, elf, scn, &shdr);
	}
}

static int compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->place.address < y->place.address ? -1 : x->place.address > y->place.address;
}

static const struct found *found_at(const struct finder *f, uint64_t address)
{
	const struct found key = { .place.address = address };

	return bsearch(&key, f->items, f->n, sizeof(key), compare);
}

static bool is_wrapper(const struct finder *f, const struct code_reader *reader,
		       const struct found *item)
{
	const struct found *target;
	uint64_t way;

	if (entry_point__ways_out(reader, item->place.address, item->size, true, &way, 1) == 0)
		return false;
	target = found_at(f, way);
	return target && untimed(target->place.function->op) == untimed(item->place.function->op);
}

static void locate(const struct finder *f, const struct code_reader *reader,
		   const struct found *item, struct lock_place *ret)
{
	uint64_t start = item->place.address, ways[WAYS_OUT];
	size_t n = entry_point__ways_out(reader, start, item->size, false, ways, WAYS_OUT);

	*ret = item->place;
	ret->musl = f->musl;
	ret->entry = entry_point__find(reader, start, item->size, ret->function->args);
	for (size_t i = 0; i < n; i++) {
		const struct found *target = found_at(f, ways[i]);

		if (target)
			ret->inner |= 1u << target->place.function->op;
	}
}

/* What one is built on may be built on others in turn: musl's lock on timedlock, that on trylock.
 */
static void close_inner(struct lock_place *places, size_t n)
{
	bool changed = n > 0;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < n * n; i++) {
			struct lock_place *place = &places[i / n], *inner = &places[i % n];

			if (!(place->inner >> inner->function->op & 1) ||
			    !(inner->inner & ~place->inner))
				continue;
			place->inner |= inner->inner;
			changed = true;
		}
	}
}

size_t lock_functions__find(int fd, Elf *elf, struct lock_place **ret)
{
	_cleanup_(util__freep) struct finder *f = xcalloc(1, sizeof(*f));
	const struct code_reader reader = { .read = read_code, .context = &f->file };
	struct lock_place *places;
	GElf_Ehdr ehdr;
	size_t n = 0;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &ehdr) ||
	    ehdr.e_machine != arch__native()->machine || ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr.e_ident[EI_DATA] != ARCH_ELFDATA)
		return 0;
	f->file.fd = fd;
	read_segments(&f->file, elf);
	read_symbols(f, elf);
	if (f->n == 0)
		return 0;
	qsort(f->items, f->n, sizeof(f->items[0]), compare);
	places = xcalloc(f->n, sizeof(*places));
	for (size_t i = 0; i < f->n; i++) {
		if (!is_wrapper(f, &reader, &f->items[i]))
			locate(f, &reader, &f->items[i], &places[n++]);
	}
	close_inner(places, n);
	if (n > 0)
		*ret = places;
	else
		free(places);
	return n;
}
