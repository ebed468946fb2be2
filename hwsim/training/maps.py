"""im2col without storing it: which lines of a feature map the tiles of A need, and what is new to a line buffer.

A convolution reads each pixel once per kernel position. The memory side keeps the lines that it fetched last in a *line
buffer* and makes the rows of A from there, so that DRAM moves new lines only. That buffer is our own choice; it stands
between DRAM and port ``a`` of the array and gives one beat a cycle, as the port takes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hwsim.nm_array.program import Ints, Program


@dataclass(frozen=True, kw_only=True)
class MapView:
    """How A [M, K] is read from a feature map.

    Args:
        height, width, channels: of one image of the map (elements).
        out_height, out_width: pixels that run over ``rank``, per image.
        kernel: lines that one output line needs.
        stride: lines between the first lines of neighbouring output lines.
        before: lines of the first window that lie above the map (padding; may be negative).
        rank: which rank of A the pixels run over: ``"m"`` in FF and BP, ``"k"`` in WU. The other one runs over kernel
            positions (slow) and channels (fast).
    """

    height: int = 1
    width: int = 1
    channels: int
    out_height: int = 1
    out_width: int = 1
    kernel: int = 1
    stride: int = 1
    before: int = 0
    rank: Literal["m", "k"] = "m"

    def lines(self, first: Ints, last: Ints) -> tuple[Ints, Ints]:
        """Lines of the map, counted over all images, that output pixels ``first`` to ``last`` need: [low, high)."""
        top, bottom = first // self.out_width, last // self.out_width
        low = top % self.out_height * self.stride - self.before
        high = bottom % self.out_height * self.stride - self.before + self.kernel
        start = top // self.out_height * self.height + np.clip(low, 0, self.height)
        end = bottom // self.out_height * self.height + np.clip(high, 0, self.height)
        return start, np.maximum(end, start)


def activation_bytes(program: Program, view: MapView, element_bytes: int, line_bytes: int) -> Ints:
    """DRAM bytes of each fill of port ``a``: (fills,).

    Lines that the line buffer still holds are not fetched again: those of the fill before, where it covered the same
    channels. Where the lines of a tile do not fit in the buffer, and wherever it takes fewer bytes, the DMA fetches the
    rows of A of that tile themselves.

    Args:
        program: the passes.
        view: how its A is read from a feature map.
        element_bytes: bytes of an element.
        line_bytes: capacity of the line buffer.
    """
    p = program.a_pass
    expanded = program.m_size[p] * program.k_size[p] * element_bytes
    over_m = view.rank == "m"
    pixel, pixels = (program.m0[p], program.m_size[p]) if over_m else (program.k0[p], program.k_size[p])
    low, high = view.lines(pixel, pixel + pixels - 1)
    channels, part = _channels(program, view)
    per_line = view.width * channels * element_bytes
    before_low, before_high = np.append(low[:1], low[:-1]), np.append(low[:1], high[:-1])
    together = (np.maximum(high, before_high) - np.minimum(low, before_low)) * per_line <= line_bytes
    kept = np.append(False, (np.diff(program.group[p]) == 0) & (np.diff(part) == 0)) & together
    held = np.clip(np.minimum(high, before_high) - np.maximum(low, before_low), 0, None)
    fetched, rows = (high - low - np.where(kept, held, 0)) * per_line, expanded
    if over_m:
        visit = np.cumsum(np.append(True, (np.diff(pixel) != 0) | ~kept[1:])) - 1
        fetched, rows = _shared(fetched, visit), _shared(expanded, visit)
    return np.where(((high - low) * per_line <= line_bytes) & (fetched <= rows), fetched, expanded)


def _channels(program: Program, view: MapView) -> tuple[Ints, Ints]:
    """By fill: channels that the line buffer holds for it, and a number that is equal where they are the same ones."""
    p = program.a_pass
    if view.rank == "m":
        return np.full(len(p), view.channels, np.int64), np.zeros(len(p), np.int64)
    return np.minimum(program.m_size[p], view.channels), program.m0[p]


def _shared(values: Ints, visit: Ints) -> Ints:
    """Bytes of fills in a row that read the same rows of A, shared evenly: each needs a part of them."""
    total, count = np.bincount(visit, values).astype(np.int64), np.bincount(visit)
    return (-(-total // count))[visit]
