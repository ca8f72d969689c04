#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads a page that locktop wrote as a browser does and checks its data; exits 0 if they hold.

usage: page.py FILE"""
import html.parser
import json
import sys


class Page(html.parser.HTMLParser):
    """Keeps what the scripts hold, and refuses what would be fetched."""

    def __init__(self):
        super().__init__()
        self.data, self.scripts, self.here, self.ids = "", 0, None, set()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        assert not {"src", "href", "srcset", "action"} & set(attrs), (tag, attrs)
        assert tag not in ("link", "img", "iframe", "object", "embed", "base"), tag
        assert not any(name.startswith("on") for name in attrs), (tag, attrs)
        if "id" in attrs:
            assert attrs["id"] not in self.ids, attrs
            self.ids.add(attrs["id"])
        if tag == "script":
            self.scripts += 1
            self.here = attrs.get("id")

    def handle_endtag(self, tag):
        self.here = None

    def handle_data(self, data):
        if self.here == "data":
            self.data += data


def main():
    page = Page()
    with open(sys.argv[1], encoding="utf-8") as file:
        page.feed(file.read())
    assert page.scripts == 2, page.scripts
    data = json.loads(page.data)
    assert data["wait"] > 0 and data["intervals"] and data["locks"]
    assert sum(row[2] for row in data["intervals"]) == data["wait"]
    contention = sum(lock["wait"] for lock in data["locks"] if lock["class"] == "contention")
    assert contention == data["wait"], (contention, data["wait"])
    known = {f"{lock['pid']}:{lock['address']}:{lock['kind']}": lock for lock in data["locks"]}
    for role in ("waiters", "wakers"):
        by_lock = {}
        for of, wait, _, path in data[role]["stacks"]:
            by_lock[of] = by_lock.get(of, 0) + wait
            assert path and all(0 < i < len(data[role]["frames"]) for i in path)
        for of, wait in by_lock.items():
            assert wait == known[of]["wait"], (role, of)
    functions = {frame[0] for frame in data["waiters"]["frames"][1:]}
    assert {"worker", "pthread_mutex_lock"} <= functions, functions


main()
