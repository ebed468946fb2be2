"""A token: its parts add up; compression against the pruner's model; energy by hand; timelines; crossings."""

import numpy as np
import pytest

from hwsim.bitmap_decoder.pruner.model import pruner_network
from hwsim.bitmap_decoder.pruner.vectors import Batch
from hwsim.errors import InputError
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.machine import KvMachine
from hwsim.kv_workload.step import compression, weight_cycles
from mappers.kv.decode import crossing, prompt_cycles, run, step_of, timeline_of

ENGINES = ("dense", "decoded", "skip")


def experiment(**changes):
    workload = {"kv": "llama2-7b", "contexts": (256, 2048), "prompt": 600, "generate": 9, **changes.pop("workload", {})}
    return KvExperiment.from_mapping({"workload": workload, **changes})


@pytest.mark.parametrize("engine", ENGINES)
def test_parts_of_a_token_add_up(engine):
    case = experiment(workload={"batch": 2})
    step, model = step_of(case, 0.5, engine, 2048), case.workload.kv
    append = int(case.memory.service_cycles([2 * 32 * 2 * 128 * 2], 1e9)[0])
    assert step.attention_cycles == 32 * (step.layer.cycles + append) + step.compression_cycles
    assert step.cycles == step.attention_cycles + step.weight_cycles
    assert step.weight_cycles == 32 * weight_cycles(case, model.layer_weights, 2) + weight_cycles(
        case, model.head_weights, 2)
    assert step.tokens_per_s == 2e9 / step.cycles < step.attention_tokens_per_s
    assert step.joules_per_token > step.attention_joules_per_token > 0
    assert (step.compression_cycles > 0) is (engine != "dense")
    assert step.layer.cycles * 32 >= step.layer.dram_busy * 32 >= 32 * step.layer.nbytes / 921.6


def test_weights_are_bound_by_bytes_then_by_macs():
    case = experiment()
    weights = case.workload.kv.layer_weights
    assert weight_cycles(case, weights, 1) == int(case.memory.service_cycles([2 * weights], 1e9)[0])
    assert weight_cycles(case, weights, 1024) == -(-weights * 1024 // 16384)


@pytest.mark.parametrize("tokens", [1, 7, 40, 64])
def test_compression_is_the_pruners_own_time(tokens):
    """One pruner on the vectors of one head, by its exact model: charged to a few cycles of its last beats."""
    model = {"name": "x", "shape": {"layers": 1, "query_heads": 1, "kv_heads": 1}, "hidden": 8, "intermediate": 8,
             "vocabulary": 8}
    case = experiment(accelerator={"pruners": 1}, workload={"kv": model})
    vectors = np.random.default_rng(tokens).standard_normal((tokens, 128)).astype(np.float16).view(np.uint16)
    took = 8 * tokens  # the values, whose last beats leave while keys come in; a vector is 8 beats
    timeline = pruner_network([Batch(config=case.accelerator.pruner(128, "keys"), vectors=vectors, keep=64)]).solve()
    took += int(timeline.start["v"][-1] - timeline.start["i"][0])
    packed = compression(case, tokens, 0.65)
    charged = packed.cycles - case.memory.latency_cycles(1e9)
    assert -16 <= took - charged <= 16
    assert packed.read == 2 * tokens * 128 * 2 and packed.written == int(0.65 * packed.read)


def test_compression_of_nothing_and_bound_by_memory():
    assert compression(experiment(), 0, 0.5).cycles == 0
    slow = experiment(memory={"channels": 1})
    packed = compression(slow, 256, 0.5)
    moved = int(slow.memory.service_cycles([packed.read + packed.written], 1e9)[0])
    assert packed.cycles == moved + slow.memory.latency_cycles(1e9)


def test_energy_of_a_dense_token_by_hand():
    step = step_of(experiment(), 0.5, "dense", 2048)
    leaves = {(leaf.component, leaf.action): leaf for leaf in step.attention_energy.leaves}
    elements = 2 * 2048 * 32 * 32 * 128
    assert leaves["DRAM", "cache"].count == 16 * elements == 8 * step.cache_bytes
    assert leaves["lanes", "multiply-accumulate"].count == elements
    assert leaves["normalise", "multiply"].count == 32 * 32 * 128 * step.layer.splits
    assert leaves["accumulators", "choose"].count == elements * 32 * 23  # of the 24 that each of 8 lanes owns
    assert ("values", "rotate") not in leaves and ("bitmaps", "write") not in leaves


def test_energy_follows_the_cache():
    steps = {engine: step_of(experiment(), 0.7, engine, 2048) for engine in ENGINES}
    leaves = {engine: {(leaf.component, leaf.action): leaf.count for leaf in step.attention_energy.leaves}
              for engine, step in steps.items()}
    tail, compressed = 256, 1792
    kept = 2 * 32 * 32 * (tail * 128 + compressed * 39)
    assert leaves["skip"]["lanes", "multiply-accumulate"] == pytest.approx(kept, rel=1e-9)
    assert leaves["decoded"]["lanes", "multiply-accumulate"] == leaves["dense"]["lanes", "multiply-accumulate"]
    assert leaves["skip"]["DRAM", "cache"] == leaves["decoded"]["DRAM", "cache"]
    assert leaves["skip"]["DRAM", "cache"] == pytest.approx(8 * steps["skip"].cache_bytes, rel=1e-3)
    assert any(name.startswith("decoder") for name, _ in leaves["decoded"])
    assert any(name.startswith("pruner") for name, _ in leaves["skip"])
    assert steps["skip"].attention_joules_per_token < steps["dense"].attention_joules_per_token


@pytest.mark.parametrize("engine", ENGINES)
def test_timeline_sums_every_token(engine):
    case = experiment()
    timeline = timeline_of(case, 0.5, engine)
    tokens = [step_of(case, 0.5, engine, context).cycles for context in range(601, 610)]
    assert timeline.decode == pytest.approx(sum(tokens) / 1e9)
    assert timeline.compress == prompt_cycles(case, 0.5, engine) / 1e9
    assert (timeline.compress > 0) is (engine != "dense")
    assert timeline.prefill * 1e9 >= 600 * 6_476_005_376 / 16384


@pytest.mark.slow
def test_timeline_of_many_tokens_is_near_the_sum():
    case = experiment(workload={"prompt": 1000, "generate": 512})
    exact = sum(step_of(case, 0.5, "skip", context).cycles for context in range(1001, 1513))
    assert timeline_of(case, 0.5, "skip").decode * 1e9 == pytest.approx(exact, rel=2e-3)


@pytest.mark.slow
def test_a_run_says_where_engines_cross():
    outcome = run(experiment(pruning={"sparsities": [0.5]}))
    (found,) = outcome.runs
    assert found.faster == {"decoded": 288, "skip": 288}  # window and a group
    case = outcome.experiment
    for engine, context in found.faster.items():
        for place, faster in ((context, True), (context - 1, False), (2048, True)):
            ours, dense = (step_of(case, 0.5, each, place).cycles for each in (engine, "dense"))
            assert (ours < dense) is faster
    paid = found.paid_back["skip"]
    saved = step_of(case, 0.5, "dense", 601).cycles - step_of(case, 0.5, "skip", 601).cycles
    assert paid == pytest.approx(prompt_cycles(case, 0.5, "skip") / saved)
    assert outcome.weights_equal_cache == pytest.approx(2 * (6_738_415_616 - 266_240 - 131_072_000) / 524_288)


@pytest.mark.slow
def test_without_sparsity_nothing_pays():
    """A bitmap of ones is 9 % larger than no bitmap."""
    case = experiment(pruning={"sparsities": [0.0]}, workload={"contexts": (64, 512, 1024)})
    (found,) = run(case).runs
    assert found.ratio.mean == pytest.approx(1 + 0.0625 + 0.03125)
    assert found.faster == found.cheaper == found.paid_back == {"decoded": None, "skip": None}
    assert crossing(case, 0.0, "skip", "cycles") is None


def test_shared_heads_take_clusters_of_units():
    """Four queries on a head: four units on one block, the bytes of one."""
    grouped = experiment(workload={"kv": "llama-3-8b"}, accelerator={"units": 256})
    alone = experiment(workload={"kv": {"name": "x", "shape": {"layers": 32, "query_heads": 8, "kv_heads": 8},
                                        "hidden": 4096, "intermediate": 14336, "vocabulary": 128256}})
    steps = [step_of(case, 0.5, "skip", 2048) for case in (grouped, alone)]
    assert steps[0].layer == steps[1].layer
    lanes = [next(leaf.count for leaf in step.attention_energy.leaves if leaf.component == "lanes") for step in steps]
    assert lanes[0] == pytest.approx(4 * lanes[1])


@pytest.mark.parametrize("changes, error", [
    ({"workload": {"contexts": (512, 256)}}, "workload.contexts: wanted rising"),
    ({"workload": {"batch": 0}}, "workload.batch"),
    ({"workload": {"kv": "gpt-5"}}, "workload.kv.preset: wanted one of"),
    ({"workload": {"batch": 1024}}, "wanted at most 16777216 tokens"), ({"workload": {"prompt": 0}}, "prompt"),
    ({"accelerator": {"units": 0}}, "accelerator.units"), ({"accelerator": {"slots": 65}}, "accelerator.slots"),
    ({"accelerator": {"units": 3}, "workload": {"kv": "llama-3-8b"}}, "units: wanted at least the 4 queries"),
    ({"clock_hz": 0}, "clock_hz"), ({"capacity_bytes": -1}, "capacity_bytes"), ({"speed": 1}, "key 'speed'")])
def test_bad_experiments(changes, error):
    with pytest.raises(InputError, match=error):
        experiment(**changes)


def test_experiment_reads_back_to_itself():
    case = experiment(memory={"channels": 8})
    assert case.memory.name == "hbm2" and case.memory.channels == 8
    assert KvExperiment.from_mapping(case.to_mapping()) == case
    assert KvMachine.preset("kv-256x8").multipliers == 2048
