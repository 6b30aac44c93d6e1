#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every sensitive instruction of the padded vmlinux has its record, every record its instruction;
# and the unpadded one, which has none, does not pass.
#   records.sh AFTERBURN LINUX-GUEST-BUILD-DIR
set -eu
[ $# -eq 2 ] || { echo "usage: records.sh AFTERBURN LINUX-GUEST-BUILD-DIR" >&2; exit 2; }
afterburn=$1
guest=$2
"$afterburn" check "$guest/padded/vmlinux" || { echo "FAILURE records: check finds defects"; exit 1; }
if [ -e "$guest/unpadded/vmlinux" ] && "$afterburn" check "$guest/unpadded/vmlinux" >/dev/null; then
	echo "FAILURE records: check finds nothing missed in an unpadded kernel"
	exit 1
fi
echo "SUCCESS records"
