"""Reference of SORE: the specification of the values, in plain NumPy, with no time in it.

One rule, the same as `hwsim.sparsity.nm.nm_mask` and `encode_nm` have: of a group of M, the N largest magnitudes are
kept; among equals the lower position wins. Kept slots stand in the order non-zeros with ascending positions, then
zeros with ascending positions, so a group of fewer than N non-zeros is filled up with its lowest zeros. A zero leaves
as +0. A NaN compares by its magnitude bits, above infinity: it is kept and seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.sore.config import SoreConfig
from hwsim.sore.slices import Bits16, Slice, column_slices, finite_bits
from hwsim.sparsity.nm import NmTensor
from hwsim.sparsity.ratio import Ratio

Positions = npt.NDArray[np.uint8]
MAGNITUDE = 0x7FFF


@dataclass(frozen=True, kw_only=True, eq=False)
class Beats:
    """Result beats of one slice in one direction, in the order in which they leave.

    Attributes:
        values: (beats, lanes) uint16 bit patterns.
        indices: (beats, lanes) uint8, positions in the group.
        last: (beats,) bool, the slice's final beat.
        nan: (beats,) bool, whether the slice had a NaN up to the group of the beat.
    """

    values: Bits16
    indices: Positions
    last: npt.NDArray[np.bool_]
    nan: npt.NDArray[np.bool_]


def keep(groups: Bits16, n: int) -> tuple[Bits16, Positions]:
    """The kept slots of groups (…, M): values (…, n) and positions (…, n), in slot order."""
    magnitudes = (groups & MAGNITUDE).astype(np.int64)
    kept = np.sort(np.argsort(-magnitudes, axis=-1, kind="stable")[..., :n], axis=-1)
    zero = np.take_along_axis(magnitudes, kept, -1) == 0
    order = np.take_along_axis(kept, np.argsort(zero, axis=-1, kind="stable"), -1)
    values = np.take_along_axis(groups, order, -1)
    return np.where(values & MAGNITUDE, values, 0).astype(np.uint16), order.astype(np.uint8)


def blocks(part: Slice) -> Bits16:
    """(groups, M, lanes): the slice by groups of M rows, filled up with zeros."""
    missing = part.groups * part.ratio.m - part.rows
    return np.pad(part.bits, ((0, missing), (0, 0))).reshape(part.groups, part.ratio.m, -1)


def reference(part: Slice) -> dict[str, Beats]:
    """Result beats by port, of the wanted directions.

    ``f``: beat s of row group g has in lane c slot s of channel c. ``b``: beat s of block g has in lane j·M + r slot s
    of row r of the block, among the channels j·M … j·M + M - 1.
    """
    config, (n, m), rows = part.config, (part.ratio.n, part.ratio.m), blocks(part)
    nan = np.logical_or.accumulate(((rows & MAGNITUDE) > config.infinity).any(axis=(1, 2)))
    found = {}
    if part.forward:
        found["f"] = _beats(*keep(rows.swapaxes(1, 2), n), nan)
    if part.backward:
        turned = rows.reshape(part.groups, m, config.lanes // m, m).swapaxes(1, 2)
        found["b"] = _beats(*keep(turned.reshape(part.groups, config.lanes, m), n), nan)
    return found


def _beats(values: Bits16, indices: Positions, nan: npt.NDArray[np.bool_]) -> Beats:
    """From (groups, lanes, n) to beats."""
    groups, lanes, n = values.shape
    last = np.zeros(groups * n, bool)
    last[-1] = True
    return Beats(values=values.swapaxes(1, 2).reshape(-1, lanes), indices=indices.swapaxes(1, 2).reshape(-1, lanes),
                 last=last, nan=np.repeat(nan, n))


def assemble(slices: Sequence[Slice], beats: Sequence[Beats], direction: str, columns: int) -> NmTensor:
    """The matrix W [K, ``columns``] that the slices cover side by side, as N:M codes along one direction.

    Args:
        slices: as `column_slices` cuts them.
        beats: of that direction, one for each slice; values are returned as bit patterns.
        direction: ``f`` (groups along axis 0) or ``b`` (groups along axis 1).
        columns: of W; lanes beyond are cut off.
    """
    ratio, rows, lanes = slices[0].ratio, slices[0].rows, slices[0].config.lanes
    n, m = ratio.n, ratio.m
    shape, codes = (-1, n, lanes), []
    for field in ("values", "indices"):
        each = [getattr(part, field).reshape(shape) for part in beats]  # (groups, n, lanes)
        if direction == "f":
            whole = np.concatenate(each, axis=2).transpose(2, 0, 1)[:columns]
        else:
            turned = [part.reshape(-1, n, lanes // m, m).transpose(0, 3, 2, 1) for part in each]
            whole = np.concatenate([part.reshape(-1, lanes // m, n) for part in turned], axis=1)
            whole = whole[:rows, :ratio.groups(columns)]
        codes.append(np.ascontiguousarray(whole))
    length, axis = (rows, 0) if direction == "f" else (columns, 1)
    return NmTensor(values=codes[0], indices=codes[1], length=length, ratio=ratio, axis=axis)


def codes(slices: Sequence[Slice], beats: Sequence[dict[str, Beats]], columns: int) -> tuple[NmTensor, NmTensor]:
    """N:M codes of the matrix that slices cover, along K and along N; arguments as of `assemble`, beats by port."""
    forward, backward = (assemble(slices, [each[port] for each in beats], port, columns) for port in "fb")
    return forward, backward


def select_bits(config: SoreConfig, bits: Bits16, ratio: Ratio) -> tuple[NmTensor, NmTensor]:
    """`select` for a matrix W [K, N] of bit patterns, NaNs among them or not."""
    parts = column_slices(config, bits, ratio)
    return codes(parts, [reference(part) for part in parts], bits.shape[1])


def select(config: SoreConfig, weights: npt.NDArray[np.floating], ratio: Ratio) -> tuple[NmTensor, NmTensor]:
    """What SORE makes of a whole matrix: N:M codes along K (for FF) and along N (for BP), values as bit patterns.

    Args:
        config: of the engine.
        weights: W [K, N], float16, or float32 that holds BF16 numbers (`hwsim.sore.slices.finite_bits`).
        ratio: one of the engine's.

    Raises:
        InputError: a NaN, another dtype or shape, a ratio that the engine lacks, or too many rows.
    """
    return select_bits(config, finite_bits(config, weights), ratio)
