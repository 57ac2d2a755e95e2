#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Each public header compiles alone, and included twice, in C11 and in C++11.

usage: headers.py INCLUDE-DIR HEADER...      headers as one writes them: vsm/vsm.h
"""

import shutil
import subprocess
import sys

from guardlib import Tap

FLAGS = ['-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fsyntax-only']
COMPILERS = [('gcc', 'c', '-std=c11'), ('clang', 'c', '-std=c11'),
             ('g++', 'c++', '-std=c++11'), ('clang++', 'c++', '-std=c++11')]


def compile_alone(compiler, language, std, include, header):
    program = f'#include <{header}>\n#include <{header}>\nint one;\n'
    r = subprocess.run([compiler, '-x', language, std, *FLAGS, '-I', include, '-'],
                       input=program, capture_output=True, text=True)
    return r.stderr.splitlines() or ['compiler failed'] if r.returncode else []


def main():
    include, *headers = sys.argv[1:]
    tap = Tap()
    for compiler, language, std in COMPILERS:
        for header in headers:
            name = f'{header} alone, {compiler} {std}'
            if shutil.which(compiler):
                tap.check(name, compile_alone(compiler, language, std, include, header))
            else:
                tap.skip(name, f'no {compiler} here')
    tap.finish()


main()
