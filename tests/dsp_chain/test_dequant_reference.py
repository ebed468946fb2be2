"""Values of the dequantiser: packing by hand, every product and shift against exact fractions, scales, bad input."""

from fractions import Fraction

import numpy as np
import pytest

from hwsim.dsp_chain.dequant.account import action_counts
from hwsim.dsp_chain.dequant.config import WIDTHS, DequantConfig
from hwsim.dsp_chain.dequant.reference import dequantize, reference, scaled, unpack
from hwsim.dsp_chain.dequant.tensor import Packed, fixed_point, pack
from hwsim.energy import EnergyTree
from hwsim.errors import InputError

SMALL = DequantConfig(word=8, lanes=2, group=4, buffer_words=3)


def test_three_bit_weights_straddle_words():
    """-1, 2, -3, 3 as 111 010 101 011 from the lowest bit on: 01 010 111, 0000 011 1."""
    tensor = pack(SMALL, 3, np.array([-1, 2, -3, 3]), [1], [0])
    assert tensor.words.tolist() == [[0b01_010_111], [0b0000_011_1]]
    assert unpack(tensor).tolist() == [-1, 2, -3, 3]


@pytest.mark.parametrize("width", WIDTHS)
def test_every_weight_of_every_width_survives_packing(width):
    config = DequantConfig(word=32, buffer_words=5)
    every = np.arange(-(1 << width - 1), 1 << width - 1)
    weights = np.concatenate([every, every[::-1], [0]])
    groups = -(-len(weights) // config.group)
    tensor = pack(config, width, weights, np.ones(groups), np.zeros(groups))
    assert unpack(tensor).tolist() == weights.tolist() == dequantize(tensor).tolist()
    bits = "".join(format(int(weight) & (1 << width) - 1, f"0{width}b")[::-1] for weight in weights)
    words = [int.from_bytes(word.tobytes(), "little") for word in tensor.words]
    assert words == [int(bits[at:at + 32][::-1], 2) for at in range(0, len(bits), 32)]


@pytest.mark.parametrize("multiplier", [0, 1, 3, 5, 127, 128, 200, 255, 65535])
def test_every_weight_and_shift_against_fractions(multiplier):
    """Python's round() of a Fraction is to nearest, ties to even, by its language reference."""
    weights = np.arange(-128, 128)
    for shift in range(20):
        exact = [max(-128, min(127, round(Fraction(int(q) * multiplier, 1 << shift)))) for q in weights]
        assert scaled(weights, np.int64(multiplier), np.int64(shift)).tolist() == exact


def test_ties_by_hand():
    """0.5, 1.5, 2.5 and below zero; and 127.5, which rounds to 128 and saturates."""
    halves = scaled(np.array([1, 3, 5, -1, -3, -5]), np.int64(1), np.int64(1))
    assert halves.tolist() == [0, 2, 2, 0, -2, -2]
    assert scaled(np.array([85, -85, -86]), np.int64(3), np.int64(1)).tolist() == [127, -128, -128]


def test_groups_and_ragged_ends():
    tensor = pack(SMALL, 4, np.array([1, 2, 3, 4, 5, 6, 7]), [2, 3], [0, 1])
    beats = reference(tensor)
    assert beats.weights.tolist() == [[2, 4], [6, 8], [8, 9], [10, 0]]  # 7.5 to 8, 10.5 to 10
    assert beats.last.tolist() == [False, False, False, True]


def test_fixed_point_is_the_nearest_that_there_is():
    seed = 4
    config, rng = DequantConfig(multiplier_bits=8, most_shift=12), np.random.default_rng(seed)
    scales = np.concatenate([rng.uniform(0.01, 2, 40), 2.0 ** rng.uniform(-16, 7.9, 40), [1.0, 255.0, 0.5]])
    multipliers, shifts = fixed_point(config, scales)
    grid = np.ldexp(np.arange(256.0)[:, None], -np.arange(13))
    nearest = np.abs(grid[..., None] - scales).min((0, 1))
    assert np.allclose(np.abs(np.ldexp(multipliers.astype(float), -shifts) - scales), nearest, rtol=0, atol=1e-15), seed
    for bad in ([0.0], [-1.0], [np.nan], [256.0], [[1.0]]):
        with pytest.raises(InputError, match="scales: wanted numbers"):
            fixed_point(config, np.array(bad))


@pytest.mark.parametrize(("change", "message"), [
    ({"words": np.zeros((1, 1), np.uint8)}, r"words: wanted 2 words of 1 bytes \(uint8\) for 4 weights of 4 bits"),
    ({"width": 5}, "width: wanted one of 2, 3, 4, 8"), ({"weights": 0}, "weights: wanted 1 to"),
    ({"multipliers": np.array([256])}, "multipliers: wanted 0 to 255"), ({"shifts": np.array([-1])}, "shifts"),
    ({"shifts": np.array([1, 1])}, "shifts: wanted int64 of shape")])
def test_a_tensor_that_makes_no_sense_is_refused(change, message):
    """Words that end too early among them."""
    good = {"config": SMALL, "width": 4, "weights": 4, "words": np.zeros((2, 1), np.uint8),
            "multipliers": np.array([1]), "shifts": np.array([0])}
    assert dequantize(Packed(**good)).tolist() == [0] * 4
    with pytest.raises(InputError, match=message):
        Packed(**{**good, **change})


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="weights: wanted -4 to 3, got 4"):
        pack(SMALL, 3, np.array([4]), [1], [0])
    with pytest.raises(InputError, match="weights: wanted integers"):
        pack(SMALL, 3, np.array([1.0]), [1], [0])


@pytest.mark.parametrize(("fields", "message"), [
    ({"lanes": 12}, "lanes: wanted a power of two"), ({"word": 48}, "word: wanted a power of two"),
    ({"group": 24}, "group: wanted a multiple of lanes"), ({"buffer_words": 2}, "buffer_words: wanted 3 to 256, got 2"),
    ({"most_shift": 1}, "most_shift: wanted 2 to 31")])
def test_configurations_that_cannot_be_built(fields, message):
    with pytest.raises(InputError, match=message):
        DequantConfig(**fields)


def test_actions_by_hand():
    """7 weights of 4 bits on 2 lanes: 4 words, 4 beats, 8 multiplications."""
    counts = action_counts([pack(SMALL, 4, np.arange(7), [2, 3], [0, 1])])
    assert {count.cost for count in counts} == {"register.write", "mux2", "multiply.int8", "sram"}
    by_action = {(count.component, count.action): count.count for count in counts}
    assert by_action["lanes", "multiply"] == 8 and by_action["registers", "gearbox write"] == 4 * 8
    assert by_action["registers", "product write"] == 8 * 16
    # 3 words of 8 bits, of any of 3 places; then 4 places of 2 bits in a word: 16 bits moved by up to 3
    assert by_action["multiplexers", "rotate"] == 4 * (24 * 2 + 16 * 3)
    assert EnergyTree.of(counts).total > 0
