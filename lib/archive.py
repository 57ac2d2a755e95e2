#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Make a static library whose only global symbols are the exported ones.

Sections are not merged, so that a linker can drop the functions that a program does not use.

usage: archive.py LD OBJCOPY AR [--lto] IN.a OUT.a
"""

import os
import subprocess
import sys
import tempfile

# Files may have static functions and tables of the same name; one section for both would keep both.
APART = ('.text.*', '.rodata.*', '.data.rel.ro*')


def members(ar, archive, into):
    """Extract a copy of every member; thin archives only name their files."""
    names = subprocess.run([ar, 't', archive], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    with open(archive, 'rb') as f:
        if f.read(8) == b'!<thin>\n':
            here = os.path.dirname(archive)
            return [n if os.path.exists(n) else os.path.join(here, n) for n in names]
    subprocess.run([ar, 'x', os.path.abspath(archive)], check=True, cwd=into)
    return [os.path.join(into, n) for n in names]


def main():
    ld, objcopy, ar, *rest = sys.argv[1:]
    lto = rest[0] == '--lto'
    source, target = rest[1:] if lto else rest
    if os.path.exists(target):
        os.unlink(target)
    with tempfile.TemporaryDirectory() as tmp:
        if lto:
            objects = members(ar, source, tmp)
        else:
            name = os.path.basename(target)[:-2] + '.o'
            objects = [os.path.join(tmp, name)]
            subprocess.run([ld, '-r', *(f'--unique={name}' for name in APART), '--whole-archive',
                            source, '-o', objects[0]], check=True)
            subprocess.run([objcopy, '--localize-hidden', objects[0]], check=True)
        subprocess.run([ar, 'rcsD', target] + objects, check=True)


main()
