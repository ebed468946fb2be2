"""Batches: dense vectors of one descriptor, as the pruner takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.bitmap_decoder.config import MOST_ROWS
from hwsim.bitmap_decoder.format import Elements, Ints, tiles_of
from hwsim.bitmap_decoder.jobs import check_elements
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.config import in_range
from hwsim.errors import InputError


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Vectors of one length, of each of which as many elements are kept. What leaves are *jobs*: of values each vector,
    of keys each group of ``tile`` vectors, the last group with what is left.

    Attributes:
        config: of the pruner.
        vectors: (vectors, elements): ``uint16`` bit patterns for ``fp16``, ``int8`` for ``int8``.
        keep: elements that stay, 0 to all; kept zeros are not stored.
    """

    config: PrunerConfig
    vectors: Elements
    keep: int

    def __post_init__(self) -> None:
        check_elements("vectors", self.vectors, self.config)
        if not (1 <= self.count <= MOST_ROWS and 1 <= self.elements <= self.config.length):
            wanted = f"1 to {MOST_ROWS} vectors of 1 to {self.config.length} elements"
            raise InputError("vectors", wanted, self.vectors.shape)
        if isinstance(self.keep, bool) or not isinstance(self.keep, int | np.integer):
            raise InputError("keep", "an integer", self.keep)
        in_range("keep", self.keep, 0, self.elements)

    @property
    def count(self) -> int:
        """Vectors."""
        return self.vectors.shape[0]

    @property
    def elements(self) -> int:
        """Elements of a vector."""
        return self.vectors.shape[1]

    @property
    def beats(self) -> int:
        """Input beats of a vector; lanes behind its end do not count."""
        return -(-self.elements // self.config.lanes)

    @property
    def tiles(self) -> int:
        """Tiles of a vector."""
        return tiles_of(self.elements, self.config.tile)

    @property
    def job_vectors(self) -> Ints:
        """(jobs,) vectors of each job."""
        if self.config.side == "values":
            return np.ones(self.count, np.int64)
        firsts = np.arange(0, self.count, self.config.tile)
        return np.minimum(self.count - firsts, self.config.tile)

    @property
    def job_chunks(self) -> list[Ints]:
        """Of each job (tiles,): cycles that packing takes for each tile, along channels or along tokens."""
        lanes, tile = self.config.lanes, self.config.tile
        if self.config.side == "keys":
            return [np.full(self.elements, -(-int(tokens) // lanes)) for tokens in self.job_vectors]
        sizes = np.full(self.tiles, tile)
        sizes[-1] = self.elements - (self.tiles - 1) * tile
        return [-(-sizes // lanes)] * self.count



def keep_of(elements: int, sparsity: float) -> int:
    """Elements that stay of a vector at that sparsity: elements - int(elements · sparsity), as Mustafar's code has it.

    Raises:
        InputError: a sparsity that is no number from 0 to 1.
    """
    if isinstance(sparsity, bool) or not isinstance(sparsity, int | float):
        raise InputError("sparsity", "a number from 0 to 1", sparsity)
    return elements - int(elements * in_range("sparsity", sparsity, 0, 1))
