"""What commands print: JSON or text on standard output, a progress bar on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

Progress = Callable[[int, int, str], None]
_BAR = 24
_EVERY = 0.1  # s


def print_text(text: str) -> None:
    """Write text; what the terminal's encoding lacks is shown by its code."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    if not text.endswith("\n"):
        sys.stdout.write("\n")


def print_json(data: Any) -> None:
    """Write plain data as JSON."""
    print_text(json.dumps(data, indent=2, allow_nan=False))


class ProgressBar:
    """One line on standard error while something long runs; nothing at all unless that is a terminal.

    Used as a context manager; call it with (done, all, name), or make a part with `stage`.
    """

    def __init__(self, *, quiet: bool = False):
        self._shown = not quiet and sys.stderr.isatty()
        self._last = 0.0
        self._drawn = False

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def __call__(self, done: int, total: int, name: str) -> None:
        """Draw, at most ten times a second."""
        now = time.monotonic()
        if not self._shown or now - self._last < _EVERY:
            return
        self._last = now
        self._drawn = True
        full = _BAR * done // max(total, 1)
        sys.stderr.write(f"\r\x1b[K[{'#' * full}{'.' * (_BAR - full)}] {done}/{total} {name[:60]}")
        sys.stderr.flush()

    def stage(self, title: str) -> Progress:
        """The same bar with a title before each name."""
        return lambda done, total, name: self(done, total, f"{title}: {name}")
