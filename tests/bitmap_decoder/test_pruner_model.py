"""Times of the pruner by its cycle model: rates, latencies, room; its configurations and its account."""

from pathlib import Path

import numpy as np
import pytest

from hwsim.bitmap_decoder.components import AnyComponent
from hwsim.bitmap_decoder.pruner import timing
from hwsim.bitmap_decoder.pruner.account import pruner_counts
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.model import pruner_network
from hwsim.bitmap_decoder.pruner.vectors import Batch
from hwsim.energy import EnergyTree
from hwsim.errors import InputError
from rtl.bitmap_decoder.pruner.cases import draw_pruner_case, draw_pruner_configuration


def times(config, elements, count, keep=None, **ready):
    vectors = np.ones((count, elements), np.uint16 if config.data_type == "fp16" else np.int8)
    batch = Batch(config=config, vectors=vectors, keep=elements // 2 if keep is None else keep)
    return pruner_network([batch], ready=ready).solve().start


@pytest.mark.parametrize(("name", "cycles"), [("mustafar-8", 16), ("mustafar-8-small", 18), ("mustafar-16", 8),
                                              ("int8-small", 11)])
def test_the_rate_that_is_said(name, cycles):
    config = PrunerConfig.preset(name)
    assert timing.interval(config, config.length) == cycles
    for keep in (config.length // 3, config.length):
        start = times(config, config.length, 12, keep)
        assert np.diff(start["h"])[3:].tolist() == [cycles] * 8
        if config.length // config.lanes == cycles:
            assert (np.diff(start["i"]) == 1).all()


def test_narrow_beats_of_values_limit_the_rate():
    config = PrunerConfig(pad=4, beat_values=4)
    assert np.diff(times(config, 128, 12, 128)["h"])[6:].tolist() == [32] * 5
    assert timing.interval(config, 128) == 16


def test_a_token_by_hand():
    """Descriptor at 0, queue 1, start, beats 2 to 17, move 18, eight digits, tiles marked in 27 and 28, pass 29, chunks
    from 30 on: two full ones make a beat each.
    """
    start = times(PrunerConfig(), 128, 1, 128)
    assert start["i"].tolist() == list(range(2, 18)) and start["h"].tolist() == [30]
    assert start["b"].tolist() == start["c"].tolist() == [29, 30]
    assert start["v"].tolist() == [30 + 3 + k for k in range(16)]


@pytest.mark.parametrize("name", PrunerConfig.presets)
@pytest.mark.parametrize("share", [1, 2, 5])
def test_the_latencies_that_are_said(name, share):
    config = PrunerConfig.preset(name)
    elements = -(-config.length // share)
    start = times(config, elements, 1, elements)
    last = start["i"][-1]
    found = {port: start[port][0] - last for port in "hbcv"}
    complete = -(-config.beat_values // config.lanes) - 1  # chunks before the one that completes the first beat
    said = timing.latency(config, elements)
    assert found == {**said, "v": said["v"] + complete}


def test_a_new_batch_follows_without_a_gap():
    config = PrunerConfig()
    batches = [Batch(config=config, vectors=np.ones((1, 128), np.uint16), keep=keep) for keep in (3, 100, 0, 64)]
    start = pruner_network(batches).solve().start
    assert (np.diff(start["i"]) == 1).all()


def test_sinks_that_wait_hold_back_whole_vectors():
    """Headers: room for two; the third vector waits complete, the fourth's beats do not come."""
    start = times(PrunerConfig(), 128, 5, h=np.zeros(300, bool))
    assert start["h"][:2].tolist() == [300, 301] and (np.diff(start["i"][:48]) == 1).all()
    assert start["i"][48] > 300
    start = times(PrunerConfig(), 128, 5, v=np.zeros(300, bool))
    assert start["v"][0] == 300 and start["b"][2] < 300 < start["i"][-1]


def test_with_the_depth_that_is_said_packing_never_waits_for_the_buffer():
    rng, seen = np.random.default_rng(7), 0
    for _ in range(70):
        tile, pad = int(rng.choice([8, 9, 13, 32])), int(rng.integers(1, 9))
        lanes, beat = int(rng.integers(1, tile + 1)), pad * int(rng.integers(1, 6))
        if beat < lanes or -(-tile // pad) * pad > beat * -(-tile // lanes):
            continue
        seen += 1
        config = PrunerConfig(tile=tile, pad=pad, lanes=lanes, beat_values=beat, digit_bits=4, data_type="int8",
                              length=96, buffer_beats=64, b_slots=64, o_depth=16)
        vectors = (rng.random((4, 96)) < rng.choice([0.5, 0.9, 1])).astype(np.int8)
        depths = (64, config.full_rate_beats)
        steps = [pruner_network([Batch(config=PrunerConfig(**{**config.to_mapping(), "buffer_beats": depth}),
                                       vectors=vectors, keep=96)]).solve().start["step"] for depth in depths]
        assert (steps[0] == steps[1]).all()
    assert seen > 15


@pytest.mark.parametrize("fields", [
    {"lanes": 0}, {"lanes": 65}, {"length": 0}, {"length": 257}, {"digit_bits": 0}, {"digit_bits": 5}, {"p_slots": 0},
    {"b_slots": 1}, {"buffer_beats": 1}, {"o_depth": 0}, {"beat_values": 12}, {"data_type": "bf16"}, {"cols": 1}])
def test_what_cannot_be_built_is_refused(fields):
    with pytest.raises(InputError):
        AnyComponent.from_mapping({"component": "pruner", **fields})


@pytest.mark.parametrize("name", PrunerConfig.presets)
def test_presets_are_written_and_read_back(name):
    config = PrunerConfig.preset(name)
    assert AnyComponent.from_mapping(config.to_mapping()) == config and config.buffer_beats >= config.full_rate_beats


@pytest.mark.parametrize("settings", [
    {"density": 2}, {"density": "half"}, {"elements": 200}, {"rows": 0}, {"jobs": 1.5}, {"values": "odd"},
    {"stalls": {"o": 0.1}}])
def test_what_no_case_can_have_is_refused(settings):
    with pytest.raises(InputError):
        draw_pruner_case(PrunerConfig(), settings, np.random.default_rng(1))


def test_settings_fix_and_draw():
    drawn = [draw_pruner_configuration({}, np.random.default_rng(seed)) for seed in range(100)]
    assert {config.digit_bits for config in drawn} == {1, 2, 3, 4} and {c.data_type for c in drawn} == {"fp16", "int8"}
    assert any(config.buffer_beats == config.least_beats for config in drawn)
    assert any(config.length % config.lanes and config.tile % config.lanes for config in drawn)
    fixed = draw_pruner_configuration({"preset": "int8-small", "lanes": 2, "rows": 3}, np.random.default_rng(1))
    assert fixed == PrunerConfig.preset("int8-small", lanes=2)


def test_the_account_by_hand():
    """One vector of 6 of 8 places, lanes of 4, INT8: 2 beats, 4 digits of 2 bits, 1 tile, 2 chunks, 1 value beat."""
    config = PrunerConfig(tile=8, pad=4, data_type="int8", beat_values=4, buffer_beats=4, lanes=4, length=8)
    counts = pruner_counts([Batch(config=config, vectors=np.arange(6, dtype=np.int8)[None], keep=3)])
    found = {(each.component, each.action): each.count for each in counts}
    assert found["intake", "write"] == (8 + 4) * 8
    assert found["selection", "write"] == 8 * 10 + 4 * 2 * 8
    assert found["selection", "compare"] == 4 * 3 * 8 * 2 and found["selection", "count ones"] == 4 * 3 * 8 / 8
    assert found["marking", "count ones"] == 3 * 4 + 1
    assert found["packing", "write"] == 8 * 9 and found["packing", "write chunk"] == 2 * 4 * 17
    assert found["packing", "compact"] == 2 * 10 * 8
    assert found["values", "rotate"] == 2 * 4 * 16 * 10 and found["values", "write"] == 4 * 8
    assert found["headers", "write"] == 72 and found["bitmaps", "read"] == 8 and found["records", "read"] == 39
    assert EnergyTree.of(counts).total > 0


def test_the_table_of_the_documentation():
    lines = (Path(__file__).parents[2] / "docs" / "bitmap_decoder.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    found = {row[0]: [int(cell) for cell in row[1:]] for row in rows
             if row[0] in PrunerConfig.presets and len(row) == 6}
    said = {}
    for name in PrunerConfig.presets:
        config = PrunerConfig.preset(name)
        latency = timing.latency(config, config.length)
        said[name] = [timing.interval(config, config.length), -(-config.length // config.lanes), latency["b"],
                      latency["h"], latency["v"]]
    assert found == said
