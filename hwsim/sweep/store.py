"""A sweep's folder: Parquet parts that appear whole, a journal of the newest rows, and a description.

    sweep.json        the sweep file's text, axes, objectives, provenance
    points/*.parquet  one row a point
    journal.jsonl     rows that are in no part yet, a line each

A row is written to the journal as soon as it is there, and so outlives the process; from time to time the journal
becomes a part (written beside its place, synchronised, renamed). A row that is in both counts once. One process at a
time writes into a folder.
"""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hwsim.errors import InputError
from hwsim.settings import nearest_path
from hwsim.sweep.rows import Row, input_types
from hwsim.sweep.schema import joined, table_of

PARTS, JOURNAL, DESCRIPTION, LOCK = "points", "journal.jsonl", "sweep.json", ".lock"
_SYNC_EVERY, _PART_EVERY, _PART_ROWS = 1.0, 20.0, 2000  # s, s, rows


class Store:
    """The folder, held for writing: a context manager.

    Args:
        folder: made if it is missing.

    Raises:
        InputError: the folder is no folder or holds other things, or another process writes into it.
        OSError: nothing can be written.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self._lock: IO[str] | None = None
        self._journal: io.FileIO | None = None
        self._rows: list[Row] = []
        self._synced = self._parted = time.monotonic()

    def __enter__(self) -> Self:
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(str(self.folder), "a folder", "a file")
        if self.folder.is_dir() and not any((self.folder / name).exists() for name in (PARTS, LOCK, DESCRIPTION)):
            other = next(self.folder.iterdir(), None)
            if other is not None:
                raise InputError(str(self.folder), "a new folder, or that of a sweep", f"one with {other.name}")
        (self.folder / PARTS).mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / LOCK).open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise InputError(str(self.folder), "a folder that no other sweep writes into", "one in use") from None
        for leftover in (self.folder / PARTS).glob(".*.part"):
            leftover.unlink()
        self._recover()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None or not issubclass(kind, OSError):  # without room the journal stays as it is
                self.part()
        finally:
            if self._journal is not None:
                self._journal.close()
            if self._lock is not None:
                self._lock.close()

    def stored(self) -> dict[str, Row]:
        """Point, status and revision of every row, by point."""
        return stored_points(self.folder)

    def add(self, row: Row) -> None:
        """Keep a row: from now on it survives the process."""
        if self._journal is None:
            self._journal = (self.folder / JOURNAL).open("ab", buffering=0)
        line = (json.dumps(row, allow_nan=False) + "\n").encode()
        self._rows.append(row)  # first, so that a part written after Ctrl-C in here has it
        if self._journal.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder / JOURNAL))
        now = time.monotonic()
        if now - self._synced > _SYNC_EVERY:
            os.fsync(self._journal.fileno())
            self._synced = now
        if len(self._rows) >= _PART_ROWS or now - self._parted > _PART_EVERY:
            self.part()

    def part(self) -> None:
        """Make the journal a part."""
        self._parted = time.monotonic()
        if not self._rows:
            return
        numbers = [int(path.stem.removeprefix("part-")) for path in (self.folder / PARTS).glob("part-*.parquet")]
        file = self.folder / PARTS / f"part-{max(numbers, default=0) + 1:06}.parquet"
        write_parquet(file, table_of(self._rows, input_types(json.loads(row["inputs"]) for row in self._rows)))
        self._rows = []
        os.truncate(self.folder / JOURNAL, 0)

    def forget(self, points: Iterable[str]) -> None:
        """Drop the rows of points, so that they are evaluated again."""
        gone = pa.array(sorted(points), pa.string())
        for file in part_files(self.folder):
            table = pq.read_table(file)
            kept = table.filter(pc.invert(pc.is_in(table["point"], value_set=gone)))
            if len(kept) < len(table):
                write_parquet(file, kept)

    def describe(self, description: Mapping[str, Any]) -> None:
        """Write ``sweep.json``."""
        text = json.dumps(description, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        replace_file(self.folder / DESCRIPTION, text.encode())

    def _recover(self) -> None:
        """Rows of a journal that a killed process left, but those that are in a part already."""
        file = self.folder / JOURNAL
        if not file.exists():
            return
        known = set(read_parts(self.folder, ["point"])["point"].to_pylist())
        for line in file.read_bytes().splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue  # the line that was being written
            if row["point"] not in known:
                known.add(row["point"])
                self._rows.append(row)
        self.part()
        os.truncate(file, 0)


def part_files(folder: str | Path) -> list[Path]:
    """The parts, oldest first."""
    return sorted((Path(folder) / PARTS).glob("part-*.parquet"))


def read_parts(folder: str | Path, columns: list[str] | None = None) -> pa.Table:
    """Rows of all parts, some columns or all, in the order in which they were written.

    Raises:
        InputError: a part cannot be read.
    """
    tables = []
    for file in part_files(folder):
        try:
            tables.append(pq.read_table(file, columns=columns))
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0] if str(error) else "no Parquet"
            raise InputError(str(file), "a Parquet file of a sweep", reason) from None
    if columns is None:
        return joined(tables)
    return pa.concat_tables(tables) if tables else pa.table({name: pa.array([], pa.string()) for name in columns})


def stored_points(folder: str | Path) -> dict[str, Row]:
    """Point, status and revision of every row of the parts, by point; none where there is no folder."""
    table = read_parts(folder, ["point", "status", "revision"])
    return {row["point"]: row for row in table.to_pylist()}


def read_table(folder: str | Path) -> pa.Table:
    """All rows of a sweep's folder, sorted by point.

    Raises:
        InputError: the folder is missing, holds no sweep or no point, or a part cannot be read.
    """
    if not (Path(folder) / PARTS).is_dir():
        there = Path(folder).is_dir()
        wanted = f"a folder of 'hwsim sweep'{'' if there else nearest_path(folder)}"
        raise InputError(str(folder), wanted, "a folder without one" if there else "no such folder")
    table = read_parts(folder)
    if not len(table):
        raise InputError(str(folder), "at least one point", "none")
    return table.sort_by("point")


def read_description(folder: str | Path) -> dict[str, Any]:
    """``sweep.json`` of a folder.

    Raises:
        InputError: it is missing or no JSON.
    """
    file = Path(folder) / DESCRIPTION
    try:
        found = json.loads(file.read_bytes())
    except OSError as error:
        raise InputError(str(file), "the description of a sweep", error.strerror or str(error)) from None
    except ValueError:
        raise InputError(str(file), "the description of a sweep", "no JSON") from None
    if not isinstance(found, dict):
        raise InputError(str(file), "the description of a sweep", "no table")
    return found


def write_parquet(file: Path, table: pa.Table) -> None:
    """Write a table so that the file is there whole or not at all, whatever happens to the process or the power."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    replace_file(file, sink.getvalue().to_pybytes())


def replace_file(file: Path, data: bytes) -> None:
    """Write a file beside its place, synchronise it and rename it; OSError leaves the old one."""
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    handle = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
