"""JSON files that users write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hwsim.errors import InputError


def json_object(path: Path) -> dict[str, Any]:
    """The object that a JSON file (UTF-8) holds.

    Raises:
        InputError: the file is missing, unreadable, no JSON, or holds something else; the place is its name.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), "a readable JSON file", getattr(error, "strerror", None) or str(error)) from None
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), "valid JSON", str(error)) from None
    if not isinstance(data, dict):
        raise InputError(str(path), "a JSON object", data)
    return data
