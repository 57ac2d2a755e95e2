#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The C files are as clang-format with the committed .clang-format leaves them.

usage: style.py ROOT [DIRECTORY...]
"""

import os
import shutil
import subprocess
import sys

from guardlib import Tap, source_files


def main():
    root, *dirs = sys.argv[1:]
    tap = Tap()
    for d in dirs or ['include', 'lib', 'examples', 'tests']:
        files = [n for n in source_files(root) if n.startswith(d + '/') and n.endswith(('.c', '.h'))]
        if not shutil.which('clang-format'):
            tap.skip(f'format of {d}', 'no clang-format here')
        elif files:
            r = subprocess.run(['clang-format', '--style=file', '--dry-run', '-Werror', *files],
                               cwd=root, capture_output=True, text=True)
            places = [line.split(':')[:2] for line in r.stderr.splitlines() if ': error: ' in line]
            wrong = [f'{n}: first at line {line}' for n, line in dict(reversed(places)).items()]
            tap.check(f'format of {len(files)} files in {d}',
                      wrong or r.stderr.splitlines() or ['clang-format failed']
                      if r.returncode else [])
    tap.finish()


main()
