"""Conditions of Liberty files (``when``): how likely one is, given how often each of its pins is high."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError

Floats = npt.NDArray[np.float64]
State = Mapping[str, bool]
_TOKEN = re.compile(r"\s*([A-Za-z_][\w\[\]]*|[01]|[()!'&*|+^])")
_MOST_PINS = 12


@dataclass(frozen=True)
class Condition:
    """A Boolean expression of pins: the states of the pins in which it holds."""

    pins: tuple[str, ...]
    states: tuple[tuple[bool, ...], ...]

    def probability(self, high: Mapping[str, Floats]) -> Floats | float:
        """Of each cell, given each pin's share of time at 1; pins are taken as independent of each other."""
        total: Floats | float = 0.0
        for state in self.states:
            term: Floats | float = 1.0
            for pin, level in zip(self.pins, state, strict=True):
                term = term * (high[pin] if level else 1.0 - high[pin])
            total = total + term
        return total


ALWAYS = Condition((), ((),))
"""Holds in any state."""


def otherwise(conditions: Sequence[Condition]) -> Condition:
    """Holds where none of these does."""
    pins = tuple(dict.fromkeys(pin for each in conditions for pin in each.pins))
    met = {state for each in conditions for state in itertools.product((False, True), repeat=len(pins))
           if tuple(state[pins.index(pin)] for pin in each.pins) in each.states}
    return Condition(pins, tuple(state for state in itertools.product((False, True), repeat=len(pins))
                                 if state not in met))


def condition(text: str, same: Mapping[str, tuple[str, bool]], place: str) -> Condition:
    """Read a condition.

    Args:
        text: of the expression.
        same: by pin: another pin that is always equal to it (True), or always its inverse (False).
        place: of the condition in messages.

    Raises:
        InputError: text that is no expression, or one of more than 12 pins.
    """
    holds, named = _Parser(text, place).whole()
    pins = tuple(dict.fromkeys(same.get(pin, (pin, True))[0] for pin in named))
    if len(pins) > _MOST_PINS:
        raise InputError(place, f"a condition of at most {_MOST_PINS} pins", len(pins))
    states = []
    for levels in itertools.product((False, True), repeat=len(pins)):
        at = dict(zip(pins, levels, strict=True))
        if holds({pin: at[other] == equal for pin, (other, equal)
                  in ((pin, same.get(pin, (pin, True))) for pin in named)}):
            states.append(levels)
    return Condition(pins, tuple(states))


class _Parser:
    """Or of exclusive ors of ands; ``!a`` and ``a'`` are not, a blank between two names is an and."""

    def __init__(self, text: str, place: str):
        self.text, self.place, self.names = text, place, list[str]()
        self.tokens = _TOKEN.findall(text)
        if "".join(self.tokens) != re.sub(r"\s", "", text) or not self.tokens:
            self.refuse()

    def refuse(self) -> None:
        raise InputError(self.place, "a Boolean expression of pins", repr(self.text))

    def whole(self) -> tuple[Callable[[State], bool], list[str]]:
        """The expression as a function of the pins' states, and their names."""
        found = self.any_of()
        if self.tokens:
            self.refuse()
        return found, self.names

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def any_of(self) -> Callable[[State], bool]:
        parts = [self.odd()]
        while self.peek() in ("|", "+"):
            self.tokens.pop(0)
            parts.append(self.odd())
        return lambda state: any(part(state) for part in parts)

    def odd(self) -> Callable[[State], bool]:
        parts = [self.all_of()]
        while self.peek() == "^":
            self.tokens.pop(0)
            parts.append(self.all_of())
        return lambda state: sum(part(state) for part in parts) % 2 == 1

    def all_of(self) -> Callable[[State], bool]:
        parts = [self.one()]
        while (token := self.peek()) and token not in "|+^)'":
            if token in ("&", "*"):
                self.tokens.pop(0)
            parts.append(self.one())
        return lambda state: all(part(state) for part in parts)

    def one(self) -> Callable[[State], bool]:
        token = self.tokens.pop(0) if self.tokens else ""
        if token == "!":
            inner = self.one()
            return lambda state: not inner(state)
        if token == "(":
            found = self.any_of()
            if self.peek() != ")":
                self.refuse()
            self.tokens.pop(0)
        elif token in ("0", "1"):
            found = _constant(token == "1")
        elif token and token not in "&*|+^)'":
            self.names.append(token)
            found = _level(token)
        else:
            self.refuse()
        while self.peek() == "'":
            self.tokens.pop(0)
            found = _inverse(found)
        return found


def _constant(level: bool) -> Callable[[State], bool]:
    return lambda state: level


def _level(pin: str) -> Callable[[State], bool]:
    return lambda state: state[pin]


def _inverse(of: Callable[[State], bool]) -> Callable[[State], bool]:
    return lambda state: not of(state)


