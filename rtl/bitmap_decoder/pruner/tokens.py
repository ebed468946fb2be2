"""Batches and what comes of them as stream tokens, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwsim.bitmap_decoder.config import MOST_ROWS
from hwsim.bitmap_decoder.format import Elements
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.reference import PrunedVector, Records
from hwsim.bitmap_decoder.pruner.vectors import Batch
from rtl.bitmap_decoder.tokens import bitmap_tokens, header_token, value_tokens
from rtl.parts.tokens import pack


def descriptor_token(config: PrunerConfig, elements: int, keep: int, vectors: int) -> int:
    """Port ``p``: one batch."""
    width = config.length.bit_length()
    return int(pack([(np.array([elements]), width), (np.array([keep]), width),
                     (np.array([vectors]), MOST_ROWS.bit_length())])[0])


def beat_tokens(batch: Batch, behind: Elements | None = None) -> list[int]:
    """Port ``i``: the vectors of a batch, each from a new beat on.

    Args:
        batch: what comes.
        behind: (vectors, lanes that a vector leaves free in its last beat): what stands there; by default zeros.
    """
    config, free = batch.config, batch.beats * batch.config.lanes - batch.elements
    rest = np.zeros((batch.count, free), batch.vectors.dtype) if behind is None else behind
    beats = np.concatenate([batch.vectors, rest], axis=1).reshape(-1, config.lanes)
    return pack([(column.astype(np.int64), config.element_bits) for column in beats.T])


def record_tokens(config: PrunerConfig, records: Records) -> list[int]:
    """Port ``c``."""
    flags = [(np.asarray(flag, np.int64), 1) for flag in (records.nan, records.end, records.last)]
    return pack([(records.count, config.tile.bit_length()), (records.offset, 32), *flags])


def compressed_tokens(vectors: Sequence[PrunedVector]) -> dict[str, list[int]]:
    """Ports ``h``, ``b`` and ``v``."""
    return {"h": [header_token(vector) for vector in vectors],
            "b": [token for vector in vectors for token in bitmap_tokens(vector)],
            "v": [token for vector in vectors for token in value_tokens(vector)]}
