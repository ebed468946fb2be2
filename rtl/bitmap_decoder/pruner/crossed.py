"""The transposing memory: a token's channels in, a channel's tokens out, ``lanes`` of them a cycle either way."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from rtl.bitmap_decoder.pruner import layouts
from rtl.bitmap_decoder.pruner.pack import rotated
from rtl.parts.bank import Bank
from rtl.parts.registers import Make, built


class CrossedMemory(wiring.Component):
    """Two halves of ``tile`` vectors. ``write`` puts ``elements``, the channels at ``place``, into the token ``row``;
    with ``read``, a cycle later, ``chunk`` has tokens of a channel and ``column`` the bits of all its tokens, until the
    next read. The channel is ``at_lane`` of ``at_place``, the tokens are those from lanes · ``at_chunk`` on.

    *Crossed banks.* There is a bank for each lane; channel lane c of token r lies in bank (r + c) mod lanes, so that
    neither the channels that are written nor the tokens that are read together ever share a bank. ``turn``: row mod
    lanes. A kept element is never zero, so that it says itself whether it is kept. But a tile's bitmap leaves before
    its values, so a second memory has the bits alone: a word for the channels of a place, of all tokens. It is read
    with the first chunk of a place's first channel, and stays for the others.
    """

    def __init__(self, config: PrunerConfig, make: Make = built):
        self.config, self.make = config, make
        lane, place = range(config.lanes), range(config.most_beats)
        super().__init__({
            "write": In(1), "half": In(1), "row": In(range(config.tile)), "turn": In(lane), "place": In(place),
            "elements": In(layouts.input_beat(config)), "read": In(1), "at_half": In(1), "at_place": In(place),
            "at_lane": In(lane), "at_chunk": In(range(config.most_chunks)), "column": Out(config.tile),
            "chunk": Out(layouts.input_beat(config))})

    def elaborate(self, platform: object) -> Module:
        """Build the banks, the crossings, and the memory of bits."""
        m, config, lanes = Module(), self.config, self.config.lanes
        row_bits = (config.most_chunks * lanes - 1).bit_length()
        depth = 2 << (row_bits + len(self.place))
        rows = [self._field(m, self.at_chunk * lanes + lane, row_bits, lane) for lane in range(lanes)]
        words = rotated(m, [self.elements[lane] for lane in range(lanes)], self.turn)
        found = []
        for number, (word, row) in enumerate(zip(words, rotated(m, rows, self.at_lane), strict=True)):
            m.submodules[f"bank{number}"] = bank = self.make("bank", lambda: Bank(config.element_bits, depth))
            m.d.comb += [bank.w_en.eq(self.write), bank.w_data.eq(word), bank.r_en.eq(self.read),
                         bank.w_addr.eq(Cat(self.place, self._field(m, self.row, row_bits, "row"), self.half)),
                         bank.r_addr.eq(Cat(self.at_place, row, self.at_half))]
            found.append(bank.r_data)
        back = Signal(range(lanes))
        with m.If(self.read):
            m.d.sync += back.eq(Mux(self.at_lane == 0, 0, lanes - self.at_lane))
        m.d.comb += self.chunk.as_value().eq(Cat(rotated(m, found, back)))
        self._bits(m)
        return m

    def _field(self, m: Module, value: Value, bits: int, name: object) -> Value:
        """A number as so many bits of an address."""
        field = Signal(bits, name=f"field_{name}")
        m.d.comb += field.eq(value)
        return field

    def _bits(self, m: Module) -> None:
        """The memory of bits; a token writes its own bits of a word."""
        config, lanes = self.config, self.config.lanes
        m.submodules.bits = bits = Memory(shape=config.tile * lanes, depth=2 << len(self.place), init=[])
        write, read = bits.write_port(granularity=lanes), bits.read_port()
        kept = Cat(self.elements[lane] != 0 for lane in range(lanes))
        held = Signal.like(self.at_lane)
        m.d.comb += [
            write.addr.eq(Cat(self.place, self.half)), write.data.eq(kept.replicate(config.tile)),
            write.en.eq(Mux(self.write, Const(1, 1) << self.row, 0)),
            read.addr.eq(Cat(self.at_place, self.at_half)),
            read.en.eq(self.read & (self.at_lane == 0) & (self.at_chunk == 0)),
            *(self.column[token].eq(read.data[token * lanes:(token + 1) * lanes].bit_select(held, 1))
              for token in range(config.tile))]
        with m.If(self.read):
            m.d.sync += held.eq(self.at_lane)
