/* SPDX-License-Identifier: MIT */
/* The packets of the remote serial protocol. What is not known gets the empty answer. */
#include "wedge/core/format.h"
#include "wedge/core/gdb.h"
#include "wedge/core/info.h"

#define NR_REGISTERS 16 /* gdb's i386: eight general ones, eip, eflags, six segments */
#define REG_EIP 8
#define REG_EFLAGS 9
#define FLAGS_WRITABLE                                                                             \
	(FLAGS_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_AC |     \
	 FLAG_ID)

static const char digits[] = "0123456789abcdef";

/* A reply under construction. */
struct out {
	size_t n;
	char text[GDB_PACKET];
};

static void put(struct out *o, char c)
{
	if (o->n < GDB_PACKET)
		o->text[o->n++] = c;
}

static void put_text(struct out *o, const char *text)
{
	while (*text)
		put(o, *text++);
}

static void put_hex(struct out *o, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		put(o, digits[((const uint8_t *)bytes)[i] >> 4]);
		put(o, digits[((const uint8_t *)bytes)[i] & 15]);
	}
}

/* The C library's would use registers that hold the guest's FPU state. */
static size_t length(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

static void say(struct gdb *g, const char *text)
{
	gdb_reply(g, text, length(text));
}

static bool starts(const char *text, const char *word, const char **rest)
{
	while (*word && *text == *word)
		text++, word++;
	*rest = text;
	return !*word;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A number of at most 32 bits, and the character that must follow it (0: the packet's end). */
static bool number(const char **p, uint32_t *value, char then)
{
	uint64_t n = 0;
	const char *start = *p;

	for (; digit(**p) >= 0 && n <= UINT32_MAX; ++*p)
		n = n * 16 + (unsigned)digit(**p);
	*value = (uint32_t)n;
	if (*p == start || n > UINT32_MAX || **p != then)
		return false;
	*p += then != 0;
	return true;
}

/* Hex digits to exactly size bytes. They may overwrite themselves. */
static bool unhex(const char *hex, uint8_t *out, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		int high = digit(hex[2 * i]), low = high < 0 ? -1 : digit(hex[2 * i + 1]);

		if (low < 0)
			return false;
		out[i] = (uint8_t)(high * 16 + low);
	}
	return true;
}

static uint32_t register_read(const struct vcpu *v, unsigned n)
{
	static const uint8_t segments[] = {SEG_CS, SEG_SS, SEG_DS, SEG_ES, SEG_FS, SEG_GS};

	if (n < NR_GPRS)
		return v->gpr[n];
	if (n == REG_EIP)
		return v->eip;
	return n == REG_EFLAGS ? v->eflags : v->seg[segments[n - REG_EFLAGS - 1]].sel;
}

/* Segment registers take the value they have: a selector means little without its descriptor. */
static bool register_write(struct vcpu *v, unsigned n, uint32_t value)
{
	if (register_read(v, n) == value)
		return true;
	if (n < NR_GPRS) {
		v->gpr[n] = value;
	} else if (n == REG_EIP) {
		v->eip = value;
		v->halted = false;
		v->shadow = false;
	} else if (n == REG_EFLAGS) {
		v->eflags = (v->eflags & ~FLAGS_WRITABLE) | (value & FLAGS_WRITABLE) | FLAG_1;
	} else {
		return false;
	}
	return true;
}

static void read_registers(struct gdb *g, struct vcpu *v)
{
	static struct out o;

	o.n = 0;
	for (unsigned i = 0; i < NR_REGISTERS; i++) {
		uint32_t value = register_read(v, i);

		put_hex(&o, &value, sizeof value);
	}
	gdb_reply(g, o.text, o.n);
}

static void write_registers(struct gdb *g, struct vcpu *v, const char *p)
{
	bool good = true;
	uint32_t value;

	for (unsigned i = 0; i < NR_REGISTERS && *p; i++, p += 8) {
		if (!unhex(p, (uint8_t *)&value, 4)) {
			say(g, "E16");
			return;
		}
		good = register_write(v, i, value) && good;
	}
	say(g, good ? "OK" : "E16");
}

static void read_register(struct gdb *g, struct vcpu *v, const char *p)
{
	static struct out o;
	uint32_t n, value;

	o.n = 0;
	if (!number(&p, &n, 0)) {
		say(g, "E16");
		return;
	}
	if (n >= NR_REGISTERS) {
		put_text(&o, "xxxxxxxx"); /* the FPU's: not available */
	} else {
		value = register_read(v, n);
		put_hex(&o, &value, sizeof value);
	}
	gdb_reply(g, o.text, o.n);
}

static void write_register(struct gdb *g, struct vcpu *v, const char *p)
{
	uint32_t n, value;

	say(g, number(&p, &n, '=') && n < NR_REGISTERS && unhex(p, (uint8_t *)&value, 4) &&
		       register_write(v, n, value)
		   ? "OK"
		   : "E16");
}

static void read_memory(struct gdb *g, struct vcpu *v, const char *p)
{
	static uint8_t bytes[GDB_PACKET / 2];
	static struct out o;
	uint32_t at, size, n;

	o.n = 0;
	if (!number(&p, &at, ',') || !number(&p, &size, 0)) {
		say(g, "E16");
		return;
	}
	n = gdb_read(g, v, at, bytes, size < sizeof bytes ? size : sizeof bytes);
	put_hex(&o, bytes, n);
	if (size && !n)
		say(g, "E0e");
	else
		gdb_reply(g, o.text, o.n);
}

static void write_memory(struct gdb *g, struct vcpu *v, const char *p)
{
	static uint8_t bytes[GDB_PACKET / 2];
	uint32_t at, size;

	if (!number(&p, &at, ',') || !number(&p, &size, ':') || size > sizeof bytes ||
	    !unhex(p, bytes, size))
		say(g, "E16");
	else
		say(g, gdb_write(g, v, at, bytes, size) ? "OK" : "E0e");
}

/* Z0 and Z1, z0 and z1: software breakpoints all. */
static void breakpoint(struct gdb *g, struct vcpu *v, const char *p, bool set)
{
	uint32_t type, at;

	if (!number(&p, &type, ',') || type > 1) {
		say(g, "");
		return;
	}
	if (!number(&p, &at, ',')) {
		say(g, "E16");
		return;
	}
	if (!set)
		gdb_unbreak(g, at);
	say(g, !set || gdb_break(g, v, at) ? "OK" : "E16");
}

/* The description that makes gdb take the guest for an i386 without being told. */
#define REG(name, type) "<reg name=\"" name "\" bitsize=\"32\" type=\"" type "\"/>"
#define FPU(name) "<reg name=\"" name "\" bitsize=\"80\" type=\"i387_ext\"/>"
#define CTL(name) "<reg name=\"" name "\" bitsize=\"32\" type=\"int\" group=\"float\"/>"
#define FLAG(name, bit) "<field name=\"" name "\" start=\"" bit "\" end=\"" bit "\"/>"
/* clang-format off */
static const char target[] =
	"<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
	"<architecture>i386</architecture><feature name=\"org.gnu.gdb.i386.core\">"
	"<flags id=\"eflags\" size=\"4\">"
	FLAG("CF", "0") FLAG("", "1") FLAG("PF", "2") FLAG("AF", "4") FLAG("ZF", "6")
	FLAG("SF", "7") FLAG("TF", "8") FLAG("IF", "9") FLAG("DF", "10") FLAG("OF", "11")
	FLAG("NT", "14") FLAG("RF", "16") FLAG("VM", "17") FLAG("AC", "18") FLAG("ID", "21")
	"</flags>"
	REG("eax", "int32") REG("ecx", "int32") REG("edx", "int32") REG("ebx", "int32")
	REG("esp", "data_ptr") REG("ebp", "data_ptr") REG("esi", "int32") REG("edi", "int32")
	REG("eip", "code_ptr") REG("eflags", "eflags")
	REG("cs", "int32") REG("ss", "int32") REG("ds", "int32") REG("es", "int32")
	REG("fs", "int32") REG("gs", "int32")
	FPU("st0") FPU("st1") FPU("st2") FPU("st3") FPU("st4") FPU("st5") FPU("st6") FPU("st7")
	CTL("fctrl") CTL("fstat") CTL("ftag") CTL("fiseg") CTL("fioff") CTL("foseg") CTL("fooff")
	CTL("fop")
	"</feature></target>";
/* clang-format on */

static void read_target(struct gdb *g, const char *p)
{
	static struct out o;
	uint32_t at, size;

	o.n = 0;
	if (!number(&p, &at, ',') || !number(&p, &size, 0) || at > sizeof target - 1) {
		say(g, "E00");
		return;
	}
	if (size > GDB_PACKET - 1)
		size = GDB_PACKET - 1;
	put(&o, sizeof target - 1 - at > size ? 'm' : 'l');
	for (uint32_t i = 0; i < size && target[at + i]; i++)
		put(&o, target[at + i]);
	gdb_reply(g, o.text, o.n);
}

/* One line of what a monitor command prints. */
static void monitor_line(void *to, const char *text)
{
	static struct out o;

	o.n = 0;
	put(&o, 'O');
	put_hex(&o, text, length(text));
	put_hex(&o, "\n", 1);
	gdb_reply(to, o.text, o.n);
}

static void monitor(struct gdb *g, struct vcpu *v, const char *p)
{
	static char command[GDB_PACKET / 2 + 1];
	size_t n = length(p) / 2;

	if (!unhex(p, (uint8_t *)command, n)) {
		say(g, "E16");
		return;
	}
	command[n] = '\0';
	if (!info_command(v, command, monitor_line, g))
		monitor_line(g, INFO_HELP);
	say(g, "OK");
}

static void supported(struct gdb *g, const char *theirs)
{
	static struct out o;
	char size[16];

	o.n = 0;
	g->swbreak = false;
	for (const char *rest; *theirs; theirs++)
		if (starts(theirs, "swbreak+", &rest))
			g->swbreak = true;
	format_text(size, sizeof size, "%x", GDB_PACKET);
	put_text(&o, "PacketSize=");
	put_text(&o, size);
	put_text(&o, ";qXfer:features:read+;swbreak+");
	gdb_reply(g, o.text, o.n);
}

static void query(struct gdb *g, struct vcpu *v, const char *p)
{
	const char *rest;

	if (starts(p, "Supported", &rest))
		supported(g, rest);
	else if (starts(p, "Xfer:features:read:target.xml:", &rest))
		read_target(g, rest);
	else if (starts(p, "Rcmd,", &rest))
		monitor(g, v, rest);
	else if (starts(p, "fThreadInfo", &rest))
		say(g, "m1");
	else if (starts(p, "sThreadInfo", &rest))
		say(g, "l");
	else if (starts(p, "Attached", &rest))
		say(g, "1");
	else if (starts(p, "C", &rest) && !*rest)
		say(g, "QC1");
	else
		say(g, "");
}

static void report(struct gdb *g)
{
	char text[48];

	format_text(text, sizeof text, "T%02xthread:1;%s", (unsigned)g->signal,
		    g->at_breakpoint && g->swbreak ? "swbreak:;" : "");
	say(g, text);
}

void gdb_stopped(struct gdb *g, int signal, bool at_breakpoint)
{
	g->signal = signal;
	g->at_breakpoint = at_breakpoint;
	report(g);
}

void gdb_exited(struct gdb *g, int status)
{
	char text[8];

	format_text(text, sizeof text, "W%02x", (unsigned)status & 0xff);
	say(g, text);
}

/* c and s, with an address to go on at; C and S name a signal, which means nothing to a machine. */
static enum gdb_action resume(struct gdb *g, struct vcpu *v, const char *p, enum gdb_action action)
{
	uint32_t at;

	if (g->packet[0] == 'C' || g->packet[0] == 'S') {
		while (*p && *p != ';')
			p++;
		p += *p == ';';
	}
	if (!*p)
		return action;
	if (!number(&p, &at, 0)) {
		say(g, "E16");
		return GDB_STAY;
	}
	register_write(v, REG_EIP, at);
	return action;
}

enum gdb_action gdb_packet(struct gdb *g, struct vcpu *v)
{
	const char *p = g->packet + 1;

	switch (g->packet[0]) {
	case '?':
		report(g);
		break;
	case 'g':
		read_registers(g, v);
		break;
	case 'G':
		write_registers(g, v, p);
		break;
	case 'p':
		read_register(g, v, p);
		break;
	case 'P':
		write_register(g, v, p);
		break;
	case 'm':
		read_memory(g, v, p);
		break;
	case 'M':
		write_memory(g, v, p);
		break;
	case 'Z':
	case 'z':
		breakpoint(g, v, p, g->packet[0] == 'Z');
		break;
	case 'H':
	case 'T':
		say(g, "OK");
		break;
	case 'q':
		query(g, v, p);
		break;
	case 'c':
	case 'C':
		return resume(g, v, p, GDB_CONTINUE);
	case 's':
	case 'S':
		return resume(g, v, p, GDB_STEP);
	case 'D':
		say(g, "OK");
		return GDB_DETACH;
	case 'k':
		return GDB_KILL;
	default:
		say(g, "");
	}
	return GDB_STAY;
}
