"""Pruner and decoder in one device: what was kept comes back, in the cycles of their joined models."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.config import DecoderConfig
from hwsim.bitmap_decoder.decoder import DecoderJob, decode, decoder_network
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.model import pruner_network
from hwsim.bitmap_decoder.pruner.reference import pruned
from hwsim.bitmap_decoder.pruner.vectors import Batch
from hwsim.network import Network
from hwsim.network.deadlock import Deadlock
from hwsim.network.embed import embed
from rtl.bench import Stimulus, build_bench
from rtl.bitmap_decoder import layouts
from rtl.bitmap_decoder.cases import draw_elements
from rtl.bitmap_decoder.decoder import BitmapDecoder
from rtl.bitmap_decoder.pruner import layouts as pruner_layouts
from rtl.bitmap_decoder.pruner.cases import pruner_case
from rtl.bitmap_decoder.pruner.pruner import BitmapPruner
from rtl.bitmap_decoder.tokens import dense_tokens
from rtl.parts.stop import FAULT
from rtl.verify.draw import draw_stall
from rtl.verify.family import Case
from rtl.verify.run import run_cases

PORTS = ("p", "i", "c", "o")
SMALL = {"tile": 8, "pad": 2, "beat_values": 4, "data_type": "int8"}


class RoundTrip(wiring.Component):
    """A decoder at the ports h, b and v of a pruner; nothing between. ``error``: the decoder's."""

    def __init__(self, pruner, decoder):
        self.pruner, self.decoder = pruner, decoder
        super().__init__({
            "p": In(stream.Signature(pruner_layouts.descriptor(pruner))),
            "i": In(stream.Signature(pruner_layouts.input_beat(pruner))),
            "c": Out(stream.Signature(pruner_layouts.record(pruner))),
            "o": Out(stream.Signature(layouts.dense_beat(decoder))), "error": Out(stream.Signature(FAULT))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.pruner = pruner = BitmapPruner(self.pruner)
        m.submodules.decoder = decoder = BitmapDecoder(self.decoder)
        for name in "hbv":
            wiring.connect(m, getattr(pruner, name), getattr(decoder, name))
        for name in "pi":
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(pruner, name))
        for inner, port in ((pruner.c, self.c), (decoder.o, self.o), (decoder.error, self.error)):
            wiring.connect(m, inner, wiring.flipped(port))
        return m


def round_trip_case(batches, decoder, gates):
    """Vectors in, the same vectors without what was pruned out; times by the two models, joined at h, b and v."""
    jobs = [DecoderJob(config=decoder, dense=job.dense, kept=job.kept) for batch in batches for job in pruned(batch)]
    net = Network("round trip")
    sides = {name: name for name in "picohbv"}
    embed(net, pruner_network(batches, gates, gates), "pruner", sides)
    embed(net, decoder_network(jobs, None, gates), "decoder", sides)
    timeline = net.solve()
    alone = pruner_case(batches)
    value = {"c": alone.value["c"], "error": [],
             "o": [token for job in jobs for token in dense_tokens(decoder.element_bits, decode(job))]}
    cycle = {port: timeline.start[port] for port in PORTS}
    cycles = max(int(each[-1]) for each in cycle.values()) + 1
    stimulus = Stimulus(tokens=alone.stimulus.tokens, expect={port: len(each) for port, each in value.items()},
                        limit=cycles, offer={port: gates[port] for port in "pi"},
                        ready={port: gates[port] for port in "co"})
    return Case(described={}, stimulus=stimulus, value=value, cycles=cycles, timeline=timeline,
                cycle={**cycle, "error": np.zeros(0, np.int64)})


def draw(config, decoder, rng, stalled):
    batches = []
    for _ in range(int(rng.integers(1, 4))):
        elements = int(rng.integers(1, config.length + 1))
        kind = str(rng.choice(["any", "small", "special"]))
        count = int(rng.integers(1, 2 * config.tile if config.side == "keys" else 4))
        vectors = draw_elements(kind, config, (count, elements), rng)
        batches.append(Batch(config=config, vectors=vectors, keep=int(rng.integers(0, elements + 1))))
    gates = {port: draw_stall(float(rng.choice([0, 0.4, 0.8])) if stalled else 0, 4000, rng) for port in PORTS}
    return round_trip_case(batches, decoder, gates)


def check(fields, pruner_fields, decoder_fields, seed, cases, transfers):
    print(f"seed {seed}")
    pruner, decoder = PrunerConfig(**fields, **pruner_fields), DecoderConfig(**fields, **decoder_fields)
    bench = build_bench(lambda: RoundTrip(pruner, decoder), engine="amaranth", name="round_trip")
    rng = np.random.default_rng(seed)
    compared = run_cases(bench, [draw(pruner, decoder, rng, number > 0) for number in range(cases)])
    for comparison in compared:
        assert comparison.equal, comparison
    assert sum(comparison.transfers for comparison in compared) > transfers


def test_what_was_kept_comes_back():
    check(SMALL, {"lanes": 4, "length": 20}, {"lanes": 4}, 1, 3, 60)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_one_place_in_every_queue_is_enough(seed):
    """The header never waits for bitmaps to be taken, so the smallest queues do not lock up."""
    least = {"b_slots": 4, "o_depth": 1, "p_slots": 1, "buffer_beats": 2}
    check(SMALL, {"lanes": 4, "length": 30, **least}, {"lanes": 2, "b_slots": 1, "o_depth": 1}, seed, 8, 400)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_fp16_with_ragged_chunks(seed):
    fields = {"tile": 13, "pad": 3, "beat_values": 6}
    check(fields, {"lanes": 5, "length": 40}, {"lanes": 4}, seed, 8, 400)


def test_wider_beats_and_empty_channels_lock_up_a_decoder_with_small_queues():
    """The first channel fills half a beat, which stays until the last fills the rest; between are fourteen bitmaps."""
    vectors = np.zeros((8, 16), np.int8)
    vectors[:4, 0], vectors[:, 15] = 1, 1
    gates, ends = {port: np.ones(0, bool) for port in PORTS}, {}
    for beat, slots in ((4, 1), (8, 1), (8, 16)):
        fields = {"tile": 8, "pad": 4, "beat_values": beat, "data_type": "int8", "b_slots": slots}
        decoder = DecoderConfig(**fields, lanes=4)
        batch = Batch(config=PrunerConfig(**fields, lanes=4, length=16, side="keys"), vectors=vectors, keep=16)
        try:
            ends[beat, slots] = round_trip_case([batch], decoder, gates).cycles > 0
        except Deadlock:
            ends[beat, slots] = False
    assert ends == {(4, 1): True, (8, 1): False, (8, 16): True}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_keys_come_back_channel_by_channel(seed):
    """With beats that hold a filling each tile ends its beat, so that here too the smallest queues do not lock up."""
    fields = {"tile": 8, "pad": 4, "beat_values": 4, "data_type": "int8"}
    least = {"b_slots": 1, "o_depth": 1, "p_slots": 1, "buffer_beats": 2, "side": "keys"}
    check(fields, {"lanes": 4, "length": 11, **least}, {"lanes": 3, "b_slots": 1, "o_depth": 1}, seed, 6, 400)
