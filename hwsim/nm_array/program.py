"""What the array executes: one GEMM as a sequence of passes over buffered tiles.

GEMM ranks: Z[M,N] = A[M,K] · B[K,N]; A activations, B N:M-sparse weights; ``groups`` independent GEMMs of that shape
run one after the other. A *pass* works on one tile of A and one tile of B; the passes of one result tile follow each
other over K, the ``first`` clears the accumulators and the ``last`` sends the results. A *fill* brings one tile into a
buffer; the buffers are rings of slots, and a pass names the fill it reads, so tiles can be read again while they stay.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from hwsim.errors import InputError
from hwsim.nm_array.config import Dataflow, Mode, NmArrayConfig
from hwsim.nm_array.rings import allocate
from hwsim.nm_array.schedule import Ints, Schedule
from hwsim.quantize import check_accumulator
from hwsim.sparsity.ratio import Ratio

LARGEST_PROGRAM = 20_000_000
"""Most passes of one program; more would not fit in memory as arrays."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A GEMM, ``groups`` times: elements."""

    m: int
    k: int
    n: int
    groups: int = 1

    def __post_init__(self) -> None:
        for name in ("m", "k", "n", "groups"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise InputError(f"GEMM {name.upper()}", "a whole number of at least 1", value)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the dense GEMM."""
        return self.m * self.k * self.n * self.groups


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How a GEMM is cut and ordered.

    Args:
        beats: ws: rows of A in a pass; os: units of K in a pass. At most the array's ``most_beats``.
        order: which of the result's ranks is the outer loop: ``"mn"`` keeps tiles of A while the output channels
            change, ``"nm"`` keeps tiles of B while the rows change. K is always innermost, and turns back at the end
            of each result tile (*boustrophedon*), so that the ring buffers still hold the tiles that come next.
        dataflow: of all passes; may be left out where the array has only one.
    """

    beats: int
    order: Literal["mn", "nm"] = "mn"
    dataflow: Dataflow | None = None

    def flow(self, config: NmArrayConfig) -> Dataflow:
        """The dataflow on that array.

        Raises:
            InputError: the array does not have it, or has both and the tiling names none.
        """
        if self.dataflow is None and len(config.dataflows) == 1:
            return config.dataflows[0]
        if self.dataflow not in config.dataflows:
            raise InputError("tiling.dataflow", " or ".join(config.dataflows), self.dataflow)
        return self.dataflow


@dataclass(frozen=True, kw_only=True, eq=False)
class Program(Schedule):
    """Passes and fills of one GEMM, with what part of it each pass works on: arrays (passes,)."""

    ratio: Ratio
    shape: Shape
    tiling: Tiling
    group: Ints   # which of the shape's groups
    m0: Ints      # rows of A: m0 … m0 + m_size
    m_size: Ints
    k0: Ints      # elements of the reduction
    k_size: Ints
    n0: Ints      # output channels
    n_size: Ints

    @property
    def mode(self) -> Mode:
        """Mode of the whole program."""
        return self.config.modes[self.config.mode_number(self.ratio)]

    @property
    def dataflow(self) -> Dataflow:
        """Dataflow of the whole program."""
        return self.tiling.flow(self.config)

    @property
    def useful_macs(self) -> int:
        """Multiplications with a kept weight slot: N of M of the dense count, ragged groups counted whole."""
        kept = -(-self.shape.k // self.ratio.m) * self.ratio.n
        return self.shape.m * kept * self.shape.n * self.shape.groups

    def select(self, passes: slice) -> Program:
        """A program of only those passes, for testing parts of large ones.

        Its buffers start empty, so what it reads first is not what the whole program fetched first: places in the rings
        are given anew.
        """
        chosen = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in PASS_ARRAYS:
            chosen[name] = chosen[name][passes]
        for port in "awq":
            tile, slots = chosen[f"{port}_fill"], getattr(self.config, f"{port}_slots")
            chosen[f"{port}_fill"] = allocate(tile, slots)
            chosen[f"{port}_pass"] = _first_use(chosen[f"{port}_fill"])
        return Program(**chosen)


PASS_ARRAYS = ("mode_number", "output_stationary", "group", "m0", "m_size", "k0", "k_size", "n0", "n_size", "beats",
               "rows", "first", "last", "a_fill", "w_fill", "q_fill")


def lower(config: NmArrayConfig, shape: Shape, ratio: Ratio, tiling: Tiling) -> Program:
    """Cut a GEMM into passes and give each tile its place in the buffers.

    Raises:
        InputError: the tiling does not fit the array, the ratio is not one of its modes, INT32 sums could overflow, or
            there would be more than ``LARGEST_PROGRAM`` passes.
    """
    mode, dataflow = config.modes[config.mode_number(ratio)], tiling.flow(config)
    if not 1 <= tiling.beats <= config.most_beats(dataflow):
        raise InputError("tiling.beats", f"1 to {config.most_beats(dataflow)} (by tile_depth)", tiling.beats)
    if not config.floating:
        check_accumulator(shape.k, "GEMM")
    ws = dataflow == "ws"
    size_m = tiling.beats if ws else config.result_rows("os")
    size_k = (config.rows if ws else tiling.beats) * mode.span
    count = {"g": shape.groups, "m": -(-shape.m // size_m), "n": -(-shape.n // config.cols), "k": -(-shape.k // size_k)}
    if (passes := count["g"] * count["m"] * count["n"] * count["k"]) > LARGEST_PROGRAM:
        raise InputError("GEMM", f"at most {LARGEST_PROGRAM} passes on this array", f"{passes} passes")
    order = ["g", *tiling.order, "k"]
    grid = np.indices([count[rank] for rank in order]).reshape(4, -1).astype(np.int64)
    at = {rank: grid[axis] for axis, rank in enumerate(order)}
    step, backwards = at["k"], np.arange(passes) // count["k"] % 2 == 1
    at["k"] = np.where(backwards, count["k"] - 1 - step, step)
    m0, k0, n0 = at["m"] * size_m, at["k"] * size_k, at["n"] * config.cols
    m_size = np.minimum(size_m, shape.m - m0)
    k_size = np.minimum(size_k, shape.k - k0)
    units = -(-k_size // mode.span)
    last = step == count["k"] - 1
    a_tile = (at["g"] * count["m"] + at["m"]) * count["k"] + at["k"]
    w_tile = (at["g"] * count["n"] + at["n"]) * count["k"] + at["k"]
    q_tile = np.where(last, at["g"] * count["n"] + at["n"], -1)
    a_fill = allocate(a_tile, _kept(config.a_slots, count["k"]))
    w_fill = allocate(w_tile, _kept(config.w_slots, count["k"]))
    q_fill = allocate(q_tile, config.q_slots)
    return Program(
        config=config, ratio=ratio, shape=shape, tiling=tiling, group=at["g"], m0=m0, m_size=m_size, k0=k0,
        k_size=k_size, n0=n0, n_size=np.minimum(config.cols, shape.n - n0), beats=m_size if ws else units,
        rows=units if ws else m_size, first=step == 0, last=last, a_fill=a_fill, w_fill=w_fill, q_fill=q_fill,
        mode_number=np.full(passes, config.mode_number(ratio), np.int64), output_stationary=np.full(passes, not ws),
        a_pass=_first_use(a_fill), w_pass=_first_use(w_fill), q_pass=_first_use(q_fill))


def _kept(slots: int, tiles: int) -> int:
    """Slots that hold tiles for another read; where not all of K's tiles fit, one slot is left to fetch the next."""
    return slots if tiles <= slots else max(1, slots - 1)


def _first_use(fill: Ints) -> Ints:
    """By fill: the first pass that reads it. Fill numbers ascend with their first use; -1 reads none."""
    numbers, first = np.unique(fill, return_index=True)
    return first[numbers >= 0].astype(np.int64)
