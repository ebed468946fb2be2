"""The formats' own arithmetic: the mean over all masks, and the paper's figures."""

from itertools import combinations

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.sparsity import FORMATS, break_even
from hwsim.sparsity.expect import filler_count, padded_count
from hwsim.sparsity.formats import curve, density_formats
from hwsim.sparsity.mustafar import BitmapFormat, kept_channels
from hwsim.sparsity.single import format_report, kv_report


@pytest.mark.parametrize(("shape", "count"), [((2, 6), 3), ((3, 4), 4), ((1, 20), 2), ((1, 35), 2)])
def test_expectation_is_the_mean_over_all_masks(shape, count):
    elements = shape[0] * shape[1]
    unstructured = [one for one in density_formats() if not one.structured]
    totals = dict.fromkeys((one.name for one in unstructured), 0.0)
    masks = list(combinations(range(elements), count))
    for chosen in masks:
        mask = np.zeros(elements, bool)
        mask[list(chosen)] = True
        for one in unstructured:
            totals[one.name] += one(shape, mask.reshape(shape), 16).total
    for one in unstructured:
        assert sum(one.expected(shape, count / elements, 16)) == pytest.approx(totals[one.name] / len(masks)), one.name


def test_padding_and_fillers_by_enumeration():
    draws = [sum(c < 5 for c in chosen) for chosen in combinations(range(12), 6)]  # non-zeros of a tile of 5 of 12
    assert padded_count(12, 6, 5, 4) == pytest.approx(np.mean([-(-d // 4) * 4 for d in draws]))
    assert padded_count(10, 10, 5, 4) == 8 and padded_count(10, 0, 5, 4) == 0
    gaps = [chosen[0] // 3 + (chosen[1] - chosen[0] - 1) // 3 for chosen in combinations(range(11), 2)]
    assert filler_count((1, 11), 2, 3) == pytest.approx(np.mean(gaps))


@pytest.mark.parametrize("name", [one.name for one in density_formats()])
@pytest.mark.parametrize("density", [0.02, 0.3, 0.9])
def test_measured_is_the_arithmetic(name, density):
    """Formats without padding: equal to the bit. With it: within a hundredth of a byte on 65,536 elements."""
    report = format_report(FORMATS[name], 1 - density, 16, (256, 256), seed=11)
    exact = name not in ("mustafar", "spinfer", "run-length", "tiled-csl")
    assert report["ratio"] == pytest.approx(report["arithmetic"]["ratio"], abs=1e-12 if exact else 0.005)
    parts = ("values", *FORMATS[name].parts)
    assert sum(report[part] for part in parts) == pytest.approx(report["ratio"])


@pytest.mark.parametrize("sparsity", [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
def test_cache_storage_is_within_half_a_point_of_the_arithmetic(sparsity):
    report = kv_report(BitmapFormat(), sparsity, (4096, 128), seed=3)
    assert 100 * report["ratio"] == pytest.approx(100 * report["arithmetic"]["ratio"], abs=0.5)
    for side, found in report["by_side"].items():
        expected = BitmapFormat().expected(kept_channels(128, sparsity), 128, side)
        assert 100 * found["ratio"] == pytest.approx(100 * expected.ratio, abs=0.5)
        assert (found["bitmap"], found["offsets"]) == (0.0625, 0.03125)


@pytest.mark.parametrize(("sparsity", "published"), [(0.5, 65), (0.7, 45)])
def test_cache_storage_is_within_a_point_of_the_paper(sparsity, published):
    """Compressed KV size of dense, arXiv 2505.22913."""
    assert 100 * kv_report(BitmapFormat(), sparsity, (4096, 128), seed=3)["ratio"] == pytest.approx(published, abs=1)


def test_break_even_points():
    """Two of them by hand: COO is 80 bits a non-zero, 16 bits dense; the bitmap has 1 bit an element beside values."""
    assert break_even("coo", "dense", 16) == pytest.approx(1 / 5, abs=1e-5)
    assert break_even("bitmap", "dense", 16) == pytest.approx(15 / 16, abs=1e-5)
    for one in density_formats():
        limit = break_even(one.name, "dense", 16, (64, 64))
        for density in (limit - 2 / 4096, limit + 2 / 4096):
            if 0 < density < 1 and one.name not in ("dense", "condensed", "bcsr", "gqsa"):  # those go in steps
                assert (one.bits_per_element((64, 64), density, 16) <= 16) == (density < limit), one.name
    assert break_even("dense", "dense", 8) == 1 and break_even("mustafar", "bitmap", 16) == 0


def test_curve_is_in_bytes():
    assert curve("dense", np.array([0.1, 0.9]), 16).tolist() == [2.0, 2.0]
    assert curve("bitmap", np.array([0.25]), 8, (64, 64)) == pytest.approx(0.25 + 0.125)


def test_bad_input():
    for call in (lambda: break_even("csr", "dense", 0), lambda: break_even("csr", "dense", 8, (0, 4)),
                 lambda: format_report(FORMATS["csr"], 1.5, 16, (4, 4), 0),
                 lambda: format_report(FORMATS["2:4"], 0.2, 16, (4, 4), 0),
                 lambda: format_report(FORMATS["csr"], 0.5, 16, (0, 4), 0),
                 lambda: kv_report(BitmapFormat(), 0.5, (100, 128), 0),
                 lambda: kv_report(BitmapFormat(), -0.1, (128, 128), 0)):  # fmt: skip
        with pytest.raises(InputError):
            call()
