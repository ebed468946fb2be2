"""One lane of WUVE: four multipliers, three adders, one rounding."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.floats import FP32
from hwsim.wuve import timing
from hwsim.wuve.config import WuveConfig
from rtl.float import FloatAdd, FloatMultiply, FloatRound
from rtl.parts.registers import delayed
from rtl.wuve import layouts


class Lane(wiring.Component):
    """Update one weight a cycle, with the operations of `hwsim.wuve.reference`; latency `hwsim.wuve.timing.pipeline`.

    No back-pressure. Factors come when they are needed, so that one tensor may follow another at once: scale and decays
    with the operands, ``factor`` (momentum) ``add_stages`` later, ``rate`` (minus the learning rate) with the new
    momentum.
    """

    def __init__(self, config: WuveConfig):
        self.config = config
        super().__init__({"i": In(layouts.operand(config)), "scale": In(config.format.bits), "kept_decay": In(32),
                          "dropped_decay": In(32), "factor": In(32), "rate": In(32),
                          "o": Out(layouts.result(config))})

    def elaborate(self, platform: object) -> Module:
        """Build the pipeline."""
        m, config = Module(), self.config
        decay = Mux(self.i.dropped, self.dropped_decay, self.kept_decay)
        scaled = self._multiply(m, "scaled", self.i.gradient, self.scale, config.format)
        decayed = self._multiply(m, "decayed", self.i.weight, decay)
        gradient = self._add(m, "gradient", scaled, decayed)
        before = delayed(m, self.i.momentum, "before", config.add_stages)
        carried = self._multiply(m, "carried", before, self.factor)
        momentum = self._add(m, "momentum", carried, gradient)
        step = self._multiply(m, "step", momentum, self.rate)
        old = delayed(m, self.i.weight, "old", timing.weight_at(config) - config.add_stages)
        weight = self._add(m, "weight", old, step)
        m.submodules.rounded = rounded = FloatRound(config.format, config.round_stages, config.flush)
        behind = timing.pipeline(config) - timing.momentum_at(config)
        m.d.comb += [rounded.a.eq(weight), self.o.compute.eq(rounded.z),
                     self.o.weight.eq(delayed(m, weight, "weight_held", config.round_stages)),
                     self.o.momentum.eq(delayed(m, momentum, "momentum_held", behind))]
        return m

    def _multiply(self, m: Module, name: str, a: Any, b: Value, fmt: Any = FP32) -> Value:
        m.submodules[name] = unit = FloatMultiply(fmt, self.config.multiply_stages, self.config.flush)
        m.d.comb += [unit.a.eq(a), unit.b.eq(b)]
        return unit.z

    def _add(self, m: Module, name: str, a: Value, b: Value) -> Value:
        m.submodules[f"{name}_sum"] = unit = FloatAdd(self.config.add_stages, self.config.flush)
        m.d.comb += [unit.a.eq(a), unit.b.eq(b)]
        return unit.z
