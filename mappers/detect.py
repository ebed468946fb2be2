"""Which N:M a given pattern of zeros obeys, whoever made it: weights that come pruned run as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.sparsity.nm import to_groups
from hwsim.sparsity.ratio import DENSE, Ratio

REDUCTION = -2
"""Axis of K in (groups, K, N)."""


def obeys(w: npt.NDArray[Any], ratio: Ratio) -> bool:
    """Whether every group of M along K has at most N non-zeros: w (K, N) or (groups, K, N)."""
    return bool((np.count_nonzero(to_groups(w, ratio.m, REDUCTION), axis=-1) <= ratio.n).all())


def sparsest(w: npt.NDArray[Any], ratios: Iterable[Ratio]) -> Ratio:
    """The sparsest of the ratios that the weights obey; dense when none is."""
    return next((ratio for ratio in sorted(ratios) if obeys(w, ratio)), DENSE)


def ratios_of(weights: Mapping[str, npt.NDArray[Any]], ratios: Iterable[Ratio]) -> dict[str, Ratio]:
    """By layer: the sparsest of the ratios that its weights obey."""
    known = list(ratios)
    return {name: sparsest(w, known) for name, w in weights.items()}
