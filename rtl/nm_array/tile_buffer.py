"""Tile buffer: a ring of slots that a stream fills beat by beat and an engine reads with skewed addresses."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.wiring import In, Out

from rtl.nm_array import layouts
from rtl.nm_array.skew import SYSTOLIC, Skew
from rtl.parts.bank import Bank
from rtl.parts.registers import Make, built


class TileBuffer(wiring.Component):
    """Banked operand buffer. A beat is stored in the cycle of its transfer; port ``i`` is ready while a slot is free.

    *Skewed addressing*: bank b sees the read address so many cycles after bank b - 1, so its word (``data[b]``, one
    cycle after its address) needs no skewing registers, and stays until the next ``read``. ``read`` and ``release``
    travel with the address; the release takes effect when the last bank has read. ``filled`` counts whole tiles that
    no reader has taken yet.

    Args:
        bank: shape of a word.
        banks: words of a beat.
        slots: tiles.
        depth: most beats of a tile.
        name: of its banks for ``make``.
        make: see `rtl.parts.registers`.
        skew: cycles from bank to bank, and whether they can be chosen; see `rtl.nm_array.skew`.
    """

    def __init__(self, bank: Any, *, banks: int, slots: int, depth: int, name: str = "tile", make: Make = built,
                 skew: Skew = SYSTOLIC):
        self.bank, self.banks, self.slots, self.depth, self.name, self.make = bank, banks, slots, depth, name, make
        self.skew = skew
        super().__init__({
            "i": In(stream.Signature(layouts.tile_beat(bank, banks))),
            "filled": Out(range(slots + 1)), "take": In(1), "read": In(1),
            "slot": In(layouts.bits_for(slots)), "beat": In(layouts.bits_for(depth)),
            "release": In(layouts.bits_for(slots + 1)), "together": In(1),
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
        asked = Signal(StructLayout({"address": unsigned(len(self.beat) + len(self.slot)), "read": 1,
                                     "release": self.release.shape()}))
        m.d.comb += [asked.address.eq(Cat(self.beat, self.slot)), asked.read.eq(self.read),
                     asked.release.eq(self.release)]
        seen = self.skew.apart(m, asked, self.banks, self.together, "asked")
        for b in range(self.banks):
            self._bank(m, b, Cat(beat, slot), stored, seen[b].address, seen[b].read)
        m.d.sync += [free.eq(free - whole + seen[-1].release), self.filled.eq(self.filled + whole - self.take)]
        return m

    def _bank(self, m: Module, b: int, w_address: Any, stored: Any, r_address: Any, read: Any) -> None:
        depth = self.slots << max(self.depth - 1, 0).bit_length()
        m.submodules[f"bank{b}"] = bank = self.make(f"{self.name}_bank", lambda: Bank(self.bank, depth))
        m.d.comb += [bank.w_addr.eq(w_address), bank.w_data.eq(self.i.payload.data[b]), bank.w_en.eq(stored),
                     bank.r_addr.eq(r_address), bank.r_en.eq(read), self.data[b].eq(bank.r_data)]
