"""Fields as stream tokens."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def pack(columns: list[tuple[Ints, int]]) -> list[int]:
    """Fields, least significant first, to one integer per row: each column is (values (rows,), width in bits)."""
    values = np.stack([values for values, _ in columns], axis=1).astype(np.int64)
    widths = np.array([width for _, width in columns])
    bits = (values[:, :, None] >> np.arange(widths.max(initial=1))) & 1
    flat = bits[:, np.arange(bits.shape[2]) < widths[:, None]].astype(np.uint8)
    return [int.from_bytes(row.tobytes(), "little") for row in np.packbits(flat, axis=1, bitorder="little")]
