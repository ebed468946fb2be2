"""Addresses of loads and stores: channels of the core, regions, one layout for prompts and decoding."""

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import Buffer, Opcode
from hwsim.llm_workload.options import CompilerOptions
from hwsim.workload.decoder import load_model
from hwsim.workload.decoder.assignment import load_assignment
from mappers.llm.compile import Compiler

MODELS = ("llama2-7b", "llama2-13b", "opt-6.7b", "qwen2.5-7b", "mistral-7b", "llama-3-8b", "mixtral-8x7b")
ASSIGNMENTS = ("flightllm-3.5", "dense-int8", "artifact")


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


@pytest.mark.parametrize("preset", ["default", "artifact"])
@pytest.mark.parametrize("board", ["u280", "vhk158-artifact"])
@pytest.mark.parametrize("model", [pytest.param(name, marks=[] if name == "qwen2.5-7b" else pytest.mark.slow)
                                   for name in MODELS])
def test_loads_and_stores_stay_in_their_channels_and_regions(model, board, preset):
    try:
        compiler = compiler_of(model, board, preset)
    except InputError as error:
        assert error.place == "HBM"
        pytest.skip(str(error))
    for chip in (True, False):
        compiler = compiler_of(model, board, preset, on_chip_decode=chip)
        check_step(compiler, compiler.decode(333))
    check_step(compiler, compiler.prefill(150))
