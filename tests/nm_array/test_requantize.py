"""The requantisation pipeline alone, bit for bit against `hwsim.quantize`, with the corners of every step."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from hwsim.nm_array.timing import REQUANTIZE
from hwsim.quantize import Requantization, requantize
from rtl.nm_array.results import Requantize

LOWEST, HIGHEST = -(2**31), 2**31 - 1
FIELDS = ("bias", "multiplier", "shift", "zero_point", "low", "high")


def expected(rows):
    """By row (z, bias, multiplier, shift, zero_point, low, high): the reference's result."""
    return [int(requantize(np.array([[z]], np.int64), Requantization(*(np.array([v]) for v in (b, m, s)), *rest))[0, 0])
            for z, b, m, s, *rest in rows]


def on_rtl(rows):
    device, seen = Requantize(), []

    async def stream(ctx):
        for z, *parameters in [*rows, *[(0,) * 7] * REQUANTIZE]:
            ctx.set(device.z, z)
            ctx.set(device.parameters, dict(zip(FIELDS, parameters, strict=True)))
            seen.append(ctx.get(device.y))
            await ctx.tick()

    simulator = Simulator(device)
    simulator.add_clock(1e-6)
    simulator.add_testbench(stream)
    simulator.run()
    return seen[REQUANTIZE:]


def corners():
    """Every combination of extreme sums, multipliers and shifts, with parameters that let both ends saturate."""
    for z in (LOWEST, LOWEST + 1, -1, 0, 1, HIGHEST - 1, HIGHEST):
        for bias in (LOWEST, 0, HIGHEST):
            for multiplier in (0, 1, 32768, 65535):
                for shift in (0, 1, 2, 31, 46, 47):
                    for zero_point, low, high in ((0, -128, 127), (127, -128, 127), (-128, -3, 5)):
                        yield z, bias, multiplier, shift, zero_point, low, high


def ties():
    """Values that lie exactly between two whole numbers, and one beside, for even and odd floors of both signs."""
    for shift in range(1, 31):
        for floor in (-7, -6, -2, -1, 0, 1, 6, 7):
            for beside in (-1, 0, 1):
                if abs(z := (floor << shift) + (1 << (shift - 1)) + beside) <= HIGHEST:
                    yield z, 0, 1, shift, 0, -128, 127


def around_the_ends(rng):
    """Shift 0 and 1: rounded values a few hundred around zero, where narrowing and clamping begin."""
    for z in range(-700, 701):
        yield z, 0, 1, z & 1, int(rng.choice([-128, 0, 127])), -128, 127


def draw(rng):
    low, high = sorted(rng.integers(-128, 128, 2).tolist())
    z, bias = (int(v) for v in rng.integers(LOWEST, HIGHEST, 2, endpoint=True))
    shift = int(rng.integers(0, 48))
    if rng.random() < 0.7:  # a multiplier that brings the sum near INT8
        z, bias = z >> int(rng.integers(0, 31)), bias >> int(rng.integers(8, 31))
    return z, bias, int(rng.integers(0, 65536)), shift, int(rng.integers(-128, 128)), low, high


def test_every_corner_is_bit_exact():
    rows = [*corners(), *ties()]
    assert on_rtl(rows) == expected(rows)


@pytest.mark.slow
def test_random_values_are_bit_exact():
    rng = np.random.default_rng(1)
    rows = [*around_the_ends(rng), *(draw(rng) for _ in range(4000))]
    wanted = expected(rows)
    assert on_rtl(rows) == wanted
    assert len(set(wanted)) == 256
