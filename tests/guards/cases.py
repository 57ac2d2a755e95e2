#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Each hostile case and invariant of the index has tests, and the tests it names exist and run.

usage: cases.py INDEX UNIT      INDEX: doc/hostile-cases.md; UNIT: tests/unit
"""

import os
import re
import sys

from guardlib import Tap

WANTED = ['I2', 'I3', 'I4', 'I5', 'I6', '6', '25', '26', '27', '28', '29', '30', '31', '32', '39']


def rows(index):
    """Number of each row of the tables, and the (file, function) pairs that it names."""
    with open(index) as f:
        for line in f:
            row = re.match(r'\| (I?[0-9]+) \|', line)
            if row:
                yield row[1], re.findall(r'`(\w+\.c): (\w+)`', line)


def fault_of(unit, name, function):
    try:
        with open(os.path.join(unit, name)) as f:
            text = f.read()
    except OSError:
        return f'{name}: no such file'
    if f'START_TEST({function})' not in text:
        return f'{name}: no START_TEST({function})'
    if not re.search(rf'VSMTEST_CASE\({function}\)|tcase_add_test\(\w+, {function}\)', text):
        return f'{name}: {function} is in no suite'
    return None


def main():
    index, unit = sys.argv[1:]
    table = list(rows(index))
    numbers = [number for number, _ in table]
    named = {test for _, tests in table for test in tests}
    tap = Tap()
    tap.check(f'each of {len(WANTED)} numbers has one row',
              [f'{n}: {numbers.count(n)} rows' for n in WANTED if numbers.count(n) != 1])
    tap.check('each row names tests', [f'{n}: no test' for n, tests in table if not tests])
    tap.check(f'each of {len(named)} tests exists and is run',
              [fault for fault in (fault_of(unit, *test) for test in sorted(named)) if fault])
    tap.finish()


main()
