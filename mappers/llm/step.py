"""One step (a prompt, or one token) as stages of instructions: which instructions each stage of the model becomes."""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.errors import InputError
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import BLOCK, Instructions
from hwsim.llm_workload.options import CompilerOptions
from hwsim.workload.decoder import Operator
from hwsim.workload.decoder.assignment import ModelAssignment
from mappers.llm.fusion import Stage
from mappers.llm.layout import Layout
from mappers.llm.masked import Cache, Mask, block_mask, scores, values
from mappers.llm.matmul import matmul
from mappers.llm.matvec import Matrix, Stored, Target, matvec
from mappers.llm.surround import biased, through_memory, with_barrier
from mappers.llm.tiling import Geometry, ceil_div
from mappers.llm.vector import lines, reload

_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
_CACHED = ("k_proj", "v_proj")


def geometry(engine: EngineConfig) -> Geometry:
    """Sizes of a core that the compiler goes by.

    Raises:
        InputError: an MM of other than 16 columns, or tiles that are not whole blocks.
    """
    columns, rows = engine.mm_tile
    if columns != BLOCK or rows % BLOCK or engine.mv_tile % BLOCK:
        raise InputError("engine", f"MM of {BLOCK} columns, whole blocks of {BLOCK} in mm_tile and mv_tile",
                         f"mm_tile {list(engine.mm_tile)}, mv_tile {engine.mv_tile}")
    buffers, memory = engine.buffers, engine.memory
    return Geometry(
        mv_columns=engine.mv_tile, mm_rows=engine.mm_tile[1], channels=memory.a_channels,
        a_depth=buffers.a_depth, a_width=BLOCK * buffers.a_banks_mv, b_depth=buffers.b_depth, b_width=buffers.b_bytes,
        meta_depth=buffers.meta_depth, meta_width=buffers.meta_bytes,
        blocks_depth=buffers.blocks_depth * buffers.blocks_bytes, global_depth=buffers.global_depth,
        global_width=BLOCK)  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """An engine with the compiler's choices; rows of instructions are those of one of its cores."""

    engine: EngineConfig
    options: CompilerOptions

    @property
    def target(self) -> Target:
        """For stages with a barrier behind them."""
        return Target(geometry(self.engine), self.options)

    @property
    def cores(self) -> int:
        """Which share out the columns of every matrix, and the heads."""
        return self.engine.slrs

    def columns(self, n: int) -> int:
        """Columns of one core of a matrix of n, whole blocks of 16."""
        return n if self.cores == 1 else BLOCK * ceil_div(ceil_div(n, BLOCK), self.cores)

    def heads(self, count: int) -> int:
        """Heads on one core, of `count`."""
        return ceil_div(count, self.cores)

    def cache(self, kind: str, head_dim: int) -> Layout:
        """Keys or values of one head, with room for the engine's longest text."""
        tokens, wide = self.engine.max_length // BLOCK, ceil_div(head_dim, BLOCK)
        channels = self.engine.memory.a_channels
        if kind == "values":
            return Layout(tokens, wide, channels, by_rows=True)
        return Layout(wide, tokens, channels)


def stored(op: Operator, weights: ModelAssignment, options: CompilerOptions) -> Stored:
    """How a linear layer's weight lies in memory; routers are dense INT8."""
    bias = op.bias or (options.attention_bias and op.name in _ATTENTION)
    if op.kind == "router" or op.weight is None:
        return Stored(bias=bias)
    density, bits = weights.density(op.weight), weights.bits(op.weight)
    if not options.metadata:
        return Stored(8 / (bits * density), density, bias)
    return Stored(op.weight_elements / weights.stored_bytes(op.weight), density, bias)


def matrix(op: Operator, weight: Stored, machine: Machine) -> Matrix:
    """The matrix of a stage in MV mode, the share of one core."""
    if op.kind in ("scores", "values"):
        layout = machine.cache(op.kind, op.k if op.kind == "scores" else op.n)
        return Matrix(op.k, op.n, machine.heads(op.kv_heads), op.heads // op.kv_heads, cached=True, layout=layout)
    return Matrix(op.k, machine.columns(op.n), stored=weight)


def one_row(stage: Stage, weight: Stored, machine: Machine, old: int) -> Instructions | None:
    """A stage of one token through memory; `old`: tokens in the cache before it. None where nothing is to be done."""
    op, target = stage.op, machine.target
    if stage.kind == "append":
        if machine.options.append == "row" or not old:
            return None  # the projection stored its row into the cache
        return with_barrier(reload(old * machine.heads(op.heads) * op.n, target))
    source = matrix(op, weight, machine)
    body = biased(matvec(source, stage.passes, target), weight.bias, source.n, target)
    heads = source.batch * source.users
    return with_barrier(through_memory(body, heads * source.k, heads * source.n))


def functions(stage: Stage, machine: Machine) -> Instructions:
    """Functions alone: each core takes its share of the rows of a prompt; of one token, its heads or columns, but the
    whole vector of a norm.
    """
    op, target = stage.op, machine.target
    if op.kind == "softmax":
        return lines(op.m * machine.heads(op.heads), op.n, stage.passes, target)
    if op.m > 1 or op.kind == "norm":
        return lines(ceil_div(op.m, machine.cores), op.n * op.heads, stage.passes, target, cross=machine.cores > 1)
    return lines(1, machine.columns(op.n * op.heads), stage.passes, target)


def many_rows(stage: Stage, weight: Stored, mask: Mask, machine: Machine, head_dim: int) -> Instructions | None:
    """A stage of a prompt; mask of the core's heads in blocks of the mask. None where nothing is to be done."""
    op, target = stage.op, machine.target
    if stage.kind == "append":
        return None  # keys and values were stored into the cache by their projections
    if stage.kind == "vector":
        return with_barrier(functions(stage, machine))
    if stage.kind == "linear":
        head = (ceil_div(head_dim, BLOCK), machine.cache(op.name, head_dim).nbytes) if op.name in _CACHED else None
        whole = Matrix(op.k, machine.columns(op.n), stored=weight)
        body = matmul(op.m, whole, stage.passes, target, machine.cores, head)
        return with_barrier(biased(body, weight.bias, whole.n, target))
    rows, columns = (ceil_div(size, BLOCK) for size in (op.m, op.n if stage.kind == "scores" else op.k))
    fine = block_mask(mask, rows, columns, machine.engine.mask_block // BLOCK)
    cache = Cache(machine.cache(stage.kind, head_dim), op.heads // op.kv_heads)
    if stage.kind == "scores":
        return with_barrier(scores(fine, op.k, target, cache))
    return with_barrier(values(fine, op.n, target, cache))
