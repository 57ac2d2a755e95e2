#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the libraries take from outside: an allow-list, so that nothing is forgotten.

usage: imports.py core|kvm [--map MAP] FILE...

The core knows no operating system: memory, strings, nothing else; so no abort, no assert, no
printf, no file, no thread, no signal. The backend may also use file descriptors and mappings, and
the functions the core exports (--map); it creates no thread and changes no signal handler.
"""

import argparse

from guardlib import Tap, map_symbols, needed, symbols

CORE = set('''
    bcmp memchr memcmp memcpy memmove memset strcmp strlen strncmp strnlen
    calloc free
    __memcpy_chk __memmove_chk __memset_chk __stack_chk_fail
'''.split())
KVM = CORE | set('''
    __errno_location syscall sysconf getpagesize
    open open64 openat openat64 close fcntl fcntl64 fstat fstat64 fstatfs fstatfs64 ftruncate ftruncate64
    dup memfd_create eventfd poll ppoll read write pread pread64 pwrite pwrite64 ioctl
    mmap mmap64 munmap mprotect madvise
    pthread_mutex_init pthread_mutex_destroy pthread_mutex_lock pthread_mutex_unlock
    pthread_mutex_trylock
    pthread_self pthread_key_create pthread_key_delete pthread_getspecific pthread_setspecific
    getpid
    clock_gettime
    __open_2 __read_chk __pread_chk __pread64_chk __poll_chk __ppoll_chk
'''.split())
# Weak references of the compiler's start files and of position independent code.
TOOLCHAIN = set('''
    __cxa_finalize __gmon_start__ _ITM_deregisterTMCloneTable _ITM_registerTMCloneTable
    _GLOBAL_OFFSET_TABLE_
'''.split())
NEEDED = {'core': {'libc.so.6'}, 'kvm': {'libc.so.6', 'libvsm.so.0.1'}}


def main():
    p = argparse.ArgumentParser()
    p.add_argument('layer', choices=NEEDED)
    p.add_argument('--map')
    p.add_argument('files', nargs='+')
    args = p.parse_args()

    allowed = TOOLCHAIN | (KVM if args.layer == 'kvm' else CORE)
    if args.map:
        allowed |= set(map_symbols(args.map))
    tap = Tap()
    for path in args.files:
        name = path.split('/')[-1]
        shared = '.so' in name
        all_symbols = symbols(path, dynamic=shared)
        wanted = {(s.name, '' if shared else f' ({s.member})')
                  for s in all_symbols if s.undefined}
        inside = set() if shared else {s.name for s in all_symbols if not s.undefined}
        tap.check(f'functions {name} takes from outside',
                  [f'{n}{w} is not allowed' for n, w in sorted(wanted)
                   if n not in allowed | inside])
        if shared:
            tap.check(f'libraries {name} needs',
                      [f'{n} is not allowed' for n in sorted(needed(path) - NEEDED[args.layer])])
    tap.finish()


main()
