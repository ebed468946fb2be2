"""Times of attention by its cycle model: counted by hand, zeros skipped, accumulators that are in use."""

import numpy as np
import pytest
from attention_cases import TINY, block_of, normal, query_over

from hwsim.bitmap_decoder.attention import timing
from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.attention.model import attention_network
from hwsim.bitmap_decoder.attention.query import Block, Query
from hwsim.bitmap_decoder.attention.steps import steps_of
from hwsim.errors import InputError


def solved(*queries, **gates):
    return attention_network(queries, **gates).solve()


def test_one_dense_block_by_hand():
    """h at 0, tile at hand from 2 on, values from 1 on a beat a cycle: 4 steps a tile of 8, two values a step."""
    config = TINY.replace(beat_values=8, buffer_beats=8)
    start = solved(query_over(config, [8], np.random.default_rng(0))).start
    assert start["h"].tolist() == [0] and start["q"].tolist() == [0] and len(start["b"]) == 0
    assert start["v"][0] == 1 and start["load"][0] == 1 and start["step"][:32].tolist() == list(range(2, 34))
    # scores: select 1, product 1, sum 1, accumulator 1; scan 8 + 1; subtract 1, 2^x 3, decay 1; sums 8 + 1; ready 1
    values = 33 + 4 + 9 + 5 + 9 + 1
    assert start["step"][32:].tolist() == list(range(values, values + 32))
    first = max(values + 27, values + 31 + 4)
    assert start["s"].tolist() == [first + 1]
    assert start["out"].tolist() == list(range(first, first + 8))[:4] + (first + 5 + np.arange(4)).tolist()
    assert start["o"].tolist() == (start["out"] + 1 + 1 + 2).tolist()


def test_the_next_query_waits_for_results_and_for_the_summary():
    rng = np.random.default_rng(1)
    queries = query_over(TINY, [3, 8], rng, 0.5), query_over(TINY, [8], rng, 0.5)
    start = solved(*queries).start
    assert start["h"][1] == start["step"][steps_of(queries).last_of_job[0]] + 1
    assert start["h"][2] == start["out"][7] + 1 > start["s"][0] + 1
    late = solved(*queries, ready={"s": np.arange(3000) >= 2000}).start
    assert late["s"].tolist()[0] == 2000 and late["h"][2] == 2001


def test_the_next_query_comes_when_the_last_keys_are_done():
    rng = np.random.default_rng(2)
    queries = query_over(TINY, [8, 8], rng), query_over(TINY, [8], rng)
    start = solved(*queries).start
    assert start["q"][:2].tolist() == [0, 1] and start["q"][2] == start["step"][steps_of(queries).last_of_keys[1]] + 1


def slow_steps(query):
    """(tile, non-zeros, accumulators) of each step, by lists."""
    config, found = query.config, []
    for block in query.blocks:
        for number, bits in enumerate(block.bitmaps):
            base = 0 if number < config.channels else config.tile * (1 + (number - config.channels) % config.segments)
            places = [base + int(place) for place in np.flatnonzero(bits)]
            parts = [places[i:i + config.macs] for i in range(0, len(places), config.macs)] or [[]]
            found += [(number, part) for part in parts]
    return found


@pytest.mark.parametrize("seed", range(6))
def test_steps_and_conflicts_against_lists(seed):
    print("seed", seed)
    rng = np.random.default_rng(seed)
    config = TINY.replace(macs=int(rng.choice([1, 2, 3, 8])), channels=16)
    query = query_over(config, rng.integers(1, 9, 2), rng, density=rng.choice([0.0, 0.2, 0.7, 1]))
    steps, wanted = steps_of([query]), slow_steps(query)
    assert steps.macs.tolist() == [len(places) for _, places in wanted]
    for k, (_, places) in enumerate(wanted):
        earlier = [j for j in range(k) if set(wanted[j][1]) & set(places)]
        assert steps.before[k] == max(earlier, default=-1)
    assert steps.taken.sum() == sum(len(block.stored) for block in query.blocks)


def test_zeros_take_no_time():
    rng = np.random.default_rng(3)
    config, cycles = AttentionConfig(), {}
    fixed = 2 * timing.softmax(config, 64) + config.channels
    for density in (1, 0.5, 0.3):
        query = query_over(config, [64, 64], rng, density)
        timeline = solved(query)
        counts = np.concatenate([block.counts for block in query.blocks])
        cycles[density], steps = timeline.cycles, timeline.stalls("step").busy
        assert steps == np.maximum(-(-counts // 4), 1).sum() and fixed < timeline.cycles - steps < fixed + 40
    assert cycles[1] > 1.75 * cycles[0.5] and cycles[0.5] > 1.35 * cycles[0.3]


def test_an_accumulator_in_use_shows_as_a_stall():
    """Tiles with one element each, all the same token: each sum waits for the one before."""
    rng = np.random.default_rng(4)
    kept = np.zeros((8, 8), bool)
    kept[5] = True
    steps = {}
    for stages in (0, 2, 4):
        config = TINY.replace(sum_stages=stages)
        block = Block(config=config, keys=normal((8, 8), rng), values=normal((8, 8), rng), kept=(kept, kept.T))
        start = solved(Query(config=config, query=normal(8, rng), blocks=[block])).start["step"]
        steps[stages] = np.diff(start[:8])
    assert {stages: set(gaps.tolist()) for stages, gaps in steps.items()} == {0: {1}, 2: {3}, 4: {5}}


@pytest.mark.parametrize("tokens", [1, 5, 8])
@pytest.mark.parametrize("channels", [8, 16])
def test_the_softmax_takes_as_long_as_it_says(tokens, channels):
    config = TINY.replace(channels=channels)
    query = query_over(config, [tokens], np.random.default_rng(5), 0.5)
    start, steps = solved(query).start["step"], steps_of([query])
    gap = start[steps.last_of_keys[0] + 1] - start[steps.last_of_keys[0]]
    assert gap == timing.softmax(config, tokens) == 4 + (tokens + 1) + 5 + 1 + max(tokens, channels) + 1


def test_queries_of_one_component():
    rng = np.random.default_rng(6)
    with pytest.raises(InputError) as error:
        attention_network([])
    assert error.value.place == "queries"
    other = Query(config=TINY.replace(macs=1), query=normal(8, rng), blocks=[block_of(TINY.replace(macs=1), 8, rng)])
    with pytest.raises(InputError):
        attention_network([query_over(TINY, [8], rng), other])
