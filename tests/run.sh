#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds libvsm and runs all its tests; on Debian and Ubuntu it first installs what is missing.

set -u -o pipefail

usage() {
	cat <<'EOF'
usage: tests/run.sh [--setup | --all | --coverage | --fuzz] [--help]

Installs missing packages (Debian, Ubuntu), configures, builds, runs all tests.

  --setup   install missing packages and stop
  --all     run random and repeated tests in full; the plain run takes a part of each, at least a
            twentieth. The tests see this as VSM_TEST_ALL=1; the counts are printed at the end.
  --coverage
            instead: build with gcc for coverage, in a folder of its own (the name of the build
            folder with "-coverage" behind it), run the unit tests, and print by gcovr which lines
            and branches of lib/ without lib/kvm they reach; below 95 % of the lines or 88 % of the
            branches the run fails. gcovr is installed for this option only.
  --fuzz    instead: build with clang in folders of their own ("-fuzz" and "-tsan" behind the name of
            the build folder), run each fuzz target of tests/fuzz for 60 seconds (VSM_FUZZ_SECONDS)
            under AddressSanitizer and UndefinedBehaviorSanitizer, beginning with its corpus, then
            the tests in which threads race under ThreadSanitizer.
  --help    this text

The build goes to VSM_BUILD_DIR, by default the folder "build" of the source tree. CC and CXX choose
the compilers of a fresh one.

The last line is "N passed, N failed, N skipped", where each test function counts; a program that
crashes, times out or does not say how many tests it has is a failure. Where /dev/kvm exists, a KVM
test that skips is a failure as well. Exit status: 0 none failed, 1 some failed or it could not be
built, or the coverage is too low, 2 usage.
EOF
}

# The only list of packages: what building, testing and documenting needs. build-essential brings
# g++; it and libglib2.0-dev are for what bench-vsm --comparators measures beside the library.
packages=(
	build-essential pkg-config meson ninja-build python3 git
	check libsubunit-dev libglib2.0-dev
	clang libclang-rt-dev clang-format shellcheck
	strace valgrind
	doxygen graphviz
	libunicorn-dev libzydis-dev
)

# What --coverage needs besides.
coverage_packages=(gcovr)
min_lines=95
min_branches=88

root=$(cd "$(dirname "$0")/.." && pwd)
build=${VSM_BUILD_DIR:-$root/build}

heading() { printf '== %s (%d s)\n' "$*" "$SECONDS"; }

# Whatever ends the run early is a failure that is counted too.
give_up() {
	printf 'run.sh: %s\n' "$*" >&2
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}

missing_packages() {
	local p
	for p in "${packages[@]}"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed || echo "$p"
	done
}

setup() {
	local missing as_root=()
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		echo "run.sh: no apt-get here; these packages, as Debian names them, have to be there:"
		echo "    ${packages[*]}"
		return 0
	fi
	mapfile -t missing < <(missing_packages)
	[ "${#missing[@]}" -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || {
			echo "run.sh: neither root nor sudo; as root: apt-get install ${missing[*]}" >&2
			return 1
		}
		as_root=(sudo)
	fi
	heading "installing ${missing[*]}"
	"${as_root[@]}" apt-get -q update &&
		"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
			apt-get -q -y --no-install-recommends install "${missing[@]}"
}

configure() {
	local options=(-Dtests=enabled -Dexamples=enabled)
	[ "$(uname -sm)" != "Linux x86_64" ] || options+=(-Dkvm=enabled)
	if [ -f "$build/build.ninja" ]; then
		meson configure "$build" "${options[@]}" && ninja -C "$build" build.ninja
	else
		meson setup "$build" "$root" "${options[@]}"
	fi
}

# What the build leaves out by itself where something is missing: TARGET|what it is (what it needs).
optional=(
	'lib/libvsm-kvm|libvsm-kvm and its tests (headers of KVM)'
	'examples/vmm/vsm-vmm.p/unicorn_|host unicorn of vsm-vmm and its tests (libunicorn-dev)'
	'tests/guest/test_decode|instruction lengths of host unicorn and their test (libzydis-dev)'
	'tests/kvm_test_operand_zydis|memory operands beside those of a disassembler (libzydis-dev)'
	'tests/bench/bench-vsm.p/rival_gtree|the comparator GTree of bench-vsm (libglib2.0-dev)'
	'tests/bench/bench-vsm.p/rival_stdmap|the comparator std::map of bench-vsm (g++)'
	'doc:|the reference manual (doxygen)'
)

say_what_is_left_out() {
	local part targets
	targets=$(ninja -C "$build" -t targets all) || return
	for part in "${optional[@]}"; do
		grep -q "^${part%%|*}" <<<"$targets" || echo "run.sh: not built: ${part#*|}"
	done
}

# A build without optimisation: with it gcc merges the lines that gcov would count apart. Counters
# that are not atomic come out negative where tests use threads.
configure_coverage() {
	local options=(-Db_coverage=true -Dbuildtype=debug -Dtests=enabled -Dexamples=disabled
		-Dkvm=disabled -Dc_args=-fprofile-update=atomic)
	if [ -f "$build/build.ninja" ]; then
		meson configure "$build" "${options[@]}" && ninja -C "$build" build.ninja
	else
		CC=gcc meson setup "$build" "$root" "${options[@]}"
	fi
}

# coverage: the exit status says whether the tests passed and reached enough.
coverage() {
	local failed=0
	build+=-coverage
	heading "configure in $build"
	configure_coverage || give_up "meson could not configure"
	heading "build"
	ninja -C "$build" || give_up "the build failed"
	heading "unit tests"
	# Counts of an earlier run would add up.
	find "$build" -name '*.gcda' -delete
	rm -f "$build/meson-logs/testlog.json"
	meson test -C "$build" --no-rebuild --suite unit --timeout-multiplier 3 |
		grep -E '^ *[0-9]+/[0-9]+ '
	[ -s "$build/meson-logs/testlog.json" ] || give_up "meson has run no test"
	heading "coverage"
	gcovr --root "$root" --object-directory "$build" --filter "$root/lib/" \
		--exclude "$root/lib/kvm/" --txt "$build/branches.txt" --branches "$build" &&
		cat "$build/branches.txt" || failed=1
	gcovr --root "$root" --object-directory "$build" --filter "$root/lib/" \
		--exclude "$root/lib/kvm/" --print-summary --fail-under-line "$min_lines" \
		--fail-under-branch "$min_branches" "$build" || {
		echo "run.sh: the unit tests reach too little of lib/, or gcovr failed" >&2
		failed=1
	}
	python3 "$root/tests/tally.py" --suite unit "$build" || failed=1
	return "$failed"
}

# clang_build SUFFIX TARGETS OPTION...: some targets, in a folder of their own.
clang_build() {
	local folder=$build$1 targets
	read -ra targets <<<"$2"
	shift 2
	if [ -f "$folder/build.ninja" ]; then
		meson configure "$folder" "$@" && ninja -C "$folder" build.ninja
	else
		CC=clang CXX=clang++ meson setup "$folder" "$root" "$@"
	fi && ninja -C "$folder" "${targets[@]}"
}

# run_fuzzer NAME: new inputs stay in the build folder; what it finds is printed and is a failure.
run_fuzzer() {
	local name=$1 work="$build-fuzz/inputs-$1" longest=2048
	# Overlay pages of saved state are 4096 bytes each.
	[ "$name" != load ] || longest=16384
	mkdir -p "$work"
	heading "fuzz-$name, ${VSM_FUZZ_SECONDS:-60} s"
	"$build-fuzz/tests/fuzz/fuzz-$name" -max_total_time="${VSM_FUZZ_SECONDS:-60}" \
		-max_len="$longest" -len_control=0 \
		-timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix="$work/" "$work" "$root/tests/fuzz/corpus/$name" >"$work.log" 2>&1
	local status=$?
	grep -E '^stat::(number_of_executed_units|average_exec_per_sec)' "$work.log"
	[ "$status" = 0 ] || tail -40 "$work.log"
	return "$status"
}

# fuzz: the exit status says whether something was found.
fuzz() {
	local name passed=0 failed=0
	local fuzzers=(protmap protect load) kvm=disabled
	local races=(test_protmap_walk test_protmap_race test_review_races test_rights_race test_threads)
	local common=(-Dtests=enabled -Dexamples=disabled -Db_lundef=false)
	if [ -w /dev/kvm ]; then
		kvm=auto
		races+=(kvm_test_parallel kvm_test_overlay_race kvm_test_emulate_window kvm_test_hot_add_run)
	fi
	heading "build of the fuzzers"
	clang_build -fuzz "${fuzzers[*]/#/tests/fuzz/fuzz-}" "${common[@]}" -Dkvm=disabled -Dfuzz=true \
		-Db_sanitize=address,undefined -Dc_args=-fsanitize=fuzzer-no-link ||
		give_up "the fuzzers could not be built"
	for name in "${fuzzers[@]}"; do
		if run_fuzzer "$name"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
	done
	heading "build for ThreadSanitizer"
	clang_build -tsan "${races[*]/#/tests/}" "${common[@]}" -Dkvm=$kvm -Db_sanitize=thread ||
		give_up "the tests could not be built"
	for name in "${races[@]}"; do
		heading "$name under ThreadSanitizer"
		if TSAN_OPTIONS=halt_on_error=1 CK_DEFAULT_TIMEOUT=300 timeout 600 \
			"$build-tsan/tests/$name" >"$build-tsan/$name.log" 2>&1; then
			passed=$((passed + 1))
			grep '^#' "$build-tsan/$name.log"
		else
			failed=$((failed + 1))
			tail -60 "$build-tsan/$name.log"
		fi
	done
	echo "$passed passed, $failed failed, 0 skipped"
	[ "$failed" = 0 ]
}

all=${VSM_TEST_ALL:-0}
only_setup=0
only_coverage=0
only_fuzz=0
for argument; do
	case $argument in
	--setup) only_setup=1 ;;
	--all) all=1 ;;
	--coverage) only_coverage=1 ;;
	--fuzz) only_fuzz=1 ;;
	--help | -h)
		usage
		exit 0
		;;
	*)
		printf 'run.sh: unknown argument "%s"\n' "$argument" >&2
		usage >&2
		exit 2
		;;
	esac
done
if [ "$only_setup" = 1 ] || [ "$only_coverage" = 1 ] || [ "$only_fuzz" = 1 ]; then
	[ "$#" = 1 ] || {
		echo "run.sh: $1 goes with no other argument" >&2
		exit 2
	}
fi
if [ "$only_setup" = 1 ]; then
	setup </dev/null
	exit
fi

exec </dev/null
export LC_ALL=C
[ "$only_coverage" = 0 ] || packages+=("${coverage_packages[@]}")
setup || give_up "packages could not be installed"
if [ "$only_coverage" = 1 ]; then
	coverage
	exit
fi
if [ "$only_fuzz" = 1 ]; then
	fuzz
	exit
fi
heading "configure in $build"
configure || give_up "meson could not configure"
heading "build"
ninja -C "$build" || give_up "the build failed"
say_what_is_left_out

test_options=(--no-rebuild)
if [ "$all" = 1 ]; then
	export VSM_TEST_ALL=1 CK_TIMEOUT_MULTIPLIER=30
	test_options+=(--timeout-multiplier 30)
	heading "tests, full counts"
else
	unset VSM_TEST_ALL
	heading "tests"
fi
rm -f "$build/meson-logs/testlog.json"
# The status of meson is not asked: the tally finds every failure, and those meson does not see.
meson test -C "$build" "${test_options[@]}" | grep -E '^ *[0-9]+/[0-9]+ '
[ -s "$build/meson-logs/testlog.json" ] || give_up "meson has run no test"
heading "done"
python3 "$root/tests/tally.py" --kvm /dev/kvm "$build"
