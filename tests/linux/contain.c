/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Run a command as a container engine would with its default settings:
 *   contain ROOT [-v DIR] COMMAND [ARGUMENT...]
 *
 * ROOT is the file system, read-only; DIR of it stays writable, as a volume. New mount, process,
 * network, IPC and host name namespaces; parts of /proc masked or read-only; user nobody, no
 * capability, no_new_privs; and a system call filter. The filter allows no call that Docker's
 * default profile (moby, profiles/seccomp/default.json) does not, and of those only what the tests
 * need: whatever passes here passes there. Without root a user namespace stands in; exit code 77
 * where there is neither.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define CANNOT 77
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
#define MASK_NEW 0x7e020000u /* of clone: all CLONE_NEW* flags */

/* And some with conditions: see load_filter. */
static const int allowed[] = {
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(access),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(bind),
    SCMP_SYS(brk),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(connect),
    SCMP_SYS(dup2),
    SCMP_SYS(execve),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(fallocate),
    SCMP_SYS(fcntl),
    SCMP_SYS(fdatasync),
    SCMP_SYS(fork),
    SCMP_SYS(fstat),
    SCMP_SYS(ftruncate),
    SCMP_SYS(futex),
    SCMP_SYS(getcwd),
    SCMP_SYS(getdents64),
    SCMP_SYS(geteuid),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getsockname),
    SCMP_SYS(getsockopt),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(ioctl),
    SCMP_SYS(kill),
    SCMP_SYS(listen),
    SCMP_SYS(lseek),
    SCMP_SYS(madvise),
    SCMP_SYS(memfd_create),
    SCMP_SYS(mmap),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(mprotect),
    SCMP_SYS(mremap),
    SCMP_SYS(munmap),
    SCMP_SYS(nanosleep),
    SCMP_SYS(newfstatat),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(pipe2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(prctl),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(prlimit64),
    SCMP_SYS(pwritev),
    SCMP_SYS(read),
    SCMP_SYS(readlink),
    SCMP_SYS(readv),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rseq),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_yield),
    SCMP_SYS(seccomp),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(setsockopt),
    SCMP_SYS(shutdown),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(socketpair),
    SCMP_SYS(tgkill),
    SCMP_SYS(timer_create),
    SCMP_SYS(timer_settime),
    SCMP_SYS(uname),
    SCMP_SYS(vfork),
    SCMP_SYS(wait4),
    SCMP_SYS(write),
    SCMP_SYS(writev),
};

static const char *const masked[] = {"/proc/kcore", "/proc/keys", "/proc/latency_stats",
				     "/proc/timer_list", "/proc/sched_debug"};
static const char *const read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
					"/proc/sysrq-trigger"};
static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "contain: %s: %s\n", what, strerror(errno));
	exit(CANNOT);
}

static void must(bool good, const char *what)
{
	if (!good)
		die(what);
}

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), file);
	close(fd);
}

static void enter_namespaces(void)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (uid != 0) {
		must(unshare(CLONE_NEWUSER) == 0, "no root and no user namespace");
		put("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "%u %u 1", NOBODY, uid);
		put("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "%u %u 1", NOBODY, gid);
		put("/proc/self/gid_map", map);
	}
	must(unshare(NAMESPACES) == 0, "unshare");
}

static const char *in(const char *root, const char *path)
{
	static char full[4096];

	snprintf(full, sizeof(full), "%s%s", root, path);
	return full;
}

static void bind_over(const char *from, const char *to)
{
	must(mount(from, to, NULL, MS_BIND | MS_REC, NULL) == 0, to);
}

static void make_read_only(const char *path)
{
	must(mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID, NULL) == 0,
	     path);
}

/* As the first process of the namespaces: /proc shows those. */
static void mount_all(const char *root, const char *volume)
{
	char device[64];

	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount /");
	bind_over(root, root);
	if (volume)
		bind_over(volume, volume);
	must(mount("proc", in(root, "/proc"), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0,
	     "mount /proc");
	must(mount("tmpfs", in(root, "/dev"), "tmpfs", MS_NOSUID, "mode=755,size=64k") == 0,
	     "mount /dev");
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
		snprintf(device, sizeof(device), "/dev/%s", devices[i]);
		close(open(in(root, device), O_CREAT | O_WRONLY, 0666));
		bind_over(device, in(root, device));
	}
	for (size_t i = 0; i < sizeof(masked) / sizeof(*masked); i++)
		if (access(in(root, masked[i]), F_OK) == 0)
			bind_over("/dev/null", in(root, masked[i]));
	for (size_t i = 0; i < sizeof(read_only) / sizeof(*read_only); i++) {
		if (access(in(root, read_only[i]), F_OK) != 0)
			continue;
		bind_over(in(root, read_only[i]), in(root, read_only[i]));
		mount(NULL, in(root, read_only[i]), NULL,
		      MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	}
	make_read_only(root);
	must(chroot(root) == 0 && chdir("/") == 0, "chroot");
}

static void drop_privileges(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	for (int cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			must(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0, "PR_CAPBSET_DROP");
	if (getuid() == 0)
		must(setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
			 setresuid(NOBODY, NOBODY, NOBODY) == 0,
		     "setresuid");
	must(syscall(SYS_capset, &header, none) == 0, "capset");
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
}

/* Docker's filter is for all three architectures of a PC, with one list. */
static void load_filter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = ctx ? seccomp_arch_add(ctx, SCMP_ARCH_X86) : -ENOMEM;

	if (!err)
		err = seccomp_arch_add(ctx, SCMP_ARCH_X32);
	for (size_t i = 0; !err && i < sizeof(allowed) / sizeof(*allowed); i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				       SCMP_A0(SCMP_CMP_MASKED_EQ, MASK_NEW, 0));
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				       SCMP_A0(SCMP_CMP_NE, AF_VSOCK));
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	errno = -err;
	must(!err, "seccomp");
}

/* What a test wants to be sure of. */
static void tell(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");

	must(f != NULL, "/proc/self/status");
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "Cap", 3) || !strncmp(line, "NoNewPrivs", 10) ||
		    !strncmp(line, "Seccomp:", 8) || !strncmp(line, "Uid", 3))
			fputs(line, stderr);
	fclose(f);
	fprintf(stderr, "unshare: %s\n", unshare(CLONE_NEWUSER) < 0 ? strerror(errno) : "allowed");
	fprintf(stderr, "write to /: %s\n",
		open("/file", O_CREAT | O_WRONLY, 0600) < 0 ? strerror(errno) : "allowed");
}

int main(int argc, char **argv)
{
	const char *root = argc > 1 ? argv[1] : NULL, *volume = NULL;
	int status, command = 2;
	pid_t pid;

	if (argc > 4 && !strcmp(argv[2], "-v")) {
		volume = argv[3];
		command = 4;
	}
	if (argc <= command) {
		fprintf(stderr, "usage: contain ROOT [-v DIR] COMMAND [ARGUMENT...]\n");
		return 2;
	}
	enter_namespaces();
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		mount_all(root, volume);
		drop_privileges();
		load_filter();
		tell();
		execv(argv[command], argv + command);
		die(argv[command]);
	}
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
