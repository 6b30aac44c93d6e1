/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Profiles: reading, writing, merging. */
#include "config.h"

#include "afterburner/profile.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "afterburner-profile 1\n"
#define ID HEAD "build-id 0a1b\n"
#define SITE "7\ttable:1\tstore\t4\t0xc0100000\tset /src/mm/pte.h:12:8\tcaller mm/a.c:3:1\n"

static char error[256];

static struct profile parsed(const char *text)
{
	struct profile p;

	ck_assert_msg(profile_parse(&p, text, strlen(text), error, sizeof(error)), "%s", error);
	return p;
}

static void ck_refused(const char *text, const char *message)
{
	struct profile p;

	ck_assert(!profile_parse(&p, text, strlen(text), error, sizeof(error)));
	ck_assert_msg(strstr(error, message) != NULL, "%s", error);
	ck_assert_uint_eq(p.nr_sites, 0);
	ck_assert_ptr_null(p.sites);
}

/* What profile_write makes of it; to be freed. */
static char *written(struct profile *p)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(f);
	ck_assert(profile_write(p, f));
	fclose(f);
	return text;
}

static void ck_written(struct profile *p, const char *expected)
{
	char *text = written(p);

	ck_assert_str_eq(text, expected);
	free(text);
	profile_free(p);
}

START_TEST(fields)
{
	struct profile p = parsed(ID SITE);
	const struct profile_site *s = p.sites;

	ck_assert_uint_eq(p.nr_sites, 1);
	ck_assert_str_eq(p.build_ids[0], "0a1b");
	ck_assert_uint_eq(s->count, 7);
	ck_assert_uint_eq(s->target.level, 1);
	ck_assert_uint_eq(s->direction, PROFILE_STORE);
	ck_assert_uint_eq(s->size, 4);
	ck_assert_uint_eq(s->address, 0xc0100000);
	ck_assert_uint_eq(s->nr_frames, 2);
	ck_assert_str_eq(s->frames[0].function, "set");
	ck_assert_str_eq(s->frames[0].file, "/src/mm/pte.h");
	ck_assert_uint_eq(s->frames[0].line, 12);
	ck_assert_uint_eq(s->frames[0].column, 8);
	ck_assert_str_eq(s->frames[1].file, "mm/a.c");
	profile_free(&p);
}
END_TEST

START_TEST(round_trip)
{
	const char *text = ID "9\tdevice:virtio@feb0:0x50\tload\t4\t0x10\n" SITE
			      "1\ttable:4\tupdate\t8\t0x20\t? a%20b%3a%25.c:0:0\n";
	struct profile p = parsed(text);

	ck_assert_str_eq(p.sites[2].frames[0].file, "a b:%.c");
	ck_assert_str_eq(p.sites[2].frames[0].function, "");
	ck_written(&p, ID "9\tdevice:virtio@feb0:0x50\tload\t4\t0x10\n" SITE
			  "1\ttable:4\tupdate\t8\t0x20\t? a%20b:%25.c:0:0\n");
}
END_TEST

START_TEST(names_survive)
{
	struct profile p = {0};
	struct profile_target t = {.device = "vga"};

	profile_add(&p, 1, &t, PROFILE_LOAD, 2, 3);
	profile_add_frame(&p.sites[0], "?", "tab\tnew\nline \x7f%", 4, 5);
	ck_written(&p, HEAD "3\tdevice:vga:0x0\tload\t2\t0x1\t%3f tab%09new%0aline%20%7f%25:4:5\n");
}
END_TEST

START_TEST(same_lines_add_up)
{
	struct profile p = parsed(ID SITE "# comment\n\n" SITE SITE);

	ck_assert_uint_eq(p.nr_sites, 1);
	ck_assert_uint_eq(p.sites[0].count, 21);
	profile_free(&p);
	p = parsed(HEAD "18446744073709551615\ttable:1\tload\t4\t0x1\n2\ttable:1\tload\t4\t0x1\n");
	ck_assert_uint_eq(p.sites[0].count, UINT64_MAX);
	ck_assert_uint_eq(profile_total(&p), UINT64_MAX);
	profile_free(&p);
}
END_TEST

#define AT(count, address) count "\ttable:1\tstore\t4\t" address "\tset pte.h:12:8\n"

START_TEST(merge_same_build)
{
	struct profile a = parsed(ID AT("1", "0x10") AT("2", "0x20"));
	struct profile b = parsed(ID AT("4", "0x10") AT("8", "0x30"));

	profile_merge(&a, &b);
	profile_free(&b);
	ck_written(&a, ID AT("8", "0x30") AT("5", "0x10") AT("2", "0x20"));
}
END_TEST

START_TEST(merge_other_build)
{
	struct profile a = parsed(ID AT("1", "0x10") "2\ttable:1\tload\t4\t0x40\n");
	struct profile b =
	    parsed(HEAD "build-id ff\n" AT("4", "0x30") "8\ttable:1\tload\t4\t0x50\n");

	profile_merge(&a, &b);
	profile_free(&b);
	ck_written(&a, ID "build-id ff\n8\ttable:1\tload\t4\t0x50\n" AT(
			   "5", "0x10") "2\ttable:1\tload\t4\t0x40\n");
}
END_TEST

START_TEST(merge_many)
{
	struct profile a = {0};

	for (unsigned i = 0; i < 100; i++) {
		struct profile b = {0};

		profile_add(&b, i % 10, &(struct profile_target){.level = 1}, PROFILE_LOAD, 4, 1);
		profile_merge(&a, &b);
		profile_free(&b);
	}
	ck_assert_uint_eq(a.nr_sites, 10);
	ck_assert_uint_eq(a.sites[0].count, 10);
	profile_free(&a);
}
END_TEST

static const struct refused {
	const char *text, *message;
} refusals[] = {
    {"", "line 1: not a profile"},
    {"afterburner-profile 2\n", "version 2"},
    {"afterburner-profile\n", "not a profile"},
    {"afterburner-profile 99999999999999999999\n", "not a profile"},
    {HEAD "build-id xyz\n", "line 2: a build-id in hexadecimal"},
    {HEAD "build-id \n", "build-id of 0"},
    {HEAD "build-id", "begins with its count"},
    {HEAD "-1\ttable:1\tload\t4\t0x1\n", "begins with its count"},
    {HEAD "18446744073709551616\ttable:1\tload\t4\t0x1\n", "begins with its count"},
    {HEAD "1\n", "field 2"},
    {HEAD "1\ttable:0\tload\t4\t0x1\n", "field 2"},
    {HEAD "1\ttable:5\tload\t4\t0x1\n", "field 2"},
    {HEAD "1\ttable:\tload\t4\t0x1\n", "field 2"},
    {HEAD "1\ttable\tload\t4\t0x1\n", "field 2"},
    {HEAD "1\tdevice:a\tload\t4\t0x1\n", "field 2"},
    {HEAD "1\tdevice::0\tload\t4\t0x1\n", "field 2"},
    {HEAD "1\tdevice:a b:0\tload\t4\t0x1\n", "field 2"},
    {HEAD "1\tdevice:a:0x100000000\tload\t4\t0x1\n", "field 2"},
    {HEAD "1\tdevice:aaaaaaaaaaaaaaaaaaaaaaaa:0\tload\t4\t0x1\n", "field 2"},
    {HEAD "1\ttable:1\tread\t4\t0x1\n", "field 3"},
    {HEAD "1\ttable:1\tload\t0\t0x1\n", "field 4"},
    {HEAD "1\ttable:1\tload\t65\t0x1\n", "field 4"},
    {HEAD "1\ttable:1\tload\t4\n", "field 5"},
    {HEAD "1\ttable:1\tload\t4\t0x\n", "field 5"},
    {HEAD "1\ttable:1\tload\t4\t0x1\t\n", "field 6"},
    {HEAD "1\ttable:1\tload\t4\t0x1\tf a.c:1\n", "field 6"},
    {HEAD "1\ttable:1\tload\t4\t0x1\tf  a.c:1:1\n", "field 6"},
    {HEAD "1\ttable:1\tload\t4\t0x1\tf a%2.c:1:1\n", "field 6"},
    {HEAD "1\ttable:1\tload\t4\t0x1\tf a%:1:1\n", "field 6"},
    {HEAD "1\ttable:1\tload\t4\t0x1\tf a%00:1:1\n", "field 6"},
    {HEAD "1\ttable:1\tload\t4\t0x1\tf a.c:1:4294967296\n", "field 6"},
    {HEAD "1\ttable:1\tload\t4\t0x1\tf a.c:1:1\tg\n", "field 7"},
};

START_TEST(refused)
{
	ck_refused(refusals[_i].text, refusals[_i].message);
}
END_TEST

START_TEST(zero_bytes)
{
	static const char text[] = HEAD "1\ttable:1\tload\t4\t0x1\tf a\0b:1:1\n";
	struct profile p;

	ck_assert(!profile_parse(&p, text, sizeof(text) - 1, error, sizeof(error)));
}
END_TEST

START_TEST(no_file)
{
	struct profile p;

	ck_assert(!profile_read(&p, "/nowhere/profile", error, sizeof(error)));
	ck_assert_str_eq(error, "/nowhere/profile: No such file or directory");
}
END_TEST

static uint64_t place(const char *path, unsigned line, unsigned column)
{
	return profile_place(profile_file(path), line, column, PROFILE_STORE);
}

START_TEST(places)
{
	uint64_t x = place("/a/mm/memory.c", 1, 23);

	ck_assert(x == place("/b/c/mm/memory.c", 1, 23));
	ck_assert(x == place("mm/memory.c", 1, 23));
	ck_assert(x != place("memory.c", 1, 23));
	ck_assert(x != place("/a/fs/memory.c", 1, 23));
	ck_assert(x != place("/a/amm/memory.c", 1, 23));
	ck_assert(x != place("/a/mm/memory.c", 12, 3));
	ck_assert(x != profile_place(profile_file("mm/memory.c"), 1, 23, PROFILE_LOAD));
	/* FNV-1a of "b/c.c:1:2 load", as doc/format.md says. */
	ck_assert(profile_place(profile_file("/a/b/c.c"), 1, 2, PROFILE_LOAD) ==
		  0xf1cf8bdce8666d9f);
}
END_TEST

START_TEST(tidy_paths)
{
	static const char *const paths[][2] = {
	    {"/a/b.c", "/a/b.c"},
	    {"a/./b.c", "a/b.c"},
	    {"/a/x/../b.c", "/a/b.c"},
	    {"../../b.c", "../../b.c"},
	    {"x/../../b.c", "../b.c"},
	    {"/x/../../b.c", "/../b.c"},
	    {"a//b.c", "a/b.c"},
	    {"", ""},
	    {"/", "/"},
	    {"./b.c", "b.c"},
	    {"a/..", ""},
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char path[32];

		strcpy(path, paths[i][0]);
		profile_tidy_path(path);
		ck_assert_str_eq(path, paths[i][1]);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("profile");
	TCase *tc = tcase_create("profile");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(tc, fields);
	tcase_add_test(tc, round_trip);
	tcase_add_test(tc, names_survive);
	tcase_add_test(tc, same_lines_add_up);
	tcase_add_test(tc, merge_same_build);
	tcase_add_test(tc, merge_other_build);
	tcase_add_test(tc, merge_many);
	tcase_add_loop_test(tc, refused, 0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(tc, zero_bytes);
	tcase_add_test(tc, no_file);
	tcase_add_test(tc, places);
	tcase_add_test(tc, tidy_paths);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
