"""The units of attention's softmax alone, number by number: 2^x and the reciprocal."""

import numpy as np
from amaranth.sim import Simulator

from hwsim.bitmap_decoder.attention import timing
from hwsim.bitmap_decoder.attention.exponential import exp2
from rtl.bitmap_decoder.attention.exponential import Exponential
from rtl.bitmap_decoder.attention.reciprocal import Reciprocal


def simulated(unit, process):
    found = []
    simulator = Simulator(unit)
    simulator.add_clock(1e-6)

    async def bench(ctx):
        await process(ctx, found)

    simulator.add_testbench(bench)
    simulator.run()
    return found


def exponentials(d):
    """One a cycle; the results as they come, three cycles later."""
    unit, bits = Exponential(), d.view(np.uint32).tolist()

    async def process(ctx, found):
        for number in [*bits, *[0] * timing.EXPONENTIAL]:
            ctx.set(unit.d, number)
            await ctx.tick()
            found.append(ctx.get(unit.z))

    found = simulated(unit, process)[timing.EXPONENTIAL - 1:-1]
    return np.array(found, np.uint32).view(np.float32)


def test_every_bit_of_the_exponential():
    rng = np.random.default_rng(1)
    some = np.concatenate([rng.random(1500) * 140, np.exp2(rng.uniform(-45, 8, 1500)), np.arange(0, 130) / 1,
                           np.arange(128) / 64, [125.999, 126, 126.00001, 127.9999, 128, 1e38, np.inf, 0, 1e-45]])
    d = -np.concatenate([some, np.nextafter(some[:400].astype(np.float32), np.float32(0))]).astype(np.float32)
    assert exponentials(d).view(np.uint32).tolist() == exp2(d).view(np.uint32).tolist()


def test_every_bit_of_the_reciprocal():
    rng = np.random.default_rng(2)
    fractions = np.concatenate([[0, 1, 2, 0x7FFFFF, 0x7FFFFE, 0x400000], rng.integers(0, 1 << 23, 60)])
    bits = ((127 + np.arange(len(fractions)) % 12 << 23) | fractions).astype(np.uint32)
    unit = Reciprocal()

    async def process(ctx, found):
        for number in bits.tolist():
            ctx.set(unit.start, 1)
            ctx.set(unit.a, number)
            await ctx.tick()
            ctx.set(unit.start, 0)
            for _ in range(timing.DIVIDE - 1):
                assert not ctx.get(unit.done)
                await ctx.tick()
            assert ctx.get(unit.done)
            found.append(ctx.get(unit.z))
            ctx.set(unit.clear, 1)
            await ctx.tick()
            ctx.set(unit.clear, 0)

    wanted = np.float32(1) / bits.view(np.float32)
    assert simulated(unit, process) == wanted.view(np.uint32).tolist()
