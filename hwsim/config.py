"""Frozen, keyword-only, validated configurations: one object that the reference, the model and the RTL are built from.

A configuration class declares typed fields and, where types do not say enough, a `check`::

    @dataclass(frozen=True, kw_only=True)
    class Array(Configuration):
        rows: int
        dataflow: Literal["ws", "os"] = "ws"

        def check(self) -> None:
            in_range("rows", self.rows, 1, 1024)

Field types: ``bool``, ``int``, ``float`` (finite), ``str``, ``Literal``, enumerations (by value), ``tuple[T, ...]``,
``tuple[A, B]``, ``T | None`` (default ``None``), other configurations, and any class with a class method
``parse(text)`` for which ``parse(str(x)) == x``. `load_toml` and `parse_set` read what users write.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from typing import Any, ClassVar, Protocol, Self, TypeVar, get_type_hints

from hwsim.errors import InputError
from hwsim.fields import convert, in_range, joined, nearest, one_of, positive
from hwsim.settings import load_toml, merged, parse_set

__all__ = ["Configuration", "in_range", "load_toml", "merged", "one_of", "parse_set", "positive", "shared"]


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Base of all configurations; subclasses are ``@dataclass(frozen=True, kw_only=True)``.

    Values are converted and checked on every construction (NumPy integers become ``int``, lists become tuples, plain
    data becomes nested configurations), so an instance is always valid, hashable and written back without loss.
    Subclasses check their values in `check`, never in ``__post_init__``.

    Raises:
        InputError: a value has the wrong type, or `check` refused it. Its place is the path of the field.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Plain data by preset name; a class that has some also reads ``"name"`` and ``{preset = "name", …}``."""

    def __init_subclass__(cls) -> None:
        """Refuse what would switch the conversion off."""
        if "__post_init__" in cls.__dict__:
            raise TypeError(f"{cls.__name__}: define check(self) instead of __post_init__")

    def __post_init__(self) -> None:
        for key, hint in _hints(type(self)).items():
            object.__setattr__(self, key, convert(hint, getattr(self, key), key))
        self.check()

    def check(self) -> None:
        """Raise `InputError` when values that have the right types do not make sense; place = the field's name."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], place: str = "") -> Self:
        """Build from plain data, as read from TOML or JSON.

        Args:
            mapping: field names to values; unknown and missing keys are refused.
            place: where the data stands, put before each field in errors, e.g. ``"x.toml: accelerator"``.
        """
        if not isinstance(mapping, Mapping):
            raise InputError(place.removesuffix(":") or cls.__name__, f"a table of {', '.join(_hints(cls))}", mapping)
        given = dict(mapping)
        with _within(place):
            if cls.presets and "preset" in given and "preset" not in _hints(cls):
                given = merged(cls.presets[one_of("preset", given.pop("preset"), cls.presets)], given)
        _check_keys(cls, given, place.removesuffix(":") or cls.__name__)
        with _within(place):
            return cls(**given)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """The preset of that name with some fields changed."""
        return cls.from_mapping({"preset": name, **changes})

    def to_mapping(self) -> dict[str, Any]:
        """Plain TOML/JSON data that `from_mapping` reads back to an equal object; None is left out."""
        values = {key: getattr(self, key) for key in _hints(type(self))}
        return {key: _plain(value) for key, value in values.items() if value is not None}

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked again."""
        return type(self).from_mapping({**{key: getattr(self, key) for key in _hints(type(self))}, **changes})

    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON of class name and values: the same on every machine."""
        text = json.dumps({type(self).__name__: self.to_mapping()}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


_hints_of: dict[type, dict[str, Any]] = {}


def _hints(cls: type[Configuration]) -> dict[str, Any]:
    """Type of each field that the constructor takes, worked out once per class."""
    if cls not in _hints_of:
        hints = get_type_hints(cls)
        for field in fields(cls):
            if type(None) in getattr(hints[field.name], "__args__", ()) and field.default is not None:
                raise TypeError(f"{cls.__name__}.{field.name}: a field that may be None must default to None")
        _hints_of[cls] = {field.name: hints[field.name] for field in fields(cls) if field.init}
    return _hints_of[cls]


def _check_keys(cls: type[Configuration], given: Mapping[str, Any], place: str) -> None:
    known = _hints(cls)
    for key in given:
        if key not in known:
            raise InputError(place, f"one of the keys {', '.join(known)}{nearest(key, known)}", f"key {key!r}")
    for field in fields(cls):
        required = field.init and field.default is MISSING and field.default_factory is MISSING
        if required and field.name not in given:
            found = ", ".join(given) or "none"
            raise InputError(place, f"the key {field.name!r}", f"only the keys {found}")


ConfigT = TypeVar("ConfigT", covariant=True)


class Configured(Protocol[ConfigT]):
    """What is made for one configuration."""

    @property
    def config(self) -> ConfigT:
        """That configuration."""


def shared(place: str, parts: Sequence[Configured[ConfigT]]) -> ConfigT:
    """The configuration that all parts have.

    Raises:
        InputError: no part, or several configurations.
    """
    if not parts:
        raise InputError(place, "at least one", "none")
    if any(part.config != parts[0].config for part in parts):
        raise InputError(place, "one configuration for all", "several")
    return parts[0].config


@contextmanager
def _within(place: str) -> Iterator[None]:
    """Put `place` before the place of an error raised inside."""
    try:
        yield
    except InputError as error:
        raise InputError(joined(place, error.place), error.wanted, error.given) from None


def _plain(value: Any) -> Any:
    if isinstance(value, Configuration):
        return value.to_mapping()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, (bool, int, float, str)) or value is None else str(value)
