"""Resources of components: what cells count as, how often a component is there, and sums that add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from rtl.synth.targets import Target


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a piece of hardware takes of an FPGA or of silicon; the target says which of these it has, and the unit."""

    lut: float = 0
    lutram: float = 0
    ff: float = 0
    dsp: float = 0
    bram: float = 0
    uram: float = 0
    carry: float = 0
    mux: float = 0
    cells: float = 0
    area: float = 0
    memory_bits: float = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(**{field.name: getattr(self, field.name) + getattr(other, field.name)
                            for field in fields(self)})

    def __mul__(self, count: int) -> Resources:
        return Resources(**{field.name: getattr(self, field.name) * count for field in fields(self)})

    def to_dict(self, names: Iterable[str]) -> dict[str, int | float]:
        """These, by name; whole numbers as such."""
        given = {name: getattr(self, name) for name in names}
        return {name: int(value) if value == int(value) else value for name, value in given.items()}


@dataclass(frozen=True, kw_only=True)
class Component:
    """A module of the design.

    Attributes:
        module: its name in the Verilog.
        instances: how often it is there in the whole design.
        own: of one instance, without the components in it.
        whole: of one instance with them.
    """

    module: str
    instances: int
    own: Resources
    whole: Resources


def components_of(statistics: Mapping[str, Any], top: str, target: Target,
                  memory_bits: Mapping[str, int] | None = None) -> list[Component]:
    """The components of a design, the top first and then by name.

    Args:
        statistics: what Yosys' ``stat -json`` writes.
        top: name of the top module.
        target: that the design was mapped to.
        memory_bits: by module, of memories that were not mapped; none by default.

    Raises:
        RuntimeError: a cell that the target's table lacks: the design was not mapped wholly.
    """
    cells = {name.lstrip("\\"): {kind.lstrip("\\"): int(count) for kind, count in module["num_cells_by_type"].items()}
             for name, module in statistics["modules"].items()}
    bits = memory_bits or {}
    own = {name: _own(name, kinds, cells, target) + Resources(memory_bits=bits.get(name, 0))
           for name, kinds in cells.items()}
    instances = dict.fromkeys(cells, 0) | {top: 1}
    whole: dict[str, Resources] = {}
    for name in _outside_in(cells, top):
        for kind, count in cells[name].items():
            if kind in cells:
                instances[kind] += instances[name] * count
    for name in reversed(_outside_in(cells, top)):
        whole[name] = sum((whole[kind] * count for kind, count in cells[name].items() if kind in cells), own[name])
    used = sorted((name for name in cells if instances[name]), key=lambda name: (name != top, name))
    return [Component(module=name, instances=instances[name], own=own[name], whole=whole[name]) for name in used]


def _own(name: str, kinds: Mapping[str, int], modules: Mapping[str, object], target: Target) -> Resources:
    """Resources of a module's cells that are no modules."""
    found = Resources()
    for kind, count in kinds.items():
        if kind in modules:
            continue
        if kind not in target.cells:
            raise RuntimeError(f"{name}: {count} cells {kind} that {target.name} does not have")
        found += Resources(**target.cells[kind]) * count
    return found


def _outside_in(cells: Mapping[str, Mapping[str, int]], top: str) -> list[str]:
    """Modules below the top so that each comes behind all that hold it."""
    order: list[str] = []
    seen = set()

    def visit(name: str) -> None:
        if name not in seen:
            seen.add(name)
            for kind in cells[name]:
                if kind in cells:
                    visit(kind)
            order.append(name)

    visit(top)
    return order[::-1]
