#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Write the smallest video BIOS that nouveau takes for an NV40: no scripts, one analog output.

mkvbios.py FILE
"""
import struct
import sys

SIZE = 0x8000
PCIR = 0x40
BIT = 0x100
BIT_VERSION = 0x200
BIT_INIT = 0x240
DCB = 0x300
CCB = 0x340

rom = bytearray(SIZE)


def put(offset, layout, *values):
    struct.pack_into("<" + layout, rom, offset, *values)


# Signature, size in blocks of 512 bytes; where the PCI data and the outputs are.
put(0, "HB", 0xAA55, SIZE // 512)
put(0x18, "H", PCIR)
put(0x36, "H", DCB)

# Vendor, device, no vital data, length, revision, class: a display; size, code revision, x86, last image.
put(PCIR, "4sHHHHB3BHHBB", b"PCIR", 0x10DE, 0x0045, 0, 0x18, 0, 0, 0, 3, SIZE // 512, 1, 0, 0x80)

# The BIT header: version, length, length of an entry, entries; then two tables, the second all zero.
put(BIT, "6sHBBB", b"\xff\xb8BIT\0", 0x0100, 12, 6, 2)
put(BIT + 12, "cBHH", b"i", 1, 32, BIT_VERSION)
put(BIT + 18, "cBHH", b"I", 1, 32, BIT_INIT)
put(BIT_VERSION, "6B", 0x01, 0x02, 0x40, 0x05, 0, 0)

# Outputs: version 3.0, header length, one of 8 bytes, its I2C table, signature. It is analog, on bus 0,
# head 0, output resource 1.
put(DCB, "BBBBHI", 0x30, 0x1B, 1, 8, CCB, 0x4EDCBDCB)
put(DCB + 0x1B, "II", 1 << 24 | 1 << 8, 40)

# I2C: one bus, of the kind that the NV04 had, its write and its read register.
put(CCB, "5B", 0x30, 5, 1, 4, 0)
put(CCB + 5, "4B", 0x3E, 0x3F, 0, 0)

# All bytes add up to 0.
rom[-1] = -sum(rom) & 0xFF

with open(sys.argv[1], "wb") as f:
    f.write(rom)
