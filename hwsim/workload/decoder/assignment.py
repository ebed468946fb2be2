"""N:M and bits of every weight of a model, by rules of a file; what the weights weigh as stored.

    [[rules]]
    match = "layers.*.[qk]_proj"       # names as hwsim.workload.decoder.parameters gives them; the first match counts
    layers = "::2"                     # slice of the layers, default all
    density = 0.7                      # mean N/M over the blocks; or n = [[8, 0.6], [16, 0.4]], shares of blocks
    bits = 4

Sizes follow from shares of blocks alone. Where the blocks' places matter, `ModelAssignment.blocks` draws them from the
seed: ``source`` says ``random`` then. A pruner writes ``source = "pruned"`` and the shares that it found.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwsim.config import Configuration, in_range, load_toml
from hwsim.errors import InputError
from hwsim.fields import nearest
from hwsim.workload.decoder.attention_mask import AttentionMask
from hwsim.workload.decoder.block_ratio import StoredBytes, drawn_blocks, stored_bytes
from hwsim.workload.decoder.config import DecoderConfig
from hwsim.workload.decoder.json_file import json_object
from hwsim.workload.decoder.parameters import linear_weights
from hwsim.workload.decoder.rule import Rule

_PRESETS = Path(__file__).with_name("assignments")


@dataclass(frozen=True, kw_only=True)
class Assignment(Configuration):
    """Rules for all weights, and the block mask of attention in prefill.

    Args:
        name: short name.
        rules: the first that matches a weight counts.
        source: ``random`` when no weights stand behind the patterns, ``pruned`` when they were found by a pruner.
        note: where the figures come from.
        attention: block mask of prefill; default causal.
        seed: of the places of blocks.
    """

    name: str
    rules: tuple[Rule, ...]
    source: Literal["random", "pruned"] = "random"
    note: str = ""
    attention: AttentionMask = AttentionMask()
    seed: int = 0

    def check(self) -> None:
        """Refuse an assignment without rules."""
        if not self.rules:
            raise InputError("rules", "at least one rule", list(self.rules))
        in_range("seed", self.seed, 0, 2**63 - 1)

    def of(self, model: DecoderConfig) -> ModelAssignment:
        """What each weight of a model gets.

        Raises:
            InputError: a weight that no rule matches, a rule that matches no weight of the model, a mask for another
                number of layers or heads.
        """
        names, place = linear_weights(model), f"assignment {self.name}"
        chosen = {name: next((rule for rule in self.rules if rule.fits(name, model.layers)), None) for name in names}
        for name, rule in chosen.items():
            if rule is None:
                raise InputError(place, f"a rule for every weight of {model.name}", f"none for {name}")
        for number, rule in enumerate(self.rules):
            if not any(rule.fits(name, model.layers) for name in names):
                wanted = f"a pattern of weights of {model.name}{nearest(rule.match, names)}"
                raise InputError(f"{place}: rules[{number}].match", wanted, f"{rule.match} {rule.layers}")
        try:
            self.attention.fits(model.layers, model.heads)
        except InputError as error:
            raise InputError(f"{place}: attention.{error.place}", error.wanted, error.given) from None
        return ModelAssignment(model=model, assignment=self, rules={n: r for n, r in chosen.items() if r is not None})

    def dense(self) -> Assignment:
        """The same bits without any sparsity, masks included: a baseline."""
        rules = [rule.replace(density=1.0, n=()) for rule in self.rules]
        return self.replace(name=f"{self.name}-dense", rules=rules, attention=AttentionMask(block=self.attention.block))


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelAssignment:
    """An assignment laid over a model; names of weights as in `hwsim.workload.decoder.parameters`.

    Methods raise `InputError` for a name that the model has not.
    """

    model: DecoderConfig
    assignment: Assignment
    rules: Mapping[str, Rule]

    def rule(self, weight: str) -> Rule:
        """The rule that counts."""
        if weight not in self.rules:
            raise InputError("weight", f"a weight of {self.model.name}{nearest(weight, self.rules)}", weight)
        return self.rules[weight]

    def density(self, weight: str) -> float:
        """Mean N/M of its blocks."""
        return self.rule(weight).mean

    def bits(self, weight: str) -> int:
        """Bits of a kept weight."""
        return self.rule(weight).bits

    def stored(self, weight: str) -> StoredBytes:
        """Bytes in memory."""
        rule = self.rule(weight)
        return stored_bytes(self._shapes[weight], rule.m, rule.shares, rule.bits, rule.group)

    def stored_bytes(self, weight: str) -> int:
        """Bytes in memory, all together."""
        return self.stored(weight).total

    def blocks(self, weight: str) -> NDArray[np.uint8]:
        """N of each 16 x 16 block, ``(k / 16, n / 16)`` rounded up, drawn from the seed and the name."""
        rng = np.random.default_rng((self.assignment.seed, zlib.crc32(weight.encode())))
        return drawn_blocks(self._shapes[weight], self.rule(weight).shares, rng)

    @cached_property
    def _shapes(self) -> dict[str, tuple[int, int]]:
        return linear_weights(self.model)

    @cached_property
    def total_bytes(self) -> int:
        """Bytes of all weights of matrix products."""
        return sum(self.stored_bytes(name) for name in self.rules)

    @cached_property
    def mean_density(self) -> float:
        """Mean N/M over all elements."""
        return self._mean({name: rule.mean for name, rule in self.rules.items()})

    @cached_property
    def mean_bits(self) -> float:
        """Mean bits over all elements of the dense weights, whether kept or not."""
        return self._mean({name: rule.bits for name, rule in self.rules.items()})

    def _mean(self, figures: Mapping[str, float]) -> float:
        sizes = {name: k * n for name, (k, n) in self._shapes.items()}
        return sum(sizes[name] * figure for name, figure in figures.items()) / sum(sizes.values())


def assignment_names() -> tuple[str, ...]:
    """Presets."""
    return tuple(sorted(path.stem for path in _PRESETS.glob("*.toml")))


def load_assignment(name: str | Path) -> Assignment:
    """A preset by name, or an assignment from a TOML or JSON file.

    Raises:
        InputError: no such preset or file, or one that is refused.
    """
    path = Path(name)
    if path.suffix == ".json":
        return Assignment.from_mapping(json_object(path), str(path))
    if path.suffix == ".toml":
        return Assignment.from_mapping({"name": path.stem, **load_toml(path)}, str(path))
    names = assignment_names()
    if str(name) not in names:
        raise InputError("assignment", f"a .toml or .json file, or one of {', '.join(names)}{nearest(name, names)}",
                         str(name))  # fmt: skip
    return load_assignment(_PRESETS / f"{name}.toml")


def write_assignment(assignment: Assignment, path: str | Path) -> None:
    """Write as JSON, for `load_assignment`."""
    Path(path).write_text(json.dumps(assignment.to_mapping(), indent=1) + "\n", encoding="utf-8")
