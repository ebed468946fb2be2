"""Times and bytes of programs by exact length: no order of calls, and no length within a block, may matter."""

import random

import pytest

from hwsim.errors import InputError
from hwsim.llm.engine import EngineConfig
from hwsim.llm_workload.options import CompilerOptions
from hwsim.workload.decoder import load_model
from hwsim.workload.decoder.assignment import load_assignment
from mappers.llm.compile import Compiler
from mappers.llm.generate import Generator
from mappers.llm.lengths import ProgramBytes
from mappers.llm.timing import step_time

U280 = EngineConfig.preset("u280")
LLAMA, OPT = (load_model(name).replace(layers=2, hidden=128, heads=2, kv_heads=2, head_dim=64, intermediate=192,
                                       vocabulary=320) for name in ("llama2-7b", "opt-6.7b"))
DENSE = load_assignment("dense-int8")
OURS, DEMO = CompilerOptions(), CompilerOptions.preset("artifact")
LENGTHS = (1, 2, 15, 16, 17, 31, 97, 112)


def generator(on_chip=True, options=OURS):
    return Generator(LLAMA, U280.replace(length_adaptive=False, on_chip_decode=on_chip), DENSE, options)


@pytest.mark.parametrize("on_chip", [True, False])
@pytest.mark.parametrize(("given", "seed"), [((15, 16), 2), *(pytest.param(LENGTHS, seed, marks=pytest.mark.slow)
                                                             for seed in range(2))])
def test_without_buckets_the_order_of_calls_does_not_matter(on_chip, given, seed):
    print("seed", seed)
    lengths = list(given)
    random.Random(seed).shuffle(lengths)
    times, other = generator(on_chip), generator(on_chip)
    drawn = {length: (times.prefill(length), times.decode(length)) for length in lengths}
    for length in given:
        assert drawn[length] == (other.prefill(length), other.decode(length))
        alone = step_time(other.program("prefill", length)), step_time(other.program("decode", length))
        assert drawn[length] == alone


def test_lengths_of_one_block_differ_where_programs_hold_the_length():
    times = generator(on_chip=False)
    assert times.prefill(112).total_ps > times.prefill(97).total_ps
    assert times.decode(112).total_ps > times.decode(97).total_ps
    resident = generator()
    assert resident.decode(112) == resident.decode(97)


@pytest.mark.parametrize("on_chip", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_generation_without_buckets_is_the_sum_of_exact_steps(on_chip):
    times = generator(on_chip)
    found = times.generate(13, 20)
    alone = [step_time(times.program("decode", 13 + number)) for number in range(1, 21)]
    assert found.decode.total_ps == sum(step.total_ps for step in alone)
    assert found.decode.hbm_bytes == pytest.approx(sum(step.hbm_bytes for step in alone), rel=1e-12)
    assert found.prefill.total_ps == step_time(times.program("prefill", 13)).total_ps


@pytest.mark.slow
@pytest.mark.parametrize("options", [OURS, DEMO])
@pytest.mark.parametrize(("model", "slrs", "on_chip"), [
    (LLAMA, 3, True), (LLAMA, 1, False), (OPT, 3, False)])
def test_bytes_are_those_of_the_program_of_each_length(model, slrs, on_chip, options):
    engine = U280.replace(slrs=slrs, max_length=640, on_chip_decode=on_chip)
    found = ProgramBytes(model, engine, options).of(on_chip=on_chip)
    compiler = Compiler(model, engine, DENSE.of(model), options)
    for length in (*LENGTHS, 129, 250, 527, 639, 640):
        assert found.prefill[length - 1] == compiler.prefill(length).nbytes, length
        assert found.decode[length - 1] == compiler.decode(length).nbytes, length
    assert found.every_length == slrs * (sum(found.prefill) + sum(found.decode))


def test_bytes_of_models_with_experts_are_refused():
    with pytest.raises(InputError, match="instruction bytes: wanted a model without experts, got mixtral-8x7b with 8"):
        ProgramBytes(load_model("mixtral-8x7b"), U280, OURS)
