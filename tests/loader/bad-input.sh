#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Every bad image through the real command: exit status 2, the right message, nothing started.
set -u
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
./tests/loader/bad-input "$dir" > "$dir/cases" || exit 99
echo "1..$(grep -c . "$dir/cases")"
failed=0
while IFS='	' read -r number expect name; do
	timeout 20 ./afterburn run -on linux -m 16M -append word -serial none "$dir/$number.elf" \
		< /dev/null > /dev/null 2> "$dir/said"
	status=$?
	if [ "$expect" = - ]; then
		# A good one runs: it leaves by the debug-exit port.
		[ $status -eq 33 ]
	else
		[ $status -eq 2 ] && grep -qF -- "$expect" "$dir/said"
	fi && echo "ok $number - $name" || {
		echo "not ok $number - $name: exit status $status: $(cat "$dir/said")"
		failed=1
	}
done < "$dir/cases"
exit $failed
