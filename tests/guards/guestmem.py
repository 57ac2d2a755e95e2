#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Guest memory is touched in one place: only lib/guestmem.c calls the ops for it.

usage: guestmem.py ROOT

Elsewhere in lib/ the members gpa_read and gpa_write of the table of ops may be compared with NULL and
filled in by a ready-made host (lib/kvm/), and nothing else. Rights are asked for in one place as
well: protect_denier() is gpa_judge()'s alone.
"""

import os
import re
import sys

from guardlib import Tap

OWNER = 'lib/guestmem.c'
JUDGE = {'lib/gpa_access.c', 'lib/enforceable.c', 'lib/enforceable.h'}
MEMBER = re.compile(r'(?:\.|->)\s*(gpa_(?:read|write))\b(\s*[=!]=\s*NULL|\s*=[^=])?')


def code(text):
    """Without comments and strings, the lines as they were."""
    def blank(m):
        return re.sub(r'[^\n]', ' ', m[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def sources(root):
    for folder, _, names in os.walk(os.path.join(root, 'lib')):
        for name in sorted(names):
            if name.endswith(('.c', '.h')):
                path = os.path.join(folder, name)
                with open(path, encoding='utf-8') as f:
                    yield os.path.relpath(path, root), code(f.read())


def uses(text):
    """Lines that take one of the ops out of the table."""
    for number, line in enumerate(text.splitlines(), 1):
        for m in MEMBER.finditer(line):
            if not m[2]:
                yield number, m[1]


def main():
    texts = dict(sources(sys.argv[1]))
    tap = Tap()
    tap.check(f'only {OWNER} calls gpa_read and gpa_write',
              [f'{name}:{line}: {op}' for name, text in texts.items() if name != OWNER
               for line, op in uses(text)])
    called = {op for _, op in uses(texts.get(OWNER, ''))}
    tap.check(f'{OWNER} calls both',
              [f'{OWNER}: no call of {op}' for op in ('gpa_read', 'gpa_write') if op not in called])
    tap.check('only gpa_judge() asks for the denier of an access',
              [f'{name}:{number}: protect_denier' for name, text in texts.items()
               if name not in JUDGE for number, line in enumerate(text.splitlines(), 1)
               if re.search(r'\bprotect_denier\b', line)])
    tap.finish()


main()
