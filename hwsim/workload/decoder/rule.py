"""One rule of an assignment: which weights it is for, and the N:M and bits that they get."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from hwsim.config import Configuration, in_range, one_of
from hwsim.errors import InputError
from hwsim.workload.decoder.block_ratio import WIDTHS, Share, checked, mixed


@dataclass(frozen=True, kw_only=True)
class Rule(Configuration):
    """What the weights of matching names get.

    Args:
        match: pattern of names (``*``, ``?``, ``[abc]``).
        layers: slice of layer numbers, as Python writes it between brackets, or one number; other weights (``lm_head``)
            match only the slice of all, ``:``.
        bits: of a kept weight.
        m: M of all blocks.
        density: mean N/M; blocks of the two neighbouring legal N are mixed.
        n: instead of ``density``: N and the share of blocks that have it.
        group: rows of a column that share a scale, 0 for all.
    """

    match: str
    layers: str = ":"
    bits: int = 8
    m: int = 16
    density: float | None = None
    n: tuple[tuple[int, float], ...] = ()
    group: int = 0

    def check(self) -> None:
        """Refuse illegal bits and N:M, a density beside N, and slices that cannot be read."""
        one_of("bits", self.bits, WIDTHS)
        in_range("group", self.group, 0)
        if self.n and self.density is not None:
            raise InputError("density", "either density or n", "both")
        _ = self.shares
        layer_slice(self.layers)

    @property
    def shares(self) -> tuple[Share, ...]:
        """N and the share of blocks that have it, in the order of N."""
        return checked(self.m, self.n) if self.n else mixed(self.m, 1.0 if self.density is None else self.density)

    @property
    def mean(self) -> float:
        """Mean N/M."""
        if self.density is not None:
            return self.density
        return sum(n * share for n, share in self.shares) / self.m

    def fits(self, weight: str, layers: int) -> bool:
        """Whether this rule is for that weight of a model of so many layers."""
        if not fnmatchcase(weight, self.match):
            return False
        if self.layers == ":":
            return True
        parts = weight.split(".")
        return parts[0] == "layers" and int(parts[1]) in range(layers)[layer_slice(self.layers)]


def layer_slice(text: str) -> slice:
    """Slice of layers from text; raises InputError when it is none."""
    parts = text.split(":")
    try:
        numbers = [int(part) if part.strip() else None for part in parts]
        if len(parts) == 1 and numbers[0] is not None and numbers[0] >= 0:
            return slice(numbers[0], numbers[0] + 1)
        if 2 <= len(parts) <= 3:
            range(1)[slice(*numbers)]
            return slice(*numbers)
    except ValueError:
        pass
    raise InputError("layers", 'a layer or a slice such as "0:16" or "::2"', text)
