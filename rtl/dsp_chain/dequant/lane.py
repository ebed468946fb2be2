"""One lane of the dequantiser: a weight times a scale, rounded and saturated."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain.dequant.config import WIDEST, DequantConfig
from rtl.dsp_chain.dequant import layouts


class ScaleLane(wiring.Component):
    """Scale one weight a cycle, as `hwsim.dsp_chain.dequant.reference` says; 3 cycles (multiply, shift, round), no
    back-pressure. ``shift`` comes a cycle after the weight and the multiplier.
    """

    def __init__(self, config: DequantConfig):
        self.config = config
        scale = layouts.scale(config)
        super().__init__({"weight": In(signed(WIDEST)), "multiplier": In(scale["multiplier"].shape),
                          "shift": In(scale["shift"].shape), "o": Out(signed(WIDEST))})

    def elaborate(self, platform: object) -> Module:
        """Build the pipeline."""
        m, places = Module(), self.config.most_shift
        bits = WIDEST + self.config.multiplier_bits
        product = Signal(signed(bits), reset_less=True)
        m.d.sync += product.eq(self.weight * self.multiplier)
        # The places that a shift moves out stay behind the point: the first is worth one half.
        moved = Signal(signed(bits + places))
        m.d.comb += moved.eq((product << places) >> self.shift)
        whole = Signal(signed(bits), reset_less=True)
        half, more = Signal(reset_less=True), Signal(reset_less=True)
        m.d.sync += [whole.eq(moved >> places), half.eq(moved[places - 1]), more.eq(moved[:places - 1].any())]
        rounded = Signal(signed(bits + 1))
        m.d.comb += rounded.eq(whole + (half & (more | whole[0])))
        low, high = -(1 << WIDEST - 1), (1 << WIDEST - 1) - 1
        result = Signal(signed(WIDEST), reset_less=True)
        m.d.sync += result.eq(Mux(rounded > high, high, Mux(rounded < low, low, rounded)))
        m.d.comb += self.o.eq(result)
        return m
