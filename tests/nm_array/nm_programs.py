"""Random small programs of random arrays, for the tests of this folder."""

import numpy as np

from hwsim.nm_array.program import Shape, Tiling, lower
from rtl.nm_array.random_configuration import draw_configuration


def draw_program(rng, most=30, **fixed):
    """A program of up to a few hundred passes."""
    config = draw_configuration(fixed, rng)
    ratio = config.modes[int(rng.integers(len(config.modes)))].ratio
    m, k, n = (int(v) for v in rng.integers(1, most, 3))
    dataflow = str(rng.choice(config.dataflows))
    tiling = Tiling(beats=int(rng.integers(1, config.most_beats(dataflow) + 1)), order=str(rng.choice(["mn", "nm"])),
                    dataflow=dataflow)
    return lower(config, Shape(m=m, k=2 * k, n=n, groups=int(rng.integers(1, 3))), ratio, tiling)


def draw_operands(program, rng):
    """Activations, pruned weights and parameters of a program."""
    from rtl.nm_array.random_operands import draw_int8, draw_requantization, draw_weights

    shape = program.shape
    a = draw_int8("any", (shape.groups, shape.m, shape.k), rng)
    w = draw_weights("any", shape, program.ratio, rng)
    sums = np.einsum("gmk,gkn->gmn", a.astype(np.int64), w.astype(np.int64))
    return a, w, [draw_requantization(group, rng) for group in sums]
