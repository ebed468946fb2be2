"""Small devices with known behaviour, good and bad, for the tests of the bench."""

from amaranth.hdl import Array, Const, Module, Mux, Signal, signed
from amaranth.lib import data, fifo, memory, stream, wiring
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


class Counter(wiring.Component):
    """No input: offers 0, 1, 2, … in ``width`` bits, spread over the whole payload; restarts at reset."""

    def __init__(self, width: int):
        self.width = width
        super().__init__({"o": Out(stream.Signature(width))})

    def elaborate(self, platform):
        m = Module()
        count = Signal(8)
        m.d.comb += [self.o.valid.eq(1), self.o.payload.eq((count + 1) << (self.width - 9) | count)]
        with m.If(self.o.ready):
            m.d.sync += count.eq(count + 1)
        return m


class Gate(wiring.Component):
    """Nothing but wires, no clock: passes a token on, and a token without payload opens the gate for it."""

    def __init__(self):
        super().__init__(
            {
                "pass_on": In(stream.Signature(signed(9))),
                "open_up": In(stream.Signature(0)).array(1),
                "o": Out(stream.Signature(signed(9))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        both = self.pass_on.valid & self.open_up[0].valid
        m.d.comb += [
            self.o.valid.eq(both),
            self.o.payload.eq(self.pass_on.payload),
            self.pass_on.ready.eq(both & self.o.ready),
            self.open_up[0].ready.eq(both & self.o.ready),
        ]
        return m


class Arithmetic(wiring.Component):
    """One of each kind of operator, and a table that 4 bits address; one token per cycle, never stalls."""

    def __init__(self, entries: int = 16):
        self.entries = entries
        fields = data.StructLayout({"a": signed(8), "b": signed(5), "k": 4})
        super().__init__({"i": In(stream.Signature(fields)), "o": Out(stream.Signature(signed(20)))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.table = table = memory.Memory(shape=signed(9), depth=self.entries, init=range(-5, 5))
        read, write = table.read_port(domain="comb"), table.write_port()
        a, b, k = self.i.payload.a, self.i.payload.b, self.i.payload.k
        total, lanes = Signal(signed(20)), Array(Signal(signed(6), name=f"lane{n}") for n in range(3))
        m.d.comb += [read.addr.eq(k), write.addr.eq(k), write.data.eq(a), write.en.eq(b > 3)]
        m.d.sync += [lanes[k[:2]].eq(a + b), total.eq(total + a * b + read.data - lanes[k[1:3]])]
        with m.Switch(k):
            with m.Case("1--0"):
                m.d.sync += total.eq(total >> k[:3])
            with m.Case(3, 5):
                m.d.sync += total.eq(Mux(a >= b, abs(a), -b) << k[:2])
            with m.Default():
                m.d.sync += total[4:9].eq(a.bit_select(k, 5) ^ b.word_select(k[0], 2))
        m.d.comb += [self.i.ready.eq(self.o.ready), self.o.valid.eq(self.i.valid)]
        m.d.comb += self.o.payload.eq(Mux(k.any(), total % Const(7), total // Const(3, signed(4))))
        return m
