#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The pass as compilers and makefiles meet it: afterburn-gcc, -pipe, -g, off-switches, refusals, messages.
set -u
build=$(pwd)
gcc=$build/afterburner/afterburn-gcc
as=$build/afterburner/as
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99
status=0

# ok NAME: the command before it succeeded.
ok() {
	if [ $? -eq 0 ]; then echo "PASS: $1"; else echo "FAIL: $1"; status=1; fi
}

# refused NAME TEXT COMMAND...: exits with 2 and says TEXT.
refused() {
	name=$1 text=$2
	shift 2
	"$@" >out 2>&1
	if [ $? -eq 2 ] && grep -qF -e "$text" out; then
		echo "PASS: $name"
	else
		cat out
		echo "FAIL: $name"
		status=1
	fi
}

# The number of records of an object.
records() {
	"$build/tests/pass/slots" "$1" | wc -l
}

cat >c.c <<'EOF'
static inline void outb(unsigned short port, unsigned char value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

unsigned long f(unsigned long flags)
{
	unsigned long cr;

	asm volatile("pushf; cli; popf");
	outb(0x80, (unsigned char)flags);
	asm volatile("mov %%cr0, %0" : "=r"(cr));
	return cr;
}
EOF
cat >s.S <<'EOF'
#ifdef __x86_64__
#define READ(n) mov %cr##n, %rax
#else
#define READ(n) mov %cr##n, %eax
#endif
	.text
	.globl g
g:	READ(0)
	.macro two
	cli
	nop
	.endm
	two
	hlt
	ret
EOF

for m in -m32 -m64; do
	$gcc $m -O1 -c c.c -o c.o && [ "$(records c.o)" = 5 ]
	ok "C $m"
	$gcc $m -O1 -pipe -c c.c -o pipe.o && cmp c.o pipe.o
	ok "-pipe gives the same object $m"
	$gcc $m -c s.S -o s.o && [ "$(records s.o)" = 3 ]
	ok "preprocessed assembly $m"
	gcc -B"$build/afterburner/" $m -c s.S -o b.o && cmp s.o b.o
	ok "gcc -B gives the same object $m"
	$gcc $m -save-temps -c c.c -o c2.o && [ "$(records c2.o)" = 5 ]
	ok "-save-temps $m"
	for g in -g -gdwarf-4; do
		for f in c.c s.S; do
			gcc $m $g -O1 -c $f -o plain.o && $gcc $m $g -O1 -c $f -o padded.o
			for o in plain padded; do
				objdump --dwarf=decodedline $o.o | sed '1,/^File name/d' | awk '{ print $1, $2 }' >$o
			done
			[ -s plain ] && cmp plain padded
			ok "line numbers of $f are those without the pass $m $g"
		done
	done
	AFTERBURNER_OFF=1 $gcc $m -O1 -c c.c -o off.o && gcc $m -O1 -c c.c -o plain.o && cmp off.o plain.o
	ok "AFTERBURNER_OFF=1 gives gcc's own object $m"
	AFTERBURNER_OFF=0 $gcc $m -O1 -c c.c -o on.o && [ "$(records on.o)" = 5 ]
	ok "AFTERBURNER_OFF=0 is on $m"
	printf 'int h(int a) { return a * 3; }\nconst char text[] = "cli; mov %%cr0, %%eax";\n' >none.c
	$gcc $m -c none.c -o none.o && gcc $m -c none.c -o plain.o
	for o in none plain; do
		objcopy -R .afterburn.note $o.o $o.s.o
		objdump -dsr $o.s.o | sed '/file format/d' >$o
	done
	cmp none plain && [ "$(records none.o)" = 0 ]
	ok "code without sites is untouched $m"
done

$as --version | grep -q 'GNU assembler' && $gcc -Wa,--version -c -x assembler /dev/null -o /dev/null | grep -q GNU
ok "--version is gas's"
printf '\tcli\n' | $as --32 -o i.o && [ "$(records i.o)" = 1 ] &&
	printf '\tcli\n' | $as --32 -o i.o - && [ "$(records i.o)" = 1 ] &&
	printf '\tcli\n' | $as --32 -o i.o -- && [ "$(records i.o)" = 1 ]
ok "standard input"
printf '\tcli\n' >1.s; printf '\thlt' >2.s
$as --32 1.s 2.s -o i.o && [ "$(records i.o)" = 2 ]
ok "several files, the last without a newline"
: >empty.s
$as --32 empty.s -o i.o && [ "$(records i.o)" = 0 ]
ok "an empty file"
printf 'x:\tcli\n\tnop\n\tnonsense\n' >bad.s
$as --32 bad.s -o i.o 2>out
[ $? -eq 1 ] && grep -q '^bad.s:3: Error: no such instruction: .nonsense' out
ok "gas's messages name the line of the source"
printf '\tnop\n\tlgdt %%eax\n' >bad.s
$as --32 bad.s -o i.o 2>out
[ $? -eq 1 ] && grep -q '^bad.s:2: *Info: macro invoked from here' out
ok "also of a wrong operand of a sensitive instruction"

mkdir -p inst/bin inst/libexec/afterburner && cp "$gcc" inst/bin && cp "$as" inst/libexec/afterburner
inst/bin/afterburn-gcc -m32 -O1 -c c.c -o moved.o && [ "$(records moved.o)" = 5 ]
ok "an installation can be moved"
AFTERBURNER_LIBEXEC=$build/afterburner "$build/afterburn" cc -m32 -O1 -c c.c -o cc.o && [ "$(records cc.o)" = 5 ]
ok "afterburn cc"
AFTERBURNER_AS=$(command -v as) $gcc -m32 -O1 -c c.c -o c.o && [ "$(records c.o)" = 5 ]
ok "AFTERBURNER_AS"
PATH=$build/afterburner:$PATH $as --32 1.s -o i.o && [ "$(records i.o)" = 1 ]
ok "the pass does not call itself"
allocated() { readelf -SW "$1" | grep -c ' \(\.init\)\?\.afterburn  *PROGBITS .* A '; }
cat >module.c <<'EOF'
void f(void) { asm("cli"); }
__attribute__((section(".init.text"))) void g(void) { asm("sti"); }
__attribute__((section(".exit.text"))) void h(void) { asm("cpuid" : : : "eax", "ebx", "ecx", "edx"); }
EOF
$gcc -m32 -DMODULE -c module.c && [ "$(allocated module.o)" = 2 ] && [ "$(records module.o)" = 3 ]
ok "records of modules are allocated"
"$build/afterburn" check module.o >/dev/null
ok "check reads them"
$gcc -m64 -Wa,--afterburner-module -c module.c && [ "$(allocated module.o)" = 2 ]
ok "--afterburner-module"
$gcc -m32 -c module.c && [ "$(allocated module.o)" = 0 ] && [ "$(records module.o)" = 3 ]
ok "others are not"
[ "$($gcc -print-file-name=include)" = "$(gcc -print-file-name=include)" ]
ok "-print-file-name is gcc's"
[ "$($gcc -print-file-name=plugin)" = "$(gcc -print-file-name=plugin)" ]
ok "also of the folder of plugins"

refused "-flto" "-flto is not supported" "$gcc" -flto -c c.c
refused "-flto=auto" "-flto is not supported" "$gcc" -flto=auto -c c.c
$gcc -flto -fno-lto -O1 -m32 -c c.c -o c.o && [ "$(records c.o)" = 5 ]
ok "-flto -fno-lto"
gcc -flto -S -O1 c.c -o lto.s
refused "LTO objects under gcc -B" "link-time optimization" "$as" --64 lto.s -o lto.o
printf '.set .Lafterburner_memory, 1\n.macro m a\nmovl \\a, %%eax\n.endm\n' >memory.s
refused "a memory operation that a macro decides" "memory.s:3: Error: an operand that is an argument" "$as" --32 memory.s -o i.o
printf '.set .Lafterburner_memory, on\n' >memory.s
refused "a switch that is no number" ".Lafterburner_memory takes a number" "$as" --32 memory.s -o i.o
cat >memory.s <<'EOF'
	.intel_syntax noprefix
	.set .Lafterburner_memory, 1
	mov eax, [edx]
	mov eax, edx
	mov dword ptr x, 5
x:
EOF
$as --32 memory.s -o i.o && [ "$(records i.o)" = 2 ]
ok "memory operations in Intel syntax"
refused "x32" "x32" "$as" --x32 1.s -o i.o
refused "MRI syntax" "MRI" "$as" -M 1.s -o i.o
refused "--MD" "--MD" "$as" --MD dep 1.s -o i.o
refused "branch alignment" "-mbranches-within-32B-boundaries" "$as" -mbranches-within-32B-boundaries 1.s -o i.o
refused "a file that is not there" "nowhere.s" "$as" nowhere.s -o i.o
refused "no pass" "AFTERBURNER_LIBEXEC" env AFTERBURNER_LIBEXEC=/nowhere "$gcc" -c c.c

# Records stay and go with the code that they are of.
cat >sections.s <<'EOF'
	.globl _start
_start:	cli
	.section .text.unused, "ax"
	hlt
	.section .text.used, "ax"
used:	cli
	.section .text.group, "axG", @progbits, group, comdat
	.weak group
group:	cli
	.text
	call used
	call group
	.section .discarded, "ax"
	hlt
EOF
echo 'SECTIONS { .text : { *(.text .text.*) } /DISCARD/ : { *(.discarded) } }' >discard.lds
sites() { "$build/afterburn" check "$1" | grep -q ": $2 sites, 0 missed, 0 wrong"; }
for m in 32 64; do
	emulation=$([ $m = 32 ] && echo elf_i386 || echo elf_x86_64)
	$as --$m sections.s -o 1.o && $as --$m sections.s -o 2.o && objcopy --weaken 2.o && sites 1.o 5
	ok "sections $m"
	ld -m $emulation --gc-sections 1.o 2.o -o gc && sites gc 3
	ok "ld --gc-sections $m"
	ld -m $emulation -T discard.lds 1.o 2.o -o discard && sites discard 7
	ok "a linker script that discards code $m"
	ld -m $emulation -r 1.o 2.o -o both.o && sites both.o 9 && ld -m $emulation both.o -o both && sites both 9
	ok "ld -r $m"
	cp both stripped && strip stripped && sites stripped 9
	ok "strip $m"
done

readelf -n c.o | grep -q Afterburner && ! readelf -SW c.o | grep -E '\.afterburn' | grep -q ' A '
ok "a note, and nothing of ours is in memory"
exit $status
