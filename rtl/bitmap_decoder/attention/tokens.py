"""Queries and results of attention as stream tokens, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwsim.bitmap_decoder.attention.query import Block, Query
from hwsim.bitmap_decoder.attention.reference import Attended
from rtl.bitmap_decoder.attention import layouts
from rtl.parts.tokens import pack


def header_tokens(query: Query) -> list[int]:
    """Port ``h``: one token per block."""
    tokens, final, layout = [], len(query.blocks) - 1, layouts.header(query.config)
    for number, block in enumerate(query.blocks):
        fields = {"tokens": block.tokens, "dense": int(block.dense), "first": int(number == 0),
                  "last": int(number == final), "scale": int(query.factor.view(np.uint32)),
                  "values": len(block.stored), "value_factor": int(query.value_factor.view(np.uint32))}
        tokens.append(sum(fields[name] << field.offset for name, field in layout))
    return tokens


def query_tokens(query: Query) -> list[int]:
    """Port ``q``."""
    width = query.config.query_values
    beats = np.pad(query.query, (0, -len(query.query) % width)).reshape(-1, width)
    return pack([(column.astype(np.int64), 16) for column in beats.T])


def bitmap_tokens(block: Block) -> list[int]:
    """Port ``b``: none of a dense block; else one token per tile, element 0 in the most significant bit."""
    if block.dense:
        return []
    packed = np.packbits(block.bitmaps, axis=1)
    return [int.from_bytes(row.tobytes(), "big") >> (-block.config.tile % 8) for row in packed]


def value_tokens(block: Block) -> list[int]:
    """Port ``v``: the stored values, the last beat filled up with zeros."""
    width = block.config.beat_values
    beats = np.pad(block.stored, (0, -len(block.stored) % width)).reshape(-1, width)
    columns = [(column.astype(np.int64), block.config.element_bits) for column in beats.T]
    return pack([*columns, (_last(len(beats)), 1)]) if len(beats) else []


def input_tokens(queries: Sequence[Query]) -> dict[str, list[int]]:
    """All input ports."""
    blocks = [block for query in queries for block in query.blocks]
    return {"h": [token for query in queries for token in header_tokens(query)],
            "q": [token for query in queries for token in query_tokens(query)],
            "b": [token for block in blocks for token in bitmap_tokens(block)],
            "v": [token for block in blocks for token in value_tokens(block)]}


def output_tokens(results: Sequence[Attended]) -> dict[str, list[int]]:
    """All output ports."""
    channels = [token for result in results
                for token in pack([(result.output.astype(np.int64), 16), (_last(len(result.output)), 1)])]
    ends = np.array([[result.maximum, result.total] for result in results], np.float32).view(np.uint32)
    return {"o": channels, "s": pack([(column.astype(np.int64), 32) for column in ends.T])}


def _last(count: int) -> np.ndarray:
    last = np.zeros(count, np.int64)
    last[-1:] = 1
    return last
