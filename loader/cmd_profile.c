/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `afterburn profile GUEST -o FILE`: run it in profiling mode, in a process of its own. The counts
 * are in memory that both share; however the guest ends, this process writes them down.
 */
#include "afterburner/commands.h"
#include "afterburner/lines.h"
#include "loader/command.h"
#include "loader/message.h"
#include "loader/run.h"
#include "wedge/core/trace.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct options {
	struct run_request run;
	const char *output;
	double seconds; /* 0: until the guest ends */
};

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE", 0, "Where the profile goes", 0},
    {"time", 't', "SECONDS", 0, "End the guest after that time", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *as)
{
	struct options *o = as->input;
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		as->child_inputs[0] = &o->run;
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	case 't':
		o->seconds = strtod(arg, &end);
		if (end == arg || *end || !(o->seconds > 0 && o->seconds < 1e9))
			argp_error(as, "-t: `%s' is no number of seconds", arg);
		return 0;
	case ARGP_KEY_END:
		if (!o->output)
			argp_error(as, "-o FILE is needed");
		if (o->run.platform != &run_platform_linux || o->run.o.isolated || o->run.o.gdb)
			argp_error(as, "profiles are taken on platform linux, with -isolation "
				       "segment and without -gdb");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void show_progress(const struct trace *t, double seconds)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rafterburn profile: %.0f s, %llu accesses by %u instructions ",
			seconds, (unsigned long long)t->accesses, t->nr_sites);
}

static sigset_t watched_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	return set;
}

/* Wait for the machine; its exit status, as a shell has it. */
static int wait_for(pid_t machine, const struct options *o, const struct trace *t)
{
	const sigset_t set = watched_signals();
	const struct timespec second = {.tv_sec = 1};
	double start = now();
	bool over = false;
	int status;

	while (waitpid(machine, &status, WNOHANG) == 0) {
		int sig = sigtimedwait(&set, NULL, &second);

		show_progress(t, now() - start);
		if (o->seconds > 0 && now() - start >= o->seconds && !over) {
			over = true;
			kill(machine, SIGTERM);
		}
		if (sig > 0 && sig != SIGCHLD)
			kill(machine, sig);
	}
	if (isatty(STDERR_FILENO))
		fputc('\n', stderr);
	if (over)
		return 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void collect(const struct trace *t, struct profile *p)
{
	static const enum profile_direction directions[] = {[TRACE_LOAD] = PROFILE_LOAD,
							    [TRACE_STORE] = PROFILE_STORE,
							    [TRACE_UPDATE] = PROFILE_UPDATE};

	for (uint32_t i = 0; i < TRACE_SITES; i++) {
		const struct trace_site *s = &t->site[i];
		struct profile_target target = {.level = s->level, .reg = s->reg};

		memcpy(target.device, s->device, sizeof(target.device));
		if (s->count)
			profile_add(p, s->address, &target, directions[s->direction], s->size,
				    s->count);
	}
}

static bool save(struct profile *p, const struct options *o)
{
	char error[512];
	size_t without;
	FILE *f;
	bool good;

	if (!profile_symbolize(p, o->run.o.guest, &without, error, sizeof(error)))
		return refuse(NULL, "%s", error);
	if (without)
		warn_about(o->run.o.guest, "%zu of %zu instructions have no line: compile with -g",
			   without, p->nr_sites);
	profile_combine(p);
	f = fopen(o->output, "we");
	good = f && profile_write(p, f);
	if (f && fclose(f))
		good = false;
	return good || refuse(o->output, "%s", strerror(errno));
}

static void tell(const struct trace *t)
{
	fprintf(stderr,
		"afterburn profile: %llu accesses by %u instructions; traps: %llu for page tables, "
		"%llu for devices\n",
		(unsigned long long)t->accesses, t->nr_sites, (unsigned long long)t->table_traps,
		(unsigned long long)t->device_traps);
	if (t->lost)
		warn_about(NULL, "%llu accesses could not be counted", (unsigned long long)t->lost);
}

static int run_machine(struct options *o, const sigset_t *mask)
{
	sigprocmask(SIG_SETMASK, mask, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	message_verbose = o->run.o.verbose;
	return o->run.platform->run(&o->run.o);
}

static int run_profile(struct options *o)
{
	const sigset_t set = watched_signals();
	struct profile p = {0};
	struct trace *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	sigset_t before;
	pid_t machine;
	int status;

	sigprocmask(SIG_BLOCK, &set, &before);
	machine = t == MAP_FAILED ? -1 : fork();
	if (machine < 0) {
		refuse(NULL, "the host refuses a process: %s", strerror(errno));
		return COMMAND_USAGE;
	}
	o->run.o.trace = t;
	if (machine == 0)
		_exit(run_machine(o, &before));
	status = wait_for(machine, o, t);
	if (status == COMMAND_USAGE && !t->accesses)
		return status; /* it has said why */
	collect(t, &p);
	tell(t);
	if (!save(&p, o))
		status = COMMAND_USAGE;
	profile_free(&p);
	return status;
}

/* With one of these, files are worked on and nothing runs. */
static bool about_files(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--merge") || !strcmp(argv[i], "--help") ||
		    !strncmp(argv[i], "--symbols", strlen("--symbols")))
			return strcmp(argv[i], "--help");
	return false;
}

int cmd_profile(int argc, char **argv)
{
	const struct argp run = {.options = run_argp.options, .parser = run_argp.parser};
	const struct argp_child children[] = {{&run, 0, "As of `afterburn run':", 1}, {0}};
	const struct argp argp = {
	    .options = option_table,
	    .parser = parse,
	    .children = children,
	    .args_doc = "-o FILE GUEST\n--merge FILE...\n--symbols GUEST FILE...",
	    .doc = "Run a guest and count which instructions write to its page tables and reach "
		   "devices; or work on profiles: `afterburn profile --merge --help'.",
	};
	struct options o = {.run = RUN_REQUEST_DEFAULT};

	if (about_files(argc, argv))
		return cmd_profile_files(argc, argv);
	if (argp_parse(&argp, argc, argv, ARGP_LONG_ONLY, NULL, &o))
		return COMMAND_USAGE;
	return run_profile(&o);
}
