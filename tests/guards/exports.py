#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a header declares, the linker map names and the binaries show is one and the same list.

usage: exports.py --prefix PREFIX --map MAP [--soname NAME] [--update] [--binary FILE]... HEADER...

--update rewrites the map from the headers.
"""

import argparse
import re

from guardlib import Tap, header_symbols, map_symbols, soname, symbols


def difference(first, first_name, second, second_name):
    return [f'{s} is in {first_name}, not in {second_name}' for s in sorted(first - second)] + \
           [f'{s} is in {second_name}, not in {first_name}' for s in sorted(second - first)]


def update(path, names):
    with open(path) as f:
        version = re.search(r'^(\w+) \{', f.read(), flags=re.M)[1]
    with open(path, 'w') as f:
        f.write('/* SPDX-License-Identifier: BSD-3-Clause */\n' + version + ' {\n')
        f.write('global:\n' + ''.join(f'\t{n};\n' for n in sorted(names)) if names else '')
        f.write('local:\n\t*;\n};\n')


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--prefix', required=True)
    p.add_argument('--map', required=True)
    p.add_argument('--soname')
    p.add_argument('--update', action='store_true')
    p.add_argument('--binary', action='append', default=[])
    p.add_argument('headers', nargs='*')
    args = p.parse_args()

    declared = {s for h in args.headers for s in header_symbols(h)}
    if args.update:
        update(args.map, declared)
    named = map_symbols(args.map)
    tap = Tap()
    tap.check('map and headers agree', difference(set(named), 'the map', declared, 'the headers'))
    tap.check(f'every exported name starts with {args.prefix}',
              [s for s in named if not s.startswith(args.prefix)])
    tap.check('the map is sorted, each name once',
              [] if named == sorted(set(named)) else ['run exports.py --update'])
    for path in args.binary:
        shared = '.so' in path.split('/')[-1]
        shown = {s.name for s in symbols(path, dynamic=shared) if s.visible_outside or
                 (not shared and s.bind in ('GLOBAL', 'WEAK') and not s.undefined)}
        tap.check(f'exports of {path.split("/")[-1]}',
                  difference(shown, 'the binary', set(named), 'the map'))
        if shared and args.soname:
            tap.check(f'soname of {path.split("/")[-1]}',
                      [] if soname(path) == args.soname else [f'soname {soname(path)}'])
    tap.finish()


main()
