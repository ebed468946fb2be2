"""Which modules of a family's Verilog do what which components of its account are charged for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

REST = "all else"


@dataclass(frozen=True)
class Group:
    """Modules (a pattern of whole names) and components of the account that stand for the same hardware."""

    name: str
    modules: str
    components: tuple[str, ...]


_CHAINS = Group("chains", r"dsp_chain(\.chain|_dsp|_mux|_node).*", ("dsp", "mux", "operands", "nodes"))
GROUPS: Mapping[str, tuple[Group, ...]] = {
    "NmArrayConfig": (Group("PEs and their hops", r"nm_array_(pe|pe_top|a_hop|w_hop)(\..*)?", ("PE", "PE registers")),
                      Group("behind the columns", r"nm_array_finish(\..*)?", ("requantise", "finish"))),
    "SoreConfig": (Group("sorters", r"sore(_sorter|\.[fb]_sorters)", ("sorters f", "sorters b")),
                   Group("transposer", r"sore\.transposer", ("transposer",)),
                   Group("intake", r"sore\.intake", ("intake",))),
    "WuveConfig": (Group("lanes and operands", r"wuve(_lane(\..*)?)?", ("units", "registers")),),
    "DecoderConfig": (Group("values, selection", r"bitmap_decoder(\.(store|walk))?", ("bitmaps", "values", "select")),),
    "DotConfig": (Group("columns", r"bitmap_decoder_column(\..*)?", ("columns",)),
                  Group("values, selection", r"bitmap_decoder(\.(store|walk|pair))?",
                        ("bitmaps", "values", "select"))),
    "PrunerConfig": (Group("intake, selection", r"bitmap_decoder\.(intake|selector)",
                           ("intake", "selection", "marking")),
                     Group("packing", r"bitmap_decoder\.(packer|transposer).*", ("packing", "transpose", "values"))),
    "AttentionConfig": (Group("values", r"bitmap_decoder\.store", ("bitmaps", "values")),
                        Group("lanes and sums", r"bitmap_decoder(\.(multiply\d+|feed|sums(\..*)?))?",
                              ("factors", "lanes", "accumulators")),
                        Group("softmax", r"bitmap_decoder\.(softmax.*|reciprocal)",
                              ("softmax", "reciprocal", "normalise"))),
    "ChainConfig": (_CHAINS,), "MpuConfig": (_CHAINS,),
    "DequantConfig": (Group("dequantiser", r"dsp_chain(_lane|\.gearbox)?", ("lanes", "registers", "multiplexers")),)}
"""By class of the configuration; of any other the whole device is one."""


def group_of_module(groups: Sequence[Group], module: str) -> str:
    """The group that a module is in."""
    return next((group.name for group in groups if re.fullmatch(group.modules, module)), REST)


def group_of_component(groups: Sequence[Group], component: str) -> str:
    """The group that a component of the account is in."""
    return next((group.name for group in groups if component in group.components), REST)
