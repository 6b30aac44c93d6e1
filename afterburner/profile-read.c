/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading profiles: text that anybody may have edited. */
#include "config.h"

#include "afterburner/profile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct span {
	const char *start, *end;
};

struct reader {
	struct profile *p;
	struct span rest; /* of the current line */
	unsigned line;
	char *error;
	size_t room;
};

static bool __attribute__((format(printf, 2, 3))) bad(struct reader *r, const char *fmt, ...)
{
	int n = snprintf(r->error, r->room, "line %u: ", r->line);
	va_list ap;

	if (n >= 0 && (size_t)n < r->room) {
		va_start(ap, fmt);
		vsnprintf(r->error + n, r->room - (size_t)n, fmt, ap);
		va_end(ap);
	}
	return false;
}

/* Take up to the next separator, or all; false if nothing is left. */
static bool next(struct span *rest, char separator, struct span *out)
{
	const char *p;

	if (!rest->start)
		return false;
	p = memchr(rest->start, separator, (size_t)(rest->end - rest->start));
	*out = (struct span){rest->start, p ? p : rest->end};
	rest->start = p ? p + 1 : NULL;
	return true;
}

static bool is(struct span s, const char *word)
{
	return (size_t)(s.end - s.start) == strlen(word) &&
	       memcmp(s.start, word, strlen(word)) == 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decimal, or hexadecimal behind 0x; at most max. */
static bool number(struct span s, uint64_t max, uint64_t *out)
{
	unsigned base = 10;

	if (s.end - s.start > 2 && s.start[0] == '0' && s.start[1] == 'x') {
		base = 16;
		s.start += 2;
	}
	if (s.start == s.end)
		return false;
	for (*out = 0; s.start < s.end; s.start++) {
		int d = digit(*s.start);

		if (d < 0 || (unsigned)d >= base || (unsigned)d > max ||
		    *out > (max - (unsigned)d) / base)
			return false;
		*out = *out * base + (unsigned)d;
	}
	return true;
}

/* A name as profile_write writes it, to be freed; null if it is none. */
static char *name(struct span s)
{
	size_t size = (size_t)(s.end - s.start);
	char *out, *to;

	if (!size)
		return NULL;
	out = to = calloc(size + 1, 1);
	if (!out)
		return NULL;
	if (is(s, "?"))
		s.start = s.end;
	while (s.start < s.end) {
		unsigned char c = (unsigned char)*s.start++;

		if (c == '%') {
			int high = s.end - s.start < 2 ? -1 : digit(s.start[0]);
			int low = s.end - s.start < 2 ? -1 : digit(s.start[1]);

			c = high < 0 || low < 0 ? 0 : (unsigned char)(high << 4 | low);
			s.start += 2;
		} else if (c <= ' ') {
			c = 0;
		}
		if (!c) {
			free(out);
			return NULL;
		}
		*to++ = (char)c;
	}
	*to = '\0';
	return out;
}

static bool device_name(struct span s, struct profile_target *t)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.@";
	size_t size = (size_t)(s.end - s.start);

	if (!size || size >= sizeof(t->device))
		return false;
	memcpy(t->device, s.start, size);
	t->device[size] = '\0';
	return strspn(t->device, allowed) == size;
}

static bool target(struct span s, struct profile_target *t)
{
	struct span part;
	uint64_t value;

	*t = (struct profile_target){0};
	if (!next(&s, ':', &part))
		return false;
	if (is(part, "table")) {
		if (!s.start || !number(s, PROFILE_MAX_LEVEL, &value) || !value)
			return false;
		t->level = (unsigned)value;
		return true;
	}
	if (!is(part, "device") || !next(&s, ':', &part) || !device_name(part, t) || !s.start ||
	    !number(s, UINT32_MAX, &value))
		return false;
	t->reg = (uint32_t)value;
	return true;
}

static bool direction(struct span s, enum profile_direction *out)
{
	for (unsigned d = 0; d < PROFILE_NR_DIRECTIONS; d++)
		if (is(s, profile_direction_name(d))) {
			*out = d;
			return true;
		}
	return false;
}

/* Cut the number behind the last colon off. */
static bool last_number(struct span *s, unsigned *out)
{
	const char *colon = memrchr(s->start, ':', (size_t)(s->end - s->start));
	uint64_t value;

	if (!colon || !number((struct span){colon + 1, s->end}, UINT32_MAX, &value))
		return false;
	*out = (unsigned)value;
	s->end = colon;
	return true;
}

/* FUNCTION FILE:LINE:COLUMN */
static bool frame(struct span s, struct profile_site *site)
{
	struct span part;
	unsigned line, column;
	char *function, *file;
	bool good;

	if (!next(&s, ' ', &part) || !s.start || !last_number(&s, &column) ||
	    !last_number(&s, &line))
		return false;
	function = name(part);
	file = name(s);
	good = function && file && site->nr_frames < PROFILE_MAX_FRAMES;
	if (good)
		profile_add_frame(site, function, file, line, column);
	free(function);
	free(file);
	return good;
}

/* COUNT KIND DIRECTION SIZE ADDRESS FRAME... separated by tabs. */
static bool site(struct reader *r)
{
	struct span field;
	struct profile_target t;
	enum profile_direction d;
	uint64_t count, size, address;

	if (!next(&r->rest, '\t', &field) || !number(field, UINT64_MAX, &count))
		return bad(r, "a site begins with its count");
	if (!next(&r->rest, '\t', &field) || !target(field, &t))
		return bad(r, "field 2 is neither table:LEVEL nor device:NAME:REGISTER");
	if (!next(&r->rest, '\t', &field) || !direction(field, &d))
		return bad(r, "field 3 is neither load, store nor update");
	if (!next(&r->rest, '\t', &field) || !number(field, PROFILE_MAX_SIZE, &size) || !size)
		return bad(r, "field 4 is no size from 1 to %d", PROFILE_MAX_SIZE);
	if (!next(&r->rest, '\t', &field) || !number(field, UINT64_MAX, &address))
		return bad(r, "field 5 is no address");
	profile_add(r->p, address, &t, d, (unsigned)size, count);
	for (unsigned n = 6; next(&r->rest, '\t', &field); n++)
		if (!frame(field, &r->p->sites[r->p->nr_sites - 1]))
			return bad(r, "field %u is not FUNCTION FILE:LINE:COLUMN", n);
	return true;
}

static bool build_id(struct reader *r, struct span id)
{
	char hex[129];
	size_t size = (size_t)(id.end - id.start);

	if (!size || size >= sizeof(hex))
		return bad(r, "a build-id of %zu digits", size);
	memcpy(hex, id.start, size);
	hex[size] = '\0';
	if (strspn(hex, "0123456789abcdef") != size)
		return bad(r, "a build-id in hexadecimal is expected");
	profile_add_build_id(r->p, hex);
	return true;
}

static bool header(struct reader *r, struct span line)
{
	struct span word;
	uint64_t version;

	if (!next(&line, ' ', &word) || !is(word, "afterburner-profile") || !line.start ||
	    !number(line, UINT32_MAX, &version))
		return bad(r, "not a profile: `afterburner-profile %d' is expected",
			   PROFILE_VERSION);
	if (version != PROFILE_VERSION)
		return bad(r, "version %llu of the format, this program reads version %d",
			   (unsigned long long)version, PROFILE_VERSION);
	return true;
}

static bool one_line(struct reader *r, struct span line)
{
	struct span rest = line, word;

	if (r->line == 1)
		return header(r, line);
	if (line.start == line.end || *line.start == '#')
		return true;
	if (next(&rest, ' ', &word) && is(word, "build-id") && rest.start)
		return build_id(r, rest);
	r->rest = line;
	return site(r);
}

bool profile_parse(struct profile *p, const char *text, size_t size, char *error, size_t room)
{
	struct reader r = {.p = p, .error = error, .room = room};
	struct span all = {text, text + size}, line;

	*p = (struct profile){0};
	while (next(&all, '\n', &line)) {
		r.line++;
		if (!one_line(&r, line)) {
			profile_free(p);
			return false;
		}
	}
	profile_combine(p);
	return true;
}

/* All of a file, to be freed; null with errno set. */
static char *contents(const char *path, size_t *size)
{
	FILE *f = fopen(path, "re");
	char *text = malloc(1);
	size_t room = 1, n;

	*size = 0;
	while (f && text && (n = fread(text + *size, 1, room - *size, f)) > 0) {
		*size += n;
		if (*size == room) {
			char *more = realloc(text, room *= 2);

			if (!more)
				free(text);
			text = more;
		}
	}
	if (f && ferror(f)) {
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	else
		free(text);
	return f ? text : NULL;
}

bool profile_read(struct profile *p, const char *path, char *error, size_t room)
{
	size_t size;
	char *text = contents(path, &size), what[256];
	bool good;

	*p = (struct profile){0};
	if (!text) {
		snprintf(error, room, "%s: %s", path, strerror(errno));
		return false;
	}
	good = profile_parse(p, text, size, what, sizeof(what));
	if (!good)
		snprintf(error, room, "%s: %s", path, what);
	free(text);
	return good;
}
