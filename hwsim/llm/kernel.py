"""Compiled loops over a program: where instructions begin in the words, when they start on the queues."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit


@njit(cache=True)
def instruction_starts(
    words: npt.NDArray[np.uint32], lengths: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], int]:
    """First word of each instruction, and the word reached.

    Args:
        words: shape (words,).
        lengths: shape (16,): words by the code in bits 31:28; 0 = no such code, where the walk ends.
    """
    starts = np.empty(len(words), np.int64)
    count, at = 0, 0
    while at < len(words):
        length = lengths[words[at] >> np.uint32(28)]
        if length == 0:
            break
        starts[count] = at
        count += 1
        at += length
    return starts[:count].copy(), at
