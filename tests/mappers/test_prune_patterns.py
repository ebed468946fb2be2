"""Files of trained weights and masks: NumPy only, the masks of the common rule, B of the GEMMs of FF and BP."""

from pathlib import Path

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.sparsity.nm import check_nm, nm_mask
from hwsim.sparsity.ratio import Ratio
from hwsim.workload.geometry import ConvGeometry, im2col
from mappers.prune.patterns import load_patterns, pattern_bytes, trained_layer

RESULTS = Path(__file__).parents[2] / "sim_results" / "training-accuracy"
RATIO = Ratio(2, 8)


def weights(seed=0):
    rng = np.random.default_rng(seed)
    return {"conv": rng.standard_normal((16, 8, 3, 3), np.float32), "fc.up": rng.standard_normal((24, 16), np.float32)}


def test_a_file_read_back(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(pattern_bytes(weights(), RATIO))
    layers = load_patterns(path)
    assert list(layers) == ["conv", "fc.up"]
    for name, w in weights().items():
        layer = layers[name]
        assert layer.ratio == RATIO and layer.weight.dtype == np.float16
        assert np.array_equal(layer.weight, w.astype(np.float16))
        assert np.array_equal(layer.mask_ff, nm_mask(layer.weight, RATIO, 1))
        assert np.array_equal(layer.mask_bp, nm_mask(layer.weight, RATIO, 0))
    assert pattern_bytes(weights(), RATIO) == path.read_bytes()


@pytest.mark.parametrize("seed", range(3))
def test_the_matrices_are_b_of_ff_and_bp(seed):
    """FF by im2col of x, BP by im2col of the output's gradient, against loops over the definition."""
    layer = trained_layer("conv", weights(seed)["conv"], RATIO)
    rng = np.random.default_rng([seed, 9])
    x, gy = rng.standard_normal((2, 8, 4, 5)), rng.standard_normal((2, 16, 4, 5))
    same = {"height": 4, "width": 5, "padding": (1, 1, 1, 1), "batch": 2}
    ff = ConvGeometry(in_channels=8, out_channels=16, **same)
    bp = ConvGeometry(in_channels=16, out_channels=8, **same)
    y = (im2col(x, ff)[0] @ layer.ff_matrix()).reshape(2, 4, 5, 16).transpose(0, 3, 1, 2)
    gx = (im2col(gy, bp)[0] @ layer.bp_matrix()).reshape(2, 4, 5, 8).transpose(0, 3, 1, 2)
    wanted_y, wanted_gx, padded = np.zeros_like(y), np.zeros((2, 8, 6, 7)), np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    w_ff, w_bp = layer.weight * layer.mask_ff, layer.weight * layer.mask_bp
    for i, j in np.ndindex(3, 3):
        wanted_y += np.einsum("oc,bchw->bohw", w_ff[:, :, i, j], padded[:, :, i:i + 4, j:j + 5])
        wanted_gx[:, :, i:i + 4, j:j + 5] += np.einsum("oc,bohw->bchw", w_bp[:, :, i, j], gy)
    np.testing.assert_allclose(y, wanted_y, atol=1e-9)
    np.testing.assert_allclose(gx, wanted_gx[:, :, 1:-1, 1:-1], atol=1e-9)
    check_nm(layer.ff_matrix(), RATIO, 0)
    check_nm(layer.bp_matrix(), RATIO, 0)


def test_linear_matrices():
    layer = trained_layer("fc", weights()["fc.up"], RATIO)
    assert np.array_equal(layer.ff_matrix(), (layer.weight * layer.mask_ff).T)
    assert np.array_equal(layer.bp_matrix(), layer.weight * layer.mask_bp)


def test_groups_do_not_run_over_the_kernel_positions():
    layer = trained_layer("conv", np.ones((8, 12, 3, 3)), RATIO)
    assert layer.bp_matrix().shape == (72, 12)
    with pytest.raises(InputError, match="layer conv: wanted channels that 8 divides, got 12"):
        layer.ff_matrix()
    assert trained_layer("pw", np.ones((8, 12, 1, 1)), RATIO).ff_matrix().shape == (12, 8)


def test_bad_files(tmp_path):
    path = tmp_path / "a.npz"
    with pytest.raises(InputError, match="a.npz: wanted a file of trained patterns"):
        load_patterns(path)
    good = pattern_bytes(weights(), RATIO)
    for data in (b"", b"text", good[:200]):
        path.write_bytes(data)
        with pytest.raises(InputError, match="a.npz: wanted a file of trained patterns, got another file"):
            load_patterns(path)
    np.savez(path, a=np.zeros(3))
    with pytest.raises(InputError, match="another file"):
        load_patterns(path)
    path.write_bytes(good)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    arrays["conv.mask_bp"][0] ^= 1
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=r"a.npz: conv.mask_bp: wanted the mask that the weights give"):
        load_patterns(path)
    with pytest.raises(InputError, match="layer a: .*NaN"):
        pattern_bytes({"a": np.full((8, 8), np.nan, np.float32)}, RATIO)


@pytest.mark.parametrize("network, layers", [("resnet9", 7), ("vit", 8)])
def test_the_kept_patterns_are_trained_and_small(network, layers):
    path = RESULTS / f"{network}-bdwp-2-8.npz"
    assert path.stat().st_size < 500_000
    kept = load_patterns(path)
    assert len(kept) == layers
    for layer in kept.values():
        assert layer.ratio == RATIO and np.isfinite(layer.weight).all()
        check_nm(layer.ff_matrix(), RATIO, 0)
        check_nm(layer.bp_matrix(), RATIO, 0)
        both = np.count_nonzero(layer.mask_ff & layer.mask_bp) / layer.weight.size
        assert 1 / 16 < both < 1 / 4  # trained: more alike than independent masks, yet not one mask
