#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Trip every guard on purpose: each must pass what is right and refuse what is wrong, by name.

usage: selftest.py CC...
"""

import json
import os
import re
import subprocess
import sys
import tempfile

from guardlib import Tap, run

HERE = os.path.dirname(os.path.abspath(__file__))
CC = sys.argv[1:]
SPDX = '/* SPDX-License-Identifier: BSD-3-Clause */\n'
GOOD = ('#include <string.h>\n'
        '__attribute__((visibility("default"))) int vsm_one(const char *s);\n'
        'int hidden(const char *s);\n'
        'const char *const vsm_names[] = { "a", "b" };\n'
        'int hidden(const char *s) { return (int)strlen(s); }\n'
        'int vsm_one(const char *s) { return hidden(s) + hidden(vsm_names[0]); }\n')
HEADER = ('#include <stdint.h>\n#define VSM_EXPORT\n'
          '/** VSM_EXPORT int vsm_comment(void); */\nVSM_EXPORT int vsm_one(const char *s);\n')
MAP = 'VSM_0_1 {\nglobal:\n\tvsm_one;\nlocal:\n\t*;\n};\n'


class Bench:
    """A temporary directory, things built in it, and guards run on them."""

    def __init__(self, tap, tmp):
        self.tap, self.tmp = tap, tmp
        self.write('good.h', HEADER)
        self.write('good.map', MAP)

    def path(self, name):
        return os.path.join(self.tmp, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), 'w', encoding='utf-8') as f:
            f.write(text)
        return self.path(name)

    def object(self, name, text):
        run(*CC, '-O1', '-fPIC', '-fcommon', '-fvisibility=hidden', '-fno-stack-protector', '-c',
            self.write(name + '.c', text), '-o', self.path(name + '.o'))
        return self.path(name + '.o')

    def archive(self, name, text):
        run('ar', 'rcs', self.path(name + '.a'), self.object(name, text))
        return self.path(name + '.a')

    def shared(self, name, text, script=MAP, libs=(), so='libvsm.so.0.1'):
        run(*CC, '-shared', self.object(name, text), '-o', self.path(name + '.so'),
            '-Wl,--version-script=' + self.write(name + '.map', script), '-Wl,-soname,' + so,
            '-Wl,--no-as-needed', *libs)
        return self.path(name + '.so')

    def guard(self, what, complaint, script, *args):
        """complaint None: the guard must pass; else it must fail and say so."""
        r = subprocess.run([sys.executable, os.path.join(HERE, script), *args],
                           capture_output=True, text=True)
        faults = []
        if complaint is None:
            if r.returncode or 'not ok' in r.stdout or not re.search(r'^ok', r.stdout, re.M):
                faults = ['refused'] + r.stdout.splitlines() + r.stderr.splitlines()
        elif r.returncode != 1 or not re.search(r'^not ok', r.stdout, flags=re.M):
            faults = ['passed'] + r.stdout.splitlines() + r.stderr.splitlines()
        elif complaint not in r.stdout:
            faults = [f'failed without saying "{complaint}"'] + r.stdout.splitlines()
        verdict = 'passes' if complaint is None else 'refuses'
        self.tap.check(f'{script} {verdict} {what}', faults)


def writable_data(b):
    def each(what, complaint, name, text):
        b.guard(what + ', object', complaint, 'writable_data.py', b.object(name, text))
        b.guard(what + ', archive', complaint, 'writable_data.py', b.archive(name, text))
        b.guard(what + ', shared', complaint, 'writable_data.py', b.shared(name, text))

    use = 'int *vsm_use(void);\nint *vsm_use(void) { return (int *)&bad; }\n'
    each('constants', None, 'data_good', GOOD)
    each('.data', 'data', 'data_bad', GOOD + 'static int bad = 3;\n' + use)
    each('.bss', 'bss', 'bss_bad', GOOD + 'static int bad;\n' + use)
    each('.tdata', 'tdata', 'tdata_bad', GOOD + 'static __thread int bad = 3;\n' + use)
    each('.tbss', 'tbss', 'tbss_bad', GOOD + 'static __thread int bad;\n' + use)
    each('a writable table of pointers', 'data', 'table_bad',
         GOOD + 'static const char *bad[] = { "a" };\n' + use)
    common = b.object('common_bad', GOOD + 'int bad;\n' + use)
    b.guard('a common symbol', 'bad', 'writable_data.py', common)
    b.guard('a constructor', '_array', 'writable_data.py', b.object(
        'ctor_bad', GOOD + '__attribute__((constructor)) static void bad(void) { __asm__(""); }\n'))
    stripped = b.shared('stripped', GOOD)
    run('strip', stripped)
    b.guard('a stripped library', 'stripped', 'writable_data.py', stripped)
    b.guard('nothing', 'nothing to check', 'writable_data.py')


def exports(b):
    def check(what, complaint, mapfile, header, *binaries):
        b.guard(what, complaint, 'exports.py', '--prefix', 'vsm_', '--soname', 'libvsm.so.0.1',
                '--map', b.path(mapfile), *[a for x in binaries for a in ('--binary', x)],
                b.path(header))

    more = GOOD + '__attribute__((visibility("default"))) int extra(void);\n' \
        'int extra(void) { return 1; }\n'
    open_map = MAP.replace('vsm_one;', 'vsm_one; extra;')
    b.write('more.h', HEADER + 'VSM_EXPORT const struct vsm_two *\nvsm_two(int (*f)(void));\n')
    b.write('twice.map', MAP.replace('vsm_one;', 'vsm_one; vsm_one;'))
    b.write('plain.h', HEADER + 'VSM_EXPORT int extra(void);\n')
    good = b.shared('exp_good', GOOD)
    check('agreement', None, 'good.map', 'good.h', good)
    check('a header with more than the map', 'vsm_two is in the headers', 'good.map', 'more.h')
    b.write('less.h', '#define VSM_EXPORT\n')
    check('a map with more than the header', 'vsm_one is in the map', 'good.map', 'less.h')
    check('a name twice', 'run exports.py', 'twice.map', 'good.h')
    shared = b.shared('exp_bad', more, open_map)
    check('a name without prefix', 'extra', 'exp_bad.map', 'plain.h', shared)
    check('a library with more than the map', 'extra is in the binary', 'good.map', 'good.h', shared)
    check('a library with less than the map', 'vsm_one is in the map', 'good.map', 'good.h',
          b.shared('exp_less', GOOD.replace('vsm_one', 'vsm_uno')))
    check('a wrong soname', 'libother', 'good.map', 'good.h',
          b.shared('exp_so', GOOD, so='libother.so'))
    check('an archive that shows an internal name', 'hidden is in the binary', 'good.map',
          'good.h', b.archive('exp_hidden', GOOD))


def imports(b):
    def core(what, complaint, *files):
        b.guard(what, complaint, 'imports.py', 'core', *files)

    call = ('__attribute__((visibility("default"))) int vsm_one(const char *s);\n'
            '{0}\nint vsm_one(const char *s) {{ (void)s; {1}; return 1; }}\n')
    core('memory and strings', None, b.shared('imp_good', GOOD), b.archive('imp_good', GOOD))
    bad = {'abort': ('#include <stdlib.h>', 'abort()'),
           '__assert_fail': ('#include <assert.h>', 'assert(s != 0)'),
           'printf': ('#include <stdio.h>', 'printf("%s %d", s, 1)'),
           'snprintf': ('#include <stdio.h>', 'char x[9]; snprintf(x, 9, "%s%p", s, x)'),
           'malloc': ('#include <stdlib.h>', '*(void *volatile *)s = malloc(3)'),
           'open': ('#include <fcntl.h>', 'open(s, O_RDONLY)'),
           'ioctl': ('#include <sys/ioctl.h>', 'ioctl(0, 1, s)'),
           'mmap': ('#include <sys/mman.h>', 'mmap(0, 1, 0, 0, 0, 0)'),
           'pthread_create': ('#include <pthread.h>', 'pthread_create(0, 0, 0, 0)'),
           'signal': ('#include <signal.h>', 'signal(1, SIG_IGN)'),
           'sigaction': ('#include <signal.h>', 'sigaction(1, 0, 0)')}
    for name, (include, statement) in bad.items():
        text = call.format(include, statement)
        core(name + ', shared', name + ' is not allowed', b.shared('imp_' + name, text))
        core(name + ', archive', name + ' (', b.archive('imp_' + name, text))
        if name in ('ioctl', 'mmap', 'open'):
            b.guard(name, None, 'imports.py', 'kvm', b.path(f'imp_{name}.so'))
        else:
            b.guard(name + ' in the backend', name + ' is not allowed', 'imports.py', 'kvm',
                    b.path(f'imp_{name}.so'))
    core('a library that needs libm', 'libm', b.shared('imp_libm', GOOD, libs=['-lm']))
    core('a call of a name that nobody has', 'vsm_two', b.shared(
        'imp_other', call.format('int vsm_two(void);', 'vsm_two()')))
    b.guard('a call of what the core exports', None, 'imports.py', 'kvm', '--map',
            b.write('two.map', MAP.replace('vsm_one', 'vsm_two')), b.path('imp_other.so'))


def headers(b):
    b.write('inc/vsm/good.h', '#ifndef G\n#define G\n#include <stdint.h>\n'
                              'struct vsm_g { uint32_t a; };\n#endif\n')
    b.write('inc/vsm/needy.h', '#ifndef N\n#define N\nstruct vsm_n { uint32_t a; };\n#endif\n')
    b.write('inc/vsm/twice.h', 'struct vsm_t { int a; };\n')
    b.write('inc/vsm/conly.h', '#ifndef C\n#define C\nstruct vsm_c { int class; };\n#endif\n')
    check = ['headers.py', b.path('inc')]
    b.guard('a header that stands alone', None, *check, 'vsm/good.h')
    b.guard('a header that needs another', 'uint32_t', *check, 'vsm/needy.h')
    b.guard('a header without guard', 'redefinition', *check, 'vsm/twice.h')
    b.guard('a header that is not C++', 'class', *check, 'vsm/conly.h')


def abi(b):
    """Each rule alone, among what is allowed."""
    good = ('/* int vsm_x(int a[3], ...); bool b : 1; */\n#include <stdint.h>\n'
            '#define HV_STATIC_ASSERT(x, y) _Static_assert(x, y)\n#define VSM_X (1u << 3)\n'
            'enum vsm_e {\n\tVSM_A = 1,\n};\nstruct vsm_opaque;\n'
            'struct vsm_s {\n\tsize_t size;\n\tuint8_t bytes[16];\n%s'
            '\tint (*op)(void *opaque, const struct vsm_s *s, uint32_t count);\n};\n'
            'HV_STATIC_ASSERT(sizeof(struct vsm_s) == 8 ? (1) : 0, "a");\n'
            'VSM_EXPORT int vsm_f(struct vsm_opaque *o, size_t size, struct vsm_s **out);\n%s')
    check = ['abi.py']
    b.guard('what every language has', None, *check, b.write('abi/vsm.h', good % ('', '')))
    members = {
        'a bit-field': 'uint32_t a : 3;', 'bool, whose': 'bool a;', 'an enum type': 'enum vsm_e a;',
        'a union': 'union { uint32_t a; uint64_t c; } u;', 'a layout of its own': '_Alignas(64) '
        'uint8_t a;', 'a number without a width': 'unsigned a;', 'an array without a size':
        'uint8_t a[];', 'an int as member': 'int a;', 'a size_t as member': 'size_t length;',
        'an enum without a name': 'enum { A } a;', '"type" as member': 'uint32_t type;',
        'an array as argument': 'int (*a)(uint8_t b[96]);',
        'a struct as argument': 'int (*a)(struct vsm_s b);',
        'a struct as result': 'struct vsm_s (*a)(void);',
        'a variadic function': 'void (*log)(const char *text, ...);',
        'a.h:14: a union': '\n\nunion vsm_u *a;',
    }
    for complaint, member in members.items():
        b.guard(f'{complaint} ({member.strip()})', complaint, *check,
                b.write('abi/a.h', good % (f'\t{member}\n', '')))
    functions = {
        'a variadic function': 'void vsm_g(int a, ...);', 'bool, whose': '_Bool vsm_g(void);',
        'an enum type': 'enum vsm_e vsm_g(void);', 'an array as argument':
        'void vsm_g(const uint64_t a[VSM_X]);', 'a struct as argument': 'void vsm_g(struct vsm_s a);',
        'a struct as result': 'struct vsm_s vsm_g(void);', '"ref" as argument':
        'void vsm_g(uint32_t ref);', 'a number without a width': 'long vsm_g(void);',
        'an enum type, whose size': 'void vsm_g(const enum vsm_e *a);',
    }
    for complaint, function in functions.items():
        b.guard(f'{complaint} ({function})', complaint, *check,
                b.write('abi/a.h', good % ('', f'VSM_EXPORT {function}\n')))
    rest = {
        'no symbol': 'static inline int vsm_g(void) { return 1; }', 'a typedef': 'typedef int a;',
        'VSM_Y() is a macro': '#define VSM_Y(x) ((x) + 1)',
        'vsm_h.h: there is a struct vsm_h': 'struct vsm_h;',
    }
    for complaint, line in rest.items():
        b.guard(f'{complaint} ({line})', complaint, *check,
                b.write('abi/vsm_h.h', good % ('', line + '\n')))
    b.guard('no header', 'nothing to check', *check)


def sources(b):
    def check(what, complaint, name, text):
        root = f'tree-{name}'.replace('.', '-')
        b.write(f'{root}/{name}', text)
        b.guard(what, complaint, 'sources.py', b.path(root))

    check('a proper source', None, 'a.c', SPDX + 'int a;\n')
    check('a source without SPDX line', 'b.c', 'b.c', 'int a;\n')
    check('a script whose SPDX line comes late', 'c.sh', 'c.sh', '#!/bin/sh\n\n\n# ' + SPDX)
    check('a path of a machine', 'somebody', 'd.md', 'see /wor' + 'k/main\n')
    check('a mark of unfinished work', 'unfinished', 'e.c', SPDX + '/* TO' + 'DO */\n')
    check('the host of a registry', 'depend', 'f.md', 'https://py' + 'pi.org/x\n')
    check('a long file', '801 lines', 'g.c', SPDX + '\n' * 800)
    check('a blank at the end of a line', 'h.c', 'h.c', SPDX + 'int a; \n')
    check('a file without end', 'i.c', 'i.c', SPDX + 'int a;')


def style(b):
    with open(os.path.join(HERE, '..', '..', '.clang-format')) as f:
        rules = f.read()
    for name, text in (('good', 'int a;\n'), ('bad', 'int  a ;\n')):
        b.write(f'style-{name}/.clang-format', rules)
        b.write(f'style-{name}/lib/a.c', SPDX + text)
    b.guard('formatted text', None, 'style.py', b.path('style-good'))
    b.guard('unformatted text', 'lib/a.c', 'style.py', b.path('style-bad'))
    fits, beyond = 'x' * (100 - 3 - 3), 'x' * (100 - 3 - 3 + 1)
    for what, complaint, text in (
            ('comment up to column 100', None, f'/* {fits} */\nint a;\n'),
            ('comment beyond column 100', 'a.c:2: a comment', f'/* {beyond} */\nint a;\n'),
            ('comment of letters of two bytes', None, f'/* {fits.replace("x", chr(0xe9))} */\nint a;\n'),
            ('tab that counts 8', 'a.c:3: a comment',
             f'struct s {{\n\t/* {"x" * (100 - 8 - 6 + 1)} */\n\tint a;\n}};\n'),
            ('line inside of a comment', 'a.c:3: a comment', f'/*\n * {fits}xxxx\n */\nint a;\n'),
            ('comment behind code', 'a.c:2: a comment', f'int a; /* {"x" * 90} */\n'),
            ('comment of two slashes', 'a.c:2: a comment', f'// {fits}xxxx\nint a;\n'),
            ('a string that looks like comments', None,
             f'char a[] =\n\t"/* {beyond} */ \\" // {fits}";\n')):
        root = f'style-{what}'.replace(' ', '-')
        b.write(f'{root}/.clang-format', rules)
        b.write(f'{root}/lib/a.c', SPDX + text)
        b.guard(what, complaint, 'style.py', b.path(root))


def registered(b):
    b.write('reg/lib/a.c', SPDX)
    info = b.write('reg/build/meson-info/intro-targets.json',
                   '[{"target_sources": [{"sources": ["%s"]}]}]' % b.path('reg/lib/a.c'))
    os.makedirs(b.path('reg/build/meson-private'))
    b.guard('a file in a target', None, 'registered.py', b.path('reg'), b.path('reg/build'))
    b.write('reg/tests/unit/test_lost.c', SPDX)
    b.guard('a test in no target', 'test_lost.c', 'registered.py', b.path('reg'),
            os.path.dirname(os.path.dirname(info)))
    b.guard('a test in a target of another build', None, 'registered.py', b.path('reg'),
            b.path('reg/build'), 'tests/unit/test_lost.c')


def cases(b):
    numbers = ['I2', 'I3', 'I4', 'I5', 'I6', '6', '39'] + [str(n) for n in range(25, 33)]
    good = ''.join(f'| {n} | text | `test_a.c: one`, `test_a.c: two` |\n' for n in numbers)
    suite = ('START_TEST(one)\nEND_TEST\nSTART_TEST(two)\nEND_TEST\n'
             'VSMTEST_CASE(one),\ntcase_add_test(tc, two);\n')

    def check(what, complaint, index, text=suite):
        name = 'cases-' + what.replace(' ', '-')
        b.write(f'{name}/unit/test_a.c', text)
        b.guard(what, complaint, 'cases.py', b.write(f'{name}/index.md', index),
                b.path(f'{name}/unit'))

    check('an index whose tests exist', None, good)
    check('a number without a row', '29: 0 rows', good.replace('| 29 |', '| 33 |'))
    check('a number with two rows', '6: 2 rows', good + '| 6 | again | `test_a.c: one` |\n')
    check('a row without a test', 'I4: no test',
          re.sub(r'\| I4 .*', '| I4 | text | by hand |', good))
    check('a test that is not there', 'no START_TEST(one)', good,
          suite.replace('START_TEST(one)', 'START_TEST(won)'))
    check('a test in no suite', 'two is in no suite', good, suite.replace('tc, two', 'tc, too'))
    check('a test in a comment of another', 'one is in no suite', good,
          suite.replace('VSMTEST_CASE(one)', 'VSMTEST_CASE(one_more)'))
    check('a file that is not there', 'test_b.c: no such file',
          good.replace('test_a.c: two', 'test_b.c: two'))
    check('an empty index', 'I2: 0 rows', '')


def saved(b):
    doc = ('### `struct a`\n\n| Field | |\n|---|---|\n| `one` | X |\n| `two` | Y |\n| `three` | Z |\n'
           '\nThese live only here: `struct b`,\n`struct c`.\n')
    header = ('struct a {\n\t_Atomic uint64_t one, two; /* a comment; of two parts */\n'
              '\tint (*three)(struct a *x, int y);\n};\nstruct b {\n\tint x[4];\n};\n'
              'struct c {\n\tint y;\n};\n')

    def check(what, complaint, text, structs=header):
        name = 'saved-' + what.replace(' ', '-')
        b.guard(what, complaint, 'saved.py', b.write(f'{name}/doc.md', text),
                b.write(f'{name}/internal.h', structs))

    check('a row for each field', None, doc)
    check('a field without a row', 'struct a: two has no row', doc.replace('| `two` | Y |\n', ''))
    check('a new field', 'struct a: four has no row', doc,
          header.replace('int y);\n', 'int y);\n\tstruct b *_Atomic four[2];\n'))
    check('a new declarator', 'struct a: four has no row', doc, header.replace('two;', 'two, four;'))
    check('a row that says nothing', 'struct a: one has no row', doc.replace('| X |', '|  |'))
    check('a row for no field', 'a row for four', doc.replace('`three` | Z |', '`three` | Z |\n| `four` | Z |'))
    check('a row twice', 'one has two rows', doc.replace('| `two`', '| `one` | X |\n| `two`'))
    check('a new struct', 'struct d has neither', doc, header + 'struct d {\n\tint x;\n};\n')
    check('a struct that is gone', 'there is no struct c', doc, header.split('struct c')[0])
    for what, complaint, more in (('a struct that need not be there', None, 'struct d {\n\tint x;\n};\n'),
                                  ('a field of one that is', 'struct e: x has no row',
                                   'struct e {\n\tint x;\n};\n')):
        name = 'saved-some-' + what.replace(' ', '-')
        b.guard(what, complaint, 'saved.py',
                b.write(f'{name}/doc.md', doc + ('### `struct e`\n' if complaint else '')),
                b.write(f'{name}/internal.h', header), '--some', b.write(f'{name}/more.h', more))


def guestmem(b):
    owner = SPDX + ('int r(struct v *v) { return v->ops.gpa_read(v->o, 0, 0, 1); }\n'
                    'int w(struct v *v) { return v->ops.gpa_write(v->o, 0, 0, 1); }\n')

    def check(what, complaint, name, text, own=owner):
        root = f'guestmem-{what}'.replace(' ', '-')
        b.write(f'{root}/lib/guestmem.c', own)
        b.write(f'{root}/lib/{name}', SPDX + text)
        b.guard(what, complaint, 'guestmem.py', b.path(root))

    check('a tree without other callers', None, 'a.c',
          'int a(struct v *v) { return v->ops.gpa_read == NULL; } /* v->ops.gpa_read(x) */\n')
    check('a host that fills the table in', None, 'kvm/a.c', 'void a(void) { o->gpa_read = f; }\n')
    check('a second caller', 'lib/a.c:2: gpa_read', 'a.c',
          'int a(struct v *v) { return v->ops.gpa_read(v->o, 0, 0, 1); }\n')
    check('a caller in a folder', 'lib/kvm/a.c:3: gpa_write', 'kvm/a.c',
          'int a(struct v *v) { return v->ops\n.gpa_write(v->o, 0, 0, 1); }\n')
    check('an op in a variable', 'lib/a.c:2: gpa_write', 'a.c', 'f = v->ops.gpa_write;\n')
    check('a second judge', 'lib/a.c:2: protect_denier', 'a.c', 'int a = protect_denier(v, 0);\n')
    check('an owner that calls nothing', 'no call of gpa_write', 'a.c', 'int a;\n',
          owner.replace('ops.gpa_write', 'ops.other'))


def statuses(b):
    """tests/guards/statuses.py: the table, what others say, and what was proven."""
    head = 'code,check,outcome,step,tlfs,condition,why\n'
    rows = ('0x0001,cpl,#UD,g1,3.5,a ring,\n0x0001,number,INVALID_PARAMETER,1,3.9,a number,\n'
            '0x0001,index,INVALID_VP_INDEX,2,3.9,an index,\n0x0001,late,ACCESS_DENIED,1,3.9,x,so\n'
            '0x0001,success,SUCCESS,,,good,\n0x0001,-,NO_DATA,,3.9,none,there always is\n'
            'other,unknown,INVALID_HYPERCALL_CODE,g5,3.7,a code,\n')
    facts = ('code,step,outcome,source\nany,g1,#UD,tlfs\nany,g5,INVALID_HYPERCALL_CODE,tlfs\n'
             '0x0001,1,INVALID_PARAMETER,code\n0x0001,2,INVALID_VP_INDEX,code\n'
             '0x0001,,NO_DATA,tlfs\n')
    proven = ['0x0001 cpl #UD', '0x0001 number INVALID_PARAMETER', '0x0001 index INVALID_VP_INDEX',
              '0x0001 late ACCESS_DENIED', '0x0001 success SUCCESS',
              'other unknown INVALID_HYPERCALL_CODE']
    names = b.write('st/names.csv', 'code,name\n0x0001,HvCallOne\n')
    script = os.path.join(HERE, 'statuses.py')

    def check(what, complaint, rows=rows, facts=facts, proven=proven, calls=('0x0001',),
              status=0, stale=False, text=head):
        table, page = b.write('st/t.csv', text + rows), b.write('st/p.md', '# Page\n')
        run(sys.executable, script, '--write', table, names, page)
        if stale:
            b.write('st/t.csv', text + rows.replace('a number', 'another number'))
        lines = [f'# call {c}' for c in calls] + [f'# proven {p}' for p in proven]
        program = b.write('st/program', '#!/bin/sh\ncat <<EOF\n' + '\n'.join(lines) +
                          f'\nEOF\nexit {status}\n')
        os.chmod(program, 0o755)
        b.guard(what, complaint, 'statuses.py', table, names, b.write('st/f.csv', facts), page,
                program)

    check('agreement', None)
    check('a row that no test proves', 'index INVALID_VP_INDEX: no test', proven=proven[:2] + proven[3:])
    check('a row that a test contradicts', 'index INVALID_VP_INDEX: no test proves',
          proven=[p.replace('INVALID_VP_INDEX', 'NO_DATA') for p in proven])
    check('a test without a row', 'extra SUCCESS: proven, but no row',
          proven=proven + ['0x0001 extra SUCCESS'])
    check('a program that fails', 'exit status 1', status=1)
    check('a call without rows', '0x0002 is answered', calls=('0x0001', '0x0002'))
    check('rows without a call', '0x0001 has rows', calls=())
    check('a page that is out of date', 'run statuses.py --write', stale=True)
    check('a status that nobody has', 'index NO_DATA: not so in the facts',
          rows=rows.replace('INVALID_VP_INDEX', 'NO_DATA'))
    check('a status that never occurs without a reason', 'NO_DATA: not so',
          rows=rows.replace('there always is', ''))
    check('another order', 'out of the order',
          rows=rows.replace('number,INVALID_PARAMETER,1', 'index2,INVALID_VP_INDEX,2')
                   .replace('index,INVALID_VP_INDEX,2', 'number,INVALID_PARAMETER,1'))
    check('a reason without a deviation', 'a reason, but no deviation',
          rows=rows.replace('a number,', 'a number,because'))
    check('a fact that no row speaks of', '0x0001 step "3" NO_DATA: no row',
          facts=facts + '0x0001,3,NO_DATA,code\n')
    check('a step that nobody has', 'nobody has a step 9', rows=rows.replace(',2,3.9', ',9,3.9'))
    check('a name used twice', 'a second check', rows=rows.replace(',late,', ',index,'))
    check('a row of another form', '8 columns', rows=rows.replace('a ring', 'a, ring'))
    check('other columns', 'columns [', text=head.replace('step', 'steps'))
    check('no section', 'no condition or no section', rows=rows.replace('g1,3.5', 'g1,'))


def version(b):
    header = ''.join(f'#define VSM_VERSION_{p} {n}\n'
                     for p, n in (('MAJOR', 1), ('MINOR', 2), ('PATCH', 3)))
    files = [b.write('version.h', header), b.write('CHANGELOG.md', '# C\n\n## 1.2.3\n\n## 1.0.0\n')]
    b.guard('one version', None, 'version.py', '1.2.3', *files)
    b.guard('another header', '1.2.3, not 1.3.0', 'version.py', '1.3.0', *files)
    b.guard('another changelog', 'not 1.2.3', 'version.py', '1.2.3', files[0],
            b.write('C2.md', '## 1.2.4\n\n## 1.2.3\n'))


def tally(b):
    """tests/tally.py: whatever was not seen to pass is no pass."""
    def check(what, last, tests, *options, protocol='tap'):
        names = [{'name': n, 'suite': ['libvsm:' + s], 'protocol': protocol}
                 for n, s, _ in tests]
        b.write('tally/meson-info/intro-tests.json', json.dumps(names))
        b.write('tally/meson-logs/testlog.json', ''.join(
            json.dumps({'name': f'libvsm:{s} / {n}', **record}) + '\n'
            for n, s, record in tests if record))
        r = subprocess.run([sys.executable, os.path.join(HERE, '..', 'tally.py'), *options,
                            b.path('tally')], capture_output=True, text=True)
        good = r.returncode == (0 if ' 0 failed' in last else 1) and \
            r.stdout.splitlines()[-1:] == [last]
        b.tap.check(f'tally.py: {what}', [] if good else [f'status {r.returncode}, not {last}'] +
                    r.stdout.splitlines() + r.stderr.splitlines())

    def record(stdout, result='OK', status=0):
        return {'stdout': stdout, 'result': result, 'returncode': status}

    two = 'ok 1 - a.c:t:one: Passed\nok 2 - a.c:t:two: Passed\n'
    check('passes', '2 passed, 0 failed, 0 skipped', [('a', 'unit', record(two + '1..2\n'))])
    check('a loop', '1 passed, 0 failed, 0 skipped',
          [('a', 'unit', record(two.replace('two', 'one') + '1..2\n'))])
    check('a loop that fails once', '0 passed, 1 failed, 0 skipped',
          [('a', 'unit', record('ok 1 - a.c:t:one: Passed\nnot ok 2 - b.h:t:one: x\n'
                                'ok 3 - a.c:t:one: Passed\n1..3\n', 'FAIL', 1))])
    check('no plan', '2 passed, 1 failed, 0 skipped', [('a', 'unit', record(two))])
    check('a short plan', '2 passed, 1 failed, 0 skipped',
          [('a', 'unit', record('1..3\n' + two))])
    check('silence', '0 passed, 1 failed, 0 skipped', [('a', 'unit', record(''))])
    check('a crash', '2 passed, 1 failed, 0 skipped',
          [('a', 'unit', record(two, 'ERROR', -11))])
    check('a crash behind the plan', '2 passed, 1 failed, 0 skipped',
          [('a', 'unit', record(two + '1..2\n', 'ERROR', -11))])
    check('a timeout', '2 passed, 1 failed, 0 skipped',
          [('a', 'unit', record(two + '1..2\n', 'TIMEOUT', -15))])
    check('a bail-out', '2 passed, 1 failed, 0 skipped',
          [('a', 'unit', record(two + '1..2\nBail out! x\n', 'ERROR', 0))])
    check('a test that was not run', '2 passed, 1 failed, 0 skipped',
          [('a', 'unit', record(two + '1..2\n')), ('b', 'unit', None)])
    check('no test at all', '0 passed, 1 failed, 0 skipped', [])
    check('no TAP, good', '1 passed, 0 failed, 0 skipped', [('a', 'unit', record('hello'))],
          protocol='exitcode')
    check('no TAP, bad', '0 passed, 1 failed, 0 skipped',
          [('a', 'unit', record('hello', 'FAIL', 1))], protocol='exitcode')
    check('one suite of two', '2 passed, 0 failed, 0 skipped',
          [('a', 'unit', record(two + '1..2\n')), ('k', 'kvm', None)], '--suite', 'unit')
    skips = [('k', 'kvm', record('1..0 # SKIP no KVM\n', 'SKIP')),
             ('s', 'unit', record('1..1\nok 1 - x # SKIP not here\n', 'SKIP'))]
    check('skips', '0 passed, 0 failed, 2 skipped', skips)
    check('skips without KVM', '0 passed, 0 failed, 2 skipped', skips, '--kvm', b.path('none'))
    check('skips with KVM', '0 passed, 1 failed, 1 skipped', skips, '--kvm', b.path('good.h'))
    check('a skip elsewhere for want of KVM', '1 passed, 1 failed, 0 skipped',
          [('s', 'vmm', record('1..2\nok 1 - x # SKIP no /dev/kvm\nok 2 - y\n'))],
          '--kvm', b.path('good.h'))


def command_line(b):
    """tests/run.sh: what it does before it builds anything."""
    for args, status in ((['--help'], 0), (['--frob'], 2), (['--setup', '--all'], 2)):
        r = subprocess.run(['bash', os.path.join(HERE, '..', 'run.sh'), *args],
                           capture_output=True, text=True)
        good = r.returncode == status and 'run.sh' in r.stdout + r.stderr
        b.tap.check(f'run.sh {" ".join(args)} ends with {status}',
                    [] if good else [f'status {r.returncode}', r.stdout, r.stderr])


def left_out(b):
    """tests/run.sh: what it says of a build that lacks something."""
    # The list and the function, with a ninja that tells of other targets.
    script = ('eval "$(sed -n \'/^optional=(/,/^}/p\' "$1")"; ninja() { printf "%s: x\\n" $there; }; '
              'build=.; say_what_is_left_out')
    there = ('lib/libvsm-kvm.so', 'examples/vmm/vsm-vmm.p/unicorn_regs.c.o', 'tests/guest/test_decode',
             'tests/kvm_test_operand_zydis', 'tests/bench/bench-vsm.p/rival_gtree.c.o', 'tests/bench/bench-vsm.p/rival_stdmap.cpp.o',
             'doc')
    for gone, words in [(None, [])] + list(zip(there, ('KVM', 'unicorn', 'zydis', 'zydis', 'glib',
                                                       r'g\+\+', 'doxygen'))):
        r = subprocess.run(['bash', '-c', script, 'bash', os.path.join(HERE, '..', 'run.sh')],
                           capture_output=True, text=True,
                           env=dict(os.environ, there=' '.join(t for t in there if t != gone)))
        lines = r.stdout.splitlines()
        good = (len(lines) == bool(gone) and
                all(re.search(r'^run\.sh: not built: .*' + words, line) for line in lines))
        b.tap.check(f'run.sh says what is left out: {gone or "nothing"}',
                    [] if good else [r.stdout, r.stderr])


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as tmp:
        bench = Bench(tap, tmp)
        for guard in (writable_data, exports, imports, headers, abi, sources, style, registered,
                      cases, saved, guestmem, statuses, version, tally,
                      command_line, left_out):
            guard(bench)
    tap.finish()


main()
