#!/usr/bin/env python3
"""Step through the counted operations of st-dma-fence-bench.c, one instruction at a time.

trace.py VMLINUX SOCKET CONSOLE [PROFILE]: QEMU waits for a debugger at SOCKET and writes the
kernel's console to CONSOLE. Prints a line for each row and what was counted in it, in the form
of the benchmark: atomic instructions, and sections under a spinlock. Goes to PROFILE: the
instructions of each function.
"""
import collections
import re
import socket
import subprocess
import sys

REPEATS = 2     # of each operation that are stepped through, the last one counts
MOST = 20000    # instructions, for what goes astray


class Debugger:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(120)
        self.sock.connect(path)
        self.rest = b''

    def ask(self, text):
        data = text.encode()
        self.sock.sendall(b'$%s#%02x' % (data, sum(data) & 255))
        while True:
            found = re.match(rb'[+]*\$([^#]*)#..', self.rest, re.S)
            if found:
                self.rest = self.rest[found.end():]
                self.sock.sendall(b'+')
                return found.group(1).decode()
            more = self.sock.recv(65536)
            if not more:
                return 'W00'
            self.rest += more

    def pc(self):
        # 16 registers of 8 bytes come before it.
        return int.from_bytes(bytes.fromhex(self.ask('g')[256:272]), 'little')


def code(vmlinux):
    """Where are the marks, the atomic instructions, and which function is an address of?"""
    marks, atomics, functions = set(), set(), {}
    text = subprocess.run(['objdump', '-d', '--no-show-raw-insn', vmlinux], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    name = ''
    for line in text.splitlines():
        start = re.match(r'([0-9a-f]+) <(.*)>:$', line)
        if start:
            name = start.group(2)
            continue
        found = re.match(r'\s*([0-9a-f]+):\s+(.*)$', line)
        if not found:
            continue
        at, what = int(found.group(1), 16), found.group(2)
        functions[at] = name
        # xchg with memory is atomic without the prefix.
        if what.startswith('lock ') or re.match(r'xchg .*\(', what):
            atomics.add(at)
        if what.startswith('rdtsc') and re.match(r'(count_|bench_)(?!new_count)', name):
            marks.add(at)
    return marks, atomics, functions


def rows(console):
    with open(console, errors='replace') as log:
        return re.findall(r'bench: count (\S+/\d+) ', log.read())


def main():
    vmlinux, path, console = sys.argv[1:4]
    profile = open(sys.argv[4], 'w') if len(sys.argv) > 4 else None
    marks, atomics, functions = code(vmlinux)
    debugger = Debugger(path)
    # Interrupts are taken between steps, too: they are part of some operations.
    debugger.ask('Qqemu.sstep=1')
    for mark in marks:
        debugger.ask('Z1,%x,1' % mark)

    reported, repeats, window = 0, 0, None
    alive = debugger.ask('c').startswith('T')
    while alive:
        done = rows(console)
        if len(done) > reported:
            report(done[reported], window, atomics, functions, profile)
            reported, repeats = reported + 1, 0
        # From the mark before an operation to the one after it, stepping if need be.
        repeats += 1
        if repeats <= REPEATS:
            window = []
            while len(window) < MOST:
                debugger.ask('s')
                now = debugger.pc()
                if now in marks:
                    break
                window.append(now)
            alive = len(window) < MOST or debugger.ask('c').startswith('T')
        else:
            debugger.ask('s')
            alive = debugger.ask('c').startswith('T')
        # A step first, or it stops where it is.
        if alive:
            debugger.ask('s')
            alive = debugger.ask('c').startswith('T')
    for row in rows(console)[reported:reported + 1]:
        report(row, window, atomics, functions, profile)


def report(row, window, atomics, functions, profile):
    locks = [at for at, before in zip(window[1:], window)
             if functions.get(at, '').startswith('_raw_spin_lock')
             and functions.get(before) != functions.get(at)]
    for kind, number in (('atomics', sum(at in atomics for at in window) - len(locks)),
                         ('locks', len(locks))):
        print('bench: %s %s' % (kind, row), *[number] * 5, 1)
    if profile:
        print(row, len(window), *['%s:%d' % item for item in collections.Counter(
            functions.get(at, '?') for at in window).most_common()], file=profile)


main()
