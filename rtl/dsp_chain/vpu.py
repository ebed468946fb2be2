"""A chain with accumulators."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain.config import ROWS, SparseChainConfig
from rtl.dsp_chain import layouts
from rtl.dsp_chain.chain import CsdChain
from rtl.parts.registers import Make, built


class Accumulators(wiring.Component):
    """Add a beat's sums to those of M outputs, two rows of 32 bits each; ``totals`` one cycle later are the beat's
    outputs with it added. One beat a cycle, never stalls; a beat counts with ``valid``.

    Beat ``beat`` of a block has its outputs ``beat * M / N`` and on, an output a lane; ``first`` begins them anew.
    """

    def __init__(self, config: SparseChainConfig):
        self.config = config
        super().__init__({"sums": In(layouts.sums(config)), "mode": In(unsigned(layouts.mode(config))),
                          "beat": In(unsigned(config.index_bits)), "first": In(1), "valid": In(1),
                          "totals": Out(layouts.totals(config))})

    def elaborate(self, platform: object) -> Module:
        """Build a lane's adders, and the registers it reads and writes."""
        m, config = Module(), self.config
        store = Signal(ArrayLayout(ArrayLayout(signed(layouts.SUM_BITS), ROWS), config.m), reset_less=True)
        held = Signal(layouts.totals(config), reset_less=True)
        for lane in range(config.lanes):
            before = Signal(store.shape().elem_shape, name=f"before{lane}")
            added = Signal.like(before, name=f"added{lane}")
            for row in range(ROWS):
                m.d.comb += added[row].eq(Mux(self.first, 0, before[row]) + self.sums[lane][row])
            with m.Switch(self.mode):
                for i, n in enumerate(config.modes):
                    with m.Case(i):
                        self._visit(m, lane, n, store, before, added)
            m.d.sync += held[lane].eq(added)
        m.d.comb += self.totals.eq(held)
        return m

    def _visit(self, m: Module, lane: int, n: int, store: Signal, before: Signal, added: Signal) -> None:
        """The output of a lane in each beat of mode N."""
        lanes = self.config.m // n
        if lane >= lanes:
            return
        with m.Switch(self.beat):
            for beat in range(n):
                with m.Case(beat):
                    m.d.comb += before.eq(store[beat * lanes + lane])
                    with m.If(self.valid):
                        m.d.sync += store[beat * lanes + lane].eq(added)


class Vpu(wiring.Component):
    """A chain and its accumulators: one beat a cycle, never stalls; from ``activations``, ``weights``, ``mode`` and
    ``single`` to ``totals`` `hwsim.dsp_chain.timing.sums` + 1 cycles.

    ``late_mode``, ``beat``, ``first`` and ``valid`` belong to the sums, one cycle before ``totals``.
    """

    def __init__(self, config: SparseChainConfig, make: Make = built, primitive: bool = False):
        self.config, self.make, self.primitive = config, make, primitive
        mode = unsigned(layouts.mode(config))
        super().__init__({"activations": In(layouts.activations(config)), "weights": In(layouts.weights(config)),
                          "mode": In(mode), "single": In(1), "late_mode": In(mode),
                          "beat": In(unsigned(config.index_bits)), "first": In(1), "valid": In(1),
                          "totals": Out(layouts.totals(config))})

    def elaborate(self, platform: object) -> Module:
        """Build both."""
        m = Module()
        m.submodules.chain = chain = CsdChain(self.config, self.make, self.primitive)
        m.submodules.accumulators = accumulators = self.make("accumulators", lambda: Accumulators(self.config))
        m.d.comb += [
            chain.activations.eq(self.activations), chain.weights.eq(self.weights), chain.mode.eq(self.mode),
            chain.single.eq(self.single), accumulators.sums.eq(chain.sums), accumulators.mode.eq(self.late_mode),
            accumulators.beat.eq(self.beat), accumulators.first.eq(self.first), accumulators.valid.eq(self.valid),
            self.totals.eq(accumulators.totals)]
        return m
