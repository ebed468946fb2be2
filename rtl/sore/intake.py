"""The front of SORE: slice descriptors, rows of weights, zeros that fill up the last group, and the NaN flag."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal, ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hwsim.sore.config import SoreConfig
from hwsim.sore.timing import settle
from rtl.parts.registers import delayed
from rtl.sore import layouts


class Intake(wiring.Component):
    """Take slices: one row a cycle, in ``row`` and ``step`` one cycle later; slices of one ratio without a gap.

    The first row of a group waits for room for all results of the group (``f_free``, ``b_free``; ``reserve`` takes
    it). Rows that are missing in the last group are zeros, one a cycle, without waiting. A slice of another ratio
    waits until the one before has left transposer and drains (`hwsim.sore.timing.settle`).
    """

    def __init__(self, config: SoreConfig):
        self.config = config
        room = range(config.o_depth + 1)
        super().__init__({"p": In(stream.Signature(layouts.descriptor(config))),
                          "i": In(stream.Signature(layouts.row(config))), "f_free": In(room), "b_free": In(room),
                          "f_reserve": Out(range(config.kept + 1)), "b_reserve": Out(range(config.kept + 1)),
                          "row": Out(layouts.row(config)), "step": Out(layouts.step(config)),
                          "forward": Out(1), "backward": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the intake."""
        m, config = Module(), self.config
        m.submodules.queue = queue = SyncFIFO(width=layouts.descriptor(config).size, depth=config.p_slots)
        m.d.comb += [queue.w_data.eq(self.p.payload), queue.w_en.eq(self.p.valid), self.p.ready.eq(queue.w_rdy)]
        now, head = Signal(layouts.descriptor(config)), Signal(layouts.descriptor(config))
        active, position, wait = Signal(), Signal(config.index_bits), Signal(range(config.group + config.kept + 1))
        filling, end, room, step, final, load, same = (Signal(name=name) for name in (
            "filling", "end", "room", "moving", "final", "load", "same"))
        n = layouts.kept_of(config, now.mode)
        m.d.comb += [
            head.eq(queue.r_data), same.eq(head.mode == now.mode), queue.r_en.eq(load),
            filling.eq(active & (now.rows == 0)), end.eq(position == layouts.group_end(config, now.mode)),
            room.eq((~now.forward | (self.f_free >= n)) & (~now.backward | (self.b_free >= n))),
            self.i.ready.eq(active & ~filling & ((position != 0) | room)),
            step.eq(filling | (self.i.valid & self.i.ready)), final.eq(step & end & (now.rows <= 1)),
            load.eq(queue.r_rdy & Mux(active, final & same, same | (wait == 0)))]
        begins = step & (position == 0)
        m.d.comb += [self.f_reserve.eq(Mux(begins & now.forward, n, 0)),
                     self.b_reserve.eq(Mux(begins & now.backward, n, 0))]
        with m.If(step):
            m.d.sync += [position.eq(Mux(end, 0, position + 1)), now.rows.eq(Mux(filling, 0, now.rows - 1))]
        m.d.sync += wait.eq(Mux(wait == 0, 0, wait - 1))
        with m.If(final):
            m.d.sync += [active.eq(0), wait.eq(Array([settle(ratio) for ratio in config.modes])[now.mode])]
        with m.If(load):
            m.d.sync += [active.eq(1), now.eq(head)]
        values = {"valid": step, "mode": now.mode, "first": position == 0, "position": position, "end": end,
                  "last": final}
        self._registers(m, values, now, filling)
        return m

    def _registers(self, m: Module, values: dict[str, ValueLike], now: Any, filling: Signal) -> None:
        """The row one cycle later, with what goes with it; NaNs are looked for there."""
        step, seen, nan = Signal(layouts.step(self.config)), Signal(), Signal()
        row = delayed(m, Mux(filling, 0, self.i.payload.as_value()), "row_held")
        m.d.sync += [step[name].eq(value) for name, value in values.items()]
        m.d.sync += [self.forward.eq(now.forward), self.backward.eq(now.backward)]
        m.d.comb += [self.row.eq(row), self.step.eq(step), self.step.nan.eq(seen | nan),
                     nan.eq(Cat(self.row[lane][:15] > self.config.infinity
                                for lane in range(self.config.lanes)).any())]
        with m.If(step.valid):
            m.d.sync += seen.eq(Mux(step.last, 0, seen | nan))
