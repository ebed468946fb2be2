"""Programs as text: an assembler for programs written by hand, and the same text back from instructions.

One instruction a line: the opcode, then fields as ``name=value`` in any order; what is not given has its default::

    layer attention                                     # names the layer of the lines that follow
    LD release=MV buffer=A length=4096 channels=8       # tokens, buffers, flags and functions by name
    LD release=MV buffer=B channel=8 length=32768 ratio=2
    MV wait=LD release=MISC k=256 flags=SPARSE+OUTPUT work=0.5
    MISC wait=MV function=SOFTMAX k=16

``layer -`` goes back to no name. Several tokens or flags are joined by ``+``. Numbers are decimal, ``0x…`` or ``0b…``.
Fields: `hwsim.llm.isa`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum, IntFlag
from typing import Any

import numpy as np

from hwsim.errors import InputError
from hwsim.fields import nearest
from hwsim.llm.encoding import LAYOUT, check
from hwsim.llm.isa import INSTRUCTION, SIDE, Buffer, Flag, Function, Instructions, Opcode, instructions, mask

_NAMED: dict[str, type[IntEnum] | type[IntFlag]] = {"buffer": Buffer, "function": Function, "flags": Flag}
_DEFAULT = {op: instructions(op)[0] for op in Opcode}


def assemble(text: str, place: str = "program") -> tuple[Instructions, tuple[str, ...]]:
    """Instructions of a text, and the names of their layers in order of appearance.

    Raises:
        InputError: a line that is no instruction; the place is ``"<place>: line 3"``.
    """
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    layers: dict[str, int] = {}
    layer = ""
    for number, line in enumerate(text.splitlines(), 1):
        head, *words = line.partition("#")[0].split() or [""]
        here = f"{place}: line {number}"
        if head == "layer":
            layer = _layer(words, here)
        elif head:
            number_of = layers.setdefault(layer, len(layers))
            rows.append({"layer": number_of, **_fields(_member(Opcode, head, here), words, here)})
            lines.append(number)
    program = _program(rows)
    check(program, lambda row: f"{place}: line {lines[row]}")
    return program, tuple(layers)


def disassemble(program: Instructions, layers: Sequence[str] = ()) -> list[str]:
    """Text of each instruction; a line ``layer NAME`` before the first one and where the layer changes."""
    lines: list[str] = []
    before = None
    for row in program:
        if layers and row["layer"] != before:
            unnamed, before = before is None and not layers[row["layer"]], row["layer"]
            lines += [] if unnamed else [f"layer {layers[before] or '-'}"]
        lines.append(line_of(row))
    return lines


def line_of(row: np.void) -> str:
    """Text of one instruction, without its layer."""
    op = Opcode(int(row["op"]))
    names = dict.fromkeys(("wait", "release", *(part[0] for part in LAYOUT[op]), *SIDE[:-1]))
    shown = (f"{name}={_value(name, row[name])}" for name in names if row[name] != _DEFAULT[op][name])
    return " ".join([op.name, *shown])


def _value(name: str, value: Any) -> str:
    if name in ("wait", "release"):
        return "+".join(queue.name for queue in Opcode if int(value) >> queue & 1)
    if name == "flags":
        return "+".join(str(flag.name) for flag in Flag if int(value) & flag)
    if name in _NAMED:
        return str(_NAMED[name](int(value)).name)
    return str(value)


def _program(rows: Sequence[dict[str, Any]]) -> Instructions:
    program = np.zeros(len(rows), INSTRUCTION)
    for name in INSTRUCTION.names or ():
        program[name] = [row.get(name, _DEFAULT[row["op"]][name]) for row in rows]
    return program


def _layer(words: Sequence[str], place: str) -> str:
    if len(words) != 1:
        raise InputError(place, "layer and one name", " ".join(["layer", *words]))
    return "" if words[0] == "-" else words[0]


def _fields(op: Opcode, words: Iterable[str], place: str) -> dict[str, Any]:
    """Fields of one line."""
    known = ["wait", "release", *dict.fromkeys(part[0] for part in LAYOUT[op])]
    known += {Opcode.LD: ["ratio"], Opcode.MM: ["work"], Opcode.MV: ["work"]}.get(op, [])
    fields: dict[str, Any] = {"op": op}
    for word in words:
        name, equals, text = word.partition("=")
        if name not in known or not equals or not text:
            wanted = f"fields of {op.name} as name=value: {', '.join(known)}{nearest(name, known)}"
            raise InputError(place, wanted, word)
        if name in fields:
            raise InputError(place, f"{name} once", word)
        fields[name] = _read(name, text, f"{place}: {name}")
    return fields


def _read(name: str, text: str, place: str) -> Any:
    if name in ("wait", "release"):
        return mask(*(_member(Opcode, part, place) for part in text.split("+")))
    if name == "flags":
        return sum({_member(Flag, part, place) for part in text.split("+")})
    if name in _NAMED:
        return _member(_NAMED[name], text, place)
    if name in SIDE:
        return _number(text, place)
    return _whole(text, place, int(np.iinfo(INSTRUCTION[name]).max))


def _member(kind: Any, text: str, place: str) -> Any:
    """Member of an enumeration by its name, in capitals or not."""
    names = [member.name for member in kind]
    if text.upper() not in names:
        raise InputError(place, f"one of {', '.join(names)}{nearest(text.upper(), names)}", text)
    return kind[text.upper()]


def _whole(text: str, place: str, most: int) -> int:
    try:
        value = int(text, 0)
    except ValueError:
        raise InputError(place, "a whole number", text) from None
    if not 0 <= value <= most:
        raise InputError(place, f"0 to {most}", text)
    return value


def _number(text: str, place: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(place, "a number", text) from None
