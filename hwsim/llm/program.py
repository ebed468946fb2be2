"""A program: instructions with the names of their layers, put together without loops, written to a file and read back.

The file, little-endian: 8 bytes ``hwsim.p`` and the version, 4 bytes length of a JSON header, the header (name, layers,
counts, provenance), then, compressed with zlib, the words of the instructions and the side table: work and ratio as
float32 and the layer as uint32, each for all instructions. The same program gives the same bytes.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.errors import InputError
from hwsim.llm.assembly import assemble, disassemble
from hwsim.llm.encoding import check, decode, encode
from hwsim.llm.isa import INSTRUCTION, SIDE, Instructions, instruction_bytes
from hwsim.provenance import revision, versions

MAGIC, VERSION = b"hwsim.p", 1
_FIXED = len(MAGIC) + 1 + 4


@dataclass(frozen=True, eq=False)
class Program:
    """Instructions in program order.

    Attributes:
        instructions: array of `INSTRUCTION`, shape (instructions,).
        layers: names that the field ``layer`` points to. What stands behind the last ``/`` is the layer's kind:
            ``"3/attention"`` and ``"4/attention"`` are two layers of one kind.
        name: for reports.
        notes: plain data about where it comes from; kept in the file.
    """

    instructions: Instructions
    layers: tuple[str, ...] = ("",)
    name: str = "program"
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.instructions.dtype != INSTRUCTION or self.instructions.ndim != 1:
            raise InputError("program", "a one-dimensional array of INSTRUCTION", f"{self.instructions.dtype}")
        most = int(self.instructions["layer"].max(initial=0))
        if len(self.instructions) and most >= len(self.layers):
            raise InputError("program: layer", f"below {len(self.layers)}, the number of layers", most)

    def __len__(self) -> int:
        return len(self.instructions)

    @property
    def nbytes(self) -> int:
        """Bytes of its words: what the machine fetches once."""
        return instruction_bytes(self.instructions["op"])

    @property
    def text(self) -> str:
        """Its assembler text."""
        return "\n".join([*disassemble(self.instructions, self.layers), ""])


def concatenate(programs: Sequence[Program], name: str | None = None) -> Program:
    """One program after the other; layers of the same name become one. Tokens left over reach the next one."""
    layers: dict[str, int] = {}
    parts = []
    for program in programs:
        number = np.array([layers.setdefault(layer, len(layers)) for layer in program.layers], np.uint32)
        rows = program.instructions
        if not np.array_equal(number, np.arange(len(number))):
            rows = rows.copy()
            rows["layer"] = number[rows["layer"]]
        parts.append(rows)
    rows = np.concatenate(parts) if parts else np.zeros(0, INSTRUCTION)
    return Program(rows, tuple(layers) or ("",), name or "+".join(program.name for program in programs))


def repeated(program: Program, times: int) -> Program:
    """The program `times` in a row: equal layers cost one copy of memory, no loop."""
    if times < 0:
        raise InputError("times", "at least 0", times)
    return Program(np.tile(program.instructions, times), program.layers, program.name, program.notes)


def write_program(path: str | Path, program: Program) -> None:
    """Write a program file.

    Raises:
        InputError: an instruction without encoding, a name that JSON cannot hold, a path that cannot be written.
    """
    rows = program.instructions
    words = encode(rows)
    header = {"name": program.name, "layers": program.layers, "instructions": len(rows), "words": len(words),
              "notes": program.notes, "provenance": {"revision": revision(), "versions": versions()}}
    text = json.dumps(header, sort_keys=True).encode()
    side = [np.ascontiguousarray(rows[name]).astype(INSTRUCTION[name].newbyteorder("<")) for name in SIDE]
    payload = b"".join([words.astype("<u4").tobytes(), *(column.tobytes() for column in side)])
    try:
        Path(path).write_bytes(b"".join([MAGIC, bytes([VERSION]), struct.pack("<I", len(text)), text,
                                         zlib.compress(payload, 1)]))
    except OSError as error:
        raise InputError(str(path), "a file that can be written", error.strerror or str(error)) from None


def is_program(path: str | Path) -> bool:
    """Whether a file begins like a program file; False when it cannot be read."""
    try:
        with Path(path).open("rb") as stream:
            return stream.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read_program(path: str | Path) -> Program:
    """Read a program file, or assembler text.

    Raises:
        InputError: the file is missing, is neither of both, comes from another version, is cut off or damaged, or holds
            an illegal instruction.
    """
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(str(path), "a readable program", getattr(error, "strerror", None) or str(error)) from None
    if not data.startswith(MAGIC):
        return _assembled(data, Path(path))
    if data[len(MAGIC):len(MAGIC) + 1] != bytes([VERSION]):
        raise InputError(f"{path}: version", str(VERSION), str(data[len(MAGIC)]) if len(data) > len(MAGIC) else "none")
    header, end = _header(data, str(path))
    return _read_payload(data[end:], header, str(path))


def _assembled(data: bytes, path: Path) -> Program:
    """Text of a program; what is neither UTF-8 nor printable is no text."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(str(path), "a program file or assembler text", "neither") from None
    rows, layers = assemble(text, str(path))
    if not len(rows):
        raise InputError(str(path), "at least one instruction", "none")
    return Program(rows, layers, path.stem)


def _header(data: bytes, path: str) -> tuple[dict[str, Any], int]:
    end = _FIXED + (struct.unpack("<I", data[_FIXED - 4:_FIXED])[0] if len(data) >= _FIXED else 0)
    if len(data) < max(end, _FIXED):
        raise InputError(path, f"a header of {end} bytes", f"the end after {len(data)}")
    try:
        header = json.loads(data[_FIXED:end])
        good = (isinstance(header["name"], str) and all(isinstance(layer, str) for layer in header["layers"])
                and isinstance(header["notes"], dict) and min(header["instructions"], header["words"]) >= 0)
    except (ValueError, TypeError, KeyError, RecursionError):
        good = False
    if not good:
        raise InputError(f"{path}: header", "name, layers, notes and counts as JSON", "something else")
    return header, end


def _read_payload(packed: bytes, header: Mapping[str, Any], path: str) -> Program:
    count, words = int(header["instructions"]), int(header["words"])
    size = 4 * words + sum(INSTRUCTION[name].itemsize for name in SIDE) * count
    try:
        stream = zlib.decompressobj()
        payload = stream.decompress(packed, size + 1)
        whole = stream.eof and len(payload) == size and not stream.unused_data
    except zlib.error:
        whole = False
    if not whole:
        raise InputError(path, f"{size} bytes of instructions", "a file that is cut off or damaged")
    rows = decode(np.frombuffer(payload, "<u4", words), path)
    if len(rows) != count:
        raise InputError(path, f"{count} instructions, as its header says", len(rows))
    at = 4 * words
    for name in SIDE:
        kind = INSTRUCTION[name].newbyteorder("<")
        rows[name] = np.frombuffer(payload, kind, count, at)
        at += kind.itemsize * count
    check(rows, lambda row: f"{path}: instruction {row}")
    return Program(rows, tuple(header["layers"]), header["name"], header["notes"])
