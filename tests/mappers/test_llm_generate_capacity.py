"""Buffers that hold the vectors and biases of a step: live sets by hand, and refusals that name the buffer."""

import pytest

from hwsim.errors import InputError
from hwsim.llm.engine import EngineConfig
from hwsim.llm_workload.options import CompilerOptions
from hwsim.workload.decoder import load_model, operators
from hwsim.workload.decoder.assignment import load_assignment
from mappers.llm.capacity import global_bytes, live_sets
from mappers.llm.compile import Compiler
from mappers.llm.fusion import stages
from mappers.llm.step import Machine

U280 = EngineConfig.preset("u280")


def compiler(model="llama2-7b", options=None, engine=U280, buffers=None, **engine_changes):
    changed = engine.replace(buffers=engine.buffers.replace(**(buffers or {})), **engine_changes)
    small = load_model(model).replace(layers=1)
    return Compiler(small, changed, load_assignment("dense-int8").of(small), options)


def test_live_set_of_a_layer_by_hand():
    """One core, 32 heads of 128 at a context of 100: the residual stays until the sum behind attention."""
    model = load_model("llama2-7b").replace(layers=1)
    hidden, wide, scores = 4096, 11008, 32 * 100
    sets = live_sets(stages(operators(model, 1, 100)), Machine(U280.replace(slrs=1), CompilerOptions()), False)
    assert sets == [
        2 * hidden,                # input_norm: residual, its norm
        3 * hidden, 4 * hidden, 5 * hidden,  # queries, keys, values
        4 * hidden, 3 * hidden,    # keys, then values go to HBM: before that the norm has had its last reader
        2 * hidden + scores,       # residual, queries, scores
        2 * hidden + scores,       # residual, scores, context
        3 * hidden, 2 * hidden,    # o_proj: residual, context, sum; mlp_norm
        2 * hidden + wide, 2 * hidden + 2 * wide,  # gate, up
        2 * hidden + wide]         # down_proj: sum, its operand, its result


@pytest.mark.parametrize("on_chip", [True, False])
@pytest.mark.parametrize("model", ["llama2-7b", "opt-6.7b", "mistral-7b", "llama-3-8b", "qwen2.5-7b"])
def test_the_u280_holds_every_model_at_its_longest_context(model, on_chip):
    made = compiler(model, on_chip_decode=on_chip)
    assert made.decode(2048).instructions > 0


def test_cores_share_out_scores():
    model = load_model("llama2-7b").replace(layers=1)
    found = stages(operators(model, 1, 2048))
    one, three = (max(live_sets(found, Machine(U280.replace(slrs=cores), CompilerOptions()), False))
                  for cores in (1, 3))
    assert (one, three) == (2 * 4096 + 32 * 2048, 4096 + 4096 + 11 * 2048)
    assert max(one, three) < global_bytes(U280) == 8 * 512 * 16 * 16


@pytest.mark.parametrize(("changes", "step", "message"), [
    ({"buffers": {"global_depth": 4}}, "decode", "global buffer of a core: wanted room for 9568 bytes: activations at "
                                                 r"q_proj\+q_rope, got 8192"),
    ({"buffers": {"b_depth": 4}}, "decode", "B buffer of a core: wanted room for 4096 bytes: the operand of q_proj"),
    ({"buffers": {"b_depth": 4}, "on_chip_decode": False}, "decode", "B buffer of a core: wanted room for 4096 bytes"),
    ({"buffers": {"global_depth": 4}, "on_chip_decode": False}, "decode", "global buffer of a core: wanted room for"),
    ({"model": "opt-6.7b", "buffers": {"bias_depth": 1}}, "prefill", "bias buffer of a core: wanted room for 21888 "
                                                                     "bytes: biases of a stage, got 64"),
    ({"model": "opt-6.7b", "buffers": {"bias_depth": 400}}, "decode", "bias buffer of a core: wanted room for 49"),
])  # fmt: skip
def test_buffers_that_are_too_small_are_refused(changes, step, message):
    made = compiler(**changes)
    with pytest.raises(InputError, match=message):
        getattr(made, step)(100)


def test_a_context_whose_scores_do_not_fit_is_refused():
    made = compiler("qwen2.5-7b", buffers={"global_depth": 64}, max_length=16384,
                    memory=U280.memory.replace(channel_bytes=4 << 30))
    assert made.decode(8192).instructions > 0
    with pytest.raises(InputError, match=r"activations at scores\+softmax, got 131072"):
        made.decode(16384)
