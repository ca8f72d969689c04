#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Opens traces that locktop wrote in a viewer of others, speedscope, in a browser without a screen.
Exits 0 if it takes all of them without a complaint and has the same slices on the same tracks.
Writes NAME.png of each into DIRECTORY.

usage: trace_viewer.py CHROMIUM SPEEDSCOPE DIRECTORY FILE..."""
import base64
import collections
import json
import pathlib
import sys

from browser import Browser

# What the page would save is caught; what it complains of is kept.
CATCH = """
window.complaints = [];
for (const kind of ["warn", "error"])
    console[kind] = (...words) => window.complaints.push(words.join(" "));
URL.createObjectURL = (blob) => { blob.text().then((text) => window.saved = text); return "#"; };
"""


class Viewer(Browser):
    def wait(self, script):
        for _ in range(200):
            value = self.evaluate(script)
            if value:
                return value
            self.call("Runtime.evaluate", awaitPromise=True,
                      expression="new Promise((done) => setTimeout(done, 50))")
        raise AssertionError(script)

    def show(self, page, script, name):
        """Loads a trace as speedscope's own command does. Returns what it made of it."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=f"{page.as_uri()}#localProfilePath={script}")
        self.wait(f"document.title.startsWith({json.dumps(name)})")
        self.call("Input.dispatchKeyEvent", type="keyDown", key="s", code="KeyS", modifiers=2,
                  windowsVirtualKeyCode=83)
        saved = json.loads(self.wait("window.saved"))
        assert not self.evaluate("window.complaints"), self.evaluate("window.complaints")
        return saved


def expected(path):
    """Slices by their tracks, (name, begin, end) in ns; the viewer has each track begin at 0, and
    keeps nothing without length."""
    tracks, names = (collections.defaultdict(list), {})
    for event in json.loads(path.read_text())["traceEvents"]:
        if event["ph"] == "X":
            begin, length = round(event["ts"] * 1000), round(event["dur"] * 1000)
            tracks[event["pid"], event["tid"]].append((event["name"], begin, begin + length))
        elif event["ph"] == "M":
            names[event["pid"], event.get("tid")] = event["args"]["name"]
    for of, slices in tracks.items():
        first = min(begin for _, begin, _ in slices)
        tracks[of] = collections.Counter((name, begin - first, end - first)
                                         for name, begin, end in slices if begin < end)
    return tracks, names


def seen(profile, frames):
    """The same of what the viewer has."""
    slices, around = (collections.Counter(), [])
    for event in profile["events"]:
        at = round(event["at"] * 1000)
        if event["type"] == "O":
            around.append((event["frame"], at))
        else:
            frame, begin = around.pop()
            assert frame == event["frame"], event
            if begin == at:
                continue
            # arguments stand behind the name
            slices[frames[frame]["name"].split(" {", 1)[0], begin, at] += 1
    assert not around
    return slices


def check(path, shown):
    tracks, names = expected(path)
    frames = shown["shared"]["frames"]
    assert len(shown["profiles"]) == len(tracks), (len(shown["profiles"]), len(tracks))
    got = {profile["name"]: seen(profile, frames) for profile in shown["profiles"]}
    for (pid, tid), slices in tracks.items():
        process, thread = names.get((pid, None)), names.get((pid, tid))
        title = (f"{process} (pid {pid}), {thread} (tid {tid})" if thread else
                 f"{process} (pid {pid}, tid {tid})")
        assert title in got, (title, list(got))
        assert got[title] == slices, (title, got[title] - slices, slices - got[title])
    print(f"{path.name}: {sum(sum(t.values()) for t in tracks.values())} slices, "
          f"{len(tracks)} tracks")


def main():
    program, page, directory = sys.argv[1], *(pathlib.Path(a).resolve() for a in sys.argv[2:4])
    browser = Viewer(program, directory / "viewer")
    browser.call("Page.addScriptToEvaluateOnNewDocument", source=CATCH)
    try:
        for path in map(pathlib.Path, sys.argv[4:]):
            script = directory / (path.name + ".js")
            trace = base64.b64encode(path.read_bytes()).decode()
            script.write_text(f'speedscope.loadFileFromBase64("{path.name}", "{trace}")')
            shown = browser.show(page / "dist/release/index.html", script, path.name)
            browser.screenshot(directory / (path.name + ".png"))
            check(path, shown)
    finally:
        browser.close()


main()
