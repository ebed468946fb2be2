"""What users write, as plain mappings: TOML files, and ``key=value`` words of a command line."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hwsim.errors import InputError
from hwsim.fields import nearest

_WHERE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


def load_toml(path: str | Path) -> dict[str, Any]:
    """Mapping read from a TOML file (UTF-8).

    Raises:
        InputError: the file is missing, unreadable, empty, not UTF-8 or not TOML (duplicate keys included); the place
            names the file and, where there is one, the line.
    """
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        wanted = f"a readable TOML file{nearest_path(path) if isinstance(error, FileNotFoundError) else ''}"
        raise InputError(str(path), wanted, getattr(error, "strerror", None) or str(error)) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}: line {line}", "UTF-8 text", f"byte 0x{data[error.start]:02x}") from None
    mapping = _parsed(text, str(path))
    if not mapping:
        raise InputError(str(path), "at least one key", "an empty file")
    return mapping


def nearest_path(path: str | Path) -> str:
    """Hint of what lies in the same folder under a name most like that of a path that is not there; or empty."""
    folder, name = Path(path).parent, Path(path).name
    try:
        return nearest(name, sorted(each.name for each in folder.iterdir()))
    except OSError:
        return nearest_path(folder) if folder.name else ""


def _parsed(text: str, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise InputError(place, "TOML", "values nested too deep") from None
    except ValueError as error:  # also an integer of more digits than Python converts
        found = _WHERE.search(str(error))
        last = len(text.splitlines()) or 1
        line = f": line {found[1] or last}" if found else ""
        raise InputError(f"{place}{line}", "valid TOML", _WHERE.sub("", str(error))) from None


def parse_set(words: Iterable[str]) -> dict[str, Any]:
    """Mapping of ``key=value`` words; a dotted key makes nested mappings.

    Values are read as TOML (``5``, ``0.5``, ``true``, ``"text"``, ``[1, 2]``); what is not TOML is taken as text
    (``ws``, ``2:8``, ``ddr4-2400-x64``).

    Raises:
        InputError: no ``=``, an empty key or value, a broken list, table or quoted text, or a key given twice.
    """
    settings: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        parts = [part.strip() for part in key.split(".")]
        if not equals or not all(parts) or not text.strip():
            raise InputError("--set", "key=value", word)
        table = settings
        for part in parts[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise InputError(f"--set {key}", "each key once", f"{part!r} as a value and as a table")
        if parts[-1] in table:
            raise InputError(f"--set {key}", "each key once", word)
        table[parts[-1]] = _value(text.strip(), f"--set {key}")
    return settings


def _value(text: str, place: str) -> Any:
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        if text[0] in "[{\"'":
            raise InputError(place, "a TOML value", text) from None
        return text
    value = document["value"]
    if len(document) > 1:
        raise InputError(place, "one value", text)
    return text if isinstance(value, (datetime.date, datetime.time)) else value


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it; tables present in both are merged key by key. Neither is modified."""
    result = dict(base)
    for key, value in changes.items():
        below = result.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        result[key] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result


def laid_over(base: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`merged`, but a table that names a preset takes the place of the base's: else the base would hide the preset."""
    result = dict(base)
    for key, value in settings.items():
        below = result.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping) and "preset" not in value
        result[key] = laid_over(below, value) if both else value  # type: ignore[arg-type]
    return result
