#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Each field of the structures that hold state has a row that says where it is saved, or why not.

usage: saved.py DOC HEADER... [--some HEADER...]     DOC: doc/saved-state.md; HEADER: lib/internal.h ...

A structure of a header has a heading of its own in DOC with a table of its fields, or is named in the
sentence about structures without state. So a new field, or a new structure, cannot be forgotten. Of
the headers behind --some it is enough that the tables that are there are whole.
"""

import re
import sys

from guardlib import Tap


def without_comments(text):
    return re.sub(r'/\*.*?\*/', ' ', text, flags=re.S)


def name_of(declarator):
    """The name that one declarator declares: a pointer to a function, an array or a plain one."""
    function = re.search(r'\(\s*\*\s*(\w+)\s*\)', declarator)
    if function:
        return function[1]
    return re.search(r'(\w+)\s*(?:\[[^]]*\]\s*)*$', declarator)[1]


def declarators(declaration):
    """Parts between the commas that stand in no parentheses."""
    parts, depth = [''], 0
    for c in declaration:
        depth += (c == '(') - (c == ')')
        if c == ',' and not depth:
            parts.append('')
        else:
            parts[-1] += c
    return parts


def structs(path):
    with open(path) as f:
        text = without_comments(f.read())
    for m in re.finditer(r'^struct (\w+) \{\n(.*?)^\};', text, flags=re.M | re.S):
        yield m[1], [name_of(d) for line in m[2].split(';') if line.strip()
                     for d in declarators(line)]


def tables(text):
    """Fields of each heading's table, and the names in the sentence about what has no state."""
    named = {}
    for part in re.split(r'^### ', text, flags=re.M)[1:]:
        heading = re.match(r'`struct (\w+)`', part)
        if heading:
            named[heading[1]] = re.findall(r'^\| `(\w+)` \| \S', part, flags=re.M)
    sentence = re.findall(r'^These live only .*?\.$', text, flags=re.M | re.S)
    return named, {n for s in sentence for n in re.findall(r'`struct (\w+)`', s)}


def faults_of(name, fields, rows):
    return [f'struct {name}: {f} has no row' for f in fields if f not in rows] + \
           [f'struct {name}: a row for {r}, which it has not' for r in rows if r not in fields] + \
           [f'struct {name}: {r} has two rows' for r in sorted(set(rows)) if rows.count(r) > 1]


def main():
    doc, *headers = sys.argv[1:]
    some = headers.index('--some') if '--some' in headers else len(headers)
    with open(doc) as f:
        named, stateless = tables(f.read())
    tap = Tap()
    seen = set()
    for at, header in enumerate(headers):
        for name, fields in structs(header) if header != '--some' else ():
            seen.add(name)
            if name not in stateless and (at < some or name in named):
                tap.check(f'{len(fields)} fields of struct {name}',
                          faults_of(name, fields, named[name]) if name in named else
                          [f'struct {name} has neither a table nor a word in {doc}'])
    tap.check('all that is described is there',
              [f'there is no struct {n}' for n in sorted((set(named) | stateless) - seen)])
    tap.finish()


main()
