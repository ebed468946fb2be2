"""A whole training step on the RTL: new weights and masks bit for bit, every transfer in the model's cycle."""

from pathlib import Path

import numpy as np
import pytest
from core_steps import PARAMETERS, SMALL, perceptron

from hwsim.floats import FP16, round_to
from hwsim.sore.reference import select_bits
from hwsim.sparsity.ratio import Ratio
from hwsim.training_core.config import TrainingCoreConfig
from hwsim.training_core.model import INPUTS, OUTPUTS, core_network, offers_of
from hwsim.training_core.step import run_step
from hwsim.training_core.work import Layer, Task
from mappers.prune.patterns import load_patterns
from rtl.sore import engine as sore_engine
from rtl.training_core import core
from rtl.training_core.cases import draw_step, make_case
from rtl.training_core.emit import convert
from rtl.training_core.family import TrainingCoreFamily
from rtl.verify import verify
from rtl.verify.run import build_family_bench, run_cases
from rtl.verilog import lint

RESULTS = Path(__file__).parents[2] / "sim_results" / "training-accuracy"
TINY = {"rows": 1, "cols": 2, "ratios": ["1:2"], "multipliers": 1, "data_type": "fp16", "sum_stages": 1,
        "product_stages": 0, "tile_depth": 4, "batch": 2, "layers": 2}


def compared(step, config, engine):
    bench = build_family_bench(TrainingCoreFamily(), config, engine)
    case = make_case(step)
    [comparison] = run_cases(bench, [case])
    return case, comparison


@pytest.mark.slow
def test_a_step_of_two_layers_trains_the_same_weights_and_masks_in_the_same_cycles():
    layers, task = perceptron(SMALL, (12, 10, 6), 5, seed=11)
    step = run_step(SMALL, layers, task)
    case, comparison = compared(step, SMALL, "verilator")
    assert comparison.equal, comparison.differences
    assert case.cycles == core_network(step).solve().cycles
    assert len(case.value["u"]) == sum(trained.update.beats for trained in step.trained) == 12 * 3 + 10 * 2
    assert len(case.value["f"]) and len(case.value["b"])


@pytest.mark.slow
def test_layers_of_a_real_training_go_on_training_on_the_rtl():
    """Weights and masks of a ViT's two MLP layers, trained 2:8 with BDWP; the core selects the training's masks."""
    trained = load_patterns(RESULTS / "vit-bdwp-2-8.npz")
    parts = [(trained["blocks.0.up"], slice(0, 16), slice(0, 24)),
             (trained["blocks.0.down"], slice(0, 24), slice(8, 16))]
    config = TrainingCoreConfig(rows=2, cols=8, multipliers=2, ratios=("2:8",), tile_depth=8, o_depth=16, sum_stages=2)
    weights = [layer.weight.T[rows, columns].astype(np.float32) for layer, rows, columns in parts]
    layers = [Layer(weight=w, momentum=np.zeros_like(w), ratio=Ratio(2, 8)) for w in weights]
    rng = np.random.default_rng(5)
    x = round_to(FP16, rng.normal(size=(4, 16)).astype(np.float32)).astype(np.uint16)
    step = run_step(config, layers, Task(x=x, target=rng.normal(size=(4, 8)).astype(np.float32), parameters=PARAMETERS))
    for (layer, rows, columns), w in zip(parts, weights, strict=True):
        forward, backward = select_bits(config.sore, round_to(FP16, w).astype(np.uint16), Ratio(2, 8))
        for code, mask in ((forward, layer.mask_ff), (backward, layer.mask_bp)):
            kept = mask.T[rows, columns] & (w != 0)
            assert ((code.decode() != 0) == kept).all()
    case, comparison = compared(step, config, "verilator")
    assert comparison.equal, comparison.differences
    assert len(case.value["u"]) == 16 * 3 + 24


@pytest.mark.slow
@pytest.mark.parametrize("data_type", ["fp16", "bf16"])
def test_random_steps_under_stalls(data_type):
    report = verify("training_core", {"data_type": data_type, "rows": 2}, seed=21, cases=12, engine="verilator")
    assert report.passed and report.cases == 12 and report.transfers > 3000, report.summary()


@pytest.mark.slow
def test_a_tiny_step_under_stalls():
    report = verify("training_core", TINY, seed=2, cases=2, engine="amaranth")
    assert report.passed and report.transfers > 60, report.summary()


def test_stalls_of_a_bench_repeat_the_waits_for_results():
    for seed in range(6):
        rng = np.random.default_rng(seed)
        step, _ = draw_step(SMALL, {"layers": 2 + seed % 2}, rng)
        offer = {port: rng.random(400) < 0.5 for port in INPUTS}
        ready = {port: rng.random(400) < 0.7 for port in OUTPUTS}
        waiting = core_network(step, offer, ready).solve()
        replayed = core_network(step, offers_of(step, waiting, offer), ready, waits=False).solve()
        assert waiting.cycles == replayed.cycles
        for port in INPUTS + OUTPUTS:
            assert (waiting.start[port] == replayed.start[port]).all(), (seed, port)
        assert core_network(step, offer, ready, waits=False).solve().cycles < waiting.cycles


def route_ignores_state(monkeypatch):
    whole = core.TrainingCore._route

    def route(self, m):
        whole(self, m)
        m.d.comb += self.wuve.i.valid.eq(self.array.o.valid)

    monkeypatch.setattr(core.TrainingCore, "_route", route)


def fork_without_the_port(monkeypatch):
    whole = core.TrainingCore._fork

    def fork(self, m):
        whole(self, m)
        m.d.comb += self.sore.i.valid.eq(self.wuve.o.valid)

    monkeypatch.setattr(core.TrainingCore, "_fork", fork)


def model_routes_a_cycle_late(monkeypatch):
    monkeypatch.setattr("hwsim.training_core.model.ROUTE_QUEUE", 2)


def selection_upside_down(monkeypatch):
    whole = sore_engine.Sore.elaborate

    def elaborate(self, platform):
        m = whole(self, platform)
        m.d.comb += self.f.payload.slots[0].value.eq(0)
        return m

    monkeypatch.setattr(sore_engine.Sore, "elaborate", elaborate)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [route_ignores_state, fork_without_the_port, model_routes_a_cycle_late,
                                   selection_upside_down], ids=lambda fault: fault.__name__)
def test_each_fault_is_caught(monkeypatch, fault):
    fault(monkeypatch)
    stalls = {"stalls": dict.fromkeys("dawqhkofb", 0.0) | {"s": 0.7, "u": 0.7, "r": 0.9}}  # destinations come late
    report = verify("training_core", TINY | stalls, seed=2, cases=2, engine="amaranth")
    assert not report.passed and report.failures


@pytest.mark.slow
def test_the_verilog_is_lint_clean_and_says_how_to_drive_it():
    text = convert(core.TrainingCore(SMALL))
    assert lint(text) == []
    for line in ("r__payload: 25 bits: update [0 +: 1], beats [1 +: 24]", "of the array:", "of SORE"):
        assert line in text
