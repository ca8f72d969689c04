# SPDX-License-Identifier: GPL-2.0-only
"""Clients of `locktop serve`, well and ill behaved: serve.py TEST URL [PID]. Fails by an assertion."""

import math
import os
import re
import resource
import socket
import sys
import time
import urllib.request

MEMORY_MORE = 24 << 10  # KiB that a crowd may cost


def get(url, accept="application/openmetrics-text"):
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


def parse(text):
    """{(name, labels): value} of an OpenMetrics text, checked line by line."""
    lines = text.split("\n")
    assert lines[-2:] == ["# EOF", ""], lines[-2:]
    samples, types = {}, {}
    for line in lines[:-2]:
        head = re.fullmatch(r"# (HELP|TYPE|UNIT) (\w+) (.+)", line)
        if head:
            if head[1] == "TYPE":
                assert head[2] not in types, line
                types[head[2]] = head[3]
            continue
        found = re.fullmatch(r'(\w+)(?:\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)', line)
        assert found, line
        key = found[1], found[2] or ""
        assert key not in samples, line
        samples[key] = float(found[3])
        family = re.sub(r"_(total|bucket|sum|count|info)$", "", found[1])
        assert family in types or found[1] in types, line
        assert math.isfinite(samples[key]), line
    return samples


def of(samples, name, labels=""):
    return [v for (n, l), v in samples.items() if n == name and labels in l]


def port_of(url):
    return int(url.split(":")[2].split("/")[0])


def is_counter(name):
    return re.search(r"_(total|bucket|count|sum)$", name)


def monotonic(url):
    """Counters never fall; what is summed over locks is what all waited."""
    old, grown = parse(get(url)), 0
    for _ in range(8):
        time.sleep(0.5)
        new = parse(get(url))
        for key, value in old.items():
            if is_counter(key[0]):
                assert new[key] >= value, (key, value, new[key])
                grown += new[key] > value
        locks = sum(of(new, "locktop_lock_wait_seconds_total", 'class="contention"'))
        total = of(new, "locktop_wait_seconds_total", 'class="contention"')[0]
        assert abs(locks - total) <= 1e-6 * max(1, total), (locks, total)
        old = new
    assert grown > 20, grown
    assert of(old, "locktop_build_info") == [1]


def bounded(url):
    """--top 1: one series of a lock's own, and one for all others; together they are what all
    waited, or less once another lock has taken the place of the first."""
    samples = parse(get(url))
    locks = sum(of(samples, "locktop_lock_wait_seconds_total", 'class="contention"'))
    total = of(samples, "locktop_wait_seconds_total", 'class="contention"')[0]
    assert 0 < locks <= total * (1 + 1e-9), (locks, total)
    names = [l for (n, l) in samples if n == "locktop_lock_wait_seconds_total"]
    assert len(names) <= 2, names
    assert any('lock="other"' in l for l in names), names


def memory(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


def connect(url, send):
    s = socket.create_connection(("127.0.0.1", port_of(url)))
    s.settimeout(30)
    s.sendall(send)
    return s


def crowd(url, pid):
    """1,000 clients that never end their request, whatever they send: others are served meanwhile,
    observation goes on, and what they cost is bounded."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    get(url)
    before, fds = memory(pid), len(os.listdir(f"/proc/{pid}/fd"))
    clients = [connect(url, b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: ") for _ in range(1000)]
    began, slowest = time.monotonic(), 0
    first = of(parse(get(url)), "locktop_intervals_total")[0]
    waited = time.monotonic() - began
    assert waited < 15, waited
    assert len(os.listdir(f"/proc/{pid}/fd")) <= fds + 257
    while time.monotonic() - began < 12:
        for client in clients:
            try:
                client.send(b"a")
            except OSError:
                pass
        start = time.monotonic()
        last = of(parse(get(url)), "locktop_intervals_total")[0]
        slowest = max(slowest, time.monotonic() - start)
        assert memory(pid) < before + MEMORY_MORE, (before, memory(pid))
        time.sleep(0.2)
    rate = (last - first) / (time.monotonic() - began - waited)
    assert rate > 1.5, rate  # every 0.5 s
    assert slowest < 5, slowest
    print(f"# behind 1,000: first {waited:.1f} s, then at most {slowest:.2f} s,"
          f" {memory(pid) - before} KiB more", file=sys.stderr)
    for client in clients:
        client.close()


def slow(url):
    """A client that trickles is shut out after ten seconds, and so is one that says nothing."""
    silent, began = connect(url, b""), time.monotonic()
    trickling = connect(url, b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: ")
    open_ones = {silent, trickling}
    while open_ones:
        assert time.monotonic() - began < 15
        time.sleep(0.25)
        for s in list(open_ones):
            try:
                if s is trickling:
                    s.send(b"a")
                if s.recv(1, socket.MSG_DONTWAIT) == b"":
                    open_ones.discard(s)
            except BlockingIOError:
                pass
            except OSError:
                open_ones.discard(s)
    assert time.monotonic() - began > 8


def status_of(url, send):
    s = connect(url, b"")
    try:
        s.sendall(send)
    except OSError:
        pass  # it has answered and gone
    try:
        answer = s.recv(64)
    except OSError:
        answer = b""
    s.close()
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def malformed(url, pid):
    """Requests that are too large or none at all are refused, and cost nothing that stays."""
    head = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
    # what is sent, and what may be answered (0: the connection is closed)
    requests = [
        (head + b"X: " + b"a" * (1 << 20) + b"\r\n\r\n", (0, 413, 431)),
        (b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: x\r\n\r\n", (0, 414)),
        (head + b"X: a\r\n" * 100000 + b"\r\n", (0, 413, 431)),
        (bytes(range(256)) * 50 + b"\r\n\r\n", (0, 400)),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (0, 400)),
        (b"GET /metrics HTTP/1.1\r\n\r\n", (400,)),
        (b"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n", (0, 400, 505)),
        (head + b"Content-Length: -1\r\n\r\n", (400,)),
        (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + b"a" * 100000,
         (405,)),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n", (400, 405)),
        (b"GET /metrics%00/../x HTTP/1.1\r\nHost: x\r\n\r\n", (200, 400, 404)),
    ]
    for send, wanted in requests:
        status = status_of(url, send)
        assert status in wanted, (send[:60], status, wanted)
    before = memory(pid)
    for _ in range(20):
        for send, _ in requests:
            status_of(url, send)
    assert memory(pid) < before + MEMORY_MORE, (before, memory(pid))
    assert status_of(url, head + b"\r\n") == 200


def names(url, *files):
    """Every metric that a file names is served."""
    served = {n for (n, _) in parse(get(url))}
    for file in files:
        with open(file) as text:
            named = set(re.findall(r"\blocktop_\w+", text.read()))
        assert len(named) > 5, (file, named)
        assert named <= served, (file, named - served)


TESTS = {f.__name__: f for f in (monotonic, bounded, crowd, slow, malformed, names)}
TESTS[sys.argv[1]](*sys.argv[2:])
