"""The sparse multiplexer before each DSP."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain.config import ROWS, SparseChainConfig


class SparseMux(wiring.Component):
    """One of M activations by the weight's index, for both rows; latency 1, one a cycle, never stalls.

    Which block of M it selects in depends on N: ``block`` is its place among the blocks that this DSP can meet. With
    ``single`` there is one row, and ``hi`` is 0.

    Args:
        config: of the chain.
        blocks: that this DSP can meet.
    """

    def __init__(self, config: SparseChainConfig, blocks: int):
        self.config, self.blocks = config, blocks
        rows = ArrayLayout(signed(8), blocks * config.m)
        super().__init__({"rows": In(ArrayLayout(rows, ROWS)), "block": In(unsigned(max((blocks - 1).bit_length(), 1))),
                          "index": In(unsigned(config.index_bits)), "single": In(1),
                          "lo": Out(signed(8)), "hi": Out(signed(8))})

    def elaborate(self, platform: object) -> Module:
        """Build the multiplexer."""
        m, size = Module(), self.config.m
        for row, held in enumerate((self.lo, self.hi)):
            chosen = Signal(signed(8), name=f"chosen{row}", reset_less=True)
            blocks = [Array(self.rows[row][block * size + i] for i in range(size))[self.index]
                      for block in range(self.blocks)]
            picked = Array(blocks)[self.block] if self.blocks > 1 else blocks[0]
            m.d.sync += chosen.eq(Mux(self.single, 0, picked) if row else picked)
            m.d.comb += held.eq(chosen)
        return m
