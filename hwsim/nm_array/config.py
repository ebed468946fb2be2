"""Configuration of the N:M sparse array: the one object that reference, model, RTL and account are built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

from hwsim.config import Configuration, in_range
from hwsim.errors import InputError
from hwsim.sparsity.ratio import DENSE, Ratio

Dataflow = Literal["ws", "os"]
DataType = Literal["int8", "fp16", "bf16"]
FLOAT_SUM_STAGES = 4
"""Pipeline registers of a floating-point adder unless the configuration says otherwise (our choice)."""


@dataclass(frozen=True, kw_only=True)
class Mode:
    """How one PE works at one ratio: which part of the reduction it covers and in how many cycles.

    With L multipliers and ratio N:M, a PE covers ``groups = max(1, L // N)`` groups of M in ``steps = max(1, N // L)``
    cycles, so that all L multipliers are busy in every cycle whatever the ratio. Dense is 1:1.
    """

    ratio: Ratio
    groups: int  # groups of M that one PE covers at a time
    steps: int   # cycles for them
    slots: int   # kept weights held for them = groups * N = L * steps

    @property
    def span(self) -> int:
        """Elements of the reduction (K) that one PE covers at a time: groups * M."""
        return self.groups * self.ratio.m


@dataclass(frozen=True, kw_only=True)
class NmArrayConfig(Configuration):
    """An array of rows x cols processing elements (PEs) that skips the pruned weights of N:M sparsity.

    Weight-stationary (``ws``): K runs over the rows, output channels over the columns, partial sums flow down.
    Output-stationary (``os``): output rows (M) run over the rows, output channels over the columns, K runs over time.
    With ``both`` each pass says which. A *beat* is one transfer of a stream port; a *tile* is what a buffer slot holds.

    FP16 and BF16 operands are summed in FP32. Their adders are pipelines of ``sum_stages`` registers, and a sum takes
    its next summand only when it has come out: ``os`` hides that by *interleaving* so many independent outputs in a PE.
    """

    rows: int = 32              # PEs down
    cols: int = 32              # PEs across
    multipliers: int = 1        # multipliers of one PE, a power of two
    ratios: tuple[Ratio, ...] = (Ratio(2, 4), Ratio(2, 8))  # sparse ratios that can be chosen at run time; dense always
    dataflow: Literal["ws", "os", "both"] = "ws"  # both: switched at run time, from pass to pass
    data_type: DataType = "int8"  # operands; accumulation is INT32 or FP32
    tile_depth: int = 256       # most beats of an activation tile: ws rows of A, os steps of K * interleave
    a_slots: int = 8            # activation buffer, tiles
    w_slots: int = 8            # weight buffer, tiles
    q_slots: int = 2            # requantisation parameters, sets of cols
    o_depth: int = 512          # result buffer, beats of cols results; room for the longest pass
    d_slots: int = 4            # descriptor queue
    shadow_weights: bool = True  # ws: PEs hold the next weights too, so that loading hides behind computing
    product_stages: int = 1     # pipeline registers of the multipliers
    sum_stages: int = 0         # pipeline registers of an adder; 0: 1 for INT8, 4 for floating point
    interleave: int = 0         # os: independent outputs in one PE, 1 to sum_stages; 0: all that fit

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "sparse-32x32": {},
        "dense-32x32": {"ratios": []},
        "systolic-32x32": {"ratios": [], "shadow_weights": False},
        "training-32x32": {"data_type": "fp16", "dataflow": "both", "multipliers": 2, "product_stages": 2,
                           "ratios": ["2:4", "2:8", "2:16"]},
        "small-4x4": {"rows": 4, "cols": 4, "tile_depth": 16, "o_depth": 32, "a_slots": 4, "w_slots": 4},
    }

    def check(self) -> None:
        """Raise `InputError` for sizes that cannot be built."""
        for name, low, high in (("rows", 1, 256), ("cols", 1, 256), ("tile_depth", 1, 65536), ("a_slots", 1, 4096),
                                ("w_slots", 1, 4096), ("q_slots", 1, 4096), ("d_slots", 1, 64),
                                ("product_stages", 0, 4)):
            in_range(name, getattr(self, name), low, high)
        if self.multipliers not in (1, 2, 4, 8, 16):
            raise InputError("multipliers", "1, 2, 4, 8 or 16", self.multipliers)
        in_range("sum_stages", self.sum_stages, 0, 4 if self.floating else 1)
        in_range("interleave", self.interleave, 0, self.sum_latency)
        if "os" in self.dataflows:
            in_range("tile_depth", self.tile_depth, self.interleaved, 65536)
        in_range("o_depth", self.o_depth, self.longest_result, 1 << 20)
        # Order and repeats do not matter and dense is always there: equal arrays have equal configurations.
        object.__setattr__(self, "ratios", tuple(sorted({r for r in self.ratios if not r.dense})))

    @property
    def dataflows(self) -> tuple[Dataflow, ...]:
        """Dataflows that a pass can have."""
        return ("ws", "os") if self.dataflow == "both" else (self.dataflow,)

    @property
    def floating(self) -> bool:
        """Whether operands are floating-point numbers."""
        return self.data_type != "int8"

    @property
    def element_bits(self) -> int:
        """Bits of an operand, and of a result."""
        return 16 if self.floating else 8

    @property
    def sum_latency(self) -> int:
        """Cycles from a summand to its sum."""
        return self.sum_stages or (FLOAT_SUM_STAGES if self.floating else 1)

    @property
    def product_latency(self) -> int:
        """Cycles from operands to the sum of a PE's products; floating point adds them in a tree of adders."""
        levels = (self.multipliers - 1).bit_length() if self.floating else 0
        return self.product_stages + levels * self.sum_latency

    @property
    def interleaved(self) -> int:
        """os: independent outputs that one PE works on in turn."""
        return self.interleave or self.sum_latency

    def most_beats(self, dataflow: Dataflow) -> int:
        """Longest pass: ws rows of A, os units of K."""
        return self.tile_depth if dataflow == "ws" else self.tile_depth // self.interleaved

    def result_rows(self, dataflow: Dataflow) -> int:
        """Most rows of A that one pass gives results of."""
        return self.tile_depth if dataflow == "ws" else self.rows * self.interleaved

    @property
    def longest_result(self) -> int:
        """Most result beats that one pass gives."""
        return max(map(self.result_rows, self.dataflows))

    @cached_property
    def modes(self) -> tuple[Mode, ...]:
        """Modes by number as descriptors use them: 0 is dense, then the sparse ratios in order."""
        return tuple(self._mode(ratio) for ratio in (DENSE, *self.ratios))

    def _mode(self, ratio: Ratio) -> Mode:
        groups, steps = max(1, self.multipliers // ratio.n), max(1, ratio.n // self.multipliers)
        return Mode(ratio=ratio, groups=groups, steps=steps, slots=groups * ratio.n)

    def mode_number(self, ratio: Ratio) -> int:
        """Number of the mode for that ratio.

        Raises:
            InputError: this array was not built with the ratio.
        """
        for number, mode in enumerate(self.modes):
            if mode.ratio == ratio:
                return number
        raise InputError("ratio", f"one of {', '.join(str(mode.ratio) for mode in self.modes)}", str(ratio))

    @cached_property
    def span(self) -> int:
        """Activations that one PE takes at a time: the widest mode (elements)."""
        return max(mode.span for mode in self.modes)

    @cached_property
    def slots(self) -> int:
        """Weights that one PE holds: the mode with most."""
        return max(mode.slots for mode in self.modes)

    @cached_property
    def index_bits(self) -> int:
        """Bits of one weight's position in its group: the largest M."""
        return max(mode.ratio.index_bits for mode in self.modes)

    @property
    def w_depth(self) -> int:
        """Most beats of a weight tile."""
        return max(self.rows if dataflow == "ws" else self.most_beats(dataflow) for dataflow in self.dataflows)

    @property
    def macs_per_cycle(self) -> int:
        """Multipliers of the whole array."""
        return self.rows * self.cols * self.multipliers

    def dense_twin(self) -> NmArrayConfig:
        """The same array without sparse logic, at equal multipliers and equal bytes of operand buffers.

        A sparse beat is wider (M activations where N are used, positions beside values); the twin turns those bytes
        into more tiles.
        """
        a_elements, w_bits = self.span, self.slots * (self.element_bits + self.index_bits)
        dense = self.multipliers
        return self.replace(ratios=(), a_slots=min(4096, self.a_slots * a_elements // dense),
                            w_slots=min(4096, self.w_slots * w_bits // (self.element_bits * dense)))

    def plain_systolic(self) -> NmArrayConfig:
        """A plain systolic array: the dense twin whose PEs do not hold the next weights behind those in use."""
        return self.dense_twin().replace(shadow_weights=False)
