/* SPDX-License-Identifier: MIT */
/*
 * Guest RAM is a memfd; a shadow mapping is a piece of it at the guest's linear address in the low
 * 4 GiB of this process. The monitor has its own view of all RAM above 4 GiB.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "wedge/core/mmu.h"
#include "wedge/core/sensitive.h"
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/linux/userspace.h"
#include "wedge/platform.h"

#define PAGE_SIZE 4096u
#define POPULATE_PAGES 16 /* up to here a mapping is worth its page-table entries at once */

static long host_mmap(uint64_t at, uint64_t size, int prot, int flags, int fd, uint64_t offset)
{
	return host_syscall(SYS_mmap, (long)at, (long)size, prot, flags, fd, (long)offset);
}

static void host_munmap(uint64_t at, uint64_t size)
{
	host_syscall(SYS_munmap, (long)at, (long)size, 0, 0, 0, 0);
}

static int create_memfd(const char *name, uint64_t size)
{
	int fd = (int)host_syscall(SYS_memfd_create, (long)name, MFD_CLOEXEC, 0, 0, 0, 0);
	long error = fd < 0 ? fd : host_syscall(SYS_ftruncate, fd, (long)size, 0, 0, 0, 0);
	return error < 0 ? (int)error : fd;
}

/* Map one part of the window's memory at a linear address of the guest. */
static bool map_part(struct linux_machine *lm, uint32_t window, uint32_t at, uint32_t offset,
		     uint32_t size, int prot)
{
	uint64_t linear = (uint64_t)window + at;
	return host_mmap(linear, size, prot, MAP_SHARED | MAP_FIXED, lm->window_fd, offset) ==
	       (long)linear;
}

/*
 * Make the window visible to the guest where the loader put it, or `delta` below, where code that
 * runs at its physical address before paging arrives. gate: which of the gates it sees.
 */
static bool map_window(struct linux_machine *lm, uint32_t linear, unsigned gate)
{
	uint32_t code = lm->m.window_size - WINDOW_TAIL - WINDOW_TRAMPOLINES;
	return map_part(lm, linear, 0, 0, WINDOW_GATE, PROT_READ | PROT_WRITE) &&
	       map_part(lm, linear, WINDOW_GATE, WINDOW_GATE + gate * PAGE_SIZE, PAGE_SIZE,
			PROT_READ | PROT_EXEC) &&
	       map_part(lm, linear, WINDOW_TRAMPOLINES, WINDOW_TRAMPOLINES, code,
			PROT_READ | PROT_EXEC) &&
	       map_part(lm, linear, WINDOW_SENSITIVE, WINDOW_SENSITIVE, SENSITIVE_SIZE, PROT_READ);
}

static bool map_alias(struct linux_machine *lm, unsigned alias)
{
	return map_window(lm, lm->m.window - lm->m.alias_delta[alias], alias + 1);
}

/*
 * One gate a page, one for the window and one for each alias of it; the gate is all that differs,
 *so it knows through which the guest came:
 *	ljmp $0x33, $1f			32-bit code from here up
 * 1:	movl $delta, WIN_DELTA(%rip)	64-bit code from here on
 *	jmp *WIN_ENTRY64(%rip)
 */
static void write_gate(struct linux_machine *lm, unsigned gate)
{
	uint32_t offset = WINDOW_GATE + gate * PAGE_SIZE;
	/* A relative operand is the same in every gate: each sees itself at WINDOW_GATE. */
	uint32_t here = lm->m.window - (gate ? lm->m.alias_delta[gate - 1] : 0) + WINDOW_GATE;
	uint32_t delta = gate ? lm->m.alias_delta[gate - 1] : 0;
	struct __attribute__((packed)) {
		uint8_t ljmp;
		uint32_t offset;
		uint16_t selector;
		uint8_t mov[2];
		int32_t mov_disp;
		uint32_t delta;
		uint8_t jmp[2];
		int32_t jmp_disp;
	} code = {
	    .ljmp = 0xea,
	    .offset = here + 7,
	    .selector = 0x33,
	    .mov = {0xc7, 0x05},
	    .mov_disp = WIN_DELTA - (WINDOW_GATE + 17),
	    .delta = delta,
	    .jmp = {0xff, 0x25},
	    .jmp_disp = WIN_ENTRY64 - (WINDOW_GATE + 23),
	};
	__builtin_memcpy(lm->window_code + offset, &code, sizeof code);
}

/* The aliases for code that runs before paging; again after every reset. */
bool memory_map_aliases(struct linux_machine *lm)
{
	for (unsigned i = 0; i < lm->m.nr_aliases; i++) {
		write_gate(lm, i + 1);
		if (!map_alias(lm, i))
			return false;
	}
	lm->aliased = lm->m.nr_aliases > 0;
	return true;
}

/* Ring 3 must not find them. What the guest has mapped there meanwhile goes with them, to be filled
 * again. */
void memory_drop_aliases(struct linux_machine *lm)
{
	if (!lm->aliased)
		return;
	lm->aliased = false;
	for (unsigned i = 0; i < lm->m.nr_aliases; i++)
		host_munmap(lm->m.window - lm->m.alias_delta[i], lm->m.window_size);
	shadow_flush(&lm->m.cpu);
}

bool memory_create(struct linux_machine *lm)
{
	struct machine *m = &lm->m;
	lm->ram_fd = create_memfd("afterburner-ram", m->ram_size);
	lm->window_fd = create_memfd("afterburner-window", m->window_size);
	if (lm->ram_fd < 0 || lm->window_fd < 0) {
		platform_message("cannot create guest memory of %u MiB: %s (memfd_create)",
				 m->ram_size >> 20,
				 strerror(-(lm->ram_fd < 0 ? lm->ram_fd : lm->window_fd)));
		return false;
	}
	long ram = host_mmap(0, m->ram_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			     lm->ram_fd, 0);
	long win =
	    host_mmap(0, m->window_size, PROT_READ | PROT_WRITE, MAP_SHARED, lm->window_fd, 0);
	if (ram <= 0 || win <= 0) {
		platform_message("cannot map guest memory of %u MiB: %s; less with -m, or see "
				 "ulimit -v",
				 m->ram_size >> 20, strerror((int)(ram < 0 ? -ram : -win)));
		return false;
	}
	m->ram = (uint8_t *)ram;
	lm->window_code = (uint8_t *)win;
	lm->win = (struct window *)win;
	m->sensitive = lm->window_code + WINDOW_SENSITIVE;
	lm->win->entry64 = (uintptr_t)linux_gate_entry;
	write_gate(lm, 0);
	if (!map_window(lm, m->window, 0)) {
		platform_message("cannot map the window at 0x%08x", m->window);
		return false;
	}
	return true;
}

bool platform_map(struct machine *m, uint32_t linear, uint32_t phys, uint32_t pages,
		  unsigned rights)
{
	struct linux_machine *lm = (struct linux_machine *)m;
	m->no_room = false;
	if (m->user_view)
		return userspace_map(linear, phys, pages, rights);
	int prot =
	    PROT_READ | (rights & MAP_WRITE ? PROT_WRITE : 0) | (rights & MAP_EXEC ? PROT_EXEC : 0);
	int flags = MAP_SHARED | MAP_FIXED | (pages <= POPULATE_PAGES ? MAP_POPULATE : 0);
	long ret = host_mmap(linear, (uint64_t)pages << 12, prot, flags, lm->ram_fd, phys);
	m->no_room = ret == -ENOMEM;
	return ret == (long)linear && ret >= 0;
}

void platform_unmap(struct machine *m, uint32_t linear, uint32_t pages)
{
	if (m->user_view) {
		userspace_unmap(linear, pages);
		return;
	}
	const struct linux_machine *lm = (struct linux_machine *)m;
	long ret =
	    host_syscall(SYS_munmap, (long)linear, (long)((uint64_t)pages << 12), 0, 0, 0, 0);
	/* A hole makes two mappings of one, and the host may have no room for that (max_map_count).
	 * Then all goes; what the guest uses of it is filled again. */
	if (ret < 0 && !lm->aliased)
		ret = host_syscall(SYS_munmap, 0, m->window, 0, 0, 0, 0);
	if (ret < 0)
		report_internal("the host does not unmap", linear);
}
