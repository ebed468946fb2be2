"""Programs of random small models: tokens match, every stored byte is loaded once, no stage runs before its inputs."""

import random

import numpy as np
import pytest

from hwsim.llm.encoding import decode, encode
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import BLOCK, SIDE, Buffer, Opcode
from hwsim.llm.simulate import simulate
from hwsim.llm_workload.options import CompilerOptions
from hwsim.workload.decoder import DecoderConfig, head_operators, operators
from hwsim.workload.decoder.assignment import Assignment, Rule
from hwsim.workload.decoder.attention_mask import AttentionMask
from hwsim.workload.decoder.operators import INPUT
from mappers.llm.compile import Compiler
from mappers.llm.fusion import stages
from mappers.llm.timing import step_time

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 12))]
OURS = CompilerOptions()
MULTIPLIES = (Opcode.MM, Opcode.MV)


def model_of(rng):
    heads, experts = rng.choice((2, 4, 6)), rng.choice((1, 1, 3))
    return DecoderConfig(
        name="small", architecture="none", hidden=16 * rng.randint(4, 60), layers=rng.randint(1, 3), heads=heads,
        kv_heads=heads // rng.choice((1, 2)), head_dim=rng.choice((32, 64, 128)), intermediate=16 * rng.randint(4, 90),
        vocabulary=16 * rng.randint(10, 100), max_positions=2048, norm=rng.choice(("rms", "layer")),
        activation=rng.choice(("silu", "gelu", "relu")), gated=rng.random() < 0.5, rope=rng.random() < 0.5,
        qkv_bias=rng.random() < 0.5, mlp_bias=rng.random() < 0.5, experts=experts,
        experts_per_token=min(experts, rng.randint(1, 2)))


def compiler_of(seed, options=None, **engine):
    """A compiler for a small model; everything follows from the seed, but what is given."""
    print("seed", seed)
    rng = random.Random(seed)
    model = model_of(rng)
    rules = (Rule(match="*down_proj", density=rng.choice((0.5, 0.7)), bits=rng.choice((3, 4))), Rule(match="*", bits=4))
    mask = AttentionMask(densities=(rng.choice((0.3, 1.0)),))
    drawn = CompilerOptions.from_mapping({
        "preset": rng.choice(("default", "artifact")), "fills": rng.choice((2, 3, 8)),
        "through_memory": rng.choice(("operators", "stages"))})
    board = EngineConfig.preset("u280", **{"slrs": rng.choice((1, 2, 3)), **engine})
    assignment = Assignment(name="drawn", rules=rules, attention=mask)
    return rng, Compiler(model, board, assignment.of(model), options or drawn)


@pytest.mark.parametrize("on_chip", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_programs_run_to_their_end_and_take_every_token(seed, on_chip):
    rng, compiler = compiler_of(seed, OURS if on_chip else None, on_chip_decode=on_chip)
    for step in (compiler.decode(rng.randint(1, 700)), compiler.prefill(rng.randint(2, 300))):
        program = step.program()
        run = simulate(program, compiler.engine)
        assert run.tokens_left == 0
        assert len(program) == step.instructions
        assert program.nbytes == step.nbytes
        assert step_time(step).total_ps == run.total
        words = decode(encode(program.instructions))
        kept = [name for name in words.dtype.names if name not in SIDE]
        assert all(np.array_equal(words[name], program.instructions[name]) for name in kept)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_stored_byte_of_the_weights_is_loaded_once_and_every_product_computed(seed):
    _, compiler = compiler_of(seed, OURS, on_chip_decode=True, slrs=1)
    context = 333
    rows = compiler.decode(context).program().instructions
    load = rows[(rows["op"] == Opcode.LD) & (rows["buffer"] == Buffer.A)]
    model = compiler.model
    listed = [op for layer in range(model.layers) for op in operators(model, 1, context, layer)]
    listed += head_operators(model)
    weights = sum(16 * -(-op.k // 16) * 16 * -(-op.n // 16) for op in listed if op.kind in ("linear", "router"))
    cache = 2 * model.layers * model.kv_heads * model.head_dim * 16 * -(-context // 16)
    assert int((load["length"].astype(np.int64) * load["loops"]).sum()) == weights + cache
    stored = sum(compiler.weights.stored_bytes(op.weight) for op in listed if op.kind == "linear")
    routers = sum(16 * -(-op.k // 16) * 16 * -(-op.n // 16) for op in listed if op.kind == "router")
    moved = float((load["length"] / load["ratio"] * load["loops"]).sum())
    assert moved == pytest.approx(stored + cache + routers, rel=1e-3)
    multiply = rows[np.isin(rows["op"], MULTIPLIES)]
    tile = compiler.engine.mv_tile
    for op in {op.name: op for op in listed if op.macs}.values():
        assert op.macs <= model.layers * tile * BLOCK * int(multiply["k"].sum())
    fills = -(-np.array([op.n for op in listed if op.macs]) // tile)
    assert int(multiply["k"].sum()) >= int((fills * [-(-op.k // 16) * op.heads for op in listed if op.macs]).sum())


@pytest.mark.parametrize("seed", SEEDS)
def test_on_the_chip_no_stage_begins_before_what_it_reads(seed):
    _, compiler = compiler_of(seed, OURS, on_chip_decode=True)
    step = compiler.decode(200)
    program = step.program(addresses=False)
    run, rows, place = simulate(program, compiler.engine), program.instructions, 0
    computes = np.isin(rows["op"], (*MULTIPLIES, Opcode.MISC))
    before = 0
    for spot in step.order:
        here = np.arange(place, place + len(step.parts[spot.part]))
        place = int(here[-1]) + 1
        listed = operators(compiler.model, 1, 200, spot.layer) if spot.layer is not None else \
            head_operators(compiler.model)
        if compiler.model.experts > 1:
            continue  # kinds of experts share a name
        ends, scores = {INPUT: before}, -1
        for stage in stages(listed):
            mine = here[rows["layer"][here] == program.layers.index(stage.name)]
            first = mine[computes[mine]][0] if stage.kind != "append" else mine[0]
            if stage.kind == "values":  # head by head
                softmax = here[(rows["layer"][here] == scores) & (rows["op"][here] == Opcode.MISC)]
                heads = mine[(rows["op"][mine] == Opcode.MV) & (rows["wait"][mine] & 1 << Opcode.MISC > 0)]
                assert (run.start[heads] >= run.end[softmax]).all()
            else:
                assert run.start[first] >= max(ends[name] for name in stage.op.inputs)
            scores = rows["layer"][mine[0]] if stage.kind == "scores" else scores
            ends.update(dict.fromkeys(stage.produces, int(run.end[mine].max())))
        before = ends[listed[-1].name]


@pytest.mark.parametrize("fills", [2, 3, 5])
def test_loads_never_fill_a_part_of_the_buffer_that_is_still_read(fills):
    _, compiler = compiler_of(3, CompilerOptions(fills=fills), on_chip_decode=True)
    program = compiler.decode(650).program(addresses=False)
    run, rows = simulate(program, compiler.engine), program.instructions
    fill = np.flatnonzero((rows["op"] == Opcode.LD) & (rows["buffer"] == Buffer.A))
    read = np.flatnonzero((rows["op"] == Opcode.MV) & (rows["wait"] & 1 << Opcode.LD > 0))
    assert len(fill) == len(read)  # one LD a fill; the first MV of a fill waits for it
    last = np.concatenate([read[1:], [len(rows)]])
    over = [max(run.end[i] for i in range(begin, end) if rows["op"][i] == Opcode.MV)
            for begin, end in zip(read, last, strict=True)]
    assert (run.start[fill[fills:]] >= np.array(over[:-fills])).all()
    held = rows["length"][fill].astype(np.int64) * rows["loops"][fill]
    assert held.max() <= compiler.machine.target.geometry.a_bytes // fills
