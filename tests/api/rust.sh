#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The Rust consumer: examples/rust is built against the library of this build and tested, without a
# network and without a crate from elsewhere. Each of its test functions is a check here.
#
# usage: rust.sh BUILD CC shared|static|both      (what was built)

set -u
# shellcheck source=tests/api/installed.sh
. "$(dirname "$0")/installed.sh"
build=$(cd "$1" && pwd) CC=$2 kind=$3
rust=$root/examples/rust

lock_is_ours() {
	[ "$(grep -c '^name = ' "$rust/Cargo.lock")" = 2 ] && ! grep '^source = ' "$rust/Cargo.lock"
}

# What bindings.py writes is what is committed.
bindings_agree() {
	local file
	python3 "$rust/bindings.py" "$root/include" "$tree/bindings" || return
	(cd "$tree/bindings" && find . -name '*.rs' | sort) >"$tree/written"
	(cd "$rust/vsm-sys" && find ./src ./tests/layout -name '*.rs' ! -name lib.rs | sort) |
		diff - "$tree/written" || return
	while read -r file; do
		diff "$rust/vsm-sys/$file" "$tree/bindings/$file" || {
			echo "run: examples/rust/bindings.py include examples/rust/vsm-sys"
			return 1
		}
	done <"$tree/written"
}

cargo_here() {
	(cd "$rust" && cargo "$@" --offline --locked) </dev/null
}

# The functions of cargo's tests, one check each.
function_checks() {
	local name result functions=0
	while read -r name result; do
		functions=$((functions + 1))
		ok "$name" test "$result" = ok
	done < <(sed -n 's/^test \([a-zA-Z0-9_:]*\) \.\.\. \(.*\)$/\1 \2/p' "$tree/said")
	ok "there are 10 test functions" test "$functions" -ge 10
}

ok "no crate from elsewhere" lock_is_ours
if command -v clang >/dev/null; then
	ok "the bindings are those of the headers" bindings_agree
else
	skip "the bindings are those of the headers" "no clang here"
fi

version=$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
if [ -z "$version" ]; then
	skip "examples/rust" "no cargo here"
	finish
elif [ "$version" -lt 77 ]; then
	skip "examples/rust" "cargo 1.$version is older than 1.77"
	finish
fi

export CC CARGO_HOME=$tree/cargo CARGO_TARGET_DIR=$build/rust CARGO_TERM_COLOR=never
export VSM_LIB_DIR=$build/lib VSM_INCLUDE_DIR=$root/include VSM_LIB_KIND=static
if [ "$kind" = shared ]; then
	export VSM_LIB_KIND=dylib LD_LIBRARY_PATH=$build/lib
fi
ok "cargo build" cargo_here build
cargo_tests() { cargo_here test >"$tree/said" 2>&1 || { cat "$tree/said"; return 1; }; }
ok "cargo test" cargo_tests
function_checks
finish
