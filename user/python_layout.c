// SPDX-License-Identifier: GPL-2.0-only
#include "python_layout.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "util.h"

/*
 * Printed by offsetof() from the headers of 3.8.18, 3.9.18, 3.10.13, 3.11.2, 3.11.7, 3.12.1 and
 * 3.13.0. What versions have in common is a macro; a row of its own says the rest.
 */

#define NONE PYTHON_ABSENT

/* pthread_mutex_t is all that differs among machines: 40 bytes on x86_64, 48 on aarch64 (glibc). */
#define MUTEX	       ((int)sizeof(pthread_mutex_t))
#define MUTEXES_BEFORE (2 * (MUTEX - 40)) /* of the GIL, which stands in the runtime up to 3.11 */

/* begin: 8 more in free-threaded builds */
#define GIL(begin)                                                                              \
	{                                                                                       \
		.last_holder = (begin) + 8, .locked = (begin) + 16, .switches = (begin) + 24,   \
		.condition = (begin) + 32, .mutex = (begin) + 80,                               \
		.switch_condition = (begin) + 80 + MUTEX, .switch_mutex = (begin) + 128 + MUTEX \
	}

/* head: sizeof(PyObject), which ends with its type: 32 in free-threaded builds, else 16. */
#define OBJECT(head, ascii_at)                                                 \
	{                                                                      \
		.length = (head), .state = (head) + 16, .ascii = (ascii_at),   \
		.compact = (ascii_at) + ((ascii_at) - (head) == 32 ? 24 : 16), \
		.bytes = (head) + 16, .items = (head) + 8, .type = (head)-8    \
	}

#define TYPE(head, cached)                                                            \
	{                                                                             \
		.name = (head) + 8, .basic_size = (head) + 16, .flags = (head) + 152, \
		.dict_offset = (head) + 272, .cached_keys = (cached)                  \
	}

#define DICT_3_8                                                                          \
	{                                                                                 \
		.used = 16, .keys = 32, .values = 40, .log2_size = 8, .log2_index = NONE, \
		.kind = NONE, .n_entries = 32, .indices = 40, .values_begin = 0           \
	}

/* begin: of the array of values, in what ma_values points to */
#define DICT_3_11(head, begin)                                                              \
	{                                                                                   \
		.used = (head), .keys = (head) + 16, .values = (head) + 24, .log2_size = 8, \
		.log2_index = 9, .kind = 10, .n_entries = 24, .indices = 32,                \
		.values_begin = (begin)                                                     \
	}

#define LOCK(head)                                                                    \
	{                                                                             \
		.lock = (head), .rlock_owner = (head) + 8, .rlock_count = (head) + 16 \
	}

#define THREAD_3_8                                                                        \
	{                                                                                 \
		.next = 8, .interpreter = 16, .thread_id = 176, .native_thread_id = NONE, \
		.frame = 24, .cframe = NONE                                               \
	}

/* block: f_iblock, with all that follows it */
#define FRAME_3_8(last_instruction, block)                                                \
	{                                                                                 \
		.code = 32, .previous = 24, .globals = 48, .function = NONE,              \
		.instruction = (last_instruction), .owner = NONE, .slots = (block) + 248, \
		.blocks = (block), .block_stack = (block) + 8                             \
	}

#define CODE_3_8                                                                               \
	{                                                                                      \
		.file = 104, .name = 112, .qualified_name = NONE, .first_line = 40,            \
		.line_table = 120, .bytecode = 48, .exception_table = NONE, .names = 64,       \
		.variables = 72, .n_locals = 28, .n_slots = NONE, .cell_names = 88,            \
		.free_names = 80, .stack_size = 32, .n_arguments = 16, .first_traceable = NONE \
	}

#define FRAME_3_12                                                                          \
	{                                                                                   \
		.code = 0, .previous = 8, .globals = 24, .function = 16, .instruction = 56, \
		.owner = 70, .slots = 72, .blocks = NONE, .block_stack = NONE               \
	}

#define CODE_3_12(head, adaptive)                                                               \
	{                                                                                       \
		.file = (head) + 96, .name = (head) + 104, .qualified_name = (head) + 112,      \
		.first_line = (head) + 52, .line_table = (head) + 120, .bytecode = (adaptive),  \
		.exception_table = (head) + 24, .names = (head) + 16, .variables = (head) + 80, \
		.n_locals = (head) + 64, .n_slots = (head) + 56, .cell_names = NONE,            \
		.free_names = NONE, .stack_size = (head) + 48, .n_arguments = (head) + 36,      \
		.first_traceable = (adaptive)-16                                                \
	}

/* Pointers that stand before an object, counted backwards. */
#define IN_FRONT(n) (-8 * (n))

/* clang-format off */
#define BEFORE_3_11(minor_, key_, gil_, modules_, frame_, cached_)                \
	{                                                                         \
		.major = 3, .minor = (minor_),                                    \
		.runtime = { .interpreters_head = 32,                             \
			     .key = (key_) + MUTEXES_BEFORE, .gil = (gil_) },     \
		.interpreter = { .next = 0, .threads_head = 8, .gil = NONE,       \
				 .modules = (modules_) },                         \
		.thread = THREAD_3_8, .gil = GIL(0), .frame = frame_,             \
		.code = CODE_3_8, .object = OBJECT(16, 48),                       \
		.type = TYPE(16, cached_), .dict = DICT_3_8,                      \
		.managed_values = NONE, .managed_dict = NONE, .lock = LOCK(16),   \
	}

#define ROW_3_13(free_threaded_, head_, modules_, adaptive_, cached_, dict_)      \
	{                                                                         \
		.major = 3, .minor = 13, .free_threaded = (free_threaded_),       \
		.runtime = { .interpreters_head = 632, .key = 2164, .gil = NONE },\
		.interpreter = { .next = 7264, .threads_head = 7344, .gil = 16,   \
				 .modules = (modules_) },                         \
		.thread = { .next = 8, .interpreter = 16, .thread_id = 152,       \
			    .native_thread_id = 160, .frame = 72, .cframe = NONE }, \
		.gil = GIL((free_threaded_) ? 8 : 0), .frame = FRAME_3_12,        \
		.code = CODE_3_12(head_, adaptive_),                              \
		.object = OBJECT(head_, (head_) + 24),                            \
		.type = TYPE(head_, cached_), .dict = DICT_3_11(head_, 8),           \
		.managed_values = NONE, .managed_dict = (dict_),                  \
		.lock = LOCK(head_),                                              \
	}
/* clang-format on */

static const struct python_layout rows[] = {
	BEFORE_3_11(8, 1396, 1152, 56, FRAME_3_8(104, 112), 872),
	BEFORE_3_11(9, 588, 352, 856, FRAME_3_8(104, 112), 864),
	BEFORE_3_11(10, 588, 352, 856, FRAME_3_8(96, 104), 872),
	{
		.major = 3,
		.minor = 11,
		.runtime = { .interpreters_head = 40, .key = 596 + MUTEXES_BEFORE, .gil = 360 },
		.interpreter = { .next = 0, .threads_head = 16, .gil = NONE, .modules = 888 },
		.thread = { .next = 8,
			    .interpreter = 16,
			    .thread_id = 152,
			    .native_thread_id = 160,
			    .frame = 8,
			    .cframe = 56 },
		.gil = GIL(0),
		.frame = { .code = 32,
			   .previous = 48,
			   .globals = 8,
			   .function = 0,
			   .instruction = 56,
			   .owner = 68,
			   .slots = 72,
			   .blocks = NONE,
			   .block_stack = NONE },
		.code = { .file = 112,
			  .name = 120,
			  .qualified_name = 128,
			  .first_line = 72,
			  .line_table = 136,
			  .bytecode = 184,
			  .exception_table = 40,
			  .names = 32,
			  .variables = 96,
			  .n_locals = 80,
			  .n_slots = 76,
			  .cell_names = NONE,
			  .free_names = NONE,
			  .stack_size = 68,
			  .n_arguments = 56,
			  .first_traceable = 168 },
		.object = OBJECT(16, 48),
		.type = TYPE(16, 872),
		.dict = DICT_3_11(16, 0),
		.managed_values = IN_FRONT(4),
		.managed_dict = IN_FRONT(3),
		.lock = LOCK(16),
	},
	{
		.major = 3,
		.minor = 12,
		.runtime = { .interpreters_head = 40, .key = 1548, .gil = NONE },
		.interpreter = { .next = 0, .threads_head = 72, .gil = 384, .modules = 944 },
		.thread = { .next = 8,
			    .interpreter = 16,
			    .thread_id = 136,
			    .native_thread_id = 144,
			    .frame = 0,
			    .cframe = 56 },
		.gil = GIL(0),
		.frame = FRAME_3_12,
		.code = CODE_3_12(16, 192),
		.object = OBJECT(16, 40),
		.type = TYPE(16, 880),
		.dict = DICT_3_11(16, 0),
		.managed_values = NONE,
		.managed_dict = IN_FRONT(3),
		.lock = LOCK(16),
	},
	ROW_3_13(false, 16, 7656, 200, 880, IN_FRONT(3)),
};

/* The same headers with Py_GIL_DISABLED: printed, not run. */
static const struct python_layout free_threaded = ROW_3_13(true, 32, 7664, 216, 896, IN_FRONT(1));

const struct python_layout *python_layout__of(int major, int minor)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].major == major && rows[i].minor == minor)
			return &rows[i];
	return NULL;
}

#define WORDS_MAX 88 /* more than any version's that is known, all of 64 bits */

/* Sizes of PyTypeObject, which a type of a program begins with: what follows moves with it. */
#define TYPE_SIZE_3_13		     416
#define TYPE_SIZE_3_13_FREE_THREADED 432

/*
 * What _Py_DebugOffsets tells: the word that says it, and the word with the size of the struct that
 * it is in, in 3.13 (printed, run), and in 3.14 (read in its sources, not run).
 */
struct told {
	size_t to; /* an int of struct python_layout */
	uint8_t word[2], size[2];
};

#define TOLD(member, word_13, size_13, word_14, size_14)                      \
	{                                                                     \
		offsetof(struct python_layout, member), { word_13, word_14 }, \
		{                                                             \
			size_13, size_14                                      \
		}                                                             \
	}

enum { IN_3_13, IN_3_14 };

static const struct told told[] = {
	TOLD(runtime.interpreters_head, 5, 3, 5, 3),
	TOLD(interpreter.next, 8, 6, 8, 6),
	TOLD(interpreter.threads_head, 9, 6, 9, 6),
	TOLD(interpreter.modules, 11, 6, 12, 6),
	TOLD(interpreter.gil, 14, 6, 15, 6),
	TOLD(thread.next, 21, 19, 24, 22),
	TOLD(thread.interpreter, 22, 19, 25, 22),
	TOLD(thread.frame, 23, 19, 26, 22),
	TOLD(thread.thread_id, 24, 19, 27, 22),
	TOLD(thread.native_thread_id, 25, 19, 28, 22),
	TOLD(frame.previous, 29, 28, 32, 31),
	TOLD(frame.code, 30, 28, 33, 31),
	TOLD(frame.instruction, 31, 28, 34, 31),
	TOLD(frame.slots, 32, 28, 35, 31),
	TOLD(frame.owner, 33, 28, 36, 31),
	TOLD(code.file, 35, 34, 40, 39),
	TOLD(code.name, 36, 34, 41, 39),
	TOLD(code.qualified_name, 37, 34, 42, 39),
	TOLD(code.line_table, 38, 34, 43, 39),
	TOLD(code.first_line, 39, 34, 44, 39),
	TOLD(code.n_arguments, 40, 34, 45, 39),
	TOLD(code.variables, 41, 34, 46, 39),
	TOLD(code.bytecode, 43, 34, 48, 39),
	TOLD(object.type, 45, 44, 51, 50),
	TOLD(type.name, 47, 46, 53, 52),
	TOLD(type.flags, 49, 46, 55, 52),
	TOLD(object.items, 51, 50, 57, 56),
	TOLD(dict.keys, 57, 56, 67, 66),
	TOLD(dict.values, 58, 56, 68, 66),
	TOLD(object.bytes, 66, 64, 76, 74),
	TOLD(object.state, 68, 67, 78, 77),
	TOLD(object.length, 69, 67, 79, 77),
	TOLD(object.ascii, 70, 67, 80, 77),
};

/* Words of which only their difference, or their value, says something. */
enum { TYPE_SIZE, GIL_BEGIN, GIL_LOCKED, GIL_HOLDER, OBJECT_SIZE, LAST_WORD, OTHER_WORDS };
static const uint8_t other[OTHER_WORDS][2] = {
	[TYPE_SIZE] = { 46, 52 },  [GIL_BEGIN] = { 15, 16 },   [GIL_LOCKED] = { 17, 18 },
	[GIL_HOLDER] = { 18, 19 }, [OBJECT_SIZE] = { 44, 50 }, [LAST_WORD] = { 72, 82 },
};

/* Structs of the interpreter are at most so large: its own state, above all. */
#define STRUCT_MAX (16u << 20)

static int take_told(const uint64_t *words, int version, struct python_layout *l)
{
	const uint64_t begin = words[other[GIL_BEGIN][version]];
	const uint64_t type_size = words[other[TYPE_SIZE][version]];

	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		uint64_t at = words[told[i].word[version]];

		if (at >= words[told[i].size[version]] || words[told[i].size[version]] > STRUCT_MAX)
			return -EINVAL;
		*(int *)((char *)l + told[i].to) = (int)at;
	}
	if (words[other[OBJECT_SIZE][version]] != (l->free_threaded ? 32 : 16) ||
	    words[other[GIL_HOLDER][version]] - begin != (uint64_t)l->gil.last_holder ||
	    words[other[GIL_LOCKED][version]] - begin != (uint64_t)l->gil.locked)
		return -EINVAL;
	l->type.cached_keys +=
		(int)type_size - (l->free_threaded ? TYPE_SIZE_3_13_FREE_THREADED : TYPE_SIZE_3_13);
	return 0;
}

/* What 3.14 changed and does not tell. Read in its sources, not run. */
static void change_to_3_14(struct python_layout *l)
{
	l->minor = 14;
	l->runtime.key = NONE;
	l->frame.tag_bits = 3;
	l->code.first_traceable = NONE;
	l->locks_inside = true;
}

int python_layout__debug(const void *bytes, size_t size, struct python_layout *ret)
{
	uint64_t words[WORDS_MAX];
	struct python_layout l;
	uint32_t hex; /* PY_VERSION_HEX: major, minor, micro, then level and serial */
	int version;

	if (size < 3 * sizeof(*words) || memcmp(bytes, "xdebugpy", 8) != 0)
		return -ENOENT;
	memcpy(words, bytes, MIN(size, sizeof(words)));
	if (words[1] > UINT32_MAX || words[2] > 1)
		return -EINVAL;
	hex = (uint32_t)words[1];
	if (hex >> 16 != 0x030d && hex >> 16 != 0x030e)
		return -ENOTSUP;
	version = hex >> 16 == 0x030d ? IN_3_13 : IN_3_14;
	if (size < (other[LAST_WORD][version] + 1u) * sizeof(*words))
		return -EINVAL;
	l = words[2] ? free_threaded : *python_layout__of(3, 13);
	l.one_byte_locks = hex >= 0x030d0100;
	if (version == IN_3_14)
		change_to_3_14(&l);
	if (take_told(words, version, &l) != 0)
		return -EINVAL;
	*ret = l;
	return 0;
}
