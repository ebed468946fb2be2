"""Which modules of a family's Verilog do what which components of its account are charged for."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

REST = "all else"


@dataclass(frozen=True)
class Group:
    """Modules (a pattern of whole names) and components of the account that stand for the same hardware."""

    name: str
    modules: str
    components: tuple[str, ...]


GROUPS: Mapping[str, tuple[Group, ...]] = {
    "nm_array": (Group("PEs and their hops", r"nm_array_(pe|pe_top|a_hop|w_hop)(\..*)?", ("PE", "PE registers")),
                 Group("behind the columns", r"nm_array_finish(\..*)?", ("requantise", "finish"))),
    "sore": (Group("sorters", r"sore(_sorter|\.[fb]_sorters)", ("sorters f", "sorters b")),
             Group("transposer", r"sore\.transposer", ("transposer",)),
             Group("intake", r"sore\.intake", ("intake",))),
    "wuve": (Group("lanes and operands", r"wuve(_lane(\..*)?)?", ("units", "registers")),),
    "bitmap_decoder": (Group("columns", r"bitmap_decoder_column(\..*)?", ("columns",)),
                       Group("values, selection", r"bitmap_decoder(\.(store|walk|pair))?",
                             ("bitmaps", "values", "select"))),
    "dsp_chain": (Group("chains", r"dsp_chain(\.chain|_dsp|_mux|_node).*", ("dsp", "mux", "operands", "nodes")),
                  Group("dequantiser", r"dsp_chain(_lane|\.gearbox)?", ("lanes", "registers", "multiplexers"))),
}
"""By family; a family without any has the whole device as one."""


def groups_of(family: str, components: Collection[str]) -> tuple[Group, ...]:
    """The groups of a family that an account with these components has."""
    return tuple(group for group in GROUPS.get(family, ()) if set(group.components) & set(components))


def group_of_module(groups: Sequence[Group], module: str) -> str:
    """The group that a module is in."""
    return next((group.name for group in groups if re.fullmatch(group.modules, module)), REST)


def group_of_component(groups: Sequence[Group], component: str) -> str:
    """The group that a component of the account is in."""
    return next((group.name for group in groups if component in group.components), REST)
