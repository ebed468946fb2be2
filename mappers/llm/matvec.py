"""MV mode: one row times a matrix, the matrix streaming through the A buffer. Instructions of a linear layer, of the
scores and of the values of attention in decoding, without what surrounds them (`mappers.llm.surround`).

For each batch (head of keys or values), for each group of columns that one MV covers, for each part of K: one fill of
the A buffer, then one MV for each user of the fill (query heads that share keys). A group's last part hands its columns
to the special function unit, where functions are fused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from hwsim.llm.isa import BLOCK, Buffer, Flag, Instructions, Opcode
from hwsim.llm_workload.options import CompilerOptions
from mappers.llm.fusion import Pass
from mappers.llm.layout import Layout
from mappers.llm.rows import LD, MISC, MV, block, joined, tokens, without_empty_loads
from mappers.llm.tiling import DENSE, Counts, Geometry, Parts, by_capacity, ceil_div, mv_as_artifact


@dataclass(frozen=True)
class Stored:
    """How a matrix lies in memory: dense INT8 bytes per stored byte, mean N/M of its blocks, whether it has a bias."""

    ratio: float = 1.0
    work: float = 1.0
    bias: bool = False

    @property
    def flags(self) -> int:
        """Of its MM or MV."""
        return (Flag.SPARSE if self.work < 1 else 0) | (Flag.BIAS if self.bias else 0)


@dataclass(frozen=True)
class Target:
    """What a stage is compiled for.

    Attributes:
        endless: fills are counted through the whole program: every fill waits for a free part of the buffer, and every
            MV gives one back. Else each stage begins with an empty buffer.
        resident: second operands of fused functions are in the global buffer already.
    """

    geometry: Geometry
    options: CompilerOptions
    endless: bool = False
    resident: bool = False


@dataclass(frozen=True)
class Matrix:
    """`batch` matrices of ``k x n`` elements, each used by `users` rows.

    Attributes:
        cached: keys or values: K is never cut by the demo, and credits start anew at each head.
        layout: of one matrix, where it is not that of a weight: caches have room for more tokens.
        sharing: so many matrices that follow each other are the same one in memory.
    """

    k: int
    n: int
    batch: int = 1
    users: int = 1
    stored: Stored = Stored()
    cached: bool = False
    layout: Layout | None = None
    sharing: int = 1

    @property
    def k_blocks(self) -> int:
        """Blocks along K."""
        return ceil_div(self.k, BLOCK)

    @property
    def n_blocks(self) -> int:
        """Blocks along N."""
        return ceil_div(self.n, BLOCK)


def parts_of(matrix: Matrix, target: Target) -> Parts:
    """Parts of K, and fills that loads may run ahead."""
    g, options = target.geometry, target.options
    if options.credits == "exact":
        wide = min(matrix.n_blocks, g.mv_blocks) * DENSE
        return by_capacity(matrix.k_blocks, wide, g.a_bytes, options.fills, options.split)
    if not matrix.cached:
        return mv_as_artifact(matrix.k_blocks, g)
    addresses = DENSE * matrix.k_blocks * ceil_div(g.mv_blocks, g.channels) // g.a_width
    return Parts(np.array([matrix.k_blocks]), g.a_depth // addresses)


def spread(matrix: Matrix, target: Target) -> Matrix:
    """Users of a matrix whose K is cut load it each for themselves: the sums of several rows have no place to wait."""
    if matrix.users == 1 or len(parts_of(matrix, target).sizes) == 1:
        return matrix
    return replace(matrix, batch=matrix.batch * matrix.users, users=1, sharing=matrix.users)


def layout_of(matrix: Matrix, target: Target) -> Layout:
    """Where the matrix lies in HBM; the demo's loads of whole groups need whole groups."""
    g = target.geometry
    wide = matrix.n_blocks if target.options.ragged else g.mv_blocks * ceil_div(matrix.n_blocks, g.mv_blocks)
    return matrix.layout or Layout(matrix.k_blocks, wide, g.channels, matrix.stored.ratio)


@lru_cache(maxsize=256)
def matvec(matrix: Matrix, passes: tuple[Pass, ...], target: Target) -> Instructions:
    """Fills, MVs and fused functions; those of ``cached`` matrices (softmax) run once a row, others once a group.

    The array is shared by all who ask for the same, and cannot be written.
    """
    g = target.geometry
    parts, matrix = parts_of(matrix, target), spread(matrix, target)
    groups = ceil_div(matrix.n_blocks, g.mv_blocks)
    loads = _loads(matrix, groups, parts, target)
    products = _products(matrix, groups, parts, target, bool(passes))
    if matrix.cached:
        lead = joined([loads, products], 3).reshape(matrix.batch, 1, -1)
        tail = [_functions(passes, (matrix.batch, matrix.users), matrix.n_blocks, target)] if passes else []
    else:
        lead = joined([loads, products], 3).reshape(matrix.batch, groups, -1)
        left = np.minimum(matrix.n_blocks - np.arange(groups) * g.mv_blocks, g.mv_blocks)
        wide = left if target.options.ragged else np.full(groups, g.mv_blocks)
        tail = [_operands(passes, wide, target), _functions(passes, (1, groups), wide, target)] if passes else []
    rows = without_empty_loads(joined([lead, *tail], 1 if matrix.cached else 2))
    rows.setflags(write=False)
    return rows


def _loads(matrix: Matrix, groups: int, parts: Parts, target: Target) -> Instructions:
    """Fills, shape (batch, groups, parts, loads of a fill)."""
    g, wide = target.geometry, _blocks(matrix, groups, target)
    shape = (matrix.batch, groups, len(parts.sizes), wide.shape[1])
    waits, _ = _credits(matrix, groups, parts, target)
    first = np.arange(shape[3]) == 0
    last = np.arange(shape[3]) == (wide > 0).sum(axis=1, keepdims=True) - 1
    loops, stride = _turns(matrix, wide, len(parts.sizes), target)
    length = wide[None, :, None, :] * parts.sizes[None, None, :, None] * DENSE // loops
    return block(Opcode.LD, shape, wait=tokens(MV, waits[..., None] & first),
                 release=tokens(MV, last[None, :, None, :]), buffer=Buffer.A, channels=g.channels, length=length,
                 loops=loops, stride=stride, hbm=_addresses(matrix, wide, parts, target),
                 ratio=matrix.stored.ratio)  # fmt: skip


def _turns(matrix: Matrix, wide: Counts, parts: int, target: Target) -> tuple[Counts, Counts]:
    """Loops of each load and bytes between them: a part of K of columns that lie behind each other in a channel.

    A fill whose columns are no multiple of the channels has no equal loops; it carries the address of its first block.
    """
    layout, channels = layout_of(matrix, target), target.geometry.channels
    whole = (wide % channels == 0) & (wide > channels) & (parts > 1) & (not layout.by_rows)
    shape = (1, wide.shape[0], 1, wide.shape[1])
    return (np.where(whole, wide // channels, 1).reshape(shape), np.where(whole, layout.pitch, 0).reshape(shape))


def _addresses(matrix: Matrix, wide: Counts, parts: Parts, target: Target) -> Counts:
    """Offsets of the fills in the matrix's region, shape (batch, groups, parts, loads of a fill)."""
    layout = layout_of(matrix, target)
    head = np.arange(matrix.batch).reshape(-1, 1, 1, 1) // matrix.sharing
    group = np.arange(wide.shape[0]).reshape(1, -1, 1, 1) * target.geometry.mv_blocks
    size = parts.sizes.reshape(1, 1, -1, 1)
    start = (np.cumsum(parts.sizes) - parts.sizes).reshape(1, 1, -1, 1)
    before = (np.cumsum(wide, axis=1) - wide)[None, :, None, :]
    return head * layout.nbytes + layout.address(group, start) + layout.behind(before, size)


def _blocks(matrix: Matrix, groups: int, target: Target) -> Counts:
    """Column blocks of each load, shape (groups, loads of a fill)."""
    g, options = target.geometry, target.options
    start = np.arange(groups) * g.mv_blocks
    if not options.ragged:
        start[:] = 0
    here = np.clip(matrix.n_blocks - start, 0, g.mv_blocks)
    if not options.ragged and not matrix.cached:
        here[:] = g.mv_blocks
    if options.loads == "group":
        return here[:, None]
    return (here[:, None] - np.arange(g.channels) + g.channels - 1) // g.channels


def _credits(matrix: Matrix, groups: int, parts: Parts, target: Target) -> tuple[np.ndarray, np.ndarray]:
    """Which fills wait for room, and after which fills room is given back; shape (batch, groups, parts)."""
    shape = (matrix.batch, groups, len(parts.sizes))
    if target.endless:
        return np.ones(shape, bool), np.ones(shape, bool)
    by_head = target.options.credits == "stage"
    fill = np.arange(np.prod(shape[1:] if by_head else shape)).reshape(shape[1:] if by_head else shape)
    waits, gives = fill >= parts.depth, fill + parts.depth < fill.size
    return np.broadcast_to(waits, shape), np.broadcast_to(gives, shape)


def _products(matrix: Matrix, groups: int, parts: Parts, target: Target, fused: bool) -> Instructions:
    """MVs, shape (batch, groups, parts, users)."""
    shape = (matrix.batch, groups, len(parts.sizes), matrix.users)
    _, gives = _credits(matrix, groups, parts, target)
    user, part = np.arange(shape[3]), np.arange(shape[2])
    final = (part == shape[2] - 1)[:, None] & np.ones(shape[3], bool)
    through = final[None] & ((np.arange(groups) == groups - 1)[:, None, None] if matrix.cached else True)
    release = tokens(LD, gives[..., None] & (user == shape[3] - 1)) | tokens(MISC, through & fused)
    return block(Opcode.MV, shape, wait=tokens(LD, user == 0), release=release, k=parts.sizes[:, None],
                 flags=matrix.stored.flags | np.where(final, Flag.OUTPUT, 0), work=matrix.stored.work)  # fmt: skip


def _operands(passes: Sequence[Pass], wide: Counts, target: Target) -> Instructions:
    """Loads of second operands, shape (1, groups, loads); none where they are on the chip."""
    count = 0 if target.resident else sum(step.operands for step in passes)
    g, options = target.geometry, target.options
    each = g.channels if options.operand == "channel" else 1
    shape = (1, len(wide), count, each)
    last = np.arange(each) == each - 1
    start = np.arange(len(wide)) * g.mv_columns // g.channels
    return block(Opcode.LD, shape, release=tokens(MISC, last), buffer=Buffer.GLOBAL, channels=g.channels,
                 length=BLOCK * wide[:, None, None], hbm=start[:, None, None]).reshape(1, len(wide), -1)  # fmt: skip


def _functions(passes: Sequence[Pass], shape: tuple[int, int], wide: Counts | int, target: Target) -> Instructions:
    """MISCs of every group or row, shape (*shape, passes): the first waits for the product, each for its operand."""
    number = np.arange(len(passes))
    loaded = np.array([step.operands > 0 for step in passes]) & (not target.resident)
    k = np.broadcast_to(wide, shape)[..., None]
    return block(Opcode.MISC, (*shape, len(passes)), wait=tokens(MV, number == 0) | tokens(LD, loaded), k=k,
                 function=np.array([int(step.function) for step in passes]))  # fmt: skip
