"""What a user asks for: one workload, how it is pruned, the accelerator, its memory and its baselines.

    name = "gemm"
    clock_hz = 200e6                 # our assumption
    baselines = ["dense", "systolic"]

    [workload]                       # exactly one source: zoo, network, onnx, scalesim, weights or gemm
    gemm = "1024x1024x1024"          # MxKxN, or MxKxNxgroups

    [pruning]
    ratio = "2:4"                    # or ratios = ["2:4", "2:8"]: each is run
    layers = { "head*" = "1:1" }     # by name pattern, the first match decides

    [accelerator]                    # a preset and changes to it, or the fields of NmArrayConfig
    rows = 32

    [memory]                         # a preset and changes to it, or the fields of Dram
    preset = "ddr4-2400-x64"

    [mapper]                         # how far the mapper searches
    solved = 8

    [gpu]                            # compared with, by the model of `hwsim gpu`
    boards = ["a100-80g"]

    [energy]
    technology = "45nm"              # or 28nm, 16nm, 7nm, ultrascale+: prices of the same actions

Every key is checked; unknown ones are refused. The sources are read by `hwsim.cli.sources`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from hwsim.config import Configuration, in_range, load_toml, merged, one_of, positive
from hwsim.energy import EnergyChoice
from hwsim.errors import InputError
from hwsim.gpu.choice import GpuChoice
from hwsim.memory import Dram
from hwsim.nm_array.config import NmArrayConfig
from hwsim.search import SearchLimits
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.workload_choice import WorkloadChoice

Baseline = Literal["dense", "systolic"]


@dataclass(frozen=True, kw_only=True)
class LayerRatios(Configuration):
    """Ratios by name pattern (``*`` and ``?``): a table; the first pattern that matches a layer decides."""

    rules: tuple[tuple[str, Ratio], ...] = ()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], place: str = "") -> Self:
        """From a table ``{"head*" = "1:1"}``."""
        if not isinstance(mapping, Mapping):
            raise InputError(place or "layers", "a table of name patterns and ratios", mapping)
        rules = ((pattern, Ratio.parse(ratio, f'{place}."{pattern}"')) for pattern, ratio in mapping.items())
        return cls(rules=tuple(rules))

    def to_mapping(self) -> dict[str, Any]:
        """The table."""
        return {pattern: str(ratio) for pattern, ratio in self.rules}

    def ratio_of(self, name: str, default: Ratio) -> Ratio:
        """Ratio of a layer."""
        return next((ratio for pattern, ratio in self.rules if _matches(name, pattern)), default)

    def refuse_unused(self, names: Iterable[str]) -> None:
        """Raise `InputError` for a pattern that matches none of the layers."""
        known = list(names)
        for pattern, _ in self.rules:
            if not any(_matches(name, pattern) for name in known):
                raise InputError(f'pruning.layers."{pattern}"', f"the name of a layer: {', '.join(known)}", "no match")


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


@dataclass(frozen=True, kw_only=True)
class Pruning(Configuration):
    """What is done to the weights. Layers that are kept dense are so whatever ratio is asked for.

    With no ratio at all, weights run as they are: each layer at the sparsest ratio of the array that its own zeros obey
    (or at that of a topology file); shapes without weights are dense.
    """

    ratio: Ratio | None = None  # N:M of all layers
    ratios: tuple[Ratio, ...] = ()  # several: one run for each
    unstructured: float | None = None  # fraction of weights kept by magnitude, wherever they are: for comparison
    layers: LayerRatios = LayerRatios()
    keep_first: bool = False  # leave the first layer dense
    keep_last: bool = False
    keep_depthwise: bool = True
    smallest_k: int = 16  # leave layers of a shorter reduction dense
    seed: int = 0  # of what is drawn at random

    def check(self) -> None:
        """Refuse both forms at once, a ratio given twice and negative numbers."""
        if self.ratio is not None and self.ratios:
            raise InputError("ratio", "ratio or ratios, not both", f"{self.ratio} and {len(self.ratios)} ratios")
        if len(set(self.ratios)) != len(self.ratios):
            raise InputError("ratios", "each ratio once", ", ".join(map(str, self.ratios)))
        if self.unstructured is not None:
            in_range("unstructured", self.unstructured, 0.0, 1.0)
            if self.asked:
                raise InputError("unstructured", "no N:M ratio beside it", str(self.runs[0]))
        in_range("smallest_k", self.smallest_k, 0)
        in_range("seed", self.seed, 0, 2**63 - 1)

    @property
    def asked(self) -> bool:
        """Whether N:M pruning was asked for, of all layers or of some."""
        return self.ratio is not None or bool(self.ratios) or bool(self.layers.rules)

    @property
    def runs(self) -> tuple[Ratio, ...]:
        """One ratio per run; dense alone when none was asked for."""
        return self.ratios or (self.ratio or DENSE,)


@dataclass(frozen=True, kw_only=True)
class Accelerator(Configuration):
    """An accelerator family and its configuration; written flat: ``family``, ``preset`` and the family's fields."""

    FAMILIES: ClassVar[Mapping[str, type[NmArrayConfig]]] = {"nm_array": NmArrayConfig}

    family: Literal["nm_array"] = "nm_array"
    config: NmArrayConfig = NmArrayConfig()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], place: str = "") -> Self:
        """From a table, or from the name of a preset."""
        if isinstance(mapping, str):
            mapping = {"preset": mapping}
        if not isinstance(mapping, Mapping):
            raise InputError(place or "accelerator", "a table or the name of a preset", mapping)
        fields = dict(mapping)
        family = one_of(f"{place or 'accelerator'}.family", fields.pop("family", "nm_array"), cls.FAMILIES)
        return cls(family=family, config=cls.FAMILIES[family].from_mapping(fields, place))

    def to_mapping(self) -> dict[str, Any]:
        """Family and fields in one table."""
        return {"family": self.family, **self.config.to_mapping()}


@dataclass(frozen=True, kw_only=True)
class Experiment(Configuration):
    """One workload on one accelerator and its baselines; see the module for the form of the file."""

    name: str | None = None
    clock_hz: float = 200e6  # of the array; our assumption
    baselines: tuple[Baseline, ...] = ("dense", "systolic")
    workload: WorkloadChoice
    pruning: Pruning = Pruning()
    accelerator: Accelerator = Accelerator()
    memory: Dram = Dram.preset("ddr4-2400-x64")
    mapper: SearchLimits = SearchLimits()
    gpu: GpuChoice = GpuChoice()
    energy: EnergyChoice = EnergyChoice()

    def check(self) -> None:
        """Refuse a clock that stands still, a baseline given twice and ratios that the array was not built for."""
        positive("clock_hz", self.clock_hz)
        if len(set(self.baselines)) != len(self.baselines):
            raise InputError("baselines", "each baseline once", ", ".join(self.baselines))
        key = "ratios" if self.pruning.ratios else "ratio"
        asked = [(f"pruning.{key}", ratio) for ratio in self.pruning.runs]
        asked += [(f'pruning.layers."{pattern}"', ratio) for pattern, ratio in self.pruning.layers.rules]
        known = [mode.ratio for mode in self.accelerator.config.modes]
        for place, ratio in asked:
            if ratio not in known:
                listed = ", ".join(map(str, known))
                wanted = f"a ratio that the array is built for ({listed}: accelerator.ratios)"
                raise InputError(place, wanted, str(ratio))

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], place: str = "") -> Self:
        """As every configuration; a memory without preset and name is the default one with changes."""
        given = dict(mapping)
        memory = given.get("memory")
        if isinstance(memory, Mapping) and not {"preset", "name"} & set(memory):
            given["memory"] = {"preset": "ddr4-2400-x64", **memory}
        return super().from_mapping(given, place)


def load_experiment(path: str | Path, changes: Mapping[str, Any] | None = None) -> Experiment:
    """Experiment of a TOML file with ``changes`` (plain data, nested) laid over it.

    Raises:
        InputError: the file cannot be read, or a key or value is refused; the place names file and key.
    """
    return Experiment.from_mapping(merged(load_toml(path), changes or {}), str(path))
