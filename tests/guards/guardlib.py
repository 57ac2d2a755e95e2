# SPDX-License-Identifier: BSD-3-Clause
"""What the guards share: TAP output, readelf in Python, the list of source files."""

import os
import re
import subprocess
import sys


class Tap:
    """Counts checks and prints them as TAP; finish() gives the exit status."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, name, faults):
        """One check: it passes if the list of faults is empty."""
        self.count += 1
        for fault in faults:
            print('# ' + fault)
        if faults:
            self.failed += 1
        print(f'{"not ok" if faults else "ok"} {self.count} - {name}', flush=True)

    def skip(self, name, reason):
        self.count += 1
        print(f'ok {self.count} - {name} # SKIP {reason}', flush=True)

    def finish(self):
        # A guard that looked at nothing has found nothing out.
        if not self.count:
            self.check('something to look at', ['there was nothing to check'])
        print(f'1..{self.count}')
        sys.exit(1 if self.failed else 0)


def run(*command, **kwargs):
    return subprocess.run(command, check=True, capture_output=True, text=True, **kwargs).stdout


class Section:
    def __init__(self, member, name, size, flags):
        self.member, self.name, self.size, self.flags = member, name, size, flags


class Symbol:
    def __init__(self, member, kind, bind, vis, index, name):
        self.member, self.kind, self.bind, self.vis = member, kind, bind, vis
        self.index, self.name = index, name.split('@')[0]

    @property
    def undefined(self):
        return self.index == 'UND' and self.name != ''

    @property
    def visible_outside(self):
        return (self.bind in ('GLOBAL', 'WEAK') and self.index not in ('UND', 'ABS')
                and self.vis in ('DEFAULT', 'PROTECTED'))


def by_member(text, path):
    """Lines of readelf's output, each with the archive member it is about."""
    member = os.path.basename(path)
    for line in text.splitlines():
        if line.startswith('File: '):
            member = os.path.basename(line[6:].split('(')[-1].rstrip(')'))
        else:
            yield member, line


def sections(path):
    row = re.compile(r'\s*\[\s*(\d+)\]\s(\S*)\s+\S+\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)'
                     r'\s+[0-9a-f]+\s+([A-Za-z]*)\s')
    found = {}
    for member, line in by_member(run('readelf', '-SW', path), path):
        m = row.match(line)
        if m:
            found.setdefault(member, {})[m[1]] = Section(member, m[2], int(m[3], 16), m[4])
    return found


def symbols(path, dynamic=False):
    found = []
    what = '--dyn-syms' if dynamic else '-s'
    for member, line in by_member(run('readelf', '-W', what, path), path):
        f = line.split()
        if len(f) >= 8 and re.fullmatch(r'\d+:', f[0]):
            found.append(Symbol(member, f[3], f[4], f[5], f[6], f[7]))
    return found


def needed(path):
    return set(re.findall(r'\(NEEDED\).*\[(.*)\]', run('readelf', '-dW', path)))


def soname(path):
    return ''.join(re.findall(r'\(SONAME\).*\[(.*)\]', run('readelf', '-dW', path)))


def map_symbols(path):
    """The names a linker map exports."""
    with open(path) as f:
        text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
    exported = re.search(r'global:(.*?)local:', text, flags=re.S)
    return [s.strip() for s in exported[1].split(';') if s.strip()] if exported else []


def header_symbols(path):
    """The names a public header declares with VSM_EXPORT."""
    with open(path) as f:
        text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
    text = re.sub(r'//[^\n]*|^[ \t]*#(?:\\\n|.)*$', '', text, flags=re.M)
    return [m[1] or '?' + m[0] for m in
            re.finditer(r'\bVSM_EXPORT\b[^;]*?(?:\b(\w+)\s*[(\[;]|;)', text)]


def source_files(root):
    """The files of the project, relative to its root: git's list, or all if there is no git."""
    if os.path.exists(os.path.join(root, '.git')):
        names = run('git', '-c', 'safe.directory=*', '-C', root, 'ls-files', '-z').split('\0')
        return sorted(n for n in names if n and os.path.isfile(os.path.join(root, n)))
    found = []
    for where, dirs, files in os.walk(root):
        dirs[:] = [d for d in dirs if d != '__pycache__' and
                   not os.path.exists(os.path.join(where, d, 'meson-private'))]
        found += [os.path.relpath(os.path.join(where, f), root) for f in files]
    return sorted(found)
