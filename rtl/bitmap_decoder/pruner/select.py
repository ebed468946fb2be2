"""Selection: the threshold digit by digit, then the tiles one by one."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.timing import MAGNITUDE_BITS, digits
from rtl.bitmap_decoder import layouts as family_layouts
from rtl.bitmap_decoder.counts import prefix_counts
from rtl.bitmap_decoder.pruner import layouts


def ones(m: Module, bits: Any, name: str) -> Value:
    """How many bits are set: a balanced tree of adders."""
    level: list[Value] = list(bits)
    total = Signal(range(len(level) + 1), name=name)
    while len(level) > 1:
        level = [level[i] + level[i + 1] if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
    m.d.comb += total.eq(level[0])
    return total


def filling(count: Value, multiple: int) -> Value:
    """What is missing to a multiple."""
    above = count % multiple
    return Mux(above != 0, multiple - above, 0)[:max((multiple - 1).bit_length(), 1)]


def _against(planes: list[Value], digit: Value) -> tuple[Value, Value]:
    """Of each element, whether the digit that the planes hold is larger than this one, and whether it is equal."""
    length = len(planes[0])
    larger, equal = Const(0, length), Const((1 << length) - 1, length)
    for bit in reversed(range(len(planes))):
        same = digit[bit].replicate(length)
        larger = larger | (equal & planes[bit] & ~same)
        equal = equal & ~(planes[bit] ^ same)
    return larger, equal


class Selector(wiring.Component):
    """Mark the elements that stay of a vector: after ``move``, a digit of all magnitudes a cycle, then a tile a cycle,
    each told at once; then ``done`` until ``release``.

    *Radix selection.* Candidates are the elements whose magnitudes agree with the threshold's digits so far; ``wanted``
    of them are still to be chosen. The next digit of the threshold is the largest that at least ``wanted`` candidates
    reach: those above it are chosen, those with it remain candidates, the others are out. At the end all candidates
    are equal, and the first ones are taken, tile by tile. Zeros are no candidates.
    """

    def __init__(self, config: PrunerConfig):
        self.config = config
        super().__init__({
            "move": In(1), "given": In(layouts.vector(config)), "given_about": In(layouts.about(config)),
            "release": In(1), "busy": Out(1), "done": Out(1), "vector": Out(layouts.vector(config)),
            "about": Out(layouts.about(config)), "mask": Out(config.length), "values": Out(layouts.stored(config)),
            "mark": Out(1), "final": Out(1), "bitmap": Out(config.tile), "record": Out(layouts.record(config)),
            "header": Out(family_layouts.header())})

    def elaborate(self, platform: object) -> Module:
        """Build the control; the two parts below do the work."""
        m, config = Module(), self.config
        candidates, chosen = Signal(config.length), Signal(config.length)
        wanted = Signal(layouts.up_to(config.length))
        left, comparing = Signal(range(digits(config))), Signal()
        with m.If(self.release):
            m.d.sync += [self.busy.eq(0), self.done.eq(0)]
        with m.If(comparing):
            m.d.sync += left.eq(left - 1)
            self._compare(m, left, candidates, chosen, wanted)
            with m.If(left == 0):
                m.d.sync += [comparing.eq(0), self.mark.eq(1)]
        with m.If(self.mark):
            self._mark(m, candidates, chosen, wanted)
            with m.If(self.final):
                m.d.sync += [self.mark.eq(0), self.done.eq(1)]
        with m.If(self.move):
            m.d.sync += [self.busy.eq(1), comparing.eq(1), self.vector.eq(self.given), self.about.eq(self.given_about),
                         candidates.eq(Cat(self._magnitude(element).any() for element in self.given)), chosen.eq(0),
                         wanted.eq(self.given_about.keep), left.eq(digits(config) - 1)]
        m.d.comb += self.mask.eq(chosen)
        return m

    def _magnitude(self, element: Value) -> Value:
        """What is compared; the least INT8 number has 128."""
        if self.config.data_type == "fp16":
            return element[:15]
        return Mux(element[7], (~element + 1)[:8], element)

    def _planes(self, m: Module, left: Value) -> list[Value]:
        """The digit at hand of all magnitudes, bit by bit: *bit planes*, one bit of each element; ``left``: digits
        behind it.
        """
        width, length, bits = self.config.digit_bits, self.config.length, MAGNITUDE_BITS[self.config.data_type]
        sizes = Signal(ArrayLayout(bits, length))
        m.d.comb += [sizes[i].eq(self._magnitude(element)) for i, element in enumerate(self.vector)]
        planes = [Cat(sizes[i][bit] for i in range(length)) if bit < bits else Const(0, length)
                  for bit in range(width * digits(self.config))]
        found = []
        for bit in range(width):
            plane = Signal(length, name=f"plane{bit}")
            m.d.comb += plane.eq(Array(planes[bit::width])[left])
            found.append(plane)
        return found

    def _compare(self, m: Module, left: Value, candidates: Value, chosen: Value, wanted: Value) -> None:
        """One digit."""
        planes = self._planes(m, left)
        enough: list[Value] = []    # by value from the largest on: whether enough candidates reach it
        above: Value = Const(0, 1)  # candidates above the threshold's digit
        for value in reversed(range(1, 1 << len(planes))):
            larger, equal = _against(planes, Const(value, len(planes)))
            reach = Signal(self.config.length, name=f"reach{value}")
            m.d.comb += reach.eq(candidates & (larger | equal))
            number, reached = ones(m, reach, f"reach{value}_count"), Signal(name=f"enough{value}")
            m.d.comb += reached.eq(number >= wanted)
            above = Mux(reached, above, number)
            enough.append(reached)
        threshold = ones(m, enough, "threshold")  # of the values from 1 on, the lowest ones are reached
        larger, equal = _against(planes, threshold)
        m.d.sync += [chosen.eq(chosen | (candidates & larger)), candidates.eq(candidates & equal),
                     wanted.eq(wanted - above)]

    def _mark(self, m: Module, candidates: Value, chosen: Value, wanted: Value) -> None:
        """One tile."""
        config, tile = self.config, Signal(range(max(self.config.most_tiles, 2)))
        beyond = Const(0, config.most_tiles * config.tile - config.length)
        bits, alike = (Signal(config.tile, name=name) for name in ("bits", "alike"))
        marked = Signal(config.tile)
        m.d.comb += [bits.eq(Cat(chosen, beyond).word_select(tile, config.tile)),
                     alike.eq(Cat(candidates, beyond).word_select(tile, config.tile))]
        before = prefix_counts(m, list(alike), "alike_before")
        m.d.comb += [marked.eq(bits | Cat(alike[i] & (before[i] < wanted) for i in range(config.tile))),
                     self.final.eq(self.mark & (tile + 1 == self.about.tiles))]
        for number in range(config.most_tiles):
            begin = number * config.tile
            with m.If(tile == number):
                m.d.sync += chosen[begin:begin + config.tile].eq(marked)
        m.d.sync += [wanted.eq(Mux(before[-1] >= wanted, 0, wanted - before[-1])),
                     tile.eq(Mux(self.final, 0, tile + 1))]
        self._tell(m, marked, tile)

    def _tell(self, m: Module, marked: Value, tile: Value) -> None:
        """Bitmap, record and header; offsets count on over a batch."""
        config, about = self.config, self.about
        count, base = ones(m, marked, "count"), Signal(32)
        before, values = Signal(layouts.stored(config)), Signal(layouts.stored(config))
        start = Mux(about.first & (tile == 0), 0, base)
        m.d.comb += [
            values.eq(before + count + filling(count, config.pad)),
            self.bitmap.eq(Cat(reversed(marked))), self.record.count.eq(count), self.record.nan.eq(about.nan),
            self.record.offset.eq(start + before), self.record.end.eq(self.final),
            self.record.last.eq(self.final & about.last), self.header.tile.eq(config.tile),
            self.header.elements.eq(about.elements), self.header.rows.eq(1), self.header.values.eq(values)]
        m.d.sync += [before.eq(values), base.eq(start)]
        with m.If(self.final):
            m.d.sync += [before.eq(0), base.eq(start + values + filling(values, config.beat_values)),
                         self.values.eq(values)]
