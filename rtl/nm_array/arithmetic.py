"""What a PE computes with: INT8 products in INT32 sums, or FP16/BF16 products in FP32 sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed

from hwsim.floats import BF16, FP16, FloatFormat
from hwsim.nm_array.config import NmArrayConfig
from rtl.float import FloatMultiply, float_sum
from rtl.nm_array import layouts
from rtl.parts.registers import delayed

FORMATS: dict[str, FloatFormat] = {"fp16": FP16, "bf16": BF16}
"""Operand formats by ``data_type``."""


def product_sum(m: Module, config: NmArrayConfig, pairs: Sequence[tuple[Value, Value]], valid: Value) -> Value:
    """Σ of the products of (weight, operand), 0 unless valid; ``config.product_latency`` cycles later.

    Floating point adds neighbours in a balanced tree: (p0 + p1) + (p2 + p3).
    """
    if not config.floating:
        products = [_product(m, config, *pair, valid, f"product{i}") for i, pair in enumerate(pairs)]
        return sum(products[1:], products[0])
    level = [_float_product(m, config, *pair, valid, f"multiply{i}") for i, pair in enumerate(pairs)]
    depth = 0
    while len(level) > 1:
        level = [float_sum(m, config.sum_latency, x, y, f"tree{depth}_{i}")
                 for i, (x, y) in enumerate(zip(level[::2], level[1::2], strict=True))]
        depth += 1
    return level[0]


def _product(m: Module, config: NmArrayConfig, weight: Value, operand: Value, valid: Value, name: str) -> Value:
    chosen = Signal(signed(16), name=name)
    m.d.comb += chosen.eq(Mux(valid, weight * operand, 0))
    product: Value = delayed(m, chosen, f"{name}_held", config.product_stages)
    return product


def _float_product(m: Module, config: NmArrayConfig, weight: Value, operand: Value, valid: Value, name: str) -> Value:
    m.submodules[name] = unit = FloatMultiply(FORMATS[config.data_type], stages=config.product_stages)
    m.d.comb += [unit.a.eq(Mux(valid, weight, 0)), unit.b.eq(Mux(valid, operand, 0))]
    return unit.z


def add(m: Module, config: NmArrayConfig, x: Any, y: Any, name: str, enable: Value | None = None) -> Value:
    """Sum of two sums, ``config.sum_latency`` cycles later; without ``enable`` nothing moves."""
    if config.floating:
        return float_sum(m, config.sum_latency, x, y, name, enable)
    held = Signal(layouts.total(config), name=name, reset_less=True)
    with m.If(Const(1) if enable is None else enable):
        m.d.sync += held.eq(x + y)
    return held
