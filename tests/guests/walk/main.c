/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory: random page tables, random accesses from both rings, natively and on the wedge. Each
 * access gives a value or a page fault with its error code and address; behind each round stand the
 * accessed and dirty bits. All of it goes into one checksum a mode, which must not depend on where
 * the guest runs. trace=ROUND prints every access of a round.
 *
 * The guest invalidates what it changes, as the manual obliges it to, and in all the ways there
 * are: invlpg, cr3, CR4.PGE. A bits of directories are not compared: CPUs differ in when a walk
 * that fails sets them.
 */
#include "tests/guests/walk/walk.h"

/* Page-fault error code. */
#define PF_P 0x1u
#define PF_RSVD 0x8u

static const struct mode modes[] = {
    {"32-bit", false, false, 0},
    {"32-bit, PSE", false, false, 0x10},
    {"32-bit, PSE, PGE", false, false, 0x90},
    {"PAE", true, false, 0},
    {"PAE, PGE, NX", true, true, 0x80},
};

static const struct mode *mode;
static uint32_t seed, checksum;
static bool trace;

/* How an access ended. */
enum { ENDED_WELL, ENDED_BY_FAULT };
static struct context back;
static uint32_t fault_error, fault_address, user_result;

static void on_page_fault(struct frame *f)
{
	fault_error = f->error;
	if (fault_error & PF_RSVD)
		fault_error |= PF_P; /* QEMU forgets it, SDM vol. 3, 4.7 does not */
	fault_address = read_cr2();
	context_restore(&back, 1 + ENDED_BY_FAULT);
}

static void on_syscall(struct frame *f)
{
	user_result = f->eax;
	context_restore(&back, 1 + ENDED_WELL);
}

static uint32_t rnd(uint32_t below)
{
	return random32(&seed) % below;
}

/* One in n. */
static bool rarely(uint32_t n)
{
	return rnd(n) == 0;
}

static void add(uint32_t value)
{
	checksum = (checksum << 5 | checksum >> 27) ^ value * 2654435761u;
}

/* Only what all address spaces share may be global. */
static uint64_t random_bits(unsigned p)
{
	uint64_t bits = rnd(0x200) & (PTE_W | PTE_U | PTE_A | PTE_D | PTE_G);

	if (p != SHARED)
		bits &= ~(uint64_t)PTE_G;
	if (!rarely(6))
		bits |= PTE_P;
	if (!rarely(4))
		bits |= PTE_U;
	if (mode->pae && rarely(mode->nx ? 3 : 12))
		bits |= PTE_NX;
	return bits;
}

static uint64_t random_page(unsigned p)
{
	return random_bits(p) | (FRAME_BASE + rnd(NR_FRAMES) * 4096);
}

static uint64_t random_directory(unsigned p)
{
	uint64_t bits = random_bits(p);

	if (rarely(8))
		return bits & ~(uint64_t)PTE_P;
	bits |= PTE_P;
	if (!rarely(4))
		bits |= PTE_W | PTE_U;
	if ((mode->pae || (mode->cr4 & 0x10)) && rarely(4))
		return bits | PTE_PS | FRAME_BASE;
	return bits & ~(uint64_t)(PTE_PS | PTE_G | PTE_D);
}

/* Change some pages, and invalidate just them. */
static void change_pages(void)
{
	for (unsigned n = rnd(6); n; n--) {
		unsigned p = rnd(NR_PLACES), page = rnd(NR_PAGES);

		set_page(p, page, random_page(p));
		invlpg((const void *)(place[p] + page * 4096));
	}
}

static void change_directory(void)
{
	unsigned p = rnd(NR_PLACES);

	set_directory(p, random_directory(p));
	flush_all();
}

/* Pages that are not global before nor after: a load of cr3 is enough. */
static void change_by_cr3(void)
{
	for (unsigned n = rnd(10); n; n--) {
		unsigned p = rnd(NR_PLACES), page = rnd(NR_PAGES);

		if (!(get_page(p, page) & PTE_G))
			set_page(p, page, random_page(p) & ~(uint64_t)PTE_G);
	}
	write_cr3(read_cr3());
}

/*
 * Another address space, changed while it is not in use: nothing of it is global, so nothing has to
 * be invalidated.
 */
static void change_root(void)
{
	unsigned root = rnd(NR_ROOTS);

	if (rarely(2)) {
		use_root(root);
		for (unsigned n = rnd(8); n; n--) {
			unsigned p = rnd(SHARED);

			if (rarely(6))
				set_directory(p, random_directory(p));
			else
				set_page(p, rnd(NR_PAGES), random_page(p));
		}
	}
	load_root(root);
}

static void change_everything(void)
{
	for (unsigned p = 0; p < NR_PLACES; p++) {
		set_directory(p, random_directory(p));
		for (unsigned page = 0; page < NR_PAGES; page++)
			set_page(p, page, random_page(p));
	}
	flush_all();
}

/* May everyone write there? */
static bool open_to_all(unsigned p, unsigned page)
{
	const uint32_t all = PTE_P | PTE_W | PTE_U;
	uint64_t entry = get_directory(p);

	if (!mode->nx && ((entry | get_page(p, page)) & PTE_NX))
		return false; /* reserved */
	return (entry & all) == all && ((entry & PTE_PS) || (get_page(p, page) & all) == all);
}

/*
 * QEMU reads and then writes where a CPU asks for both at once. So read-modify-write is compared
 * only where it succeeds.
 */
static uint32_t random_address(enum kind *kind, unsigned ring)
{
	unsigned p = rnd(NR_PLACES), page = rnd(NR_PAGES);
	uint32_t at = place[p] + page * 4096;

	if (*kind == KIND_MODIFY) {
		if (open_to_all(p, page))
			return at + rnd(0xe00 / 4) * 4;
		*kind = KIND_WRITE;
	}
	if (*kind == KIND_FETCH)
		return at + (ring ? CODE_USER : CODE_KERNEL);
	return rarely(6) ? at + 0xffd + rnd(3) : at + rnd(0xe00 / 4) * 4;
}

static uint32_t kernel_access(enum kind kind, uint32_t address, uint32_t value)
{
	switch (kind) {
	case KIND_READ:
		return kernel_read(address, value);
	case KIND_WRITE:
		return kernel_write(address, value);
	case KIND_MODIFY:
		return kernel_modify(address, value);
	default:
		return kernel_fetch(address, value);
	}
}

static void user_access(enum kind kind, uint32_t address, uint32_t value)
{
	static const char *const entry[NR_KINDS] = {user_read, user_write, user_modify, user_fetch};

	user_address = address;
	user_value = value;
	enter_user((uint32_t)entry[kind], (uint32_t)user_stack_top, EFLAGS_1);
}

static void random_access(void)
{
	static const char *const names[NR_KINDS] = {"read", "write", "modify", "fetch"};
	static uint32_t result; /* lives through context_restore */
	unsigned ring = rnd(2) * 3;
	enum kind kind = rnd(NR_KINDS);
	uint32_t address = random_address(&kind, ring), value = random32(&seed);
	int ended = context_save(&back);

	if (!ended) {
		if (ring)
			user_access(kind, address, value);
		result = kernel_access(kind, address, value);
	} else if (ended == 1 + ENDED_BY_FAULT) {
		result = fault_error;
		add(fault_address);
	} else {
		result = user_result;
	}
	add((uint32_t)ended);
	add(result);
	if (trace)
		print("# ring %u %s %08x: %s %08x\n", ring, names[kind], address,
		      ended == 1 + ENDED_BY_FAULT ? "fault" : "value", result);
}

static void add_table_bits(void)
{
	for (unsigned p = 0; p < NR_PLACES; p++) {
		uint64_t entry = get_directory(p);

		if (entry & PTE_PS)
			add((uint32_t)entry & (PTE_A | PTE_D));
		for (unsigned page = 0; page < NR_PAGES; page++) {
			add((uint32_t)get_page(p, page) & (PTE_A | PTE_D));
			if (trace)
				print("# %u.%u %08x\n", p, page, (uint32_t)get_page(p, page));
		}
		if (trace)
			print("# directory %u %08x\n", p, (uint32_t)entry);
	}
}

static void round(void)
{
	switch (rnd(6)) {
	case 0:
		change_pages();
		break;
	case 1:
		change_directory();
		break;
	case 2:
		change_by_cr3();
		break;
	case 3:
		change_everything();
		break;
	default:
		change_root();
		break;
	}
	set_write_protect(!rarely(4));
	for (unsigned n = 0; n < 12; n++)
		random_access();
	add_table_bits();
}

void test_main(void)
{
	uint32_t rounds = option("rounds", 400), traced = option("trace", ~0u), n = 0;

	seed = option("seed", 1);
	print("# rounds %u seed %u\n", rounds, seed);
	tables_init();
	trap_set(VEC_PF, on_page_fault);
	trap_set(VEC_SYSCALL, on_syscall);
	gate_dpl(VEC_SYSCALL, 3);
	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		mode = &modes[i];
		mode_enter(mode);
		for (uint32_t r = 0; r < rounds; r++, n++) {
			trace = n == traced;
			round();
			if (r % 50 == 49)
				print("%s: %u rounds, %08x\n", mode->name, r + 1, checksum);
		}
		mode_leave();
		section_end(mode->name);
	}
}
