#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The table of statuses, held to three other sources.

usage: statuses.py TABLE NAMES FACTS PAGE PROGRAM      check
       statuses.py --write TABLE NAMES PAGE            make PAGE from TABLE

TABLE is doc/statuses.csv: the checks of each call that is answered, in their order. FACTS is
tests/data/statuses.csv: the statuses and orders that the specification (tlfs) and existing code
(code) have. Where the two differ the column "why" of TABLE must say something, and nowhere else.
PROGRAM prints "# call CODE" for each call that is answered and "# proven CODE CHECK OUTCOME" for
each row that it has proven: test_status. PAGE is the table for people, NAMES tests/data/hypercalls.csv.
"""

import csv
import re
import subprocess
import sys

from guardlib import Tap

COLUMNS = ['code', 'check', 'outcome', 'step', 'tlfs', 'condition', 'why']
FACT_COLUMNS = ['code', 'step', 'outcome', 'source']
NEVER = '-'
GOOD = ('SUCCESS', 'SWITCHED')
MARK = '<!-- statuses.py: the rest is made from statuses.csv -->\n'


def load(path, columns):
    """Rows as dictionaries, and what is wrong with their form."""
    with open(path, newline='') as f:
        reader = csv.reader(f)
        head, body = next(reader, []), list(reader)
    faults = [] if head == columns else [f'columns {head}, not {columns}']
    faults += [f'line {n}: {len(r)} columns' for n, r in enumerate(body, 2)
               if len(r) != len(columns)]
    return [dict(zip(columns, r)) for r in body if len(r) == len(columns)], faults


def name(row):
    return f'{row["code"]} {row["check"]} {row["outcome"]}'


def form(rows):
    """What a row must look like."""
    faults, seen, codes = [], set(), []
    for row in rows:
        if not re.fullmatch(r'0x[0-9a-f]{4}|other', row['code']):
            faults.append(f'{name(row)}: no code')
        if not re.fullmatch(r'[a-z][a-z0-9-]*|-', row['check']):
            faults.append(f'{name(row)}: no name of a check')
        if not re.fullmatch(r'[A-Z][A-Z_]*|#[A-Z]{2}', row['outcome']):
            faults.append(f'{name(row)}: no outcome')
        if not row['condition'] or not row['tlfs'] and row['outcome'] not in GOOD:
            faults.append(f'{name(row)}: no condition or no section')
        key = (row['code'], row['check'])
        if row['check'] != NEVER and key in seen:
            faults.append(f'{name(row)}: a second check of that name')
        seen.add(key)
        if not codes or codes[-1] != row['code']:
            if row['code'] in codes:
                faults.append(f'{name(row)}: rows of one call stand apart')
            codes.append(row['code'])
    return faults


def known(facts, row):
    """Places of the facts that say what this row says; places of its step, whatever they say."""
    codes = ('any', row['code']) if row['step'].startswith('g') else (row['code'],)
    step = [i for i, f in enumerate(facts) if f['code'] in codes and f['step'] == row['step']]
    return [i for i in step if facts[i]['outcome'] == row['outcome']], step


def deviations(rows, facts):
    """Each deviation has a reason, and each reason a deviation."""
    faults, place = [], {}
    for i, row in enumerate(rows):
        said, step = known(facts, row)
        if row['step'] and not step:
            faults.append(f'{name(row)}: nobody has a step {row["step"]}')
        if row['check'] == NEVER or not said and (row['step'] or row['outcome'] not in GOOD):
            if not row['why']:
                faults.append(f'{name(row)}: not so in the facts, and no reason')
        else:
            place[i] = step[0] if row['step'] else None
    # Rows without a reason keep the order; one with a reason would break it.
    for i in place:
        order = [(j, place[j]) for j in place if not rows[j]['why'] and
                 place[j] is not None and rows[j]['code'] == rows[i]['code']]
        breaks = place[i] is not None and any(
            j < i and p > place[i] or j > i and p < place[i] for j, p in order)
        if breaks and not rows[i]['why']:
            faults.append(f'{name(rows[i])}: out of the order of the facts, and no reason')
        if rows[i]['why'] and not breaks:
            faults.append(f'{name(rows[i])}: a reason, but no deviation')
    return faults


def forgotten(rows, facts):
    """Facts that no row speaks of."""
    faults = []
    for fact in facts:
        if not any((fact['code'] in ('any', row['code'])) and row['step'] == fact['step'] and
                   (row['outcome'] == fact['outcome'] or row['step'] and row['why'])
                   for row in rows):
            faults.append(f'{fact["code"]} step "{fact["step"]}" {fact["outcome"]}: no row')
    return faults


def compare(rows, program):
    """The rows and what the tests have proven."""
    r = subprocess.run([program], capture_output=True, text=True)
    faults = [f'{program}: exit status {r.returncode}'] if r.returncode else []
    faults += [line for line in r.stdout.splitlines() if line.startswith('not ok')]
    calls = set(re.findall(r'^# call (\S+)', r.stdout, flags=re.M))
    listed = {row['code'] for row in rows} - {'other'}
    faults += [f'{c} is answered, but has no row' for c in sorted(calls - listed)]
    faults += [f'{c} has rows, but is not answered' for c in sorted(listed - calls)]
    proven = set(re.findall(r'^# proven (\S+ \S+ \S+)$', r.stdout, flags=re.M))
    wanted = {name(row) for row in rows if row['check'] != NEVER}
    faults += [f'{p}: no test proves it' for p in sorted(wanted - proven)]
    faults += [f'{p}: proven, but no row' for p in sorted(proven - wanted)]
    return faults, len(wanted), len({(row['code'], row['outcome']) for row in rows
                                     if row['check'] != NEVER})


def page(rows, names, head):
    """The page for people: statuses by call, then the checks of each call in their order."""
    with open(names, newline='') as f:
        titles = {r['code']: f'{r["code"]} {r["name"]}' for r in csv.DictReader(f)}
    codes = list(dict.fromkeys(row['code'] for row in rows))
    outcomes = list(dict.fromkeys(row['outcome'] for row in rows))
    lines = [head, MARK, '## Statuses by call', '',
             'Number of checks that end so; "no": listed by some source, cannot occur here.', '',
             '| | ' + ' | '.join(codes) + ' |', '|---' * (len(codes) + 1) + '|']
    for outcome in outcomes:
        cells = []
        for code in codes:
            of = [r for r in rows if r['code'] == code and r['outcome'] == outcome]
            here = sum(r['check'] != NEVER for r in of)
            cells.append(str(here) if here else 'no' if of else '')
        lines.append(f'| {outcome} | ' + ' | '.join(cells) + ' |')
    for code in codes:
        lines += ['', '## ' + titles.get(code, 'Any other code'), '',
                  '| Check | Outcome | TLFS | Condition | Why so |', '|---' * 5 + '|']
        lines += [f'| {r["check"]} | {r["outcome"]} | {r["tlfs"]} | {r["condition"]} | '
                  f'{r["why"]} |' for r in rows if r['code'] == code]
    return '\n'.join(line.rstrip('\n') for line in lines) + '\n'


def head_of(path):
    with open(path) as f:
        text = f.read()
    return text.split(MARK)[0].rstrip('\n') + '\n', text


def main():
    if sys.argv[1] == '--write':
        table, names, page_file = sys.argv[2:]
        head, _ = head_of(page_file)
        made = page(load(table, COLUMNS)[0], names, head)
        with open(page_file, 'w') as f:
            f.write(made)
        return
    table, names, fact_file, page_file, program = sys.argv[1:]
    rows, faults = load(table, COLUMNS)
    facts, fact_faults = load(fact_file, FACT_COLUMNS)
    head, text = head_of(page_file)
    tap = Tap()
    tap.check('the table is well formed', faults + fact_faults + form(rows))
    tap.check('where the table leaves the sources it says why', deviations(rows, facts))
    tap.check('the table speaks of each fact', forgotten(rows, facts))
    tap.check('the page is made from the table',
              [] if text == page(rows, names, head) else [f'{page_file}: run statuses.py --write'])
    faults, checks, pairs = compare(rows, program)
    tap.check(f'a test proves each of {checks} rows, {pairs} pairs of call and status', faults)
    tap.finish()


main()
