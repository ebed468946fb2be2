"""One processing element (PE) of the N:M array."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.nm_array.config import Mode, NmArrayConfig
from rtl.nm_array import layouts
from rtl.nm_array.parts import delayed


class Pe(wiring.Component):
    """Select activations by metadata, multiply, add. Latency 1 + product_stages; one step a cycle; never stalls.

    Activations and control go right, weights go down, each through one register. ``sum_in``/``sum_out``: ws, the
    partial sum flowing down; os, the drain chain. Only control has a reset: it says which data count.
    """

    def __init__(self, config: NmArrayConfig):
        self.config = config
        ports = {"a_in": In(layouts.lanes(config)), "a_out": Out(layouts.lanes(config)),
                 "control_in": In(layouts.control(config)), "control_out": Out(layouts.control(config)),
                 "w_in": In(layouts.weights(config)), "w_out": Out(layouts.weights(config)),
                 "sum_in": In(layouts.ACCUMULATOR), "sum_out": Out(layouts.ACCUMULATOR)}
        if config.dataflow == "ws":
            ports |= {"load_in": In(layouts.weight_control(config)), "load_out": Out(layouts.weight_control(config))}
        else:
            ports |= {"drain": In(1), "drain_in": In(1), "drain_out": Out(1)}
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        """Build the PE."""
        m = Module()
        m.d.sync += self.control_out.eq(self.control_in)
        m.d.comb += [self.a_out.eq(delayed(m, self.a_in, "a_held")), self.w_out.eq(delayed(m, self.w_in, "w_held"))]
        held = self._held_weights(m) if self.config.dataflow == "ws" else self.w_in
        total = self._product_sum(m, held)
        control = self._delayed_control(m)
        if self.config.dataflow == "ws":
            self._pass_down(m, total, control)
        else:
            self._accumulate(m, total, control)
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
        """Products of this step, registered product_stages times, and their sum."""
        modes, lanes = self.config.modes, self.config.multipliers
        products = []
        for i in range(lanes):
            weight = Signal(layouts.weights(self.config).elem_shape, name=f"weight{i}")
            operand = Signal(signed(8), name=f"operand{i}")
            with m.Switch(self.control_in.mode):
                for number, mode in enumerate(modes):
                    with m.Case(number):
                        self._select(m, mode, i, weights, weight, operand)
            product = Mux(self.control_in.valid, weight.value * operand, 0)
            chosen = Signal(signed(16), name=f"product{i}")
            m.d.comb += chosen.eq(product)
            products.append(delayed(m, chosen, f"product{i}_held", self.config.product_stages))
        return sum(products[1:], products[0])

    def _select(self, m: Module, mode: Mode, lane: int, weights: Value, weight: Value, operand: Value) -> None:
        """Weight and activation of one multiplier; a mode of several steps takes the next slots in each."""
        lanes = self.config.multipliers
        for step in range(mode.steps):
            slot = step * lanes + lane
            with m.If(self.control_in.step == step):
                m.d.comb += [weight.eq(weights[slot]),
                             operand.eq(self._operand(m, mode, slot, weights[slot].index))]

    def _delayed_control(self, m: Module) -> Value:
        control: Value = self.control_in
        for stage in range(self.config.product_stages):
            held = Signal(layouts.control(self.config), name=f"control{stage}")
            m.d.sync += held.eq(control)
            control = held
        return control

    def _pass_down(self, m: Module, total: Value, control: Value) -> None:
        """ws: add the steps of a beat here, then this PE's share to the partial sum from above."""
        if max(mode.steps for mode in self.config.modes) > 1:
            sum_so_far = Signal(layouts.ACCUMULATOR, reset_less=True)
            added = Signal(layouts.ACCUMULATOR)
            m.d.comb += added.eq(Mux(control.step == 0, 0, sum_so_far) + total)
            m.d.sync += sum_so_far.eq(added)
            total = added
        below = Signal(layouts.ACCUMULATOR)
        m.d.comb += [below.eq(self.sum_in + total), self.sum_out.eq(delayed(m, below, "sum"))]

    def _accumulate(self, m: Module, total: Value, control: Value) -> None:
        """os: accumulate here; capture the finished result for the drain chain, which shifts down.

        The shift stops row by row from the top (drain_in is the row above, one cycle ago), so that a row can capture
        its next result while rows below still pass on the last.
        """
        accumulator = Signal(layouts.ACCUMULATOR, reset_less=True)
        drained = Signal(layouts.ACCUMULATOR, reset_less=True)
        with m.If(control.valid):
            m.d.sync += accumulator.eq(Mux(control.clear, 0, accumulator) + total)
        shift = Signal(unsigned(1))
        m.d.comb += shift.eq(self.drain | self.drain_in)
        m.d.sync += self.drain_out.eq(shift)
        m.d.comb += self.sum_out.eq(drained)
        with m.If(control.capture):
            m.d.sync += drained.eq(accumulator)
        with m.Elif(shift):
            m.d.sync += drained.eq(self.sum_in)
