"""Attention of a prompt in MM mode under a block mask: scores with their softmax, and values.

For each head and tile of rows: the rows' operand (queries, or probabilities) into A, then one column block of the cache
and one MM after the other, then softmax row by row, then the results stored. Blocks that the mask leaves out cost
nothing where the whole column, or the whole row, of a tile is empty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.llm.isa import BLOCK, Buffer, Flag, Function, Instructions, Opcode
from mappers.llm.layout import Layout
from mappers.llm.matvec import Target
from mappers.llm.rows import LD, MISC, MM, ST, block, ordered, tokens
from mappers.llm.tiling import DENSE, Counts, room

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cache:
    """Keys or values of the core's heads: `layout` of one, `users` query heads read the same."""

    layout: Layout
    users: int = 1

    def address(self, head: Counts, column: Counts) -> Counts:
        """Offset of a column block of a query head."""
        return head // self.users * self.layout.nbytes + self.layout.address(column, 0)


@dataclass(frozen=True)
class _Grid:
    """Head and tile of each item of a list, as one number, and their place in the order of the program."""

    heads: int
    tiles: int
    high: int    # blocks of rows in a tile
    by_head: bool  # tokens begin anew at each head

    def index(self, head: Counts, tile: Counts) -> Counts:
        """Number of the tile among those that share tokens."""
        return tile if self.by_head else head * self.tiles + tile

    @property
    def count(self) -> int:
        """Tiles that share tokens."""
        return self.tiles if self.by_head else self.heads * self.tiles

    def key(self, head: Counts, tile: Counts, phase: int, item: Counts | int) -> Counts:
        """Sort key: head, tile, phase, item."""
        return (((head * self.tiles + tile) << 2 | phase) << 40) + item


def block_mask(mask: Mask, rows: int, columns: int, factor: int) -> Mask:
    """A mask of blocks of 16 from one of blocks `factor` times as long, cut to rows x columns blocks."""
    fine = np.repeat(np.repeat(mask, factor, axis=1), factor, axis=2)
    return fine[:, :rows, :columns]


def _grid(mask: Mask, target: Target) -> _Grid:
    high = target.geometry.mm_blocks
    return _Grid(mask.shape[0], -(-mask.shape[1] // high), high, target.options.credits == "stage")


def _by_tile(mask: Mask, grid: _Grid) -> Mask:
    """Columns that any row of a tile needs, shape (heads, tiles, columns)."""
    short = grid.tiles * grid.high - mask.shape[1]
    padded = np.pad(mask, ((0, 0), (0, short), (0, 0)))
    return np.asarray(padded.reshape(grid.heads, grid.tiles, grid.high, -1).any(axis=2))


def scores(mask: Mask, head_dim: int, target: Target, keys: Cache) -> Instructions:
    """Scores and softmax; mask of 16 x 16 blocks, shape (heads, row blocks, column blocks)."""
    grid, k = _grid(mask, target), -(-head_dim // BLOCK)
    columns = _by_tile(mask, grid)
    head, row = np.nonzero(mask.any(axis=2))
    tile = row // grid.high
    place = _line(head, row, (mask.shape[1], k), target)
    queries = _tile_loads(grid, head, tile, row, np.full(len(head), k * DENSE), target, place)
    pairs = _pairs(grid, columns, k, np.full(columns.shape[:2], k), mask.shape[2], MISC, target, keys)
    kept = mask.sum(axis=2)[head, row]
    stored = kept if target.options.values == "zero-fill" else columns.sum(axis=2)[head, tile]
    return ordered([queries, *pairs, *_softmax(grid, head, row, kept, stored, mask.shape[1:], target)])


def _line(head: Counts, row: Counts, size: tuple[int, ...], target: Target) -> Counts:
    """Offset in each channel of a row of blocks among the activations of all heads; size of a head in blocks."""
    rows, blocks = size
    return (head * rows + row) * blocks * (DENSE // target.geometry.channels)


def values(mask: Mask, head_dim: int, target: Target, cache: Cache) -> Instructions:
    """Probabilities times values; the same mask, whose columns are now K."""
    grid, n = _grid(mask, target), -(-head_dim // BLOCK)
    columns = _by_tile(mask, grid)
    used = columns.sum(axis=2)
    room("A", target.geometry.a_depth, mask.shape[2])
    if target.options.values == "zero-fill":
        parts, k = _gaps_and_runs(mask, grid, target), np.full(used.shape, mask.shape[2])
    else:
        head, row = np.nonzero(np.ones(mask.shape[:2], bool))
        length = used[head, row // grid.high] * DENSE
        place = _line(head, row, mask.shape[1:], target)
        parts = [_tile_loads(grid, head, row // grid.high, row, length, target, place)]
        k = used
    pairs = _pairs(grid, np.ones((grid.heads, grid.tiles, n), bool), mask.shape[2], k, n, ST, target, cache)
    return ordered([*parts, *pairs, _value_stores(grid, mask.shape[1], n, target)])


Keyed = tuple[Instructions, Counts]


def _first(grid: _Grid, head: Counts, tile: Counts) -> Mask:
    """Whether an item is the first of its tile; items are in order."""
    number = head * grid.tiles + tile
    return np.asarray(np.diff(number, prepend=-1) != 0)


def _tile_loads(grid: _Grid, head: Counts, tile: Counts, item: Counts, length: Counts, target: Target,
                place: Counts) -> Keyed:
    """Loads into A; the first of a tile waits until the MMs of the tile before are done with it."""
    waits = tokens(MM, _first(grid, head, tile) & (grid.index(head, tile) > 0))
    rows = block(Opcode.LD, head.shape, wait=waits, buffer=Buffer.A, channels=target.geometry.channels,
                 length=length, hbm=place)  # fmt: skip
    return rows, grid.key(head, tile, 0, item)


def _gaps_and_runs(mask: Mask, grid: _Grid, target: Target) -> list[Keyed]:
    """As the demo loads probabilities: zeros for all that a row leaves out, then each run of blocks that it keeps."""
    edge = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (0, 0), (1, 1))), axis=2)
    head, row, start = np.nonzero(edge == 1)
    end = np.nonzero(edge == -1)[2]
    gap_head, gap_row = np.nonzero(~mask.all(axis=2))
    gaps = (~mask).sum(axis=2)[gap_head, gap_row]
    each = mask.shape[2] + 1
    heads, rows = np.concatenate([gap_head, head]), np.concatenate([gap_row, row])
    item = np.concatenate([gap_row * each, row * each + 1 + start])
    order = np.lexsort((item, rows // grid.high, heads))
    length = np.concatenate([gaps, end - start])[order] * DENSE
    heads, rows, item = heads[order], rows[order], item[order]
    inside = np.maximum(item % each - 1, 0) * (DENSE // target.geometry.channels)
    place = _line(heads, rows, mask.shape[1:], target) + inside
    tile = rows // grid.high
    made, key = _tile_loads(grid, heads, tile, rows, length, target, place)
    made["zero"] = np.concatenate([np.ones(len(gaps), np.uint8), np.zeros(len(head), np.uint8)])[order]
    return [(made, grid.key(heads, tile, 0, item))]


def _pairs(grid: _Grid, columns: Mask, depth_k: int, k: Counts, out_blocks: int, taker: int,
           target: Target, cache: Cache) -> list[Keyed]:
    """LD of a column block of the cache and its MM for every column that a tile needs; `taker` gets the results."""
    g = target.geometry
    head, tile, column = np.nonzero(columns)
    rank = (np.cumsum(columns, axis=2) - 1)[columns]
    total = columns.sum(axis=2)[head, tile]
    depth = room("B", g.b_bytes, depth_k * DENSE)
    ahead = room("global", g.global_depth, out_blocks)
    number, last = grid.index(head, tile), rank == total - 1
    giver = MISC if taker == MISC and grid.by_head else ST
    blocks, place = k[head, tile], rank % depth * (g.b_depth // depth)
    loads = block(Opcode.LD, head.shape, wait=tokens(MM, rank >= depth), release=MM, buffer=Buffer.B, cross=1,
                  channel=cache.layout.channel(column), length=blocks * DENSE,
                  hbm=cache.address(head, column), bank=place)  # fmt: skip
    products = block(Opcode.MM, head.shape, wait=LD | tokens(giver, (rank == 0) & (number >= ahead)),
                     release=tokens(LD, (rank + depth < total) | (last & (number < grid.count - 1)))
                     | tokens(taker, last), k=blocks, b=place, flags=Flag.OUTPUT)  # fmt: skip
    return [(loads, grid.key(head, tile, 1, 2 * column)), (products, grid.key(head, tile, 1, 2 * column + 1))]


def _softmax(grid: _Grid, head: Counts, row: Counts, kept: Counts, stored: Counts, size: tuple[int, ...],
             target: Target) -> list[Keyed]:
    """Sixteen MISCs, one for each line, and one ST for each row of blocks."""
    g, tile = target.geometry, row // grid.high
    number, line = grid.index(head, tile), np.arange(BLOCK)
    ahead = g.global_depth // size[1]
    final = np.minimum((tile + 1) * grid.high, size[0]) - 1 == row
    frees = final & (number + ahead < grid.count)
    by_misc = grid.by_head
    shape = (len(head), BLOCK)
    functions = block(
        Opcode.MISC, shape, wait=tokens(MM, _first(grid, head, tile)[:, None] & (line == 0)),
        release=tokens(ST, line == BLOCK - 1) | tokens(MM, frees[:, None] & (line == BLOCK - 1) & by_misc),
        k=kept[:, None], function=Function.SOFTMAX)  # fmt: skip
    stores = block(Opcode.ST, head.shape, wait=MISC, release=tokens(MM, frees & (not by_misc)), channels=g.channels,
                   length=stored * DENSE, hbm=_line(head, row, size, target))  # fmt: skip
    key = grid.key(head, tile, 2, row * (BLOCK + 1))
    return [(functions, key[:, None] + line), (stores, key + BLOCK)]


def _value_stores(grid: _Grid, row_blocks: int, n: int, target: Target) -> Keyed:
    """One ST for each row of blocks; the first of a tile waits for its last MM."""
    g = target.geometry
    head, row = np.nonzero(np.ones((grid.heads, row_blocks), bool))
    tile = row // grid.high
    final = np.minimum((tile + 1) * grid.high, row_blocks) - 1 == row
    frees = final & (grid.index(head, tile) + g.global_depth // n < grid.count)
    rows = block(Opcode.ST, head.shape, wait=tokens(MM, row % grid.high == 0), release=tokens(MM, frees),
                 channels=g.channels, length=n * DENSE,
                 hbm=_line(head, row, (row_blocks, n), target))  # fmt: skip
    return rows, grid.key(head, tile, 2, row)
