"""Expressions over keys and metrics: ``accelerator.rows * accelerator.cols <= 1024 and metric.dsp <= 6840``.

The grammar: dotted names, numbers, text in quotes, ``true`` and ``false``, lists, ``+ - * / // %``, comparisons (also
``in`` and ``not in``), ``and or not``, ``min(…)``, ``max(…)``, brackets. It is read with Python's own parser and walked
node by node: nothing else is accepted and nothing is ever executed.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from hwsim.errors import InputError

LONGEST = 1000
"""Most characters of an expression: keeps the parser far from its own limits."""

_BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod}
_COMPARE: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b}
_UNARY: dict[type[ast.AST], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.Not: operator.not_}
_CALLS: dict[str, Callable[..., Any]] = {"min": min, "max": max}
_WORDS = {"true": True, "false": False}
_GRAMMAR = "names, numbers, text, lists, + - * / // %, comparisons, and, or, not, min(), max()"


class Expression:
    """One expression; call it with values by dotted name.

    Attributes:
        text: as written.
        names: dotted names that it uses.

    Raises:
        InputError: not of the grammar.
    """

    def __init__(self, text: str, place: str = "expression"):
        self.text, self.place = text, place
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
            raise InputError(place, f"an expression of 1 to {LONGEST} characters", text)
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise InputError(place, f"an expression of {_GRAMMAR}", text) from None
        names: set[str] = set()
        self._check(self._tree, names)
        self.names = frozenset(names)

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Value of the expression.

        Raises:
            InputError: a name that has no value, or values that do not go together (text and number, division by 0).
        """
        try:
            return _value(self._tree, values)
        except KeyError as error:
            raise InputError(self.place, f"names with a value in {self.text!r}", error.args[0]) from None
        except (TypeError, ZeroDivisionError, OverflowError, ValueError) as error:
            raise InputError(self.place, f"values that {self.text!r} is defined for", str(error)) from None

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def _check(self, node: ast.AST, names: set[str]) -> None:
        """Refuse every node that is not of the grammar; collect names."""
        name = _dotted(node)
        if name is not None:
            if name not in _WORDS:
                names.add(name)
            return
        if not _known(node):
            raise InputError(self.place, f"only {_GRAMMAR}", ast.unparse(node))
        inner = node.args if isinstance(node, ast.Call) else list(ast.iter_child_nodes(node))
        for child in inner:
            if not isinstance(child, (ast.operator, ast.cmpop, ast.boolop, ast.unaryop, ast.expr_context)):
                self._check(child, names)


def _known(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (bool, int, float, str))
    if isinstance(node, ast.BinOp):
        return type(node.op) in _BINARY
    if isinstance(node, ast.UnaryOp):
        return type(node.op) in _UNARY
    if isinstance(node, ast.Compare):
        return all(type(each) in _COMPARE for each in node.ops)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _CALLS and bool(node.args) and not node.keywords
    return isinstance(node, (ast.BoolOp, ast.List, ast.Tuple))


def _dotted(node: ast.AST) -> str | None:
    """``a.b.c`` of a chain of attributes; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        below = _dotted(node.value)
        return None if below is None else f"{below}.{node.attr}"
    return None


def _value(node: ast.AST, values: Mapping[str, Any]) -> Any:
    name = _dotted(node)
    if name is not None:
        return _WORDS[name] if name in _WORDS else values[name]
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](_value(node.left, values), _value(node.right, values))
    if isinstance(node, ast.UnaryOp):
        return _UNARY[type(node.op)](_value(node.operand, values))
    if isinstance(node, ast.BoolOp):
        results = (_value(each, values) for each in node.values)
        return all(results) if isinstance(node.op, ast.And) else any(results)
    if isinstance(node, ast.Compare):
        return _compared(node, values)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _CALLS[node.func.id](*(_value(each, values) for each in node.args))
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(each, values) for each in node.elts]
    raise TypeError(f"wanted a node of the grammar, got {type(node).__name__}")


def _compared(node: ast.Compare, values: Mapping[str, Any]) -> bool:
    left = _value(node.left, values)
    for op, each in zip(node.ops, node.comparators, strict=True):
        right = _value(each, values)
        if not _COMPARE[type(op)](left, right):
            return False
        left = right
    return True
