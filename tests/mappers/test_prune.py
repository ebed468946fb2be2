import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.sparsity.nm import check_nm
from hwsim.sparsity.ratio import DENSE, Ratio
from mappers.prune import LeaveDense, magnitude_mask, prune_nm, prune_unstructured, random_nm


def network(seed=0):
    rng = np.random.default_rng(seed)
    shapes = {
        "stem": (27, 32), "block1.dw": (32, 9, 1), "block1.pw": (32, 64), "block2.grouped": (4, 18, 8), "fc": (64, 10),
    }  # fmt: skip
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def test_ratios_by_pattern_first_match_decides():
    done = prune_nm(network(), {"block1.*": "2:8", "block*": Ratio(2, 4), "fc": "1:16"})
    ratios = {name: str(layer.record.ratio) for name, layer in done.items()}
    assert ratios == {"stem": "1:1", "block1.dw": "1:1", "block1.pw": "2:8", "block2.grouped": "2:4", "fc": "1:16"}
    notes = {name: layer.record.note for name, layer in done.items()}
    assert notes["stem"] == "no pattern matches" and notes["block1.dw"] == "depthwise, K = 9" and notes["fc"] == ""
    for name, layer in done.items():
        check_nm(layer.weights, layer.record.ratio, -2, name)
        assert np.array_equal(layer.weights, np.where(layer.mask, network()[name], 0))
        assert layer.weights.dtype == np.float64 and layer.record.shape == layer.weights.shape


def test_record_of_a_layer_counted_by_hand():
    w = np.array([3, -4, 1, 2, 5], np.int8)[:, None]
    record = prune_nm({"fc": w}, "2:4", LeaveDense(smallest_k=0))["fc"].record
    assert record.density == 3 / 5 and record.padded
    assert record.energy_kept == pytest.approx((9 + 16 + 25) / (9 + 16 + 1 + 4 + 25))
    assert type(record.density) is float and type(record.energy_kept) is float


def test_ends_and_small_layers_stay_dense():
    done = prune_nm(network(), "2:4", LeaveDense(first=True, last=True))
    assert [layer.record.note for layer in done.values()] == ["first layer", "depthwise, K = 9", "", "", "last layer"]
    assert done["stem"].record.ratio == DENSE and done["stem"].record.energy_kept == 1 and done["stem"].mask.all()
    wide = prune_nm(network(), "2:4", LeaveDense(smallest_k=30))
    assert wide["stem"].record.note == "K = 27 is below 30"
    every = prune_nm(network(), "2:4", LeaveDense(depthwise=False, smallest_k=0))
    assert all(layer.record.ratio == Ratio(2, 4) for layer in every.values())
    assert [layer.record.padded for layer in every.values()] == [True, True, False, True, False]


def test_dense_ratio_and_zero_layer():
    done = prune_nm({"a": np.zeros((16, 2))}, "4:4")["a"]
    assert (done.record.energy_kept, done.record.density, done.record.note) == (1, 0, "")
    assert prune_nm({}, "2:4") == {}


def test_energy_of_extreme_weights():
    w = np.full((16, 1), 1e200)
    assert prune_nm({"a": w}, "2:4")["a"].record.energy_kept == 0.5
    assert prune_nm({"a": np.full((16, 1), -128, np.int8)}, "2:4")["a"].record.energy_kept == 0.5


@given(st.integers(0, 999), st.floats(0, 1), st.integers(1, 12), st.integers(1, 12))
@settings(max_examples=100, deadline=None)
def test_unstructured_keeps_the_largest(seed, density, k, n):
    w = np.random.default_rng(seed).integers(-4, 5, (k, n))
    flat = w.ravel()
    order = sorted(range(flat.size), key=lambda i: (-abs(int(flat[i])), i))
    wanted = np.zeros(flat.size, bool)
    wanted[order[: round(density * flat.size)]] = True
    assert np.array_equal(magnitude_mask(w, density).ravel(), wanted)


def test_unstructured_layers():
    done = prune_unstructured(network(), {"fc": 0.25, "block*": 0.5})
    assert done["fc"].record.density == 0.25 and done["block1.dw"].record.density == 0.5
    assert done["stem"].record.note == "no pattern matches" and done["stem"].record.density == 1
    assert done["fc"].record.ratio is None and 0.25 < done["fc"].record.energy_kept < 1
    assert prune_unstructured(network(), 0)["fc"].record.density == 0


def test_random_masks_for_shapes():
    shapes = {name: w.shape for name, w in network().items()}
    done = random_nm(shapes, "2:4", 7)
    again = random_nm({"new": (64, 64), **shapes}, "2:4", 7)
    for name, layer in done.items():
        assert layer.weights is None and layer.record.energy_kept is None
        assert layer.mask.shape == shapes[name] and np.array_equal(layer.mask, again[name].mask)
        check_nm(layer.mask.astype(np.uint8), layer.record.ratio, -2)
    assert done["fc"].record.density == 0.5
    assert not np.array_equal(done["fc"].mask, random_nm(shapes, "2:4", 8)["fc"].mask)
    assert done["block1.dw"].record.note == "depthwise, K = 9"
    twins = random_nm({"a": (64, 8), "b": (64, 8)}, "2:4", 7)
    assert not np.array_equal(twins["a"].mask, twins["b"].mask)


def test_nan_names_layer_and_position():
    layers = network()
    layers["block2.grouped"][1, 17, 3] = np.nan
    for prune in (prune_nm, prune_unstructured):
        with pytest.raises(InputError, match=r"layer block2.grouped: .*NaN at \(1, 17, 3\)"):
            prune(layers, "2:4" if prune is prune_nm else 0.5)
    layers["block2.grouped"][1, 17, 3] = np.inf
    with pytest.raises(InputError, match=r"inf at \(1, 17, 3\)"):
        prune_nm(layers, "2:4")


def test_bad_input():
    with pytest.raises(InputError, match=r'pattern "conv\*"'):
        prune_nm(network(), {"conv*": "2:4"})
    with pytest.raises(InputError, match='ratio of "fc": wanted'):
        prune_nm(network(), {"fc": "3:4"})
    with pytest.raises(InputError, match="pattern"):
        prune_unstructured(network(), {"conv": 0.5})
    for shape in ((3,), (0, 4), (2, 2, 2, 2)):
        with pytest.raises(InputError, match="layer a"):
            prune_nm({"a": np.zeros(shape)}, "2:4")
        with pytest.raises(InputError, match="layer a"):
            random_nm({"a": shape}, "2:4", 0)
    for density in (1.5, -1, "half", True, np.nan):
        with pytest.raises(InputError, match="density"):
            prune_unstructured(network(), density)
    with pytest.raises(InputError, match="seed"):
        random_nm({"a": (16, 16)}, "2:4", -1)
    with pytest.raises(InputError, match="smallest_k"):
        LeaveDense(smallest_k=-1)
