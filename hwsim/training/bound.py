"""Speedup of a training step that multiply-accumulates alone allow: no memory, no drain, no update."""

from __future__ import annotations

from collections.abc import Iterable

from hwsim.sparsity.ratio import Ratio
from hwsim.training.stages import Stage


def ideal_bound(ratio: Ratio) -> float:
    """3 / (2 N/M + 1): every layer sparse in FF and BP, WU dense, the three of equal MACs."""
    return 3 / (2 * ratio.density + 1)


def network_bound(dense: Iterable[Stage], sparse: Iterable[Stage]) -> float:
    """The same with the network's own MACs: its dense layers, no BP of the first one, products of activations."""
    return sum(stage.kept_macs for stage in dense) / sum(stage.kept_macs for stage in sparse)
