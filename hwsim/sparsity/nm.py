"""N:M structured sparsity along any axis: choose what is kept, encode, decode, check, exact size.

The axis is cut into groups of m neighbours, from position 0. A ragged last group is padded with zeros to m; the padding
is stored like any zero, and cut off again by ``decode``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.ratio import Ratio
from hwsim.sparsity.size import Array, Bits, axis_of, magnitude, numeric, whole


def to_groups(w: Array, m: int, axis: int) -> Array:
    """(…, groups, m): ``axis`` moved to the end, padded with zeros to a multiple of m, and cut into groups."""
    moved = np.moveaxis(w, axis, -1)
    ragged = -moved.shape[-1] % m
    if ragged:
        moved = np.pad(moved, [(0, 0)] * (moved.ndim - 1) + [(0, ragged)])
    return np.ascontiguousarray(moved).reshape(*moved.shape[:-1], moved.shape[-1] // m, m)


def from_groups(groups: Array, length: int, axis: int) -> Array:
    """Inverse of ``to_groups``: padding cut off after ``length``, the axis moved back; a contiguous array."""
    flat = groups.reshape(*groups.shape[:-2], groups.shape[-2] * groups.shape[-1])
    return np.ascontiguousarray(np.moveaxis(flat[..., :length], -1, axis))


def nm_mask(w: object, ratio: Ratio, axis: int, place: str = "weights") -> Array:
    """What magnitude pruning keeps: the n largest |w| of each group. Among equals the lower position wins.

    A whole group keeps exactly n positions, zeros among them when it has fewer non-zeros; a ragged last group of r
    elements keeps min(n, r).

    Args:
        w: integers or floats of any shape.
        ratio: N:M.
        axis: the reduction axis.
        place: what ``w`` is, for error messages.

    Returns:
        bool array of the shape of ``w``.

    Raises:
        InputError: no such axis, not integers or floats, or a NaN.
    """
    array = numeric(w, place)
    axis = axis_of(axis, array.ndim, place)
    groups = magnitude(to_groups(array, ratio.m, axis))
    columns = [np.ascontiguousarray(groups[..., j]) for j in range(ratio.m)]
    # Rank by duels: an element's rank is the number of elements that beat it. Whole columns meet at once.
    ranks = [np.zeros(groups.shape[:-1], np.uint8) for _ in columns]
    for low, high in combinations(range(ratio.m), 2):
        low_wins = columns[low] >= columns[high]
        ranks[high] += low_wins
        ranks[low] += ~low_wins
    return from_groups(np.stack(ranks, axis=-1) < ratio.n, array.shape[axis], axis)


def check_nm(w: object, ratio: Ratio, axis: int, place: str = "weights") -> None:
    """Refuse ``w`` when a group along ``axis`` has more than n non-zeros.

    Raises:
        InputError: names the first bad group by the position of its first element; or as ``nm_mask``.
    """
    array = numeric(w, place)
    axis = axis_of(axis, array.ndim, place)
    _refuse_crowded(_patterns(to_groups(array, ratio.m, axis)), ratio, axis, place)


def _patterns(groups: Array) -> Array:
    """(…, groups) integers: bit j of a group's number says that position j of (…, groups, m) is not zero."""
    m = groups.shape[-1]
    packed = np.packbits(groups.reshape(-1) != 0, bitorder="little")
    if m == 16:
        numbers = packed.view("<u2")
    else:  # m divides 8, so a byte holds 8 / m whole groups
        numbers = ((packed[:, None] >> np.arange(0, 8, m, dtype=np.uint8)) & np.uint8(2**m - 1)).reshape(-1)
    return numbers[: groups.size // m].reshape(groups.shape[:-1])


def _refuse_crowded(patterns: Array, ratio: Ratio, axis: int, place: str) -> None:
    """InputError for the first of the groups (…, groups), given by their patterns, with more than n non-zeros."""
    counts = np.bitwise_count(patterns)
    crowded = counts > ratio.n
    if crowded.any():
        position = [int(i) for i in np.unravel_index(int(np.argmax(crowded)), crowded.shape)]
        count = int(counts[tuple(position)])
        position.insert(axis, position.pop() * ratio.m)
        wanted = f"at most {ratio.n} non-zeros of {ratio.m} along axis {axis}"
        raise InputError(f"{place} group at {tuple(position)}", wanted, f"{count} non-zeros")


def _positions(indices: Array, m: int) -> Array:
    """(…, groups, n) int64: where each slot stands in the flattened groups."""
    return np.arange(0, indices[..., 0].size * m, m).reshape(*indices.shape[:-1], 1) + indices


@lru_cache(maxsize=32)
def _slot_table(n: int, m: int) -> Array:
    """(2**m, n) uint8: for a non-zero pattern (bit j = position j), the index stored in each slot."""
    zero = (np.arange(2**m)[:, None] >> np.arange(m)) & 1 == 0
    table = np.argsort(zero, axis=1, kind="stable")[:, :n].astype(np.uint8)
    table.setflags(write=False)
    return table


@dataclass(frozen=True, eq=False)
class NmTensor:
    """A tensor in N:M form. The grouped axis stands last: (K, N) grouped along K gives (N, groups, n).

    Args:
        values: (…, groups, n), any integer or float dtype.
        indices: (…, groups, n) uint8, position of each value inside its group of m; no index twice in a group.
        length: elements along the axis before padding.
        ratio: N:M.
        axis: where the grouped axis stands in the decoded tensor, counted from the front.
    """

    values: Array
    indices: Array
    length: int
    ratio: Ratio
    axis: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the decoded tensor."""
        shape = list(self.values.shape[:-2])
        shape.insert(self.axis, self.length)
        return tuple(shape)

    def validate(self, place: str = "N:M tensor") -> None:
        """Refuse a tensor that no array can have: shapes, dtypes, indices.

        Raises:
            InputError: shapes that disagree, an index of m or more, an index twice in a group, or a non-zero value
                behind the end of a ragged axis.
        """
        self._check_form(place)
        n, m = self.ratio.n, self.ratio.m
        if self.indices.size == 0:
            return
        if self.indices.max() >= m:
            raise InputError(*_first(self.indices >= m, place, f"indices below {m}", self.indices))
        if self.ratio.dense:
            return
        used = np.bitwise_or.reduce(np.uint32(1) << self.indices.astype(np.uint32), axis=-1)
        twice = np.bitwise_count(used) != n
        if twice.any():
            group = tuple(int(i) for i in np.unravel_index(int(np.argmax(twice)), twice.shape))
            raise InputError(f"{place} indices{list(group)}", "no index twice", self.indices[group].tolist())
        end = self.length - (self.values.shape[-2] - 1) * m
        lost = (self.indices[..., -1, :] >= end) & (self.values[..., -1, :] != 0)
        if lost.any():
            wanted = f"value 0 behind the axis' end ({self.length} elements)"
            raise InputError(*_first(lost, f"{place} last group", wanted, self.values[..., -1, :]))

    def _check_form(self, place: str) -> None:
        numeric(self.values, f"{place} values")
        shape = self.values.shape
        if len(shape) < 2 or shape[-1] != self.ratio.n:
            raise InputError(f"{place} values", f"shape (…, groups, {self.ratio.n})", f"shape {shape}")
        if self.indices.dtype != np.uint8 or self.indices.shape != shape:
            given = f"{self.indices.dtype} of shape {self.indices.shape}"
            raise InputError(f"{place} indices", f"uint8 of shape {shape}", given)
        whole(self.axis, f"{place} axis", 0, len(shape) - 2)
        if self.ratio.groups(whole(self.length, f"{place} length", 0)) != shape[-2]:
            wanted = f"a length that needs {shape[-2]} groups of {self.ratio.m}"
            raise InputError(f"{place} length", wanted, self.length)

    def decode(self) -> Array:
        """The dense tensor, of ``shape`` and the values' dtype. Raises InputError as ``validate``."""
        self.validate()
        if self.ratio.dense:
            return from_groups(self.values.copy(), self.length, self.axis)
        groups = np.zeros((*self.values.shape[:-1], self.ratio.m), self.values.dtype)
        groups.reshape(-1)[_positions(self.indices, self.ratio.m)] = self.values
        return from_groups(groups, self.length, self.axis)

    def bits(self, value_bits: int) -> Bits:
        """Exact size: each of groups·n slots holds a value and an index of ceil(log2(m)) bits."""
        slots = self.values.size
        return Bits(slots * whole(value_bits, "value_bits", 1), slots * self.ratio.index_bits)

    def size_bits(self, value_bits: int) -> int:
        """groups·n·(value_bits + index_bits), over all groups of the tensor."""
        return self.bits(value_bits).total


def _first(bad: Array, place: str, wanted: str, of: Array) -> tuple[str, str, object]:
    """Arguments of the InputError for the first True of ``bad``, showing that element of ``of``."""
    position = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
    return f"{place} slot {position}", wanted, of[position].item()


def encode_nm(w: object, ratio: Ratio, axis: int, place: str = "weights") -> NmTensor:
    """Encode an array that already is N:M along ``axis``; nothing is lost (``-0.0`` returns as ``0.0``).

    Slots of a group, in order: its non-zeros with ascending indices; then, when there are fewer than n, padding slots
    of value 0, whose indices are the group's lowest positions that are still free, ascending. So every index is
    below m, none stands twice in a group, and equal arrays give equal codes. Example, 2:4: ``0 0 0 5`` gives values
    ``5 0``, indices ``3 0``.

    Args:
        w: integers or floats of any shape. To prune first, give ``np.where(nm_mask(w, ratio, axis), w, 0)``.
        ratio: N:M.
        axis: the axis that is cut into groups.
        place: what ``w`` is, for error messages.

    Raises:
        InputError: a group with more than n non-zeros, and as ``nm_mask``.
    """
    array = numeric(w, place)
    axis = axis_of(axis, array.ndim, place)
    groups = to_groups(array, ratio.m, axis)
    if ratio.dense:
        return NmTensor(groups + 0, np.zeros(groups.shape, np.uint8), array.shape[axis], ratio, axis)
    # Pattern table: the m non-zero flags of a group, as a number, look up all its indices at once.
    patterns = _patterns(groups)
    _refuse_crowded(patterns, ratio, axis, place)
    indices = np.take(_slot_table(ratio.n, ratio.m), patterns, axis=0)
    values = np.take(groups.reshape(-1), _positions(indices, ratio.m))
    if values.dtype.kind == "f":
        values += 0  # turns -0.0 into 0.0, as a padding slot decodes
    return NmTensor(values, indices, array.shape[axis], ratio, axis)
