"""Conditions and constraints as text: a small grammar of its own, never evaluated as Python.

    accelerator.rows * accelerator.cols <= 1024 and metric.seconds < 0.01
    accelerator.dataflow in ["ws", "both"] or not pruning.keep_first

From loosest to tightest: ``or``, ``and``, ``not``, comparisons (``== != < <= > >= in``), ``+ -``, ``* / // %``, minus.
Values are numbers, quoted text, ``true``, ``false``, lists, and names: keys of the experiment and ``metric.<name>``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from hwsim.errors import InputError
from hwsim.sweep.keys import Path, dotted

Lookup = Callable[[Path], Any]
"""Gives the value of a name; raises KeyError where it has none."""
Node = Callable[[Lookup], Any]

_TOKEN = re.compile(r"""\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_-]*(?:\.(?:[A-Za-z0-9_-]+|"[^"]*"))*)
    |(?P<text>"[^"]*"|'[^']*')|(?P<sign>==|!=|<=|>=|//|[-+*/%<>()\[\],]))""", re.VERBOSE)  # fmt: skip
_PART = re.compile(r'"([^"]*)"|([A-Za-z0-9_-]+)')
_WORDS = {"and", "or", "not", "in", "true", "false"}
_COMPARED = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
             ">=": operator.ge, "in": lambda one, many: one in many}  # fmt: skip
_ADDED = {"+": operator.add, "-": operator.sub}
_MULTIPLIED = {"*": operator.mul, "/": operator.truediv, "//": operator.floordiv, "%": operator.mod}
_DEEPEST = 50


@dataclass(frozen=True, eq=False)
class Expression:
    """A parsed expression and the names in it."""

    text: str
    place: str
    names: frozenset[Path]
    _node: Node

    @classmethod
    def parse(cls, text: Any, place: str) -> Expression:
        """Read an expression.

        Raises:
            InputError: it is no expression of the grammar.
        """
        if not isinstance(text, str):
            raise InputError(place, "an expression as text", text)
        parser = _Parser(text, place)
        node = parser.whole()
        return cls(text, place, frozenset(parser.names), node)

    def value(self, lookup: Lookup) -> Any:
        """The value for the names' values.

        Raises:
            InputError: values do not go together (text with numbers, division by zero).
            KeyError: a name has no value.
        """
        try:
            return self._node(lookup)
        except (TypeError, ZeroDivisionError, OverflowError) as error:
            raise InputError(self.place, "values that go together", f"{self.text}: {error}") from None

    def holds(self, lookup: Lookup) -> bool:
        """The value of a condition.

        Raises:
            InputError: as `value`, or the expression gives no true or false.
        """
        value = self.value(lookup)
        if not isinstance(value, bool):
            raise InputError(self.place, "a condition, true or false", f"{self.text} = {value}")
        return value


class _Parser:
    """Recursive descent; each method reads one level of the grammar and gives its node."""

    def __init__(self, text: str, place: str):
        self.text, self.place = text, place
        self.tokens = self._split()
        self.at = self.depth = 0
        self.names: set[Path] = set()

    def whole(self) -> Node:
        node = self._any()
        if self.at < len(self.tokens):
            self._refuse("an operator")
        return node

    def _split(self) -> list[tuple[str, str]]:
        found, at, end = [], 0, len(self.text.rstrip())
        while at < end:
            token = _TOKEN.match(self.text, at)
            if token is None or token.lastgroup is None:
                raise InputError(self.place, "an expression", f"{self.text!r}, position {at + 1}")
            kind, word = token.lastgroup, token[token.lastgroup]
            found.append(("word" if word in _WORDS else kind, word))
            at = token.end()
        return found

    def _refuse(self, wanted: str) -> NoReturn:
        given = repr(self.tokens[self.at][1]) if self.at < len(self.tokens) else "the end"
        raise InputError(self.place, wanted, f"{given} in {self.text!r}")

    def _next(self, *signs: str) -> str | None:
        """The next token, taken, if it is one of these signs or words."""
        if self.at < len(self.tokens) and self.tokens[self.at][0] in ("sign", "word"):
            word = self.tokens[self.at][1]
            if word in signs:
                self.at += 1
                return word
        return None

    def _any(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise InputError(self.place, f"at most {_DEEPEST} nested brackets", "more")
        nodes = [self._all()]
        while self._next("or"):
            nodes.append(self._all())
        self.depth -= 1
        return nodes[0] if len(nodes) == 1 else lambda lookup: any(_truth(node(lookup)) for node in nodes)

    def _all(self) -> Node:
        nodes = [self._not()]
        while self._next("and"):
            nodes.append(self._not())
        return nodes[0] if len(nodes) == 1 else lambda lookup: all(_truth(node(lookup)) for node in nodes)

    def _not(self) -> Node:
        times = 0
        while self._next("not"):
            times += 1
        node = self._comparison()
        return node if not times else lambda lookup: _truth(node(lookup)) != bool(times % 2)

    def _comparison(self) -> Node:
        left = self._binary(_ADDED, lambda: self._binary(_MULTIPLIED, self._minus))
        sign = self._next(*_COMPARED)
        if sign is None:
            return left
        right = self._binary(_ADDED, lambda: self._binary(_MULTIPLIED, self._minus))
        if self._next(*_COMPARED):
            self.at -= 1
            self._refuse("one comparison (join two with 'and')")
        compare = _COMPARED[sign]
        return lambda lookup: bool(compare(left(lookup), right(lookup)))

    def _binary(self, signs: dict[str, Callable[[Any, Any], Any]], below: Callable[[], Node]) -> Node:
        node = below()
        while (sign := self._next(*signs)) is not None:
            node = _applied(signs[sign], node, below())
        return node

    def _minus(self) -> Node:
        times = 0
        while self._next("-"):
            times += 1
        node = self._atom()
        return node if times % 2 == 0 else lambda lookup: -_number(node(lookup))

    def _atom(self) -> Node:
        if self._next("("):
            node = self._any()
            if not self._next(")"):
                self._refuse("')'")
            return node
        if self._next("["):
            return self._list()
        word = self._next("true", "false")
        if word is not None:
            return lambda _: word == "true"
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        if kind not in ("number", "text", "name"):
            self._refuse("a value or a name")
        self.at += 1
        if kind == "name":
            path = tuple(quoted or bare for quoted, bare in _PART.findall(text))
            self.names.add(path)
            return lambda lookup: lookup(path)
        value = text[1:-1] if kind == "text" else float(text) if set(text) & set(".eE") else int(text)
        return lambda _: value

    def _list(self) -> Node:
        nodes: list[Node] = []
        while not self._next("]"):
            if nodes and not self._next(","):
                self._refuse("',' or ']'")
            nodes.append(self._any())
        return lambda lookup: [node(lookup) for node in nodes]


def _applied(act: Callable[[Any, Any], Any], left: Node, right: Node) -> Node:
    return lambda lookup: act(_number(left(lookup)), _number(right(lookup)))


def _number(value: Any) -> float:
    """Numbers alone can be added and multiplied: text times a large number would fill the memory."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def missing(expression: Expression, path: Path) -> InputError:
    """The error for a name that stands for nothing."""
    return InputError(expression.place, "keys of the experiment or metric.<name>", dotted(path))
