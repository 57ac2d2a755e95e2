#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""meson.build, version.h and CHANGELOG.md name the same version.

usage: version.py VERSION version.h CHANGELOG.md
"""

import re
import sys

from guardlib import Tap


def main():
    version, header, changelog = sys.argv[1:]
    with open(header) as f:
        text = f.read()
    parts = [re.search(rf'#define VSM_VERSION_{p} (\d+)$', text, flags=re.M)
             for p in ('MAJOR', 'MINOR', 'PATCH')]
    in_header = '.'.join(m[1] if m else '?' for m in parts)
    with open(changelog) as f:
        newest = re.search(r'^## (\d+\.\d+\.\d+)', f.read(), flags=re.M)
    tap = Tap()
    tap.check('version.h', [] if in_header == version else [f'{in_header}, not {version}'])
    tap.check('CHANGELOG.md', [] if newest and newest[1] == version else
              [f'newest entry is not {version}'])
    tap.finish()


main()
