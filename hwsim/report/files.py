"""Files that appear all together or not at all: written beside their place under another name, then renamed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from hwsim.errors import InputError


class Staging:
    """Files of one directory that are put in place when the ``with`` block ends well, and else leave no trace.

    The directory is made if it is missing, and a file is opened in it on entry, so that a long run does not find out
    at its end that it cannot write.

    Args:
        directory: where the files go.
        names: files that will be written; the last is renamed last, so that it marks a complete set.
        force: replace files of these names; otherwise they are refused.

    Raises:
        InputError: a file exists and ``force`` is not given, or the directory cannot be made or written.
    """

    def __init__(self, directory: str | Path, names: Sequence[str], *, force: bool = False):
        self.directory, self.names, self.force = Path(directory), tuple(names), force
        self._made: list[Path] = []
        self._written: dict[str, Path] = {}

    def __enter__(self) -> Self:
        try:
            if not self.force:
                self._refuse_existing()
            self._make_directory()
            self._part(".probe", b"").unlink()
        except OSError as error:
            self._discard()
            raise _unwritable(self.directory, error) from None
        except BaseException:
            self._discard()
            raise
        return self

    def write(self, name: str, data: bytes) -> None:
        """Write one of the files under its temporary name."""
        if name not in self.names:
            raise ValueError(f"wanted one of {', '.join(self.names)}, got {name}")
        part = self.directory / _part_name(name)
        self._written[name] = part
        try:
            self._part(name, data)
        except OSError as error:
            raise _unwritable(self.directory / name, error) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            for name in self.names:
                if name in self._written:
                    os.replace(self._written[name], self.directory / name)
                    del self._written[name]
        except OSError as failed:
            self._discard()
            raise _unwritable(self.directory, failed) from None

    def _refuse_existing(self) -> None:
        found = [name for name in self.names if os.path.lexists(self.directory / name)]
        if found:
            wanted = "a name that is not taken (or --force to replace what is there)"
            raise InputError(str(self.directory / found[0]), wanted, f"existing {', '.join(found)}")

    def _make_directory(self) -> None:
        missing = [folder for folder in (self.directory, *self.directory.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir()
            self._made.append(folder)
        if not self.directory.is_dir():
            raise NotADirectoryError(20, "Not a directory")

    def _part(self, name: str, data: bytes) -> Path:
        part = self.directory / _part_name(name)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        return part

    def _discard(self) -> None:
        for part in (*self._written.values(), self.directory / _part_name(".probe")):
            with suppress(OSError):
                part.unlink()
        for folder in reversed(self._made):
            with suppress(OSError):
                folder.rmdir()


def write_file(path: str | Path, data: bytes, *, force: bool = False) -> None:
    """Write one file, whole or not at all; an existing one is refused without ``force``."""
    file = Path(path)
    if file.is_dir():
        raise InputError(str(file), "a file", "a directory")
    with Staging(file.parent, [file.name], force=force) as staging:
        staging.write(file.name, data)


def _part_name(name: str) -> str:
    return f".{name.lstrip('.')}.{os.getpid()}.part"


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(str(path), "a place that can be written", error.strerror or str(error))
