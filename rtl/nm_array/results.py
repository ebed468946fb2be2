"""Behind the array: accumulators, requantisation and the result buffer, one column each."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hwsim.nm_array.config import NmArrayConfig
from rtl.nm_array import layouts
from rtl.nm_array.parts import Bank, Make, built, delayed


class Accumulator(wiring.Component):
    """Add the partial sums of a column over the passes of a tile (ws), or pass results on (os).

    ``control`` comes one cycle before ``sum_in`` (the memory is read meanwhile, unless it is the first sum); ``z`` is
    there one cycle after ``sum_in``. One partial sum a cycle; never stalls. A sum may follow another to the same
    address at once: the read port is transparent.
    """

    def __init__(self, config: NmArrayConfig):
        self.config = config
        super().__init__({"control": In(layouts.result_control(config)), "sum_in": In(layouts.ACCUMULATOR),
                          "begin": Out(1), "z": Out(layouts.ACCUMULATOR), "z_valid": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the column."""
        m = Module()
        now = Signal(layouts.result_control(self.config))
        added = Signal(layouts.ACCUMULATOR)
        m.d.comb += self.z.eq(delayed(m, added, "z_held"))
        m.d.sync += [now.eq(self.control), self.z_valid.eq(now.valid & now.last)]
        m.d.comb += self.begin.eq(now.valid & now.begin)
        if self.config.dataflow == "os":
            m.d.comb += added.eq(self.sum_in)
            return m
        m.submodules.memory = memory = Memory(shape=layouts.ACCUMULATOR, depth=self.config.tile_depth, init=[])
        write = memory.write_port()
        read = memory.read_port(transparent_for=(write,))
        m.d.comb += [read.addr.eq(self.control.address), read.en.eq(self.control.valid & ~self.control.first),
                     added.eq(Mux(now.first, 0, read.data) + self.sum_in),
                     write.addr.eq(now.address), write.data.eq(added), write.en.eq(now.valid & ~now.last)]
        return m


class Requantize(wiring.Component):
    """INT32 to INT8: ``clamp(round_half_even((z + bias) * multiplier / 2**shift) + zero_point, low, high)``.

    Latency 4 cycles (`hwsim.nm_array.timing.REQUANTIZE`), one result a cycle, never stalls. ``parameters`` belong to
    the ``z`` of the same cycle. Registers: sum with the bias; product; shifted product, with the rounding still to be
    added; result. The last stage adds rounding and zero point at once, to a value narrowed to a few bits.
    """

    def __init__(self) -> None:
        super().__init__({"z": In(layouts.ACCUMULATOR), "parameters": In(layouts.requantization()),
                          "y": Out(signed(8))})

    def elaborate(self, platform: object) -> Module:
        """Build the pipeline."""
        m = Module()
        first = delayed(m, self.parameters, "first")
        second = delayed(m, first, "second")
        third = delayed(m, second, "third")
        biased, product, floor, up, y = (Signal(shape, name=name, reset_less=True) for name, shape in (
            ("biased", signed(33)), ("product", signed(50)), ("floor", signed(50)), ("up", 1), ("y_held", signed(8))))
        below, above = round_half_even(product, second.shift)
        m.d.comb += self.y.eq(y)
        m.d.sync += [biased.eq(self.z + self.parameters.bias), product.eq(biased * first.multiplier), floor.eq(below),
                     up.eq(above), y.eq(clamp(narrowed(floor, NARROW) + third.zero_point + up, third.low, third.high))]
        return m


NARROW = 10
"""Bits that hold a rounded product well enough: one beyond them saturates whatever the zero point is."""


def round_half_even(value: Value, shift: Value) -> tuple[Value, Value]:
    """``value / 2**shift`` to the nearest whole number, ties to the even one: the floor, and whether to add one."""
    scaled = Cat(Const(0, 1), value).as_signed() >> shift
    half, floor = scaled[0], scaled[1:].as_signed()
    sticky = Cat(value[i] & (shift > i + 1) for i in range(len(value) - 1)).any()
    return floor, half & (sticky | floor[0])


def narrowed(value: Value, bits: int) -> Value:
    """A signed value limited to so many bits."""
    sign, dropped = value[-1], value[bits - 1:]
    fits = dropped.all() | ~dropped.any()
    return Mux(fits, value[:bits], Cat((~sign).replicate(bits - 1), sign)).as_signed()


def clamp(value: Value, low: Value, high: Value) -> Value:
    """The value limited to low … high; ``low`` wins where they cross."""
    return Mux(value < low, low, Mux(value > high, high, value))


class ResultBuffer(wiring.Component):
    """FIFO of result beats whose columns arrive one cycle after the other. Written to visible: 2 cycles.

    Never full: a pass starts only when there is room for all its results. ``left`` pulses when a beat has left.
    """

    def __init__(self, config: NmArrayConfig, make: Make = built):
        self.config, self.make = config, make
        super().__init__({"y": In(signed(8)).array(config.cols), "y_valid": In(1).array(config.cols),
                          "o": Out(stream.Signature(layouts.result_beat(config))), "left": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the buffer."""
        m, depth = Module(), self.config.o_depth
        level, head, following, arrived = Signal(range(depth + 1)), Signal(range(depth)), Signal(range(depth)), Signal()
        m.d.comb += [self.o.valid.eq(level != 0), self.left.eq(self.o.valid & self.o.ready),
                     following.eq(Mux(self.left, Mux(head == depth - 1, 0, head + 1), head))]
        m.d.sync += [arrived.eq(self.y_valid[-1]), level.eq(level + arrived - self.left), head.eq(following)]
        for c in range(self.config.cols):
            m.submodules[f"column{c}"] = bank = self.make("o_bank", lambda: Bank(signed(8), depth))
            tail = Signal(range(depth), name=f"tail{c}")
            m.d.comb += [bank.w_addr.eq(tail), bank.w_data.eq(self.y[c]), bank.w_en.eq(self.y_valid[c]),
                         bank.r_en.eq(1), bank.r_addr.eq(following), self.o.payload[c].eq(bank.r_data)]
            with m.If(self.y_valid[c]):
                m.d.sync += tail.eq(Mux(tail == depth - 1, 0, tail + 1))
        return m
