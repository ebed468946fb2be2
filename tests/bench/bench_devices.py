"""Small devices with known behaviour, good and bad, for the tests of the bench."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out


class CreditPipeline(wiring.Component):
    """Pipeline of ``latency`` registers that takes a token only against room in the FIFO at its end."""

    def __init__(self, latency: int = 3, depth: int = 4, width: int = 16):
        self.latency, self.depth, self.width = latency, depth, width
        super().__init__({"i": In(stream.Signature(width)), "o": Out(stream.Signature(width))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.fifo = queue = fifo.SyncFIFO(width=self.width, depth=self.depth)
        credit = Signal(range(self.depth + 1), init=self.depth)
        taken, given = self.i.valid & self.i.ready, self.o.valid & self.o.ready
        m.d.sync += credit.eq(credit - taken + given)
        valid, payload = taken, self.i.payload
        for stage in range(self.latency):
            next_valid, next_payload = Signal(name=f"v{stage}"), Signal(self.width, name=f"d{stage}")
            m.d.sync += [next_valid.eq(valid), next_payload.eq(payload)]
            valid, payload = next_valid, next_payload
        m.d.comb += [
            self.i.ready.eq(credit != 0),
            queue.w_en.eq(valid),
            queue.w_data.eq(payload),
            self.o.valid.eq(queue.r_rdy),
            self.o.payload.eq(queue.r_data),
            queue.r_en.eq(self.o.ready),
        ]
        return m


PAIR = data.StructLayout({"left": 8, "right": 5})


class Joiner(wiring.Component):
    """Takes one token of each input in the same cycle and gives the pair at once: combinational in both directions."""

    left: In(stream.Signature(8))
    right: In(stream.Signature(5))
    o: Out(stream.Signature(PAIR))
    tap: Out(stream.Signature(1))

    def elaborate(self, platform):
        m = Module()
        both = Signal()
        told = Signal()
        m.d.comb += [
            both.eq(self.left.valid & self.right.valid),
            self.o.valid.eq(both),
            self.o.payload.left.eq(self.left.payload),
            self.o.payload.right.eq(self.right.payload),
            self.left.ready.eq(both & self.o.ready),
            self.right.ready.eq(both & self.o.ready),
            self.tap.valid.eq(told),
            self.tap.payload.eq(1),
        ]
        with m.If(self.tap.ready):
            m.d.sync += told.eq(0)
        with m.If(both & self.o.ready):
            m.d.sync += told.eq(1)
        return m


class Misbehaving(wiring.Component):
    """Device with one fault: ``dead``, ``extra`` (twice), ``drops`` its offer, ``changes`` its payload."""

    def __init__(self, fault: str):
        self.fault = fault
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        count, held = Signal(4), Signal(8)
        m.d.comb += [self.i.ready.eq(count == 0), self.o.payload.eq(held), self.o.valid.eq(count != 0)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [count.eq(2 if self.fault == "extra" else 1), held.eq(self.i.payload)]
        with m.Elif(self.o.ready & self.o.valid):
            m.d.sync += count.eq(count - 1)
        beat = Signal(2)
        m.d.sync += beat.eq(beat + 1)
        if self.fault == "dead":
            m.d.comb += self.o.valid.eq(0)
        elif self.fault == "drops":
            m.d.comb += self.o.valid.eq((count != 0) & (beat != 3))
        elif self.fault == "changes":
            m.d.comb += self.o.payload.eq(held ^ (beat == 3))
        return m
