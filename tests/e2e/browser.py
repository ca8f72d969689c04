#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Opens a page that locktop wrote in a browser without a screen and uses it as people would, by
keyboard alone. Writes light.png and dark.png into DIRECTORY. Exits 0 if all of it works.

With DATA: shows each of these files (what the unit tests wrote) in place of the page's own data.

usage: browser.py CHROMIUM FILE DIRECTORY [DATA...]"""
import base64
import json
import os
import pathlib
import subprocess
import sys


class Browser:
    """Speaks the browser's own protocol through two pipes."""

    def __init__(self, program, profile):
        down, up = os.pipe(), os.pipe()

        def wire():
            os.dup2(os.dup(down[0]), 3)
            os.dup2(os.dup(up[1]), 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             f"--user-data-dir={profile}", "--window-size=1300,1900", "about:blank"],
            preexec_fn=wire, close_fds=False, stderr=subprocess.DEVNULL)
        os.close(down[0])
        os.close(up[1])
        self.out, self.back = os.fdopen(down[1], "wb"), os.fdopen(up[0], "rb")
        self.number, self.rest, self.session, self.problems = 0, b"", None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def read(self):
        while b"\0" not in self.rest:
            part = os.read(self.back.fileno(), 1 << 16)
            assert part, "the browser ended"
            self.rest += part
        line, self.rest = self.rest.split(b"\0", 1)
        return json.loads(line)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.out.write(json.dumps(message).encode() + b"\0")
        self.out.flush()
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
            self.note(answer)

    def note(self, event):
        """Errors of the page, and whatever it asks the network for."""
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown" or (
                method == "Log.entryAdded" and params["entry"]["level"] == "error"):
            self.problems.append(params)
        if method == "Network.requestWillBeSent":
            if not params["request"]["url"].startswith(("file:", "about:", "data:")):
                self.problems.append(params["request"]["url"])

    def evaluate(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def open(self, url):
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        for _ in range(200):
            if self.evaluate("document.readyState === 'complete' && "
                             "!!document.querySelector('#tiles div') && "
                             "!!document.querySelector('#flame > *')"):
                return
            self.call("Runtime.evaluate", awaitPromise=True,
                      expression="new Promise((done) => setTimeout(done, 50))")
        raise AssertionError("the page was not drawn")

    def press(self, *keys):
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38,
                 "ArrowLeft": 37, "ArrowRight": 39}
        for key in keys:
            code = codes.get(key, 0)
            extra = {"text": "\r"} if key == "Enter" else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key,
                      windowsVirtualKeyCode=code, **extra)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key,
                      windowsVirtualKeyCode=code)

    def screenshot(self, path):
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        self.process.kill()
        self.process.wait()


FOCUS = "document.activeElement"


def use_table(browser):
    rows = browser.evaluate("document.querySelectorAll('#locks tbody tr').length")
    assert rows > 0
    loads = "[...document.querySelectorAll('#locks tbody tr')].map((row) => row.lock.wait)"
    assert browser.evaluate(loads) == sorted(browser.evaluate(loads), reverse=True)
    # a head sorts when it is pressed, and keeps the focus
    browser.evaluate("document.querySelector('th[aria-sort] button').focus()")
    browser.press("Enter")
    assert browser.evaluate(loads) == sorted(browser.evaluate(loads))
    assert browser.evaluate(FOCUS + ".textContent").startswith("Load")
    browser.press("Enter")
    # the first row opens, Escape closes it
    browser.evaluate("document.querySelector('#locks tbody tr').focus()")
    browser.press("ArrowDown", "ArrowUp", "Enter")
    assert browser.evaluate("!document.getElementById('detail').hidden")
    assert browser.evaluate("document.querySelectorAll('#histogram rect').length") > 0
    assert browser.evaluate("!!document.querySelector('#chart .line.picked')")
    browser.press("Escape")
    assert browser.evaluate("document.getElementById('detail').hidden")
    browser.evaluate("document.getElementById('filter').value = 'no such lock';"
                     "document.getElementById('filter').dispatchEvent(new Event('input'))")
    assert browser.evaluate("document.querySelectorAll('#locks tbody tr').length") == 0
    browser.evaluate("document.getElementById('filter').value = '';"
                     "document.getElementById('filter').dispatchEvent(new Event('input'))")


def use_chart(browser):
    browser.evaluate("document.getElementById('chart').focus()")
    browser.press("ArrowRight")
    assert browser.evaluate("!document.getElementById('tip').hidden")
    assert "load" in browser.evaluate("document.getElementById('tip').textContent")
    browser.evaluate(FOCUS + ".blur()")


def use_flame(browser):
    name = FOCUS + ".node && " + FOCUS + ".node.name"
    width = "document.querySelector('.cell.process').offsetWidth"

    browser.evaluate("document.querySelector('.cell[tabindex=\"0\"]').focus()")
    assert browser.evaluate(name) == "all"
    browser.press("ArrowDown")
    assert browser.evaluate(FOCUS + ".classList.contains('process')")
    before = browser.evaluate(width)
    browser.press("Enter")
    assert browser.evaluate("document.querySelectorAll('.cell.above').length") == 1
    assert browser.evaluate(width) >= before
    browser.press("ArrowDown", "ArrowDown", "Enter")
    assert browser.evaluate("document.querySelectorAll('.cell.above').length") == 3
    browser.press("Escape", "Escape", "Escape")
    assert browser.evaluate("document.querySelectorAll('.cell.above').length") == 0
    browser.evaluate("document.getElementById('search').value = 'pthread_mutex_lock';"
                     "document.getElementById('search').dispatchEvent(new Event('input'))")
    assert browser.evaluate("document.querySelectorAll('.cell.found').length") > 0
    assert "%" in browser.evaluate("document.getElementById('found').textContent")
    browser.evaluate("document.querySelector('input[value=wakers]').click()")
    assert browser.evaluate("document.querySelectorAll('.cell').length") > 3


def show_others(browser, page, directory, others):
    """Any data gives a page: no row at all, hostile names, figures as large as they can be."""
    begin = page.index('id="data">\n') + len('id="data">\n')
    end = page.index("</script>", begin)
    for other in others:
        file = directory / (pathlib.Path(other).stem + ".html")
        file.write_text(page[:begin] + pathlib.Path(other).read_text() + page[end:])
        browser.open(file.as_uri() + "#lock=0")
        locks = browser.evaluate("data.locks.filter((lock) => lock.class !== 'idle').length")
        assert browser.evaluate("document.querySelectorAll('#locks tbody tr').length") == locks
        for role in ("wakers", "waiters"):
            browser.evaluate(f"document.querySelector('input[value={role}]').click()")
        assert "NaN" not in browser.evaluate("document.body.innerText"), other
        assert not browser.evaluate("document.body.innerHTML.includes('NaN')"), other


def main():
    program, file = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    directory = pathlib.Path(sys.argv[3]).resolve()
    browser = Browser(program, directory / "profile")
    try:
        browser.open(file.as_uri())
        use_table(browser)
        use_chart(browser)
        use_flame(browser)
        colours = []
        for theme in ("light", "dark"):
            browser.open(f"{file.as_uri()}#theme={theme}&lock=0")
            colours.append(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
            browser.screenshot(directory / f"{theme}.png")
        assert colours[0] != colours[1], colours
        show_others(browser, file.read_text(), directory, sys.argv[4:])
        assert not browser.problems, browser.problems
    finally:
        browser.close()


if __name__ == "__main__":
    main()
