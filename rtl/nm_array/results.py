"""Behind the array: accumulators, what finishes a sum, and the result buffer, one column each."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.timing import ROUND, accumulate
from rtl.float import FloatRound, float_sum
from rtl.nm_array import layouts
from rtl.nm_array.arithmetic import FORMATS
from rtl.parts.bank import Bank
from rtl.parts.registers import Make, built, chain, delayed


class Accumulator(wiring.Component):
    """Add the partial sums of a column over the passes of a tile (ws), or pass results on (os).

    ``control`` comes one cycle before ``sum_in`` (the memory is read meanwhile, unless it is the first sum); ``z`` is
    there `hwsim.nm_array.timing.accumulate` cycles after ``sum_in``. One partial sum a cycle; never stalls. A sum may
    follow another to the same address after `hwsim.nm_array.timing.reuse_cycles`: the read port is transparent.
    """

    def __init__(self, config: NmArrayConfig):
        self.config = config
        total = layouts.total(config)
        super().__init__({"control": In(layouts.result_control(config)), "sum_in": In(total),
                          "begin": Out(1), "z": Out(total), "z_valid": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the column."""
        m, config = Module(), self.config
        now = Signal(layouts.result_control(config))
        m.d.sync += now.eq(self.control)
        m.d.comb += self.begin.eq(now.begin)
        latency = accumulate(config)
        late = chain(m, now, latency, 1, "now")[-1]
        finished = late.valid & late.last
        m.d.sync += self.z_valid.eq(finished)
        if "ws" not in config.dataflows:
            m.d.comb += self.z.eq(_held(m, self.sum_in, finished))
            return m
        total = layouts.total(config)
        m.submodules.memory = memory = Memory(shape=total, depth=config.tile_depth, init=[])
        write = memory.write_port()
        read = memory.read_port(transparent_for=(write,))
        before, added = Mux(now.first, 0, read.data), Signal(total)
        m.d.comb += [read.addr.eq(self.control.address), read.en.eq(self.control.valid & ~self.control.first),
                     write.data.eq(added)]
        if config.floating:
            m.d.comb += [added.eq(float_sum(m, latency, before, self.sum_in, "sum")), self.z.eq(added)]
            late = chain(m, late, 2, 1, "written")[-1]
        else:
            m.d.comb += [added.eq(before + self.sum_in), self.z.eq(_held(m, added, finished))]
        m.d.comb += [write.addr.eq(late.address), write.en.eq(late.valid & ~late.last)]
        return m


def _held(m: Module, total: Value, finished: Value) -> Value:
    """A sum one cycle later; only finished ones, so that the multiplier behind them is still in between."""
    held = Signal(total.shape(), name="z_held", reset_less=True)
    with m.If(finished):
        m.d.sync += held.eq(total)
    return held


def finishing(config: NmArrayConfig) -> wiring.Component:
    """What makes an element of a finished sum."""
    return Finish(config) if config.floating else Requantize()


class Finish(wiring.Component):
    """FP32 to FP16 or BF16: ``round(relu(z + bias))``; the ReLU only where the parameters ask for it.

    Latency `hwsim.nm_array.timing.finish` cycles, one result a cycle, never stalls. ``parameters`` belong to the ``z``
    of the same cycle. The ReLU makes +0 of what has a sign; a NaN has none.
    """

    def __init__(self, config: NmArrayConfig) -> None:
        self.config = config
        super().__init__({"z": In(layouts.total(config)), "parameters": In(layouts.parameters(config)),
                          "y": Out(layouts.element(config))})

    def elaborate(self, platform: object) -> Module:
        """Build the pipeline."""
        m, config = Module(), self.config
        biased = float_sum(m, config.sum_latency, self.z, self.parameters.bias, "bias")
        relu = delayed(m, self.parameters.relu, "relu", config.sum_latency)
        m.submodules.round = unit = FloatRound(FORMATS[config.data_type], stages=ROUND)
        m.d.comb += [unit.a.eq(Mux(relu & biased[-1], 0, biased)), self.y.eq(unit.z)]
        return m


REQUANTIZATION = layouts.parameters(NmArrayConfig())


class Requantize(wiring.Component):
    """INT32 to INT8: ``clamp(round_half_even((z + bias) * multiplier / 2**shift) + zero_point, low, high)``.

    Latency 4 cycles (`hwsim.nm_array.timing.REQUANTIZE`), one result a cycle, never stalls. ``parameters`` belong to
    the ``z`` of the same cycle. Registers: sum with the bias; product; shifted product, with the rounding still to be
    added; result. The last stage adds rounding and zero point at once, to a value narrowed to a few bits.
    """

    def __init__(self) -> None:
        super().__init__({"z": In(signed(32)), "parameters": In(REQUANTIZATION),
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
        super().__init__({"y": In(layouts.element(config)).array(config.cols), "y_valid": In(1).array(config.cols),
                          "o": Out(stream.Signature(layouts.result_beat(config))), "left": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the buffer."""
        m, depth = Module(), self.config.o_depth
        level, head, following, arrived = Signal(range(depth + 1)), Signal(range(depth)), Signal(range(depth)), Signal()
        m.d.comb += [self.o.valid.eq(level != 0), self.left.eq(self.o.valid & self.o.ready),
                     following.eq(Mux(self.left, Mux(head == depth - 1, 0, head + 1), head))]
        m.d.sync += [arrived.eq(self.y_valid[-1]), level.eq(level + arrived - self.left), head.eq(following)]
        for c in range(self.config.cols):
            m.submodules[f"column{c}"] = bank = self.make("o_bank", lambda: Bank(layouts.element(self.config), depth))
            tail = Signal(range(depth), name=f"tail{c}")
            m.d.comb += [bank.w_addr.eq(tail), bank.w_data.eq(self.y[c]), bank.w_en.eq(self.y_valid[c]),
                         bank.r_en.eq(1), bank.r_addr.eq(following), self.o.payload[c].eq(bank.r_data)]
            with m.If(self.y_valid[c]):
                m.d.sync += tail.eq(Mux(tail == depth - 1, 0, tail + 1))
        return m
