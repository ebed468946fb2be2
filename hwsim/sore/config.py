"""Configuration of SORE: the one object that reference, model, RTL and account are built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

from hwsim.config import Configuration, in_range
from hwsim.errors import InputError
from hwsim.floats import FORMATS
from hwsim.sparsity.ratio import DENSE, Ratio

DataType = Literal["fp16", "bf16"]


@dataclass(frozen=True, kw_only=True)
class SoreConfig(Configuration):
    """A streaming engine that keeps the N largest of every M weights of a matrix W [K, N], by magnitude.

    An input beat is ``lanes`` neighbouring output channels of one row of W. *Forward* groups are M successive rows of
    one channel (the reduction of FF); *backward* groups are M neighbouring channels of one row (the reduction of BP).
    Both come of the same pass over the weights, at one beat a cycle: each direction has a bank of ``lanes`` top-N
    sorters that take M cycles a group, the backward one behind a transposer of M x M blocks.
    """

    lanes: int = 32             # output channels of a beat; a multiple of the largest M
    ratios: tuple[Ratio, ...] = (Ratio(2, 4), Ratio(2, 8))  # that can be chosen at run time; dense always
    data_type: DataType = "fp16"  # of the weights; magnitudes compare alike, NaNs differ
    most_rows: int = 65535      # longest slice, rows of W
    p_slots: int = 2            # queue of slice descriptors
    o_depth: int = 32           # queue of each direction's results, beats; at least the largest N

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "sat-32": {},
        "small-8": {"lanes": 8, "ratios": ["2:4"], "most_rows": 255, "o_depth": 8},
        "all-ratios-16": {"lanes": 16, "ratios": ["1:4", "2:4", "2:8", "4:8", "2:16"], "most_rows": 1023},
    }

    def check(self) -> None:
        """Raise `InputError` for sizes that cannot be built."""
        # Order and repeats do not matter and dense is always there: equal engines have equal configurations.
        object.__setattr__(self, "ratios", tuple(sorted({r for r in self.ratios if not r.dense})))
        in_range("lanes", self.lanes, 1, 256)
        if self.lanes % self.group:
            raise InputError("lanes", f"a multiple of the largest M ({self.group})", self.lanes)
        in_range("most_rows", self.most_rows, 1, (1 << 24) - 1)
        in_range("p_slots", self.p_slots, 1, 64)
        in_range("o_depth", self.o_depth, self.kept, 1 << 16)

    @cached_property
    def modes(self) -> tuple[Ratio, ...]:
        """Ratios by number as descriptors use them: 0 is dense, then the sparse ones in order."""
        return (DENSE, *self.ratios)

    def mode_number(self, ratio: Ratio) -> int:
        """Number of the mode for that ratio.

        Raises:
            InputError: this engine was not built with the ratio.
        """
        if ratio not in self.modes:
            raise InputError("ratio", f"one of {', '.join(map(str, self.modes))}", str(ratio))
        return self.modes.index(ratio)

    @cached_property
    def group(self) -> int:
        """Largest M: rows of the transposer."""
        return max(ratio.m for ratio in self.modes)

    @cached_property
    def kept(self) -> int:
        """Largest N: slots of a sorter."""
        return max(ratio.n for ratio in self.modes)

    @property
    def index_bits(self) -> int:
        """Bits of a position in its group: the largest M."""
        return (self.group - 1).bit_length()

    @property
    def infinity(self) -> int:
        """Magnitude bits of infinity: anything above is a NaN."""
        return FORMATS[self.data_type].infinity
