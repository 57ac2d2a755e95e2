#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Rules for the text of every file of the project.

usage: sources.py ROOT
"""

import os
import re
import sys

from guardlib import Tap, source_files

SOURCE = re.compile(r'(\.(c|h|S|ld|py|sh|map|in|rs|yml)|meson\.build|meson_options\.txt|'
                    r'\.gitignore|\.editorconfig|\.clang-format|\.ci/run)$')
# Each is written so that this list does not find itself.
FORBIDDEN = [
    (r'/wor[k]/|/tmp/pla[n]|\.\./share[d]', 'a path of somebody\'s machine'),
    (r'/home/[a-z]|/roo[t]/', 'a path of somebody\'s machine'),
    (r'\b(?:TOD[O]|FIXM[E]|XX[X])\b|not implemente[d]', 'a mark of unfinished work'),
    (r'pypi[.]org|proxy[.]golang|crates[.]io|artifactor[y]|fact-shee[t]',
     'a place the project does not depend on'),
]
LINES_MAX = 800


def read(root, name):
    with open(os.path.join(root, name), encoding='utf-8', errors='surrogateescape') as f:
        return f.read()


def main():
    root = sys.argv[1]
    texts = {n: read(root, n) for n in source_files(root)}
    sources = {n: t for n, t in texts.items() if SOURCE.search(n)}
    tap = Tap()
    tap.check('an SPDX line in every source',
              [n for n, t in sources.items() if not any(
                  'SPDX-License-Identifier: BSD-3-Clause' in line
                  for line in t.splitlines()[:2])])
    tap.check('the project speaks of itself alone',
              [f'{n}:{i}: {why}: {line.strip()}' for n, t in texts.items()
               for i, line in enumerate(t.splitlines(), 1)
               for pattern, why in FORBIDDEN if re.search(pattern, line)])
    tap.check(f'no source longer than {LINES_MAX} lines',
              [f'{n}: {t.count(chr(10))} lines' for n, t in sources.items()
               if t.count('\n') > LINES_MAX])
    tap.check('every text ends with a newline, no line with a blank',
              [n for n, t in texts.items()
               if '\0' not in t and t and (t[-1] != '\n' or re.search(r'[ \t\r]$', t, flags=re.M))
               and not n.endswith('.md')])
    tap.finish()


main()
