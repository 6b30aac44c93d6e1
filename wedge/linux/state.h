/* SPDX-License-Identifier: MIT */
/* The real register state of the guest between the assembly of entry.S and the C of this directory.
 */
#ifndef WEDGE_LINUX_STATE_H
#define WEDGE_LINUX_STATE_H

#define ST_GPR 0 /* eight dwords, by enum gpr */
#define ST_EIP 32
#define ST_EFLAGS 36
#define ST_SEL 40 /* six dwords, by enum segreg */
#define ST_HOST_FS 64
#define ST_HOST_RSP 72
#define ST_ATTENTION 80
#define ST_USER 84
#define ST_XCR0 88
#define ST_GUEST_FS 96
#define ST_RELOAD 104

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "wedge/core/machine.h"
#include "wedge/linux/linux.h"
#include "wedge/stubs/window.h"

struct state {
	uint32_t gpr[NR_GPRS];
	uint32_t eip;
	uint32_t eflags;       /* as the real CPU holds it */
	uint32_t sel[NR_SEGS]; /* as the real CPU holds them */
	uint64_t host_fs;      /* the C library's thread pointer */
	uint64_t host_rsp;     /* top of the monitor's stack */
	uint32_t attention; /* a signal wants vcpu_exit(EXIT_INTERRUPT) before the guest goes on */
	uint32_t user;      /* ring 3, and it has a process of its own: linux_user */
	uint64_t xcr0;      /* states to save and restore around C code */
	uint64_t guest_fs;  /* base of the %fs that the guest was interrupted with */
	uint32_t reload;    /* the segment registers must be loaded even if they hold `sel` */
};
_Static_assert(offsetof(struct state, eip) == ST_EIP, "eip");
_Static_assert(offsetof(struct state, sel) == ST_SEL, "sel");
_Static_assert(offsetof(struct state, host_fs) == ST_HOST_FS, "host_fs");
_Static_assert(offsetof(struct state, host_rsp) == ST_HOST_RSP, "host_rsp");
_Static_assert(offsetof(struct state, attention) == ST_ATTENTION, "attention");
_Static_assert(offsetof(struct state, user) == ST_USER, "user");
_Static_assert(offsetof(struct state, xcr0) == ST_XCR0, "xcr0");
_Static_assert(offsetof(struct state, guest_fs) == ST_GUEST_FS, "guest_fs");
_Static_assert(offsetof(struct state, reload) == ST_RELOAD, "reload");

/* Everything this platform knows of its one machine. */
struct linux_machine {
	struct machine m;
	struct linux_config config;
	int ram_fd, window_fd;
	struct window *win;   /* the monitor's view of the window's data */
	uint8_t *window_code; /* the monitor's writable view of the whole window */
	bool entered_user;    /* since power on */
	size_t fpu_size;      /* bytes of an XSAVE area on this host */
	bool aliased;         /* the window's aliases are mapped */
	uint32_t user_limit;
	bool
	    code_limit; /* ring 3's code segments are clipped to it like the others, and readable */
	bool isolated;  /* -isolation process: userspace.h */
	uint32_t lowest_page; /* vm.mmap_min_addr; if isolated */
	bool (*reload)(struct machine *m, void *arg);
	void *reload_arg;
};

extern struct linux_machine linux_machine;
extern struct state linux_state;
extern uint8_t linux_fpu[];

/* entry.S */
uint64_t host_immunities(void); /* for IA32_ARCH_CAPABILITIES */
void linux_gate_entry(void);    /* 64-bit: where the window's gate jumps to */
void linux_fpu_save(void);
void linux_fpu_restore(void);
_Noreturn void linux_resume(void); /* load linux_state and linux_fpu, go on in the guest */
extern const char linux_exit_begin[], linux_exit_end[], linux_exit_restart[];
/* The same to and from a user process's area; false: it holds no such state. */
void linux_user_fpu_save(void *area);
bool linux_user_fpu_restore(const void *area);
extern const char linux_user_fpu_load[], linux_user_fpu_refused[];
void linux_signal_entry(int sig, void *info, void *context);

/* run.c: called from entry.S */
void linux_gate(void);
void linux_attention(void);
void linux_user(void);
int linux_signal(int sig, void *info, void *context, const uint32_t *sel);

/* segments.c: between linux_state.sel and v->seg */
void segments_enter(struct vcpu *v);
void segments_leave(struct vcpu *v);
void segments_init(void);
void segments_sync(void); /* this process runs now: its LDT takes over */
/* The real selector for a segment as ring 0 or ring 3 sees it; makes an LDT entry if there is none.
 */
uint16_t segments_real(const struct segment *seg, bool user);
/* Is it ring 3's code that a real %cs names? */
bool segments_ring3(uint32_t cs);
/* A flat code segment for far calls of user code into the window; 0 on failure. */
uint16_t segments_entry_cs(void);
/* Was this selector ever returned by segments_entry_cs? */
bool segments_was_entry(uint16_t sel);
/* The guest has more than LDT_SMALL entries: move ours out of its way, the entry code segment
 * too. */
void segments_make_room(void);
/* Real selectors that ring 3 wrote itself: what it cannot have loaded becomes what it can. */
void segments_distrust(uint32_t sel[NR_SEGS]);
/* Does a register hold a selector that guest user code loaded by itself, from the host's GDT? */
bool segments_foreign(const struct vcpu *v);

/* fastpath.c */
#define FASTPATH_SLOT 9 /* bytes of a padded `int $0x80` */
bool fastpath_init(void);
uint32_t fastpath_gate(void); /* where far calls of user code lead */
void fastpath_leave(struct vcpu *v);
void fastpath_disarm(void);
void fastpath_patch(struct vcpu *v, uint32_t eip);
bool fastpath_failed(const struct vcpu *v, const struct exit *x);
void fastpath_as_syscall(void);
bool fastpath_rollback(void);

/* run.c: between linux_state and the virtual CPU */
void state_enter(struct vcpu *v);
void state_leave(struct vcpu *v);

/* memory.c; but for WINDOW_SENSITIVE the end of the window stays unmapped: small negative offsets
 * to a %gs of base 0 must fault. */
#define WINDOW_TAIL 0x100000u
_Static_assert(WINDOW_SENSITIVE == LINUX_WINDOW_SIZE - WINDOW_TAIL, "behind the trampolines");
bool memory_create(struct linux_machine *lm);
bool memory_map_aliases(struct linux_machine *lm);
void memory_drop_aliases(struct linux_machine *lm);

/* create.c: FPU state as after FNINIT into an XSAVE area. */
void linux_fpu_initial(uint8_t *area);

/* spaces.c */
#define LINUX_SPACES 16
bool spaces_create(struct machine *m);
void spaces_open(struct machine *m);
void spaces_leave(void);
bool spaces_moving(void);
_Noreturn void spaces_exit(int status);
void spaces_child_died(void); /* SIGCHLD; returns if the machine is ending anyway */
/* Memory that all the monitor's processes share, with a copy of `from` if that is not null. */
void *spaces_memory(const void *from, size_t size);

/* time.c, serial.c, sandbox.c */
bool time_init(void);
bool time_init_process(void); /* in every process of the monitor */
void time_again(uint64_t ns); /* a SIGALRM then, whatever else is due */
void time_sync(void);         /* this process runs now: its timer takes over */
void serial_init(const struct linux_config *c);
int serial_input_fd(void); /* -1: none, or no room for its input */
void serial_poll(void);    /* take what input there is */
void serial_flush(void);
void serial_print(const char *text); /* to whoever is at the input's port */
void serial_restore(void);

/* terminal.c */
void terminal_init(int fd);
bool terminal_raw(void);       /* a person is at the terminal */
int terminal_resized_fd(void); /* readable when the size has changed; -1: no terminal */
void terminal_resized(void);
void terminal_restore(void);

/* children: processes that this one may kill. */
bool sandbox_close(const pid_t *children, unsigned nr_children);
bool sandbox_relay(void); /* the same for gdb.c's relay */
_Noreturn void report_internal(const char *what, uint64_t value);
#endif

#endif
