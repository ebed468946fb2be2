"""The reference against plain Python arithmetic; beats and tensors are inverse."""

import numpy as np
import pytest
from nm_programs import draw_operands, draw_program

from hwsim.errors import InputError
from hwsim.nm_array.reference import check_operands, from_result_beats, reference, result_beats


def by_hand(a, w, rq, i, j):
    total = (sum(int(x) * int(y) for x, y in zip(a[i], w[:, j], strict=True)) + int(rq.bias[j])) * int(rq.multiplier[j])
    scale = 1 << int(rq.shift[j])
    floor, rest = divmod(total, scale)
    rounded = floor + (2 * rest > scale or (2 * rest == scale and floor % 2 == 1))
    return min(max(rounded + rq.zero_point, rq.low), rq.high)


def test_the_reference_is_plain_arithmetic():
    rng = np.random.default_rng(1)
    for _ in range(10):
        program = draw_program(rng, most=9)
        a, w, rq = draw_operands(program, rng)
        z = reference(a, w, rq)
        for g, i, j in np.ndindex(z.shape):
            assert z[g, i, j] == by_hand(a[g], w[g], rq[g], i, j)


def test_the_requantisation_of_random_cases_has_ties_and_both_saturations():
    rng = np.random.default_rng(2)
    ties = low = high = inside = 0
    for _ in range(60):
        program = draw_program(rng)
        a, w, rq = draw_operands(program, rng)
        for g, r in enumerate(rq):
            product = (a[g].astype(np.int64) @ w[g].astype(np.int64) + r.bias) * r.multiplier.astype(np.int64)
            shift = r.shift.astype(np.int64)
            z = reference(a, w, rq)[g]
            half = (shift > 0) & ((product & ((1 << shift) - 1)) == 1 << np.maximum(shift - 1, 0))
            free = (z > r.low) & (z < r.high)
            ties, inside = ties + int((half & free).sum()), inside + int(free.sum())
            low, high = low + int((z == r.low).sum()), high + int((z == r.high).sum())
    assert min(ties, low, high, inside) > 50


def test_result_beats_and_back():
    rng = np.random.default_rng(3)
    for _ in range(30):
        program = draw_program(rng)
        shape = program.shape
        z = rng.integers(-128, 128, (shape.groups, shape.m, shape.n)).astype(np.int8)
        beats = result_beats(program, z)
        assert beats.shape == (program.results.sum(), program.config.cols)
        assert (from_result_beats(program, beats) == z).all()


def test_operands_that_do_not_fit_are_refused():
    rng = np.random.default_rng(4)
    program = draw_program(rng)
    a, w, rq = draw_operands(program, rng)
    for bad in ((a.astype(np.int16), w, rq), (a, w[:, :-1], rq), (a, w, [])):
        with pytest.raises(InputError):
            check_operands(program, *bad)
