"""The drawn operands find each constant that is one too small: the places that the units carry are all needed."""

import numpy as np
import pytest
from float_bank import Stream, Unit
from float_vectors import streams

from hwsim.floats import BF16, FP16, FP32
from rtl.float import FloatAdd, FloatMultiply, FloatMultiplyAdd, add, fma, multiply

PLACES_BELOW = fma._places_below
MUTANTS = [
    pytest.param(Unit(FloatAdd, FP32), add, "_EXTRA", 2, id="no guard bit"),
    pytest.param(Unit(FloatMultiply, BF16), multiply, "_ROOM", 24, id="nothing below the rounding bit"),
    pytest.param(Unit(FloatMultiplyAdd, FP32), fma, "_ROOM", 25, id="one zero between c and product"),
    *(pytest.param(Unit(FloatMultiplyAdd, fmt), fma, "_places_below", lambda *of: PLACES_BELOW(*of) - 1,
                   id=f"{fmt.name} sticky bit under the rounding") for fmt in (FP16, BF16, FP32)),
]


@pytest.mark.slow
@pytest.mark.parametrize("unit, module, name, value", MUTANTS)
def test_one_place_less_is_found(unit, module, name, value, monkeypatch):
    monkeypatch.setattr(module, name, value)
    found = streams(np.random.default_rng(13), 200_000)
    assert np.any(Stream([unit]).run(found)[unit.name] != unit.expected(found))
