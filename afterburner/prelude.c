/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "afterburner/prelude.h"

#include "afterburner/kinds.h"
#include "config.h"

#include <stdio.h>
#include <string.h>

/*
 * Numeric labels, because they leave no symbols behind; in a range of numbers that nobody writes:
 * 8886610 slot; 8886611-3 ranges.
 *
 * Padding is literal bytes: .skip, .nops and .p2align would start a new frag and make
 * the length of the slot unknown until gas has finished. The forms are the recommended multi-byte
 * NOPs (SDM vol. 2, NOP, table 4-12), valid since the Pentium Pro.
 */
static const char *const nops[] = {
    [1] = "0x90",
    [2] = "0x66,0x90",
    [3] = "0x0f,0x1f,0x00",
    [4] = "0x0f,0x1f,0x40,0x00",
    [7] = "0x0f,0x1f,0x80,0x00,0x00,0x00,0x00",
};

/*
 * Segment prefixes do nothing to an instruction without a memory operand; gas itself pads with them
 * (-malign-branch-prefix-size). CS, because DS and it are branch hints at worst (SDM vol.
 * 2, 2.1.1).
 */
static const char *const prefixes[] = {
    [2] = "0x2e,0x2e",
    [3] = "0x2e,0x2e,0x2e",
    [4] = "0x2e,0x2e,0x2e,0x2e",
};

unsigned prelude_prefixes(unsigned kind, const char *name, size_t size)
{
	bool word = size > 4 && name[size - 1] == 'w'; /* one prefix more */

	if (ab_kind_info[kind].pad != AB_PAD_PREFIX)
		return 0;
	switch (kind) {
	case AB_CLI:
	case AB_STI:
	case AB_HLT:
	case AB_PUSHF:
	case AB_POPF:
		return word ? 3 : 4;
	default:
		return 3;
	}
}

/* .Lab_on: 0 nothing is padded here, 1 everything, 2 (code of ring 3) only int. */
static void write_state(struct text *out, const struct prelude_options *o)
{
	bool x64 = o->isa == AB_ISA_X86_64;

	text_printf(out,
		    ".set " AB_SYMBOL_OFF ",%d\n.set " AB_SYMBOL_USER ",%d\n"
		    ".set .Lab_code,%d\n.set .Lab_intel,%d\n"
		    ".set .Lab_range,0\n.set .Lab_code_range,0\n"
		    ".macro ab_update\n"
		    ".set .Lab_on,1\n.set .Lab_flags,0\n"
		    ".if .Lab_code==32\n.set .Lab_flags,%d\n.endif\n"
		    ".if " AB_SYMBOL_USER
		    "\n.set .Lab_on,2\n.set .Lab_flags,.Lab_flags+%d\n.endif\n"
		    ".if " AB_SYMBOL_OFF "\n.set .Lab_on,0\n.endif\n"
		    ".if .Lab_code==16\n.set .Lab_on,0\n.endif\n%s"
		    ".endm\n",
		    o->off, o->user, x64 ? 64 : 32, o->intel, AB_F_CODE32 << 8, AB_F_USER << 8,
		    x64 ? "" : ".if .Lab_code==64\n.set .Lab_on,0\n.endif\n");
}

/* The first field of a record or range: the place of a label. high: of place, on i386. */
static void write_place(struct text *out, enum ab_isa isa, const char *label, unsigned high)
{
	if (isa == AB_ISA_X86_64)
		text_printf(out, ".quad %sb-.\n", label);
	else
		text_printf(out, ".long %sb-.,%u\n", label, high);
}

static void write_range_end(struct text *out, enum ab_isa isa, const char *symbol,
			    const char *label)
{
	text_printf(out, ".if %s\n8886613:\nab_ranges\n", symbol);
	write_place(out, isa, label, 0);
	text_printf(out, ".long 8886613b-%sb\n.short %s,0\n.popsection\n.set %s,0\n.endif\n", label,
		    symbol, symbol);
}

/*
 * Where records go: in the group of the section that they are of (the flag ?), and linked to it
 * (o), as ab_link says.
 */
static void write_sections(struct text *out, const struct prelude_options *o)
{
	/*
	 * In a module: where the guest's module loader keeps them, in memory, with the code that
	 * they are of. What it drops after initialization is named .init.*. They are linked to
	 * nothing, because loaders do not know what that means.
	 */
	if (o->module) {
		text_puts(out, ".macro ab_sites\n.endm\n.macro ab_ranges\n"
			       ".pushsection " AB_RANGE_SECTION ",\"a?\",@progbits\n.endm\n"
			       ".macro ab_link ab_l,ab_p\n"
			       ".purgem ab_sites\n.macro ab_sites\n"
			       ".pushsection \\ab_p\\()" AB_SECTION
			       ",\"a?\",@progbits\n.balign 4\n.endm\n.endm\nab_link .text\n");
		return;
	}
	text_puts(out, ".macro ab_sites\n.endm\n.macro ab_ranges\n.endm\n"
		       ".macro ab_link ab_l\n"
		       ".purgem ab_sites\n.macro ab_sites\n"
		       ".pushsection " AB_SECTION ",\"?o\",@progbits,\\ab_l\n.endm\n"
		       ".purgem ab_ranges\n.macro ab_ranges\n"
		       ".pushsection " AB_RANGE_SECTION ",\"?o\",@progbits,\\ab_l\n.endm\n"
		       ".endm\nab_link .text\n");
}

/* Ranges are opened and closed within a section: struct ab_range has a length. */
static void write_ranges(struct text *out, enum ab_isa isa)
{
	text_puts(out, ".macro ab_leave\n");
	write_range_end(out, isa, ".Lab_range", "8886611");
	write_range_end(out, isa, ".Lab_code_range", "8886612");
	text_printf(out,
		    ".endm\n.macro ab_enter\n"
		    ".if " AB_SYMBOL_OFF "\n.set .Lab_range,%d\n.elseif " AB_SYMBOL_USER
		    "\n.set .Lab_range,%d\n.endif\n.if .Lab_range\n8886611:\n.endif\n",
		    AB_RANGE_OFF, AB_RANGE_USER);
	text_printf(out, ".if .Lab_code==16\n.set .Lab_code_range,%d\n", AB_RANGE_CODE16);
	if (isa == AB_ISA_X86_64)
		text_printf(out, ".elseif .Lab_code==32\n.set .Lab_code_range,%d\n",
			    AB_RANGE_CODE32);
	else
		text_printf(out, ".elseif .Lab_code==64\n.set .Lab_code_range,%d\n",
			    AB_RANGE_CODE64);
	text_puts(out, ".endif\n.if .Lab_code_range\n8886612:\n.endif\n.endm\n"
		       ".macro ab_switch\nab_leave\nab_update\nab_enter\n.endm\n");
}

/*
 * The record of a slot that starts at 8886610 and ends here. The second half of struct ab_record is
 * two words: kind, insn_off and insn_len; slot_len and flags. The lengths are constants, or gas
 * says that the expression of .if is none.
 */
static void write_record(struct text *out, const struct prelude_options *o,
			 const char *off_and_length, unsigned flags)
{
	text_printf(
	    out,
	    ".set .Lab_slot,.-8886610b\n.if .Lab_slot<5\n.error \"slot of less than 5 bytes\"\n"
	    ".endif\nab_sites\n");
	write_place(out, o->isa, "8886610", o->module ? AB_MARK_PLACE : 0);
	text_printf(out, ".long \\ab_k+%s,.Lab_slot+.Lab_flags+%u\n.popsection\n", off_and_length,
		    flags << 8 | (o->module ? AB_MARK << 16 : 0));
}

static void write_after(struct text *out, const struct prelude_options *o, const char *name,
			const char *prefix)
{
	text_printf(out,
		    ".macro %s ab_k,ab_i:vararg\n.if .Lab_on==1\n8886610:%s \\ab_i\n"
		    ".set .Lab_n,.-8886610b\n",
		    name, prefix);
	for (int length = 1; length < 5; length++)
		text_printf(out, ".%s .Lab_n==%d\n.byte %s\n", length == 1 ? "if" : "elseif",
			    length, nops[5 - length]);
	text_puts(out, ".endif\n");
	write_record(out, o, ".Lab_n*0x1000000", 0);
	text_printf(out, ".else\n%s \\ab_i\n.endif\n.endm\n", prefix);
}

/* ab_n is the number of prefixes. */
static void write_prefixed(struct text *out, const struct prelude_options *o)
{
	text_puts(out, ".macro ab_prefixed ab_n,ab_k,ab_i:vararg\n.if .Lab_on==1\n"
		       "8886610: ab_prefix\\ab_n\n{nooptimize} \\ab_i\n");
	write_record(out, o, ".Lab_slot*0x1000000", 0);
	text_puts(out, ".else\n{nooptimize} \\ab_i\n.endif\n.endm\n");
}

/* ab_n is the number of padding bytes, which names the macro that holds them: ab_nop4. */
static void write_before(struct text *out, const struct prelude_options *o, const char *name,
			 const char *condition)
{
	text_printf(out,
		    ".macro %s ab_n,ab_k,ab_i:vararg\n.if %s\n8886610: ab_nop\\ab_n\n"
		    "{nooptimize} \\ab_i\n",
		    name, condition);
	write_record(out, o, "\\ab_n*0x10000+(.Lab_slot-\\ab_n)*0x1000000", AB_F_PAD_BEFORE);
	text_puts(out, ".else\n{nooptimize} \\ab_i\n.endif\n.endm\n");
}

/*
 * `int $3` assembles to the one-byte breakpoint, which is no site. Code of ring 3 has its `int`
 * padded as the kernel has.
 */
static void write_int(struct text *out)
{
	text_printf(
	    out,
	    ".macro int ab_i:vararg\n.set .Lab_bp,0\n"
	    ".irp ab_b,$3,$0x3,$0x03,3\n.ifc \\ab_i,\\ab_b\n.set .Lab_bp,1\n.endif\n.endr\n"
	    ".if .Lab_bp\n{nooptimize} int \\ab_i\n.else\nab_int 7,%d,int \\ab_i\n.endif\n.endm\n",
	    AB_INT);
}

/* The macro of one mnemonic. Those behind an interrupt shadow the scan sends to ab_site itself. */
static void write_mnemonic(struct text *out, unsigned kind, const char *name, size_t size)
{
	unsigned n = prelude_prefixes(kind, name, size);

	text_printf(out, ".macro %.*s ab_i:vararg\n", (int)size, name);
	if (n)
		text_printf(out, "ab_prefixed %u,%u,%.*s \\ab_i\n.endm\n", n, kind, (int)size,
			    name);
	else
		text_printf(out, "ab_site %u,%.*s \\ab_i\n.endm\n", kind, (int)size, name);
}

static void write_mnemonics(struct text *out)
{
	for (unsigned kind = AB_KIND_NONE + 1; kind < AB_NR_KINDS; kind++) {
		const char *p = ab_kind_info[kind].mnemonics;

		while (kind != AB_INT && *p) {
			size_t size = strcspn(p, " ");

			write_mnemonic(out, kind, p, size);
			p += size + (p[size] == ' ');
		}
	}
	write_int(out);
}

/*
 * Operands that are arguments of macros are looked up once they are known: the symbol
 * ".Lab_from_%cr0" holds the kind of a mov from %cr0. Quoted names may hold any character, so any
 * operand can be asked for.
 */
static void write_registers(struct text *out, const char *use, const char *registers, unsigned kind)
{
	while (*registers) {
		int size = (int)strcspn(registers, " ");

		text_printf(out, ".set \".Lab_%s_%%%.*s\",%u\n.set \".Lab_%s_%.*s\",%u\n", use,
			    size, registers, kind, use, size, registers, kind);
		registers += size + (registers[size] == ' ');
	}
}

#define CONTROL "cr0 cr2 cr3 cr4 cr8"
#define DEBUG "dr0 dr1 dr2 dr3 dr6 dr7 db0 db1 db2 db3 db6 db7"
#define SEGMENTS "ds es fs gs"

static void write_lookup(struct text *out, const char *use, const char *argument, unsigned before)
{
	text_printf(out, ".ifdef \".Lab_%s_\\%s\"\n.set .Lab_kind,\".Lab_%s_\\%s\"\n", use,
		    argument, use, argument);
	if (before)
		text_printf(out, ".if .Lab_kind==%u\nab_before %d,%u,\\ab_i\n.else\n", before,
			    before == AB_POP_SS ? 4 : 3, before);
	text_printf(out, "ab_site .Lab_kind,\\ab_i\n%s.else\n", before ? ".endif\n" : "");
}

static void write_mov_lookup(struct text *out, const char *from, const char *to)
{
	write_lookup(out, "from", from, 0);
	write_lookup(out, "to", to, AB_MOV_TO_SS);
	text_puts(out, "\\ab_i\n.endif\n.endif\n");
}

static void write_dispatchers(struct text *out)
{
	write_registers(out, "from", CONTROL, AB_MOV_FROM_CR);
	write_registers(out, "to", CONTROL, AB_MOV_TO_CR);
	write_registers(out, "from", DEBUG, AB_MOV_FROM_DR);
	write_registers(out, "to", DEBUG, AB_MOV_TO_DR);
	write_registers(out, "from", SEGMENTS " cs ss", AB_MOV_FROM_SEG);
	write_registers(out, "to", SEGMENTS, AB_MOV_TO_SEG);
	write_registers(out, "to", "ss", AB_MOV_TO_SS);
	write_registers(out, "push", SEGMENTS " cs ss", AB_PUSH_SEG);
	write_registers(out, "pop", SEGMENTS, AB_POP_SEG);
	write_registers(out, "pop", "ss", AB_POP_SS);
	text_puts(out, ".macro ab_mov ab_a,ab_b,ab_i:vararg\n.if .Lab_intel\n");
	write_mov_lookup(out, "ab_b", "ab_a");
	text_puts(out, ".else\n");
	write_mov_lookup(out, "ab_a", "ab_b");
	text_puts(out, ".endif\n.endm\n.macro ab_push ab_a,ab_i:vararg\n");
	write_lookup(out, "push", "ab_a", 0);
	text_puts(out, "\\ab_i\n.endif\n.endm\n.macro ab_pop ab_a,ab_i:vararg\n");
	write_lookup(out, "pop", "ab_a", AB_POP_SS);
	text_puts(out, "\\ab_i\n.endif\n.endm\n");
}

/* The mnemonic is an argument too: `\op \reg`. */
static void write_operations(struct text *out)
{
	static const char *const sizes[] = {"", "l", "w", "q"};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		text_printf(out,
			    ".set \".Lab_op2_mov%s\",1\n.set \".Lab_op1_push%s\",1\n"
			    ".set \".Lab_op1_pop%s\",2\n",
			    sizes[i], sizes[i], sizes[i]);
	text_puts(out, ".macro ab_op2 ab_o,ab_a,ab_b,ab_i:vararg\n.ifdef \".Lab_op2_\\ab_o\"\n"
		       "ab_mov \"\\ab_a\",\"\\ab_b\",\\ab_i\n.else\n\\ab_i\n.endif\n.endm\n"
		       ".macro ab_op1 ab_o,ab_a,ab_i:vararg\n.ifdef \".Lab_op1_\\ab_o\"\n"
		       ".if \".Lab_op1_\\ab_o\"==1\nab_push \"\\ab_a\",\\ab_i\n.else\n"
		       "ab_pop \"\\ab_a\",\\ab_i\n.endif\n.else\n\\ab_i\n.endif\n.endm\n");
}

static void write_note(struct text *out, enum ab_isa isa)
{
	unsigned major = 0, minor = 0, patch = 0;

	sscanf(PACKAGE_VERSION, "%u.%u.%u", &major, &minor, &patch);
	text_printf(out,
		    ".pushsection " AB_NOTE_SECTION ",\"\",@note\n.balign 4\n.long %zu,%zu,%d\n"
		    ".asciz \"" AB_NOTE_OWNER "\"\n.balign 4\n.long %d,%d,%u,0\n.popsection\n",
		    sizeof(AB_NOTE_OWNER), sizeof(struct ab_note), AB_NOTE_TYPE, AB_FORMAT_VERSION,
		    isa, major << 16 | minor << 8 | patch);
}

void prelude_write(struct text *out, const struct prelude_options *o)
{
	/*
	 * In a message about an instruction in a macro of ours gas gives the line in the macro with
	 * the name of the user's file, and the user's line only after it: let the former be an
	 * impossible one.
	 */
	text_puts(out, "# 1000001 \"<afterburner>\"\n");
	write_note(out, o->isa);
	write_state(out, o);
	write_sections(out, o);
	write_ranges(out, o->isa);
	for (size_t i = 1; i < sizeof(nops) / sizeof(nops[0]); i++)
		if (nops[i])
			text_printf(out, ".macro ab_nop%zu\n.byte %s\n.endm\n", i, nops[i]);
	for (size_t i = 2; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		text_printf(out, ".macro ab_prefix%zu\n.byte %s\n.endm\n", i, prefixes[i]);
	write_prefixed(out, o);
	write_after(out, o, "ab_site", "{nooptimize}");
	write_after(out, o, "ab_bytes", "");
	write_before(out, o, "ab_before", ".Lab_on==1");
	write_before(out, o, "ab_int", ".Lab_on");
	write_mnemonics(out);
	write_dispatchers(out);
	write_operations(out);
	text_puts(out, "ab_switch\n");
}

void prelude_end(struct text *out)
{
	text_puts(out, "\nab_leave\n");
}
