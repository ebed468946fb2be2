"""Tile buffer: a ring of slots that a stream fills beat by beat and an engine reads with skewed addresses."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from rtl.nm_array import layouts
from rtl.nm_array.parts import Bank, Make, built, controlled, delayed


class TileBuffer(wiring.Component):
    """Banked operand buffer. A beat is stored in the cycle of its transfer; port ``i`` is ready while a slot is free.

    *Skewed addressing*: bank b sees the read address b cycles after bank 0, so its word (``data[b]``, one cycle after
    its address) needs no skewing registers, and stays until the next ``read``. ``read`` and ``release`` travel with the
    address; the release takes effect when the last bank has read. ``filled`` counts whole tiles that no reader has
    taken yet.
    """

    def __init__(self, bank: Any, *, banks: int, slots: int, depth: int, name: str = "tile", make: Make = built):
        self.bank, self.banks, self.slots, self.depth, self.name, self.make = bank, banks, slots, depth, name, make
        super().__init__({
            "i": In(stream.Signature(layouts.tile_beat(bank, banks))),
            "filled": Out(range(slots + 1)), "take": In(1), "read": In(1),
            "slot": In(layouts.bits_for(slots)), "beat": In(layouts.bits_for(depth)),
            "release": In(layouts.bits_for(slots + 1)),
            "data": Out(ArrayLayout(bank, banks))})

    def elaborate(self, platform: object) -> Module:
        """Build the buffer."""
        m = Module()
        slot, beat = Signal(layouts.bits_for(self.slots)), Signal(layouts.bits_for(self.depth))
        free = Signal(range(self.slots + 1), init=self.slots)
        stored, whole = Signal(), Signal()
        m.d.comb += [self.i.ready.eq(free != 0), stored.eq(self.i.valid & self.i.ready),
                     whole.eq(stored & self.i.payload.last)]
        with m.If(whole):
            m.d.sync += [beat.eq(0), slot.eq(0 if self.slots == 1 else slot + 1)]
            with m.If(slot == self.slots - 1):
                m.d.sync += slot.eq(0)
        with m.Elif(stored):
            m.d.sync += beat.eq(beat + 1)
        address, read, release = Cat(self.beat, self.slot), self.read, self.release
        for b in range(self.banks):
            self._bank(m, b, Cat(beat, slot), stored, address, read)
            if b < self.banks - 1:
                address = delayed(m, address, f"address{b}")
                read, release = controlled(m, read, f"read{b}"), controlled(m, release, f"release{b}")
        m.d.sync += [free.eq(free - whole + release), self.filled.eq(self.filled + whole - self.take)]
        return m

    def _bank(self, m: Module, b: int, w_address: Any, stored: Any, r_address: Any, read: Any) -> None:
        depth = self.slots << max(self.depth - 1, 0).bit_length()
        m.submodules[f"bank{b}"] = bank = self.make(f"{self.name}_bank", lambda: Bank(self.bank, depth))
        m.d.comb += [bank.w_addr.eq(w_address), bank.w_data.eq(self.i.payload.data[b]), bank.w_en.eq(stored),
                     bank.r_addr.eq(r_address), bank.r_en.eq(read), self.data[b].eq(bank.r_data)]
