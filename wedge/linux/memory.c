/* SPDX-License-Identifier: MIT */
/*
 * Guest RAM is a memfd; a shadow mapping is a piece of it at the guest's linear address in the low
 * 4 GiB of this process. The monitor has its own view of all RAM above 4 GiB.
 */
#include <sys/mman.h>
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/platform.h"

/* The end of the window stays unmapped: small negative offsets to a %gs of base 0 must fault. */
#define WINDOW_TAIL 0x100000u

static long host_mmap(uint64_t at, uint64_t size, int prot, int flags, int fd, uint64_t offset)
{
	return host_syscall(SYS_mmap, (long)at, (long)size, prot, flags, fd, (long)offset);
}

static int create_memfd(const char *name, uint64_t size)
{
	int fd = (int)host_syscall(SYS_memfd_create, (long)name, MFD_CLOEXEC, 0, 0, 0, 0);
	if (fd >= 0 && host_syscall(SYS_ftruncate, fd, (long)size, 0, 0, 0, 0) < 0)
		return -1;
	return fd;
}

/* Map one part of the window's memory at a linear address of the guest. */
static bool map_part(struct linux_machine *lm, uint32_t linear, uint32_t offset, uint32_t size, int prot)
{
	uint64_t at = (uint64_t)linear + offset;
	return host_mmap(at, size, prot, MAP_SHARED | MAP_FIXED, lm->window_fd, offset) == (long)at;
}

/*
 * Make the window visible to the guest at a linear address: where the loader put it, and for code that
 * runs at its physical address before paging, where a jump relative to that lands.
 */
bool memory_map_window(struct linux_machine *lm, uint32_t linear)
{
	uint32_t code = lm->m.window_size - WINDOW_TAIL - WINDOW_GATE;
	return map_part(lm, linear, 0, WINDOW_GATE, PROT_READ | PROT_WRITE) &&
	       map_part(lm, linear, WINDOW_GATE, code, PROT_READ | PROT_EXEC);
}

/* The gate: `jmp *entry64(%rip)`, the one instruction between compatibility mode and the monitor. */
static void write_gate(struct linux_machine *lm)
{
	uint8_t *gate = lm->window_code + WINDOW_GATE;
	int32_t disp = WIN_ENTRY64 - (WINDOW_GATE + 6);
	gate[0] = 0xff;
	gate[1] = 0x25;
	__builtin_memcpy(gate + 2, &disp, sizeof disp);
	lm->win->entry64 = (uintptr_t)linux_gate_entry;
}

bool memory_create(struct linux_machine *lm)
{
	struct machine *m = &lm->m;
	lm->ram_fd = create_memfd("afterburner-ram", m->ram_size);
	lm->window_fd = create_memfd("afterburner-window", m->window_size);
	if (lm->ram_fd < 0 || lm->window_fd < 0) {
		platform_message("cannot create guest memory of %u MiB: memfd_create failed", m->ram_size >> 20);
		return false;
	}
	long ram = host_mmap(0, m->ram_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, lm->ram_fd, 0);
	long win = host_mmap(0, m->window_size, PROT_READ | PROT_WRITE, MAP_SHARED, lm->window_fd, 0);
	if (ram < 0 || win < 0) {
		platform_message("cannot map guest memory of %u MiB: error %ld", m->ram_size >> 20,
				 ram < 0 ? -ram : -win);
		return false;
	}
	m->ram = (uint8_t *)ram;
	lm->window_code = (uint8_t *)win;
	lm->win = (struct window *)win;
	write_gate(lm);
	if (!memory_map_window(lm, m->window)) {
		platform_message("cannot map the window at 0x%08x", m->window);
		return false;
	}
	return true;
}

bool platform_map(struct machine *m, uint32_t linear, uint32_t phys, uint32_t pages, unsigned rights)
{
	struct linux_machine *lm = (struct linux_machine *)m;
	int prot = PROT_READ | (rights & MAP_WRITE ? PROT_WRITE : 0) | (rights & MAP_EXEC ? PROT_EXEC : 0);
	long ret = host_mmap(linear, (uint64_t)pages << 12, prot, MAP_SHARED | MAP_FIXED, lm->ram_fd, phys);
	return ret == (long)linear && ret >= 0;
}

void platform_unmap(struct machine *m, uint32_t linear, uint32_t pages)
{
	(void)m;
	host_syscall(SYS_munmap, (long)linear, (long)((uint64_t)pages << 12), 0, 0, 0, 0);
}
