#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The C files are as clang-format with the committed .clang-format leaves them, and no comment goes
beyond column 100, of which clang-format does not take care.

usage: style.py ROOT [DIRECTORY...]
"""

import os
import re
import shutil
import subprocess
import sys

from guardlib import Tap, source_files

COLUMNS = 100

# What a comment could be mistaken for comes first.
TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?(?:\*/|\Z)|//[^\n]*', re.S)


def long_comments(name, text):
    """The lines on which a comment goes beyond the last column; a tab counts up to 8 of them."""
    lines = text.split('\n')
    faults = []
    for m in TOKEN.finditer(text):
        if m[0][0] != '/':
            continue
        number = text.count('\n', 0, m.start())
        start = text.rfind('\n', 0, m.start()) + 1
        for i, part in enumerate(text[start:m.end()].split('\n'), number):
            if len(part.expandtabs(8)) > COLUMNS:
                faults.append(f'{name}:{i + 1}: a comment goes beyond column {COLUMNS}: {lines[i].strip()}')
    return faults


def main():
    root, *dirs = sys.argv[1:]
    tap = Tap()
    for d in dirs or ['include', 'lib', 'examples', 'tests']:
        files = [n for n in source_files(root) if n.startswith(d + '/') and n.endswith(('.c', '.h'))]
        if not files:
            continue
        faults = []
        for n in files:
            with open(os.path.join(root, n), encoding='utf-8') as f:
                faults += long_comments(n, f.read())
        tap.check(f'comments of {len(files)} files in {d}', faults)
        if not shutil.which('clang-format'):
            tap.skip(f'format of {d}', 'no clang-format here')
            continue
        r = subprocess.run(['clang-format', '--style=file', '--dry-run', '-Werror', *files],
                           cwd=root, capture_output=True, text=True)
        places = [line.split(':')[:2] for line in r.stderr.splitlines() if ': error: ' in line]
        wrong = [f'{n}: first at line {line}' for n, line in dict(reversed(places)).items()]
        tap.check(f'format of {len(files)} files in {d}',
                  wrong or r.stderr.splitlines() or ['clang-format failed']
                  if r.returncode else [])
    tap.finish()


main()
