// SPDX-License-Identifier: GPL-3.0-or-later
/* Records as only somebody hostile writes them: nowhere, of no kind, of other bytes, over each
 * other, reaching out of the text. The machine must tell and go on. */
#include "sensitive.h"

#include <linux/module.h>

#define RECORD(place, kind, off, len, slot, flags)                                                 \
	".long " place ", 0xc5ab52d9, " kind " + " #off " * 0x10000 + " #len                       \
	" * 0x1000000, " #slot " + " #flags " * 0x100 + 0xab170000\n"

asm(".pushsection .text.broken, \"ax\"\n"
    "broken_text: .set .Lafterburner_off, 1\n"
    "cli; nop; nop; nop; nop; nop; nop; nop; ret; .set .Lafterburner_off, 0\n"
    ".popsection\n"
    ".pushsection .afterburn, \"a\"; .balign 4\n" RECORD("broken_text - .", "0", 0, 1, 5, 1)
	RECORD("broken_text - .", "999", 0, 1, 5, 1) RECORD("broken_text - .", "1", 0, 0, 5, 1)
	    RECORD("broken_text - .", "1", 0, 1, 255, 1) RECORD("broken_text - .", "1", 4, 2, 5, 3)
		RECORD("broken_text - .", "2", 0, 1, 5, 1)
		    RECORD("broken_text - .", "1", 0, 1, 5, 0)
			RECORD("broken_text - .", "1", 0, 1, 5, 0xff)
			    RECORD("broken_text + 1 - .", "1", 0, 1, 5, 1)
				RECORD("broken_text + 2 - .", "1", 0, 2, 6, 1)
				    RECORD("broken_text - .", "1", 0, 1, 5, 1)
					RECORD("broken_text - .", "1", 0, 1, 6, 1)
					    RECORD("0", "1", 0, 1, 5, 1)
						RECORD("0x7fffffff", "1", 0, 1, 5, 1)
						    RECORD("broken_text - 0x3fff - .", "1", 0, 1,
							   255, 1) ".popsection\n");

void broken_text(void);

static int __init broken_init(void)
{
	unsigned long saved;

	asm volatile("pushf; pop %0; call broken_text; push %0; popf"
		     : "=&r"(saved)
		     :
		     : "memory", "cc");
	result("broken", "%d", !!(saved & IF));
	return 0;
}

static void __exit broken_exit(void)
{
	result("broken", "gone");
}

module_init(broken_init);
module_exit(broken_exit);
MODULE_LICENSE("GPL");
