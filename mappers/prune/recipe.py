"""What one training is: network, method, ratio, seed and recipe. Plain data, without PyTorch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hwsim.errors import InputError
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.sparsity.size import whole
from mappers.prune.methods import method_of


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained; the same for every method.

    Args:
        optimizer: "sgd" (Nesterov momentum 0.9) or "adamw".
        rate: highest learning rate; rises over ``warmup`` of a cycle, then falls to 0 as a cosine.
        weight_decay: of all parameters.
        epochs: in total, whatever the method does in them.
        batch: images a step.
        warmup: fraction of a cycle.
    """

    optimizer: str
    rate: float
    weight_decay: float
    epochs: int
    batch: int = 64
    warmup: float = 0.1


RECIPES = {
    "resnet9": Recipe(optimizer="sgd", rate=0.1, weight_decay=5e-4, epochs=30),
    "vit": Recipe(optimizer="adamw", rate=2e-3, weight_decay=0.05, epochs=45, batch=32),
}
"""By network."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training. Dense methods have the ratio 1:1, all others another.

    Args:
        network: one of `RECIPES`.
        method: one of `mappers.prune.methods.METHODS`.
        ratio: N:M of every layer that can be pruned.
        seed: of initial weights, order of images, and their shifts.
        epochs: instead of the recipe's; None for those.

    Raises:
        InputError: an unknown name, a seed out of range, less than one epoch, or a ratio that does not fit the method.
    """

    network: str
    method: str
    ratio: Ratio
    seed: int
    epochs: int | None = None

    def __post_init__(self) -> None:
        if self.network not in RECIPES:
            raise InputError("network", f"one of {', '.join(RECIPES)}", self.network)
        whole(self.seed, "seed", 0, (1 << 63) - 1)
        if self.epochs is not None:
            whole(self.epochs, "epochs", 1)
        if method_of(self.method).dense != self.ratio.dense:
            wanted = "1:1" if method_of(self.method).dense else "N:M with N below M"
            raise InputError(f"ratio of {self.method}", wanted, str(self.ratio))

    @property
    def recipe(self) -> Recipe:
        """The network's recipe, with this training's epochs."""
        recipe = RECIPES[self.network]
        return recipe if self.epochs is None else Recipe(**{**asdict(recipe), "epochs": self.epochs})

    @property
    def name(self) -> str:
        """Unique among the trainings of a table, such as ``resnet9 bdwp 2:8 seed 0``."""
        return f"{self.network} {self.method} {self.ratio} seed {self.seed}"

    def plain(self) -> dict[str, Any]:
        """Inputs as plain data."""
        return {"network": self.network, "method": self.method, "ratio": str(self.ratio), "seed": self.seed,
                **asdict(self.recipe)}  # fmt: skip


def trainings(networks: list[str], methods: list[str], ratios: list[Ratio], seeds: list[int],
              epochs: int | None = None) -> list[Training]:  # fmt: skip
    """Every training of a table: dense once, all other methods at each ratio, each with every seed.

    Seeds vary slowest, so that a table that is cut short has all methods of its first seeds.

    Raises:
        InputError: nothing to train, something twice, or as `Training`.
    """
    for place, given in (("networks", networks), ("methods", methods), ("ratios", ratios), ("seeds", seeds)):
        if not given or len(set(given)) < len(given):
            raise InputError(place, "at least one, none twice", [str(each) for each in given])
    return [
        Training(network=network, method=method, ratio=ratio, seed=seed, epochs=epochs)
        for seed in seeds for network in networks for method in methods
        for ratio in ([DENSE] if method_of(method).dense else ratios)
    ]  # fmt: skip
