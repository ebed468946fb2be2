"""Every engine records exactly the same transfers, of good devices and of bad ones."""

import shutil

import numpy as np
import pytest
from bench_devices import Arithmetic, Counter, CreditPipeline, Gate, Joiner, Misbehaving

from hwsim.errors import InputError
from rtl.bench import Stimulus, build_bench, cache
from rtl.bench.cocotb_run import run_cocotb
from rtl.bench.verilator_bench import _Runner

COMPILED = [
    pytest.param("verilator", marks=pytest.mark.slow),
    pytest.param("cxxrtl", marks=pytest.mark.slow),
    pytest.param(
        "icarus", marks=[pytest.mark.slow, pytest.mark.skipif(not shutil.which("iverilog"), reason="no iverilog")]
    ),
]


def stalls(rng, names, limit=300):
    return {name: rng.random(limit) < rng.choice([1, 0.6, 0.2]) for name in names}


def pipeline_cases(width):
    rng = np.random.default_rng(7)
    for count in (40, 0, 25):
        tokens = [int.from_bytes(rng.bytes((width + 7) // 8), "little") % (1 << width) for _ in range(count)]
        stall = {"offer": stalls(rng, ["i"]), "ready": stalls(rng, ["o"])}
        yield Stimulus(tokens={"i": tokens}, expect={"o": count}, limit=1000, tail=int(rng.integers(0, 9)), **stall)


def joiner_cases():
    rng = np.random.default_rng(8)
    for count in (30, 30, 50):
        tokens = {"left": rng.integers(0, 256, count).tolist(), "right": rng.integers(0, 32, count + 2).tolist()}
        stall = {"offer": stalls(rng, ["left", "right"]), "ready": stalls(rng, ["o", "tap"])}
        yield Stimulus(tokens=tokens, expect={"o": count, "tap": 1}, limit=200, **stall)


def gate_cases():
    rng = np.random.default_rng(9)
    tokens = {"pass_on": rng.integers(0, 512, 20).tolist(), "open_up__0": [0] * 20}
    for _ in range(3):
        stall = {"offer": stalls(rng, list(tokens)), "ready": stalls(rng, ["o"])}
        yield Stimulus(tokens=tokens, expect={"o": 20}, limit=400, **stall)


def arithmetic_cases():
    rng = np.random.default_rng(11)
    tokens = {"i": rng.integers(0, 1 << 17, 300).tolist()}
    yield Stimulus(tokens=tokens, expect={"o": 300}, limit=2000, offer=stalls(rng, ["i"]), ready=stalls(rng, ["o"]))


def counter_cases():
    rng = np.random.default_rng(10)
    for _ in range(2):
        yield Stimulus(tokens={}, expect={"o": 20}, limit=200, tail=3, ready=stalls(rng, ["o"]))


def fault_cases():
    ready = np.arange(200) % 5 == 4
    for fault_limit in (200, 12):
        yield Stimulus(tokens={"i": [1, 2, 3]}, expect={"o": 3}, limit=fault_limit, ready={"o": ready})


DEVICES = {
    "pipeline": (CreditPipeline, list(pipeline_cases(16))),
    "wide": (lambda: CreditPipeline(2, 3, 2500), list(pipeline_cases(2500))),
    "joiner": (Joiner, list(joiner_cases())),
    "gate": (Gate, list(gate_cases())),
    "arithmetic": (Arithmetic, list(arithmetic_cases())),
    "counter": (lambda: Counter(70), list(counter_cases())),
    **{
        fault: (lambda fault=fault: Misbehaving(fault), list(fault_cases()))
        for fault in ("dead", "extra", "drops", "changes")
    },
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("engine", COMPILED)
def test_engines_agree_on_every_transfer(engine, device):
    factory, cases = DEVICES[device]
    expected = build_bench(factory, engine="amaranth", name=device).run(cases)
    bench = build_bench(factory, engine=engine, name=device)
    seen = bench.run(cases)
    assert [a.difference(b) for a, b in zip(seen, expected, strict=True)] == [""] * len(cases)
    assert any(transfers.cycle[port].size for transfers in seen for port in transfers.cycle)
    assert bench.run(cases[:1]) == expected[:1]


@pytest.mark.parametrize("engine", COMPILED)
def test_a_read_beyond_a_table_is_zero_or_undefined(engine):
    cases = list(arithmetic_cases())
    bench = build_bench(lambda: Arithmetic(10), engine=engine, name="short_table")
    if engine == "icarus":
        with pytest.raises(RuntimeError, match="port o offers an undefined payload"):
            bench.run(cases)
    else:
        assert bench.run(cases) == build_bench(lambda: Arithmetic(10), engine="amaranth", name="short_table").run(cases)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["verilator", "cxxrtl"])
def test_the_second_build_is_taken_from_the_cache(engine):
    first = build_bench(CreditPipeline, engine=engine, name="pipeline")
    (program,) = [path for path in first.build_dir.iterdir() if path.name in ("pipeline", "bench.so")]
    before = program.stat()
    second = build_bench(CreditPipeline, engine=engine, name="pipeline")
    assert second.build_dir == first.build_dir and program.stat() == before
    assert build_bench(lambda: CreditPipeline(1), engine=engine, name="pipeline").build_dir != first.build_dir


@pytest.mark.slow
def test_the_runtime_of_verilator_is_kept_for_other_designs():
    build_bench(CreditPipeline, engine="verilator", name="pipeline")
    kept = [path.name for path in (cache.cache_root() / "verilator-runtime").glob("*/*.o")]
    assert {"verilated.o", "verilated_vpi.o"} <= set(kept)


@pytest.mark.slow
def test_a_failing_simulation_raises_with_the_end_of_its_log(capfd):
    bench = build_bench(CreditPipeline, engine="verilator", name="pipeline")
    other = build_bench(Joiner, engine="amaranth", name="joiner")
    with pytest.raises(RuntimeError, match="(?s)pipeline: the simulation failed.*left__valid"):
        run_cocotb(_Runner(), bench.build_dir, "pipeline", other.ports, list(joiner_cases()))
    bench.run(list(pipeline_cases(16)))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("engine", "program"),
    [("verilator", "make"), ("verilator", "g[+][+]"), ("cxxrtl", "g[+][+]"), ("icarus", "iverilog")],
)
def test_a_missing_program_is_named(monkeypatch, engine, program):
    here = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == program.replace("[+]", "+") else here(name))
    with pytest.raises(InputError, match=f"{engine}: wanted the program '{program}' on PATH, got not found"):
        build_bench(Joiner, engine=engine, name="joiner")


def test_a_verilator_asked_for_must_be_there(monkeypatch):
    monkeypatch.setenv("HWSIM_VERILATOR", "no-such-verilator")
    with pytest.raises(InputError, match="HWSIM_VERILATOR: wanted the program 'no-such-verilator'"):
        build_bench(Joiner, engine="verilator", name="joiner")
    with pytest.raises(InputError, match="asked for by tool"):
        build_bench(Joiner, engine="verilator", name="joiner", tool="nor-this")
