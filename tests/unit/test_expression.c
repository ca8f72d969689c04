// SPDX-License-Identifier: GPL-2.0-only
/* expression.c: what DWARF expressions of call frame tables give, and which are refused. */
#include <dwarf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../user/expression.h"
#include "../../user/util.h"

static bool run(const Dwarf_Op *ops, size_t n, uint64_t *ret, bool *value)
{
	static const uint64_t stack[] = { 0x1122334455667788, 42 };
	struct machine_state s = {
		.arch = arch__native(),
		.r = { [7] = 0x1000, [16] = 0x40000b },
		.known = 1 << 7 | 1 << 16,
		.cfa = 0x1010,
		.cfa_known = true,
		.base = 0x1000,
		.stack = (const uint8_t *)stack,
		.stack_len = sizeof(stack),
	};

	return expression__run(&s, ops, n, ret, value);
}

/* The rule of a PLT entry: rsp + 8, and 8 more once the entry has pushed. */
static void test_expression_plt(void **state)
{
	const Dwarf_Op ops[] = {
		{ DW_OP_breg7, 8, 0, 0 }, { DW_OP_breg16, 0, 0, 0 }, { DW_OP_lit15, 0, 0, 0 },
		{ DW_OP_and, 0, 0, 0 },	  { DW_OP_lit11, 0, 0, 0 },  { DW_OP_ge, 0, 0, 0 },
		{ DW_OP_lit3, 0, 0, 0 },  { DW_OP_shl, 0, 0, 0 },    { DW_OP_plus, 0, 0, 0 },
	};
	uint64_t result;
	bool value;

	(void)state;
	assert_true(run(ops, ARRAY_SIZE(ops), &result, &value));
	assert_int_equal(result, 0x1010);
	assert_false(value);
}

#define CASE(...) .ops = { __VA_ARGS__ }

static const struct {
	Dwarf_Op ops[5];
	size_t n;
	bool ok, value;
	uint64_t result;
} cases[] = {
	{ CASE({ DW_OP_bregx, 7, 16, 0 }), 1, true, false, 0x1010 },
	{ CASE({ DW_OP_regx, 7, 0, 0 }), 1, true, true, 0x1000 },
	{ CASE({ DW_OP_reg7, 0, 0, 0 }), 1, true, true, 0x1000 },
	{ CASE({ DW_OP_call_frame_cfa, 0, 0, 0 }, { DW_OP_plus_uconst, -8, 0, 0 }), 2, true, false,
	  0x1008 },
	{ CASE({ DW_OP_call_frame_cfa, 0, 0, 0 }, { DW_OP_stack_value, 0, 0, 0 }), 2, true, true,
	  0x1010 },
	{ CASE({ DW_OP_breg7, 8, 0, 0 }, { DW_OP_deref, 0, 0, 0 }), 2, true, false, 42 },
	{ CASE({ DW_OP_breg7, 0, 0, 0 }, { DW_OP_deref_size, 2, 0, 0 }), 2, true, false, 0x7788 },
	{ CASE({ DW_OP_const8u, 7, 0, 0 }, { DW_OP_lit3, 0, 0, 0 }, { DW_OP_minus, 0, 0, 0 }), 3,
	  true, false, 4 },
	{ CASE({ DW_OP_lit7, 0, 0, 0 }, { DW_OP_lit3, 0, 0, 0 }, { DW_OP_swap, 0, 0, 0 },
	       { DW_OP_drop, 0, 0, 0 }),
	  4, true, false, 3 },
	{ CASE({ DW_OP_lit7, 0, 0, 0 }, { DW_OP_lit3, 0, 0, 0 }, { DW_OP_over, 0, 0, 0 },
	       { DW_OP_mul, 0, 0, 0 }),
	  4, true, false, 21 },
	{ CASE({ DW_OP_consts, -1, 0, 0 }, { DW_OP_lit1, 0, 0, 0 }, { DW_OP_lt, 0, 0, 0 }), 3, true,
	  false, 1 },
	{ CASE({ DW_OP_lit1, 0, 0, 0 }, { DW_OP_const1u, 200, 0, 0 }, { DW_OP_shl, 0, 0, 0 }), 3,
	  true, false, 0 },
	/* below, above and across the end of the copy */
	{ CASE({ DW_OP_breg7, -8, 0, 0 }, { DW_OP_deref, 0, 0, 0 }), 2, false, false, 0 },
	{ CASE({ DW_OP_breg7, 16, 0, 0 }, { DW_OP_deref, 0, 0, 0 }), 2, false, false, 0 },
	{ CASE({ DW_OP_breg7, 9, 0, 0 }, { DW_OP_deref, 0, 0, 0 }), 2, false, false, 0 },
	{ CASE({ DW_OP_breg7, 0, 0, 0 }, { DW_OP_deref_size, 3, 0, 0 }), 2, false, false, 0 },
	{ CASE({ DW_OP_breg3, 0, 0, 0 }), 1, false, false, 0 },	 /* not known */
	{ CASE({ DW_OP_bregx, 17, 0, 0 }), 1, false, false, 0 }, /* no such register */
	{ CASE({ DW_OP_bregx, 1ull << 40, 0, 0 }), 1, false, false, 0 },
	{ CASE({ DW_OP_plus, 0, 0, 0 }), 1, false, false, 0 }, /* nothing on the stack */
	{ CASE({ DW_OP_dup, 0, 0, 0 }), 1, false, false, 0 },
	{ CASE({ DW_OP_drop, 0, 0, 0 }), 1, false, false, 0 },
	{ CASE({ DW_OP_deref, 0, 0, 0 }), 1, false, false, 0 },
	{ CASE({ DW_OP_lit1, 0, 0, 0 }, { DW_OP_swap, 0, 0, 0 }), 2, false, false, 0 },
	{ CASE({ DW_OP_lit1, 0, 0, 0 }, { DW_OP_over, 0, 0, 0 }), 2, false, false, 0 },
	{ CASE({ DW_OP_nop, 0, 0, 0 }), 1, false, false, 0 },
	{ CASE({ DW_OP_lit1, 0, 0, 0 }, { DW_OP_skip, -3, 0, 0 }), 2, false, false, 0 },
	{ CASE({ DW_OP_lit1, 0, 0, 0 }), 0, false, false, 0 },
};

/* One row for each family of operations, and everything that must be refused. */
static void test_expression(void **state)
{
	Dwarf_Op many[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t result = 0;
		bool value = false, ok = run(cases[i].ops, cases[i].n, &result, &value);

		if (ok != cases[i].ok ||
		    (ok && (result != cases[i].result || value != cases[i].value)))
			fail_msg("row %zu: ok %d result %lx value %d", i, ok, result, value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (Dwarf_Op){ .atom = DW_OP_lit1 };
	assert_false(run(many, 17, &(uint64_t){ 0 }, &(bool){ 0 })); /* too deep */
	assert_true(run(many, 16, &(uint64_t){ 0 }, &(bool){ 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expression_plt),
		cmocka_unit_test(test_expression),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
