"""DRAM traffic of a program: bytes of each tile, as a memory system with on-the-fly im2col moves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.program import Program
from hwsim.nm_array.schedule import Ints
from hwsim.workload import ConvGeometry

INTEGER_PARAMETER_BYTES, FLOAT_PARAMETER_BYTES = 10, 4
"""One channel's parameters: INT8 32 + 16 + 6 + 8 + 8 + 8 bits, rounded up; floating point an FP32 bias."""


def parameter_bytes(config: NmArrayConfig) -> int:
    """Of one output channel."""
    return FLOAT_PARAMETER_BYTES if config.floating else INTEGER_PARAMETER_BYTES


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


@dataclass(frozen=True, kw_only=True)
class Lines:
    """How the rows of A look at a feature map, line by line.

    Args:
        conv: the convolution.
        m_per_line: rows of A per output line.
        k_per_line: elements of K per kernel line.
        channels: input channels of one group, the fastest part of K.
    """

    conv: ConvGeometry
    m_per_line: int
    k_per_line: int
    channels: int

    @classmethod
    def of_im2col(cls, conv: ConvGeometry | None) -> Lines | None:
        """The order of `hwsim.workload.im2col`; None where nothing is shared between rows (1 x 1, linear)."""
        if conv is None or conv.kernel == (1, 1):
            return None
        channels = conv.in_channels // conv.groups
        return cls(conv=conv, m_per_line=conv.out_width, k_per_line=conv.kernel[1] * channels, channels=channels)


def traffic(program: Program, lines: Lines | None = None, packed: int = 1) -> Traffic:
    """Bytes that each tile moves.

    Weights travel as kept values with their positions inside the group, no padding. Activations of a convolution are
    fetched by whole lines of the feature map, from which the DMA makes the rows of the tile; where that would be more
    than the rows themselves, it fetches those.

    Args:
        program: the passes.
        lines: how A comes from a feature map; None when it is stored as it is.
        packed: groups that were laid side by side block-diagonally; the zeros between the blocks are not stored.
    """
    mode, w, q, config = program.mode, program.w_pass, program.q_pass, program.config
    groups = -(-program.k_size[w] // mode.ratio.m)
    bits = groups * mode.ratio.n * (config.element_bits + mode.ratio.index_bits) * program.n_size[w]
    finishing, size = np.flatnonzero(program.last), config.element_bits // 8
    return Traffic(a=size * _activations(program, lines, packed), w=-(-bits // (8 * packed)),
                   q=parameter_bytes(config) * program.n_size[q],
                   o=size * program.m_size[finishing] * program.n_size[finishing])


def _activations(program: Program, lines: Lines | None, packed: int) -> Ints:
    """Elements of each activation tile that come from the DRAM."""
    p = program.a_pass
    rows, k0, k_size = program.m_size[p], program.k0[p], program.k_size[p]
    expanded = rows * k_size
    if lines is None:
        return expanded
    conv = lines.conv
    first_line, last_line = program.m0[p] // lines.m_per_line, (program.m0[p] + rows - 1) // lines.m_per_line
    if packed > 1:  # K holds whole kernels of neighbouring groups
        kernel_lines: Ints = np.full(len(p), conv.kernel[0], np.int64)
        per_group = program.shape.k // packed
        channels: Ints = ((k0 + k_size - 1) // per_group - k0 // per_group + 1) * lines.channels
    else:
        kernel_lines = (k0 + k_size - 1) // lines.k_per_line - k0 // lines.k_per_line + 1
        channels = np.minimum(lines.channels, k_size)
    images = last_line // conv.out_height - first_line // conv.out_height + 1  # each has its own first window of lines
    window = (kernel_lines - 1) * conv.dilation[0] + 1
    height = (last_line - first_line + 1 - images) * conv.stride[0] + images * window
    return np.minimum(expanded, height * conv.width * channels)
