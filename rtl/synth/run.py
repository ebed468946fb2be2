"""From a configuration to the resources of its components; what was synthesised once is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwsim.config import Configuration, one_of
from rtl.bench.cache import built, key_of
from rtl.synth.liberty import MEMORIES, Library, liberty_target, memory_bits, read_libraries
from rtl.synth.resources import Component, Resources, components_of
from rtl.synth.targets import TARGETS, Target
from rtl.synth.tool import Yosys, find_yosys
from rtl.verify.registry import find_family

DESIGN, _SCRIPT, _STATISTICS = "design.v", "synth.ys", "stat.json"


@dataclass(frozen=True, kw_only=True)
class Synthesis:
    """What a synthesis found.

    Attributes:
        family: of accelerators.
        configuration: of the device, as plain data.
        target: that it was mapped to.
        flat: whether all components were dissolved into the top.
        tool: the Yosys that did it.
        components: the top first.
    """

    family: str
    configuration: Mapping[str, Any]
    target: Target
    flat: bool
    tool: str
    components: list[Component]

    @property
    def total(self) -> Resources:
        """Of the whole device."""
        return self.components[0].whole

    def to_dict(self) -> dict[str, Any]:
        """Plain data: the total is the sum over components of ``instances`` times ``own``."""
        names = self.target.units
        rows = [{"component": part.module, "instances": part.instances, "own": part.own.to_dict(names),
                 "whole": part.whole.to_dict(names)} for part in self.components]
        return {"family": self.family, "configuration": dict(self.configuration), "target": self.target.name,
                "flat": self.flat, "tool": self.tool, "units": dict(self.target.units),
                "components": rows, "total": self.total.to_dict(names)}


def synthesise(family: str, config: Configuration, target: str = "ultrascale+", *, flat: bool = False,
               liberty: Sequence[Path] = (), tool: str | None = None) -> Synthesis:
    """Synthesise the device that a configuration describes.

    Args:
        family: one of `rtl.verify.FAMILIES`.
        config: a configuration of that family.
        target: one of `TARGETS`.
        flat: dissolve the hierarchy first: optimised across all borders, but everything that repeats is done anew.
        liberty: libraries of cells to map to in place of the target.
        tool: path of another Yosys.

    Raises:
        InputError: an unknown family or target, a library that cannot be used, or no Yosys.
        RuntimeError: Yosys failed.
    """
    libraries = read_libraries(liberty)
    chosen = liberty_target(libraries) if libraries else TARGETS[one_of("target", target, TARGETS)]
    yosys = find_yosys(tool)
    text = source(family, config, chosen)
    script = "\n".join(script_of(chosen, family, flat)) + "\n"

    folder = mapped("synth", yosys, text, script, libraries)
    statistics = json.loads((folder / _STATISTICS).read_text())
    bits = memory_bits(json.loads((folder / MEMORIES).read_text())) if libraries else {}
    return Synthesis(family=family, configuration=config.to_mapping(), target=chosen, flat=flat, tool=yosys.version,
                     components=components_of(statistics, family, chosen, bits))


def mapped(kind: str, yosys: Yosys, text: str, script: str, libraries: Sequence[Library]) -> Path:
    """Folder of the cache in which a script has run on Verilog (`DESIGN`) beside libraries; kept by content.

    Raises:
        RuntimeError: Yosys failed.
    """
    def build(folder: Path) -> None:
        (folder / DESIGN).write_text(text)
        (folder / _SCRIPT).write_text(script)
        for library in libraries:
            (folder / library.file).write_text(library.text)
        yosys.run(_SCRIPT, folder)
        for library in libraries:
            (folder / library.file).unlink()

    return built(kind, key_of([yosys.version, script, text, *(each.text for each in libraries)]), build)


def source(family: str, config: Configuration, target: Target) -> str:
    """The Verilog to synthesise: what users get, but with the target's own DSP slices where a family can name them.

    Inference would take the multiplier of a DSP48E2 alone and build its adder and registers outside.
    """
    if family == "dsp_chain" and target.primitive:
        from rtl.dsp_chain.family import emit_component

        return emit_component(config, primitive=True)
    chosen = find_family(family)
    return chosen.verilog(chosen.component(config))


def script_of(target: Target, top: str, flat: bool) -> list[str]:
    """Commands for Yosys."""
    dissolve = [f"hierarchy -top {top}", "proc", "flatten", "delete t:$scopeinfo"] if flat else []
    return [f"read_verilog {DESIGN}", *dissolve, *(line.format(top=top) for line in target.script),
            f"tee -q -o {_STATISTICS} stat -json"]
