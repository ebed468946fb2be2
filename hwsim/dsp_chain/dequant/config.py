"""Configuration of the dequantiser: from it, reference, model, account and RTL are built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from hwsim.config import Configuration, in_range
from hwsim.errors import InputError

WIDTHS = (2, 3, 4, 8)
"""Bits of a weight, by the code that stands in a header."""
WIDEST = WIDTHS[-1]


@dataclass(frozen=True, kw_only=True)
class DequantConfig(Configuration):
    """`Dequant`: packed two's complement weights in, ``lanes`` INT8 weights a cycle out.

    A tensor (or a block, whatever shares one width) is a header with the width and the number of its weights, their
    words, and a scale for every ``group`` of them. Weight i of a tensor stands in its bits i·width and up, least
    significant first; words are cut from these bits, so weights may straddle words. A tensor begins a new word, a new
    scale and a new result beat.
    """

    component: Literal["dequant"] = "dequant"
    word: int = 64                # bits of a word of port w; a power of two
    lanes: int = 16               # weights of a result beat; a power of two
    group: int = 64               # weights of one scale; a multiple of lanes
    multiplier_bits: int = 8      # of a scale: multiplier / 2^shift, the multiplier unsigned
    most_shift: int = 15          # largest shift of a scale
    most_weights: int = 65535     # longest tensor
    buffer_words: int = 4         # words that the gearbox holds
    h_slots: int = 2              # queue of headers, twice: before the words, and between words and results
    s_slots: int = 2              # queue of scales
    o_depth: int = 16             # queue of results, beats

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "lanes-16": {},
        "lanes-32": {"lanes": 32, "word": 128},
        "small-4": {"lanes": 4, "word": 16, "group": 8, "most_weights": 255},
    }

    def check(self) -> None:
        """Raise `InputError` for sizes that cannot be built."""
        for name, low, high in (("word", 8, 512), ("lanes", 1, 64)):
            value = in_range(name, getattr(self, name), low, high)
            if value & (value - 1):
                raise InputError(name, "a power of two", value)
        in_range("group", self.group, self.lanes, 1 << 16)
        if self.group % self.lanes:
            raise InputError("group", f"a multiple of lanes ({self.lanes})", self.group)
        in_range("buffer_words", self.buffer_words, self.least_words, 256)
        for name, low, high in (("multiplier_bits", 1, 16), ("most_shift", 2, 31), ("most_weights", 1, (1 << 24) - 1),
                                ("h_slots", 1, 64), ("s_slots", 1, 64), ("o_depth", 1, 1 << 16)):
            in_range(name, getattr(self, name), low, high)

    @property
    def grain(self) -> int:
        """Bits: a beat always begins at a multiple of it in a word."""
        return min(self.word, self.lanes)

    @property
    def least_words(self) -> int:
        """Words that the gearbox must hold: what a beat of the widest weights spans, wherever in a word it begins."""
        return -(-(self.word - self.grain + WIDEST * self.lanes) // self.word)

    @property
    def full_rate_words(self) -> int:
        """Words with which neither words nor beats wait for room, whatever the width: those of a beat of the widest
        weights, and one that comes in the cycle in which they are used up.
        """
        return -(-WIDEST * self.lanes // self.word) + 1

    @property
    def most_words(self) -> int:
        """Words of the longest tensor of the widest weights."""
        return -(-self.most_weights * WIDEST // self.word)
