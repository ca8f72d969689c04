# SPDX-License-Identifier: GPL-2.0-only
"""dot.py FILE NUMBER...: exit 0 if the file is a graph in Graphviz's language, and each number stands in it.

The grammar is that of graphviz.org/doc/info/lang.html, without HTML-like labels.
"""
import re
import sys

TOKEN = re.compile(r"""\s+|//[^\n]*|/\*.*?\*/|
    (?P<id>[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*|-?(?:\.\d+|\d+(?:\.\d*)?)|"(?:[^"\\]|\\.)*")|
    (?P<sign>->|--|[{}\[\]=;,:])""", re.X | re.S)


def tokens(text):
    """(kind, text) of each."""
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise SyntaxError(f"at {at}: {text[at:at + 40]!r}")
        at = match.end()
        if match.lastgroup:
            yield match.lastgroup, match.group(match.lastgroup)


class Parser:
    """By recursive descent; nodes and edges are kept."""

    def __init__(self, text):
        self.rest = list(tokens(text))
        self.nodes = set()
        self.edges = []

    def at(self, *wanted):
        """Is the next token one of these?"""
        return bool(self.rest) and self.rest[0][1].lower() in wanted

    def take(self, *wanted, kind=None):
        """The next token, which must be one of these, or of this kind."""
        if not self.rest or (wanted and not self.at(*wanted)) or (kind and self.rest[0][0] != kind):
            raise SyntaxError(f"wanted {wanted or kind}, not {self.rest[:6]}")
        return self.rest.pop(0)[1]

    def graph(self):
        """All of it."""
        if self.at("strict"):
            self.take()
        self.take("digraph")
        if not self.at("{"):
            self.take(kind="id")
        self.block()
        if self.rest:
            raise SyntaxError(f"behind the graph: {self.rest[:6]}")

    def block(self):
        """{ statement; ... }; the nodes in it."""
        inside = set()
        self.take("{")
        while not self.at("}"):
            inside |= self.statement()
            if self.at(";"):
                self.take()
        self.take("}")
        return inside

    def end(self):
        """A node, or a subgraph."""
        if self.at("subgraph"):
            self.take()
            if not self.at("{"):
                self.take(kind="id")
        if self.at("{"):
            return self.block()
        node = self.take(kind="id")
        if self.at(":"):
            self.take()
            self.take(kind="id")
        return {node}

    def statement(self):
        """Attributes, a node, edges or a subgraph."""
        if self.at("graph", "node", "edge"):
            self.take()
            self.attributes()
            return set()
        if len(self.rest) > 1 and self.rest[1][1] == "=":
            self.take(kind="id")
            self.take("=")
            self.take(kind="id")
            return set()
        last = self.end()
        inside = set(last)
        while self.at("->"):
            self.take()
            following = self.end()
            self.edges += [(a, b) for a in last for b in following]
            last = following
            inside |= last
        self.attributes()
        self.nodes |= inside
        return inside

    def attributes(self):
        """[name=value, ...], any number of times."""
        while self.at("["):
            self.take()
            while not self.at("]"):
                self.take(kind="id")
                self.take("=")
                self.take(kind="id")
                if self.at(",", ";"):
                    self.take()
            self.take("]")


def main():
    """Reads, then answers."""
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    parser = Parser(text)
    parser.graph()
    missing = [n for n in sys.argv[2:] if not re.search(rf"(?<!\d){n}(?!\d)", text)]
    if missing or len(parser.edges) < len(sys.argv[2:]) - 1:
        sys.exit(f"missing {missing}, edges {parser.edges}\n{text}")


main()
