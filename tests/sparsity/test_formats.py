import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.sparsity import FORMATS, NM_RATIOS, SparseTensor, encode_bitmap, encode_csr, encode_dense, encode_nm
from hwsim.sparsity.formats import formats_table
from hwsim.sparsity.patterns import random_mask, random_nm_mask
from hwsim.sparsity.ratio import Ratio


@given(st.integers(1, 70), st.integers(1, 70), st.floats(0, 1), st.integers(1, 32))
@settings(max_examples=60, deadline=None)
def test_density_and_mask_give_the_same_size(k, n, density, value_bits):
    mask = random_mask((k, n), density, 3)
    for name in ("dense", "bitmap", "csr", "csr-tight"):
        assert FORMATS[name]((k, n), density, value_bits) == FORMATS[name]((k, n), mask, value_bits)
    for ratio in NM_RATIOS:
        mask = random_nm_mask((k, n), ratio, 0, 3)
        assert FORMATS[str(ratio)]((k, n), ratio.density, value_bits) == FORMATS[str(ratio)]((k, n), mask, value_bits)


def test_sizes_are_those_of_the_encoded_tensors():
    w = np.random.default_rng(0).standard_normal((32, 65)) * random_nm_mask((32, 65), Ratio(2, 4), 0, 1)
    codes: dict[str, SparseTensor] = {
        "dense": encode_dense(w), "bitmap": encode_bitmap(w), "csr": encode_csr(w), "2:4": encode_nm(w, Ratio(2, 4), 0),
    }  # fmt: skip
    for name, code in codes.items():
        assert FORMATS[name](w.shape, w != 0, 8) == code.bits(8)
        assert code.shape == w.shape and np.array_equal(code.decode(), w)


def test_table():
    rows = formats_table([0.25, 0.5], 8, (64, 128), seed=5)
    assert rows == formats_table([0.25, 0.5], 8, (64, 128), seed=5)
    assert len(rows) == 2 * sum(":" not in name for name in FORMATS) + len(NM_RATIOS)
    by_name = {(r.format, r.density): r for r in rows}
    assert by_name["bitmap", 0.25].bits_per_element == 0.25 * 8 + 1
    assert by_name["2:4", 0.5].ratio_to_dense == 0.625
    assert by_name["dense", 0.5].ratio_to_dense == 1
    assert by_name["csr", 0.5].bits.total == 64 * 64 * (8 + 32) + 65 * 32
    assert [r.format for r in rows if ":" in r.format] == [str(r) for r in sorted(NM_RATIOS, reverse=True)]
    assert all(r.density == Ratio.parse(r.format).density for r in rows if ":" in r.format)


def test_random_masks():
    mask = random_mask((10, 10), 0.3, 1)
    assert mask.sum() == 30 and np.array_equal(mask, random_mask((10, 10), 0.3, 1))
    assert not np.array_equal(mask, random_mask((10, 10), 0.3, 2))
    structured = random_nm_mask((9, 50), Ratio(2, 4), 0, 1)
    assert (structured[:4].sum(axis=0) == 2).all() and (structured[8:].sum(axis=0) == 1).all()
    counts = random_nm_mask((4, 6000), Ratio(2, 4), 0, 1)
    patterns = np.packbits(counts, axis=0).ravel()
    assert len(np.unique(patterns)) == 6
    assert np.unique(patterns, return_counts=True)[1] == pytest.approx(1000, abs=150)


def test_bad_input():
    for name in FORMATS:
        for args in (((4, 4), 1.5, 8), ((4, 4), -0.1, 8), ((4, 4), "x", 8), ((4,), 0.05, 8), ((4, 4), 0.05, 0)):
            with pytest.raises(InputError):
                FORMATS[name](*args)
        with pytest.raises(InputError):
            FORMATS[name]((4, 4), np.zeros((4, 5), bool), 8)
    with pytest.raises(InputError, match="2:4 density: wanted at most 0.5"):
        FORMATS["2:4"]((4, 4), 0.6, 8)
    with pytest.raises(InputError, match="1:16 density"):
        FORMATS["1:16"]((16, 4), 0.07, 8)
    with pytest.raises(InputError, match="group at"):
        FORMATS["2:4"]((4, 4), np.ones((4, 4), bool), 8)
    for args in (([2], 8), ([0.5], 0), ([0.5], 8, (0, 4)), ([0.5], 8, (4,)), ([0.5], 8, (4, 4), -1), ([True], 8)):
        with pytest.raises(InputError):
            formats_table(*args)
