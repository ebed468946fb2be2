"""One column of multipliers: products, their tree, and the accumulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.config import DotConfig
from hwsim.floats import FP16
from rtl.float import FloatMultiply, float_sum
from rtl.parts.registers import delayed


class Column(wiring.Component):
    """Add the products of ``macs`` pairs to a sum, which starts at +0 with ``first``; never stalls.

    ``valid`` and ``first`` come with the tree's sum: product_stages + log2(macs) * sum_stages cycles behind the pairs.
    The sum is at ``z`` one cycle later.
    """

    def __init__(self, config: DotConfig):
        self.config = config
        pairs = ArrayLayout(unsigned(config.element_bits), config.macs)
        super().__init__({"values": In(pairs), "operands": In(pairs), "valid": In(1), "first": In(1), "z": Out(32)})

    def elaborate(self, platform: object) -> Module:
        """Build the column."""
        m, config = Module(), self.config
        floating = config.data_type == "fp16"
        multiply, add = (_float_product, _float_sum) if floating else (_product, _sum)
        level = [multiply(m, config, self.values[i], self.operands[i], f"product{i}") for i in range(config.macs)]
        tree = _tree(m, config, level, add)
        before = Signal(32)
        if floating:
            held = float_sum(m, 1, before, tree, "accumulator", self.valid)
        else:
            held = Signal(32, name="total", reset_less=True)
            with m.If(self.valid):
                m.d.sync += held.eq(before + tree)
        m.d.comb += [before.eq(Mux(self.first, 0, held)), self.z.eq(held)]
        return m


def _tree(m: Module, config: DotConfig, level: list[Value], add: Callable[..., Value]) -> Value:
    """Sum of neighbours, of neighbours of these, and so on."""
    depth = 0
    while len(level) > 1:
        level = [add(m, config, x, y, f"tree{depth}_{i}")
                 for i, (x, y) in enumerate(zip(level[::2], level[1::2], strict=True))]
        depth += 1
    return level[0]


def _float_product(m: Module, config: DotConfig, value: Value, operand: Value, name: str) -> Value:
    m.submodules[name] = unit = FloatMultiply(FP16, stages=config.product_stages)
    m.d.comb += [unit.a.eq(value), unit.b.eq(operand)]
    return unit.z


def _float_sum(m: Module, config: DotConfig, x: Value, y: Value, name: str) -> Value:
    return float_sum(m, config.sum_stages, x, y, name)


def _product(m: Module, config: DotConfig, value: Value, operand: Value, name: str) -> Value:
    product = Signal(signed(16), name=name)
    m.d.comb += product.eq(value.as_signed() * operand.as_signed())
    return _held(m, product, f"{name}_held", config.product_stages)


def _sum(m: Module, config: DotConfig, x: Any, y: Any, name: str) -> Value:
    total = Signal(signed(len(x) + 1), name=name)
    m.d.comb += total.eq(x + y)
    return _held(m, total, f"{name}_held", config.sum_stages)


def _held(m: Module, value: Value, name: str, cycles: int) -> Value:
    held: Value = delayed(m, value, name, cycles)
    return held
