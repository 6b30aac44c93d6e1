/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * __attribute__((afterburner_sensitive)), for authors who know without a profile: of a type, a
 * variable, a field, or a function, whose every memory operation it then is.
 */
#include "gcc-plugin.h"

#include "tree.h"

#include "rtl.h"

#include "memmodel.h"
#include "stringpool.h"

#include "attribs.h"
#include "diagnostic-core.h"
#include "emit-rtl.h"
#include "function.h"

#include "afterburner/plugin.h"

#define NAME "afterburner_sensitive"

/* A function with the attribute: where its body lies, so that inlined copies are known by the
 * place. */
struct body {
	const char *file;
	int first, last;
	struct body *next;
};

static struct body *bodies;
static bool used;

static bool has(tree attributes)
{
	return lookup_attribute(NAME, attributes) != NULL_TREE;
}

/* A typedef keeps the attribute in its declaration. */
static bool is_sensitive_type(tree type)
{
	tree name;

	if (!type || type == error_mark_node || !TYPE_P(type))
		return false;
	name = TYPE_NAME(type);
	return has(TYPE_ATTRIBUTES(type)) ||
	       (name && TREE_CODE(name) == TYPE_DECL && has(DECL_ATTRIBUTES(name)));
}

static bool is_sensitive(tree x)
{
	while (x) {
		if (is_sensitive_type(TREE_TYPE(x)) || (DECL_P(x) && has(DECL_ATTRIBUTES(x))))
			return true;
		if (TREE_CODE(x) == COMPONENT_REF && has(DECL_ATTRIBUTES(TREE_OPERAND(x, 1))))
			return true;
		if (TREE_CODE(x) == MEM_REF && TREE_CODE(TREE_OPERAND(x, 0)) == ADDR_EXPR)
			x = TREE_OPERAND(TREE_OPERAND(x, 0), 0);
		else if (handled_component_p(x))
			x = TREE_OPERAND(x, 0);
		else
			return false;
	}
	return false;
}

bool attribute_of_operand(const_rtx mem)
{
	return used && MEM_EXPR(mem) && is_sensitive(MEM_EXPR(mem));
}

bool attribute_of_function(const_tree fn)
{
	return used && has(DECL_ATTRIBUTES(fn));
}

bool attribute_of_place(const expanded_location *at)
{
	for (const struct body *b = bodies; b; b = b->next)
		if (at->file && at->line >= b->first && at->line <= b->last &&
		    !strcmp(at->file, b->file))
			return true;
	return false;
}

/* A function has been parsed. */
static void note_function(void *declaration, void *)
{
	tree fn = (tree)declaration;
	expanded_location first, last;
	struct body *b;

	if (TREE_CODE(fn) != FUNCTION_DECL || !has(DECL_ATTRIBUTES(fn)) ||
	    !DECL_STRUCT_FUNCTION(fn))
		return;
	first = expand_location(DECL_SOURCE_LOCATION(fn));
	last = expand_location(DECL_STRUCT_FUNCTION(fn)->function_end_locus);
	if (!first.file || !last.file)
		return;
	b = XNEW(struct body);
	b->file = first.file;
	b->first = first.line;
	b->last = last.line;
	b->next = bodies;
	bodies = b;
}

static tree handle(tree *node, tree name, tree, int, bool *no_add)
{
	if (TREE_CODE(*node) == FUNCTION_TYPE || TREE_CODE(*node) == PARM_DECL) {
		warning(OPT_Wattributes, "%qE attribute ignored", name);
		*no_add = true;
	}
	used = true;
	return NULL_TREE;
}

static void register_attributes(void *, void *)
{
	static struct attribute_spec spec = {NAME, 0, 0, false, false, false, false, handle, NULL};

	register_attribute(&spec);
}

void attribute_register(const char *plugin)
{
	register_callback(plugin, PLUGIN_ATTRIBUTES, register_attributes, NULL);
	register_callback(plugin, PLUGIN_PRE_GENERICIZE, note_function, NULL);
}
