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
        m.submodules.buffer = buffer = BeatBuffer(config)
        m.submodules.fit = fit = Fit(config)
        bits = Signal(config.lanes)
        ends = Array([*self.starts[1:], config.length])[chunk]
        m.d.comb += [
            bits.eq(Array(self._chunk(mask, start) for start in self.starts)[chunk]), final.eq(ends >= elements),
            tile_end.eq(final | Array([end % config.tile == 0 for end in self.starts[1:]] + [True])[chunk]),
            fit.bits.eq(bits), fit.tile_end.eq(tile_end), fit.left.eq(left), fit.step.eq(step),
            fit.sent.eq(buffer.sent), step.eq(busy & fit.fits), self.free.eq(~busy | (step & final)),
            buffer.step.eq(step), buffer.bits.eq(bits), buffer.added.eq(fit.added), buffer.final.eq(fit.exhausted)]
        m.d.comb += [buffer.chunk[lane].eq(element) for lane, element in enumerate(self._elements(vector, chunk))]
        with m.If(step):
            m.d.sync += [chunk.eq(Mux(final, 0, chunk + 1)), busy.eq(~final), left.eq(left - fit.taken)]
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


class Fit(wiring.Component):
    """How many places of the buffer a chunk takes, and whether there is room; combinational.

    ``taken``: the ones among ``bits``, and with ``tile_end`` what fills up the tile. ``exhausted``: these are all the
    values ``left`` of the job; then ``added`` is what fills up the beat more than that. ``sent``: a beat leaves.
    """

    def __init__(self, config: PrunerConfig):
        self.config = config
        places = range(config.least_beats * config.beat_values + 1)
        super().__init__({
            "bits": In(config.lanes), "tile_end": In(1), "left": In(layouts.job_stored(config)), "step": In(1),
            "sent": In(1), "taken": Out(places), "added": Out(places), "exhausted": Out(1), "fits": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build sums and counters."""
        m, config = Module(), self.config
        room = Signal(range(config.capacity + 1), init=config.capacity)
        phase, slot = Signal(range(config.pad)), Signal(range(config.beat_values))
        count = ones(m, self.bits, "count")
        m.d.comb += [
            self.taken.eq(count + Mux(self.tile_end, filling(phase + count, config.pad), 0)),
            self.exhausted.eq(self.taken == self.left), self.fits.eq(self.added <= room),
            self.added.eq(self.taken + Mux(self.exhausted, filling(slot + self.taken, config.beat_values), 0))]
        m.d.sync += room.eq(room - Mux(self.step, self.added, 0) + Mux(self.sent, config.beat_values, 0))
        with m.If(self.step):
            m.d.sync += [phase.eq(Mux(self.tile_end, 0, (phase + count) % config.pad)),
                         slot.eq(Mux(self.exhausted, 0, (slot + self.taken) % config.beat_values))]
        return m


class BeatBuffer(wiring.Component):
    """Move the marked elements of a chunk together and write them behind what is there; beats leave at ``v``.

    The mirror of `rtl.bitmap_decoder.values.ValueWindow`: *a ring of beats, rotated on writing*. A chunk takes
    ``added`` places: its marked elements, then zeros. ``final``: the job has no values behind these. ``sent``: a beat
    leaves.
    """

    def __init__(self, config: PrunerConfig):
        self.config = config
        self.most = config.least_beats * config.beat_values
        super().__init__({
            "step": In(1), "chunk": In(layouts.input_beat(config)), "bits": In(config.lanes),
            "added": In(range(self.most + 1)), "final": In(1), "sent": Out(1),
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
        level, sent = Signal(range(capacity + 1)), self.sent
        items: list[Value] = []
        for place in range(capacity):
            value = moved[place] if place < config.lanes else Const(0, config.element_bits)
            inside = place < added if place < self.most else Const(0, 1)
            items.append(Cat(value, step & inside, final & (added == place + 1)))
        ring = Signal(ArrayLayout(config.element_bits, capacity), reset_less=True)
        lasts = Signal(config.buffer_beats, reset_less=True)
        for place, item in enumerate(rotated(m, items, write)):
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


def rotated(m: Module, items: list[Value], by: Value) -> list[Value]:
    """Item i at place i + ``by``, around the ring: a barrel shifter."""
    size, count = len(items[0]), len(items)
    ring: Value = Cat(items)
    for bit in range(len(by)):
        moved, cut = Signal(len(ring), name=f"rotated_{bit}"), (count - (1 << bit) % count) * size
        m.d.comb += moved.eq(Mux(by[bit], Cat(ring[cut:], ring[:cut]), ring))
        ring = moved
    return [ring[i * size:(i + 1) * size] for i in range(count)]
