/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the GCC plugin share. Include gcc-plugin.h and its kin first. */
#ifndef AFTERBURNER_PLUGIN_H
#define AFTERBURNER_PLUGIN_H

/* What one instruction does to memory that may be sensitive: anything but the stack and constants.
 */
struct memory_use {
	bool load, store;
	bool attribute; /* one of the operands has the attribute */
	bool text;      /* an asm statement: what it does is not known */
};

/* plugin-profile.cc. Fatal error if the file cannot be read. */
void profile_places_read(const char *path);
/* Is an access like this, there, in the profile? Counts it. */
bool profile_places_match(const expanded_location *at, const struct memory_use *use);
/* Write what was matched, as section AB_MATCH_SECTION. */
void profile_places_write(FILE *f);

/* plugin-attribute.cc */
void attribute_register(const char *plugin);
/* Has the memory operand the attribute: its type, or a field or variable it is a part of? */
bool attribute_of_operand(const_rtx mem);
/* Has the function? */
bool attribute_of_function(const_tree fn);
/* Does the place lie in a function with the attribute, inlined or not? */
bool attribute_of_place(const expanded_location *at);

#endif
