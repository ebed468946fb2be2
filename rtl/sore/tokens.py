"""Slices and results as stream tokens, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hwsim.sore.config import SoreConfig
from hwsim.sore.reference import Beats
from hwsim.sore.slices import Slice
from rtl.parts.tokens import pack
from rtl.sore import layouts


def descriptor_tokens(slices: Sequence[Slice]) -> list[int]:
    """Port ``p``: one token per slice."""
    config = slices[0].config
    columns = [(config.mode_number(part.ratio), part.rows, part.forward, part.backward) for part in slices]
    widths = [field.shape.width for _, field in layouts.descriptor(config)]
    return pack([(np.array(values, np.int64), width) for values, width in zip(zip(*columns, strict=True), widths,
                                                                              strict=True)])


def row_tokens(slices: Sequence[Slice]) -> list[int]:
    """Port ``i``: one token per row of weights."""
    return [int.from_bytes(row.astype("<u2").tobytes(), "little") for part in slices for row in part.bits]


def result_tokens(config: SoreConfig, beats: Beats) -> list[int]:
    """Ports ``f`` and ``b``: the beats of one slice as the integers that the port carries."""
    columns: list[tuple[npt.NDArray[np.int64], int]] = []
    for lane in range(config.lanes):
        columns += [(beats.values[:, lane].astype(np.int64), 16),
                    (beats.indices[:, lane].astype(np.int64), config.index_bits)]
    return pack([*columns, (beats.last.astype(np.int64), 1), (beats.nan.astype(np.int64), 1)])
