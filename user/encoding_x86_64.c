// SPDX-License-Identifier: GPL-2.0-only
/* Opcode maps: Intel's manual, volume 2, appendix A; its section 2 for the prefixes. */
#include "encoding_x86_64.h"

#include <errno.h>

#include "decode_x86_64.h"

#define ARITHMETIC(at)                                                          \
	[at] = M | RM | BYTE, [(at) + 1] = M | RM, [(at) + 2] = M | REG | BYTE, \
	[(at) + 3] = M | REG, [(at) + 4] = B, [(at) + 5] = Z

static const uint16_t one_byte[256] = {
	ARITHMETIC(0x00),
	ARITHMETIC(0x08),
	ARITHMETIC(0x10),
	ARITHMETIC(0x18),
	ARITHMETIC(0x20),
	ARITHMETIC(0x28),
	ARITHMETIC(0x30),
	[0x38 ... 0x3b] = M,
	[0x3c] = B,
	[0x3d] = Z, /* cmp */
	[0x50 ... 0x57] = V,
	[0x58 ... 0x5f] = V | OP,
	[0x63] = M | REG,
	[0x68] = Z,
	[0x69] = M | Z | REG,
	[0x6a] = B,
	[0x6b] = M | B | REG,
	[0x6c ... 0x6f] = V,
	[0x70 ... 0x7f] = S,
	[0x80] = M | B | RM | BYTE,
	[0x81] = M | Z | RM,
	[0x83] = M | B | RM,
	[0x84 ... 0x85] = M,
	[0x86] = M | RM | REG | BYTE,
	[0x87] = M | RM | REG,
	[0x88] = M | RM | BYTE,
	[0x89] = M | RM,
	[0x8a] = M | REG | BYTE,
	[0x8b] = M | REG,
	[0x8c] = M | RM,
	[0x8d] = M | REG,
	[0x8e] = M,
	[0x8f] = M | RM,
	[0x90 ... 0x97] = V | OP,
	[0x98 ... 0x99] = V,
	[0x9b ... 0x9f] = V,
	[0xa0 ... 0xa7] = V,
	[0xa8] = B,
	[0xa9] = Z,
	[0xaa ... 0xaf] = V,
	[0xb0 ... 0xb7] = B | OP | BYTE,
	[0xb8 ... 0xbf] = Z | OP,
	[0xc0] = M | B | RM | BYTE,
	[0xc1] = M | B | RM,
	[0xc2] = H,
	[0xc3] = V,
	[0xc6] = M | B | RM | BYTE,
	[0xc7] = M | Z | RM,
	[0xc8] = H | B,
	[0xc9] = V,
	[0xca] = H,
	[0xcb ... 0xcc] = V,
	[0xcd] = B,
	[0xcf] = V,
	[0xd0] = M | RM | BYTE,
	[0xd1] = M | RM,
	[0xd2] = M | RM | BYTE,
	[0xd3] = M | RM,
	[0xd7] = V,
	[0xd8 ... 0xdf] = M,
	[0xe0 ... 0xe3] = S,
	[0xe4 ... 0xe7] = B,
	[0xe8 ... 0xe9] = L,
	[0xeb] = S,
	[0xec ... 0xef] = V,
	[0xf1] = V,
	[0xf4 ... 0xf5] = V,
	[0xf6] = M | BYTE,
	[0xf7] = M,
	[0xf8 ... 0xfd] = V,
	[0xfe] = M | RM | BYTE,
	[0xff] = M,
};

static const uint16_t two_byte[256] = {
	/* after 0f */
	[0x00 ... 0x01] = M | RM,
	[0x02 ... 0x03] = M | REG,
	[0x05 ... 0x09] = V,
	[0x0b] = V,
	[0x0d] = M,
	[0x0e] = V,
	[0x10 ... 0x1d] = M,
	[0x1e] = M | RM,
	[0x1f] = M,
	[0x20 ... 0x21] = M | RM,
	[0x22 ... 0x23] = M,
	[0x28 ... 0x2b] = M,
	[0x2c ... 0x2d] = M | REG | SIMD,
	[0x2e ... 0x2f] = M,
	[0x30 ... 0x35] = V,
	[0x37] = V,
	[0x40 ... 0x4f] = M | REG,
	[0x50] = M | REG | SIMD,
	[0x51 ... 0x6f] = M,
	[0x70 ... 0x73] = M | B,
	[0x74 ... 0x76] = M,
	[0x77] = V,
	[0x78] = M | RM,
	[0x79] = M,
	[0x7c ... 0x7d] = M,
	[0x7e] = M | RM | SIMD,
	[0x7f] = M,
	[0x80 ... 0x8f] = L,
	[0x90 ... 0x9f] = M | RM | BYTE,
	[0xa0 ... 0xa2] = V,
	[0xa3] = M,
	[0xa4] = M | B | RM,
	[0xa5] = M | RM,
	[0xa8 ... 0xaa] = V,
	[0xab] = M | RM,
	[0xac] = M | B | RM,
	[0xad] = M | RM,
	[0xae] = M | RM,
	[0xaf] = M | REG,
	[0xb0] = M | RM | BYTE,
	[0xb1] = M | RM,
	[0xb2] = M | REG,
	[0xb3] = M | RM,
	[0xb4 ... 0xb8] = M | REG,
	[0xb9] = M,
	[0xba] = M | B | RM,
	[0xbb] = M | RM,
	[0xbc ... 0xbf] = M | REG,
	[0xc0] = M | RM | REG | BYTE,
	[0xc1] = M | RM | REG,
	[0xc2] = M | B,
	[0xc3] = M,
	[0xc4] = M | B,
	[0xc5] = M | B | REG | SIMD,
	[0xc6] = M | B,
	[0xc7] = M | RM,
	[0xc8 ... 0xcf] = V | OP,
	[0xd0 ... 0xd6] = M,
	[0xd7] = M | REG | SIMD,
	[0xd8 ... 0xff] = M,
};

/* Opcodes of map 1 (0f) that VEX and EVEX have too: those of SIMD and of mask registers. */
static const struct {
	uint8_t first, last;
} vex_opcodes[] = {
	{ 0x10, 0x17 }, { 0x28, 0x2f }, { 0x41, 0x47 }, { 0x4a, 0x4b },
	{ 0x50, 0x7f }, { 0x90, 0x93 }, { 0x98, 0x99 }, { 0xae, 0xae },
	{ 0xc2, 0xc2 }, { 0xc4, 0xc6 }, { 0xd0, 0xfe },
};

/* n bytes as a signed number; 0, or -ENODATA. */
static int take(struct encoding *d, unsigned int n, int64_t *ret)
{
	uint64_t v = 0;

	if (d->at + n > INSN_LENGTH_MAX)
		return -EILSEQ;
	if (d->at + n > d->size)
		return -ENODATA;
	for (unsigned int i = 0; i < n; i++)
		v |= (uint64_t)d->code[d->at + i] << 8 * i;
	d->at += n;
	if (n > 0 && n < 8 && v >> (8 * n - 1))
		v |= UINT64_MAX << 8 * n;
	*ret = (int64_t)v;
	return 0;
}

static int take_byte(struct encoding *d, uint8_t *ret)
{
	int64_t v;
	int r = take(d, 1, &v);

	if (r == 0)
		*ret = (uint8_t)v;
	return r;
}

static unsigned int prefix_of(uint8_t byte)
{
	switch (byte) {
	case 0x66:
		return OPERAND_SIZE;
	case 0x67:
		return ADDRESS_SIZE;
	case 0xf2:
		return REPNE;
	case 0xf3:
		return REP;
	case 0xf0:
		return LOCK;
	default:
		return 0;
	}
}

static bool is_segment(uint8_t byte)
{
	return byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x26 || byte == 0x64 ||
	       byte == 0x65;
}

static bool in_vex_map(uint8_t opcode)
{
	for (size_t i = 0; i < sizeof(vex_opcodes) / sizeof(vex_opcodes[0]); i++)
		if (opcode >= vex_opcodes[i].first && opcode <= vex_opcodes[i].last)
			return true;
	return false;
}

static int vector_flags(struct encoding *d, bool evex)
{
	/* Which of the operands are general registers differs; all of them could be. */
	const uint16_t written = RM | REG | SIMD;

	if (d->map == 1 && d->opcode == 0x77 && !evex) {
		d->flags = V; /* vzeroupper */
		return 0;
	}
	/* 5 and 6: half-precision numbers */
	if (d->map == 1 ? !in_vex_map(d->opcode) || d->opcode == 0x77
			: d->map != 2 && d->map != 3 && !(evex && (d->map == 5 || d->map == 6)))
		return -EILSEQ;
	d->flags = M | written;
	if (d->map == 3 || (d->map == 1 && two_byte[d->opcode] & B & ~V))
		d->flags |= B;
	return 0;
}

/* c5, c4 and 62: the bits of REX inverted, the map, a third operand; then the opcode. */
static int take_vector(struct encoding *d, uint8_t escape)
{
	uint8_t p[3] = { 0 }, n = escape == 0x62 ? 3 : escape == 0xc4 ? 2 : 1;
	int r = 0;

	if (d->has_rex || d->prefixes & ~ADDRESS_SIZE)
		return -EILSEQ;
	for (uint8_t i = 0; i < n && r == 0; i++)
		r = take_byte(d, &p[i]);
	if (r == 0)
		r = take_byte(d, &d->opcode);
	if (r < 0)
		return r;
	d->vector = true;
	d->r = !(p[0] & 0x80);
	d->map = 1;
	d->vvvv = ~p[n == 1 ? 0 : 1] >> 3 & 15;
	if (n > 1) {
		d->x = !(p[0] & 0x40);
		d->b = !(p[0] & 0x20);
		d->w = p[1] >> 7;
		d->map = p[0] & (n == 3 ? 7 : 31);
	}
	/* Bits that are fixed; what they became in later processors is not known here. */
	if (n == 3 && (p[0] & 8 || !(p[1] & 4)))
		return -EILSEQ;
	return vector_flags(d, n == 3);
}

static int take_opcode(struct encoding *d)
{
	uint8_t byte;
	int r;

	while ((r = take_byte(d, &byte)) == 0 && (prefix_of(byte) || is_segment(byte))) {
		d->prefixes |= prefix_of(byte);
		d->segment |= byte == 0x64 || byte == 0x65;
	}
	if (r == 0 && byte >> 4 == 4) {
		d->has_rex = true;
		d->w = byte >> 3 & 1;
		d->r = byte >> 2 & 1;
		d->x = byte >> 1 & 1;
		d->b = byte & 1;
		r = take_byte(d, &byte);
	}
	if (r < 0)
		return r;
	if (byte == 0xc4 || byte == 0xc5 || byte == 0x62)
		return take_vector(d, byte);
	d->opcode = byte;
	d->flags = one_byte[byte];
	if (byte != 0x0f)
		return d->flags ? 0 : -EILSEQ;
	d->map = 1;
	r = take_byte(d, &d->opcode);
	if (r < 0)
		return r;
	d->flags = two_byte[d->opcode];
	if (d->opcode == 0x38 || d->opcode == 0x3a) {
		d->map = d->opcode == 0x38 ? 2 : 3;
		d->flags = d->map == 2 ? M | REG | SIMD : M | B | REG | RM | SIMD;
		return take_byte(d, &d->opcode);
	}
	return d->flags ? 0 : -EILSEQ;
}

static int take_modrm(struct encoding *d)
{
	uint8_t byte, sib;
	int64_t v;
	int r = take_byte(d, &byte);

	if (r < 0)
		return r;
	d->mod = byte >> 6;
	d->reg = (byte >> 3 & 7) | d->r << 3;
	d->rm = (byte & 7) | d->b << 3;
	d->base = d->rm;
	/* Control and debug registers: what says memory elsewhere is ignored. */
	if (d->map == 1 && !d->vector && d->opcode >= 0x20 && d->opcode <= 0x23)
		d->mod = 3;
	if (d->mod == 3)
		return 0;
	if ((byte & 7) == 4) {
		r = take_byte(d, &sib);
		if (r < 0)
			return r;
		d->base = (sib & 7) | d->b << 3;
		d->indexed = (sib >> 3 & 7) != 4 || d->x;
	}
	if (d->mod == 0 && (d->base & 7) == 5) {
		/* rip in place of rbp, or no register at all: one word that never moves */
		d->base = X86_NONE;
		d->mod = 2;
	}
	r = take(d, d->mod == 2 ? 4 : d->mod, &v);
	if (r == 0)
		d->displacement = (int32_t)v;
	return r;
}

/* Encodings that one opcode's row cannot tell. */
static int refine(struct encoding *d)
{
	uint8_t digit = d->reg & 7, op = d->opcode;
	bool narrow_branch = d->prefixes & OPERAND_SIZE && !d->w;

	if (d->vector || d->map > 1)
		return 0;
	if (d->map == 1) {
		bool other = d->prefixes & (OPERAND_SIZE | REPNE);

		if ((op == 0x78 || op == 0x79) && other)
			return -EILSEQ; /* AMD's extrq and insertq */
		if (op == 0xb8 && !(d->prefixes & REP))
			return -EILSEQ;
		if (op == 0x7e && d->prefixes & REP)
			d->flags &= ~RM;
		if (op == 0xba && digit < 5)
			d->flags &= ~RM;
		return op >= 0x80 && op <= 0x8f && narrow_branch ? -EILSEQ : 0;
	}
	switch (op) {
	case 0x80:
	case 0x81:
	case 0x83:
		if (digit == 7) /* cmp */
			d->flags &= ~RM;
		return 0;
	case 0x8f: /* else AMD's XOP */
		return digit ? -EILSEQ : 0;
	case 0xc6:
	case 0xc7: /* xabort and xbegin among them */
		return digit ? -EILSEQ : 0;
	case 0xf6:
	case 0xf7:
		if (digit < 2)
			d->flags |= op == 0xf6 ? B : Z;
		else if (digit < 4)
			d->flags |= RM;
		return 0;
	case 0xfe:
		return digit > 1 ? -EILSEQ : 0;
	case 0xff:
		if (digit < 2)
			d->flags |= RM;
		if ((digit == 2 || digit == 4) && narrow_branch)
			return -EILSEQ;
		return digit == 7 || ((digit == 3 || digit == 5) && d->mod == 3) ? -EILSEQ : 0;
	default: /* a branch with 16 bits of target is one maker's, with 32 another's */
		return d->flags & (S | L) & ~V && narrow_branch && op >= 0xe0 ? -EILSEQ : 0;
	}
}

static int take_immediates(struct encoding *d)
{
	bool narrow = d->prefixes & OPERAND_SIZE && !d->w;
	unsigned int sizes[4] = { 0 }, n = 0;
	int64_t v = 0;
	int r = 0;

	if (d->flags & H & ~V)
		sizes[n++] = 2;
	if (d->flags & (B | S) & ~V)
		sizes[n++] = 1;
	if (d->flags & Z & ~V)
		sizes[n++] = narrow ? 2 : d->map == 0 && d->w && d->opcode >> 3 == 0x17 ? 8 : 4;
	if (d->flags & L & ~V)
		sizes[n++] = 4;
	if (d->map == 0 && !d->vector && d->opcode >= 0xa0 && d->opcode <= 0xa3)
		sizes[n++] = d->prefixes & ADDRESS_SIZE ? 4 : 8;
	for (unsigned int i = 0; i < n && r == 0; i++)
		r = take(d, sizes[i], &v);
	d->immediate = v;
	return r;
}

int encoding__read(const uint8_t *code, size_t size, struct encoding *ret)
{
	struct encoding d = { .code = code, .size = size };
	int r = take_opcode(&d);

	if (r == 0 && d.flags & M & ~V)
		r = take_modrm(&d);
	if (r == 0)
		r = refine(&d);
	if (r == 0)
		r = take_immediates(&d);
	if (r == 0)
		*ret = d;
	return r;
}
