"""Convolutions as GEMMs: the geometry, and the one order of K that every part of the toolkit uses.

A convolution becomes, for each of its groups, ``Z[M, N] = A[M, K] . B[K, N]`` with ``M`` = batch x output pixels
(batch slowest, then output row, then output column), ``N`` = output channels of the group and
``K = (kernel row, kernel column, input channel of the group)`` with the **input channel fastest**. So M neighbours
along K are M input channels at one kernel position, which is what N:M groups along the reduction run over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..errors import InputError


def need_int(place: str, value: object, least: int = 1) -> None:
    """Raise ``InputError`` unless ``value`` is a plain ``int`` of at least ``least``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(place, f"an int >= {least}", value)


def same_padding(
    height: int, width: int, kernel: tuple[int, int], stride: tuple[int, int]
) -> tuple[int, int, int, int]:
    """TensorFlow's "SAME" padding (top, left, bottom, right): ceil(in / stride) outputs, the odd element goes last."""
    totals = [
        max((-(-size // s) - 1) * s + k - size, 0)
        for size, k, s in zip((height, width), kernel, stride, strict=True)
    ]
    return totals[0] // 2, totals[1] // 2, totals[0] - totals[0] // 2, totals[1] - totals[1] // 2


@dataclass(frozen=True, kw_only=True)
class ConvGeometry:
    """Shape of a 2-D convolution (elements, not bytes). A 1-D convolution has height 1 and kernel (1, k).

    ``padding`` is (top, left, bottom, right); ``groups == in_channels`` is a depthwise convolution.
    Raises ``InputError`` when channels do not divide into groups or the kernel does not fit.
    """

    in_channels: int
    out_channels: int
    height: int
    width: int
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    batch: int = 1

    def __post_init__(self) -> None:
        for field in ("in_channels", "out_channels", "height", "width", "groups", "batch"):
            need_int(f"convolution: {field}", getattr(self, field))
        for field, length, least in (("kernel", 2, 1), ("stride", 2, 1), ("padding", 4, 0), ("dilation", 2, 1)):
            value = getattr(self, field)
            if not isinstance(value, tuple) or len(value) != length:
                raise InputError(f"convolution: {field}", f"a tuple of {length} ints", value)
            for item in value:
                need_int(f"convolution: {field}", item, least)
        for field in ("in_channels", "out_channels"):
            if getattr(self, field) % self.groups:
                raise InputError(f"convolution: {field}", f"a multiple of groups = {self.groups}", getattr(self, field))
        if self.out_height < 1 or self.out_width < 1:
            size = (self.height, self.width)
            raise InputError("convolution: kernel", f"a kernel that fits the padded input of {size}", self.kernel)

    def _out(self, axis: int) -> int:
        padded = (self.height, self.width)[axis] + self.padding[axis] + self.padding[axis + 2]
        return (padded - self.dilation[axis] * (self.kernel[axis] - 1) - 1) // self.stride[axis] + 1

    @property
    def out_height(self) -> int:
        """Rows of the output."""
        return self._out(0)

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        return self._out(1)

    @property
    def m(self) -> int:
        """GEMM rows: batch x output pixels."""
        return self.batch * self.out_height * self.out_width

    @property
    def k(self) -> int:
        """Reduction length of one group: kernel area x input channels of the group."""
        return self.kernel[0] * self.kernel[1] * (self.in_channels // self.groups)

    @property
    def n(self) -> int:
        """Output channels of one group."""
        return self.out_channels // self.groups

    @property
    def input_elements(self) -> int:
        """Unique input elements, padding not counted (im2col repeats them, memory need not)."""
        return self.batch * self.in_channels * self.height * self.width

    @property
    def output_elements(self) -> int:
        """Elements of the output."""
        return self.m * self.out_channels

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """NCHW shape of the input."""
        return self.batch, self.in_channels, self.height, self.width

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        """NCHW shape of the output."""
        return self.batch, self.out_channels, self.out_height, self.out_width


def im2col(x: NDArray, geometry: ConvGeometry, *, pad_value: float = 0) -> NDArray:
    """Lower an NCHW input to the A matrices of its convolution: ``(groups, M, K)``, same dtype.

    K is (kernel row, kernel column, input channel of the group), channel fastest. ``pad_value`` fills the border (the
    zero point of a quantised input). Raises ``InputError`` when ``x`` has not ``geometry.input_shape``.
    """
    if x.shape != geometry.input_shape:
        raise InputError("im2col: shape of the input (NCHW)", str(geometry.input_shape), x.shape)
    g, (kh, kw), (sh, sw), (dh, dw) = geometry.groups, geometry.kernel, geometry.stride, geometry.dilation
    if (kh, kw, sh, sw) == (1, 1, 1, 1) and not any(geometry.padding):
        split = x.reshape(geometry.batch, g, geometry.k, -1).transpose(1, 0, 3, 2)
        return np.ascontiguousarray(split).reshape(g, geometry.m, geometry.k)
    top, left, bottom, right = geometry.padding
    shape = (geometry.batch, geometry.height + top + bottom, geometry.width + left + right, geometry.in_channels)
    padded = np.full(shape, pad_value, dtype=x.dtype)
    padded[:, top : top + geometry.height, left : left + geometry.width] = x.transpose(0, 2, 3, 1)
    grouped = padded.reshape(*shape[:3], g, -1)
    windows = sliding_window_view(grouped, (dh * (kh - 1) + 1, dw * (kw - 1) + 1), axis=(1, 2))
    windows = windows[:, ::sh, ::sw, :, :, ::dh, ::dw]  # (batch, row, column, group, channel, ky, kx)
    return np.ascontiguousarray(windows.transpose(3, 0, 1, 2, 5, 6, 4)).reshape(g, geometry.m, geometry.k)


def conv_weight_matrix(w: NDArray, groups: int = 1) -> NDArray:
    """OIHW convolution weights as B matrices ``(groups, K, N)``, K in the order of ``im2col``, same dtype.

    ``w`` is ``(out_channels, in_channels / groups, kernel rows, kernel columns)``.
    """
    if w.ndim != 4:
        raise InputError("convolution weights: shape", "4 dimensions (OIHW)", w.shape)
    need_int("convolution weights: groups", groups)
    out, per, kh, kw = w.shape
    if out % groups:
        raise InputError("convolution weights: output channels", f"a multiple of groups = {groups}", out)
    split = w.reshape(groups, out // groups, per, kh, kw).transpose(0, 3, 4, 2, 1)
    return np.ascontiguousarray(split).reshape(groups, kh * kw * per, out // groups)


def conv_output(z: NDArray, geometry: ConvGeometry) -> NDArray:
    """GEMM result ``(groups, M, N)`` back as the NCHW output of the convolution."""
    shape = (geometry.groups, geometry.m, geometry.n)
    if z.shape != shape:
        raise InputError("conv_output: shape of the result", str(shape), z.shape)
    split = z.reshape(geometry.groups, geometry.batch, geometry.out_height, geometry.out_width, geometry.n)
    return np.ascontiguousarray(split.transpose(1, 0, 4, 2, 3)).reshape(geometry.output_shape)
