from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.roofline import BelowRoofline, Roofline, check_not_below, intensity

MACHINE = Roofline(macs_per_cycle=1024, bytes_per_cycle=64)
rates = st.floats(1e-3, 1e9)
amounts = st.floats(0, 1e18)
work = st.floats(1e-3, 1e18)


def test_by_hand() -> None:
    assert MACHINE.ridge == 16.0
    assert MACHINE.attainable([0.0, 1.0, 16.0, 100.0]).tolist() == [0, 64, 1024, 1024]
    assert MACHINE.bound([1024, 1024, 0, 0], [0, 6400, 64, 0]).tolist() == [1, 100, 1, 0]
    assert MACHINE.bound(1024**3, 0) == 1024**2
    assert [MACHINE.limit(1024, 63), MACHINE.limit(1024, 64), MACHINE.limit(1024, 65)] == ["compute"] * 2 + ["memory"]
    assert (intensity(32, 2), intensity(1, 0), intensity(0, 0)) == (16.0, math.inf, 0.0)
    assert Roofline.from_mapping(MACHINE.to_mapping()) == MACHINE


@given(rates, rates, work, work)
def test_bound_and_attainable_are_one_law(macs_rate: float, bytes_rate: float, macs: float, nbytes: float) -> None:
    machine = Roofline(macs_per_cycle=macs_rate, bytes_per_cycle=bytes_rate)
    reached = machine.attainable(intensity(macs, nbytes))
    assert machine.bound(macs, nbytes) * reached == pytest.approx(macs, rel=1e-9)


@given(amounts, amounts, st.floats(1, 10))
def test_more_work_never_takes_less_and_faster_never_more(macs: float, nbytes: float, factor: float) -> None:
    bound = MACHINE.bound(macs, nbytes)
    assert MACHINE.bound(macs * factor, nbytes) >= bound and MACHINE.bound(macs, nbytes * factor) >= bound
    faster = MACHINE.replace(bytes_per_cycle=64 * factor)
    assert faster.bound(macs, nbytes) <= bound


def test_check_not_below() -> None:
    check_not_below(100, 100.0, "run")
    check_not_below([3, 4], [3.0, 1.0], "layers")
    check_not_below(10**6, 10**6 * (1 + 1e-13), "run")
    with pytest.raises(BelowRoofline, match=r"internal error at run: 99 cycles, but at least 100 are needed"):
        check_not_below(99, 100.0, "run")
    with pytest.raises(BelowRoofline, match=r"at layers\[1\]: 3 cycles"):
        check_not_below([3, 3], [3.0, 3.5], "layers")
    with pytest.raises(BelowRoofline):
        check_not_below(math.nan, 1.0, "run")


def test_refuses() -> None:
    for change in ({"macs_per_cycle": 0.0}, {"bytes_per_cycle": -1.0}):
        with pytest.raises(InputError) as caught:
            MACHINE.replace(**change)
        assert caught.value.place == next(iter(change))
    for call in (lambda: MACHINE.bound(-1, 0), lambda: MACHINE.bound(0, [math.nan]), lambda: MACHINE.attainable(-1.0)):
        with pytest.raises(InputError, match="at least 0"):
            call()
    with pytest.raises(InputError, match="macs"):
        intensity(-1, 1)
