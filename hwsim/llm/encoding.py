"""Binary instructions: 32-bit words, our own layout of the fields, encoded and decoded a whole program at a time.

Every instruction begins with its opcode + 1 in bits 31:28 (so that neither erased nor zeroed memory is a program), its
wait mask in 27:23 and its release mask in 22:18: one bit for each *other* opcode, lowest first. What follows is in
`LAYOUT`; all other bits are reserved and 0. ``channels`` and ``loops`` are stored less one.

`work`, `ratio` and `layer` are not in the words. Work follows from the block table (N of each block), the ratio from
the bit width and the block table: both lie in memory, which a timing model does not hold. Layers are names for people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.llm.isa import INSTRUCTION, QUEUES, WORDS, Buffer, Flag, Function, Instructions, Opcode

Words = npt.NDArray[np.uint32]
Part = tuple[str, int, int, int, int]
"""Field, word, lowest bit in the word, bits, lowest bit of the field that stands there."""

_OPERANDS: tuple[Part, ...] = (
    ("a", 1, 16, 16, 0), ("b", 1, 0, 16, 0), ("out", 2, 16, 16, 0), ("meta", 2, 0, 16, 0),
    ("blocks", 3, 16, 16, 0), ("bias", 3, 0, 16, 0))
_MATRIX: tuple[Part, ...] = (("k", 0, 4, 14, 0), ("flags", 0, 0, 4, 0), *_OPERANDS)
LAYOUT: Mapping[Opcode, tuple[Part, ...]] = {
    Opcode.LD: (("buffer", 0, 15, 3, 0), ("cross", 0, 14, 1, 0), ("zero", 0, 13, 1, 0), ("channel", 0, 8, 5, 0),
                ("channels", 0, 3, 5, 0), ("bank", 1, 16, 16, 0), ("loops", 1, 0, 12, 0), ("length", 2, 0, 32, 0),
                ("hbm", 3, 0, 32, 0), ("hbm", 4, 0, 2, 32), ("stride", 5, 0, 32, 0)),
    Opcode.ST: (("channel", 0, 13, 5, 0), ("channels", 0, 8, 5, 0), ("cross", 0, 7, 1, 0), ("loops", 0, 0, 7, 0),
                ("hbm", 1, 0, 32, 0), ("hbm", 2, 30, 2, 32), ("bank", 2, 18, 12, 0), ("length", 2, 0, 18, 0)),
    Opcode.MM: _MATRIX,
    Opcode.MV: _MATRIX,
    Opcode.MISC: (("k", 0, 4, 14, 0), ("function", 0, 0, 4, 0), *_OPERANDS[:2], ("out", 2, 16, 16, 0)),
    Opcode.SYS: (),
}
"""Fields of each opcode behind opcode and tokens."""

_LESS_ONE = ("channels", "loops")
_LIMITS: Mapping[str, int] = {"buffer": max(Buffer), "function": max(Function), "flags": sum(Flag)}
_STORED = ("channel", "channels", "cross", "zero", "buffer", "bank", "hbm", "length", "loops", "stride", "k", "flags",
           "function", "a", "b", "out", "meta", "blocks", "bias")
_UNUSED = {op: tuple(name for name in _STORED if name not in {part[0] for part in LAYOUT[op]}) for op in Opcode}
_CODE = 28
CHANNELS = 32
"""HBM channels that an instruction can name."""


def numbered(row: int) -> str:
    """Place of an instruction in errors: ``"instruction 7"``."""
    return f"instruction {row}"


def check(program: Instructions, place: Callable[[int], str] = numbered) -> None:
    """Raise `InputError` when an instruction has no encoding; the place reads ``"instruction 7 (LD): buffer"``.

    Args:
        program: the instructions.
        place: names an instruction by its number.

    Raises:
        InputError: an unknown opcode, a token for the own queue, a value that has no room in the words or no meaning,
            a field that the opcode does not have.
    """
    _need(program, place, "op", np.arange(len(program)), program["op"] < QUEUES, "an opcode, 0 to 5")
    for op in Opcode:
        rows = np.flatnonzero(program["op"] == op)
        if not len(rows):
            continue
        part = program[rows]
        for field, good, wanted in chain(_fields_of(op, part), _meaning_of(op, part)):
            _need(program, place, field, rows, good, wanted)


Rule = tuple[str, npt.NDArray[np.bool_], str]
"""Field, where it is as it must be, and how that is."""


def _fields_of(op: Opcode, part: Instructions) -> Iterator[Rule]:
    """What each field holds."""
    others = ((1 << QUEUES) - 1) & ~(1 << op)
    for name in ("wait", "release"):
        yield name, part[name] & ~np.uint8(others) == 0, f"tokens of the other five queues (mask {others:#04x})"
    for name in _UNUSED[op]:
        yield name, part[name] == 0, f"0, as {op.name} has no such field"
    for name, most in _most(op).items():
        least = int(name in _LESS_ONE)
        yield name, (part[name] >= least) & (part[name] <= most), f"{least} to {most}"


def _meaning_of(op: Opcode, part: Instructions) -> Iterator[Rule]:
    """What fields mean together."""
    if op in (Opcode.LD, Opcode.ST):
        last = part["channel"].astype(np.int64) + part["channels"] - 1
        yield "channels", last < CHANNELS, f"a last channel below {CHANNELS}"
        yield "cross", (part["cross"] == 0) | (part["channels"] == 1), "0 for several channels in parallel"
    if op == Opcode.LD:
        yield "ratio", np.isfinite(part["ratio"]) & (part["ratio"] > 0), "a finite number above 0"
        plain = (part["cross"] == 0) & (part["ratio"] == 1)
        yield "zero", (part["zero"] == 0) | plain, "0 for what crosses channels or is stored compressed"
    if op in (Opcode.MM, Opcode.MV):
        yield "work", (part["work"] >= 0) & (part["work"] <= 1), "0 to 1"
        yield "work", (part["flags"] & Flag.SPARSE != 0) | (part["work"] == 1), "1 without the flag SPARSE"


def encode(program: Instructions) -> Words:
    """The words of a program, shape (words,).

    Raises:
        InputError: an instruction that has no encoding; see `check`.
    """
    check(program)
    lengths = WORDS[program["op"]]
    starts = np.cumsum(lengths) - lengths
    words = np.zeros(int(lengths.sum()), np.uint32)
    for op in Opcode:
        rows = np.flatnonzero(program["op"] == op)
        at = starts[rows]
        words[at] = (int(op) + 1) << _CODE
        words[at] |= _squeezed(op, program["wait"][rows]) << np.uint32(23)
        words[at] |= _squeezed(op, program["release"][rows]) << np.uint32(18)
        for name, word, low, bits, shift in LAYOUT[op]:
            value = program[name][rows].astype(np.uint64) - np.uint64(name in _LESS_ONE)
            stored = (value >> np.uint64(shift)) & np.uint64((1 << bits) - 1)
            words[at + word] |= stored.astype(np.uint32) << np.uint32(low)
    return words


def decode(words: npt.ArrayLike, place: str = "words") -> Instructions:
    """The instructions of a program's words; work and ratio are 1, layer 0.

    Raises:
        InputError: an opcode that does not exist, an instruction cut off at the end, a reserved bit that is set, a
            value that has no meaning.
    """
    given = np.ascontiguousarray(words, np.uint32)
    starts = _starts(given, place)
    ops = (given[starts] >> np.uint32(_CODE)).astype(np.int64) - 1
    program = np.zeros(len(starts), INSTRUCTION)
    program["op"] = ops
    for op in Opcode:
        rows = np.flatnonzero(ops == op)
        at = starts[rows]
        _check_reserved(op, given, rows, at)
        program["wait"][rows] = _spread(op, (given[at] >> np.uint32(23)) & np.uint32(31))
        program["release"][rows] = _spread(op, (given[at] >> np.uint32(18)) & np.uint32(31))
        for name, word, low, bits, shift in LAYOUT[op]:
            stored = (given[at + word] >> np.uint32(low)).astype(np.uint64) & np.uint64((1 << bits) - 1)
            value = program[name][rows] + (stored << np.uint64(shift)) + np.uint64(name in _LESS_ONE)
            program[name][rows] = value
    program["work"][(ops == Opcode.MM) | (ops == Opcode.MV)] = 1
    program["ratio"][ops == Opcode.LD] = 1
    check(program)
    return program


def _most(op: Opcode) -> dict[str, int]:
    """Largest value of each field that an opcode has."""
    bits: dict[str, int] = {}
    for name, _, _, width, _ in LAYOUT[op]:
        bits[name] = bits.get(name, 0) + width
    return {name: _LIMITS.get(name, (1 << width) - 1 + (name in _LESS_ONE)) for name, width in bits.items()}


def _squeezed(op: Opcode, masks: npt.NDArray[np.uint8]) -> Words:
    """Masks over six queues as masks over the other five."""
    below = masks & np.uint8((1 << op) - 1)
    return (below | (masks >> np.uint8(op + 1)) << np.uint8(op)).astype(np.uint32)


def _spread(op: Opcode, masks: Words) -> npt.NDArray[np.uint8]:
    """Masks over the other five queues as masks over six."""
    below = masks & np.uint32((1 << op) - 1)
    return (below | (masks >> np.uint32(op)) << np.uint32(op + 1)).astype(np.uint8)


def _starts(words: Words, place: str) -> npt.NDArray[np.int64]:
    """First word of each instruction."""
    from hwsim.llm.kernel import instruction_starts

    lengths = np.zeros(16, np.int64)
    lengths[1:QUEUES + 1] = WORDS
    starts, reached = instruction_starts(words, lengths)
    if reached < len(words):
        code = int(words[reached]) >> _CODE
        raise InputError(f"{place}: word {reached}", f"an opcode in bits 31:28, 1 to {QUEUES}", code)
    if reached > len(words):
        last = Opcode((int(words[starts[-1]]) >> _CODE) - 1)
        raise InputError(f"{place}: instruction {len(starts) - 1} ({last.name})", f"{WORDS[last]} words",
                         f"{len(words) - int(starts[-1])}, then the end")
    return starts


def _check_reserved(op: Opcode, words: Words, rows: npt.NDArray[np.int64], at: npt.NDArray[np.int64]) -> None:
    used = np.zeros(WORDS[op], np.uint32)
    used[0] = np.uint32(0x3FFF << 18)
    for _, word, low, bits, _ in LAYOUT[op]:
        used[word] |= np.uint32(((1 << bits) - 1) << low)
    for word, kept in enumerate(used):
        wrong = np.flatnonzero(words[at + word] & ~kept)
        if len(wrong):
            place = f"instruction {rows[wrong[0]]} ({op.name}): reserved bits of word {word}"
            raise InputError(place, "0", f"{int(words[at[wrong[0]] + word] & ~kept):#010x}")


def _need(program: Instructions, place: Callable[[int], str], field: str, rows: npt.NDArray[np.int64],
          good: npt.NDArray[np.bool_], wanted: str) -> None:
    """Raise `InputError` for the first of `rows` that is not `good`."""
    if not good.all():
        row = int(rows[np.flatnonzero(~good)[0]])
        op = int(program["op"][row])
        name = Opcode(op).name if op < QUEUES else "?"
        raise InputError(f"{place(row)} ({name}): {field}", wanted, program[field][row].item())
