/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "afterburner/cc.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where `as` may be, from the directory of the running program; the build tree or any installed
 * prefix. */
static const char *const places[] = {"/../libexec/afterburner", "/../afterburner", "/afterburner"};

static bool has_as(const char *directory)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/as", directory) < (int)sizeof(path) &&
	       access(path, X_OK) == 0;
}

/* The directory of the pass into buf; null if there is none. */
static const char *find_pass(char buf[PATH_MAX])
{
	const char *env = getenv("AFTERBURNER_LIBEXEC");
	char self[PATH_MAX], *slash;
	ssize_t n;

	if (env && *env)
		return has_as(env) ? env : NULL;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash) {
		*slash = '\0';
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
			if (snprintf(buf, PATH_MAX, "%s%s", self, places[i]) < PATH_MAX &&
			    has_as(buf))
				return buf;
	}
	return has_as(AB_PKGLIBEXECDIR) ? AB_PKGLIBEXECDIR : NULL;
}

/* The last of -flto and -fno-lto counts. */
static bool wants_lto(int argc, char **argv)
{
	bool lto = false;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-flto") == 0 || strncmp(argv[i], "-flto=", 6) == 0)
			lto = true;
		else if (strcmp(argv[i], "-fno-lto") == 0)
			lto = false;
	return lto;
}

int cmd_cc(int argc, char **argv)
{
	const char *gcc = getenv("AFTERBURNER_GCC"), *directory;
	char buf[PATH_MAX], option[PATH_MAX + 8];
	char **args = calloc((size_t)argc + 2, sizeof(*args));

	if (!args) {
		fputs("afterburn cc: out of memory\n", stderr);
		return 2;
	}
	if (wants_lto(argc, argv)) {
		fputs(
		    "afterburn cc: -flto is not supported: with it gcc writes no instructions that "
		    "could be padded until the link\n",
		    stderr);
		free(args);
		return 2;
	}
	directory = find_pass(buf);
	if (!directory) {
		fputs("afterburn cc: the assembler pass is not where it was installed "
		      "(" AB_PKGLIBEXECDIR "/as); set AFTERBURNER_LIBEXEC to its directory\n",
		      stderr);
		free(args);
		return 2;
	}
	snprintf(option, sizeof(option), "-B%s/", directory);
	args[0] = (char *)(gcc && *gcc ? gcc : "gcc");
	args[1] = option;
	for (int i = 1; i < argc; i++)
		args[i + 1] = argv[i];
	execvp(args[0], args);
	fprintf(stderr, "afterburn cc: %s: %s\n", args[0], strerror(errno));
	free(args);
	return 2;
}
