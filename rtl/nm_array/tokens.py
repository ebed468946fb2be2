"""Operands and programs as stream tokens: what a memory system sends to the array's ports, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.lib.data import Layout, StructLayout

from hwsim.floats import FORMATS, round_to, to_float32
from hwsim.nm_array.float_reference import BiasRelu
from hwsim.nm_array.program import Program
from hwsim.nm_array.reference import Elements, Parameters, check_operands
from hwsim.nm_array.schedule import Schedule
from hwsim.sparsity.nm import encode_nm
from rtl.nm_array import layouts
from rtl.parts.tokens import pack

Ints = npt.NDArray[np.int64]


def _tile_beats(data: list[tuple[Ints, int]], beats: Ints) -> list[int]:
    """Beats of all fills in order; the last flag of each fill stands on top."""
    last = np.zeros(int(beats.sum()), np.int64)
    last[np.cumsum(beats) - 1] = 1
    return pack([*data, (last, 1)])


def descriptor_tokens(program: Schedule) -> list[int]:
    """Port ``d``: one token per pass. Slots count from the last reset on: join programs that follow each other."""
    config, layout = program.config, layouts.descriptor(program.config)
    values: dict[str, Ints] = {
        "mode": program.mode_number, "output_stationary": program.output_stationary.astype(np.int64),
        "beats": program.beats, "rows": program.rows,
        "first": program.first.astype(np.int64), "last": program.last.astype(np.int64)}
    for port, fill, first, freed, slots in (
            ("a", program.a_fill, program.a_pass, program.a_freed, config.a_slots),
            ("w", program.w_fill, program.w_pass, program.w_freed, config.w_slots),
            ("q", program.q_fill, program.q_pass, program.q_freed, config.q_slots)):
        values[f"{port}_slot"] = np.where(fill >= 0, fill % slots, 0)
        values[f"{port}_take"] = np.bincount(first, minlength=program.passes)
        values[f"{port}_free"] = np.bincount(freed, minlength=program.passes)
    return pack([(values[name], _width(layout, name)) for name in layout.members])


def _width(layout: StructLayout, name: str) -> int:
    shape: Any = layout.members[name]
    return shape.size if isinstance(shape, Layout) else shape.width


def activation_tokens(program: Program, a: Elements) -> list[int]:
    """Port ``a``: the tiles of A in fill order; lanes beyond the tile's K are 0.

    os: with I interleaved outputs, row i stands in PE row -1 - i // I, and its units at beats i % I, i % I + I, …
    """
    config, span, depth = program.config, program.mode.span, program.config.interleaved
    stationary = program.dataflow == "os"
    tiles = []
    for p in program.a_pass:
        tile = a[program.group[p], program.m0[p]:program.m0[p] + program.m_size[p],
                 program.k0[p]:program.k0[p] + program.k_size[p]].astype(np.int64)
        units = int(program.beats[p]) if stationary else config.rows
        tile = np.pad(tile, ((0, 0), (0, units * span - tile.shape[1]))).reshape(-1, units, span)
        if stationary:
            tile = np.pad(tile, ((0, config.rows * depth - len(tile)), (0, 0), (0, 0)))
            tile = tile.reshape(config.rows, depth, units, span)[::-1].transpose(2, 1, 0, 3)
            tile = tile.reshape(-1, config.rows, span)
        tiles.append(np.pad(tile, ((0, 0), (0, 0), (0, config.span - span))))
    lanes = np.concatenate(tiles).reshape(-1, config.rows * config.span)
    return _tile_beats([(column, config.element_bits) for column in lanes.T], program.a_beats)


def weight_codes(program: Program, w: Elements) -> list[tuple[Ints, Ints]]:
    """Kept weights of each group: (N, groups of M, n) values, as the integers that the port carries, and positions."""
    if not program.config.floating:
        codes = [encode_nm(group, program.ratio, 0) for group in w]
        return [(code.values.astype(np.int64), code.indices.astype(np.int64)) for code in codes]
    fmt = FORMATS[program.config.data_type]
    codes = [encode_nm(to_float32(group, fmt), program.ratio, 0) for group in w]
    return [(round_to(fmt, code.values).astype(np.int64), code.indices.astype(np.int64)) for code in codes]


def weight_tokens(program: Program, w: Elements) -> list[int]:
    """Port ``w``: the tiles of B in fill order; slots beyond the tile's K and N are 0."""
    config, mode = program.config, program.mode
    codes = weight_codes(program, w)
    tiles = []
    for f, p in enumerate(program.w_pass):
        values, indices = codes[int(program.group[p])]
        start, count = int(program.k0[p]) // mode.ratio.m, int(program.w_beats[f]) * mode.groups
        pair = np.stack([values, indices], axis=-1)
        tile = pair[program.n0[p]:program.n0[p] + program.n_size[p], start:start + count]
        tile = np.pad(tile, ((0, config.cols - tile.shape[0]), (0, count - tile.shape[1]), (0, 0), (0, 0)))
        tile = tile.reshape(config.cols, -1, mode.slots, 2).swapaxes(0, 1)
        tiles.append(np.pad(tile, ((0, 0), (0, 0), (0, config.slots - mode.slots), (0, 0))))
    fields = np.concatenate(tiles).reshape(-1, config.cols * config.slots * 2)
    widths = [config.element_bits, config.index_bits] * (config.cols * config.slots)
    return _tile_beats(list(zip(fields.T, widths, strict=True)), program.w_beats)


def parameter_tokens(program: Program, parameters: Sequence[Parameters]) -> list[int]:
    """Port ``q``: parameters of the tiles' output channels in fill order; unused columns are 0."""
    config, rows = program.config, []
    for p in program.q_pass:
        part = slice(int(program.n0[p]), int(program.n0[p] + program.n_size[p]))
        fields = _fields(parameters[int(program.group[p])], part)
        rows.append(np.pad(fields, ((0, config.cols - len(fields)), (0, 0))).reshape(-1))
    widths = [32, 1] if config.floating else [32, 16, 6, 8, 8, 8]
    columns = list(zip(np.stack(rows).T, widths * config.cols, strict=True))
    return _tile_beats(columns, np.ones(len(rows), np.int64))


def _fields(parameters: Parameters, part: slice) -> Ints:
    """Parameters of some channels as the port's fields: (channels, fields)."""
    bias = parameters.bias[part]
    same = np.ones(len(bias), np.int64)
    if isinstance(parameters, BiasRelu):
        return np.stack([bias.view(np.uint32).astype(np.int64), same * parameters.relu], axis=1)
    r = parameters
    return np.stack([bias, r.multiplier[part], r.shift[part], same * r.zero_point, same * r.low, same * r.high],
                    axis=1).astype(np.int64)


def operand_tokens(program: Program, a: Elements, w: Elements,
                   parameters: Sequence[Parameters]) -> dict[str, list[int]]:
    """Tokens of all input ports: a (groups, M, K), w (groups, K, N), N:M along K.

    Raises:
        InputError: operands that do not fit the program, or weights that break its N:M.
    """
    check_operands(program, a, w, parameters)
    return {"d": descriptor_tokens(program), "a": activation_tokens(program, a), "w": weight_tokens(program, w),
            "q": parameter_tokens(program, parameters)}


def result_tokens(beats: Elements) -> list[int]:
    """Port ``o``: result beats (beats, cols) as the integers that the port carries."""
    return [int.from_bytes(row.tobytes(), "little") for row in np.ascontiguousarray(beats)]
