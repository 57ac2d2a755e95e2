#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Turn conditions of lib/*.c into wrong ones and see whether a unit test fails.

usage: mutate.py [--mutants N] [--seed N] [--seconds N] [--jobs N] [--list] TREE BUILD

TREE is written to: mutate.sh gives a copy.
"""

import argparse
import concurrent.futures
import glob
import hashlib
import json
import os
import random
import re
import resource
import subprocess
import sys
import time

WANTED = 0.8
MEMORY = 4 << 30
SWAPS = {'==': '!=', '!=': '==', '&&': '||', '||': '&&',
         '<': '<=', '<=': '<', '>': '>=', '>=': '>'}
# What is no condition, blanked out so that positions stay.
NOISE = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*'
                   r'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*|\b_Static_assert\b[^;]*;', re.S | re.M)
OPERATOR = re.compile(r'(?<=[ \t])(==|!=|&&|\|\||<=|>=|<|>)(?=[ \n])')
BRANCH = re.compile(r'\b(?:if|while) (?=\()')


class Mutant:
    """One condition and what takes its place."""

    def __init__(self, path, start, end, text, line, what):
        self.path, self.start, self.end, self.text = path, start, end, text
        self.name = f'{path}:{line}: {what}'


def closing(text, start):
    depth = 0
    for i in range(start, len(text)):
        depth += {'(': 1, ')': -1}.get(text[i], 0)
        if not depth:
            return i
    raise ValueError(f'no closing parenthesis for that at {start}')


def conditions(tree):
    """Every Mutant that can be made of the sources."""
    for path in sorted(glob.glob(os.path.join(tree, 'lib', '*.c'))):
        with open(path) as f:
            source = f.read()
        name = os.path.relpath(path, tree)
        code = NOISE.sub(lambda m: re.sub(r'[^\n]', ' ', m[0]), source)
        for m in OPERATOR.finditer(code):
            new, line = SWAPS[m[1]], source.count('\n', 0, m.start())
            yield Mutant(name, m.start(), m.end(), new, line + 1,
                         f'{m[1]} becomes {new} in: {source.splitlines()[line].strip()}')
        for m in BRANCH.finditer(code):
            end = closing(code, m.end()) + 1
            inner = source[m.end():end]
            yield Mutant(name, m.end(), end, f'(!{inner})', source.count('\n', 0, m.start()) + 1,
                         f'negated: {m[0]}{" ".join(inner.split())}')


def limit():
    """A mutant may ask for all memory there is."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Program:
    """One registered unit test."""

    def __init__(self, test):
        self.name, self.command, self.env = test['name'], test['cmd'], test['env']
        self.limit, self.took, self.kills = 100.0, 0.0, 0

    def fails(self, until):
        """How it fails, '' if it does not."""
        began = time.monotonic()
        if began >= until:
            return 'no time left'
        try:
            r = subprocess.run(self.command, env={**os.environ, **self.env},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               timeout=min(self.limit, until - began), preexec_fn=limit)
        except subprocess.TimeoutExpired:
            return 'hangs'
        self.took = time.monotonic() - began
        return f'status {r.returncode}' if r.returncode else ''


class Bench:
    """The build of the tree and its unit tests."""

    def __init__(self, tree, build, jobs):
        self.tree, self.build, self.jobs = tree, build, jobs
        with open(os.path.join(build, 'meson-info', 'intro-tests.json')) as f:
            tests = [t for t in json.load(f) if t['suite'][0].split(':')[-1] == 'unit']
        self.programs = [Program(t) for t in tests]
        self.targets = sorted({os.path.relpath(p.command[0], build) for p in self.programs})

    def compile(self, seconds, targets=()):
        """0 if it builds; TimeoutExpired is the caller's."""
        r = subprocess.run(['ninja', '-C', self.build, '-j', str(self.jobs),
                            *(targets or self.targets)],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
        return r.returncode

    @staticmethod
    def object(path):
        return os.path.join('lib', 'libvsm-objects.a.p', os.path.basename(path) + '.o')

    def digest(self, path):
        with open(os.path.join(self.build, self.object(path)), 'rb') as f:
            return hashlib.sha256(f.read()).digest()

    def killer(self, until):
        """Which program fails, and how; '' if none does. Who killed most goes first."""
        found = []

        def run(program):
            how = '' if found else program.fails(until)
            if how:
                program.kills += 1
                found.append(f'{program.name}: {how}')

        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(run, sorted(self.programs, key=lambda p: (-p.kills, p.took))))
        return found[0] if found else ''

    def judge(self, mutant, seconds):
        """What killed it, '' if it lives; None if it does not count. The source is put back."""
        path, one = os.path.join(self.tree, mutant.path), [self.object(mutant.path)]
        with open(path) as f:
            source = f.read()
        until = time.monotonic() + seconds
        # Earlier mutants left their objects behind.
        self.compile(None, one)
        before = self.digest(path)
        try:
            with open(path, 'w') as f:
                f.write(source[:mutant.start] + mutant.text + source[mutant.end:])
            if self.compile(seconds, one) or self.digest(path) == before:
                return None
            if self.compile(max(1.0, until - time.monotonic())):
                return None
            return self.killer(until)
        except subprocess.TimeoutExpired:
            return 'no time left to build it'
        finally:
            with open(path, 'w') as f:
                f.write(source)


def report(judged):
    killed = sum(1 for _, how in judged if how)
    for mutant, how in judged:
        if not how:
            print(f'SURVIVED {mutant.name}')
    share = killed / len(judged)
    print(f'{killed} of {len(judged)} mutants killed: {100 * share:.0f} %, '
          f'wanted {100 * WANTED:.0f} %')
    return 0 if share >= WANTED else 1


def run(args, every):
    bench = Bench(args.tree, args.build, args.jobs)
    wrong = 'it does not build' if bench.compile(None) else bench.killer(time.monotonic() + 1200)
    if wrong or not bench.programs:
        print(f'mutate.py: the tree is not sound: {wrong or "no unit test"}', file=sys.stderr)
        return 2
    for program in bench.programs:
        program.limit = max(5.0, 10 * program.took)
    print(f'{len(every)} conditions, {len(bench.programs)} test programs, seed {args.seed}')
    judged = []
    for mutant in every:
        how = bench.judge(mutant, args.seconds)
        if how is None:
            print(f' -- does not count: {mutant.name}')
            continue
        judged.append((mutant, how))
        print(f'{len(judged):3} {"killed by " + how if how else "SURVIVED"}: {mutant.name}',
              flush=True)
        if len(judged) == args.mutants:
            break
    return report(judged)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--mutants', type=int, default=60)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--seconds', type=int, default=120)
    p.add_argument('--jobs', type=int, default=os.cpu_count() or 1)
    p.add_argument('--list', action='store_true')
    p.add_argument('tree')
    p.add_argument('build')
    args = p.parse_args()
    if min(args.mutants, args.seconds, args.jobs) < 1:
        print('mutate.py: --mutants, --seconds and --jobs are at least 1', file=sys.stderr)
        return 2
    every = list(conditions(args.tree))
    random.Random(args.seed).shuffle(every)
    if not args.list:
        return run(args, every)
    for mutant in every[:args.mutants]:
        print(mutant.name)
    print(f'{min(args.mutants, len(every))} of {len(every)} conditions')
    return 0


sys.exit(main())
