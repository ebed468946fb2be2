"""Configuration of WUVE: the one object that reference, model, RTL and account are built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from hwsim.config import Configuration, in_range
from hwsim.floats import FORMATS, FloatFormat


@dataclass(frozen=True, kw_only=True)
class WuveConfig(Configuration):
    """A vector engine that updates ``lanes`` weights a cycle: gradients in, master weights and momentum in and out.

    Master weights and momentum are FP32, as is all arithmetic; gradients come, and the weights to compute with leave,
    in a 16-bit type (mixed-precision training).
    """

    lanes: int = 8              # weights of a beat
    data_type: Literal["fp16", "bf16"] = "fp16"  # of gradients, of their scale, and of the weights to compute with
    multiply_stages: int = 2    # registers of a multiplier
    add_stages: int = 4         # registers of an adder
    round_stages: int = 1       # registers of the rounding to 16 bits
    flush: bool = False         # subnormal numbers count as zero, see hwsim.floats
    most_beats: int = 65535     # longest tensor of one token on port p
    p_slots: int = 2            # queue of hyper-parameters
    o_depth: int = 32           # queue of results, beats; one a cycle from `full_rate_depth` on

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "fp16-8": {},
        "bf16-8": {"data_type": "bf16"},
        "sat-32": {"lanes": 32},
        "small-1": {"lanes": 1, "most_beats": 255, "multiply_stages": 1, "add_stages": 1, "o_depth": 8},
    }

    def check(self) -> None:
        """Raise `InputError` for sizes that cannot be built."""
        for name, low, high in (("lanes", 1, 256), ("multiply_stages", 0, 4), ("add_stages", 0, 4),
                                ("round_stages", 0, 2), ("most_beats", 1, (1 << 24) - 1), ("p_slots", 1, 64),
                                ("o_depth", 1, 1 << 16)):
            in_range(name, getattr(self, name), low, high)

    @property
    def format(self) -> FloatFormat:
        """The 16-bit format."""
        return FORMATS[self.data_type]
