/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The GCC plugin: finds the memory operations that a profile or an attribute names, and puts
 * `.set .Lafterburner_memory` around them for the assembler pass. It looks at the very end, when
 * each instruction of RTL is one of the machine, and prints while GCC does: no RTL is added or
 * moved, so that nothing else changes. The text of an asm statement is extended instead.
 *
 *   -fplugin=.../afterburner.so -fplugin-arg-afterburner-profile=FILE
 *
 * C in all but the name: GCC's headers are C++.
 */
#include "gcc-plugin.h"

#include "plugin-version.h"

#include "tree.h"

#include "rtl.h"

#include "memmodel.h"
#include "stringpool.h"

#include "context.h"
#include "diagnostic-core.h"
#include "emit-rtl.h"
#include "function.h"
#include "opts.h"
#include "options.h"
#include "output.h"
#include "rtl-iter.h"
#include "sbitmap.h"
#include "target.h"
#include "toplev.h"
#include "tree-pass.h"

#include "afterburner/plugin.h"

int plugin_is_GPL_compatible;

#define MARK ".set .Lafterburner_memory, 1"
#define UNMARK ".set .Lafterburner_memory, 0"

/* Instructions of the current function to be marked, by UID. */
static sbitmap marked;

static void (*next_before)(FILE *, rtx_insn *);
static void (*next_after)(FILE *, rtx_insn *, rtx *, int);

static bool is_marked(const rtx_insn *insn)
{
	return INSN_P(insn) && marked && (unsigned)INSN_UID(insn) < SBITMAP_SIZE(marked) &&
	       bitmap_bit_p(marked, INSN_UID(insn));
}

static void before_insn(FILE *f, rtx_insn *insn)
{
	if (next_before)
		next_before(f, insn);
	if (is_marked(insn))
		fputs("\t" MARK "\n", f);
}

static void after_insn(FILE *f, rtx_insn *insn, rtx *operands, int n)
{
	if (is_marked(insn))
		fputs("\t" UNMARK "\n", f);
	if (next_after)
		next_after(f, insn, operands, n);
}

/* The register that an address starts from, null if there is none. */
static const_rtx base_of(const_rtx address)
{
	while (GET_CODE(address) == PLUS || GET_CODE(address) == PRE_DEC ||
	       GET_CODE(address) == PRE_MODIFY || GET_CODE(address) == POST_INC)
		address = XEXP(address, 0);
	return REG_P(address) ? address : NULL;
}

/* Neither page tables nor devices are on the stack or among the constants. */
static bool may_be_sensitive(const_rtx mem)
{
	const_rtx base = base_of(XEXP(mem, 0));

	if (MEM_READONLY_P(mem) || GET_CODE(XEXP(mem, 0)) == SCRATCH)
		return false;
	if (!base)
		return true;
	return REGNO(base) != STACK_POINTER_REGNUM &&
	       !(frame_pointer_needed && REGNO(base) == HARD_FRAME_POINTER_REGNUM);
}

static void note_store(rtx to, const_rtx setter, void *arg)
{
	struct memory_use *use = (struct memory_use *)arg;

	while (GET_CODE(to) == SUBREG || GET_CODE(to) == ZERO_EXTRACT ||
	       GET_CODE(to) == STRICT_LOW_PART)
		to = XEXP(to, 0);
	if (!MEM_P(to) || GET_CODE(setter) == CLOBBER || !may_be_sensitive(to))
		return;
	use->store = true;
	use->attribute |= attribute_of_operand(to);
}

static void note_load(rtx *from, void *arg)
{
	struct memory_use *use = (struct memory_use *)arg;
	subrtx_iterator::array_type array;

	FOR_EACH_SUBRTX(iter, array, *from, NONCONST)
	if (MEM_P(*iter) && may_be_sensitive(*iter)) {
		use->load = true;
		use->attribute |= attribute_of_operand(*iter);
	}
}

/* The text of an asm statement, null if the instruction is none. */
static const char **asm_text(rtx pattern)
{
	rtx operands = extract_asm_operands(pattern);

	if (GET_CODE(pattern) == PARALLEL && GET_CODE(XVECEXP(pattern, 0, 0)) == ASM_INPUT)
		pattern = XVECEXP(pattern, 0, 0);
	if (GET_CODE(pattern) == ASM_INPUT)
		return &XSTR(pattern, 0);
	return operands ? &XSTR(operands, 0) : NULL;
}

/* Where an instruction is. */
struct where {
	expanded_location place; /* its own */
	expanded_location row;   /* that the line table has for it */
	bool function;           /* the function has the attribute */
};

static bool is_wanted(const struct memory_use *use, const struct where *at)
{
	return profile_places_match(&at->row, use) || profile_places_match(&at->place, use) ||
	       use->attribute || at->function || attribute_of_place(&at->place);
}

static bool is_blank(const char *text)
{
	return !text[strspn(text, " \t\n;")];
}

/*
 * An asm statement may access memory by registers of which GCC does not know that they are
 * pointers, and in more than one way: there the place decides, and the pass finds the instructions.
 */
static void mark_asm(const char **text, struct memory_use *use, const struct where *at)
{
	use->load = use->store = use->text = true;
	if (!is_blank(*text) && is_wanted(use, at))
		*text = ggc_strdup(ACONCAT((MARK "; ", *text, "\n\t" UNMARK, NULL)));
}

static void consider(rtx_insn *insn, const struct where *at)
{
	rtx pattern = PATTERN(insn);
	struct memory_use use = {false, false, false, false};
	const char **text = asm_text(pattern);

	if (GET_CODE(pattern) == USE || GET_CODE(pattern) == CLOBBER)
		return;
	if (!text && !NONJUMP_INSN_P(insn))
		return;
	note_pattern_stores(pattern, note_store, &use);
	note_uses(&PATTERN(insn), note_load, &use);
	if (text)
		mark_asm(text, &use, at);
	else if ((use.load || use.store) && is_wanted(&use, at))
		bitmap_set_bit(marked, INSN_UID(insn));
}

/*
 * The line table's row for an instruction without a place of its own is that of the one before it,
 * or of a marker where a statement begins: that is the place that a profile has. A function without
 * debug information (one that was found to be the same as another) has one row for all.
 */
static void next_place(const rtx_insn *insn, struct where *at)
{
	expanded_location own = {NULL, 0, 0, NULL, false};

	if (NOTE_P(insn) && NOTE_MARKER_P(insn))
		own = expand_location(NOTE_MARKER_LOCATION(insn));
	else if (NONDEBUG_INSN_P(insn) && INSN_HAS_LOCATION(insn))
		own = insn_location(insn);
	if (!own.file || !own.line)
		return;
	at->place = own;
	if (!DECL_IGNORED_P(current_function_decl))
		at->row = own;
}

static const struct pass_data pass_data_mark = {
    RTL_PASS, "afterburner", OPTGROUP_NONE, TV_NONE, 0, 0, 0, 0, 0,
};

struct pass_mark : public rtl_opt_pass {
	pass_mark(gcc::context *c) : rtl_opt_pass(pass_data_mark, c)
	{
	}

	unsigned int execute(function *fn) override
	{
		expanded_location first = expand_location(prologue_location);
		struct where at = {first, first, attribute_of_function(fn->decl)};

		if (marked)
			sbitmap_free(marked);
		marked = sbitmap_alloc(get_max_uid() + 1);
		bitmap_clear(marked);
		for (rtx_insn *insn = get_insns(); insn; insn = NEXT_INSN(insn)) {
			next_place(insn, &at);
			if (NONDEBUG_INSN_P(insn))
				consider(insn, &at);
		}
		return 0;
	}
};

static void finish_unit(void *, void *)
{
	if (asm_out_file)
		profile_places_write(asm_out_file);
}

/* The options are a part of the debug information: an object must not tell that we were here. */
static void forget_options(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < save_decoded_options_count; i++)
		if (save_decoded_options[i].opt_index != OPT_fplugin_ &&
		    save_decoded_options[i].opt_index != OPT_fplugin_arg_)
			save_decoded_options[n++] = save_decoded_options[i];
	save_decoded_options_count = n;
}

int plugin_init(struct plugin_name_args *info, struct plugin_gcc_version *version)
{
	static struct plugin_info about = {
	    AB_VERSION, "profile=FILE: mark the memory operations that a profile names"};
	struct register_pass_info pass = {new pass_mark(g), "final", 1, PASS_POS_INSERT_BEFORE};

	if (!plugin_default_version_check(version, &gcc_version)) {
		error("afterburner: this plugin is for GCC %s, this is GCC %s", gcc_version.basever,
		      version->basever);
		return 1;
	}
	for (int i = 0; i < info->argc; i++)
		if (!strcmp(info->argv[i].key, "profile") && info->argv[i].value)
			profile_places_read(info->argv[i].value);
	forget_options();
	next_before = targetm.asm_out.unwind_emit;
	targetm.asm_out.unwind_emit = before_insn;
	next_after = targetm.asm_out.final_postscan_insn;
	targetm.asm_out.final_postscan_insn = after_insn;
	register_callback(info->base_name, PLUGIN_INFO, NULL, &about);
	register_callback(info->base_name, PLUGIN_PASS_MANAGER_SETUP, NULL, &pass);
	register_callback(info->base_name, PLUGIN_FINISH_UNIT, finish_unit, NULL);
	attribute_register(info->base_name);
	return 0;
}
