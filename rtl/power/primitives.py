"""The entries of the cost table as hardware of our own: one device that has each of them, busy in every cycle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim import floats
from hwsim.floats import FP16, FP32
from rtl.bench import Stimulus
from rtl.float import FloatAdd, FloatMultiply
from rtl.parts.registers import delayed

Words = npt.NDArray[np.int64]
NAME = "primitives"
_OPERANDS = {"a": 32, "b": 32, "c": 32, "s": 3, "ka": 32, "kb": 32,
             "ha": 16, "hb": 16, "hc": 32, "fa": 32, "fb": 32}
"""Operands and their bits: integers a, b; c, the sum of the products of their low bytes so far; s selects; ka, kb,
integers that are held; FP16 numbers and the sum of their products so far; FP32 numbers."""
_RESTART = 64
"""Tokens after which a sum begins again and held integers change."""


@dataclass(frozen=True, kw_only=True)
class Primitive:
    """One entry.

    Attributes:
        cost: its name in the cost table.
        operands: fields of a token that it takes.
        width: of the result (bits).
        per: bits that the entry's cost is for; 1 where it is for the whole operation.
        build: what makes the result of the operands, in the module given.
        expected: the same of whole columns.
        latency: cycles from operands to result.
    """

    cost: str
    operands: tuple[str, ...]
    width: int
    build: Callable[..., Value]
    expected: Callable[..., Words]
    per: int = 1
    latency: int = 0

    @property
    def module(self) -> str:
        """Its name in the Verilog."""
        return self.cost.replace(".", "_").replace("-", "_")


def _signed(words: Words, bits: int) -> Words:
    low = words & ((1 << bits) - 1)
    return low - ((low >> (bits - 1)) << bits)


def _float_multiply(fmt: floats.FloatFormat) -> Callable[..., Value]:
    def build(m: Module, a: Value, b: Value) -> Value:
        m.submodules.multiply = unit = FloatMultiply(fmt, stages=0)
        m.d.comb += [unit.a.eq(a), unit.b.eq(b)]
        return unit.z
    return build


def _float_add(m: Module, a: Value, b: Value) -> Value:
    m.submodules.add = unit = FloatAdd(stages=0)
    m.d.comb += [unit.a.eq(a), unit.b.eq(b)]
    return unit.z


def _bits(values: Any) -> Words:
    return np.asarray(values, np.float32).view(np.uint32).astype(np.int64)


def _fp32(words: Words) -> npt.NDArray[np.float32]:
    return words.astype(np.uint32).view(np.float32)


def _fp16_product(a: Words, b: Words) -> npt.NDArray[np.float32]:
    return floats.multiply(a, b, FP16)


_MASK = (1 << 32) - 1
PRIMITIVES: tuple[Primitive, ...] = (
    Primitive(cost="add.int8", operands=("a", "b"), width=8, build=lambda m, a, b: (a[:8] + b[:8])[:8],
              expected=lambda a, b: (a + b) & 0xFF),
    Primitive(cost="add.int32", operands=("a", "b"), width=32, build=lambda m, a, b: (a + b)[:32],
              expected=lambda a, b: (a + b) & _MASK),
    Primitive(cost="multiply.int8", operands=("a", "b"), width=16,
              build=lambda m, a, b: a[:8].as_signed() * b[:8].as_signed(),
              expected=lambda a, b: (_signed(a, 8) * _signed(b, 8)) & 0xFFFF),
    Primitive(cost="multiply.int32", operands=("a", "b"), width=63,
              build=lambda m, a, b: (a.as_signed() * b.as_signed())[:63],
              expected=lambda a, b: (_signed(a, 32) * _signed(b, 32)) & ((1 << 63) - 1)),
    Primitive(cost="mac.int8", operands=("a", "b", "c"), width=32,
              build=lambda m, a, b, c: (a[:8].as_signed() * b[:8].as_signed() + c.as_signed())[:32],
              expected=lambda a, b, c: (_signed(a, 8) * _signed(b, 8) + c) & _MASK),
    Primitive(cost="multiply.fp16", operands=("ha", "hb"), width=32, build=_float_multiply(FP16),
              expected=lambda a, b: _bits(_fp16_product(a, b))),
    Primitive(cost="mac.fp16-fp32", operands=("ha", "hb", "hc"), width=32,
              build=lambda m, a, b, c: _float_add(m, _float_multiply(FP16)(m, a, b), c),
              expected=lambda a, b, c: _bits(floats.add(_fp16_product(a, b), _fp32(c)))),
    Primitive(cost="multiply.fp32", operands=("fa", "fb"), width=32, build=_float_multiply(FP32),
              expected=lambda a, b: _bits(floats.multiply(a, b, FP32))),
    Primitive(cost="add.fp32", operands=("fa", "fb"), width=32, build=_float_add,
              expected=lambda a, b: _bits(floats.add(_fp32(a), _fp32(b)))),
    Primitive(cost="compare", operands=("a", "b"), width=1, per=32, build=lambda m, a, b: a < b,
              expected=lambda a, b: (a < b).astype(np.int64)),
    Primitive(cost="mux2", operands=("a", "b", "s"), width=32, per=32, build=lambda m, a, b, s: Mux(s[0], a, b),
              expected=lambda a, b, s: a * (s & 1) + b * (1 - (s & 1))),
    Primitive(cost="mux2.held", operands=("ka", "kb", "s"), width=8, per=7 * 8,
              build=lambda m, a, b, s: Cat(a, b).word_select(s, 8),
              expected=lambda a, b, s: ((a * (s < 4) + b * (s >= 4)) >> (8 * (s & 3))) & 0xFF),
    Primitive(cost="register.write", operands=("a",), width=32, per=32, latency=1,
              build=lambda m, a: delayed(m, a, "held"), expected=lambda a: a))
"""Those entries that our RTL has as they are; nothing of ours adds or accumulates in FP16."""


_FIELDS = {f"{each.module}_{field}": _OPERANDS[field] for each in PRIMITIVES for field in each.operands}
"""Of a token: each primitive has its own copy of its operands, so that no other loads the wires it reads."""


class Unit(wiring.Component):
    """One primitive."""

    def __init__(self, primitive: Primitive):
        self.primitive = primitive
        ports = {field: In(_OPERANDS[field]) for field in primitive.operands}
        super().__init__({**ports, "z": Out(primitive.width)})

    def elaborate(self, platform: object) -> Module:
        """Build it."""
        m = Module()
        m.d.comb += self.z.eq(self.primitive.build(m, *(getattr(self, field) for field in self.primitive.operands)))
        return m


class Primitives(wiring.Component):
    """All of them side by side; a token of operands gives a token of results one cycle later."""

    def __init__(self) -> None:
        results = data.StructLayout({each.module: each.width for each in PRIMITIVES})
        super().__init__({"i": In(stream.Signature(data.StructLayout(_FIELDS))), "o": Out(stream.Signature(results))})

    def elaborate(self, platform: object) -> Module:
        """Build the device."""
        m, there = Module(), Signal()
        m.d.comb += [self.i.ready.eq(Const(1)), self.o.valid.eq(there)]
        m.d.sync += there.eq(self.i.valid)
        for each in PRIMITIVES:
            m.submodules[each.module] = unit = Unit(each)
            for field in each.operands:
                m.d.comb += getattr(unit, field).eq(self.i.payload[f"{each.module}_{field}"])
            result = unit.z if each.latency else delayed(m, unit.z, f"{each.module}_later")
            m.d.comb += self.o.payload[each.module].eq(result)
        return m


def draw_operands(count: int, rng: np.random.Generator) -> dict[str, Words]:
    """Columns of operands: integers of all values; normally distributed numbers; sums that restart."""
    words = {field: rng.integers(0, 1 << _OPERANDS[field], count) for field in ("a", "b", "s")}
    words |= {field: np.repeat(rng.integers(0, 1 << 32, count // _RESTART + 1), _RESTART)[:count]
              for field in ("ka", "kb")}
    half = {field: rng.standard_normal(count).astype(np.float16) for field in ("ha", "hb")}
    words |= {field: values.view(np.uint16).astype(np.int64) for field, values in half.items()}
    words |= {field: _bits(rng.standard_normal(count)) for field in ("fa", "fb")}
    integer, single = 0, np.float32(0)
    sums: tuple[list[int], list[np.float32]] = [], []
    products = _signed(words["a"], 8) * _signed(words["b"], 8), _fp16_product(words["ha"], words["hb"])
    for number, (p, q) in enumerate(zip(*products, strict=True)):
        if number % _RESTART == 0:
            integer, single = 0, np.float32(0)
        sums[0].append(integer & _MASK)
        sums[1].append(single)
        integer, single = integer + int(p), np.float32(single + q)
    return {**words, "c": np.array(sums[0], np.int64), "hc": _bits(sums[1])}


def stimulus(operands: Mapping[str, Words]) -> tuple[Stimulus, list[int]]:
    """The run with these operands, and the results that must come of it."""
    results = {each.module: each.expected(*(operands[field] for field in each.operands)) for each in PRIMITIVES}
    copies = {f"{each.module}_{field}": operands[field] for each in PRIMITIVES for field in each.operands}
    tokens = _packed(copies, _FIELDS)
    wanted = _packed(results, {each.module: each.width for each in PRIMITIVES})
    return Stimulus(tokens={"i": tokens}, expect={"o": len(wanted)}, limit=len(tokens) + 16), wanted


def _packed(columns: Mapping[str, Words], widths: Mapping[str, int]) -> list[int]:
    """Fields of each token side by side, the first lowest."""
    tokens = [0] * len(next(iter(columns.values())))
    at = 0
    for field, column in columns.items():
        tokens = [token | (int(value) << at) for token, value in zip(tokens, column, strict=True)]
        at += widths[field]
    return tokens
