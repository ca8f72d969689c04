// SPDX-License-Identifier: GPL-2.0-only
/* .gnu_debugdata: an ELF file inside of a file, packed by xz, with the symbols of its functions. */
#include <lzma.h>
#include <stdlib.h>

#include "elf_file.h"
#include "util.h"

#define PACKED_BYTES ((size_t)16 << 20)
#define IMAGE_BYTES  ((size_t)64 << 20)
#define MEMORY_BYTES ((uint64_t)80 << 20) /* of the decoder: xz -9 needs 65 MiB */

/* Unpacks into *image, from malloc. False if it is damaged or too large. */
static bool unpack(const Elf_Data *data, char **image, size_t *size)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	size_t room = MIN(4 * data->d_size + 4096, IMAGE_BYTES);
	char *bytes = xrealloc(NULL, room, 1);
	lzma_ret ret = lzma_stream_decoder(&stream, MEMORY_BYTES, 0);

	stream.next_in = data->d_buf;
	stream.avail_in = data->d_size;
	while (ret == LZMA_OK) {
		if (stream.total_out == room) {
			if (room == IMAGE_BYTES)
				break;
			room = MIN(2 * room, IMAGE_BYTES);
			bytes = xrealloc(bytes, room, 1);
		}
		stream.next_out = (uint8_t *)bytes + stream.total_out;
		stream.avail_out = room - stream.total_out;
		ret = lzma_code(&stream, LZMA_FINISH);
	}
	*size = stream.total_out;
	lzma_end(&stream);
	if (ret != LZMA_STREAM_END || *size == 0) {
		free(bytes);
		return false;
	}
	*image = xrealloc(bytes, *size, 1);
	return true;
}

Elf *elf_minidebug__open(Elf *elf, char **image)
{
	Elf_Scn *scn = elf_file__find(elf, ".gnu_debugdata");
	Elf_Data *data = scn ? elf_file__section(scn, PACKED_BYTES) : NULL;
	char *bytes;
	size_t size;
	Elf *inner;

	if (!data || !unpack(data, &bytes, &size))
		return NULL;
	inner = elf_memory(bytes, size);
	if (!inner || elf_kind(inner) != ELF_K_ELF) {
		elf_end(inner);
		free(bytes);
		return NULL;
	}
	*image = bytes;
	return inner;
}
