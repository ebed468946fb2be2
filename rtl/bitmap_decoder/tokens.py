"""Jobs and results as stream tokens, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwsim.bitmap_decoder.decoder import DenseBeats
from hwsim.bitmap_decoder.dot import Sums
from hwsim.bitmap_decoder.format import Elements, Ints
from hwsim.bitmap_decoder.jobs import ConfigT, DotJob, Job
from rtl.bitmap_decoder import layouts
from rtl.parts.tokens import pack


def header_token(job: Job[ConfigT]) -> int:
    """Port ``h``: the job's header."""
    fields = {"tile": job.config.tile, "elements": job.elements, "rows": job.rows, "values": int(job.stored.sum())}
    return int(sum(fields[name] << field.offset for name, field in layouts.header()))


def bitmap_tokens(job: Job[ConfigT]) -> list[int]:
    """Port ``b``: one token per tile, element 0 in the most significant bit."""
    tile = job.config.tile
    packed = np.packbits(job.bitmaps, axis=1)  # the first element first, in the top bit
    return [int.from_bytes(row.tobytes(), "big") >> (-tile % 8) for row in packed]


def value_tokens(job: Job[ConfigT]) -> list[int]:
    """Port ``v``: the stored values, the last beat filled up with zeros."""
    width = job.config.beat_values
    beats = np.pad(job.values, (0, -len(job.values) % width)).reshape(-1, width)
    return _packed(beats, job.config.element_bits, [_last(len(beats))]) if len(beats) else []


def dense_tokens(config_bits: int, beats: DenseBeats) -> list[int]:
    """The decoder's port ``o``: the beats of one job, elements of so many bits."""
    return _packed(beats.elements, config_bits, [beats.row_end.astype(np.int64), beats.last.astype(np.int64)])


def operand_tokens(job: DotJob) -> list[int]:
    """Port ``x``: one token per row of X."""
    return _packed(job.x, job.config.element_bits, [_last(job.elements)])


def sum_tokens(sums: Sums) -> list[int]:
    """The dot product's port ``o``: the sums (rows, cols) of one job."""
    return _packed(np.ascontiguousarray(sums).view(np.uint32), 32, [_last(len(sums))])


def input_tokens(jobs: Sequence[Job[ConfigT]]) -> dict[str, list[int]]:
    """All ports that every component has."""
    return {"h": [header_token(job) for job in jobs], "b": [token for job in jobs for token in bitmap_tokens(job)],
            "v": [token for job in jobs for token in value_tokens(job)]}


def _packed(elements: Elements, bits: int, flags: list[Ints]) -> list[int]:
    """Rows of elements, and flags above them."""
    return pack([*((column.astype(np.int64), bits) for column in elements.T), *((flag, 1) for flag in flags)])


def _last(count: int) -> Ints:
    last = np.zeros(count, np.int64)
    last[-1:] = 1
    return last
