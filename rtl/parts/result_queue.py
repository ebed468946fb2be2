"""The queue at the end of a pipeline that never freezes: room is reserved when work enters, not when it comes out."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.parts.bank import Bank


class ResultQueue(wiring.Component):
    """FIFO with credits. Written to visible: 2 cycles; one beat a cycle; never refuses a write.

    Whoever starts work takes ``reserve`` entries in a cycle in which ``free`` is at least that, and later writes as
    many beats. An entry is free again one cycle after its beat has left.

    Args:
        shape: of a beat.
        depth: beats.
        burst: most entries reserved in one cycle.
    """

    def __init__(self, shape: ShapeLike, depth: int, burst: int):
        self.shape, self.depth = shape, depth
        super().__init__({"reserve": In(range(burst + 1)), "free": Out(range(depth + 1), init=depth),
                          "write": In(1), "data": In(shape), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        """Build the queue."""
        m, depth = Module(), self.depth
        m.submodules.bank = bank = Bank(self.shape, depth)
        level, arrived, left = Signal(range(depth + 1)), Signal(), Signal()
        head, tail, following = (Signal(range(depth), name=name) for name in ("head", "tail", "following"))
        m.d.comb += [self.o.valid.eq(level != 0), left.eq(self.o.valid & self.o.ready),
                     following.eq(Mux(left, Mux(head == depth - 1, 0, head + 1), head)),
                     bank.w_addr.eq(tail), bank.w_data.eq(self.data), bank.w_en.eq(self.write),
                     bank.r_en.eq(1), bank.r_addr.eq(following), self.o.payload.eq(bank.r_data)]
        m.d.sync += [arrived.eq(self.write), level.eq(level + arrived - left), head.eq(following),
                     self.free.eq(self.free - self.reserve + left)]
        with m.If(self.write):
            m.d.sync += tail.eq(Mux(tail == depth - 1, 0, tail + 1))
        return m
