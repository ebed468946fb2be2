"""The units, bit for bit and cycle for cycle: small in Amaranth's simulator, by the million in Verilator."""

import gc

import numpy as np
import pytest
from amaranth.hdl import EnableInserter, Module, Signal
from amaranth.sim import Simulator
from float_bank import STREAMS, Bank, Stream, Unit, units
from float_judges import added, cast, fused, multiplied
from float_vectors import draw, roundings, streams

from hwsim.errors import InputError
from hwsim.floats import BF16, FORMATS, FP16, FP32
from rtl.float import FloatAdd, FloatCompare, FloatMultiply, FloatMultiplyAdd, FloatRound
from rtl.verilog import emit, lint

SEED = 12
RANDOM = 1_000_000
SMALL = [Unit(FloatAdd, FP32, 0), Unit(FloatAdd, FP32, 1), Unit(FloatAdd, FP32), Unit(FloatMultiply, FP16, 0),
         Unit(FloatMultiply, BF16, 1), Unit(FloatMultiply, BF16, flush=True), Unit(FloatRound, FP16, 0),
         Unit(FloatRound, BF16), Unit(FloatCompare, FP16, 0), Unit(FloatCompare, FP32), Unit(FloatMultiplyAdd, BF16)]


def simulated(unit, given, enabled=None):
    """Result of every cycle, and the declared latency. ``given`` by stream; a cycle that is not enabled repeats it."""
    device, seen = unit.make(), []
    ports, enable = unit.operands(), Signal(init=1)
    top = Module()
    top.submodules.device = EnableInserter(enable)(device)
    outputs = [device.z] if unit.kind is not FloatCompare else [device.lt, device.eq, device.gt, device.unordered]
    count = len(given[next(iter(ports.values()))])
    enabled = np.ones(count + device.latency, bool) if enabled is None else enabled

    async def drive(ctx):
        at = 0
        for on in enabled:
            for port, name in ports.items():
                ctx.set(getattr(device, port), int(given[name][min(at, count - 1)]))
            ctx.set(enable, int(on))
            if not device.latency:
                await ctx.delay(1e-7)
            seen.append(sum(ctx.get(output) << k for k, output in enumerate(outputs)))
            if device.latency:
                await ctx.tick()
            at += int(on)

    simulator = Simulator(top)
    if device.latency:
        simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    return np.array(seen, np.uint32), device.latency


@pytest.mark.parametrize("unit", SMALL, ids=[unit.name for unit in SMALL])
def test_small_streams(unit):
    found = streams(np.random.default_rng(SEED), 30)
    given = {name: found[name][:30] for name in unit.operands().values()}
    seen, latency = simulated(unit, given)
    assert np.array_equal(seen[latency:], unit.expected(given))


def test_a_unit_stands_still_when_it_is_not_enabled():
    rng, unit = np.random.default_rng(SEED), Unit(FloatMultiplyAdd, FP16)
    given = {name: streams(rng, 24)[name][:24] for name in unit.operands().values()}
    enabled = rng.random(70) < 0.5
    seen, latency = simulated(unit, given, enabled)
    steps = np.cumsum(enabled) - enabled  # enabled clock edges before each cycle
    inside = (steps >= latency) & (steps < latency + 24)
    assert np.count_nonzero(inside) > 40 and np.array_equal(seen[inside], unit.expected(given)[steps[inside] - latency])


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
@pytest.mark.parametrize("make", [
    lambda: FloatAdd(5), lambda: FloatAdd(-1), lambda: FloatMultiply(FP16, 5), lambda: FloatMultiplyAdd(FP16, 7),
    lambda: FloatRound(FP16, 3), lambda: FloatRound(FP32), lambda: FloatCompare(FP16, 2),
])
def test_what_cannot_be_built_is_refused(make):
    with pytest.raises(InputError):
        make()
    gc.collect()  # Amaranth complains of what is thrown away unused: here, not in the middle of another test


def check(bank, found):
    """Every result of every unit must be the reference's, in the cycle that its latency promises."""
    results = bank.run(found)
    for unit in bank.units:
        wrong = np.flatnonzero(results[unit.name] != unit.expected(found))
        assert not len(wrong), (unit.name, len(wrong), {
            name: hex(found[name][wrong[0]]) for name in unit.operands().values()}, hex(results[unit.name][wrong[0]]))
    return results


@pytest.fixture(scope="module")
def default_bank():
    """Default stages, with subnormal numbers and without."""
    return Stream(units() + units(flush=True))


@pytest.mark.slow
def test_a_million_vectors_and_every_triple_of_corners(default_bank):
    found = streams(np.random.default_rng(SEED), RANDOM)
    results = check(default_bank, found)
    for fmt in FORMATS.values():
        a, b, c = (found[f"{port}_{fmt.name}"] for port in "abc")
        assert np.array_equal(results[Unit(FloatMultiply, fmt).name], multiplied(a, b, fmt))
        assert np.array_equal(results[Unit(FloatMultiplyAdd, fmt).name], fused(a, b, fmt, c))
    assert np.array_equal(results[Unit(FloatAdd, FP32).name], added(found["a_fp32"], found["b_fp32"]))


@pytest.mark.slow
def test_rounding_around_every_number_and_every_tie_in_rtl(default_bank):
    rng = np.random.default_rng(SEED)
    bits = np.concatenate([roundings(), draw(rng, FP32, RANDOM // 4)])
    found = {name: np.zeros(len(bits), np.uint32) for name in STREAMS} | {"a_fp32": bits}
    # One times every number is that number in FP32: all widenings.
    every = np.arange(1 << 16).astype(np.uint32)
    for fmt in (FP16, BF16):
        found[f"a_{fmt.name}"][: len(every)] = every
        found[f"b_{fmt.name}"][:] = fmt.bias << fmt.fraction_bits
    results = check(default_bank, found)
    for fmt in (FP16, BF16):
        assert np.array_equal(results[Unit(FloatRound, fmt).name], cast(bits, fmt))


@pytest.mark.slow
def test_every_number_of_stages():
    bank = Stream([unit for stages in range(7) for unit in units(stages)] + units(0, flush=True))
    check(bank, streams(np.random.default_rng(SEED), 60_000))


@pytest.mark.slow
@pytest.mark.parametrize("stages", [None, 0])
def test_units_are_lint_clean(stages):
    assert lint(emit(Bank(units(stages) + units(stages, flush=True)), "bank")) == []
