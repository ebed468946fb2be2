"""The dense operand X: a copy for each lane of multipliers, so that lanes read any rows in the same cycle."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.config import DotConfig
from rtl.bitmap_decoder import layouts
from rtl.parts.bank import Bank
from rtl.parts.registers import Make


class Operand(wiring.Component):
    """Two X, one filled at port ``x`` while the other is read. A row a cycle comes in; each lane reads a row a cycle,
    which is there in the next one.

    ``full``: the X in use has come, with ``rows``; it is in use until ``release``. ``too_long``: more than ``x_depth``.
    """

    def __init__(self, config: DotConfig, make: Make):
        self.config, self.make = config, make
        row = layouts.operand_beat(config)["row"].shape
        depth = unsigned(max((config.x_depth - 1).bit_length(), 1))
        super().__init__({
            "x": In(stream.Signature(layouts.operand_beat(config))), "run": In(1), "release": In(1), "full": Out(1),
            "used": Out(1), "rows": Out(range(config.x_depth + 1)), "too_long": Out(1),
            "place": In(ArrayLayout(depth, config.macs)), "slot": In(1), "read": Out(ArrayLayout(row, config.macs))})

    def elaborate(self, platform: object) -> Module:
        """Build slots and banks."""
        m, config = Module(), self.config
        bits = (config.x_depth - 1).bit_length()
        filled, count = Signal(), Signal(range(config.x_depth))
        full, rows = Signal(2), [Signal.like(self.rows, name=f"rows{slot}") for slot in range(2)]
        loaded = Signal()
        m.d.comb += [self.x.ready.eq(self.run & ~full.bit_select(filled, 1)), loaded.eq(self.x.valid & self.x.ready),
                     self.full.eq(full.bit_select(self.used, 1)), self.rows.eq(Array(rows)[self.used]),
                     self.too_long.eq(loaded & ~self.x.payload.last & (count == config.x_depth - 1))]
        with m.If(self.release):
            m.d.sync += [full.bit_select(self.used, 1).eq(0), self.used.eq(~self.used)]
        with m.If(loaded):
            m.d.sync += count.eq(Mux(self.x.payload.last, 0, count + 1))
            with m.If(self.x.payload.last):
                m.d.sync += [full.bit_select(filled, 1).eq(1), Array(rows)[filled].eq(count + 1), filled.eq(~filled)]
        for lane in range(config.macs):
            m.submodules[f"bank{lane}"] = bank = self.make("x_bank", lambda: Bank(
                layouts.operand_beat(config)["row"].shape, 2 * config.x_depth))
            m.d.comb += [bank.w_en.eq(loaded), bank.w_addr.eq(Cat(count[:bits], filled)), bank.r_en.eq(1),
                         bank.w_data.as_value().eq(self.x.payload.row.as_value()),
                         bank.r_addr.eq(Cat(self.place[lane][:bits], self.slot)),
                         self.read[lane].as_value().eq(bank.r_data.as_value())]
        return m
