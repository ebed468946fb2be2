"""The syntax of Liberty files: nested groups with attributes. What they mean stands in `rtl.power.cells`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from hwsim.errors import InputError

_TOKEN = re.compile(r"""
    (?P<skip>\s+|\\\r?\n|/\*.*?\*/|//[^\n]*)
  | "(?P<text>(?:[^"\\]|\\.)*)"
  | (?P<sign>[(){};:,])
  | (?P<word>[^\s(){};:,"]+)
""", re.VERBOSE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Group:
    """``kind (names) { … }``.

    Attributes:
        kind: such as ``cell``.
        names: its arguments.
        values: attributes, ``name : value ;`` and ``name (value, …) ;`` alike; of equal names the last.
        groups: inside it, in order.
        lists: attributes with arguments that may repeat, in order: name and arguments.
    """

    kind: str
    names: tuple[str, ...]
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    lists: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def all(self, kind: str) -> Iterator[Group]:
        """The groups of a kind in it."""
        return (group for group in self.groups if group.kind == kind)

    def value(self, name: str) -> str | None:
        """An attribute's first value, or None."""
        return self.values[name][0] if self.values.get(name) else None


def parse(text: str, place: str) -> Group:
    """The ``library`` of a Liberty file.

    Raises:
        InputError: text that is no Liberty file, or ends too early.
    """
    reader = _Reader(text, place)
    group = reader.statement()
    if not isinstance(group, Group) or group.kind != "library":
        raise InputError(place, "a Liberty file (library (…) {…})", "something else")
    return group


class _Reader:
    """One pass over the tokens."""

    def __init__(self, text: str, place: str):
        self.text, self.place = text, place
        self.tokens = _tokens(text)
        self.kind, self.token, self.at = next(self.tokens, ("end", "", 0))

    def next(self) -> str:
        """Take the current token."""
        taken = self.token
        self.kind, self.token, self.at = next(self.tokens, ("end", "", len(self.text)))
        return taken

    def take(self, sign: str) -> None:
        """Go past a sign that has to be there."""
        if self.kind != "sign" or self.token != sign:
            line = self.text.count("\n", 0, self.at) + 1
            raise InputError(f"{self.place}, line {line}", repr(sign), repr(self.token) if self.token else "the end")
        self.next()

    def words(self, *ends: str) -> list[str]:
        """Words and texts up to one of the signs, commas dropped."""
        found = []
        while self.kind != "end" and not (self.kind == "sign" and self.token in ends):
            sign = self.kind == "sign"
            token = self.next()
            if not sign:
                found.append(token)
        return found

    def statement(self) -> Group | tuple[str, tuple[str, ...], bool]:
        """A group, or an attribute: name, values, whether they stood in brackets."""
        name = self.next()
        if self.token == ":" and self.kind == "sign":
            self.next()
            values = self.words(";", "}")
            self.end()
            return name, (" ".join(values),), False
        self.take("(")
        arguments = tuple(self.words(")"))
        self.take(")")
        if self.kind == "sign" and self.token == "{":
            self.next()
            return self.body(Group(kind=name, names=arguments))
        self.end()
        return name, arguments, True

    def end(self) -> None:
        """Go past the semicolon that may close an attribute."""
        if self.kind == "sign" and self.token == ";":
            self.next()

    def body(self, group: Group) -> Group:
        """What is in a group, up to its bracket."""
        while not (self.kind == "sign" and self.token in "};"):
            if self.kind == "end":
                self.take("}")
            found = self.statement()
            if isinstance(found, Group):
                group.groups.append(found)
            else:
                group.values[found[0]] = found[1]
                if found[2]:
                    group.lists.append(found[:2])
            while self.kind == "sign" and self.token == ";":
                self.next()
        self.take("}")
        self.end()
        return group


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and position of each token."""
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "skip":
            yield kind, match[kind].replace("\\\n", " ") if kind == "text" else match[kind], match.start()
