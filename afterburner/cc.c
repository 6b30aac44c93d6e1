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

static int refuse(char **args, const char *message)
{
	fprintf(stderr, "afterburn cc: %s\n", message);
	free(args);
	return 2;
}

/* Is the pass, and with it the plugin, switched off? */
static bool is_off(void)
{
	const char *off = getenv("AFTERBURNER_OFF");

	return off && *off && strcmp(off, "0") != 0;
}

/* The plugin, if an option or the environment wants it: for a profile, or for the attribute alone.
 */
struct plugin {
	bool wanted;
	const char *profile;
};

/* Is it an option of ours? */
static bool plugin_option(struct plugin *p, const char *arg)
{
	static const char profile[] = "-fafterburn-profile=";

	if (strncmp(arg, profile, sizeof(profile) - 1) == 0)
		p->profile = arg + sizeof(profile) - 1;
	else if (strcmp(arg, "-fafterburn-plugin") != 0)
		return false;
	p->wanted = true;
	return true;
}

/* Code that a guest loads at run time: Kbuild defines MODULE for it, in C and in assembly. */
static bool is_module(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-DMODULE") == 0)
			return true;
	return false;
}

/* Append what loads the plugin to the arguments; false if it was not built. */
static bool load_plugin(const struct plugin *p, const char *directory, char **args, int *n)
{
	static char load[PATH_MAX + 32], profile[PATH_MAX + 48];

	snprintf(load, sizeof(load), "-fplugin=%s/afterburner.so", directory);
	if (access(strchr(load, '=') + 1, R_OK) != 0)
		return false;
	args[(*n)++] = load;
	if (p->profile && *p->profile) {
		snprintf(profile, sizeof(profile), "-fplugin-arg-afterburner-profile=%s",
			 p->profile);
		args[(*n)++] = profile;
	}
	return true;
}

int cmd_cc(int argc, char **argv)
{
	const char *gcc = getenv("AFTERBURNER_GCC"), *directory;
	struct plugin plugin = {.profile = getenv("AFTERBURN_PROFILE")};
	char buf[PATH_MAX], option[PATH_MAX + 8];
	char **args = calloc((size_t)argc + 5, sizeof(*args));
	int n = 2;

	if (!args)
		return refuse(args, "out of memory");
	if (wants_lto(argc, argv))
		return refuse(args, "-flto is not supported: with it gcc writes no instructions "
				    "that could be padded until the link");
	directory = find_pass(buf);
	if (!directory)
		return refuse(args, "the assembler pass is not where it was installed "
				    "(" AB_PKGLIBEXECDIR
				    "/as); set AFTERBURNER_LIBEXEC to its directory");
	snprintf(option, sizeof(option), "-B%s/", directory);
	args[0] = (char *)(gcc && *gcc ? gcc : "gcc");
	args[1] = option;
	if (is_module(argc, argv) && !is_off())
		args[n++] = (char *)"-Wa,--afterburner-module";
	plugin.wanted = plugin.profile && *plugin.profile;
	for (int i = 1; i < argc; i++)
		if (!plugin_option(&plugin, argv[i]))
			args[n++] = argv[i];
	if (plugin.wanted && !is_off() && !load_plugin(&plugin, directory, args, &n))
		return refuse(args, "the GCC plugin was not built: configure says what is missing");
	execvp(args[0], args);
	fprintf(stderr, "afterburn cc: %s: %s\n", args[0], strerror(errno));
	free(args);
	return 2;
}
