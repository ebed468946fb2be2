"""Depthwise convolution on a matrix array: neighbouring output pixels share the columns (a Toeplitz matrix).

One channel alone is a GEMM with K = kernel area and N = 1, which leaves almost the whole array idle. Here the columns
are ``width`` neighbouring output pixels of a line, and K is the window of input that they look at together. Each column
of B is the kernel, shifted: mostly zeros. On a dense array they are multiplied in vain; an N:M array skips them, when K
is ordered so that the kernel's taps fall into different groups of M (*interleaved groups*).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.nm_array.traffic import Lines
from hwsim.sparsity.ratio import Ratio
from hwsim.workload import ConvGeometry

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Window:
    """A depthwise convolution as one GEMM per channel: M = lines x windows, K = window, N = ``width`` pixels.

    Args:
        conv: depthwise, one output channel per input channel.
        width: output pixels of a window.
        ratio: N:M that B keeps along K by the order of K.
    """

    conv: ConvGeometry
    width: int
    ratio: Ratio

    def __post_init__(self) -> None:
        if not self.conv.groups == self.conv.in_channels == self.conv.out_channels:
            raise InputError("window", "a depthwise convolution with one output channel per input channel", self.conv)
        if not 1 <= self.width <= self.conv.out_width:
            raise InputError("window width", f"1 to {self.conv.out_width} output pixels", self.width)

    @property
    def line(self) -> int:
        """Input pixels of one line that a window looks at."""
        return (self.width - 1) * self.conv.stride[1] + (self.conv.kernel[1] - 1) * self.conv.dilation[1] + 1

    @property
    def groups_per_line(self) -> int:
        """Groups of M that hold a line: the fewest among which the taps spread with at most N in one."""
        taps = np.arange(self.conv.kernel[1]) * self.conv.dilation[1]
        count = -(-self.line // self.ratio.m)
        while np.bincount(taps % count).max() > self.ratio.n:
            count += 1
        return count

    @property
    def k_per_line(self) -> int:
        """Length of K for one kernel line, unused positions of groups included."""
        return self.groups_per_line * self.ratio.m

    @property
    def windows(self) -> int:
        """Windows of one output line; the last may reach beyond it."""
        return -(-self.conv.out_width // self.width)

    @property
    def ranks(self) -> tuple[int, int, int]:
        """(M, K, N) of one channel's GEMM."""
        return (self.conv.batch * self.conv.out_height * self.windows, self.conv.kernel[0] * self.k_per_line,
                self.width)

    def lines(self) -> Lines:
        """How the rows of A look at lines of the feature map."""
        return Lines(conv=self.conv, m_per_line=self.windows, k_per_line=self.k_per_line, channels=1)

    def positions(self) -> Array:
        """Where pixel x of a line stands in K: group x mod count, place x // count. (line,)"""
        x, count = np.arange(self.line), self.groups_per_line
        return (x % count) * self.ratio.m + x // count

    def b(self, w: Array) -> Array:
        """Toeplitz matrices: kernels (channels, kernel area, 1) -> (channels, K, N), N:M along K."""
        conv, out = self.conv, np.zeros((len(w), self.conv.kernel[0], self.k_per_line, self.width), w.dtype)
        position, columns = self.positions(), np.arange(self.width)
        kernels = w.reshape(len(w), *conv.kernel)
        for tap in range(conv.kernel[1]):
            out[:, :, position[columns * conv.stride[1] + tap * conv.dilation[1]], columns] = kernels[:, :, tap, None]
        return out.reshape(len(w), -1, self.width)

    def a(self, x: Array, pad_value: int = 0) -> Array:
        """Windows of the input: x (batch, channels, height, width) -> (channels, M, K); unused places are 0."""
        conv, (top, left, bottom, right) = self.conv, self.conv.padding
        beyond = (self.windows * self.width - 1) * conv.stride[1] + self.line - (self.width - 1) * conv.stride[1]
        wide = max(right, beyond - conv.width - left)
        padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, wide)), constant_values=pad_value)
        rows = (np.arange(conv.out_height)[:, None] * conv.stride[0]
                + np.arange(conv.kernel[0]) * conv.dilation[0])[:, None, :, None]
        cols = (np.arange(self.windows)[:, None] * self.width * conv.stride[1] + np.arange(self.line))[None, :, None, :]
        pixels = padded[:, :, rows, cols]  # batch, channels, out_height, windows, kernel lines, line
        out = np.zeros((*pixels.shape[:-1], self.k_per_line), x.dtype)
        out[..., self.positions()] = pixels
        m, k, _ = self.ranks
        return out.swapaxes(0, 1).reshape(conv.in_channels, m, k)

    def output(self, z: Array) -> Array:
        """Results (channels, M, N) -> (channels, batch x out_height x out_width, 1), as im2col's GEMM gives them."""
        conv = self.conv
        whole = z.reshape(len(z), conv.batch, conv.out_height, self.windows * self.width)
        return whole[..., :conv.out_width].reshape(len(z), -1, 1)


def windows_of(conv: ConvGeometry | None, cols: int, ratio: Ratio) -> Iterator[Window]:
    """Windows worth a look for an array of so many columns: those that cut a line into equal parts."""
    if conv is None or not conv.groups == conv.in_channels == conv.out_channels or conv.groups == 1:
        return
    widths = {-(-conv.out_width // parts) for parts in range(1, conv.out_width)}
    for width in sorted(width for width in widths if 1 < width <= cols):
        yield Window(conv=conv, width=width, ratio=ratio)
