#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Each part of the library stands alone: a program that includes its header, and links the static
# library with --gc-sections, holds that part and nothing else.
#
# usage: alone.sh BUILD CC

set -u
# shellcheck source=tests/api/installed.sh
. "$(dirname "$0")/installed.sh"
build=$1 CC=$2

# Any of these in a program means that the part has a heap.
heap='malloc|calloc|realloc|reallocarray|free|aligned_alloc|posix_memalign|memalign|strdup'

# link_alone SOURCE PROGRAM [FLAG]...
link_alone() {
	local source=$1 program=$2
	shift 2
	# shellcheck disable=SC2046,SC2086
	$CC -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$program" "$source" \
		$(pkg-config --cflags libvsm) "$libdir/libvsm.a" "$@"
}

# The first comment of the header shows a program's lines, indented by a code block's four columns.
# Each block of code is in the program as it stands, but for the indentation.
example_agrees() {
	python3 - "$1" "$2" <<'EOF'
import re, sys
header, program = (open(f).read() for f in sys.argv[1:])
comment = header.split('/**', 1)[1].split('*/', 1)[0]
lines = [line[3:] if line.startswith(' * ') else '' for line in comment.splitlines()]
blocks = re.findall(r'(?:^ {4}.*\n(?:\n+(?= {4}))?)+', '\n'.join(lines) + '\n', flags=re.M)
blocks = [b for b in blocks if re.search(r'[;{]$', b, flags=re.M)]
squeezed = ' '.join(program.split())
missing = [b for b in blocks if ' '.join(b.split()) not in squeezed]
print('\n'.join(missing) if blocks else 'the header has no example')
sys.exit(bool(missing) or not blocks)
EOF
}

one_header() {
	[ "$(grep -c '#include <vsm/' "$1")" = 1 ] && grep -Fx "#include <vsm/$2>" "$1"
}

names() { nm "$1" | awk '{ print $NF }' | sed 's/@.*//' | sort -u; }

# holds_only PROGRAM FUNCTIONS HEAP: of the exported functions only those that match, of the heap's
# functions only those named, and nothing of what makes partitions run.
holds_only() {
	local program=$1 functions=$2 allowed=$3 extra
	names "$program" | grep -E "^vsm_($functions)" >/dev/null || { echo "nothing is left"; return 1; }
	extra=$(names "$program" |
		grep -E "^vsm_|^($heap)\$|^(host|partition|vp|vtl|overlay|intercept|guestmem)_" |
		grep -vE "^vsm_($functions)" | grep -vxE "${allowed:--}")
	[ -z "$extra" ] || { echo "$extra"; return 1; }
}

# alone PART HEADER FUNCTIONS [HEAP]
alone() {
	local source=$root/tests/api/alone-$1.c program=$tree/alone-$1
	ok "$1: one header" one_header "$source" "$2"
	ok "$1: the example of $2 is this program" example_agrees "$root/include/vsm/$2" "$source"
	ok "$1: build" link_alone "$source" "$program" -Wl,--gc-sections
	ok "$1: run" "$program"
	ok "$1: it holds nothing else" holds_only "$program" "$3" "${4-}"
}

install_tree "$build"
alone decode hypercall.h 'hypercall_'
alone protmap protect.h 'protmap_|rights_valid$' 'calloc|free'
alone registers registers.h 'register_'
alone vpset vpset.h 'vpset_'
alone message message.h 'message_'
alone private-state state.h 'private_state_|register_'

# The same check finds what is there when the linker keeps everything.
whole() {
	link_alone "$root/tests/api/alone-vpset.c" "$tree/whole" || return
	! holds_only "$tree/whole" 'vpset_' '' && names "$tree/whole" | grep -x vsm_partition_create
}
ok "without --gc-sections all of it is there" whole

listed=$(grep -c '^alone [a-z]' "$0")
ok "every alone-*.c is in this list" test "$(find "$root/tests/api" -name 'alone-*.c' | wc -l)" = "$listed"
finish
