"""One processing element (PE) of the N:M array, and the way to the next."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.nm_array.config import Mode, NmArrayConfig
from rtl.nm_array import layouts
from rtl.nm_array.arithmetic import add, product_sum
from rtl.parts.registers import controlled, delayed


class Hop(wiring.Component):
    """One register between neighbouring PEs: ``o`` is ``i`` one cycle later; never stalls, no reset.

    Beside the PE and not in it, so that a PE at an edge of the array hands nothing on.
    """

    def __init__(self, shape: Any):
        super().__init__({"i": In(shape), "o": Out(shape)})

    def elaborate(self, platform: object) -> Module:
        """Build the register."""
        m = Module()
        m.d.comb += self.o.eq(delayed(m, self.i, "held"))
        return m


class Pe(wiring.Component):
    """Select activations by metadata, multiply, add. One step a cycle; never stalls. Latency 1 + product_latency +
    sum_latency.

    Control goes right and load control goes down, each through one register; operands go through a `Hop` beside the
    PE. ``sum_in``/``sum_out``: ws, the partial sum flowing down; os, the drain chain. Only control has a reset: it says
    which data count.

    Args:
        config: of the array.
        top: no PE is above this one, so it has no ``sum_in`` and no ``drain_in``.
    """

    def __init__(self, config: NmArrayConfig, top: bool = False):
        self.config, self.top = config, top
        self.ws, self.os = "ws" in config.dataflows, "os" in config.dataflows
        total = layouts.total(config)
        ports = {"a_in": In(layouts.lanes(config)), "w_in": In(layouts.weights(config)), "sum_out": Out(total),
                 "control_in": In(layouts.control(config)), "control_out": Out(layouts.control(config))}
        if self.ws:
            ports |= {"load_in": In(layouts.weight_control(config)), "load_out": Out(layouts.weight_control(config))}
        if self.os:
            ports |= {"drain": In(1), "drain_out": Out(1)}
        if not top:
            ports |= {"sum_in": In(total)} | ({"drain_in": In(1)} if self.os else {})
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        """Build the PE."""
        m = Module()
        m.d.sync += self.control_out.eq(self.control_in)
        self.above: Value = Const(0, layouts.total(self.config)) if self.top else self.sum_in
        held = self._held_weights(m) if self.ws else self.w_in
        if self.ws and self.os:
            held = Mux(self.control_in.output_stationary, self.w_in.as_value(), held.as_value())
            held = layouts.weights(self.config)(held)
        total = self._product_sum(m, held)
        if not self.os:
            m.d.comb += self.sum_out.eq(add(m, self.config, self.above, self._over_steps(m, total), "sum"))
        else:
            self._accumulate(m, total)
        return m

    def _held_weights(self, m: Module) -> Value:
        """ws: registers for the weights in use and, behind them, for the next."""
        layout = layouts.weights(self.config)
        active = Signal(layout, reset_less=True)
        here = self.load_in.valid & (self.load_in.row == 0)
        m.d.sync += [self.load_out.valid.eq(self.load_in.valid), self.load_out.row.eq(self.load_in.row - 1)]
        if self.config.shadow_weights:
            shadow = Signal(layout, reset_less=True)
            with m.If(here):
                m.d.sync += shadow.eq(self.w_in)
            with m.If(self.control_in.swap):
                m.d.sync += active.eq(shadow)
        else:
            with m.If(here):
                m.d.sync += active.eq(self.w_in)
        return active

    def _operand(self, m: Module, mode: Mode, slot: int, index: Value) -> Value:
        """The activation that a weight slot meets in that mode: one of M, by its metadata."""
        base = slot // mode.ratio.n * mode.ratio.m
        if mode.ratio.dense:
            return self.a_in[base]
        return Array(self.a_in[base + i] for i in range(mode.ratio.m))[index[:mode.ratio.index_bits]]

    def _product_sum(self, m: Module, weights: Value) -> Value:
        """Sum of this step's products."""
        pairs = []
        for i in range(self.config.multipliers):
            weight = Signal(layouts.weights(self.config).elem_shape, name=f"weight{i}")
            operand = Signal(layouts.element(self.config), name=f"operand{i}")
            with m.Switch(self.control_in.mode):
                for number, mode in enumerate(self.config.modes):
                    with m.Case(number):
                        self._select(m, mode, i, weights, weight, operand)
            pairs.append((weight.value, operand))
        return product_sum(m, self.config, pairs, self.control_in.valid)

    def _select(self, m: Module, mode: Mode, lane: int, weights: Value, weight: Value, operand: Value) -> None:
        """Weight and activation of one multiplier; a mode of several steps takes the next slots in each."""
        lanes = self.config.multipliers
        for step in range(mode.steps):
            slot = step * lanes + lane
            with m.If(self.control_in.step == step):
                m.d.comb += [weight.eq(weights[slot]),
                             operand.eq(self._operand(m, mode, slot, weights[slot].index))]

    def _late(self, m: Module, field: str) -> Value:
        """A field of control when the products that it came with are there."""
        value = self.control_in[field]
        for stage in range(self.config.product_latency):
            value = controlled(m, value, f"{field}{stage}")
        return value

    def _over_steps(self, m: Module, total: Value) -> Value:
        """ws, INT8: the steps of a beat added up here, the last of them complete."""
        if self.config.floating or max(mode.steps for mode in self.config.modes) == 1:
            return total
        sum_so_far = Signal(layouts.total(self.config), reset_less=True)
        added = Signal(layouts.total(self.config))
        m.d.comb += added.eq(Mux(self._late(m, "step") == 0, 0, sum_so_far) + total)
        m.d.sync += sum_so_far.eq(added)
        return added

    def _accumulate(self, m: Module, total: Value) -> None:
        """os: the sum comes back from the adder's end to its start; as many interleaved sums as the adder has
        registers can be on their way, and they move only with ``advance``. In ws passes the adder takes the sum from
        above instead, and always moves.
        """
        loop = Signal(layouts.total(self.config))
        partial, summand, advance = Mux(self._late(m, "clear"), 0, loop), total, self._late(m, "advance")
        if self.ws:
            stationary = self._late(m, "output_stationary")
            partial, summand = Mux(stationary, partial, self.above), Mux(stationary, total, self._over_steps(m, total))
            advance = advance | ~stationary
        m.d.comb += loop.eq(add(m, self.config, partial, summand, "sum", advance))
        drained = self._drain(m, loop)
        m.d.comb += self.sum_out.eq(
            Mux(self.control_in.output_stationary, drained, loop) if self.ws else drained)

    def _drain(self, m: Module, loop: Value) -> Value:
        """os: take finished sums into the drain chain, one register for each interleaved one, which shifts down.

        The shift stops row by row from the top (drain_in is the row above, as many cycles ago as a row has results),
        so that a row can capture its next results while rows below still pass on the last.
        """
        depth = self.config.interleaved
        chain = [Signal(layouts.total(self.config), name=f"drained{i}", reset_less=True) for i in range(depth)]
        shift, capture = Signal(), self._late(m, "capture")
        m.d.comb += shift.eq(self.drain if self.top else self.drain | self.drain_in)
        passed_on: Value = shift
        for i in range(depth):
            passed_on = controlled(m, passed_on, f"shifted{i}")
        m.d.comb += self.drain_out.eq(passed_on)
        with m.If(capture | shift):
            m.d.sync += [chain[0].eq(Mux(capture, loop, self.above)),
                         *(after.eq(before) for before, after in zip(chain, chain[1:], strict=False))]
        return chain[-1]
