"""Scores and sums: the FP32 accumulators, and the adders of the lanes."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from rtl.float import FloatAdd
from rtl.parts.registers import chain, delayed


def words(config: AttentionConfig) -> int:
    """Accumulators: a score for each token of a block, then a sum for each channel."""
    return config.tile + config.channels


class Accumulators(wiring.Component):
    """Add each lane's product to the accumulator at its place: read in the cycle of the product, written
    ``sum_stages`` + 1 cycles later. Lanes never share a place, and nobody adds to a place before it is written.

    Beside the lanes: one reader of scores, one of sums, one writer; ``clear_scores`` and ``clear_sums`` set to +0.
    """

    def __init__(self, config: AttentionConfig):
        self.config = config
        place = unsigned((words(config) - 1).bit_length())
        super().__init__({
            "valid": In(config.macs), "places": In(ArrayLayout(place, config.macs)),
            "products": In(ArrayLayout(unsigned(32), config.macs)), "score_at": In(range(config.tile)),
            "score": Out(32), "sum_at": In(range(config.channels)), "sum": Out(32), "write": In(1),
            "write_at": In(place), "data": In(32), "clear_scores": In(1), "clear_sums": In(1)})

    def elaborate(self, platform: object) -> Module:
        """Build registers, multiplexers and adders."""
        m, config = Module(), self.config
        held = [Signal(32, name=f"word{i}") for i in range(words(config))]
        store, stages = Array(held), config.sum_stages
        m.d.comb += [self.score.eq(Array(held[:config.tile])[self.score_at]),
                     self.sum.eq(Array(held[config.tile:])[self.sum_at])]
        valid, places = chain(m, Cat(self.valid), 2, stages, "valid")[-1], delayed(m, self.places, "places", stages)
        writers: list[tuple[Value, Value, Value]] = [(self.write, self.write_at, self.data)]
        for lane in range(config.macs):
            m.submodules[f"add{lane}"] = add = FloatAdd(stages)
            m.d.comb += [add.a.eq(store[self.places[lane]]), add.b.eq(self.products[lane])]
            writers.append((valid[lane], places[lane], add.z))
        for number, word in enumerate(held):
            for enable, at, data in writers:
                with m.If(enable & (at == number)):
                    m.d.sync += word.eq(data)
            with m.If(self.clear_scores if number < config.tile else self.clear_sums):
                m.d.sync += word.eq(0)
        return m
