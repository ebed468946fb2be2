"""Constants are what the published points give, and hold on points that they have not seen."""

import numpy as np
import pytest

from hwsim.gpu import GemmShape, GpuBoard, predict
from hwsim.gpu.calibration import (
    FITTED,
    SPMV_SHARE,
    bitmap_share,
    calibrate,
    constants_text,
    errors,
    spmv_bytes,
)
from hwsim.gpu.constants import PATH, default_constants
from hwsim.gpu.points import BOARD, MEASURED, points


def test_stored_constants_are_the_fit():
    fitted, stored = calibrate().to_mapping(), default_constants().to_mapping()
    assert fitted.keys() == stored.keys()
    np.testing.assert_allclose(list(fitted.values()), list(stored.values()), rtol=2e-4)
    assert PATH.read_text() == constants_text(default_constants())


def test_points_are_held_out_by_shape():
    found = points()
    assert len(found) == 48 and sum(point.calibrates for point in found) == 24
    halves = [{(point.shape.m, point.shape.k) for point in found if point.calibrates is half} for half in (True, False)]
    assert len(halves[0]) == len(halves[1]) == 4 and not halves[0] & halves[1]


@pytest.mark.parametrize("found", errors(default_constants()), ids=lambda found: found.kernel)
def test_error_on_held_out_points(found):
    absolute = np.abs(found.held_out)
    assert absolute.size == 24 and np.median(absolute) <= 0.10 and absolute.max() <= 0.25


def test_constants_of_other_points_would_be_far_off():
    """The check above can fail: without the floor of tiles, Flash-LLM's times are bytes alone."""
    constants = default_constants().replace(flash_tile_cycles=1.0, flash_column_cycles=0.01)
    found = next(one for one in errors(constants) if one.kernel == "flash_llm")
    assert np.median(np.abs(found.held_out)) > 0.10


def test_order_of_kernels_where_they_differ():
    board, wrong, pairs = GpuBoard.preset(BOARD), [], 0
    for point in points():
        ours = {kernel: predict(board, kernel, point.shape, point.sparsity).us for kernel in MEASURED}
        for i, one in enumerate(MEASURED):
            for other in MEASURED[i + 1:]:
                if abs(point.us[one] / point.us[other] - 1) > 0.10:
                    pairs += 1
                    if (ours[one] < ours[other]) != (point.us[one] < point.us[other]):
                        wrong.append((point.shape.m, point.shape.k, point.shape.n, point.sparsity, one, other))
    # Both are held out, and the published figures differ by 15 and 12 percent.
    assert pairs == 256 and wrong == [(9216, 9216, 8, 0.9, "sparta", "sputnik"),
                                      (7168, 28672, 32, 0.8, "cublas", "sparta")]


@pytest.mark.parametrize(("gpu", "shape", "published"), [
    ("a100-80g", "4096x4096x4096", 1.11), ("a100-80g", "16384x16384x16384", 1.60),
    ("a100-80g", "768x3072x768x64", 1.62),
    ("a100-80g", "256x10240x1", 0.62), ("a100-80g", "4096x1024x13008", 1.24), ("a100-80g", "4096x1024x44160", 1.25),
    ("h100-sxm", "8192x8192x8192", 1.21)])
def test_sign_of_two_of_four(gpu, shape, published):
    board, shape = GpuBoard.preset(gpu), GemmShape.parse(shape)
    gain = predict(board, "cublas", shape).us / predict(board, "semi_structured", shape, 0.5).us
    assert (gain > 1) == (published > 1)


def test_share_of_the_bitmap_product_at_the_sparsity_that_did_not_calibrate():
    for sparsity, tolerance in ((0.5, 1e-3), (0.7, 0.02)):
        share = bitmap_share(sparsity, default_constants())
        assert spmv_bytes(sparsity) < share == pytest.approx(SPMV_SHARE[sparsity], rel=tolerance)


def test_every_fitted_constant_is_inside_its_bounds():
    stored = default_constants().to_mapping()
    for start in FITTED.values():
        for name, (_, low, high) in start.items():
            assert low < stored[name] < high, name
