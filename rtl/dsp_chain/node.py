"""The end of a group: its sum leaves the cascade, and its two halves are parted exactly."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain.config import LOW_BITS, SparseChainConfig
from rtl.dsp_chain.dsp48 import P_BITS


class OverflowAdjust(wiring.Component):
    """Take the low products' sum out of a group's result and add it to that of the groups before; latency 1, one a
    cycle, never stalls.

    *Biased low field.* A group's P is H * 2**18 + B + l: H the sum of the high products so far, l that of the group's
    own low products, B = 2**17 - 1 the bias that the group began with. At most eight products of INT8 numbers lie in
    [-8 * 128 * 127, 8 * 128 * 128] = [-130048, 2**17], so B + l lies in [1023, 2**18 - 1]: the low field never borrows
    from the high one and never overflows into it, and P[47:18] is H exactly, also for eight times (-128) * (-128).
    l = P[17:0] - B = signed(P[17:0] with its top bit inverted) + 1, the 1 as the adder's carry. ``low`` is the sum of l
    over the groups of a sub-chain: one adder of `SparseChainConfig.sum_bits` bits a node, and nothing to correct at the
    end. Between groups the low field begins anew, so a chain of any length is exact.
    """

    def __init__(self, config: SparseChainConfig):
        self.config = config
        total = signed(config.sum_bits)
        super().__init__({"p": In(unsigned(LOW_BITS)), "before": In(total), "resume": In(1), "low": Out(total)})

    def elaborate(self, platform: object) -> Module:
        """Build the adder."""
        m = Module()
        own, held = Signal(signed(LOW_BITS)), Signal.like(self.low, name="held", reset_less=True)
        m.d.comb += [own.eq(Cat(self.p[:-1], ~self.p[-1])), self.low.eq(held)]
        m.d.sync += held.eq(Mux(self.resume, self.before, 0) + own + Const(1))
        return m


class ReductionNode(wiring.Component):
    """A group's end: ``c`` passes the high half on to the next group at once, its low field 0; one cycle later ``hi``
    and ``lo`` are the two rows' sums of the sub-chain up to here. One a cycle, never stalls.

    ``before`` is the ``lo`` of the node before, meant for the same beat; it counts with ``resume``, that is unless the
    group is the first of its sub-chain.
    """

    def __init__(self, config: SparseChainConfig):
        self.config = config
        total = signed(config.sum_bits)
        super().__init__({"p": In(unsigned(P_BITS)), "before": In(total), "resume": In(1),
                          "c": Out(unsigned(P_BITS)), "hi": Out(total), "lo": Out(total)})

    def elaborate(self, platform: object) -> Module:
        """Build the node."""
        m = Module()
        m.submodules.adjust = adjust = OverflowAdjust(self.config)
        held = Signal.like(self.hi, name="held", reset_less=True)
        m.d.sync += held.eq(self.p[LOW_BITS:])
        m.d.comb += [self.c.eq(Cat(Const(0, LOW_BITS), self.p[LOW_BITS:])), self.hi.eq(held), self.lo.eq(adjust.low),
                     adjust.p.eq(self.p[:LOW_BITS]), adjust.before.eq(self.before), adjust.resume.eq(self.resume)]
        return m
