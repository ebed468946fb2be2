"""A whole generation: a prompt, then tokens one after the other; what the design's ideas bring to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hwsim.energy import Seconds, Watts, mean_power
from hwsim.llm_workload.step_time import StepTime


@dataclass(frozen=True, kw_only=True)
class Generation:
    """Attributes: tokens of the prompt and behind it, and what each part takes, all its tokens together."""

    prompt: int
    tokens: int
    prefill: StepTime
    decode: StepTime

    @property
    def seconds(self) -> float:
        """Of both parts."""
        return (self.prefill.total_ms + self.decode.total_ms) / 1e3

    @property
    def decode_tokens_per_s(self) -> float:
        """Generated tokens over the time of decoding alone."""
        return self.tokens / (self.decode.total_ms / 1e3)

    @property
    def tokens_per_s(self) -> float:
        """Generated tokens over all of the time."""
        return self.tokens / self.seconds

    @property
    def joules_per_token(self) -> float:
        """Energy of decoding over generated tokens."""
        return float(self.decode.energy.total) / self.tokens

    @property
    def watts(self) -> Watts:
        """Mean power of decoding."""
        return mean_power(self.decode.energy.total, Seconds(self.decode.total_ms / 1e3))

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"prompt": self.prompt, "tokens": self.tokens, "total_ms": 1e3 * self.seconds,
                "tokens_per_s": self.tokens_per_s, "decode_tokens_per_s": self.decode_tokens_per_s,
                "joules_per_token": self.joules_per_token, "watts": self.watts,
                "prefill": self.prefill.to_dict(), "decode": self.decode.to_dict()}


@dataclass(frozen=True, kw_only=True)
class InstructionBytes:
    """Bytes of all programs for every length up to a maximum.

    Attributes:
        prefill, decode: bytes of one core's program for each length, from 1 on, each made for its length.
        every_length: of all of them, for each core.
        buckets: one program for each bucket of lengths, for each core.
        adaptive: the same with equal layers held once, and one copy for all cores.
    """

    prefill: tuple[int, ...]
    decode: tuple[int, ...]
    every_length: int
    buckets: int
    adaptive: int

    @property
    def gain(self) -> float:
        """How many times fewer bytes."""
        return self.every_length / self.adaptive

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"every_length": self.every_length, "buckets": self.buckets, "adaptive": self.adaptive,
                "gain": self.gain, "prefill_by_length": list(self.prefill),
                "decode_by_length": list(self.decode)}


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """The same generation with one idea less each.

    Attributes:
        cases: by what is left out; the first has everything.
        stored: bytes of instructions, by the same names: all programs for every length.
    """

    cases: Mapping[str, Generation]
    stored: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Plain data: figures of each case and its time over that of the full design."""
        full = next(iter(self.cases.values()))
        return {name: {"prefill_ms": case.prefill.total_ms, "decode_tokens_per_s": case.decode_tokens_per_s,
                       "tokens_per_s": case.tokens_per_s, "joules_per_token": case.joules_per_token,
                       "hbm_utilization_decode": case.decode.hbm_utilization,
                       "instruction_bytes": self.stored[name], "slowdown": case.seconds / full.seconds,
                       "prefill_energy": case.prefill.energy.to_dict(), "decode_energy": case.decode.energy.to_dict()}
                for name, case in self.cases.items()}  # fmt: skip
