"""Pruning of a network's weights: magnitude N:M along the reduction, unstructured magnitude, and random N:M for shapes.

Weights are (K, N) or (groups, K, N), K the reduction. A network is a mapping from layer name to weights, in the order
of execution. Ratios and densities are given for all layers, or by name patterns (``*`` and ``?``): the first pattern of
the mapping that matches a layer decides, and a layer that none matches stays dense.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeVar
from zlib import crc32

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.patterns import checked_density, checked_shape, kept_count, random_nm_mask
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.sparsity.size import Array, magnitude, numeric, whole

REDUCTION = -2
"""Axis of K."""
SMALLEST_K = 16
"""Layers with a shorter reduction stay dense unless asked otherwise (a 3×3 depthwise layer has K = 9)."""

RatioOrText = Ratio | str
Rule = TypeVar("Rule")


@dataclass(frozen=True)
class LayerRecord:
    """What pruning did to one layer.

    Args:
        name: of the layer.
        shape: (K, N) or (groups, K, N).
        ratio: the N:M applied, 1:1 where left dense; None for unstructured pruning.
        density: actual fraction of non-zeros after pruning (of kept positions where there are no weights).
        energy_kept: Σ w² kept / Σ w² before, 1 for a layer of zeros; None where there are no weights.
        padded: whether K is not a multiple of M, so that the last group is padded with zeros.
        note: why the layer was left dense; empty when it was pruned as asked.
    """

    name: str
    shape: tuple[int, ...]
    ratio: Ratio | None
    density: float
    energy_kept: float | None
    padded: bool
    note: str


@dataclass(frozen=True, eq=False)
class PrunedLayer:
    """Weights after pruning (None for a shape without weights), the bool mask of what is kept, and the record."""

    weights: Array | None
    mask: Array
    record: LayerRecord


@dataclass(frozen=True, kw_only=True)
class LeaveDense:
    """Which layers N:M pruning leaves dense, whatever ratio is given.

    Args:
        first: the first layer of the network.
        last: the last layer.
        depthwise: (groups, K, 1) with more than one group: nothing is shared along K.
        smallest_k: layers with a shorter reduction.
    """

    first: bool = False
    last: bool = False
    depthwise: bool = True
    smallest_k: int = SMALLEST_K

    def __post_init__(self) -> None:
        whole(self.smallest_k, "smallest_k", 0)

    def reason(self, position: int, layers: int, shape: tuple[int, ...]) -> str:
        """Why the layer at ``position`` of ``layers`` stays dense; empty when it does not."""
        k = shape[REDUCTION]
        if self.first and position == 0:
            return "first layer"
        if self.last and position == layers - 1:
            return "last layer"
        if self.depthwise and len(shape) == 3 and shape[0] > 1 and shape[-1] == 1:
            return f"depthwise, K = {k}"
        return f"K = {k} is below {self.smallest_k}" if k < self.smallest_k else ""


def _by_pattern(names: list[str], rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """The first matching rule of each layer that has one. A pattern that matches no layer is refused (a typo)."""
    chosen: dict[str, Rule] = {}
    for pattern, rule in rules.items():
        hits = [name for name in names if name == pattern or fnmatchcase(name, pattern)]
        if not hits:
            raise InputError(f'pattern "{pattern}"', "the name of a layer: " + ", ".join(names), "no match")
        for name in hits:
            chosen.setdefault(name, rule)
    return chosen


def _ratios(names: list[str], ratios: RatioOrText | Mapping[str, RatioOrText]) -> dict[str, Ratio]:
    """Ratio by layer name, for the layers that have one."""
    if isinstance(ratios, Mapping):
        return _by_pattern(names, {p: Ratio.parse(r, f'ratio of "{p}"') for p, r in ratios.items()})
    return dict.fromkeys(names, Ratio.parse(ratios))


def _checked_layer(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) not in (2, 3) or 0 in shape:
        raise InputError(f"layer {name}", "shape (K, N) or (groups, K, N), not empty", f"shape {shape}")
    return shape


def _checked_weights(name: str, w: object) -> Array:
    """Finite weights of a legal shape; the error names layer and position."""
    array = numeric(w, f"layer {name}")
    _checked_layer(name, array.shape)
    if not np.isfinite(array).all():
        position = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InputError(f"layer {name}", "finite numbers", f"{array[position]} at {position}")
    return array


def _plan(
    shapes: dict[str, tuple[int, ...]], ratios: RatioOrText | Mapping[str, RatioOrText], leave: LeaveDense
) -> dict[str, tuple[Ratio, str]]:
    """Ratio and note of every layer."""
    asked = _ratios(list(shapes), ratios)
    plan = {}
    for position, (name, shape) in enumerate(shapes.items()):
        note = leave.reason(position, len(shapes), shape) if name in asked else "no pattern matches"
        plan[name] = (DENSE if note else asked[name], note)
    return plan


def _pruned(name: str, w: Array, mask: Array, ratio: Ratio | None, note: str = "") -> PrunedLayer:
    """Apply a mask and measure what it kept."""
    kept = np.where(mask, w, np.zeros((), w.dtype))
    unit = np.abs(w.astype(np.float64))
    unit /= unit.max() or 1.0  # keeps the squares in range
    total = float(np.vdot(unit, unit))
    unit *= mask
    energy = float(np.vdot(unit, unit)) / total if total else 1.0
    padded = ratio is not None and w.shape[REDUCTION] % ratio.m != 0
    density = int(np.count_nonzero(kept)) / w.size
    return PrunedLayer(kept, mask, LayerRecord(name, w.shape, ratio, density, energy, padded, note))


def prune_nm(
    layers: Mapping[str, object], ratios: RatioOrText | Mapping[str, RatioOrText], leave: LeaveDense | None = None
) -> dict[str, PrunedLayer]:
    """Magnitude N:M along K: of every M neighbours the N largest |w| stay; among equals the lower position.

    Args:
        layers: name → (K, N) or (groups, K, N) weights, integers or floats.
        ratios: one ratio for all layers, or name pattern → ratio, the first match decides.
        leave: which layers stay dense in any case; by default depthwise layers and those with K < 16.

    Raises:
        InputError: NaN or infinity (layer and position named), a bad shape or ratio, or a pattern without a layer.
    """
    arrays = {name: _checked_weights(name, w) for name, w in layers.items()}
    plan = _plan({name: w.shape for name, w in arrays.items()}, ratios, leave or LeaveDense())
    result = {}
    for name, w in arrays.items():
        ratio, note = plan[name]
        result[name] = _pruned(name, w, nm_mask(w, ratio, REDUCTION, f"layer {name}"), ratio, note)
    return result


def random_nm(
    shapes: Mapping[str, tuple[int, ...]],
    ratios: RatioOrText | Mapping[str, RatioOrText],
    seed: int,
    leave: LeaveDense | None = None,
) -> dict[str, PrunedLayer]:
    """Random N:M masks for shapes without weights; every choice of a group is equally likely.

    A layer's mask depends on the seed, its name, shape and ratio only, so that adding a layer changes no other.

    Args:
        shapes: name → (K, N) or (groups, K, N).
        ratios: as ``prune_nm``.
        seed: at least 0.
        leave: as ``prune_nm``.
    """
    whole(seed, "seed", 0)
    legal = {name: _checked_layer(name, checked_shape(s, f"layer {name}")) for name, s in shapes.items()}
    result = {}
    for name, (ratio, note) in _plan(legal, ratios, leave or LeaveDense()).items():
        shape = legal[name]
        mask = random_nm_mask(shape, ratio, REDUCTION, [seed, crc32(name.encode())], f"layer {name}")
        padded = shape[REDUCTION] % ratio.m != 0
        record = LayerRecord(name, shape, ratio, int(np.count_nonzero(mask)) / mask.size, None, padded, note)
        result[name] = PrunedLayer(None, mask, record)
    return result


def magnitude_mask(w: object, density: float, place: str = "weights") -> Array:
    """Bool mask of the ``round(density · elements)`` largest |w|; among equals the lower row-major position stays."""
    sizes = magnitude(numeric(w, place))
    array = sizes.reshape(-1)
    count = kept_count(checked_density(density, place), array.size)
    if count == 0:
        return np.zeros(sizes.shape, bool)
    smallest_kept = np.partition(array, array.size - count)[array.size - count]
    mask = array > smallest_kept
    ties = np.flatnonzero(array == smallest_kept)
    mask[ties[: count - np.count_nonzero(mask)]] = True
    return mask.reshape(sizes.shape)


def prune_unstructured(
    layers: Mapping[str, object], densities: float | Mapping[str, float]
) -> dict[str, PrunedLayer]:
    """Unstructured magnitude pruning of each layer to a density of its own.

    Args:
        layers: name → (K, N) or (groups, K, N) weights.
        densities: fraction kept of every layer, or name pattern → fraction; a layer without a match stays dense.

    Raises:
        InputError: NaN or infinity (layer and position named), a bad shape or density, or a pattern without a layer.
    """
    arrays = {name: _checked_weights(name, w) for name, w in layers.items()}
    if isinstance(densities, Mapping):
        chosen = _by_pattern(list(arrays), densities)
    else:
        chosen = dict.fromkeys(arrays, densities)
    result = {}
    for name, w in arrays.items():
        note = "" if name in chosen else "no pattern matches"
        mask = magnitude_mask(w, chosen.get(name, 1.0), f"layer {name}")
        result[name] = _pruned(name, w, mask, None, note)
    return result
