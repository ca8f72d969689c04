# SPDX-License-Identifier: GPL-2.0-only
"""seeds.py DIRECTORY: first inputs for the fuzz harnesses, DIRECTORY/NAME/*, made from what is on
this machine: small programs, build products, files compiled here, /proc. Formats of the inputs stand
at the top of each fuzz_NAME.c.
"""
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = pathlib.Path(sys.argv[1])
FILE_BYTES = 40000
TEXT_BYTES = 0x1000000  # of fuzz_cfi.c
LIBRARY = 0x7F0000000000  # these two of fuzz_samples.c
HEAP = 0x7E0000000000
SOURCE = """
static int inner(int x) { volatile int room[x + 3]; room[1] = x; return room[1]; }
int __attribute__((noinline)) outer(int x) { return inner(x) + inner(x + 1); }
int counter;
void _start(void) { counter = outer(3); for (;;) ; }
"""


def save(name, label, data):
    """One seed."""
    directory = OUT / name
    directory.mkdir(parents=True, exist_ok=True)
    (directory / label).write_bytes(data)


class Elf:
    """Sections and functions of a little-endian ELF file; only what is well formed."""

    def __init__(self, data):
        self.data = data
        self.wide = data[4] == 2
        shoff = struct.unpack_from("<Q", data, 0x28)[0] if self.wide else struct.unpack_from("<I", data, 0x20)[0]
        size, n, names = struct.unpack_from("<HHH", data, 0x3A if self.wide else 0x2E)
        form = "<IIQQQQIIQQ" if self.wide else "<IIIIIIIIII"
        rows = [struct.unpack_from(form, data, shoff + i * size) for i in range(n)]
        start = rows[names][4]
        self.sections = {}
        for row in rows:
            end = data.index(b"\0", start + row[0])
            self.sections[data[start + row[0] : end].decode()] = row

    def bytes_of(self, name):
        """Contents and address of a section; empty if there is none."""
        row = self.sections.get(name)
        if not row or row[1] == 8:
            return b"", 0
        return self.data[row[4] : row[4] + row[5]], row[3]

    def functions(self):
        """Addresses that the search table of the frame table leads to."""
        table, address = self.bytes_of(".eh_frame_hdr")
        if len(table) < 12 or table[2:4] != b"\x03\x3b":
            return []
        n = struct.unpack_from("<I", table, 8)[0]
        return [address + struct.unpack_from("<i", table, 12 + 8 * i)[0] for i in range(n)]


def is_elf(path):
    """A regular ELF file of a fit size."""
    try:
        if path.is_symlink() or not path.is_file() or not 0 < path.stat().st_size < FILE_BYTES:
            return False
        with open(path, "rb") as f:
            return f.read(4) == b"\x7fELF"
    except OSError:
        return False


def compiled():
    """Small files of other forms, as far as the compiler can make them."""
    forms = {
        "wide": ["-static"],
        "wide-pie": ["-static-pie", "-fPIE"],
        "shared": ["-shared", "-fPIC"],
        "debug-frame": ["-static", "-g", "-fno-asynchronous-unwind-tables"],
        "narrow": ["-m32", "-static"],
        "narrow-pie": ["-m32", "-static-pie", "-fPIE"],
        "stripped": ["-static", "-s"],
    }
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch, "seed.c")
        source.write_text(SOURCE, encoding="ascii")
        for form, flags in forms.items():
            out = pathlib.Path(scratch, form)
            call = ["gcc", "-O1", "-nostdlib", *flags, str(source), "-o", str(out)]
            if subprocess.run(call, check=False, capture_output=True).returncode == 0:
                yield form, out.read_bytes()


def elf_files():
    """(label, bytes) of the ELF files that seeds are made from."""
    yield from compiled()
    small = sorted((p for p in pathlib.Path("/usr/bin").iterdir() if is_elf(p)), key=lambda p: p.stat().st_size)
    own = [p for p in sorted((ROOT / "build/workloads").glob("*")) if is_elf(p)]
    for path in small[:8] + small[-4:] + own[:4] + [ROOT / "build/fuzz/locks.so"]:
        if is_elf(path):
            yield path.name, path.read_bytes()


def cfi_input(elf, section, flags):
    """The frame tables of a file, and a stack that could be of its functions."""
    frame, frame_address = elf.bytes_of(section)
    search, search_address = elf.bytes_of(".eh_frame_hdr") if section == ".eh_frame" else (b"", 0)
    if not frame or max(len(frame), len(search), frame_address) > TEXT_BYTES:
        return None
    functions = [f for f in elf.functions() if 0 <= f < TEXT_BYTES] or [0x1000]
    words = []
    for i in range(200):
        in_text = (functions[i // 2 % len(functions)] + 7) << 2 | 1
        words.append(in_text if i % 2 else (16 * i) << 2 | 2)
    regs = [0] * 17
    regs[6] = regs[7] = 2
    regs[16] = (functions[0] + 1) << 2 | 1
    head = struct.pack("<5I", flags, len(frame), len(search), frame_address, search_address)
    return head + frame + search + struct.pack(f"<{17 + len(words)}I", *regs, *words)


def elf_and_cfi():
    """Whole files, and their frame tables."""
    for label, data in elf_files():
        save("elf", label, data)
        elf = Elf(data)
        for section, flags in ((".eh_frame", 0), (".debug_frame", 2)):
            seed = cfi_input(elf, section, flags | (0 if elf.wide else 1))
            if seed:
                save("cfi", f"{label}{section}", seed)


def libraries():
    """Libraries with lock functions in them: loops, tail calls, atomics at the begin."""
    code = ("int pthread_mutex_lock(int *m) { while (__sync_lock_test_and_set(m, 1)); return 0; }\n"
            "int pthread_spin_lock(int *m) { while (*(volatile int *)m); return *m; }\n"
            "int sem_post(int *s) { return __sync_fetch_and_add(s, 1); }\n"
            "int sem_timedwait(int *s, void *t) { return t ? pthread_mutex_lock(s) : 1; }\n"
            "int sem_wait(int *s) { return sem_timedwait(s, 0); }\n")
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch, "seed.c")
        out = pathlib.Path(scratch, "seed")
        source.write_text(code, encoding="ascii")
        for level in ("-O0", "-O2"):
            call = ["gcc", level, "-fPIC", "-shared", "-nostdlib", "-fno-builtin", "-Wl,-z,noseparate-code",
                    str(source), "-o", str(out)]
            if subprocess.run(call, check=False, capture_output=True).returncode == 0:
                save("library", level[1:], out.read_bytes())


def maps():
    """What /proc says of some processes, and what it seldom says."""
    names = ("maps", "stat", "status", "cgroup", "mountinfo", "comm")
    for pid in ["self", "1"]:
        for name in names:
            try:
                save("maps", f"{name}-{pid}", pathlib.Path("/proc", pid, name).read_bytes())
            except OSError:
                pass
    save("maps", "odd", b"55d0-55e0 r-xp 00000000 fe:01 42 /a\\012b (deleted)\n7f00-7f10 rw-s 10 00:05 9 "
         b"/dev/zero (deleted)\nffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n")
    save("maps", "name", b"7 (a) (b)\n) S 1 7 7 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 3 0 99 1 2\n")
    save("maps", "groups", b"4:cpu,cpuacct:/a\n1:name=systemd:/init.scope\n0::/user.slice/../x\n")


def decode():
    """Code as compilers and people write it."""
    for label, data in elf_files():
        text, _ = Elf(data).bytes_of(".text")
        for i in range(0, min(len(text), 4096), 1024):
            save("decode", f"{label}-{i}", b"\x00\x40" + text[i : i + 1024])


def stack_event(kind, sample_id, lock, pc, stack, sp=HEAP + 0x8000):
    """struct stack_event of bpf/locktop.h."""
    address, op, value = lock
    key = struct.pack("<IIQII", 1, 5, address, value << 16 | op, 0)
    regs = [0] * 17
    regs[6], regs[7], regs[16] = sp, sp, pc
    return (struct.pack("<II", kind, sample_id) + key + struct.pack("<QIIII", 10**12, 1, 1, 2, 3)
            + b"worker\0".ljust(16, b"\0") + bytes(range(80)) + struct.pack("<17Q", *regs)
            + struct.pack("<IIII", 5, 9, 0, len(stack)) + stack)


def record(what, data=b""):
    """One step of fuzz_samples.c."""
    return struct.pack("<BH", what, len(data)) + data


def samples():
    """Whole lives of sampled sleeps."""
    library = ROOT / "build/fuzz/locks.so"
    functions = Elf(library.read_bytes()).functions() if library.exists() else [0x400]
    lock = (LIBRARY + 0x2000, 0x80, 2)
    cond = (HEAP + 40, 0x189, 0)
    key = struct.pack("<IIQII", 1, 5, lock[0], lock[2] << 16 | lock[1], 0)
    for i, function in enumerate(functions):
        words = [0] * 48
        words[3] = words[10] = words[13] = LIBRARY + function + 32
        stack = struct.pack("<48Q", *words)
        pc = LIBRARY + functions[0] + 14
        end = struct.pack("<IIQQ", 2, 7, 5000000, 100000)
        opened = key + struct.pack("<QQQIIIIII", 10**9, 0, 0, 4, 1, 9, 0, 8, 2) + b"worker\0".ljust(16, b"\0")
        save("samples", f"life-{i}", record(0, stack_event(0, 7, lock, pc, stack))
             + record(0, stack_event(1, 7, lock, pc, stack)) + record(2, key) + record(0, end)
             + record(0, stack_event(0, 9, cond, pc, stack[: 8 * i])) + record(1, opened.ljust(224, b"\0"))
             + record(3) + record(4, key) + record(3))
    save("samples", "foreign", record(0, stack_event(0, 1, lock, 0, b"")) + record(0, b"\2") + record(3))


def options():
    """Command lines; the first byte says whether stdout is a terminal."""
    lines = (
        "0-b -n 3 -d 0.5 -f json -i --top 0", "1-p 1,2,3 --comm x* --user root -r -s wait",
        "0--cgroup=/a/b -o out --samples=5 --max-samples 7 --stack-bytes 8192", "1demo", "0check",
        "0--max-locks 100 --max-threads 100 --format csv", "0-bi -n1 -- sleep 3 -x", "1--help", "0-V",
        "0--no-such -q", "0-d nan", "0-d 1e400", "0-p 99999999999999999999", "0--pid= --user=",
    )
    for i, line in enumerate(lines):
        save("options", f"line-{i}", line.replace(" ", "\n").encode())


def aliases():
    """The user's names."""
    save("aliases", "plain", b"queue_lock the queue\nlibexample.so.1:* a library\n# comment\n\n")
    save("aliases", "odd", b"[a-z]*+0x[0-9]? x y  z \nno-name\n  * anything\nq\\*[!x] \033[31mred\n")


def perf_map():
    """Maps of JIT compilers."""
    save("perf_map", "plain", b"7f0000001000 40 LFoo;bar\n7f0000001040 80 Interpreter\n")
    save("perf_map", "odd", b"0x7f0000001000 0x10 a b c\n1000 0 empty\nffffffffffffffff ffff top\n10 20\n\n"
         b"7f0000001000 40 again\n7f0000001008 8 inside\n zz 1 bad\n")


def lines():
    """DWARF of several dialects, of code that begins at 0x1000 and a variable at 0x9000."""
    variable = ("typedef union { int word[5]; long align; } lock_t;\n"
                "struct { long n; struct pool { char name[8]; lock_t lock; } pools[2][2]; lock_t last; }\n"
                "members = { 1 };\n")
    dialects = ("gcc -gdwarf-5", "gcc -gdwarf-4", "gcc -gdwarf-3 -gstrict-dwarf", "gcc -gdwarf-5 -gdwarf64",
                "gcc -gdwarf-5 -gz", "gcc -gdwarf-5 -flto", "clang -gdwarf-5", "clang -gdwarf-4")
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch, "seed.c")
        out = pathlib.Path(scratch, "seed")
        source.write_text(SOURCE + variable, encoding="ascii")
        for i, dialect in enumerate(dialects):
            call = [*dialect.split(), "-O1", "-nostdlib", "-static-pie", "-fPIE", "-Wl,--build-id=none",
                    "-Wl,-Tdata=0x9000", str(source), "-o", str(out)]
            if subprocess.run(call, check=False, capture_output=True).returncode == 0:
                save("lines", f"dialect-{i}", out.read_bytes())


def diff():
    """A condition, then snapshots as the tests expect them to be printed."""
    conditions = ("load>1.2x", "a*:p99>5ms", "std::x<y>:acquisitions<0.5x", "new>0", "deadlocks>0", "none")
    for i, path in enumerate(sorted((ROOT / "tests/golden").glob("export_*.json"))):
        text = path.read_bytes()
        save("diff", path.stem, conditions[i % len(conditions)].encode() + b"\n" + text * (1 + i % 3))


shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(OUT)
for make in (elf_and_cfi, libraries, decode, maps, samples, options, aliases, perf_map, lines, diff):
    make()
