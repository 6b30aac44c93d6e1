/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The assembler pass, installed as `as` where `gcc -B` finds it. Puts the prelude and the scanned
 * source into a memory file and becomes the real assembler with that file as standard input: no
 * temporary file, no process to wait for, the exit status is gas's own.
 */
#include "config.h"

#include "afterburner/prelude.h"
#include "afterburner/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct command {
	char **argv; /* for the real assembler */
	int argc;
	char **files; /* "-" is standard input */
	int nr_files;
	bool passthrough; /* --version and the like */
	bool intel, off, user, module, x32;
	enum ab_isa isa;
};

static _Noreturn void __attribute__((format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	fputs("afterburner as: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

/* Options of gas whose value is the next argument. */
static bool takes_value(const char *a)
{
	static const char *const options[] = {"-o",
					      "-I",
					      "-t",
					      "--defsym",
					      "--MD",
					      "--debug-prefix-map",
					      "--hash-size",
					      "--listing-lhs-width",
					      "--listing-lhs-width2",
					      "--listing-rhs-width",
					      "--listing-cont-lines"};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(a, options[i]) == 0)
			return true;
	return false;
}

static bool starts(const char *a, const char *prefix)
{
	return strncmp(a, prefix, strlen(prefix)) == 0;
}

/* Our own options, and those of gas that we must know. True if gas is not to see it. */
static bool parse_option(struct command *c, const char *a)
{
	if (strcmp(a, "--afterburner-off") == 0)
		return c->off = true;
	if (strcmp(a, "--afterburner-user") == 0)
		return c->user = true;
	if (strcmp(a, "--afterburner-module") == 0)
		return c->module = true;
	if (strcmp(a, "--32") == 0)
		c->isa = AB_ISA_I386;
	else if (strcmp(a, "--64") == 0)
		c->isa = AB_ISA_X86_64;
	else if (strcmp(a, "--x32") == 0)
		c->x32 = true;
	else if (strcmp(a, "-msyntax=intel") == 0 || strcmp(a, "-msyntax=att") == 0)
		c->intel = a[9] == 'i';
	else if (strcmp(a, "--version") == 0 || strcmp(a, "--help") == 0 ||
		 strcmp(a, "--target-help") == 0)
		c->passthrough = true;
	else if (strcmp(a, "-M") == 0 || strcmp(a, "--mri") == 0)
		die("MRI syntax (%s) is not supported", a);
	else if (starts(a, "--MD"))
		die("%s is not supported: the source comes by a pipe; let the preprocessor write "
		    "dependencies",
		    a);
	else if (a[0] == '@')
		die("response files (%s) are not supported", a);
	else if (starts(a, "-malign-branch") || strcmp(a, "-mbranches-within-32B-boundaries") == 0)
		die("%s is not supported: it moves code within slots", a);
	return false;
}

static void parse(struct command *c, int argc, char **argv)
{
	c->argv = calloc((size_t)argc + 2, sizeof(*c->argv));
	c->files = calloc((size_t)argc + 1, sizeof(*c->files));
	if (!c->argv || !c->files)
		die("out of memory");
	c->isa = AB_ISA_X86_64;
	c->argv[c->argc++] = argv[0];
	for (int i = 1; i < argc; i++) {
		char *a = argv[i];

		if (parse_option(c, a))
			continue;
		if (a[0] != '-' || strcmp(a, "-") == 0 || strcmp(a, "--") == 0) {
			c->files[c->nr_files++] = a;
			continue;
		}
		c->argv[c->argc++] = a;
		if (takes_value(a) && i + 1 < argc)
			c->argv[c->argc++] = argv[++i];
	}
	if (!c->nr_files)
		c->files[c->nr_files++] = (char *)"-";
	if (c->x32 && !c->passthrough)
		die("the x32 ABI (--x32) is not supported");
}

/* Is this file our own program? */
static bool is_self(const char *path)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat("/proc/self/exe", &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Become the real assembler: $AFTERBURNER_AS, or the first `as` in $PATH that is not this program.
 */
static _Noreturn void exec_as(char **argv)
{
	const char *as = getenv("AFTERBURNER_AS"), *path = getenv("PATH");
	char candidate[PATH_MAX];

	if (as && *as) {
		execv(as, argv);
		die("%s: %s", as, strerror(errno));
	}
	if (!path || !*path)
		path = "/usr/local/bin:/usr/bin:/bin";
	while (*path) {
		size_t n = strcspn(path, ":");

		snprintf(candidate, sizeof(candidate), "%.*s/as", (int)n, path);
		if (n && access(candidate, X_OK) == 0 && !is_self(candidate))
			execv(candidate, argv);
		path += n + (path[n] == ':');
	}
	die("no assembler `as` in $PATH (Debian package binutils)");
}

/* The contents of a file: mapped if it is a regular one (standard input may be at
 * any offset), else read. Never unmapped: this program
 * ends soon. */
static struct span contents(int fd, bool may_map)
{
	struct text t = {0};
	struct stat st;
	void *p;

	if (may_map && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
		if (p != MAP_FAILED)
			return (struct span){p, (const char *)p + st.st_size};
	}
	return text_read(&t, fd) ? (struct span){t.data, t.data + t.size}
				 : (struct span){NULL, NULL};
}

static void add_file(struct text *out, const struct command *c, const char *name)
{
	bool is_stdin = strcmp(name, "-") == 0 || strcmp(name, "--") == 0;
	struct scan_options o = {
	    .isa = c->isa, .intel = c->intel, .ranges = c->off || c->user, .module = c->module};
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	const char *shown = is_stdin ? "{standard input}" : name, *error;
	struct span source = {NULL, NULL};
	unsigned line;

	if (fd >= 0)
		source = contents(fd, !is_stdin);
	if (!source.start)
		die("can't open %s for reading: %s", shown, strerror(errno));
	text_printf(out, "# 1 \"%s\"\n", shown);
	error = scan(out, source, &o, &line);
	if (error) {
		fprintf(stderr, "%s:%u: Error: %s\n", shown, line, error);
		exit(2);
	}
	if (!is_stdin)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *off = getenv("AFTERBURNER_OFF");
	struct command c = {0};
	struct text out = {0};

	if (off && *off && strcmp(off, "0") != 0)
		exec_as(argv);
	parse(&c, argc, argv);
	if (c.passthrough)
		exec_as(argv);
	out.fd = memfd_create("afterburner", MFD_CLOEXEC);
	if (out.fd < 0)
		die("memfd_create: %s", strerror(errno));
	prelude_write(
	    &out,
	    &(struct prelude_options){
		.isa = c.isa, .off = c.off, .user = c.user, .intel = c.intel, .module = c.module});
	for (int i = 0; i < c.nr_files; i++)
		add_file(&out, &c, c.files[i]);
	prelude_end(&out);
	text_flush(&out);
	if (lseek(out.fd, 0, SEEK_SET) < 0 || dup2(out.fd, STDIN_FILENO) < 0)
		die("standard input of the assembler: %s", strerror(errno));
	exec_as(c.argv);
}
