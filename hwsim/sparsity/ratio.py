"""The N:M ratio: at most N values kept in every M neighbours along the reduction."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from functools import total_ordering

from hwsim.errors import InputError

LARGEST_GROUP = 16
"""Largest M that the hardware's index fields hold (4-bit indices)."""

_FORM = re.compile(r"\s*(\d{1,9})\s*:\s*(\d{1,9})\s*", re.ASCII)


def _part(value: object, name: str, place: str) -> int:
    """One half of a ratio as a plain int; refuses what is not a positive power of two."""
    wanted = f"{name} a power of two from 1 to {LARGEST_GROUP}"
    if isinstance(value, bool):
        raise InputError(place, wanted, value)
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(place, wanted, value) from None
    if number < 1 or number & (number - 1) or number > LARGEST_GROUP:
        raise InputError(place, wanted, number)
    return number


@total_ordering
@dataclass(frozen=True)
class Ratio:
    """N:M, n values kept of each group of m. Any n == m becomes 1:1, which is dense.

    Ordered by density first, then by group size: 1:2 < 2:4 < 1:1, as the larger group allows more patterns.

    Args:
        n: values kept in a group, a power of two, 1 <= n <= m.
        m: values in a group, a power of two, at most ``LARGEST_GROUP``.

    Raises:
        InputError: n or m is not a power of two in range, or n > m.
    """

    n: int
    m: int

    def __post_init__(self) -> None:
        n, m = _part(self.n, "N", "ratio"), _part(self.m, "M", "ratio")
        if n > m:
            raise InputError("ratio", "N:M with N at most M", f"{n}:{m}")
        if n == m:
            n = m = 1
        object.__setattr__(self, "n", n)
        object.__setattr__(self, "m", m)

    @classmethod
    def parse(cls, text: object, place: str = "ratio") -> Ratio:
        """Ratio from text such as ``"2:4"``, or the ratio itself when given one.

        Args:
            text: ``"N:M"``, blanks allowed around the numbers; or a ``Ratio``.
            place: where the text stands, for the error message.

        Raises:
            InputError: not of that form, or not a ratio the hardware knows.
        """
        if isinstance(text, Ratio):
            return text
        form = _FORM.fullmatch(text) if isinstance(text, str) else None
        if form is None:
            raise InputError(place, 'a ratio such as "2:4"', text)
        try:
            return cls(int(form[1]), int(form[2]))
        except InputError as error:
            raise InputError(place, error.wanted, f"{form[1]}:{form[2]}") from None

    @property
    def density(self) -> float:
        """Largest fraction of non-zeros, n / m."""
        return self.n / self.m

    @property
    def dense(self) -> bool:
        """Whether nothing is pruned (1:1)."""
        return self.m == 1

    @property
    def index_bits(self) -> int:
        """Bits of one index inside a group, ceil(log2(m)); 0 for dense."""
        return (self.m - 1).bit_length()

    def allows(self, other: Ratio) -> bool:
        """Whether every pattern of the other ratio is also one of this: 2:4 allows 2:8, dense allows all."""
        if self.m <= other.m:
            return self.n >= min(other.n, self.m)
        return self.n * other.m >= other.n * self.m

    def groups(self, length: int) -> int:
        """Groups that cover ``length`` elements; the last may be ragged."""
        return -(-length // self.m)

    def __str__(self) -> str:
        return f"{self.n}:{self.m}"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Ratio):
            return NotImplemented
        return (self.n * other.m, self.m) < (other.n * self.m, other.m)


DENSE = Ratio(1, 1)
"""The ratio that prunes nothing."""
