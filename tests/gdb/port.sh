# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
# For the tests with gdb, which set $dir. serve AFTERBURN-ARGUMENTS: run a guest with -gdb on a free port, $port;
# its output goes to $dir/out and $dir/err. ask SYMBOL-FILE: gdb there, with the script $dir/script, into $dir/gdb.

# A port may be taken meanwhile: then try the next.
serve() {
	port=$((20000 + $$ % 20000))
	for _ in 1 2 3 4 5; do
		timeout 100 "$AFTERBURN" run -gdb tcp::"$port" "$@" </dev/null >"$dir/out" 2>"$dir/err" &
		pid=$!
		sleep 0.3
		kill -0 "$pid" 2>/dev/null && return
		port=$((port + 1))
	done
	echo "not ok - a guest with -gdb: $(cat "$dir/err")"
	exit 1
}

ask() {
	{ printf 'set pagination off\nset confirm off\ntarget remote localhost:%s\n' "$port"
	  cat "$dir/script"; } >"$dir/commands"
	timeout 60 gdb -nx -batch -x "$dir/commands" "$1" </dev/null >"$dir/gdb" 2>&1
}

# expect NAME PATTERN: a line of what gdb said.
expect() {
	if grep -Eq -- "$2" "$dir/gdb"; then
		echo "ok - $1"
	else
		echo "not ok - $1: no line \`$2' in:"
		tail -n 50 "$dir/gdb" | sed 's/^/# /'
		failed=1
	fi
}

# same REFERENCE NAME: the guest's output, once it has ended.
same() {
	wait "$pid"
	status=$?
	if cmp -s "$1" "$dir/out"; then
		echo "ok - $2"
	else
		echo "not ok - $2: exit status $status"
		diff "$1" "$dir/out" | head -20
		sed 's/^/# /' "$dir/err"
		failed=1
	fi
}
