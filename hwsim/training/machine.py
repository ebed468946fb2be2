"""The training accelerator as one configuration: array, engines behind it, line buffer, DRAM, clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hwsim.config import Configuration, in_range, one_of, positive
from hwsim.memory import Dram
from hwsim.nm_array.account import LARGEST_SRAM, SMALLEST_SRAM
from hwsim.nm_array.config import NmArrayConfig
from hwsim.sore.config import SoreConfig
from hwsim.wuve.config import WuveConfig

VCU1525_DRAM: Mapping[str, Any] = {"preset": "ddr4-2400-x64", "channels": 4}
"""The card's four DDR4-2400 modules of 64 data bits (72 with ECC)."""


@dataclass(frozen=True, kw_only=True)
class TrainingMachine(Configuration):
    """Array, SORE, WUVE, line buffer and DRAM; all sizes of the preset ``sat`` are our assumption but the
    DRAM's channels and SORE's lanes.
    """

    array: NmArrayConfig
    dram: Dram
    sore: SoreConfig
    wuve: WuveConfig
    clock_hz: float = 200e6
    line_bytes: int = 2 << 20  # line buffer between DRAM and port a; 0: none

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "sat": {"array": "training-32x32", "dram": VCU1525_DRAM, "wuve": "sat-32",
                "sore": {"preset": "sat-32", "ratios": ["2:4", "2:8", "2:16"]}}}

    def check(self) -> None:
        """Refuse sizes out of range, an array that cannot train, engines of another data type, and ratios of the array
        that SORE cannot make.
        """
        positive("clock_hz", self.clock_hz)
        if self.line_bytes:
            in_range("line_bytes", self.line_bytes, SMALLEST_SRAM, LARGEST_SRAM)
        one_of("array.data_type", self.array.data_type, ("fp16", "bf16"))  # bytes and energy are those of 16 bits
        one_of("array.dataflow", self.array.dataflow, ("both",))  # the schedule chooses by GEMM
        for engine in ("sore", "wuve"):
            one_of(f"{engine}.data_type", getattr(self, engine).data_type, (self.array.data_type,))
        for ratio in self.array.ratios:
            self.sore.mode_number(ratio)
