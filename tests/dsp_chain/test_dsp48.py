"""The slice, the multiplexer and the node by themselves, against plain integers: all corner values."""

import itertools

import numpy as np
import pytest
from amaranth.sim import Simulator

from hwsim.dsp_chain.config import ChainConfig
from rtl.dsp_chain.dsp48 import BIAS, Dsp48
from rtl.dsp_chain.mux import SparseMux
from rtl.dsp_chain.node import OverflowAdjust, ReductionNode

CORNERS = (-128, -127, -1, 0, 1, 127)
WORD = 1 << 48


def run(device, inputs, outputs, count):
    """Values of the outputs in each cycle, with row c of each input given in cycle c."""
    found = {name: [] for name in outputs}

    async def bench(ctx):
        for c in range(count):
            for name, values in inputs.items():
                if c < len(values):
                    ctx.set(getattr(device, name), int(values[c]))
            for name in outputs:
                found[name].append(ctx.get(getattr(device, name)))
            await ctx.tick()

    simulator = Simulator(device)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return {name: np.array(values, object) for name, values in found.items()}


def halves(p):
    """The two products' sums of a group's P, by their definition: the low one lies in [-130048, 2**17]."""
    rest = (int(p) - BIAS) % WORD
    low = (rest + 130048) % (1 << 18) - 130048
    high = (rest - low) % WORD >> 18
    return high - (high >> 29 << 30), low


@pytest.mark.parametrize("stages", list(itertools.product((0, 1), repeat=3)), ids=lambda s: "".join(map(str, s)))
@pytest.mark.parametrize("cascaded", [False, True], ids=["head", "cascaded"])
def test_the_slice_with_all_corners(stages, cascaded):
    config = ChainConfig(input_stages=stages[0], preadd_stages=stages[1], product_stages=stages[2])
    latency, rng = config.operand_stages, np.random.default_rng(sum(stages))
    hi, lo, weight = np.array(list(itertools.product(CORNERS, repeat=3)), np.int64).T
    z = np.array([int(x) for x in rng.integers(0, WORD, len(hi))], object)
    resume = rng.integers(0, 2, len(hi))
    if cascaded:  # the cascade comes with the product, C and OPMODE a cycle before it
        inputs, added = {"pcin": [*[0] * latency, *z]}, z
    else:
        lead = max(latency - 1, 0)
        inputs = {"c": [*[0] * lead, *z], "resume": [*[0] * lead, *resume]}
        late = 0 if latency else 1  # without operand registers C comes too late for the first product
        added = np.array([*[0] * late, *(z * resume)][:len(hi)], object) + BIAS
    seen = run(Dsp48(config, cascaded), {"hi": hi, "lo": lo, "weight": weight, **inputs}, ["p", "pcout"],
               len(hi) + latency + 2)
    expected = ((hi * (1 << 18) + lo) * weight + added) % WORD
    assert (seen["p"][latency + 1:][:len(hi)] == expected).all() and (seen["p"] == seen["pcout"]).all()


@pytest.mark.parametrize("length", range(1, 9))
def test_halves_of_a_group_part_exactly_at_every_corner(length):
    """Groups of up to eight equal corner products, eight times (-128) * (-128) among them, and all mixtures of two."""
    products = sorted({a * b for a in CORNERS for b in CORNERS})
    config = ChainConfig(length=64, group_length=1, m=16)
    p, wanted = [], []
    for high, low, other in itertools.product(products, (min(products), max(products), 0, 1, -1), (-16256, 16384, 0)):
        group = [low] * (length - 1) + [other]
        p.append((length * high * (1 << 18) + sum(group) + BIAS) % WORD)
        wanted.append((length * high, sum(group)))
    assert (max(low for _, low in wanted), min(low for _, low in wanted)) == (length << 14, -length * 16256)
    device = ReductionNode(config)
    before = np.random.default_rng(length).integers(-1 << 20, 1 << 20, len(p))
    resume = np.arange(len(p)) % 2
    seen = run(device, {"p": p, "before": before, "resume": resume}, ["c", "hi", "lo"], len(p) + 1)
    high, low = np.array(wanted).T
    assert (seen["hi"][1:] == high).all() and (seen["lo"][1:] == low + before * resume).all()
    assert [halves(value) for value in p] == wanted
    assert all((int(c) >> 18) == (h % (1 << 30)) and not int(c) % (1 << 18)
               for c, h in zip(seen["c"], high.tolist(), strict=False))


def test_every_value_of_the_low_field():
    """All 2**18 - 1023 values that can come, from -130048 to 2**17; by the adder's own equation, then some in RTL."""
    low = np.arange(-130048, (1 << 17) + 1)
    field = low + BIAS
    assert field.min() == 1023 and field.max() == (1 << 18) - 1
    assert (((field ^ 1 << 17) + (1 << 17)) % (1 << 18) - (1 << 17) + 1 == low).all()
    some = np.concatenate([low[:40], low[-40:], low[130000:130100], np.random.default_rng(1).choice(low, 200)])
    seen = run(OverflowAdjust(ChainConfig()), {"p": some + BIAS}, ["low"], len(some) + 1)
    assert (seen["low"][1:] == some).all()


@pytest.mark.parametrize("blocks", [1, 3])
def test_the_multiplexer_selects_one_of_m(blocks):
    config, rng = ChainConfig(length=32, m=8, group_length=2), np.random.default_rng(blocks)
    rows = rng.integers(-128, 128, (2, blocks * 8))
    bits = sum((int(x) & 255) << (8 * i) for i, x in enumerate(rows.reshape(-1)))
    device, found, wanted = SparseMux(config, blocks), [], []

    async def bench(ctx):
        ctx.set(device.rows.as_value(), bits)
        for block, index, single in itertools.product(range(blocks), range(8), (0, 1)):
            ctx.set(device.block, block)
            ctx.set(device.index, index)
            ctx.set(device.single, single)
            await ctx.tick()
            found.append((ctx.get(device.lo), ctx.get(device.hi)))
            wanted.append((rows[0, block * 8 + index], 0 if single else rows[1, block * 8 + index]))

    simulator = Simulator(device)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert found == wanted and len(found) == 16 * blocks
