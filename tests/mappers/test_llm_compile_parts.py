"""Parts of the LLM compiler: fusion, cuts of K, masked attention against a plain count, placement, buckets, bytes."""

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import Function, Opcode
from hwsim.llm_workload.options import CompilerOptions
from hwsim.workload.decoder import head_operators, load_model, operators
from hwsim.workload.decoder.assignment import load_assignment
from mappers.llm.compile import kind_of
from mappers.llm.fusion import stages
from mappers.llm.generate import Generator, ablation
from mappers.llm.lengths import ProgramBytes, continued
from mappers.llm.masked import Cache, scores, values
from mappers.llm.matvec import Matrix, Target, parts_of
from mappers.llm.placement import placed
from mappers.llm.step import Machine, geometry
from mappers.llm.tiling import DENSE, by_capacity, cut

U280 = EngineConfig.preset("u280")
OURS, DEMO = CompilerOptions(), CompilerOptions.preset("artifact")
ONE_CORE = U280.replace(slrs=1)
SMALL = load_model("llama2-7b").replace(layers=2, hidden=512, heads=4, kv_heads=4, intermediate=1024, vocabulary=1600)


def names(model, **choices):
    return [stage.name for stage in stages(operators(load_model(model), 1, 100), **choices)]


def test_functions_join_the_product_before_them():
    assert names("llama2-7b") == [
        "input_norm", "q_proj+q_rope", "k_proj+k_rope", "v_proj", "append_k", "append_v", "scores+softmax", "values",
        "o_proj+attention_add", "mlp_norm", "gate_proj+activation", "up_proj+mul", "down_proj+mlp_add"]
    assert "up_proj+activation" in names("opt-6.7b")
    assert "expert1.down_proj+expert1.weigh+mlp_add" in names("mixtral-8x7b")
    assert kind_of("expert1.down_proj+expert1.weigh+mlp_add") == "down_proj+weigh+mlp_add"


def test_without_fusion_every_operator_is_a_stage():
    model = load_model("qwen2.5-7b")
    assert names("qwen2.5-7b", fuse=False) == [op.name for op in operators(model, 1, 100)]
    assert [stage.name for stage in stages(head_operators(model))] == ["final_norm", "lm_head"]


def test_rotation_is_one_pass_or_three():
    one, three = (stages(operators(SMALL, 1, 9), rope)[1].passes for rope in ("unit", "element-wise"))
    assert [step.function for step in one] == [Function.ROPE]
    assert [step.function for step in three] == [Function.MUL, Function.MUL, Function.ADD]
    assert [step.operands for step in three] == [1, 1, 0]


@pytest.mark.parametrize("split", ["even", "floor"])
@pytest.mark.parametrize(("blocks", "count"), [(1, 1), (688, 3), (688, 6), (256, 2), (17, 5)])
def test_cuts_cover_k(blocks, count, split):
    sizes = cut(blocks, count, split)
    assert sizes.sum() == blocks and sizes.min() > 0
    if split == "even":
        assert len(sizes) == count and np.ptp(sizes) <= 1


def test_a_fill_fits_in_its_part_of_the_buffer():
    parts = by_capacity(688, 32 * DENSE, 2 << 20, 2, "even")
    assert parts.sizes.max() * 32 * DENSE * 2 <= 2 << 20
    assert len(parts.sizes) == 6
    with pytest.raises(InputError, match="buffer: wanted room for 2 fills of 8192 bytes"):
        by_capacity(4, 32 * DENSE, 8192, 2, "even")


def test_the_demo_leaves_a_rest_behind_equal_parts():
    target = Target(geometry(EngineConfig.preset("vhk158-artifact")), DEMO)
    parts = parts_of(Matrix(k=11008, n=4096), target)
    assert (parts.sizes.tolist(), parts.depth) == ([114] * 6 + [4], 4)


def counted(mask, tile):
    """Products of scores and of values, a plain loop over heads, tiles and columns."""
    found = 0
    for head in mask:
        for start in range(0, len(head), tile):
            found += sum(head[start:start + tile, column].any() for column in range(head.shape[1]))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_masked_attention_computes_what_the_mask_keeps(seed):
    print("seed", seed)
    rng = np.random.default_rng(seed)
    blocks = int(rng.integers(2, 30))
    mask = np.tril(rng.random((3, blocks, blocks)) < 0.4) | np.eye(blocks, dtype=bool)
    target = Target(geometry(ONE_CORE), OURS)
    keys, cached = (Cache(Machine(ONE_CORE, OURS).cache(kind, 64)) for kind in ("scores", "values"))
    rows = scores(mask, 64, target, keys)
    ops = np.bincount(rows["op"], minlength=6)
    assert ops[Opcode.MM] == counted(mask, 8)
    assert ops[Opcode.MISC] == 16 * 3 * blocks and ops[Opcode.ST] == 3 * blocks
    lines = rows["k"][rows["op"] == Opcode.MISC]
    assert lines.sum() == 16 * mask.sum()
    rows = values(mask, 64, target, cached)
    work = rows["k"][rows["op"] == Opcode.MM]
    assert work.sum() == 64 // 16 * counted(mask, 8)
    zeros = values(mask, 64, Target(geometry(ONE_CORE), DEMO), cached)
    loads = zeros[(zeros["op"] == Opcode.LD) & (zeros["buffer"] == rows["buffer"][0])]
    assert loads["length"].sum() == mask.size * DENSE
    assert loads["length"][loads["zero"] == 1].sum() == (~mask).sum() * DENSE


def test_regions_do_not_overlap_and_hold_all_weights():
    model = load_model("llama2-7b")
    weights = load_assignment("flightllm-3.5").of(model)
    placement = placed(model, weights, U280)
    by_group = {}
    for region in placement.regions.values():
        by_group.setdefault(region.channel, []).append((region.start, region.start + region.size))
    for spans in by_group.values():
        spans.sort()
        assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))
        assert spans[-1][1] <= U280.memory.channel_bytes
    assert placement.used >= weights.total_bytes / U280.slrs + model.kv_elements(2048) / U280.slrs


def test_a_model_that_is_too_large_is_refused():
    model = load_model("mixtral-8x7b")
    with pytest.raises(InputError, match=r"HBM: wanted a model that fits in 6\.44 GB of matrices, got mixtral-8x7b"):
        placed(model, load_assignment("flightllm-3.5").of(model), U280)


def small_generator(**engine):
    return Generator(SMALL, U280.replace(**engine), load_assignment("dense-int8"))


def test_lengths_are_rounded_up_to_buckets():
    generator = small_generator()
    assert [generator.bucket("prefill", length) for length in (1, 128, 129, 2048)] == [128, 128, 256, 2048]
    assert [generator.bucket("decode", length) for length in (1, 16, 17)] == [16, 16, 32]
    assert generator.bucket("prefill", 100, 112) == 112
    assert small_generator(length_adaptive=False).bucket("decode", 17) == 17
    with pytest.raises(InputError, match="prefill: bucket: wanted at least the 128 tokens that it serves, got 64"):
        generator.bucket("prefill", 128, 64)
    with pytest.raises(InputError, match="decode: wanted 1 to 2048, got 2049"):
        generator.bucket("decode", 2049)


def test_a_generation_is_the_sum_of_its_steps():
    generator = small_generator()
    found = generator.generate(20, 30)
    assert found.prefill.total_ps == generator.prefill(20).total_ps
    assert found.decode.total_ps == sum(generator.decode(20 + number).total_ps for number in range(1, 31))
    assert found.decode.total_ps == sum(found.decode.layer_ps.values())
    for queue in Opcode:
        assert sum(found.decode.stalls(queue).values()) == pytest.approx(1)
        assert min(found.decode.stalls(queue).values()) >= -1e-12
    with pytest.raises(InputError, match=r"prompt \+ tokens: wanted 2 to 2048, got 2058"):
        generator.generate(2048, 10)


@pytest.mark.slow
def test_each_idea_counts():
    found, sizes = ablation(SMALL, U280, load_assignment("artifact").replace(attention={}), OURS, 32, 32)
    full = found.cases["full design"]
    assert found.cases["without always-on-chip decode"].decode.total_ps > full.decode.total_ps
    assert found.cases["without sparse MUX"].prefill.busy[Opcode.MM] > full.prefill.busy[Opcode.MM]
    assert found.stored["without length-adaptive compilation"] == sizes.every_length > 100 * sizes.adaptive
    assert sizes.every_length > sizes.buckets > sizes.adaptive


def test_a_quadratic_with_a_period_is_continued_exactly():
    number = np.arange(40)
    sizes = (number // 4) ** 2 * 7 + (number % 4) * (number // 4) + number % 4
    assert continued(sizes[:12], 4, 40).tolist() == sizes.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("options", [OURS, DEMO])
def test_bytes_of_long_prompts_follow_from_those_of_short_ones(options):
    sizes = ProgramBytes(SMALL, U280, options)
    compiler = sizes._compiler(U280)
    for length in (16 * 41, 1024, 16 * 127):
        assert sizes.prefill(length) == sizes._sizes(compiler.prefill(length))
