import dataclasses

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.sparsity.ratio import DENSE, LARGEST_GROUP, Ratio

LEGAL = [Ratio(n, m) for m in (1, 2, 4, 8, 16) for n in (1, 2, 4, 8, 16) if n <= m]


def test_text_round_trip():
    for ratio in LEGAL:
        assert Ratio.parse(str(ratio)) == ratio
    assert Ratio.parse(" 2 : 8 ") == Ratio(2, 8)
    assert Ratio.parse(Ratio(1, 2)) == Ratio(1, 2)


def test_equal_parts_are_dense():
    assert Ratio(4, 4) == Ratio(16, 16) == DENSE
    assert hash(Ratio(4, 4)) == hash(DENSE)
    assert str(Ratio(8, 8)) == "1:1" and DENSE.dense and DENSE.density == 1 and DENSE.index_bits == 0
    assert not Ratio(2, 4).dense


@pytest.mark.parametrize(
    ("text", "density", "bits"), [("1:2", 0.5, 1), ("2:4", 0.5, 2), ("2:8", 0.25, 3), ("1:16", 0.0625, 4)]
)
def test_density_and_index_bits(text, density, bits):
    assert (Ratio.parse(text).density, Ratio.parse(text).index_bits) == (density, bits)


def test_groups_cover_a_ragged_axis():
    assert [Ratio(2, 4).groups(k) for k in (0, 1, 4, 5, 8)] == [0, 1, 1, 2, 2]


def test_order_is_by_density_then_group_size():
    ordered = sorted(set(LEGAL))
    assert [str(r) for r in ordered] == [
        "1:16", "1:8", "2:16", "1:4", "2:8", "4:16", "1:2", "2:4", "4:8", "8:16", "1:1",
    ]  # fmt: skip
    assert Ratio(1, 2) < Ratio(2, 4) <= Ratio(2, 4) and DENSE > Ratio(8, 16)
    with pytest.raises(TypeError):
        Ratio(1, 2) < 0.5  # noqa: B015


def test_frozen_and_plain_ints():
    ratio = Ratio(np.int64(2), np.uint8(4))
    assert type(ratio.n) is int and type(ratio.m) is int
    with pytest.raises(dataclasses.FrozenInstanceError):
        ratio.n = 1


@pytest.mark.parametrize("n, m", [(0, 4), (-2, 4), (3, 4), (2, 6), (4, 2), (2, 32), (2.0, 4), ("2", 4), (True, 2)])
def test_bad_numbers(n, m):
    with pytest.raises(InputError):
        Ratio(n, m)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("4:2", "N at most M"), ("0:4", "N a power of two"), ("3:4", "N a power of two"), ("2:6", "M a power of two"),
        ("1:32", f"to {LARGEST_GROUP}"), ("2/4", "such as"), ("", "such as"), ("2:4:8", "such as"), ("-2:4", "such as"),
        (0.5, "such as"), (None, "such as"), ("２:4", "such as"),
    ],
)  # fmt: skip
def test_bad_text_names_place_wanted_and_given(text, wanted):
    with pytest.raises(InputError) as error:
        Ratio.parse(text, "net.toml: ratio")
    assert error.value.place == "net.toml: ratio" and wanted in error.value.wanted
    assert error.value.given == text


@pytest.mark.parametrize("wide", ["1:1", "1:2", "2:4", "1:4", "4:8", "2:8", "2:16"])
@pytest.mark.parametrize("narrow", ["1:1", "1:2", "2:4", "1:4", "2:8", "1:8"])
def test_allows_is_containment_of_patterns(wide, narrow):
    outer, inner = Ratio.parse(wide), Ratio.parse(narrow)
    span = max(outer.m, inner.m, 2)

    def patterns(ratio):
        return {bits for bits in range(1 << span)
                if all(((bits >> start) & ((1 << ratio.m) - 1)).bit_count() <= ratio.n
                       for start in range(0, span, ratio.m))}

    assert outer.allows(inner) == (patterns(inner) <= patterns(outer))
