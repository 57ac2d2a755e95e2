#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every C file of the project is built: a test that is in no list never runs and never fails.

usage: registered.py ROOT BUILD [FILE...]      FILE: is built in another configuration
"""

import json
import os
import sys

from guardlib import Tap, source_files


def built_sources(root, build):
    with open(os.path.join(build, 'meson-info', 'intro-targets.json')) as f:
        targets = json.load(f)
    return {os.path.relpath(os.path.realpath(s), os.path.realpath(root))
            for t in targets for group in t['target_sources'] for s in group['sources']}


def main():
    root, build, *elsewhere = sys.argv[1:]
    built = built_sources(root, build) | set(elsewhere)
    files = [n for n in source_files(root) if n.endswith(('.c', '.S')) and
             n.startswith(('lib/', 'tests/', 'examples/')) and not n.startswith('tests/api/')]
    tap = Tap()
    tap.check(f'each of {len(files)} C files is in a target', [n for n in files if n not in built])
    tap.finish()


main()
