"""What a result was made from: inputs, seed, revision and versions, the same bytes for the same run.

Nothing here depends on the time, the machine's name or the place of the checkout.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hwsim import __version__
from hwsim.errors import InputError

UNITS = {
    "cycles": "cycles of the accelerator's clock",
    "seconds": "s",
    "energy_joules": "J",
    "clock_hz": "Hz",
    "dram_bytes": "bytes",
    "utilization": "useful MACs / (multipliers x cycles)",
    "speedup": "cycles of the baseline / cycles of this run",
    "energy_ratio": "energy of the baseline / energy of this run",
}
"""Units of the fields of a result."""

_ROOT = Path(__file__).resolve().parent.parent
_SOURCES = ("hwsim", "mappers", "rtl")


def provenance(inputs: Mapping[str, Any], *, seed: int, files: Sequence[Path] = ()) -> dict[str, Any]:
    """Plain data that goes into every result.

    Args:
        inputs: the whole experiment as plain data.
        seed: of everything that was drawn at random.
        files: inputs that were read besides it; stored by name and SHA-256.
    """
    return {
        "inputs": dict(inputs),
        "seed": seed,
        "files": {file.name: file_digest(file) for file in files},
        "revision": revision(),
        "versions": versions(),
        "units": dict(UNITS),
    }


def versions() -> dict[str, str]:
    """Versions of what can change a number."""
    return {
        "hwsim": __version__,
        "numpy": _version("numpy"),
        "numba": _version("numba"),
        "python": platform.python_version(),
    }


@cache
def revision() -> str:
    """Commit of the checkout that runs, with ``+changes`` if its sources differ from it; ``"unknown"`` without git."""
    if not (_ROOT / ".git").exists():
        return "unknown"
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return "unknown"
    changes = _git("status", "--porcelain", "--", *_SOURCES)
    return f"{commit}+changes" if changes else commit


def file_digest(file: Path) -> str:
    """SHA-256 (hex) of a file."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(str(file), "a readable file", error.strerror or str(error)) from None


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
