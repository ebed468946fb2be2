"""Values of SORE against `hwsim.sparsity.nm`: one rule for training, simulation and RTL; NaNs; bad inputs."""

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.floats import FORMATS, round_to, to_float32
from hwsim.sore.config import SoreConfig
from hwsim.sore.reference import reference, select
from hwsim.sore.slices import Slice, column_slices, finite_bits
from hwsim.sparsity.nm import encode_nm, nm_mask
from hwsim.sparsity.ratio import DENSE, Ratio
from rtl.sore.cases import VALUES, draw_weights
from rtl.sore.random_configuration import RATIOS


def numbers(data_type, bits):
    """Values of bit patterns, as `select` takes them."""
    return bits.view(np.float16) if data_type == "fp16" else (bits.astype(np.uint32) << 16).view(np.float32)


@pytest.mark.parametrize("data_type", ["fp16", "bf16"])
@pytest.mark.parametrize("ratio", [*RATIOS, DENSE], ids=str)
@pytest.mark.parametrize("kind", [kind for kind in VALUES if kind != "special"])
def test_both_directions_equal_pruning_and_encoding(data_type, ratio, kind):
    """Ragged along both axes; the judge prunes by `nm_mask` and encodes by `encode_nm`."""
    rng = np.random.default_rng([RATIOS.index(ratio) if ratio in RATIOS else 99, VALUES.index(kind)])
    config = SoreConfig(lanes=2 * ratio.m, ratios=(ratio,), data_type=data_type)
    shape = tuple(int(size) for size in rng.integers(1, 6 * ratio.m, 2))
    wide = draw_weights(kind, config, (shape[0], config.lanes * -(-shape[1] // config.lanes)), rng)
    weights = numbers(data_type, wide[:, :shape[1]].copy())
    for axis, code in enumerate(select(config, weights, ratio)):
        pruned = np.where(nm_mask(weights, ratio, axis), weights, 0).astype(weights.dtype)
        judge = encode_nm(pruned, ratio, axis)
        code.validate()
        assert (code.length, code.axis, code.ratio) == (judge.length, judge.axis, judge.ratio)
        np.testing.assert_array_equal(code.indices, judge.indices)
        np.testing.assert_array_equal(numbers(data_type, code.values), judge.values)
        np.testing.assert_array_equal(numbers(data_type, code.decode()), pruned)


def one_group(values, ratio, data_type="fp16"):
    """The forward slots of lane 0 for one group of numbers."""
    config = SoreConfig(lanes=ratio.m, ratios=(ratio,), data_type=data_type)
    bits = round_to(FORMATS[data_type], np.array(values, np.float32)).astype(np.uint16)
    part = Slice(config=config, ratio=ratio, bits=np.repeat(bits[:, None], ratio.m, 1))
    beats = reference(part)["f"]
    return to_float32(beats.values[:, 0], FORMATS[data_type]).tolist(), beats.indices[:, 0].tolist()


@pytest.mark.parametrize(("group", "values", "indices"), [
    ([1, -3, 2, 3], [-3, 3], [1, 3]), ([5, 5, -5, 5], [5, 5], [0, 1]), ([0, 0, 0, 5], [5, 0], [3, 0]),
    ([0, -0.0, 0, 0], [0, 0], [0, 1]), ([-0.0, 7, 0, 0], [7, 0], [1, 0]), ([1, 2, 3, 4], [3, 4], [2, 3]),
    ([9, 1, 1, 9], [9, 9], [0, 3]), ([float("inf"), 1, 2, -float("inf")], [float("inf"), -float("inf")], [0, 3])])
def test_groups_by_hand(group, values, indices):
    assert one_group(group, Ratio(2, 4)) == (values, indices)


def test_no_negative_zero_leaves():
    config = SoreConfig(lanes=2, ratios=())
    part = Slice(config=config, ratio=DENSE, bits=np.full((3, 2), 0x8000, np.uint16))
    assert not reference(part)["f"].values.any() and not reference(part)["b"].values.any()


@pytest.mark.parametrize(("data_type", "infinity"), [("fp16", 0x7C00), ("bf16", 0x7F80)])
def test_a_nan_is_kept_and_the_flag_stays_to_the_end_of_the_slice(data_type, infinity):
    config = SoreConfig(lanes=4, ratios=("2:4",), data_type=data_type)
    bits = np.full((12, 4), infinity, np.uint16)
    bits[6, 1] = infinity + 1 | 0x8000
    for beats in reference(Slice(config=config, ratio=Ratio(2, 4), bits=bits)).values():
        assert beats.nan.tolist() == [False, False, True, True, True, True]
        assert beats.last.tolist() == [False] * 5 + [True]
        assert (beats.values == (infinity + 1 | 0x8000)).sum() == 1
    bits[6, 1] = infinity
    assert not reference(Slice(config=config, ratio=Ratio(2, 4), bits=bits))["f"].nan.any()


def test_what_python_refuses():
    config = SoreConfig(lanes=4, ratios=("2:4",), most_rows=8)
    weights = np.zeros((4, 4), np.float16)
    weights[2, 3] = np.nan
    with pytest.raises(InputError, match=r"NaN at \(2, 3\)"):
        select(config, weights, Ratio(2, 4))
    with pytest.raises(InputError, match="ratio: wanted one of 1:1, 2:4"):
        select(config, np.zeros((4, 4), np.float16), Ratio(2, 8))
    with pytest.raises(InputError, match="rows: wanted 1 to 8"):
        select(config, np.zeros((9, 4), np.float16), Ratio(2, 4))
    with pytest.raises(InputError, match="float16 for fp16"):
        select(config, np.zeros((4, 4), np.float32), Ratio(2, 4))
    brain = config.replace(data_type="bf16")
    with pytest.raises(InputError, match=r"BF16 numbers .* other bits at \(0, 1\)"):
        finite_bits(brain, np.array([[1.0, 1.001]], np.float32))
    for bits in (np.zeros((4, 3), np.uint16), np.zeros((4, 4), np.int16), np.zeros(4, np.uint16)):
        with pytest.raises(InputError, match="uint16 of shape"):
            Slice(config=config, ratio=DENSE, bits=bits)
    with pytest.raises(InputError, match=r"uint16 matrix \[K, N\]"):
        column_slices(config, np.zeros((0, 4), np.uint16), DENSE)
