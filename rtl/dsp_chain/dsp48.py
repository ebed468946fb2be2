"""One DSP48E2 slice as the chain uses it: as behaviour, or as an instance of the primitive."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockSignal, Const, Instance, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain.config import LOW_BITS, SparseChainConfig
from rtl.parts.registers import delayed

BIAS = (1 << LOW_BITS - 1) - 1
"""What a group begins with in its low field: see `rtl.dsp_chain.node`."""
P_BITS, A_BITS, PACKED_BITS, WEIGHT_BITS = 48, 30, 27, 18
"""Widths of the slice's adder, its ports A, D (and the pre-adder) and B."""


class Dsp48(wiring.Component):
    """``p = (hi * 2**18 + lo) * weight + z``: two products with one multiplier. One a cycle, never stalls; from the
    operands to ``p`` `SparseChainConfig.operand_stages` + 1 cycles.

    z is ``pcin`` where ``cascaded``; at the head of a group it is `BIAS`, plus ``c`` with ``resume``, both given one
    cycle before the product is added. ``pcout`` is ``p`` on the dedicated wires to the next slice's ``pcin``.

    Registers: A (hi), D (lo) and B1 with ``input_stages``; AD and B2 with ``preadd_stages``; M with ``product_stages``;
    C, OPMODE and P always. No resets.

    As a primitive (UG579, UltraScale Architecture DSP Slice): A, shifted, and D meet in the pre-adder, W = RND is the
    bias, Z = PCIN, or 0 and C by OPMODE[5:4].

    Args:
        config: which registers there are.
        cascaded: whether z is the cascade.
        primitive: an instance of DSP48E2 in place of behaviour.
    """

    def __init__(self, config: SparseChainConfig, cascaded: bool, primitive: bool = False):
        self.config, self.cascaded, self.primitive = config, cascaded, primitive
        super().__init__({"hi": In(signed(8)), "lo": In(signed(8)), "weight": In(signed(8)),
                          "c": In(unsigned(P_BITS)), "resume": In(1), "pcin": In(unsigned(P_BITS)),
                          "pcout": Out(unsigned(P_BITS)), "p": Out(unsigned(P_BITS))})

    def elaborate(self, platform: object) -> Module:
        """Build the slice."""
        m = Module()
        if self.primitive:
            m.submodules.dsp = self._instance(m)
        else:
            self._behave(m)
        return m

    def _behave(self, m: Module) -> None:
        config = self.config
        hi, lo = (delayed(m, port, name, config.input_stages) for port, name in ((self.hi, "a"), (self.lo, "d")))
        packed, product, z = Signal(signed(PACKED_BITS)), Signal(signed(PACKED_BITS + WEIGHT_BITS)), Signal(P_BITS)
        m.d.comb += packed.eq((hi << LOW_BITS) + lo)
        packed = delayed(m, packed, "ad", config.preadd_stages)
        m.d.comb += product.eq(packed * delayed(m, self.weight, "b", config.input_stages + config.preadd_stages))
        if self.cascaded:
            m.d.comb += z.eq(self.pcin)
        else:
            m.d.comb += z.eq(Mux(delayed(m, self.resume, "opmode"), delayed(m, self.c, "c_held"), 0) + BIAS)
        total = Signal(P_BITS, reset_less=True)
        m.d.sync += total.eq(z + delayed(m, product, "m", config.product_stages))
        m.d.comb += [self.p.eq(total), self.pcout.eq(total)]

    def _instance(self, m: Module) -> Instance:
        """The primitive; what is not named keeps its default, which is unused."""
        config = self.config
        a, d, b = Signal(signed(A_BITS)), Signal(signed(PACKED_BITS)), Signal(signed(WEIGHT_BITS))
        opmode = Signal(9)
        m.d.comb += [a.eq(self.hi << LOW_BITS), d.eq(self.lo), b.eq(self.weight),
                     opmode.eq(0b00_001_01_01 if self.cascaded else 0b10_000_01_01)]
        if not self.cascaded:
            m.d.comb += opmode[4:6].eq(self.resume.replicate(2))
        inputs = {"A": a, "D": d, "B": b, "C": self.c, "PCIN": self.pcin, "OPMODE": opmode, "CLK": ClockSignal(),
                  "INMODE": Const(0b00100, 5), "ALUMODE": Const(0, 4), "CARRYIN": Const(0, 1),
                  "CARRYINSEL": Const(0, 3), **_always()}
        b_stages = config.input_stages + config.preadd_stages
        parameters: dict[str, Any] = {
            "AREG": config.input_stages, "ACASCREG": config.input_stages, "DREG": config.input_stages,
            "ADREG": config.preadd_stages, "BREG": b_stages, "BCASCREG": b_stages, "MREG": config.product_stages,
            "CREG": 1, "OPMODEREG": 1, "PREG": 1, "INMODEREG": 0, "ALUMODEREG": 0, "CARRYINREG": 0, "CARRYINSELREG": 0,
            "AMULTSEL": "AD", "BMULTSEL": "B", "PREADDINSEL": "A", "USE_MULT": "MULTIPLY",
            "RND": Const(0 if self.cascaded else BIAS, P_BITS)}
        return Instance("DSP48E2", **{f"p_{name}": value for name, value in parameters.items()},
                        **{f"i_{name}": value for name, value in inputs.items()}, o_P=self.p, o_PCOUT=self.pcout)


def _always() -> dict[str, Const]:
    """Registers are always enabled and never reset."""
    enables = ("A1", "A2", "AD", "ALUMODE", "B1", "B2", "C", "CARRYIN", "CTRL", "D", "INMODE", "M", "P")
    resets = ("A", "ALLCARRYIN", "ALUMODE", "B", "C", "CTRL", "D", "INMODE", "M", "P")
    return {**{f"CE{name}": Const(1, 1) for name in enables}, **{f"RST{name}": Const(0, 1) for name in resets}}
