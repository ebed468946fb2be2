"""How much each layer's output suffers from each density and number of bits, and a choice of both within a budget.

Errors are measured on the real weight with Wanda's mask and plain rounding, which is quick; the chosen options are then
pruned with any method. A layer's error is relative to its own output, which says little about the network's: on MiniLM
the sum over the layers is least when the last layers of the MLPs are pruned most, and the result suffers. So errors are
weighed by an importance that is measured at the network's end (`mappers.prune_llm.minilm.importance`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.config import Configuration, in_range, one_of
from hwsim.errors import InputError
from hwsim.workload.decoder.block_ratio import BLOCK, WIDTHS, legal_n, stored_bytes
from mappers.prune_llm.allocate import allocate
from mappers.prune_llm.blocks import BlockMap, check_shape, choose, losses, shares_of
from mappers.prune_llm.gram import Gram, check_inputs
from mappers.prune_llm.methods import prune_weight, saliency

UNITS = ("stored_bits", "bits", "density")


@dataclass(frozen=True, kw_only=True)
class Grid(Configuration):
    """What every layer may choose from.

    Args:
        densities: mean N/M.
        bits: of kept weights.
        m: M of all blocks.
    """

    densities: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)
    bits: tuple[int, ...] = (3, 4, 8)
    m: int = BLOCK

    def check(self) -> None:
        """Refuse empty lists, densities outside 0 … 1, and illegal bits and M."""
        legal_n(self.m)
        if not self.densities or not self.bits:
            raise InputError("densities and bits", "at least one each", f"{self.densities} and {self.bits}")
        for number, density in enumerate(self.densities):
            in_range(f"densities[{number}]", density, 0.0, 1.0)
        for number, width in enumerate(self.bits):
            one_of(f"bits[{number}]", width, WIDTHS)


@dataclass(frozen=True, eq=False)
class Options:
    """Options of one layer; arrays have one entry for each.

    Args:
        elements: of the dense weight.
        density: mean N/M, as the chosen blocks have it.
        bits: of kept weights.
        nbytes: as stored: values, indices, blocks, scales.
        error: of the output, relative.
        blocks: N of each block.
        m: M of all blocks.
    """

    elements: int
    density: NDArray[np.float64]
    bits: NDArray[np.int64]
    nbytes: NDArray[np.int64]
    error: NDArray[np.float64]
    blocks: tuple[BlockMap, ...]
    m: int

    def cost(self, unit: str) -> NDArray[np.float64]:
        """What the options cost, in bits or kept weights of the whole layer."""
        per_weight = {"stored_bits": self.nbytes * 8 / self.elements, "bits": self.bits, "density": self.density}
        return self.elements * per_weight[one_of("unit", unit, UNITS)].astype(np.float64)


def layer_options(weight: NDArray[np.floating], gram: Gram, grid: Grid) -> Options:
    """All options of a weight (k, n), measured."""
    check_shape(weight)
    lost = losses(saliency("wanda", weight, gram), grid.m)
    entries, maps = [], []
    for density in grid.densities:
        blocks = choose(lost, density, grid.m)
        for bits in grid.bits:
            pruned = prune_weight(weight, gram, blocks, "wanda", bits, grid.m)
            nbytes = stored_bytes((weight.shape[0], weight.shape[1]), grid.m, shares_of(blocks), bits).total
            entries.append((blocks.mean() / grid.m, bits, nbytes, gram.output_error(weight, pruned.value)))
            maps.append(blocks)
    density_, bits_, nbytes_, error = (np.array(column) for column in zip(*entries, strict=True))
    return Options(weight.size, density_, bits_, nbytes_, error, tuple(maps), grid.m)


@dataclass(frozen=True, eq=False)
class Choice:
    """What one layer gets."""

    blocks: BlockMap
    bits: int
    m: int
    density: float
    error: float


def within(options: Mapping[str, Options], budget: float, unit: str = "stored_bits",
           importance: Mapping[str, float] | None = None) -> dict[str, Choice]:  # fmt: skip
    """The option of each layer, at little weighed error summed over the layers.

    Args:
        options: by layer.
        budget: mean over all weights of the network, pruned ones counted, at most: ``stored_bits`` (values, indices,
            blocks, scales), ``bits`` (of kept weights), or ``density`` (N/M).
        unit: which of these.
        importance: of each layer's error; default 1 for all.

    Raises:
        InputError: an unknown unit, no layer, a layer without importance, or a budget below the cheapest options.
    """
    if not options:
        raise InputError("layers", "at least one", "none")
    total = sum(layer.elements for layer in options.values())
    costs = [layer.cost(unit) / total for layer in options.values()]
    if importance is not None and (missing := options.keys() - importance.keys()):
        raise InputError("importance", f"that of {min(missing)}", "none")
    errors = [layer.error * (1.0 if importance is None else importance[name]) for name, layer in options.items()]
    try:
        chosen = allocate(costs, errors, budget)
    except InputError as error:
        raise InputError(f"budget in {unit}", error.wanted, error.given) from None
    return {name: Choice(layer.blocks[at], int(layer.bits[at]), layer.m, float(layer.density[at]),
                         float(layer.error[at]))
            for (name, layer), at in zip(options.items(), chosen, strict=True)}  # fmt: skip


def network_options(weights: Mapping[str, NDArray[np.floating]], grams: Mapping[str, Gram],
                    grid: Grid) -> dict[str, Options]:  # fmt: skip
    """Options of every layer; InputError for a layer without activations of its size."""
    check_inputs(weights, grams)
    return {name: layer_options(weight, grams[name], grid) for name, weight in weights.items()}
