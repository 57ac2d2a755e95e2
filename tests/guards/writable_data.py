#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The library keeps no state outside its handles: no writable data, no constructor.

usage: writable_data.py FILE...      objects, archives of objects, shared libraries
"""

import sys

from guardlib import Tap, sections, symbols

# Written once by the dynamic linker, then read-only: const tables of pointers.
RELOCATED = ('.data.rel.ro',)
# What the compiler's own start files put into every shared object.
START_FILES = {'__dso_handle', 'completed.0', '__TMC_END__', '_GLOBAL_OFFSET_TABLE_', '_DYNAMIC',
               '__frame_dummy_init_array_entry', '__do_global_dtors_aux_fini_array_entry'}


def object_faults(path):
    for member, table in sections(path).items():
        for s in table.values():
            if 'W' in s.flags and 'A' in s.flags and s.size and not s.name.startswith(RELOCATED):
                yield f'{member}: {s.size} bytes in {s.name}'
    for s in symbols(path):
        if s.index == 'COM':
            yield f'{s.member}: common symbol {s.name}'


def shared_faults(path):
    (table,) = sections(path).values()
    writable = {n for n, s in table.items() if s.name.startswith(('.data', '.bss', '.tdata', '.tbss'))
                and not s.name.startswith(RELOCATED)}
    all_symbols = symbols(path)
    if not any(s.name == '__dso_handle' for s in all_symbols):
        yield f'{path}: stripped, so its data cannot be named'
    for s in all_symbols:
        if s.kind == 'TLS' and not s.undefined:
            yield f'{s.name} is thread-local'
        elif s.index in writable and s.kind in ('OBJECT', 'NOTYPE', 'COMMON') and \
                s.name not in START_FILES:
            yield f'{s.name} is in {table[s.index].name}'
    for s in table.values():
        if s.name in ('.tdata', '.tbss') and s.size:
            yield f'{s.size} bytes in {s.name}'


def main():
    tap = Tap()
    for path in sys.argv[1:]:
        shared = '.so' in path.split('/')[-1]
        tap.check(f'no writable data in {path.split("/")[-1]}',
                  sorted(set(shared_faults(path) if shared else object_faults(path))))
    tap.finish()


main()
