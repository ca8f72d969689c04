# SPDX-License-Identifier: GPL-2.0-only
"""Runs a command as containers' default seccomp profiles do: bpf and perf_event_open are refused,
whatever its capabilities. usage: no_bpf.py CMD ARG..."""
import ctypes
import os
import struct
import sys

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # of classic BPF, 32 bits
REFUSE, ALLOW = 0x00050000 | 1, 0x7FFF0000  # with EPERM
CALLS = {"x86_64": (321, 298), "aarch64": (280, 241)}[os.uname().machine]

code = [(LOAD, 0, 0, 0)]
code += [(JUMP_IF_EQUAL, len(CALLS) - i, 0, call) for i, call in enumerate(CALLS)]
code += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) == 0, ctypes.get_errno()
os.execvp(sys.argv[1], sys.argv[1:])
