"""Packing: the marked elements of a vector in order, without gaps, in beats."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from rtl.bitmap_decoder import layouts as family_layouts
from rtl.bitmap_decoder.counts import prefix_counts
from rtl.bitmap_decoder.pruner import layouts
from rtl.bitmap_decoder.pruner.select import filling, ones


class Packer(wiring.Component):
    """Look at ``lanes`` elements a cycle and move the marked ones together. From the chunk that completes a beat to the
    beat at port ``v``: 3 cycles. ``free``: a vector may be given with ``accept``; also in the cycle of the last chunk.

    A chunk never crosses a tile; with the last one of a tile go the zeros that fill it up, with the last values of the
    vector those that fill up the beat. A chunk waits until the buffer has room for what it adds.
    """

    def __init__(self, config: PrunerConfig):
        self.config = config
        super().__init__({
            "accept": In(1), "given": In(layouts.vector(config)), "mask": In(config.length),
            "values": In(layouts.stored(config)),
            "elements": In(layouts.up_to(config.length)), "free": Out(1),
            "v": Out(stream.Signature(family_layouts.value_beat(config)))})
        chunks = range(0, config.tile, config.lanes)
        self.starts = [tile * config.tile + at for tile in range(config.most_tiles) for at in chunks
                       if tile * config.tile + at < config.length]
        """First element of each chunk."""

    def elaborate(self, platform: object) -> Module:
        """Build the walk over the chunks, and the pipeline behind it."""
        m, config = Module(), self.config
        vector, mask = Signal(layouts.vector(config), reset_less=True), Signal(config.length, reset_less=True)
        elements, left = Signal(layouts.up_to(config.length)), Signal(layouts.stored(config))
        busy, step, final, tile_end = Signal(), Signal(), Signal(), Signal()
        chunk = Signal(range(max(len(self.starts), 2)))
        room = Signal(range(config.capacity + 1), init=config.capacity)
        m.submodules.buffer = buffer = BeatBuffer(config)
        bits = Signal(config.lanes)
        most = config.least_beats * config.beat_values
        phase, slot = Signal(range(config.pad)), Signal(range(config.beat_values))
        count, taken, added = ones(m, bits, "count"), Signal(range(most + 1)), Signal(range(most + 1))
        exhausted = Signal()
        ends = Array([*self.starts[1:], config.length])[chunk]
        m.d.comb += [
            bits.eq(Array(self._chunk(mask, start) for start in self.starts)[chunk]), final.eq(ends >= elements),
            tile_end.eq(final | Array([end % config.tile == 0 for end in self.starts[1:]] + [True])[chunk]),
            taken.eq(count + Mux(tile_end, filling(phase + count, config.pad), 0)), exhausted.eq(taken == left),
            added.eq(taken + Mux(exhausted, filling(slot + taken, config.beat_values), 0)),
            step.eq(busy & (added <= room)), self.free.eq(~busy | (step & final)),
            buffer.step.eq(step), buffer.bits.eq(bits), buffer.added.eq(added), buffer.final.eq(exhausted)]
        m.d.comb += [buffer.chunk[lane].eq(element) for lane, element in enumerate(self._elements(vector, chunk))]
        m.d.sync += room.eq(room - Mux(step, added, 0) + Mux(buffer.v.valid & buffer.v.ready, config.beat_values, 0))
        with m.If(step):
            m.d.sync += [chunk.eq(Mux(final, 0, chunk + 1)), busy.eq(~final), left.eq(left - taken),
                         phase.eq(Mux(tile_end, 0, (phase + count) % config.pad)),
                         slot.eq(Mux(exhausted, 0, (slot + taken) % config.beat_values))]
        with m.If(self.accept):
            m.d.sync += [busy.eq(1), vector.eq(self.given), mask.eq(self.mask), elements.eq(self.elements),
                         left.eq(self.values)]
        wiring.connect(m, buffer.v, wiring.flipped(self.v))
        return m

    def _chunk(self, mask: Value, start: int) -> Value:
        """Bits of a chunk; it ends with its tile."""
        tile, lanes = self.config.tile, self.config.lanes
        return mask[start:min(start + lanes, start // tile * tile + tile)]

    def _elements(self, vector: Any, chunk: Value) -> list[Any]:
        """Elements of the chunk at hand; those behind the vector or its tile are not marked."""
        length = self.config.length
        return [Array(vector[min(start + lane, length - 1)] for start in self.starts)[chunk]
                for lane in range(self.config.lanes)]


class BeatBuffer(wiring.Component):
    """Move the marked elements of a chunk together and write them behind what is there; beats leave at ``v``.

    The mirror of `rtl.bitmap_decoder.values.ValueWindow`: *a ring of beats, rotated on writing*. A chunk takes
    ``added`` places: its marked elements, then zeros. ``final``: the vector has no values behind these.
    """

    def __init__(self, config: PrunerConfig):
        self.config = config
        self.most = config.least_beats * config.beat_values
        super().__init__({
            "step": In(1), "chunk": In(layouts.input_beat(config)), "bits": In(config.lanes),
            "added": In(range(self.most + 1)), "final": In(1),
            "v": Out(stream.Signature(family_layouts.value_beat(config)))})

    def elaborate(self, platform: object) -> Module:
        """Build the two registers and the ring."""
        m, config = Module(), self.config
        control = Cat(self.step, self.final, self.added)
        held, compact = Signal.like(control, name="held"), Signal.like(control, name="compact_held")
        chunk, bits = Signal(layouts.input_beat(config), reset_less=True), Signal(config.lanes, reset_less=True)
        m.d.sync += [held.eq(control), compact.eq(held), chunk.eq(self.chunk), bits.eq(self.bits)]
        rank = prefix_counts(m, list(bits), "rank")
        moved = Signal(ArrayLayout(config.element_bits, config.lanes), reset_less=True)
        for place in range(config.lanes):
            hits = [Mux(bits[i] & (rank[i] == place), chunk[i], 0) for i in range(place, config.lanes)]
            value: Value = hits[0]
            for hit in hits[1:]:
                value = value | hit
            m.d.sync += moved[place].eq(value)
        self._ring(m, moved, compact[0], compact[1], compact[2:])
        return m

    def _ring(self, m: Module, moved: Any, step: Value, final: Value, added: Value) -> None:
        """Write what a chunk adds, read whole beats."""
        config, width, capacity = self.config, self.config.beat_values, self.config.capacity
        write, read = Signal(range(capacity)), Signal(range(max(config.buffer_beats, 2)))
        level, sent = Signal(range(capacity + 1)), Signal()
        items: list[Value] = []
        for place in range(capacity):
            value = moved[place] if place < config.lanes else Const(0, config.element_bits)
            inside = place < added if place < self.most else Const(0, 1)
            items.append(Cat(value, step & inside, final & (added == place + 1)))
        ring = Signal(ArrayLayout(config.element_bits, capacity), reset_less=True)
        lasts = Signal(config.buffer_beats, reset_less=True)
        for place, item in enumerate(_rotated(m, items, write)):
            with m.If(item[-2]):
                m.d.sync += ring[place].eq(item[:-2])
                if place % width == width - 1:
                    m.d.sync += lasts[place // width].eq(item[-1])
        beyond = write + added
        with m.If(step):
            m.d.sync += write.eq(Mux(beyond >= capacity, beyond - capacity, beyond))
        m.d.comb += [self.v.valid.eq(level >= width), sent.eq(self.v.valid & self.v.ready),
                     self.v.payload.last.eq(lasts.bit_select(read, 1))]
        for i in range(width):
            m.d.comb += self.v.payload.values[i].eq(Array(ring[at] for at in range(i, capacity, width))[read])
        m.d.sync += level.eq(level + Mux(step, added, 0) - Mux(sent, width, 0))
        with m.If(sent):
            m.d.sync += read.eq(Mux(read == config.buffer_beats - 1, 0, read + 1))


def _rotated(m: Module, items: list[Value], by: Value) -> list[Value]:
    """Item i at place i + ``by``, around the ring: a barrel shifter."""
    size, count = len(items[0]), len(items)
    ring: Value = Cat(items)
    for bit in range(len(by)):
        moved, cut = Signal(len(ring), name=f"rotated_{bit}"), (count - (1 << bit) % count) * size
        m.d.comb += moved.eq(Mux(by[bit], Cat(ring[cut:], ring[:cut]), ring))
        ring = moved
    return [ring[i * size:(i + 1) * size] for i in range(count)]
