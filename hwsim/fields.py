"""Conversion of one plain value to a field's type, and the checks that `check` methods are written with.

`convert` is strict where a silent conversion would hide a mistake: a bool is no int, a float is no int, text is no
number. It is lenient where nothing can be lost: an int is taken for a float, a list for a tuple, NumPy scalars for
Python's.
"""

from __future__ import annotations

import difflib
import math
import numbers
import types
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from hwsim.errors import InputError

T = TypeVar("T")
Number = TypeVar("Number", int, float)


def joined(place: str, key: str) -> str:
    """Path of `key` inside `place`: ``x.toml`` + ``rows`` is ``x.toml: rows``, ``a`` + ``rows`` is ``a.rows``."""
    if not place or not key:
        return place or key
    if place.endswith((":", ".toml", ".json")):
        return f"{place.removesuffix(':')}: {key}"
    return f"{place}{key}" if key.startswith("[") else f"{place}.{key}"


def nearest(key: object, known: Iterable[object]) -> str:
    """Hint of the known key that looks most like `key`; empty when none does."""
    match = difflib.get_close_matches(str(key).lower(), [str(name) for name in known], n=1)
    return f" (did you mean {match[0]!r}?)" if match else ""


def one_of(place: str, value: T, options: Iterable[T]) -> T:
    """`value` when it equals one of `options` and has its type, else `InputError` with the list."""
    known = list(options)
    for option in known:
        if type(option) is type(value) and option == value:
            return value
    raise InputError(place, f"one of {', '.join(str(name) for name in known)}{nearest(value, known)}", value)


def in_range(place: str, value: Number, low: Number | None = None, high: Number | None = None) -> Number:
    """`value` when low <= value <= high (``None``: no limit on that side), else `InputError`; NaN is refused."""
    if value == value and (low is None or value >= low) and (high is None or value <= high):
        return value
    if low is not None and high is not None:
        raise InputError(place, f"{low} to {high}", value)
    limits = f"at least {low}" if low is not None else f"at most {high}" if high is not None else "a number"
    raise InputError(place, limits, value)


def positive(place: str, value: Number) -> Number:
    """`value` when it is above zero, else `InputError`."""
    if value > 0:
        return value
    raise InputError(place, "a number above 0", value)


def convert(hint: Any, value: Any, place: str) -> Any:
    """`value` as the type `hint`.

    Raises:
        InputError: the value does not fit; the place is `place`, or a path below it.
        TypeError: configurations cannot have fields of this type.
    """
    hint = getattr(hint, "__supertype__", hint)  # a NewType is its base at run time
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _alternative(get_args(hint), value, place)
    if origin is Literal:
        return one_of(place, value, get_args(hint))
    if origin is tuple:
        return _tuple(get_args(hint), value, place)
    if hint in _SCALARS:
        return _SCALARS[hint](value, place)
    if isinstance(hint, type):
        return _instance(hint, value, place)
    raise TypeError(f"{place}: a configuration cannot hold a field of type {hint}")


def _alternative(hints: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and type(None) in hints:
        return None
    choices = [hint for hint in hints if hint is not type(None)]
    wanted = []
    for hint in choices:
        try:
            return convert(hint, value, place)
        except InputError as error:
            if len(choices) == 1:
                raise
            wanted.append(error.wanted)
    raise InputError(place, " or ".join(wanted), value)


def _tuple(hints: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
        raise InputError(place, "a list", value)
    items = list(value)
    if len(hints) == 2 and hints[1] is ...:
        hints = (hints[0],) * len(items)
    if len(items) != len(hints):
        raise InputError(place, f"a list of {len(hints)} values", value)
    return tuple(convert(hint, item, f"{place}[{k}]") for k, (hint, item) in enumerate(zip(hints, items, strict=True)))


def _instance(hint: Any, value: Any, place: str) -> Any:
    if isinstance(value, hint):
        return value
    if issubclass(hint, Enum):
        return hint(one_of(place, value, [member.value for member in hint]))
    if isinstance(value, str) and getattr(hint, "presets", None):
        value = {"preset": value}
    if hasattr(hint, "from_mapping"):
        return hint.from_mapping(value, place)
    if not hasattr(hint, "parse"):
        raise TypeError(f"{place}: a configuration cannot hold a field of type {hint.__name__}")
    if not isinstance(value, str):
        raise InputError(place, f"text that names a {hint.__name__}", value)
    try:
        return hint.parse(value)
    except InputError as error:
        raise InputError(place, error.wanted, error.given) from None
    except ValueError as error:
        raise InputError(place, f"a {hint.__name__} ({error})", value) from None


def _bool(value: Any, place: str) -> bool:
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):  # NumPy's own, without importing it
        return bool(value)
    raise InputError(place, "true or false", _quoted(value))


def _int(value: Any, place: str) -> int:
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    raise InputError(place, "an integer", _quoted(value))


def _float(value: Any, place: str) -> float:
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
        raise InputError(place, "a finite number", value)
    raise InputError(place, "a number", _quoted(value))


def _str(value: Any, place: str) -> str:
    if isinstance(value, str):
        return str(value)
    raise InputError(place, "text", value)


def _quoted(value: Any) -> Any:
    """Text in quotes, so that it does not look like the number in it."""
    return repr(value) if isinstance(value, str) else value


_SCALARS = {bool: _bool, int: _int, float: _float, str: _str}
