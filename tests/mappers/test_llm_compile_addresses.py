"""Addresses of loads and stores: channels of the core, regions, one layout for prompts and decoding."""

import numpy as np
import pytest

from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import BLOCK, Buffer, Opcode
from hwsim.llm.simulate import simulate
from hwsim.llm_workload.options import CompilerOptions
from hwsim.workload.decoder import load_model
from hwsim.workload.decoder.assignment import load_assignment
from mappers.llm.compile import Compiler
from mappers.llm.step import Machine

MODELS = ("llama2-7b", "llama2-13b", "opt-6.7b", "qwen2.5-7b", "mistral-7b", "llama-3-8b", "mixtral-8x7b")


def compiler_of(model, board, preset, assignment="flightllm-3.5", layers=2, **engine):
    """A compiler for the first layers of a model."""
    small = load_model(model).replace(layers=layers)
    weights = load_assignment(assignment).replace(attention={}).of(small)
    return Compiler(small, EngineConfig.preset(board, **engine), weights, CompilerOptions.preset(preset))


def extents(rows):
    """First byte, and byte behind the last, that each LD or ST names in a channel."""
    ratio = np.where(rows["op"] == Opcode.LD, rows["ratio"], 1).astype(np.float64)
    loop = np.floor(rows["length"] / ratio / rows["channels"])
    first = rows["hbm"].astype(np.int64)
    return first, first + (rows["loops"].astype(np.int64) - 1) * rows["stride"] + loop.astype(np.int64)


def segments(program, step):
    """Stage name, layer and rows of each stage in program order."""
    begin = 0
    for place in step.order:
        for stage, count in step.stages[place.part]:
            yield stage, place.layer, program.instructions[begin:begin + count]
            begin += count
    assert begin == len(program.instructions)


def check_step(compiler, step):
    """Every load and store in the core's channels and in its own region."""
    placement, names = compiler.placement, {"scores": "keys", "append_k": "keys", "values": "values",
                                            "append_v": "values"}
    for stage, layer, rows in segments(step.program(), step):
        moved = rows[np.isin(rows["op"], (Opcode.LD, Opcode.ST)) & (rows["zero"] == 0)]
        first, last = extents(moved)
        channel = moved["channel"].astype(np.int64)
        assert (channel + moved["channels"] <= compiler.engine.core_channels).all(), stage
        operator = stage.partition("+")[0]
        prefix = "" if layer is None else f"layers.{layer}."
        streams = Buffer.B if (rows["op"] == Opcode.MM).any() else Buffer.A
        for one, begin, end, at in zip(moved, first, last, channel, strict=True):
            if one["op"] == Opcode.LD and one["buffer"] == Buffer.BIAS:
                region, width = placement.biases[prefix + operator], 1
            else:
                width = placement.width
                name = names.get(operator, operator)
                if one["op"] == Opcode.ST:
                    name = {"k": "keys", "v": "values"}.get(operator[0]) if operator in (
                        "k_proj", "v_proj", "k_rope") else name if operator.startswith("append") else None
                elif one["buffer"] != streams and not operator.startswith("append"):
                    name = None
                region = placement.regions.get(f"{prefix}{name}", placement.regions["activations"])
            assert region.channel <= at and at + one["channels"] <= region.channel + width, (stage, one)
            assert region.start <= begin and end <= region.start + region.size, (stage, layer, region, one)


CASES = [pytest.param(model, board, preset,
                      marks=[] if (model, board, preset) == ("qwen2.5-7b", "u280", "default") else pytest.mark.slow)
         for model in MODELS for board in ("u280", "vhk158-artifact") for preset in ("default", "artifact")]


@pytest.mark.parametrize(("model", "board", "preset"), CASES)
def test_loads_and_stores_stay_in_their_channels_and_regions(model, board, preset):
    for chip in (True, False):
        compiler = compiler_of(model, board, preset, on_chip_decode=chip)
        check_step(compiler, compiler.decode(333))
    check_step(compiler, compiler.prefill(150))


@pytest.mark.parametrize(("step", "buffer", "reader", "field", "fills"), [
    ("decode", Buffer.A, Opcode.MV, "a", 2), ("decode", Buffer.A, Opcode.MV, "a", 3),
    ("prefill", Buffer.B, Opcode.MM, "b", 2)])
@pytest.mark.parametrize("chip", [True, False])
def test_a_fill_never_lands_on_one_that_is_still_to_be_read(step, buffer, reader, field, fills, chip):
    small = load_model("llama2-7b").replace(layers=2, hidden=768, heads=6, kv_heads=6, intermediate=4800,
                                            vocabulary=1600)
    engine = EngineConfig.preset("u280", on_chip_decode=chip)
    compiler = Compiler(small, engine, load_assignment("dense-int8").of(small), CompilerOptions(fills=fills))
    program = getattr(compiler, step)(400).program()
    rows, run = program.instructions, simulate(program, engine)
    gives = 1 << reader
    fill = np.flatnonzero((rows["op"] == Opcode.LD) & (rows["buffer"] == buffer) & (rows["release"] & gives > 0))
    read = np.flatnonzero((rows["op"] == reader) & (rows["wait"] & 1 << Opcode.LD > 0))
    assert len(fill) == len(read) > 10
    assert (rows["bank"][fill] == rows[field][read]).all()
    g = compiler.machine.target.geometry
    width = g.channels * g.a_width if buffer == Buffer.A else g.b_width
    size = -(-rows["length"][fill].astype(np.int64) * rows["loops"][fill] // width)
    begin = rows["bank"][fill].astype(np.int64)
    assert (begin + size <= (g.a_depth if buffer == Buffer.A else g.b_depth)).all()
    assert len(np.unique(begin)) >= 2
    last = np.flatnonzero(rows["op"] == reader)
    ended = [run.end[last[(last >= one) & (last < after)]].max()
             for one, after in zip(read, [*read[1:], len(rows)], strict=True)]
    for number in range(1, len(fill)):
        near = slice(max(0, number - 64), number)
        meets = (begin[near] < begin[number] + size[number]) & (begin[number] < begin[near] + size[near])
        assert (np.array(ended[near])[meets] <= run.start[fill[number]]).all()


@pytest.mark.parametrize("name", ["q_proj", "down_proj", "lm_head"])
def test_prompts_and_decoding_read_the_same_columns_at_the_same_place(name):
    compiler = compiler_of("llama2-7b", "u280", "default")
    compiler.machine = Machine(compiler.engine, CompilerOptions(logits="all"))
    one, many = (streamed(step(64), name) for step in (compiler.decode, compiler.prefill))
    tile, channels = compiler.engine.mv_tile // BLOCK, compiler.engine.memory.a_channels
    columns = -(-load_model("llama2-7b").vocabulary // 48) if name == "lm_head" else -(-4096 // 48)
    first = many.reshape(columns, -1)[:, 0]  # of each column, its first part of K
    groups = one.reshape(-(-columns // tile), -1)[:, 0]
    assert groups["loops"].max() == tile // channels
    for number, load in enumerate(groups):
        for loop in range(load["loops"]):
            begin = number * tile + loop * channels
            here = first[begin:begin + channels]
            assert (here["hbm"] == load["hbm"] + loop * load["stride"]).all()
            assert (here["channel"] == load["channel"] + np.arange(len(here))).all()


def streamed(step, name):
    """Loads of a weight in the first layer, or in the head."""
    rows = np.concatenate([rows for stage, layer, rows in segments(step.program(), step)
                           if stage.startswith(name) and layer in (0, None)])
    buffer = Buffer.B if (rows["op"] == Opcode.MM).any() else Buffer.A
    return rows[(rows["op"] == Opcode.LD) & (rows["buffer"] == buffer)]


def test_a_tile_of_new_keys_and_values_lies_where_attention_reads_it():
    compiler = compiler_of("llama2-7b", "u280", "default")
    step, dim = compiler.prefill(256), load_model("llama2-7b").head_dim // BLOCK
    found = {stage.partition("+")[0]: rows for stage, layer, rows in segments(step.program(), step) if layer == 1}
    heads = compiler.machine.columns(4096) // BLOCK // dim  # whole ones: columns and heads are rounded up apart
    for made, reads, kind in (("k_proj", "scores", "keys"), ("v_proj", "values", "values")):
        start = compiler.placement.regions[f"layers.1.{kind}"].start
        stores = found[made][found[made]["op"] == Opcode.ST]["hbm"].astype(np.int64) - start
        loads = found[reads][(found[reads]["op"] == Opcode.LD) & (found[reads]["buffer"] == Buffer.B)]
        offset = loads["hbm"].astype(np.int64) - start
        size = compiler.machine.cache(reads, BLOCK * dim).nbytes
        place = stores.reshape(2, -1)[:, :heads * dim].reshape(2, heads, dim)  # tile, head, column block
        inside = (np.arange(2)[:, None] * dim + np.arange(dim)) * 256
        assert (place == np.arange(heads)[:, None] * size + inside[:, None]).all()
        wanted = place[:, :, 0].ravel() if kind == "keys" else place[0].ravel()
        assert set(offset[offset < heads * size].tolist()) == set(wanted.tolist())
