"""DRAM traffic of a program: bytes of each tile, as a memory system with on-the-fly im2col moves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.nm_array.program import Ints, Program
from hwsim.workload import ConvGeometry

PARAMETER_BYTES = 10
"""One channel's requantisation parameters: 32 + 16 + 6 + 8 + 8 + 8 bits, rounded up to bytes."""


@dataclass(frozen=True, eq=False)
class Traffic:
    """Bytes of each fill (``a``, ``w``, ``q``: (fills,)) and of each result tile (``o``: (last passes,))."""

    a: Ints
    w: Ints
    q: Ints
    o: Ints

    def totals(self) -> dict[str, int]:
        """Bytes per port."""
        return {port: int(getattr(self, port).sum()) for port in "awqo"}


def traffic(program: Program, conv: ConvGeometry | None = None, packed: int = 1) -> Traffic:
    """Bytes that each tile moves.

    Weights travel as kept values with their positions inside the group, no padding. Activations of a convolution are
    fetched by whole lines of the feature map, from which the DMA makes the im2col rows of the tile; where that would
    be more than the rows themselves, it fetches those.

    Args:
        program: the passes.
        conv: geometry, when A is the im2col of a convolution.
        packed: groups that were laid side by side block-diagonally; the zeros between the blocks are not stored.
    """
    mode, w, q = program.mode, program.w_pass, program.q_pass
    groups = -(-program.k_size[w] // mode.ratio.m)
    bits = groups * mode.ratio.n * (8 + mode.ratio.index_bits) * program.n_size[w]
    finishing = np.flatnonzero(program.last)
    return Traffic(a=_activation_bytes(program, conv, packed), w=-(-bits // (8 * packed)),
                   q=PARAMETER_BYTES * program.n_size[q], o=program.m_size[finishing] * program.n_size[finishing])


def _activation_bytes(program: Program, conv: ConvGeometry | None, packed: int) -> Ints:
    p = program.a_pass
    rows, k0, k_size = program.m_size[p], program.k0[p], program.k_size[p]
    expanded = rows * k_size
    if conv is None or conv.kernel == (1, 1):
        return expanded
    width, stride = conv.out_width, conv.stride[0]
    first_line, last_line = program.m0[p] // width, (program.m0[p] + rows - 1) // width
    channels = conv.in_channels // conv.groups
    per_kernel_row = conv.kernel[1] * channels
    if packed > 1:  # K holds whole kernels of neighbouring channels
        kernel_rows: Ints = np.full(len(p), conv.kernel[0], np.int64)
        fetched_channels: Ints = -(-k_size // (program.shape.k // packed)) * channels
    else:
        kernel_rows = (k0 + k_size - 1) // per_kernel_row - k0 // per_kernel_row + 1
        fetched_channels = np.minimum(channels, k_size)
    lines = (last_line - first_line) * stride + (kernel_rows - 1) * conv.dilation[0] + 1
    return np.minimum(expanded, lines * conv.width * fetched_channels)
