#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The public headers hold nothing that another language cannot bind as it stands.

usage: abi.py HEADER...

What is refused, and why, is in RULES and in the checks below; doc/embedding.md says what a binding
still has to know.
"""

import os
import re
import sys

from guardlib import Tap

# Read on the text without comments, macros and assertions. Each matches what must not be there.
RULES = [
    ('a variadic function', r'\.\.\.'),
    ('a bit-field', r'\b\w+\s*:\s*[\w(]'),
    ('bool, whose values other than 0 and 1 are undefined', r'\b(?:_Bool|bool)\b'),
    ('an enum type, whose size is the compiler\'s', r'\benum\s+\w+\s*[^\s{;\w]|\benum\s+\w+\s+\w'),
    ('an enum without a name', r'\benum\s*{'),
    ('a union', r'\bunion\b'),
    ('a function that has no symbol', r'\b(?:inline|static)\b'),
    ('a typedef', r'\btypedef\b'),
    ('a layout of its own', r'\b(?:__attribute__|_Alignas|alignas|packed)\b'),
    ('a number without a width',
     r'\b(?:long|short|unsigned|signed|float|double|wchar_t|time_t|off_t)\b'),
    ('an array without a size', r'\[\s*\]'),
    ('a struct as result', r'\bstruct\s+\w+\s+\w+\s*\(|\bstruct\s+\w+\s*\(\s*\*'),
]
# The same within parentheses: arguments of functions and of callbacks.
ARGUMENT_RULES = [
    ('an array as argument, of which a pointer is left', r'\['),
    ('a struct as argument', r'\bstruct\s+\w+\s+\w'),
]
MEMBER_RULES = [
    ('an int as member', r'\bint\s+\w+\s*[;\[]'),
    ('a size_t as member that is not "size"', r'\bsize_t\s+(?!size\s*;)\w+\s*;'),
]
# Macros with arguments are for the C compiler only; none of them may be part of the interface.
MACROS = {'HV_STATIC_ASSERT', 'HV_OFFSET_IS', 'HV_SIZE_IS'}
# Names that Rust and Go would have to write differently. (Zig quotes; C++ compiles the headers.)
KEYWORDS = set('''
    abstract as async await become box crate dyn final fn gen impl in let loop macro match mod move
    mut override priv pub ref self super trait try type typeof unsafe unsized use virtual where yield
    chan defer fallthrough func go import interface map package range select var
'''.split())
# A place among arguments is no name for Go.
ARGUMENT_KEYWORDS = KEYWORDS - set('chan defer fallthrough func go import interface map package '
                                   'range select var'.split())


def blanked(text, pattern, flags=0):
    """Without what matches, but with its lines."""
    return re.sub(pattern, lambda m: re.sub(r'[^\n]', ' ', m[0]), text, flags=flags)


def without_assertions(text):
    while True:
        start = re.search(r'\bHV_STATIC_ASSERT\s*\(', text)
        if not start:
            return text
        depth, end = 1, start.end()
        while depth and end < len(text):
            depth += (text[end] == '(') - (text[end] == ')')
            end += 1
        text = text[:start.start()] + blanked(text[start.start():end], r'.') + text[end:]


def parts(text):
    """The text in parentheses, and the text outside, each with the other one blanked."""
    depth, inner, outer = 0, [], []
    for c in text:
        depth -= c == ')'
        inner.append(c if depth > 0 or c == '\n' else ',' if c in '()' else ' ')
        outer.append(c if depth == 0 or c == '\n' else ' ')
        depth += c == '('
    return ''.join(inner), ''.join(outer)


def faults_of(path):
    name = os.path.basename(path)
    with open(path) as f:
        text = blanked(f.read(), r'/\*.*?\*/|//[^\n]*', re.S)
    faults = []

    def look(where, rules):
        for what, pattern in rules:
            for m in re.finditer(pattern, where):
                line = where.count('\n', 0, m.start()) + 1
                faults.append(f'{name}:{line}: {what}')

    look(text, [(f'{m}() is a macro: a function, or a constant, is needed', rf'#\s*define\s+{m}\(')
                for m in re.findall(r'^\s*#\s*define\s+(\w+)\(', text, flags=re.M)
                if m not in MACROS])
    text = blanked(text, r'^[ \t]*#(?:\\\n|.)*$', re.M)
    text = without_assertions(text)
    look(text, RULES)
    inner, outer = parts(text)
    look(inner, ARGUMENT_RULES)
    look(inner, [(f'"{k}" as argument is a keyword elsewhere', rf'\b{k}\s*(?=,)')
                 for k in sorted(ARGUMENT_KEYWORDS)])
    bodies = blanked(outer, r'^VSM_EXPORT[^;]*;', re.M)
    look(bodies, MEMBER_RULES)
    look(bodies, [(f'"{k}" as member is a keyword elsewhere', rf'\b{k}\s*(?=[;\[])')
                  for k in sorted(KEYWORDS)])
    return faults, text


def main():
    tap = Tap()
    texts = {}
    for path in sys.argv[1:]:
        faults, texts[path] = faults_of(path)
        tap.check(f'{os.path.basename(path)} can be bound', faults)
    # A binding makes a module of each header; types and modules share one space of names.
    structs = {n for t in texts.values() for n in re.findall(r'\bstruct\s+(\w+)\s*[{;]', t)}
    modules = {os.path.basename(p)[:-2] for p, t in texts.items()
               if re.search(r'\bVSM_EXPORT\b|\bstruct\s+\w+\s*{', t)}
    if texts:
        tap.check('headers and structs have different names',
                  [f'{n}.h: there is a struct {n}' for n in sorted(structs & modules)])
    tap.finish()


main()
