"""Times of the dequantiser by its cycle model: latencies by hand, rates by the width of the weights, room."""

import numpy as np
import pytest

from hwsim.dsp_chain.dequant import timing
from hwsim.dsp_chain.dequant.config import WIDTHS, DequantConfig
from hwsim.dsp_chain.dequant.model import dequant_network
from hwsim.dsp_chain.dequant.tensor import pack
from hwsim.errors import InputError


def tensor(config, width, weights):
    groups = -(-weights // config.group)
    return pack(config, width, np.zeros(weights, int), np.ones(groups), np.zeros(groups))


def starts(tensors, **stalls):
    timeline = dequant_network(tensors, **stalls).solve()
    return {port: start.tolist() for port, start in timeline.start.items()}


def test_latencies_by_hand():
    """h at 0, load 1, words from 2 on; a beat's last word, a step later, 7 more to the port.

    8 lanes of 3 bits take 24 bits: words of 16 bits end the beats at words 1, 2, 4.
    """
    start = starts([tensor(DequantConfig(word=16, lanes=8, group=8, buffer_words=6), 3, 24)])
    assert start["h"] == [0] and start["load"] == [1] and start["w"] == [2, 3, 4, 5, 6]
    assert start["start"] == [2] and start["step"] == [4, 5, 7] and start["o"] == [11, 12, 14]
    assert start["s"] == [0, 1, 5] and timing.LATENCY == 7  # two slots: the third after the first step


def test_words_of_the_next_tensor_follow_at_once():
    config = DequantConfig(word=16, lanes=4, group=8, buffer_words=6)
    start = starts([tensor(config, 4, 12), tensor(config, 8, 6), tensor(config, 2, 5)])
    assert np.diff(start["w"]).tolist() == [1] * 6  # 3, 3 and 1 words
    assert start["step"] == [3, 4, 5, 7, 8, 9, 10]  # the second one's first beat needs two words


def full_rate(rng):
    """A dequantiser of any shape with room as the configuration says it takes."""
    word, lanes = 1 << int(rng.integers(3, 9)), 1 << int(rng.integers(0, 6))
    roomy = DequantConfig(word=word, lanes=lanes, group=4 * lanes, buffer_words=256, h_slots=4, s_slots=4,
                          o_depth=timing.FULL_RATE_DEPTH)
    return roomy.replace(buffer_words=max(roomy.full_rate_words, roomy.least_words))


@pytest.mark.parametrize("width", WIDTHS)
def test_words_or_beats_come_every_cycle(width):
    """Whichever is the narrower side never waits, with the room that is said; with less in the gearbox, some wait."""
    waits = 0
    for seed in range(25):
        config = full_rate(np.random.default_rng([width, seed]))
        narrow = "w" if config.word < config.lanes * width else "o"
        for less in (0, 1):
            words = config.buffer_words - less
            if words < config.least_words:
                continue
            given = tensor(config.replace(buffer_words=words), width, 60 * config.lanes)
            steady = np.diff(starts([given])[narrow][8:-8])
            assert less or (steady == 1).all(), (width, seed)
            waits += (steady > 1).any()
    assert waits > 1 or width < 8  # sized for the widest weights


def test_small_result_queues_slow_the_device_down():
    for depth, rate in ((timing.FULL_RATE_DEPTH, True), (timing.FULL_RATE_DEPTH - 1, False)):
        config = DequantConfig(word=64, lanes=8, group=32, o_depth=depth)
        start = starts([tensor(config, 4, 320)])
        assert (np.diff(start["o"]) == 1).all() == rate


def test_a_sink_that_stalls_stops_everything_behind_it():
    config = DequantConfig(word=16, lanes=4, group=4, buffer_words=3, o_depth=2, s_slots=1)
    start = starts([tensor(config, 4, 40)], ready=np.zeros(100, bool))
    assert start["o"][:3] == [100, 101, 108] and start["step"][:3] == [3, 5, 101]
    assert sum(cycle < 100 for cycle in start["w"]) == 2 + 3 and sum(cycle < 100 for cycle in start["s"]) == 3


def test_tensors_of_different_units_and_none_at_all_are_refused():
    for tensors in ([tensor(DequantConfig(lanes=lanes), 4, 8) for lanes in (8, 16)], []):
        with pytest.raises(InputError, match="tensors"):
            dequant_network(tensors)
