#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# check must be able to fail: files with records written by hand, broken in every way, as relocatable object
# and linked, for both instruction sets. Each must give exactly the line that is expected.
set -u
build=$(pwd)
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99
status=0

# Records by hand, with plain gas: record LABEL, KIND, INSN_OFF, INSN_LEN, SLOT_LEN, FLAGS.
cat >macros.32 <<'EOF'
	.macro place label
	.long \label - ., 0
	.endm
	.macro record label, kind, off, len, slot, flags=1
	.pushsection .afterburn, ""
	place \label
	.short \kind
	.byte \off, \len, \slot, \flags
	.short 0
	.popsection
	.endm
	.macro nops n
	.if \n == 3
	.byte 0x0f, 0x1f, 0x00
	.elseif \n == 4
	.byte 0x0f, 0x1f, 0x40, 0x00
	.elseif \n == 7
	.byte 0x0f, 0x1f, 0x80, 0, 0, 0, 0
	.endif
	.endm
	CLI = 1; STI = 2; INT = 6; HLT = 7
	.globl _start
_start:	nop
EOF
sed 's/\.long \\label - \., 0/.quad \\label - ./' macros.32 >macros.64

# expect NAME REL LINKED: check of the source on standard input, assembled and linked, must report
# a line that matches REL and LINKED and nothing else; "" for none.
expect() {
	name=$1
	cat >body
	for isa in 32 64; do
		cat macros.$isa body >src.s
		as --$isa src.s -o rel.o && ld -m "elf_$([ $isa = 32 ] && echo i386 || echo x86_64)" \
			-Ttext 0x100000 rel.o -o exec 2>/dev/null || { echo "FAIL: $name: not built"; status=1; return; }
		one "$name $isa relocatable" rel.o "$2"
		one "$name $isa linked" exec "$3"
	done
}

# one NAME FILE PATTERN
one() {
	"$build/afterburn" check "$2" >out 2>err
	code=$?
	sed '$d' out >lines
	if [ -z "$3" ] && [ $code -eq 0 ] && [ ! -s lines ]; then
		echo "PASS: $1"
	elif [ -n "$3" ] && [ $code -eq 1 ] && [ "$(wc -l <lines)" -eq 1 ] && grep -qE "^$2: $3" lines; then
		echo "PASS: $1"
	else
		cat out err
		echo "FAIL: $1: exit status $code, expected /$3/"
		status=1
	fi
}

same() {
	expect "$1" "$2" "$2"
}

same "nothing wrong" "" <<'EOF'
a:	cli; nops 4
	record a, CLI, 0, 1, 5
b:	nops 7; int $0x80
	record b, INT, 7, 2, 9, 3
	jmp a; jmp b; jmp b+7
	.section .data
	.long a, b
EOF
same "missed" '0x1?0*2 <x\+0x1> .text: missed: cli$' <<'EOF'
x:	nop; cli; nops 4
EOF
same "missed behind data" '0x1?0*6 <y> .text: missed: hlt$' <<'EOF'
	.type x, @object
	.size x, 5
x:	.byte 0xb8, 0xfa, 0xfa, 0x0f, 0xb8
y:	hlt
EOF
same "a record of no sensitive instruction" \
	'0x1?0*1 <a> .text: wrong: nop: recorded as .cli., but no such instruction starts here$' <<'EOF'
a:	nop; nops 4
	record a, CLI, 0, 1, 5
EOF
same "a record of another kind" '0x1?0*1 <a> .text: wrong: hlt: recorded as .cli. of 1 bytes, is 1$' <<'EOF'
a:	hlt; nops 4
	record a, CLI, 0, 1, 5
EOF
same "a record of another length" '0x1?0*1 <a> .text: wrong: lgdt.*recorded as .lgdt. of 4 bytes, is 3$' <<'EOF'
	LGDT = 12
a:	.byte 0x0f, 0x01, 0x10, 0x90, 0x90
	record a, LGDT, 0, 4, 5
EOF
same "a record within an instruction" \
	'0x1?0*2 <a\+0x1> .text: wrong: cli: recorded as .cli., but no such instruction starts here$' <<'EOF'
a:	.byte 0xb8, 0xfa, 0x0f, 0x1f, 0x00
	nop
	record a+1, CLI, 0, 1, 5
EOF
same "memory operations" "" <<'EOF'
	MEM = 73
a:	.byte 0x89, 0x42, 0x04, 0x66, 0x90
	record a, MEM, 0, 3, 5
b:	.byte 0xf3, 0xab; nops 3
	record b, MEM, 0, 2, 5
c:	.byte 0x89, 0x42, 0x08
EOF
same "a memory operation that is none" \
	'0x1?0*1 <a> .text: wrong: lea .*: recorded as .memory., but no such instruction starts here$' <<'EOF'
	MEM = 73
a:	.byte 0x8d, 0x42, 0x04, 0x66, 0x90
	record a, MEM, 0, 3, 5
EOF
same "a memory operation of another length" \
	'0x1?0*1 <a> .text: wrong: mov .*: recorded as .memory., but no such instruction starts here$' <<'EOF'
	MEM = 73
a:	.byte 0x89, 0x42, 0x04, 0x66, 0x90
	record a, MEM, 0, 5, 5
EOF
same "a memory operation that is sensitive by itself" \
	'0x1?0*1 <a> .text: wrong: lgdt.*recorded as .memory. of 3 bytes, is 3$' <<'EOF'
	MEM = 73
a:	.byte 0x0f, 0x01, 0x10, 0x66, 0x90
	record a, MEM, 0, 3, 5
EOF
same "a slot that is too short" '0x1?0*1 <a> .text: padding: slot of 4 bytes, .cli. needs 5$' <<'EOF'
a:	cli; nops 3
	record a, CLI, 0, 1, 4
EOF
same "an int without room for a far jump" '0x1?0*1 <a> .text: padding: slot of 5 bytes, .int. needs 9$' <<'EOF'
a:	nops 3; int $0x80
	record a, INT, 3, 2, 5, 3
EOF
same "a slot that holds code" '0x1?0*1 <a> .text: padding: the slot holds more than the instruction and NOPs$' <<'EOF'
a:	cli; .byte 0x89, 0xc0, 0x66, 0x90
	record a, CLI, 0, 1, 5
EOF
same "a slot that ends within an instruction" \
	'0x1?0*1 <a> .text: padding: the slot holds more than the instruction and NOPs$' <<'EOF'
a:	cli; nops 3; nops 4
	record a, CLI, 0, 1, 5
EOF
same "overlapping slots" '0x1?0*1 <a> .text: overlap: the slots of .cli. at .* and .hlt. at .* overlap$' <<'EOF'
a:	cli; nops 3; nop
	hlt; nops 4
b:
	record a, CLI, 0, 1, 5
	record b-6, HLT, 1, 1, 6
EOF
same "a branch into a slot" '0x1?0*6 <a\+0x5> .text: branch: jmp 0x1?0*2: 0x1?0*2 is in the slot of .cli. at 0x1?0*1$' <<'EOF'
a:	cli; nops 4
	jmp a+1
	record a, CLI, 0, 1, 5
EOF
same "a conditional branch into a slot" '0x1?0*6 <a\+0x5> .text: branch: jne .* is in the slot' <<'EOF'
a:	cli; nops 4
	jne a+4
	record a, CLI, 0, 1, 5
EOF
same "a call to the padding of sti" '0x1?0*1 <_start\+0x1> .text: branch: call .* is in the slot of .sti.' <<'EOF'
	call 1f
a:	nops 4
1:	sti
	record a, STI, 4, 1, 5, 3
EOF
expect "a branch from another section" '0 <z> .init: branch: jmp .* is in the slot of .cli. at 0x1$' \
	'0x[0-9a-f]+ <z> .init: branch: jmp .* is in the slot of .cli. at 0x100001$' <<'EOF'
a:	cli; nops 4
	record a, CLI, 0, 1, 5
	.section .init, "ax"
z:	jmp a+2
EOF
same "a symbol in a slot" '0x1?0*3 <b> .text: reference: symbol b: 0x1?0*3 is in the slot of .cli. at' <<'EOF'
a:	cli; .byte 0x90
b:	nops 3
	record a, CLI, 0, 1, 5
EOF
expect "an address in data of a place in a slot" '0x2 <a\+0x1> .text: reference: relocation: 0x2 is in the slot' "" <<'EOF'
a:	cli; nops 4
	record a, CLI, 0, 1, 5
	.data
	.long a+1
EOF

# Ranges: what is left as written is no defect; only there.
expect "left as written" "" "" <<'EOF'
a:	cli
b:
	.pushsection .afterburn.ranges, ""
	place a
	.long b - a
	.short 1, 0
	.popsection
EOF
expect "the end of a range" '0x2 <b> .text: missed: hlt' '0x100002 <b> .text: missed: hlt' <<'EOF'
a:	cli
b:	hlt
	.pushsection .afterburn.ranges, ""
	place a
	.long b - a
	.short 1, 0
	.popsection
EOF

# unreadable NAME FILE TEXT: exit status 2 and a message.
unreadable() {
	"$build/afterburn" check "$2" >out 2>err
	code=$?
	"$build/afterburn" census "$2" >/dev/null 2>&1
	census=$?
	if [ $code -eq 2 ] && [ $census -eq 2 ] && grep -q "^$2: .*$3" err; then
		echo "PASS: $1"
	else
		cat out err
		echo "FAIL: $1: exit status $code"
		status=1
	fi
}

# bad NAME TEXT: a file from the source on standard input that cannot be read.
bad() {
	cat macros.32 - >src.s
	as --32 src.s -o bad.o || { echo "FAIL: $1: not built"; status=1; return; }
	unreadable "$1" bad.o "$2"
}

unreadable "no file" nowhere "No such file"
: >empty
unreadable "an empty file" empty "not an ELF file"
echo 'echo hello' >script
unreadable "no ELF file" script "not an ELF file"
printf 'a:\tcli\n\tnop\n' | "$build/afterburner/as" --32 -o good.o
for n in 16 40 60 200 300 400; do
	head -c $n good.o >cut.o
	unreadable "cut after $n bytes" cut.o ""
done
cp good.o arm.o && printf '\050' | dd of=arm.o bs=1 seek=18 conv=notrunc 2>/dev/null
unreadable "another machine" arm.o "neither i386 nor x86-64"
cp good.o core.o && printf '\004' | dd of=core.o bs=1 seek=16 conv=notrunc 2>/dev/null
unreadable "another type of file" core.o "ELF type 4"
bad "an unknown kind" "unknown kind 999" <<'EOF'
a:	cli; nops 4
	record a, 999, 0, 1, 5
EOF
bad "kind 0" "unknown kind 0" <<'EOF'
a:	cli; nops 4
	record a, 0, 0, 1, 5
EOF
bad "an instruction outside of its slot" "is not in its slot" <<'EOF'
a:	cli; nops 4
	record a, CLI, 5, 1, 5
EOF
bad "an instruction without bytes" "is not in its slot" <<'EOF'
a:	cli; nops 4
	record a, CLI, 0, 0, 5
EOF
bad "a slot beyond the end of its section" "not in an executable section" <<'EOF'
a:	cli; nops 3
	record a, CLI, 0, 1, 5
EOF
bad "a slot in data" "not in an executable section" <<'EOF'
	.data
a:	cli; nops 4
	record a, CLI, 0, 1, 5
EOF
bad "half a record" "no multiple of 16" <<'EOF'
a:	cli; nops 4
	record a, CLI, 0, 1, 5
	.section .afterburn
	.long 0
EOF
bad "a record without relocation" "without relocations" <<'EOF'
	.section .afterburn, ""
	.long 1, 0, 1, 0
EOF
note() {
	printf '\t.section .afterburn.note, "", @note\n\t.long %s\n\t.asciz "%s"\n\t.balign 4\n\t.long %s\n' "$1" "$2" "$3"
}
note "12, 16, 1" Afterburner "2, 1, 0, 0" | bad "a later format" "format version 2"
note "12, 16, 1" Afterburner "1, 2, 0, 0" | bad "a note for another instruction set" "another instruction set"
note "12, 16, 1" Afterstuff "1, 1, 0, 0" | bad "another note" "unknown note"
note "12, 160, 1" Afterburner "1, 1, 0, 0" | bad "a note that is too long" "malformed note"

"$build/afterburn" check good.o empty >/dev/null 2>&1
[ $? -eq 2 ] && "$build/afterburn" check >/dev/null 2>&1
[ $? -eq 2 ] && "$build/afterburn" check --nonsense good.o >/dev/null 2>&1
[ $? -eq 2 ]
if [ $? -eq 0 ]; then echo "PASS: exit status 2"; else echo "FAIL: exit status 2"; status=1; fi

# --json, --skip-section, --verbose, census.
printf '\tcli\nf:\t{nooptimize} hlt\n' >src.s
as --32 src.s -o json.o
cat >expected <<'EOF'
[{"file": "json.o", "findings": [
  {"what": "missed", "address": "0", "symbol": "", "section": ".text", "disassembly": "cli"},
  {"what": "missed", "address": "0x1", "symbol": "f", "section": ".text", "disassembly": "hlt"}],
 "sites": 0, "missed": 2, "wrong": 0, "left_as_written": 0, "instructions": 2}]
EOF
"$build/afterburn" check --json json.o >out
[ $? -eq 1 ] && diff expected out
if [ $? -eq 0 ]; then echo "PASS: --json"; else echo "FAIL: --json"; status=1; fi
"$build/afterburn" check --skip-section .text json.o >out
if [ $? -eq 0 ]; then echo "PASS: --skip-section"; else echo "FAIL: --skip-section"; status=1; fi
printf '\t.set .Lafterburner_off, 1\ng:\thlt\n' | "$build/afterburner/as" --32 -o left.o
"$build/afterburn" check --verbose left.o | grep -qx 'left.o: 0 <g> .text: left as written: hlt'
if [ $? -eq 0 ]; then echo "PASS: --verbose"; else echo "FAIL: --verbose"; status=1; fi
printf '\tcli\n\tcli\n\tmov %%cr0, %%eax\n\t.section .init, "ax"\n\tint $0x80\n' |
	"$build/afterburner/as" --32 -o census.o
cat >expected <<'EOF'
census.o: 4 sites, 17 bytes of padding, 242.86 % of 24 bytes of code
  cli                             2 sites        8 bytes
  int                             1 sites        7 bytes
  mov from cr                     1 sites        2 bytes
  .text                           3 sites       10 bytes, 200.00 %
  .init                           1 sites        7 bytes, 350.00 %
EOF
"$build/afterburn" census census.o | diff expected -
if [ $? -eq 0 ]; then echo "PASS: census"; else echo "FAIL: census"; status=1; fi
cat >expected <<'EOF'
[{"file": "census.o", "sites": 4, "padding": 17, "code": 24,
  "kinds": [
   {"name": "cli", "sites": 2, "padding": 8},
   {"name": "int", "sites": 1, "padding": 7},
   {"name": "mov from cr", "sites": 1, "padding": 2}],
  "sections": [
   {"name": ".text", "sites": 3, "padding": 10},
   {"name": ".init", "sites": 1, "padding": 7}]}]
EOF
"$build/afterburn" census --json census.o | diff expected -
if [ $? -eq 0 ]; then echo "PASS: census --json"; else echo "FAIL: census --json"; status=1; fi
exit $status
