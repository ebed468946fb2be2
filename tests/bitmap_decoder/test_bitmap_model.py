"""Times by the cycle models: rates, latencies by hand, and cycles that follow the non-zeros."""

import time

import numpy as np
import pytest

from hwsim.bitmap_decoder import timing
from hwsim.bitmap_decoder.config import DecoderConfig, DotConfig
from hwsim.bitmap_decoder.decoder import DecoderJob, decoder_network
from hwsim.bitmap_decoder.dot_model import dot_network
from hwsim.bitmap_decoder.jobs import DotJob
from hwsim.bitmap_decoder.spmm import Spmm
from rtl.bitmap_decoder.cases import DENSITIES, draw_kept


def decoder_job(config, kept):
    return DecoderJob(config=config, dense=np.ones(kept.shape, np.int8), kept=kept)


def dot_job(config, kept):
    return DotJob(config=config, dense=np.ones(kept.shape, np.int8), kept=kept,
                  x=np.ones((kept.shape[1], config.cols), np.int8))


def full_rate(rng):
    """A decoder of any shape whose buffer holds as many beats as the configuration says a full rate takes."""
    tile, pad = int(rng.integers(8, 129)), int(rng.integers(1, 9))
    lanes = int(rng.integers(1, min(tile, 16) + 1))
    beat = pad * (-(-lanes // pad) + int(rng.integers(2)))
    roomy = DecoderConfig(tile=tile, pad=pad, lanes=lanes, beat_values=beat, buffer_beats=64, b_slots=2, o_depth=4,
                          data_type="int8")
    return roomy.replace(buffer_beats=roomy.full_rate_beats)


def test_the_decoder_gives_all_lanes_in_every_cycle_when_values_keep_up():
    """Whatever the bitmaps: one beat a cycle from the first to the last; with a beat less in the buffer, not always."""
    waits = 0
    for seed in range(120):
        rng = np.random.default_rng([11, seed])
        config = full_rate(rng)
        kept, _ = draw_kept((3, config.tile * 2 - int(rng.integers(config.tile))), config.tile, {}, rng)
        start = decoder_network([decoder_job(config, kept)]).solve().start["o"]
        assert (np.diff(start) == 1).all(), (seed, config)
        if config.full_rate_beats > config.least_beats:
            short = config.replace(buffer_beats=config.full_rate_beats - 1)
            waits += (np.diff(decoder_network([decoder_job(short, kept)]).solve().start["o"]) > 1).any()
    assert waits > 5


def test_lanes_that_divide_the_tile_are_all_used():
    config = DecoderConfig(tile=64, lanes=8, beat_values=8, data_type="int8")
    kept = np.random.default_rng(1).random((20, 128)) < 0.5
    assert decoder_network([decoder_job(config, kept)]).solve().cycles == kept.size // config.lanes + 5


def test_latencies_of_the_decoder_by_hand():
    """h at 0; v and scan 1 later; step 2; select and queue 3 more."""
    config = DecoderConfig(tile=8, lanes=4, pad=1, beat_values=4, buffer_beats=2, data_type="int8")
    start = decoder_network([decoder_job(config, np.ones((1, 8), bool))] * 2).solve().start
    assert {port: start[port][:2].tolist() for port in "hbvo"} == {"h": [0, 4], "b": [0, 1], "v": [1, 2], "o": [5, 6]}
    assert start["o"][2] == start["h"][1] + 5


@pytest.mark.parametrize("beat", [1, 2, 4])
def test_few_values_a_cycle_make_the_decoder_wait(beat):
    config = DecoderConfig(tile=16, lanes=8, pad=1, beat_values=beat, buffer_beats=16, data_type="int8")
    cycles = decoder_network([decoder_job(config, np.ones((8, 16), bool))]).solve().cycles
    assert 128 // beat <= cycles <= 128 // beat + 8


def test_an_empty_tile_takes_no_values():
    config = DecoderConfig(tile=8, lanes=4, data_type="int8")
    job = decoder_job(config, np.zeros((3, 8), bool))
    assert job.beats == 0 and len(decoder_network([job]).solve().start["o"]) == 6


@pytest.mark.parametrize("macs", [1, 2, 4, 8])
def test_cycles_of_the_dot_product_follow_the_non_zeros(macs):
    """39 of 128 kept in each row, as Mustafar does at 70 %: at least 3 times faster than the same device when dense."""
    rng = np.random.default_rng(macs)
    config = DotConfig(tile=64, pad=8, beat_values=16, buffer_beats=4, macs=macs, x_depth=128, data_type="int8")
    kept = np.argsort(rng.random((1024, 128)), axis=1) < 128 - int(128 * 0.7)
    sparse, dense = (dot_network([dot_job(config, each)]).solve() for each in (kept, np.ones_like(kept)))
    assert kept.sum() / kept.size == 39 / 128
    assert dense.cycles / sparse.cycles >= 3
    assert sparse.stalls("step").busy == 1024 * -(-39 // macs)


@pytest.mark.parametrize("density", DENSITIES)
def test_steps_are_bounded_by_non_zeros_and_tiles(density):
    rng = np.random.default_rng(3)
    config = DotConfig(tile=16, pad=1, macs=4, x_depth=128, beat_values=8, data_type="int8")
    kept = rng.random((64, 112)) < density
    timeline = dot_network([dot_job(config, kept)]).solve()
    least = max(int((-(-kept.sum(1) // 4)).sum()), 64 * 7)
    assert least <= len(timeline.start["step"]) <= kept.sum() // 4 + 64 * 7
    assert timeline.cycles <= len(timeline.start["step"]) + 112 + timing.dot(config) + 64


def test_the_next_operand_comes_while_one_is_used():
    config = DotConfig(tile=16, pad=1, macs=1, x_depth=64, beat_values=4, data_type="int8")
    jobs = [dot_job(config, np.ones((4, 64), bool))] * 4
    start = dot_network(jobs).solve().start
    ends = start["step"][255::256]
    assert start["x"][64] == 64 and start["x"][127] < ends[0] < start["x"][128] == ends[0] + 1
    assert (start["step"][256::256] - ends[:-1] <= 5).all()


def test_spmm_of_256_with_80_percent_zeros_on_256_multipliers_in_less_than_a_second():
    rng = np.random.default_rng(0)
    a = (rng.integers(1, 128, (256, 256)) * (rng.random((256, 256)) < 0.2)).astype(np.int8)
    x = rng.integers(-128, 128, (256, 256)).astype(np.int8)
    config = DotConfig.preset("spmm-256")
    assert config.macs * config.cols == 256
    assert Spmm(config, a[:2], x).cycles  # compiled
    begun = time.process_time()
    product = Spmm(config, a, x)
    z, cycles = product.z, product.cycles
    assert time.process_time() - begun < 1
    assert (z == a.astype(np.int64) @ x).all()
    ideal = np.count_nonzero(a)  # times 256 columns over 256 multipliers
    steps = 4 * int((-(-np.count_nonzero(a, axis=1) // 4)).sum())  # rows begin anew
    assert ideal < cycles < steps + 256 + 64 and product.utilization > 0.95
