"""The rules of the bench on Amaranth's simulator, against cycle models written here."""

import numpy as np
import pytest
from amaranth.hdl import Fragment
from bench_devices import CreditPipeline, Joiner, Misbehaving

from hwsim.errors import InputError
from rtl.bench import Port, Stimulus, build_bench, stream_ports


def pipeline_model(latency, depth, offer, ready, count):
    taken, given = [], []
    for k in range(count):
        cycle = taken[-1] + 1 if taken else 0
        while cycle < len(offer) and not offer[cycle]:
            cycle += 1
        taken.append(max(cycle, given[k - depth] + 1) if k >= depth else cycle)
        cycle = max(taken[-1] + latency + 1, given[-1] + 1 if given else 0)
        while cycle < len(ready) and not ready[cycle]:
            cycle += 1
        given.append(cycle)
    return taken, given


@pytest.mark.parametrize("seed", range(12))
def test_the_recorded_cycles_are_those_of_the_max_plus_model(seed):
    rng = np.random.default_rng(seed)
    latency, depth, count = int(rng.integers(0, 6)), int(rng.integers(1, 8)), 30
    offer, ready = (rng.random(400) < rng.choice([1, 0.5, 0.2]) for _ in range(2))
    tokens = [int(value) for value in rng.integers(0, 1 << 16, count)]
    case = Stimulus(
        tokens={"i": tokens}, expect={"o": count}, limit=2000, offer={"i": offer}, ready={"o": ready}, tail=8
    )
    bench = build_bench(lambda: CreditPipeline(latency, depth), engine="amaranth", name="pipeline")
    first, second = bench.run([case, case])
    taken, given = pipeline_model(latency, depth, offer, ready, count)
    assert first.finished and first.violations == 0
    assert first.cycle["i"].tolist() == taken and first.cycle["o"].tolist() == given
    assert first.value == {"i": tokens, "o": tokens}
    assert first.cycles_run == given[-1] + 1 + 8
    assert first == second and bench.run([case]) == [first]


def test_ports_are_read_from_the_signature():
    joiner = Joiner()
    Fragment.get(joiner, None)  # Amaranth complains about a component that is never elaborated
    assert stream_ports(joiner) == (
        Port(name="left", direction="in", width=8),
        Port(name="right", direction="in", width=5),
        Port(name="o", direction="out", width=13),
        Port(name="tap", direction="out", width=1),
    )


@pytest.mark.parametrize(
    ("fault", "finished", "violation"),
    [("dead", False, ""), ("drops", True, "valid fell"), ("changes", True, "payload changed"), ("extra", True, "")],
)
def test_faults_are_seen(fault, finished, violation):
    bench = build_bench(lambda: Misbehaving(fault), engine="amaranth", name="faulty")
    ready = np.arange(200) % 5 == 4
    (seen,) = bench.run([Stimulus(tokens={"i": [1, 2, 3]}, expect={"o": 3}, limit=200, ready={"o": ready})])
    assert seen.finished == finished and violation in seen.violation and bool(violation) == bool(seen.violations)
    if fault == "dead":
        assert seen.cycles_run == 200 and seen.cycle["o"].size == 0 and seen.cycle["i"].size == 1
    if fault == "extra":
        assert seen.value["o"] == [1, 1, 2, 2, 3, 3]


def test_bad_input_is_refused():
    bench = build_bench(CreditPipeline, engine="amaranth", name="pipeline")
    for wrong in (
        Stimulus(tokens={"x": []}, expect={"o": 0}, limit=1),
        Stimulus(tokens={"i": [1 << 16]}, expect={"o": 1}, limit=1),
        Stimulus(tokens={"i": []}, expect={}, limit=1),
        Stimulus(tokens={"i": []}, expect={"o": 0}, limit=1, ready={"o": np.ones(3, int)}),
        Stimulus(tokens={"i": []}, expect={"o": 0}, limit=1, offer={"o": np.ones(3, bool)}),
    ):
        with pytest.raises(InputError, match="wanted"):
            bench.run([wrong])
    with pytest.raises(InputError, match="one of amaranth"):
        build_bench(CreditPipeline, engine="spice", name="pipeline")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="identifier"):
        build_bench(CreditPipeline, engine="amaranth", name="a-b")
