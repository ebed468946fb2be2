"""MM mode: many rows times a weight. A tile of rows stays in the A buffer while the weight's columns stream through B.

For each tile of rows: its activations, then for each block of columns: for each part of K one fill and one MM, the
fused functions, the results stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hwsim.llm.isa import BLOCK, Buffer, Flag, Instructions, Opcode
from mappers.llm.fusion import Pass
from mappers.llm.matvec import Matrix, Target, layout_of
from mappers.llm.rows import LD, MISC, MM, ST, block, flat, joined, tokens
from mappers.llm.tiling import DENSE, Parts, ceil_div, mm_parts, room


@dataclass(frozen=True)
class _Tiles:
    """Tiles of equal height: `count` from number `first` of all `total`, of `rows` blocks each."""

    first: int
    count: int
    total: int
    rows: int
    head: tuple[int, int] | None = None  # of a cache that takes the result: column blocks of a head, bytes in a channel

    @property
    def number(self) -> npt.NDArray[np.int64]:
        """Of each tile, shape (count, 1, 1)."""
        return np.arange(self.first, self.first + self.count)[:, None, None]

    def result(self, matrix: Matrix, target: Target) -> npt.NDArray[np.int64]:
        """Offset of each block of results in each channel, shape (count, column blocks, 1)."""
        column, (wide, size) = np.arange(matrix.n_blocks)[:, None], self.head or (matrix.n_blocks, 0)
        tile = ceil_div(DENSE * target.geometry.mm_blocks, target.geometry.channels)
        return column // wide * size + (self.number * wide + column % wide) * tile


def matmul(rows: int, matrix: Matrix, passes: Sequence[Pass], target: Target, cores: int = 1,
           head: tuple[int, int] | None = None) -> Instructions:
    """Instructions for `rows` rows; of the activations each of some cores has made its share.

    ``head``: the results are keys or values; column blocks of a head, and its bytes in each channel.
    """
    high = target.geometry.mm_blocks
    blocks = ceil_div(rows, BLOCK)
    whole, rest = divmod(blocks, high)
    total = whole + bool(rest)
    parts = mm_parts(matrix.k_blocks, target.geometry, target.options.split)
    room("A", target.geometry.a_depth, matrix.k_blocks)
    tiles = _Tiles(0, whole, total, high, head)
    made = [_tiles(tiles, matrix, parts, passes, target, cores)] if whole else []
    if rest:
        made.append(_tiles(replace(tiles, first=whole, count=1, rows=rest), matrix, parts, passes, target, cores))
    return flat(made)


def _tiles(tiles: _Tiles, matrix: Matrix, parts: Parts, passes: Sequence[Pass], target: Target,
           cores: int) -> Instructions:
    """All tiles of one height."""
    body = [_fills_and_products(tiles, matrix, parts, target, bool(passes))]
    if passes:
        body += [_operands(tiles, matrix, passes, target), _functions(tiles, matrix, passes, target)]
    body.append(_stores(tiles, matrix, target, bool(passes)))
    return joined([*_activations(tiles, matrix, target, cores), joined(body, 2).reshape(tiles.count, -1)], 1)


def _activations(tiles: _Tiles, matrix: Matrix, target: Target, cores: int) -> list[Instructions]:
    """Loads into A, shape (tiles, loads): what the core has made itself, then what lies in the others' channels."""
    channels = target.geometry.channels
    each = tiles.rows if target.options.loads == "channel" else 1
    number, tile = np.arange(each), tiles.number[..., 0]
    total = tiles.rows * matrix.k_blocks * DENSE
    own = ceil_div(total // each, cores)
    start = tile * matrix.k_blocks * DENSE * target.geometry.mm_blocks // channels
    made = [block(Opcode.LD, (tiles.count, each), wait=tokens(MM, (tile > 0) & (number == 0)), buffer=Buffer.A,
                  channels=channels, length=own, hbm=start + number * own // channels)]  # fmt: skip
    if cores > 1:
        made.append(block(Opcode.LD, (tiles.count, 1), buffer=Buffer.A, cross=1, length=total - own * each, hbm=start))
    return made


def _room(matrix: Matrix, target: Target) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which column blocks wait for room in the global buffer, and after which it is given back."""
    block_number, depth = np.arange(matrix.n_blocks), target.geometry.global_depth
    return block_number >= depth, block_number + depth < matrix.n_blocks


def _giver(target: Target, fused: bool) -> int:
    """The queue that gives room in the global buffer back: that of the stores; with functions, the demo's own."""
    return MISC if fused and target.options.credits == "stage" else ST


def _fills_and_products(tiles: _Tiles, matrix: Matrix, parts: Parts, target: Target, fused: bool) -> Instructions:
    """One LD and one MM for each part of K, shape (tiles, column blocks, 2 parts)."""
    count = len(parts.sizes)
    shape = (tiles.count, matrix.n_blocks, count)
    fill = np.arange(matrix.n_blocks * count).reshape(shape[1:])
    last, final = fill == fill[-1, -1], np.arange(count) == count - 1
    more = last & (tiles.number < tiles.total - 1)
    waits, _ = _room(matrix, target)
    layout, column = layout_of(matrix, target), np.arange(matrix.n_blocks)[:, None]
    start, place = np.cumsum(parts.sizes) - parts.sizes, fill % parts.depth * (target.geometry.b_depth // parts.depth)
    loads = block(Opcode.LD, shape, wait=tokens(MM, fill >= parts.depth), release=MM, buffer=Buffer.B, cross=1,
                  length=parts.sizes * DENSE, ratio=matrix.stored.ratio, channel=layout.channel(column),
                  hbm=layout.address(column, start), bank=place)  # fmt: skip
    products = block(Opcode.MM, shape,
                     wait=LD | tokens(_giver(target, fused), waits[:, None] & final),
                     release=tokens(MISC if fused else ST, final) | tokens(LD, (fill + parts.depth < fill.size) | more),
                     k=parts.sizes, a=start, b=place, flags=matrix.stored.flags | np.where(final, Flag.OUTPUT, 0),
                     work=matrix.stored.work)  # fmt: skip
    return np.stack([loads, products], axis=3).reshape(*shape[:2], -1)


def _operands(tiles: _Tiles, matrix: Matrix, passes: Sequence[Pass], target: Target) -> Instructions:
    """Second operands of the fused functions, shape (tiles, column blocks, loads)."""
    each = tiles.rows if target.options.loads == "channel" else 1
    count = sum(step.operands for step in passes)
    number = np.arange(each)
    shape = (tiles.count, matrix.n_blocks, count, each)
    rows = block(Opcode.LD, shape, release=tokens(MISC, number == each - 1), buffer=Buffer.GLOBAL,
                 channels=target.geometry.channels, length=DENSE * tiles.rows // each,
                 hbm=_shares(replace(tiles, head=None), matrix, target, each)[:, :, None])  # fmt: skip
    return rows.reshape(*shape[:2], -1)


def _functions(tiles: _Tiles, matrix: Matrix, passes: Sequence[Pass], target: Target) -> Instructions:
    """MISCs, shape (tiles, column blocks, passes)."""
    shape = (tiles.count, matrix.n_blocks, len(passes))
    number = np.arange(len(passes))
    loaded = np.array([step.operands > 0 for step in passes])
    _, gives = _room(matrix, target)
    last = number == len(passes) - 1
    free = tokens(MM, gives[:, None] & last & (_giver(target, True) == MISC))
    lines = 1 if target.options.fused_rows == "one" else BLOCK
    return block(Opcode.MISC, shape, wait=tokens(MM, number == 0) | tokens(LD, loaded),
                 release=tokens(ST, last) | free, k=tiles.rows * lines,
                 function=np.array([int(step.function) for step in passes]))  # fmt: skip


def _shares(tiles: _Tiles, matrix: Matrix, target: Target, each: int) -> npt.NDArray[np.int64]:
    """Offsets of `each` loads or stores of a block of results, shape (tiles, column blocks, each)."""
    share = DENSE * tiles.rows // each // target.geometry.channels
    return tiles.result(matrix, target) + np.arange(each) * share


def _stores(tiles: _Tiles, matrix: Matrix, target: Target, fused: bool) -> Instructions:
    """Results, shape (tiles, column blocks, stores)."""
    each = tiles.rows if target.options.loads == "channel" else 1
    number = np.arange(each)
    _, gives = _room(matrix, target)
    free = tokens(MM, gives[:, None] & (number == each - 1) & (_giver(target, fused) == ST))
    length = np.full((tiles.count, matrix.n_blocks, each), DENSE * tiles.rows // each)
    if target.options.last_store == "lines" and tiles.first + tiles.count == tiles.total:
        length[-1, :, -1] = BLOCK
    return block(Opcode.ST, (tiles.count, matrix.n_blocks, each), wait=tokens(MISC if fused else MM, number == 0),
                 release=free, channels=target.geometry.channels, length=length,
                 hbm=_shares(tiles, matrix, target, each))  # fmt: skip
