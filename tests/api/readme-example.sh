#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The first C example of README.md, as a reader would use it: copied out, built with pkg-config
# against the installed libvsm, run.
#
# usage: readme-example.sh BUILD CC shared|static|both

set -u
# shellcheck source=tests/api/installed.sh
. "$(dirname "$0")/installed.sh"
build=$1 CC=$2 kind=$3

install_tree "$build"
awk '/^```c$/ { inside = 1; next } /^```/ { if (inside) exit } inside' "$root/README.md" \
	>"$tree/example.c"
ok "README.md has a C example" test -s "$tree/example.c"
ok "it has about 20 lines" test "$(wc -l <"$tree/example.c")" -le 30
if [ "$kind" = static ]; then
	ok "it builds" build_static libvsm "$tree/example.c" "$tree/example"
else
	ok "it builds" build_shared libvsm "$tree/example.c" "$tree/example"
fi
ok "it runs" "$tree/example"
finish
