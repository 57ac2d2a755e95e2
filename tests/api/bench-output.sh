#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# bench-vsm as its user sees it: lines, options, exit statuses. How long things take is not judged.
#
# usage: bench-output.sh BENCH-VSM HAVE-KVM

set -u
bench=$1 have_kvm=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
count=0 bad=0

null_figures="decode_ns decode_rep_ns private_state_encode_ns hypercall_null_ns
vtl_roundtrip_null_ns vtl_roundtrip_swapped_null_ns msr_ns register_get_ns"
protmap_figures="memset_floor_ns_per_page protmap_lookup_ns protmap_set_random_ns_per_page
protmap_set_1gib_ns_per_page protmap_mib_per_tib_0 protmap_mib_per_tib_1 protmap_mib_per_tib_50
protect_hypercall_510_ns_per_page"
null_figures="$null_figures $protmap_figures"
rivals="radix_lookup_ns stdmap_lookup_ns gtree_lookup_ns"
kvm_figures="kvm_two_exit_floor_ns kvm_vtl_roundtrip_ns kvm_roundtrip_ratio kvm_roundtrip_exact_ratio
kvm_roundtrip_exact_dirty_ratio kvm_ioctls_per_roundtrip kvm_private_save_load_ioctls
kvm_private_save_load_ratio"
# Of the mechanism that the host chooses; those of others have a suffix.
enforce_figures="enforce_scattered_deny_ns_per_page enforce_scattered_grant_ns_per_page
enforce_contig_deny_ns_per_page enforce_contig_grant_ns_per_page enforce_held_deny_ns_per_page
enforce_held_grant_ns_per_page enforce_crowded_deny_ns_per_page
enforce_crowded_grant_ns_per_page enforce_single_deny_us enforce_single_deny_after_us
enforce_single_deny_cost_us fault_exit_us enforce_tracking_ratio"

# Of each mechanism, with its name behind it.
huge_figures="huge_denied_view_mib huge_other_views_mib huge_first_deny_us huge_next_deny_us
huge_far_walk_ratio huge_near_walk_ratio"

# ok NAME COMMAND...: one check; the last output of bench-vsm goes into the log of a bad one.
ok() {
	local name=$1
	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $name"
	else
		sed 's/^/# out: /' "$dir/out"
		sed 's/^/# err: /' "$dir/err"
		echo "# status: $status"
		echo "not ok $count - $name"
		bad=1
	fi
}

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# run COMMAND...: its output and its exit status.
run() {
	timeout 100 "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
}

status_is() { [ "$status" = "$1" ]; }
quiet() { [ ! -s "$dir/$1" ]; }
says() { grep -qF -e "$2" "$dir/$1"; }
words() { echo "$@"; }

# The figures that have lines, in this order and no others; but those of enforcing rights depend on
# what the host has.
# shellcheck disable=SC2046,SC2086
figures_are() {
	[ "$(words $(cut -d' ' -f1 "$dir/out" | grep -vE '^(enforce_|fault_exit_|huge_)'))" = "$(words $1)" ]
}
# The first of those, in this order.
# shellcheck disable=SC2046,SC2086
enforce_begins() {
	[ "$(words $(cut -d' ' -f1 "$dir/out" | grep -E '^(enforce_|fault_exit_)' | head -n 13))" = "$(words $1)" ]
}
# Slots are always there.
huge_or_reason() {
	local figure
	grep -q '^bench-vsm: huge_\*: not measured: the host gives no huge pages' "$dir/err" && return
	for figure in $huge_figures; do
		grep -q "^${figure}_memslot " "$dir/out" || return 1
	done
}
well_formed() {
	! grep -qvE '^[a-z0-9_]+ [0-9]+(\.[0-9]{1,3})? (ns|us|ratio|ioctls|MiB)$' "$dir/out" &&
		awk '$2 <= 0 { exit 1 }
			$1 ~ /_ns(_|$)/ && $3 != "ns" || $1 ~ /_ratio(_|$)/ && $3 != "ratio" { exit 1 }' "$dir/out"
}

# Each figure of the list is named on standard error, with a reason.
reasons_for() {
	local figure
	for figure in $1; do
		grep -qE "^bench-vsm: $figure: not measured: .+" "$dir/err" || return 1
	done
}

run "$bench" --repeat 1
ok "without options it succeeds" status_is 0
ok "it prints the figures of decoding and of the null host" figures_are "$null_figures"
ok "each line is a name, a value above 0 and a unit" well_formed
ok "it has nothing to complain about" quiet err

run "$bench" --comparators --repeat 1
ok "--comparators succeeds" status_is 0
for figure in $rivals; do
	ok "--comparators: $figure has a line, or a reason why not" \
		grep -qE "^(bench-vsm: )?$figure(: not measured: built without .+| [0-9.]+ ns$)" \
		"$dir/out" "$dir/err"
done

run "$bench" --kvm --repeat 1
if [ "$have_kvm" = yes ] && [ -e /dev/kvm ]; then
	ok "--kvm succeeds" status_is 0
	ok "--kvm adds the figures of KVM" figures_are "$null_figures $kvm_figures"
	ok "--kvm adds the figures of enforcing rights" enforce_begins "$enforce_figures"
	ok "--kvm adds the figures of huge pages, or says why not" huge_or_reason
	ok "--kvm: each line is a name, a value above 0 and a unit" well_formed
	ok "a round trip takes two ioctls" grep -qx 'kvm_ioctls_per_roundtrip 2 ioctls' "$dir/out"
	# Two that look, one that sets; more look where KVM has gaps in its private MSRs.
	ok "a switch on one vCPU takes few ioctls" \
		grep -qx 'kvm_private_save_load_ioctls [3-6] ioctls' "$dir/out"
else
	ok "--kvm without KVM fails" status_is 1
	ok "--kvm without KVM prints the other figures" figures_are "$null_figures"
	ok "--kvm without KVM says why" says err "not measured"
fi

# The same where there is a /dev/kvm that is none.
without_kvm() { unshare -rm sh -c 'mount --bind /dev/null /dev/kvm && exec "$@"' sh "$@"; }
if [ "$have_kvm" = no ] || ! without_kvm true 2>"$dir/err"; then
	skip "where KVM does not work" "/dev/kvm cannot be hidden, or libvsm-kvm was not built"
else
	run unshare -rm sh -c 'mount --bind /dev/null /dev/kvm && exec "$@"' sh \
		"$bench" --kvm --repeat 1
	ok "where KVM does not work, it fails" status_is 1
	ok "where KVM does not work, figures of KVM have no line" figures_are "$null_figures"
	ok "where KVM does not work, each figure has a reason" reasons_for "$kvm_figures"
	ok "where KVM does not work, enforcing is not measured" says err "enforce_*: not measured"
	run unshare -rm sh -c 'mount --bind /dev/null /dev/kvm && exec "$@"' sh "$bench" --kvm-trips 1
	ok "where KVM does not work, --kvm-trips fails" status_is 1
	ok "where KVM does not work, --kvm-trips says why" says err "--kvm-trips: "
	ok "where KVM does not work, --kvm-trips prints no mark" quiet out
fi

# System calls between the marks, as strace saw them: "N KVM_RUN" and nothing else.
between_marks() {
	sed -n '/write(.*kvm-trips begin/,/write(.*kvm-trips end/p' "$dir/strace" |
		grep -v 'write(.*kvm-trips' | sed -E 's/.*ioctl\([^,]*, ([A-Z_0-9]+).*/\1/' |
		sort | uniq -c | sed -E 's/^ +//'
}
calls_between_marks_are() { [ "$(between_marks)" = "$1" ]; }

if [ "$have_kvm" = yes ] && [ -e /dev/kvm ]; then
	run "$bench" --kvm-trips 20
	ok "--kvm-trips succeeds" status_is 0
	ok "--kvm-trips prints two marks" cmp -s "$dir/out" <(printf 'kvm-trips %s\n' begin end)
	ok "--kvm-trips has nothing to complain about" quiet err
	if ! strace -o "$dir/strace" true 2>/dev/null; then
		skip "system calls of round trips" "strace is missing or may not trace"
	else
		run strace -o "$dir/strace" "$bench" --kvm-trips 20
		ok "20 round trips are 40 KVM_RUN and no other system call" \
			calls_between_marks_are "40 KVM_RUN"
	fi
else
	run "$bench" --kvm-trips 20
	ok "--kvm-trips without KVM fails" status_is 1
	ok "--kvm-trips without KVM prints no mark" quiet out
fi

# refused NAME COMPLAINT ARGUMENT...: a usage error that names what is wrong.
refused() {
	local name=$1 complaint=$2
	shift 2
	run "$bench" "$@"
	ok "$name: exit status 2" status_is 2
	ok "$name: the complaint names it" says err "$complaint"
	ok "$name: nothing is measured" quiet out
}

refused "unknown option" "--no-such-option" --no-such-option
refused "unknown option behind a good one" "--wrong" --repeat 1 --wrong
refused "unknown short option" "'x'" -x
refused "argument" '"lost"' --repeat 1 lost
refused "option without its number" "--kvm-trips" --kvm-trips
for value in 0 -1 +1 1x "" " 1" 1.5 1001 99999999999999999999; do
	refused "--repeat \"$value\"" "--repeat: \"$value\"" --repeat "$value"
done
refused "too many trips" '--kvm-trips: "10000001"' --kvm-trips 10000001

run "$bench" --help
ok "--help succeeds" status_is 0
ok "--help prints to standard output only" quiet err
for word in --comparators --kvm --kvm-trips --repeat --help "Exit status" $null_figures $kvm_figures $enforce_figures $huge_figures; do
	ok "--help explains $word" says out "$word"
done

echo "1..$count"
exit "$bad"
