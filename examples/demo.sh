#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The first command: installs what is missing, builds, and runs a guest with two VTLs.
set -eu

TIMEOUT=120

usage() {
	cat <<'END'
Usage: examples/demo.sh [--host kvm|unicorn]

Builds libvsm in ./build (or uses the build that is there) and runs the demo guest: it enables
VTL1, calls into it, and touches a page that VTL1 protects. Each step is explained on the terminal.
If something is missing that the build needs, all packages of tests/run.sh are installed (apt-get).

  --host HOST   what runs the guest: kvm, or unicorn, an emulator that needs nothing of the machine
                (default: kvm where /dev/kvm can be used, else unicorn)
  --help        print this

Exit status: 0 all went well, 1 the build or a check failed, 2 usage, 4 host kvm without a usable
/dev/kvm.
END
}

bad_usage() {
	echo "demo.sh: $1" >&2
	echo "demo.sh: try 'examples/demo.sh --help'" >&2
	exit 2
}

host=
while [ $# -gt 0 ]; do
	case $1 in
	--host)
		[ $# -ge 2 ] || bad_usage "--host needs a value"
		host=$2
		shift 2
		;;
	--host=*)
		host=${1#--host=}
		shift
		;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		bad_usage "unknown argument '$1'"
		;;
	esac
done
case $host in
'' | kvm | unicorn) ;;
*) bad_usage "--host '$host': unknown host; there are: kvm, unicorn" ;;
esac

no_kvm() {
	cat >&2 <<END
demo.sh: $1
Host kvm needs x86-64 Linux with the device /dev/kvm (host unicorn does not):
 - on a real machine: turn virtualization on in the firmware, then load the module
   (modprobe kvm_intel or modprobe kvm_amd);
 - in a virtual machine: turn nested virtualization on in the hypervisor above;
 - in a container: pass the device in (for example: docker run --device /dev/kvm);
 - if only the permission is missing: join the group kvm (usermod -aG kvm USER), log in again.
END
	exit 4
}

# Rights are not enough: a device without its module can be seen and not opened.
kvm_opens() {
	[ -c /dev/kvm ] && (exec 3<>/dev/kvm) 2>/dev/null
}

if [ -z "$host" ]; then
	if kvm_opens; then host=kvm; else host=unicorn; fi
fi
if [ "$host" = kvm ]; then
	[ -e /dev/kvm ] || no_kvm "there is no /dev/kvm here"
	if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
		no_kvm "/dev/kvm may not be used by $(id -un)"
	fi
	kvm_opens || no_kvm "/dev/kvm cannot be opened"
fi

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"

failed() {
	echo "demo.sh: $1" >&2
	exit 1
}

echo "== 1. What the build needs"
missing=
for tool in cc meson ninja objcopy ld ar python3; do
	command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
if [ "$host" = unicorn ] && ! pkg-config --exists unicorn 2>/dev/null; then
	missing="$missing libunicorn-dev"
fi
if [ -n "$missing" ]; then
	echo "missing:$missing; installing"
	./tests/run.sh --setup || failed "packages could not be installed"
	# A build of before has noted that they are not there.
	[ ! -f build/build.ninja ] || meson setup --reconfigure build >/dev/null ||
		failed "meson could not look at the packages again"
else
	echo "all there"
fi

echo "== 2. Building libvsm, libvsm-kvm, vsm-vmm and the demo guest in $root/build"
mkdir -p build
log=build/demo-build.log
if [ ! -f build/build.ninja ]; then
	meson setup build >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		failed "meson setup failed; all of it is in $log"
	}
fi
vmm=examples/vmm/vsm-vmm
guest=tests/guest/demo.elf
build() {
	ninja -C build "$vmm" "$guest" >"$log" 2>&1 || {
		tail -n 40 "$log" >&2
		failed "the build failed; all of it is in $log"
	}
}

has_host() {
	status=0
	"build/$vmm" --host "$host" --probe >/dev/null 2>&1 || status=$?
	[ "$status" -ne 2 ]
}

build
if ! has_host; then
	# It was configured before what this host needs was installed.
	meson setup --reconfigure build >"$log" 2>&1 || failed "meson failed; all of it is in $log"
	build
	has_host || failed "host $host is not in this build: meson configure build -D$host=enabled"
fi
echo "built"

echo "== 3. Running the guest: build/$vmm --host $host --timeout $TIMEOUT build/$guest"
echo "VTL0 is the normal world of the guest, VTL1 the more privileged one. Lines that begin with"
echo "\"ok\" are checks that the guest makes itself."
out=build/demo.out
err=build/demo.err
rc=build/demo.rc
{
	status=0
	"build/$vmm" --host "$host" --timeout "$TIMEOUT" --stats "build/$guest" 2>"$err" ||
		status=$?
	echo "$status" >"$rc"
} | tee "$out"
status=$(cat "$rc")
grep -v '^stats: ' "$err" >&2 || true
case $status in
1) ;;
3) failed "the guest says that a check failed" ;;
4) exit 4 ;;
124) failed "the guest has not ended within $TIMEOUT s" ;;
*) failed "vsm-vmm ended with status $status" ;;
esac

echo "== 4. What the library counted"
stats=$(grep '^stats: ' "$err") || failed "vsm-vmm printed no statistics"
echo "$stats"
count() {
	echo "$stats" | sed -n "s/.* $1=\([0-9][0-9]*\).*/\1/p"
}
calls=$(count vtl-calls)
intercepts=$(count intercepts)
# Two independent counts of the same events: the guest's and the library's.
grep -q "^demo: $calls VTL calls, $intercepts intercepts, " "$out" ||
	failed "the guest has counted other numbers: $(tail -n 1 "$out")"
if [ "$calls" -eq 0 ] || [ "$intercepts" -eq 0 ]; then
	failed "nothing was counted"
fi
echo "demo: ok (host=$host, vtl-calls=$calls, intercepts=$intercepts)"
