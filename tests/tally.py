#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Add up what `meson test` has run, test function by test function.

usage: tally.py [--kvm PATH] [--suite NAME] [--label TEXT] BUILD

Each check of each TAP stream counts; the iterations of a loop test are one check. What cannot be counted is a failure and never swallowed: a
program that crashed, timed out, printed no plan or fewer checks than planned, or did not run at
all. A test that speaks no TAP is one check. If PATH (/dev/kvm) exists, a skip in the suite "kvm" is
a failure too, and so is a skip anywhere that says "no /dev/kvm". The last line is `N passed, N failed, N skipped`; the exit status is 0
only if none failed.
"""

import argparse
import json
import os
import re
import sys

LOG_LINES = 40
# How often a random or repeated test went round: "# 1000 rounds, ...".
COUNTS = re.compile(r'# \d+ [a-z]')
NO_KVM = 'no /dev/kvm'
CHECK = re.compile(r'(not )?ok\b\s*(\d*)\s*(?:- )?(.*?)(?:\s*#\s*(SKIP)\b\s*(.*))?$', re.I)
# check names its lines file:case:function: message; the file is that of the last assertion.
FUNCTION = re.compile(r'[^:\s]+\.[ch]:([^:]*:\w+):')
PLAN = re.compile(r'1\.\.(\d+)(?:\s*#\s*SKIP\b\s*(.*))?$', re.I)


class Outcome:
    """What one test program said."""

    def __init__(self, name):
        self.name = name
        self.passed, self.faults, self.skips, self.notes, self.log = 0, [], [], [], []

    def read(self, record):
        out = record.get('stdout') or ''
        self.log = out.splitlines() + (record.get('stderr') or '').splitlines()
        plan, count, passed = None, 0, {}
        for line in out.splitlines():
            check, planned = CHECK.match(line), PLAN.match(line)
            if planned:
                plan = int(planned[1])
                if not plan:
                    self.skips.append(planned[2] or 'no reason given')
            elif line.startswith('Bail out!'):
                self.faults.append(line)
            elif check:
                count += 1
                function = FUNCTION.match(check[3])
                key = function[1] if function else count
                if check[1]:
                    if passed.get(key) is not False:
                        self.faults.append(check[3])
                    passed[key] = False
                elif check[4]:
                    self.skips.append(f'{check[3]}: {check[5]}')
                else:
                    passed.setdefault(key, True)
            elif COUNTS.match(line):
                self.notes.append(line[2:])
        self.passed = sum(passed.values())
        self.judge(record, plan, count)

    def judge(self, record, plan, count):
        result, status = record.get('result'), record.get('returncode')
        if plan is None:
            self.faults.append(f'it printed no plan ({result}, status {status})')
        elif plan != count:
            self.faults.append(f'it planned {plan} checks and made {count}')
        if not self.faults and (result not in ('OK', 'SKIP') or status):
            self.faults.append(f'{result}, status {status}')

    def read_status(self, record):
        """A test that is judged by its exit status alone."""
        self.log = ((record.get('stdout') or '') + (record.get('stderr') or '')).splitlines()
        if record.get('result') == 'SKIP':
            self.skips.append('it says so')
        elif record.get('result') == 'OK' and not record.get('returncode'):
            self.passed = 1
        else:
            self.faults.append(f'{record.get("result")}, status {record.get("returncode")}')

    def forbid_skips(self, why, reason=''):
        """A skip is a failure: every one, or those that give a certain reason."""
        wrong = [s for s in self.skips if reason in s]
        self.faults += [f'skipped ({s}), but {why}' for s in wrong]
        self.skips = [s for s in self.skips if s not in wrong]


def outcomes(build, kvm, suite):
    """One Outcome for each registered test (of a suite), run or not."""
    with open(os.path.join(build, 'meson-info', 'intro-tests.json')) as f:
        registered = json.load(f)
    records = {}
    with open(os.path.join(build, 'meson-logs', 'testlog.json')) as f:
        for line in f:
            record = json.loads(line)
            records[record['name'].split(' / ')[-1]] = record
    for test in registered:
        suites = [s.split(':')[-1] for s in test['suite']]
        if suite and suite not in suites:
            continue
        one = Outcome(test['name'])
        record = records.get(test['name'])
        if not record:
            one.faults.append('it was not run')
        elif test['protocol'] == 'exitcode':
            one.read_status(record)
        else:
            one.read(record)
        if kvm and os.path.exists(kvm):
            one.forbid_skips(f'{kvm} exists', '' if 'kvm' in suites else NO_KVM)
        yield one


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--kvm')
    p.add_argument('--suite')
    p.add_argument('--label', default='')
    p.add_argument('build')
    args = p.parse_args()

    every = list(outcomes(args.build, args.kvm, args.suite))
    for o in every:
        for note in o.notes:
            print(f'{o.name}: {note}')
    for o in every:
        for skip in o.skips:
            print(f'SKIPPED {o.name}: {skip}')
    for o in every:
        if o.faults:
            print(f'\nFAILED {o.name}')
            for fault in o.faults:
                print(f'    {fault}')
            log = [line for line in o.log if not line.startswith('ok ')]
            print(f'  last lines of its log, of {len(log)} besides those that passed:')
            for line in log[-LOG_LINES:]:
                print(f'  | {line}')
    failed = sum(len(o.faults) for o in every)
    if not every:
        print('no test is registered')
        failed = 1
    print(f'{args.label}{sum(o.passed for o in every)} passed, {failed} failed, '
          f'{sum(len(o.skips) for o in every)} skipped')
    sys.exit(1 if failed else 0)


main()
