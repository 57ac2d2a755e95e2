#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write the modules of vsm-sys from the headers of libvsm, with clang's reading of them.

usage: bindings.py INCLUDE OUT      writes OUT/src/*.rs and OUT/tests/layout/*.rs
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap

MODULES = ('error gpa host hv hv_messages hv_registers hv_registers_arch hypercall message partition '
           'protect registers save state types version vp vpset').split()
HEAD = '''// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/{}.h. Do not edit.
'''
SCALARS = {
    'uint8_t': 'u8', 'uint16_t': 'u16', 'uint32_t': 'u32', 'uint64_t': 'u64', 'int8_t': 'i8',
    'int16_t': 'i16', 'int32_t': 'i32', 'int64_t': 'i64', 'size_t': 'usize', 'int': 'c_int',
    'void': 'c_void', 'char': 'c_char',
}
# The C types a constant may have, and the name of each in Rust.
GENERIC = '''#include <stdio.h>
#include <vsm/vsm.h>
#define SHOW(x) printf("%s %s %llu %lld\\n", #x, _Generic((x), int: "c_int", \\
    unsigned int: "u32", unsigned long: "u64", unsigned long long: "u64"), \\
    (unsigned long long)(x), (long long)(x));
'''


def run(*command, **kwargs):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **kwargs).stdout


def split_arguments(text):
    depth, parts = 0, ['']
    for c in text:
        depth += (c == '(') - (c == ')')
        if c == ',' and not depth:
            parts.append('')
        else:
            parts[-1] += c
    return [p.strip() for p in parts if p.strip() not in ('', 'void')]


def rust_type(c):
    """The Rust spelling of a C type as clang prints it."""
    c = c.strip()
    function = re.fullmatch(r'(.*?)\(\*\)\((.*)\)', c)
    if function:
        arguments = ', '.join(rust_type(a) for a in split_arguments(function[2]))
        return f'Option<unsafe extern "C" fn({arguments}){result_type(function[1])}>'
    array = re.fullmatch(r'(.*?)\[(\d+)\](.*)', c)
    if array:
        return f'[{rust_type(array[1] + array[3])}; {array[2]}]'
    if c.endswith('*'):
        inner = c[:-1].strip()
        const = inner.startswith('const ')
        return ('*const ' if const else '*mut ') + rust_type(inner[6:] if const else inner)
    c = c.removeprefix('const ').removeprefix('struct ')
    return SCALARS.get(c, c)


def result_type(c):
    return '' if c.strip() == 'void' else ' -> ' + rust_type(c)


def declarations(include):
    """Structs, functions and enums of the headers, as clang sees them."""
    text = run('clang', '-std=c11', '-fsyntax-only', '-I', include, '-Xclang', '-ast-dump=json',
               '-x', 'c', '-', input='#include <vsm/vsm.h>\n')
    return [d for d in json.loads(text)['inner'] if re.match('(vsm|hv)_|vsm$', d.get('name', ''))]


def constants(include, names, scratch):
    source, program = os.path.join(scratch, 'constants.c'), os.path.join(scratch, 'constants')
    with open(source, 'w') as f:
        f.write(GENERIC + 'int main(void)\n{\n' + ''.join(f'\tSHOW({n})\n' for n in names) +
                '\treturn 0;\n}\n')
    run('clang', '-std=c11', '-w', '-I', include, '-o', program, source)
    found = {}
    for line in run(program).splitlines():
        name, kind, unsigned, signed = line.split()
        width = 16 if kind == 'u64' else 8
        value = signed if kind == 'c_int' else f'0x{int(unsigned):0{width}x}'
        found[name] = f'pub const {name}: {kind} = {value};\n'
    return found


def struct_text(name, fields):
    lines = ''.join(f'    pub {f}: {t},\n' for f, t in fields)
    return (f'#[repr(C)]\n#[derive(Clone, Copy, Debug)]\npub struct {name} {{\n{lines}}}\n'
            f'zeroed!({name});\n')


def opaque_text(name):
    return (f'/// Opaque.\n#[repr(C)]\npub struct {name} {{\n    opaque: [u8; 0],\n'
            '    not_send_sync_unpin: PhantomData<(*mut u8, PhantomPinned)>,\n}\n')


def function_text(d):
    arguments = ', '.join(f'{p["name"]}: {rust_type(p["type"]["qualType"])}'
                          for p in d.get('inner', []) if p['kind'] == 'ParmVarDecl')
    result = result_type(d['type']['qualType'].split('(')[0])
    line = f'    pub fn {d["name"]}({arguments}){result};\n'
    if len(line) <= 101:
        return line
    broken = ''.join(f'        {a},\n' for a in re.split(r', (?=\w+: )', arguments))
    return f'    pub fn {d["name"]}(\n{broken}    ){result};\n'


def module(name, text, decls, values):
    """The module of one header, and the structs that it defines."""
    macros = re.findall(r'^#define ([A-Z]\w+)[ \t]+[^\s]', text, flags=re.M)
    out, functions, structs = [values[m] for m in macros if m in values], [], []
    for d in decls:
        n, kind, inner = d['name'], d['kind'], d.get('inner', [])
        fields = [(f['name'], rust_type(f['type']['qualType'])) for f in inner
                  if f['kind'] == 'FieldDecl']
        if kind == 'RecordDecl' and fields and re.search(rf'^struct {n} {{', text, flags=re.M):
            out.append('\n' + struct_text(n, fields))
            structs.append((n, [f for f, _ in fields]))
        elif kind == 'RecordDecl' and re.search(rf'^struct {n};', text, flags=re.M):
            out.append('\n' + opaque_text(n))
        elif kind == 'EnumDecl' and re.search(rf'^enum {n} {{', text, flags=re.M):
            out += ['\n'] + [values[e['name']] for e in inner if e['kind'] == 'EnumConstantDecl']
        elif kind == 'FunctionDecl' and re.search(rf'^VSM_EXPORT[^;]*?\b{n}\(', text, flags=re.M):
            functions.append(function_text(d))
    if functions:
        out.append('\nextern "C" {\n' + ''.join(functions) + '}\n')
    body = ''.join(out).lstrip('\n')
    ffi = [t for t in ('c_char', 'c_int', 'c_void') if re.search(rf'\b{t}\b', body)]
    uses = [f'use core::ffi::{ffi[0]};\n'] if len(ffi) == 1 else []
    if len(ffi) > 1:
        uses = [f'use core::ffi::{{{", ".join(ffi)}}};\n']
    if 'PhantomData' in body:
        uses.append('use core::marker::{PhantomData, PhantomPinned};\n')
    if re.search(r'\b(?:vsm|hv)_\w+(?=[,;>)\n])|\*(?:mut|const) vsm\b', body):
        uses.append('\nuse crate::*;\n')
    return HEAD.format(name) + '\n' + ''.join(uses) + ('\n' if uses else '') + body, structs


def tables(structs, names):
    rows = ''.join(f'    {n} {{\n' + ''.join(f'        {f},\n' for f in fields) +
                   '    }\n' for n, fields in structs)
    listed = textwrap.fill(', '.join(names), 99, initial_indent='    ', subsequent_indent='    ')
    return (HEAD.format('vsm') + f'\nstructs! {{\n{rows}}}\n',
            HEAD.format('vsm') + f'\nconstants! {{\n{listed}\n}}\n')


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(text)


def main():
    include, out = sys.argv[1:]
    texts = {}
    for m in MODULES:
        with open(os.path.join(include, 'vsm', m + '.h')) as f:
            texts[m] = f.read()
    decls = {}
    for d in declarations(include):
        # A struct is named before it is defined: what has most to say is kept, in its place.
        if d['name'] not in decls or d.get('completeDefinition'):
            decls.pop(d['name'], None)
            decls[d['name']] = d
    names = [n for t in texts.values() for n in
             re.findall(r'^#define ([A-Z]\w+)[ \t]+[^\s]', t, flags=re.M)]
    names += [e['name'] for d in decls.values() if d['kind'] == 'EnumDecl'
              for e in d['inner'] if e['kind'] == 'EnumConstantDecl']
    with tempfile.TemporaryDirectory() as scratch:
        values = constants(include, names, scratch)
    every = []
    for m in MODULES:
        text, structs = module(m, texts[m], decls.values(), values)
        every += structs
        write(os.path.join(out, 'src', m + '.rs'), text)
    structs, constant_names = tables(every, names)
    write(os.path.join(out, 'tests', 'layout', 'structs.rs'), structs)
    write(os.path.join(out, 'tests', 'layout', 'constants.rs'), constant_names)


main()
