"""A chain with accumulators."""

from __future__ import annotations

from functools import partial

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain.config import ROWS, SparseChainConfig
from rtl.dsp_chain import layouts
from rtl.dsp_chain.chain import CsdChain
from rtl.parts.registers import Make, built


class Accumulators(wiring.Component):
    """M outputs, two rows of 32 bits each; a beat's sums are added to those that it ``hits``, which ``totals`` show one
    cycle later. One beat a cycle, never stalls; ``first`` begins outputs anew.

    Output o takes the sum of lane o mod (M / N): each has its own adder, so that only sums, not accumulators, are
    selected among.
    """

    def __init__(self, config: SparseChainConfig):
        self.config = config
        super().__init__({"sums": In(layouts.sums(config)), "mode": In(unsigned(layouts.mode(config))),
                          "first": In(1), "hits": In(unsigned(config.m)), "totals": Out(layouts.totals(config))})

    def elaborate(self, platform: object) -> Module:
        """Build the adders."""
        m, config = Module(), self.config
        for o in range(config.m):
            total = Signal(layouts.totals(config).elem_shape, name=f"total{o}", reset_less=True)
            added = Signal(layouts.sums(config).elem_shape, name=f"added{o}")
            with m.Switch(self.mode):
                for i, n in enumerate(config.modes):
                    with m.Case(i):
                        m.d.comb += added.eq(self.sums[o % (config.m // n)])
            with m.If(self.hits[o]):
                m.d.sync += [total[row].eq(Mux(self.first, 0, total[row]) + added[row]) for row in range(ROWS)]
            m.d.comb += self.totals[o].eq(total)
        return m


class Vpu(wiring.Component):
    """A chain and its accumulators: one beat a cycle, never stalls; from ``activations``, ``weights``, ``mode`` and
    ``single`` to ``totals`` `hwsim.dsp_chain.timing.sums` + 1 cycles.

    ``late_mode``, ``first`` and ``hits`` belong to the sums, one cycle before ``totals``.
    """

    def __init__(self, config: SparseChainConfig, make: Make = built, primitive: bool = False):
        self.config, self.make, self.primitive = config, make, primitive
        mode = unsigned(layouts.mode(config))
        super().__init__({"activations": In(layouts.activations(config)), "weights": In(layouts.weights(config)),
                          "mode": In(mode), "single": In(1), "late_mode": In(mode), "first": In(1),
                          "hits": In(unsigned(config.m)), "totals": Out(layouts.totals(config))})

    def elaborate(self, platform: object) -> Module:
        """Build both."""
        m = Module()
        m.submodules.chain = chain = CsdChain(self.config, self.make, self.primitive)
        m.submodules.accumulators = accumulators = self.make("accumulators", partial(Accumulators, self.config))
        m.d.comb += [
            chain.activations.eq(self.activations), chain.weights.eq(self.weights), chain.mode.eq(self.mode),
            chain.single.eq(self.single), accumulators.sums.eq(chain.sums), accumulators.mode.eq(self.late_mode),
            accumulators.first.eq(self.first), accumulators.hits.eq(self.hits), self.totals.eq(accumulators.totals)]
        return m
