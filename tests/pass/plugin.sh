#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The GCC plugin: what a profile or the attribute names becomes sites, in every copy; nothing else changes.
set -u
build=$(pwd)
srcdir=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
gcc=$build/afterburner/afterburn-gcc
[ -f afterburner/afterburner.so ] || { echo "SKIP: configured without the plugin"; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
unset AFTERBURN_PROFILE AFTERBURNER_OFF
# The last two components of a path count.
mkdir "$dir/src" && cd "$dir" || exit 99
status=0

# ok NAME: the command before it succeeded.
ok() {
	if [ $? -eq 0 ]; then echo "PASS: $1"; else echo "FAIL: $1"; status=1; fi
}

# Instructions modulo padding and addresses.
code() {
	objdump -dw --no-show-raw-insn "$1" | sed -nE 's/^ *[0-9a-f]+:\t//p' |
		grep -vE '^(nop|xchg +%ax,%ax|data16|cs nop|lea +(0x0)?\(%esi)' |
		sed -E 's/ *(<|#).*//; s/^((j|call|loop)[a-z]*) .*/\1/'
}

# memory FILE: how many memory operations are recorded.
memory() {
	"$build/tests/pass/slots" "$1" | grep -c '^memory'
}

# The instructions in the slots of memory operations.
slots() {
	"$build/tests/pass/slots" "$1" | sed -n 's/^memory.*| \([^;]*\).*/\1/p'
}

cat >src/pte.h <<'END'
typedef unsigned pte_t;
static inline void set_pte(volatile pte_t *p, pte_t v)
{
	*p = v;
}
static inline pte_t exchange(volatile pte_t *p, pte_t v)
{
	asm volatile("1: xchgl %0, %1; .pushsection .discard; .long 1b; .popsection" : "+r"(v), "+m"(*p));
	return v;
}
static inline void set_bit(pte_t *p, int n)
{
	asm volatile("lock; bts %1, (%0)" : : "r"(p), "r"(n) : "memory");
}
END
cat >src/a.c <<'END'
#include "pte.h"
pte_t table[1024], other;
void fill(volatile pte_t *p, int n)
{
	while (n--)
		set_pte(p + n, (pte_t)n << 12);
}
pte_t swap(volatile pte_t *p)
{
	set_pte(p, 3);
	set_bit(table + 1, 5);
	return exchange(p + 1, 5);
}
void plain(pte_t *p)
{
	p[1] += p[2];
	other = p[3];
}
END
cat >src/b.c <<'END'
#include "pte.h"
extern pte_t table[1024];
void set(int n, pte_t v)
{
	set_pte(table + n, v);
}
END
printf 'afterburner-profile 1\n' >empty

# A run of a.c saw the store in fill, the exchange and the bit; b.c is not known to it.
for m in -m32 -m64; do
	emulation=$([ $m = -m32 ] && echo elf_i386 || echo elf_x86_64)
	gcc $m -O2 -g -c src/a.c -o a.o && ld -m "$emulation" -e fill a.o -o a 2>/dev/null
	{
		cat empty
		objdump -dw --no-show-raw-insn a | awk '
			function site(n, what) { sub(":", "", $1); printf "%d\ttable:1\t%s\t4\t0x%s\n", n, what, $1 }
			/>:$/ { f = $2 }
			f == "<fill>:" && /mov .*,\(%|mov .*,-?0x[0-9a-f]+\(%/ && !/[er]sp/ && !done { site(1000, "store"); done = 1 }
			/xchg .*\(/ { site(100, "update") }
			/lock bts/ { site(10, "update") }'
	} >raw
	"$build/afterburn" profile --symbols a raw -o prof$m && [ "$(grep -c '^10*	table' prof$m)" = 3 ] &&
		grep -q 'set_pte .*/src/pte.h:4:.*	fill .*/src/a.c:6:' prof$m
	ok "symbols of what ran $m"
	"$build/afterburn" report prof$m | grep -A 2 'set_pte' | grep -q '\*p = v;'
	ok "the report has the source $m"
done

# same_but_padding MODE OPTION...: with an empty profile the object is the same, with the other one its code is.
same_but_padding() {
	mode=$1
	shift
	for f in a b; do
		$gcc "$mode" "$@" -c src/$f.c -o $f.o && $gcc "$mode" "$@" -fafterburn-profile=empty -c src/$f.c -o $f.empty.o &&
			cmp $f.o $f.empty.o && $gcc "$mode" "$@" -fafterburn-profile=prof"$mode" -c src/$f.c -o $f.prof.o &&
			code $f.o >code && code $f.prof.o | diff code - || return
	done
	"$build/afterburn" check a.prof.o b.prof.o >out || { cat out; return 1; }
	[ "$(slots b.prof.o | grep -c mov)" = 1 ] && [ "$(slots a.prof.o | grep -c xchg)" = 1 ] &&
		[ "$(slots a.prof.o | grep -c 'lock bts')" = 1 ]
}
# copies -ge N: of the store in set_pte, in a.c
copies() {
	test "$(slots a.prof.o | grep -c mov)" "$@"
}

for m in -m32 -m64; do
	for o in -O0 -O1 -O2 -O3 -Os; do
		same_but_padding $m $o && { if [ $o = -O0 ]; then copies -eq 1; else copies -ge 2; fi; }
		ok "an empty profile changes nothing, another one only padding $m $o"
	done
	same_but_padding $m -O0 -g && copies -eq 1
	ok "the same with debug information $m -O0 -g"
	same_but_padding $m -O2 -g && copies -ge 2 && same_but_padding $m -O2 -g3 -pipe -fPIC && copies -ge 2
	ok "the same with debug information $m -O2 -g"
	same_but_padding $m -O2 -gdwarf-4 -fno-asynchronous-unwind-tables -ffunction-sections && copies -ge 2
	ok "the same with other options $m"
	# As a kernel module is linked.
	ld -m "$([ $m = -m32 ] && echo elf_i386 || echo elf_x86_64)" -r a.prof.o b.prof.o -o module.o && strip -g module.o &&
		[ "$(memory module.o)" -eq $(($(memory a.prof.o) + $(memory b.prof.o))) ] &&
		"$build/afterburn" check --profile prof$m module.o >out && grep -q 'profile: 3 of 3 places are here' out
	ok "records and what matched survive ld -r and strip $m"
	$gcc $m -O2 -fafterburn-profile=prof$m -c src/a.c -o a.o && slots a.o >out && ! grep -q add out &&
		[ "$(wc -l <out)" -lt "$(code a.o | grep -c '(')" ]
	ok "what the profile does not name is left alone $m"
done

# Objects of the sample guest, debug information and all.
for f in "$srcdir"/sample-guest/*.c; do
	for p in "" -fafterburn-plugin -fafterburn-profile=empty; do
		# shellcheck disable=SC2086
		$gcc -m32 -march=i686 -I"$srcdir/sample-guest" -O2 -g -ffreestanding -fno-pic -mgeneral-regs-only $p -c "$f" -o sample"$p".o || exit 99
	done
	cmp sample.o sample-fafterburn-plugin.o && cmp sample.o sample-fafterburn-profile=empty.o || break
done
ok "objects of the sample guest are the same"

# Somewhere else, later: as many lines further down.
mkdir -p moved/src stale/src
cp src/* moved/src && (cd moved && $gcc -m32 -O2 -fafterburn-profile=../prof-m32 -c src/a.c -o a.o) &&
	(cd moved/src && $gcc -m32 -O2 -fafterburn-profile=../../prof-m32 -c ../src/./a.c -o b.o) &&
	[ "$(memory moved/a.o)" = "$(memory moved/src/b.o)" ] && [ "$(memory moved/a.o)" -ge 4 ]
ok "a tree that has moved"
"$build/afterburn" check --profile prof-m32 moved/a.o >out && grep -q 'profile: 3 of 3 places are here, with 100.00 %' out
ok "all of the profile matches"
cp src/a.c stale/src && sed 's/^static inline pte_t exchange/\n&/' src/pte.h >stale/src/pte.h
(cd stale && $gcc -m32 -O2 -fafterburn-profile=../prof-m32 -c src/a.c -o a.o) && ! slots stale/a.o | grep -q xchg &&
	"$build/afterburn" check --profile prof-m32 stale/a.o >out && grep -q 'no longer matches: exchange update .*/src/pte.h:8' out &&
	grep -q 'profile: 1 of 3 places are here, with 90.09 % of the accesses: 2 instructions marked, 2 memory' out
ok "a stale profile: what still matches is used, the rest is counted"
"$build/afterburn" check --json --profile prof-m32 stale/a.o | python3 -c 'import json, sys
p = json.load(sys.stdin)[0]["profile"]; sys.exit(p["places"] != 3 or p["found"] != 1)'
ok "the same as JSON"

AFTERBURN_PROFILE=$dir/prof-m32 $gcc -m32 -O2 -c src/a.c -o env.o && $gcc -m32 -O2 -fafterburn-profile=prof-m32 -c src/a.c -o a.o && cmp env.o a.o
ok "AFTERBURN_PROFILE"
AFTERBURNER_OFF=1 AFTERBURN_PROFILE=$dir/prof-m32 $gcc -m32 -O2 -c src/a.c -o off.o && gcc -m32 -O2 -c src/a.c -o a.o && cmp off.o a.o
ok "AFTERBURNER_OFF=1 turns it off, too"
! $gcc -m32 -fafterburn-profile=nowhere -c src/a.c -o a.o 2>out && grep -q 'profile nowhere: No such file' out
ok "a profile that is not there"
! $gcc -m32 -fafterburn-profile=src/a.c -c src/a.c -o a.o 2>out && grep -q 'src/a.c: line 1: not a profile' out
ok "a profile that is none"
mkdir -p inst/bin inst/libexec/afterburner && cp "$gcc" inst/bin && cp "$build/afterburner/as" inst/libexec/afterburner
! inst/bin/afterburn-gcc -fafterburn-plugin -c src/a.c 2>out && grep -q 'the GCC plugin was not built' out
ok "an installation without the plugin"

cat >attribute.c <<'END'
#define SENSITIVE __attribute__((afterburner_sensitive))
typedef unsigned pte_t SENSITIVE;
typedef volatile unsigned reg_t SENSITIVE;
struct SENSITIVE both { unsigned a, b; };
struct device { unsigned plain; unsigned status SENSITIVE; reg_t data[4]; };
SENSITIVE unsigned special;
unsigned ordinary, more;
void type(pte_t *p) { *p = ordinary; }
void record(struct both *p) { p->a = 1; p->b = more; }
void field(volatile struct device *d) { d->plain = 1; d->status = 2; ordinary = d->data[3]; }
void variable(void) { special = ordinary; }
SENSITIVE static inline void all(unsigned *p)
{
	*p = more;
	p[1]++;
}
void calls(unsigned *p) { all(p); p[2] = 3; }
void text(reg_t *p) { asm("btrl $3, %0" : "+m"(*p)); }
END
# type 1, record 2, field 2, variable 1, all in calls and by itself: load, store, update; text 1
attribute() {
	$gcc "$@" -fno-pic -Werror -fafterburn-plugin -c attribute.c -o attribute.o &&
		gcc "$@" -fno-pic -Wno-attributes -c attribute.c -o plain.o || return
	code plain.o >code && code attribute.o | diff code - && "$build/afterburn" check attribute.o >/dev/null || return
	slots attribute.o >out
	[ "$(wc -l <out)" -ge 10 ] && [ "$(wc -l <out)" -le 12 ] && [ "$(grep -c btr out)" -eq 1 ] || { cat out; return 1; }
}
for m in -m32 -m64; do
	attribute $m -O0 && attribute $m -O2 && attribute $m -Os
	ok "the attribute: of types, fields, variables and functions $m"
done
exit $status
