"""Paths of configuration keys, and plain data by path: ``pruning.layers."conv*"`` is a path of three parts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def dotted(path: Path) -> str:
    """The path as TOML writes it: parts that are not bare words in quotes."""
    return ".".join(part if _BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False) for part in path)


def flattened(mapping: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """All values of nested tables with their paths; lists are values."""
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            yield from flattened(value, (*path, key))
        else:
            yield (*path, key), value


def placed(mapping: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy of the nested tables with one value put in; tables on the way are made, other values on the way go."""
    head, *rest = path
    below = mapping.get(head)
    inner = placed(below if isinstance(below, Mapping) else {}, tuple(rest), value) if rest else value
    return {**mapping, head: inner}


def found(mapping: Mapping[str, Any], path: Path) -> Any:
    """The value at a path.

    Raises:
        KeyError: there is none.
    """
    value: Any = mapping
    for part in path:
        if not isinstance(value, Mapping):
            raise KeyError(dotted(path))
        value = value[part]
    return value
