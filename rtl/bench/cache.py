"""Built simulators, kept by the content that they were built from.

The folder is ``$HWSIM_CACHE``, else ``$XDG_CACHE_HOME/hwsim``, else ``~/.cache/hwsim``. A build happens in a folder
beside its place and is renamed into it: what is there is complete, and of two processes that build the same thing the
second to finish takes the first's. It can be deleted at any time when nothing runs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path


def cache_root() -> Path:
    """The folder of the cache; created on first use."""
    base = os.environ.get("HWSIM_CACHE")
    if base:
        root = Path(base)
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hwsim"
    root = root.expanduser().absolute()
    root.mkdir(parents=True, exist_ok=True)
    return root


def key_of(parts: Iterable[str]) -> str:
    """Name for the content made from these texts; the order counts."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(f"{len(data)}:".encode() + data)
    return digest.hexdigest()[:32]


def built(kind: str, key: str, build: Callable[[Path], None]) -> Path:
    """The folder of this kind and key, made by ``build(folder)`` if it is not there yet.

    A build that raises leaves nothing in the cache.
    """
    place = cache_root() / kind / key
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{key[:8]}-", dir=place.parent))
    try:
        build(work)
        work.rename(place)
    except OSError:
        # Renaming onto a full folder fails: another process was first, and its build is as good as ours.
        if not place.is_dir():
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return place
