#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Asks the unit tests whether they would notice a wrong condition in the library.

set -u -o pipefail

usage() {
	cat <<'EOF'
usage: tests/mutate.sh [--mutants N] [--seed N] [--seconds N] [--jobs N] [--list] [--help]

Copies the tree to a temporary folder and builds the unit tests there. Then, one after the other,
conditions in lib/*.c (not lib/kvm) are turned into wrong ones: "==" and "!=" change places, so do
"&&" and "||", "<" and "<=", ">" and ">=", and the condition of an if or while is negated. Each
mutant is built and the unit tests run until one fails: then it is killed. A mutant is killed as
well if a test hangs or crashes. One that does not compile, or from which the compiler makes the
same object, does not count; the next one takes its place.

  --mutants N  how many count, default 60
  --seed N     which ones: the same number picks the same ones of the same sources, default 1
  --seconds N  time for building and testing one mutant, default 120; beyond it counts as killed
  --jobs N     programs at a time, default the number of processors
  --list       print the conditions that would be taken, and stop
  --help       this text

Prints each mutant, at the end the survivors and the number killed. Exit status: 0 at least 80 % were
killed, 1 fewer, 2 usage, or the tests do not pass before anything is changed. TMPDIR says where the
copy goes; it is removed at the end. The tree itself is only read.
EOF
}

root=$(cd "$(dirname "$0")/.." && pwd)
arguments=()
list=0
while [ "$#" -gt 0 ]; do
	case $1 in
	--mutants | --seed | --seconds | --jobs)
		[[ ${2:-} =~ ^[0-9]{1,9}$ ]] || {
			printf 'mutate.sh: %s needs a number, not "%s"\n' "$1" "${2:-}" >&2
			exit 2
		}
		arguments+=("$1" "$2")
		shift 2
		;;
	--list)
		list=1
		arguments+=("$1")
		shift
		;;
	--help | -h)
		usage
		exit 0
		;;
	*)
		printf 'mutate.sh: unknown argument "%s"\n' "$1" >&2
		usage >&2
		exit 2
		;;
	esac
done

export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
if [ "$list" = 1 ]; then
	exec python3 "$root/tests/mutate.py" "${arguments[@]}" "$root" -
fi

folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
exec </dev/null
mkdir "$folder/tree" &&
	tar -C "$root" --exclude=./.git --exclude='./build*' -cf - . | tar -C "$folder/tree" -xf - ||
	exit 2
# Without debug information, which tells positions: an object is the same if its code is.
if ! meson setup "$folder/build" "$folder/tree" -Dbuildtype=plain -Dc_args=-O1 -Dtests=enabled \
	-Dexamples=disabled -Dkvm=disabled -Ddefault_library=static >"$folder/log" 2>&1; then
	tail -n 20 "$folder/log" >&2
	exit 2
fi
python3 "$root/tests/mutate.py" "${arguments[@]}" "$folder/tree" "$folder/build"
