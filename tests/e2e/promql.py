# SPDX-License-Identifier: GPL-2.0-only
"""A real Prometheus scrapes `locktop serve` with the configuration of contrib/: promql.py TEST
DIRECTORY [DASHBOARD]. DIRECTORY has scrape.yml and locktop.rules.yml. Fails by an assertion."""

import contextlib
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

HOME = "http://127.0.0.1:19752/api/v1/"


def ask(what, **parameters):
    with urllib.request.urlopen(HOME + what + "?" + urllib.parse.urlencode(parameters),
                                timeout=20) as answer:
        told = json.load(answer)
    assert told["status"] == "success", told
    return told["data"]


def query(expression):
    """[(labels, value)] at this moment."""
    try:
        rows = ask("query", query=expression)["result"]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{expression}: {error.read().decode()}") from error
    return [(row["metric"], float(row["value"][1])) for row in rows]


def values(expression):
    return [value for _, value in query(expression)]


def eventually(seconds, expression):
    end = time.monotonic() + seconds
    while not query(expression):
        assert time.monotonic() < end, expression
        time.sleep(0.5)


@contextlib.contextmanager
def server(directory):
    command = ["prometheus", f"--config.file={directory}/scrape.yml",
               f"--storage.tsdb.path={directory}/data", "--web.listen-address=127.0.0.1:19752",
               "--log.level=warn"]
    with subprocess.Popen(command, stdout=sys.stderr) as process:
        try:
            end = time.monotonic() + 60
            while True:
                assert process.poll() is None and time.monotonic() < end
                time.sleep(0.5)
                with contextlib.suppress(OSError):
                    if values("count_over_time(locktop_intervals_total[10s]) >= 8"):
                        break
            yield
        finally:
            process.terminate()


def scraped(directory):
    """Four threads want one mutex: its numbers are there and right."""
    with server(directory):
        assert values('up{job="locktop"}') == [1]
        load = values('sum(rate(locktop_lock_wait_seconds_total{process="contend"}[5s]))')
        assert load and 2 < load[0] < 4, load  # 4 threads, one mutex
        p99 = values('histogram_quantile(0.99, sum by (le) '
                     '(rate(locktop_lock_wait_duration_seconds_bucket{process="contend"}[5s])))')
        assert p99 and 0.0001 < p99[0] < 1, p99
        assert values("locktop_build_info") == [1]
        assert len(values("locktop_deadlocks")) == 1


def has_data(expression, legend=""):
    """It has values, with all labels that it groups by and that its legend names. Where a
    threshold hides what is well, what is compared is asked for."""
    asked = re.sub(r"\s+[<>=]=?\s*[\d.]+\s*$", "", expression.strip())
    rows = query(asked)
    assert rows, f"no data: {asked}"
    grouped = [g.split(",") for g in re.findall(r"\bby \(([^)]*)\)", asked)]
    # `le` ends inside histogram_quantile; of nested groups the outermost decides
    labels = {label.strip() for label in (grouped or [[]])[0]}
    if "histogram_quantile" in asked:
        labels.discard("le")
    labels.update(re.findall(r"{{ *(\w+) *}}", legend))
    for metric, value in rows:
        assert labels <= set(metric), (asked, labels, metric)
        assert value == value or "histogram_quantile" in asked, (asked, metric, value)


def substituted(expression):
    """As a dashboard's variables do, and stricter: `.+` wants the label to be there."""
    return (expression.replace("$__rate_interval", "10s").replace("$__range", "10s")
            .replace("$instance", ".+").replace("$process", ".+"))


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def expressions(directory, dashboard):
    """Every expression of the rules and of the dashboard has data; what the dashboard's variables
    offer is there."""
    with open(dashboard, encoding="utf-8") as file:
        board = json.load(file)
    n = 0
    with server(directory):
        eventually(30, "locktop:lock_wait_seconds:p99_5m")
        for group in ask("rules")["groups"]:
            for rule in group["rules"]:
                assert rule["health"] == "ok", rule
                has_data(rule["query"])
                n += 1
        for panel in panels(board):
            for target in panel.get("targets", []):
                expression = substituted(target["expr"])
                assert "$" not in expression, expression
                has_data(expression, target.get("legendFormat", ""))
                n += 1
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                wanted = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
                assert all(wanted[2] in metric for metric, _ in query(substituted(wanted[1])))
                n += 1
        for name in "Deadlock", "LockLoadHigh":
            eventually(30, f'ALERTS{{alertname="{name}",alertstate="firing"}}')
        assert not query('ALERTS{alertname="LocktopDown"}')
    print(f"# {n} expressions", file=sys.stderr)


TESTS = {f.__name__: f for f in (scraped, expressions)}
TESTS[sys.argv[1]](*sys.argv[2:])
