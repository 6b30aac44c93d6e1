/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the operations of a Linux system cost its programs. One static program for all systems that
 * are compared: the host, and what runs on it; as the first process of a guest it ends the machine.
 *
 *   linux-ops [-k KHZ] [-e reboot|poweroff]    measure; a line an operation: op NAME UNIT VALUE
 *   linux-ops [-k KHZ] -t NAME [-n RUNS] COMMAND...
 *                                              run a command, print its median time: op NAME s
 * VALUE linux-ops -s COMMAND...                    run a command, print its lines, each behind the
 *                                              nanoseconds since its start
 *   linux-ops -c                               print the rate of the time-stamp counter
 *
 * Time is the time-stamp counter, at KHZ: it is the host's in all of them. Each operation is
 * measured in rounds of a fixed count; the median of the rounds is printed. The lines `clock
 * COUNTER CLOCK' tell, in nanoseconds, what the counter and the system's own clock say, at the
 * start and at the end: with -s on the host a script sees whether time passes in the guest as it
 * does outside. Fields are separated by tabs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 101, MAX_RUNS = 99, PAGE = 4096, MAX_RING = 16, TOUCHED = 64 << 10 };

#define CLOCKS_SPAN_NS 3e9

static const char *self;
static uint64_t tsc_khz;

static void die(const char *what)
{
	printf("linux-ops: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void check(int good, const char *what)
{
	if (!good)
		die(what);
}

/* --- time */

static uint64_t ticks(void)
{
	uint32_t low, high;

	/* Not before what stands before it has been done (SDM vol. 2, RDTSC). */
	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static double nanoseconds(uint64_t t)
{
	return (double)t * 1e6 / (double)tsc_khz;
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The counter's rate by the system's clock. */
static uint64_t calibrate(void)
{
	uint64_t start = ticks(), start_ns = clock_ns(), span;

	do
		span = clock_ns() - start_ns;
	while (span < 500000000);
	return (uint64_t)((double)(ticks() - start) * 1e6 / (double)span);
}

static void print_clocks(void)
{
	printf("clock\t%.0f\t%llu\n", nanoseconds(ticks()), (unsigned long long)clock_ns());
}

/* --- operations: each does n of them and returns how long they took */

static int zero_fd = -1;

static uint64_t op_getppid(int n)
{
	uint64_t start = ticks();

	for (int i = 0; i < n; i++)
		syscall(SYS_getppid);
	return ticks() - start;
}

static uint64_t op_read(int n)
{
	uint64_t start = ticks();
	char byte;

	for (int i = 0; i < n; i++)
		check(read(zero_fd, &byte, 1) == 1, "read");
	return ticks() - start;
}

static char *map(size_t size, int protection)
{
	char *p = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(p != MAP_FAILED, "mmap");
	return p;
}

/* Pages that nobody has touched yet, one fault each: never a large page. */
static uint64_t op_fault(int n)
{
	size_t size = (size_t)n * PAGE;
	char *p = map(size, PROT_READ | PROT_WRITE);
	struct rusage before, after;
	uint64_t start, took;
	long faults;

	/* A kernel without large pages refuses, and need not be told. */
	madvise(p, size, MADV_NOHUGEPAGE);
	getrusage(RUSAGE_SELF, &before);
	start = ticks();
	for (size_t i = 0; i < size; i += PAGE)
		p[i] = 1;
	took = ticks() - start;
	getrusage(RUSAGE_SELF, &after);
	faults = after.ru_minflt - before.ru_minflt;
	/* gVisor does not count. */
	errno = 0;
	check(faults == 0 || faults >= n, "fewer page faults than pages");
	munmap(p, size);
	return took;
}

static char *guarded;
static volatile int signals;

static void on_fault(int signal)
{
	(void)signal;
	signals++;
	check(mprotect(guarded, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
}

/* Write-protect a page, write to it, have the signal's handler allow it. */
static uint64_t op_signal(int n)
{
	struct sigaction action = {.sa_handler = on_fault};
	uint64_t start, took;

	guarded = map(PAGE, PROT_READ | PROT_WRITE);
	guarded[0] = 1;
	signals = 0;
	sigaction(SIGSEGV, &action, NULL);
	start = ticks();
	for (int i = 0; i < n; i++) {
		check(mprotect(guarded, PAGE, PROT_READ) == 0, "mprotect");
		*(volatile char *)guarded = 2;
	}
	took = ticks() - start;
	signal(SIGSEGV, SIG_DFL);
	errno = 0;
	check(signals == n, "signals were lost");
	munmap(guarded, PAGE);
	return took;
}

static void wait_for(pid_t pid)
{
	int status;

	check(waitpid(pid, &status, 0) == pid, "waitpid");
	errno = 0;
	check(status == 0, "a child failed");
}

static pid_t start_child(void)
{
	pid_t pid = fork();

	check(pid >= 0, "fork");
	return pid;
}

static uint64_t op_fork(int n)
{
	uint64_t start = ticks();

	for (int i = 0; i < n; i++) {
		pid_t pid = start_child();

		if (pid == 0)
			_exit(0);
		wait_for(pid);
	}
	return ticks() - start;
}

/* This program again, which ends at once. */
static uint64_t op_exec(int n)
{
	uint64_t start = ticks();

	for (int i = 0; i < n; i++) {
		pid_t pid = start_child();

		if (pid == 0) {
			execl(self, self, "-x", (char *)NULL);
			_exit(1);
		}
		wait_for(pid);
	}
	return ticks() - start;
}

/*
 * A ring of processes, a pipe between each two. A token goes round; who has it reads memory of its
 * own and passes it on. The processes end when the first closes its pipe.
 */
static uint32_t touched[TOUCHED / sizeof(uint32_t)];
static volatile uint32_t sum;

static void touch(size_t bytes)
{
	uint32_t s = 0;

	for (size_t i = 0; i < bytes / sizeof(touched[0]); i++)
		s += ((volatile uint32_t *)touched)[i];
	sum = s;
}

static int pass(int in, int out, size_t bytes)
{
	char token;

	if (read(in, &token, 1) != 1)
		return 0;
	touch(bytes);
	check(write(out, &token, 1) == 1, "write");
	return 1;
}

/* Process `me' reads from pipe me and writes to the next; it keeps those two ends only. */
static void keep_ends(int pipes[][2], int processes, int me)
{
	for (int i = 0; i < processes; i++) {
		if (i != me)
			close(pipes[i][0]);
		if (i != (me + 1) % processes)
			close(pipes[i][1]);
	}
}

static struct ring {
	int processes, in, out;
	size_t bytes;
	pid_t pids[MAX_RING];
} ring;

static void begin_ring(int processes, size_t bytes)
{
	int pipes[MAX_RING][2];

	ring.processes = processes;
	ring.bytes = bytes;
	for (int i = 0; i < processes; i++)
		check(pipe(pipes[i]) == 0, "pipe");
	for (int i = 1; i < processes; i++) {
		ring.pids[i] = start_child();
		if (ring.pids[i])
			continue;
		keep_ends(pipes, processes, i);
		memset(touched, i, sizeof(touched)); /* its own pages */
		while (pass(pipes[i][0], pipes[(i + 1) % processes][1], bytes))
			;
		_exit(0);
	}
	keep_ends(pipes, processes, 0);
	memset(touched, 0x55, sizeof(touched));
	ring.in = pipes[0][0];
	ring.out = pipes[1 % processes][1];
	check(write(ring.out, "x", 1) == 1, "write");
}

static void end_ring(void)
{
	char last;

	close(ring.out);
	while (read(ring.in, &last, 1) == 1)
		;
	close(ring.in);
	for (int i = 1; i < ring.processes; i++)
		wait_for(ring.pids[i]);
}

/* n passes of the token: whole laps. */
static uint64_t op_ring(int n)
{
	uint64_t start = ticks();

	for (int i = 0; i < n; i += ring.processes)
		check(pass(ring.in, ring.out, ring.bytes), "the token is lost");
	return ticks() - start;
}

static uint64_t op_mmap(int n)
{
	uint64_t start = ticks();

	for (int i = 0; i < n; i++)
		check(munmap(map(1 << 20, PROT_READ | PROT_WRITE), 1 << 20) == 0, "munmap");
	return ticks() - start;
}

/* --- computing: results are compared with those known */

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t op_qsort(int n)
{
	enum { COUNT = 10000 };
	static uint32_t v[COUNT];
	uint64_t took = 0, start;
	uint32_t state = 1;

	while (n--) {
		for (int i = 0; i < COUNT; i++)
			v[i] = next_random(&state);
		start = ticks();
		qsort(v, COUNT, sizeof(v[0]), compare);
		took += ticks() - start;
		errno = 0;
		for (int i = 1; i < COUNT; i++)
			check(v[i - 1] <= v[i], "qsort: not sorted");
	}
	return took;
}

/* CRC-32 as in Ethernet, a table look-up a byte, of 256 KiB of zeroes. */
static uint64_t op_crc32(int n)
{
	static uint8_t data[256 << 10];
	static uint32_t table[256];
	uint32_t crc = 0;
	uint64_t start;

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
	}
	memset(data, 0, sizeof(data));
	start = ticks();
	for (int k = 0; k < n; k++) {
		crc = 0xffffffff;
		for (size_t i = 0; i < sizeof(data); i++)
			crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
	}
	start = ticks() - start;
	errno = 0;
	check(~crc == 0xe20eea22, "crc32: a wrong sum");
	return start;
}

static uint64_t op_matmul(int n)
{
	enum { SIZE = 64 };
	static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];
	uint64_t start;

	for (int i = 0; i < SIZE; i++)
		for (int j = 0; j < SIZE; j++)
			a[i][j] = i + j, b[i][j] = i - j;
	start = ticks();
	for (int round = 0; round < n; round++)
		for (int i = 0; i < SIZE; i++)
			for (int j = 0; j < SIZE; j++) {
				double s = 0;

				for (int k = 0; k < SIZE; k++)
					s += a[i][k] * b[k][j];
				((volatile double(*)[SIZE])c)[i][j] = s;
			}
	start = ticks() - start;
	errno = 0;
	/* The sum of (63 + k) * (k - 63) over k. */
	check(c[63][63] == -168672.0, "matmul: a wrong product");
	return start;
}

/* --- measuring */

static const struct op {
	const char *name;
	uint64_t (*run)(int n);
	int count; /* of calls a round, the same on each system; few, lest others run in between */
	const char *unit;
	double unit_ns;
	int processes; /* of a ring */
	size_t bytes;
} ops[] = {
    {"getppid", op_getppid, 500, "ns", 1, 0, 0},
    {"read of 1 byte", op_read, 300, "ns", 1, 0, 0},
    {"anonymous page fault", op_fault, 64, "us", 1e3, 0, 0},
    {"mprotect, fault, signal", op_signal, 10, "us", 1e3, 0, 0},
    {"fork, exit, wait", op_fork, 1, "us", 1e3, 0, 0},
    {"fork, exec, exit, wait", op_exec, 1, "us", 1e3, 0, 0},
    /* Two passes are one round trip. */
    {"pipe round trip", op_ring, 40, "us", 0.5e3, 2, 0},
    {"context switch, 2 of 64 KiB", op_ring, 16, "us", 1e3, 2, TOUCHED},
    {"context switch, 16 of 64 KiB", op_ring, 16, "us", 1e3, 16, TOUCHED},
    {"mmap, munmap of 1 MiB", op_mmap, 20, "us", 1e3, 0, 0},
    {"qsort of 10,000", op_qsort, 1, "us", 1e3, 0, 0},
    {"crc32 of 256 KiB", op_crc32, 1, "us", 1e3, 0, 0},
    {"matmul 64x64", op_matmul, 1, "us", 1e3, 0, 0},
};

static int compare_ticks(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void measure(const struct op *op)
{
	uint64_t rounds[ROUNDS];

	if (op->processes)
		begin_ring(op->processes, op->bytes);
	op->run(op->count); /* whatever is done once only */
	for (int i = 0; i < ROUNDS; i++)
		rounds[i] = op->run(op->count);
	if (op->processes)
		end_ring();
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare_ticks);
	printf("op\t%s\t%s\t%.3f\n", op->name, op->unit,
	       nanoseconds(rounds[ROUNDS / 2]) / op->count / op->unit_ns);
}

static void measure_all(void)
{
	uint64_t start;

	zero_fd = open("/dev/zero", O_RDONLY);
	check(zero_fd >= 0, "/dev/zero");
	start = ticks();
	print_clocks();
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		measure(&ops[i]);
	/* Long enough that who compares the clocks may be late a little. */
	while (nanoseconds(ticks() - start) < CLOCKS_SPAN_NS)
		usleep(10000);
	print_clocks();
}

/*
 * As the first process of a guest: the machine ends with it. A child does the work, for the kernel
 * logs each signal of the first process.
 */
static int measure_as_init(int how_to_end)
{
	pid_t pid;

	printf("init\n");
	pid = start_child();
	if (pid == 0) {
		measure_all();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return reboot(how_to_end);
}

/* --- commands */

static pid_t start_command(char **argv, int output)
{
	pid_t pid = start_child();

	if (pid)
		return pid;
	if (output >= 0)
		dup2(output, STDOUT_FILENO);
	execvp(argv[0], argv);
	die(argv[0]);
	return -1;
}

static int exit_code(pid_t pid)
{
	int status;

	check(waitpid(pid, &status, 0) == pid, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The median of a few runs; the first one that fails is the last. */
static int time_command(const char *name, int runs, char **argv)
{
	uint64_t took[MAX_RUNS];

	print_clocks();
	for (int i = 0; i < runs; i++) {
		uint64_t start = ticks();
		int code = exit_code(start_command(argv, -1));

		took[i] = ticks() - start;
		if (code)
			return code;
	}
	qsort(took, (size_t)runs, sizeof(took[0]), compare_ticks);
	printf("op\t%s\ts\t%.4f\n", name, nanoseconds(took[runs / 2]) / 1e9);
	print_clocks();
	return 0;
}

static int stamp_command(char **argv)
{
	uint64_t start = clock_ns();
	int ends[2];
	char *line = NULL;
	size_t size = 0;
	FILE *lines;
	pid_t pid;

	check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
	pid = start_command(argv, ends[1]);
	close(ends[1]);
	lines = fdopen(ends[0], "r");
	check(lines != NULL, "fdopen");
	while (getline(&line, &size, lines) > 0) {
		line[strcspn(line, "\r\n")] = 0;
		printf("%llu\t%s\n", (unsigned long long)(clock_ns() - start), line);
	}
	return exit_code(pid);
}

int main(int argc, char **argv)
{
	const char *name = NULL, *end = NULL;
	int option, stamp = 0, runs = 1;

	self = argv[0];
	/* What forks later has nothing unwritten; who reads the lines gets them when they come. */
	setlinebuf(stdout);
	while ((option = getopt(argc, argv, "+ce:k:n:st:x")) >= 0)
		switch (option) {
		case 'c':
			printf("%llu\n", (unsigned long long)calibrate());
			return 0;
		case 'k':
			tsc_khz = strtoull(optarg, NULL, 10);
			break;
		case 'e':
			end = optarg;
			break;
		case 'n':
			runs = atoi(optarg);
			break;
		case 's':
			stamp = 1;
			break;
		case 't':
			name = optarg;
			break;
		case 'x':
			return 0;
		default:
			return 2;
		}
	if (stamp)
		return argv[optind] ? stamp_command(argv + optind) : 2;
	if (runs < 1 || runs > MAX_RUNS)
		return 2;
	if (!tsc_khz)
		tsc_khz = calibrate();
	if (name)
		return argv[optind] ? time_command(name, runs, argv + optind) : 2;
	if (end)
		return measure_as_init(strcmp(end, "reboot") ? RB_POWER_OFF : RB_AUTOBOOT);
	measure_all();
	return 0;
}
