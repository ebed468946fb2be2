"""Gating beside skipping: a dense array that sees that a weight is 0 and keeps its multiplier still.

It saves the energy of those products, and no time: operands still move, sums still run down. Skipping saves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hwsim.energy import ActionCount, CostTable, EnergyTree
from hwsim.result import LayerResult, NetworkResult

GATED = (("PE", "multiply-accumulate"), ("PE registers", "product read"), ("PE registers", "product write"))
"""Actions that a weight of 0 does not cause."""


def gated(dense: NetworkResult, sparse: Sequence[LayerResult], table: CostTable) -> NetworkResult:
    """The dense array's run of a network with the sparse one's weights, zeros gated: same cycles, less energy.

    Args:
        dense: all of its products counted.
        sparse: the layers of the sparse run, for their kept weights.
        table: of the added actions.
    """
    bits = 8 if dense.config.to_mapping()["data_type"] == "int8" else 16
    layers = []
    for layer, twin in zip(dense.layers, sparse, strict=True):
        kept = twin.useful_macs / layer.macs if layer.macs else 1.0
        layers.append(replace(layer, energy=_gated(layer.energy, kept, bits, table)))
    return replace(dense, accelerator=f"{dense.accelerator}, zeros gated", layers=tuple(layers))


def _gated(tree: EnergyTree, kept: float, bits: int, table: CostTable) -> EnergyTree:
    """One layer: a share of its products; each weight is compared with 0 on its way in and has a flag from there on."""
    if kept >= 1:
        return tree
    leaves = [replace(leaf, count=leaf.count * kept) if (leaf.component, leaf.action) in GATED else leaf
              for leaf in tree.leaves]
    counts = {(leaf.component, leaf.action): leaf.count for leaf in tree.leaves}
    flags = {way: counts.get(("PE registers", f"weight {way}"), 0) / bits for way in ("read", "write")}
    added = EnergyTree.of([
        ActionCount(component="gating", action="compare", count=counts.get(("weight buffer", "read"), 0)),
        *(ActionCount(component="gating", action=f"flag {way}", count=count, cost=f"register.{way}")
          for way, count in flags.items())], table)
    return EnergyTree.summed([*leaves, *added.leaves])
