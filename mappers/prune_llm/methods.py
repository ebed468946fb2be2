"""Three ways to prune and quantise one weight with given N of each block.

    magnitude   keeps the largest |w|
    wanda       keeps the largest |w| * norm of the input (Sun et al., arXiv 2306.11695), here among the M neighbours
                along the reduction, as N:M wants
    sparsegpt   keeps what costs most to remove, and lets the weights that come later in the reduction make up for
                what was removed or rounded (Frantar and Alistarh, arXiv 2301.00774; Hassibi and Stork's optimal brain
                surgeon, row by row of the weight)

The first two leave the kept weights as they are, up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hwsim.config import one_of
from hwsim.errors import InputError
from hwsim.workload.decoder.block_ratio import BLOCK
from mappers.prune_llm.blocks import BlockMap, Floats, Mask, check_shape, kept
from mappers.prune_llm.gram import Gram
from mappers.prune_llm.quantise import column_scales, rounded

Method = Literal["magnitude", "wanda", "sparsegpt"]
METHODS: tuple[Method, ...] = get_args(Method)
BATCH = 128
"""Rows after which the weights behind them are updated at once; only speed depends on it."""


@dataclass(frozen=True, eq=False)
class PrunedWeight:
    """A weight (k, n) after pruning, and after quantisation unless ``bits`` is None.

    Args:
        value: what a layer multiplies by, float64, zeros where pruned.
        mask: what is kept; kept weights may be 0 by rounding.
        blocks: N of each block, (k / 16, n / 16).
        bits: of a kept weight.
        scales: FP16 values, (n,); ``value / scales`` are whole numbers. Ones without bits.
        m: M of all blocks.
    """

    value: Floats
    mask: Mask
    blocks: BlockMap
    bits: int | None
    scales: Floats
    m: int

    @property
    def integers(self) -> NDArray[np.int8]:
        """The whole numbers; only with bits."""
        if self.bits is None:
            raise InputError("bits", "a quantised weight", "none")
        return np.rint(self.value / self.scales).astype(np.int8)


def saliency(method: Method, weight: NDArray[np.floating], gram: Gram) -> Floats:
    """What a method loses by removing each weight alone, (k, n); for magnitude with inputs that are all alike."""
    one_of("method", method, METHODS)
    squares = np.square(np.asarray(weight, np.float64))
    if method == "magnitude":
        return squares
    return squares * gram.power[:, None] if method == "wanda" else squares / gram.inverse_power[:, None]


def prune_weight(weight: NDArray[np.floating], gram: Gram, blocks: BlockMap, method: Method, bits: int | None = None,
                 m: int = BLOCK) -> PrunedWeight:  # fmt: skip
    """Prune a weight (k, n) to N of M in each block, and round what is left.

    Raises:
        InputError: edges that 16 does not divide, values that are not finite, another k than the activations have,
            a map of another shape, or an unknown method or number of bits.
    """
    check_shape(weight)
    k, n = weight.shape
    if gram.size != k:
        raise InputError("activations", f"{k} inputs", gram.size)
    if blocks.shape != (k // BLOCK, n // BLOCK):
        raise InputError("blocks", f"shape {(k // BLOCK, n // BLOCK)}", f"shape {blocks.shape}")
    w = np.asarray(weight, np.float64)
    mask = kept(saliency(method, w, gram), blocks, m)
    scales = np.ones(n) if bits is None else column_scales(w * mask, gram.power, bits)
    if method == "sparsegpt":
        value, mask = _compensated(w, gram.inverse_root, blocks, m, scales, bits)
    else:
        value = _round(w * mask, scales, bits)
    return PrunedWeight(value=value, mask=mask, blocks=blocks, bits=bits, scales=scales, m=m)


def _round(w: Floats, scales: Floats, bits: int | None) -> Floats:
    return w if bits is None else rounded(w, scales, bits) * scales


def _compensated(w: Floats, root: Floats, blocks: BlockMap, m: int, scales: Floats,
                 bits: int | None) -> tuple[Floats, Mask]:  # fmt: skip
    """Rows of the weight one after the other; each passes its error on to the rows behind, as the inputs correlate.

    A group's mask is chosen when its first row comes, from weights that already make up for earlier rows. Batches of
    rows work on a part of the weight that stays in the cache; what lies behind is updated once a batch.
    """
    w, mask = w.copy(), np.empty(w.shape, np.bool_)
    diagonal = root.diagonal()
    for begin in range(0, len(w), BATCH):
        end = min(begin + BATCH, len(w))
        errors = np.empty((end - begin, w.shape[1]))
        for row in range(begin, end):
            if row % BLOCK == 0:
                span = slice(row, row + BLOCK)
                cost = np.square(w[span] / diagonal[span, None])
                mask[span] = kept(cost, blocks[row // BLOCK : row // BLOCK + 1], m)
            value = _round(w[row] * mask[row], scales, bits)
            error = (w[row] - value) / diagonal[row]
            w[row + 1 : end] -= np.multiply.outer(root[row, row + 1 : end], error)
            w[row], errors[row - begin] = value, error
        w[end:] -= root[begin:end, end:].T @ errors
    return w, mask
