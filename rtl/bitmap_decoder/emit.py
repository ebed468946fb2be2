"""Verilog of the components; the bits of their ports and the driver's duties in the header."""

from __future__ import annotations

from amaranth.lib.data import StructLayout

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.components import ComponentConfig
from hwsim.bitmap_decoder.config import DecoderConfig, DotConfig
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from rtl.bitmap_decoder import layouts
from rtl.bitmap_decoder.attention import contract as attention_contract
from rtl.bitmap_decoder.component import Component, component_of
from rtl.bitmap_decoder.pruner import contract as pruner_contract
from rtl.parts.stand_in import convert_parts
from rtl.parts.stop import Fault

NAME = "bitmap_decoder"
"""Name of the top module, and what the names of its parts begin with."""


def emit_component(config: ComponentConfig) -> str:
    """Verilog of a component."""
    return convert(component_of(config))


def convert(component: Component) -> str:
    """Verilog of that component, which is used up by this."""
    return convert_parts(component, NAME, component.config, contract(component.config))


def contract(config: ComponentConfig) -> list[str]:
    """Lines that a user of the Verilog needs."""
    if isinstance(config, AttentionConfig):
        return attention_contract.contract(config)
    if isinstance(config, PrunerConfig):
        return pruner_contract.contract(config)
    own = _decoder(config) if isinstance(config, DecoderConfig) else _dot(config)
    return [
        "payloads (field: its bits in the port; e element, c column):",
        f"  h__payload: {_fields(layouts.header())}",
        f"  b__payload: {config.tile} bits, element e at [{config.tile - 1} - e]",
        f"  v__payload: value e at [{config.element_bits}*e +: {config.element_bits}], "
        f"{_fields(layouts.value_beat(config), 'last')}",
        *own,
        f"  error__payload: {', '.join(f'{fault.value} {fault.name.lower()}' for fault in Fault if fault.value)}",
        "the driver keeps:",
        "  - valid does not wait for ready; an offer stays, unchanged, until it is taken. The reset is synchronous.",
        f"  - h, a job: tile {config.tile}; rows and elements of a row >= 1; values: stored ones, with those that fill",
        f"    up each tile to a multiple of {config.pad}.",
        "  - b: a bitmap of each tile, row by row; bits behind the end of a row are 0.",
        "  - v: stored values without gaps, the last beat of a job filled up with zeros; last: set on that beat.",
        "else the first fault is offered once at error, and nothing more is taken until the reset.",
    ]


def _decoder(config: DecoderConfig) -> list[str]:
    bits = config.element_bits
    return [f"  o__payload: element of lane e at [{bits}*e +: {bits}], "
            f"{_fields(layouts.dense_beat(config), 'row_end', 'last')}"]


def _dot(config: DotConfig) -> list[str]:
    bits = config.element_bits
    return [f"  x__payload: X of column c at [{bits}*c +: {bits}], {_fields(layouts.operand_beat(config), 'last')}",
            f"  o__payload: sum of column c at [32*c +: 32], {_fields(layouts.sum_beat(config), 'last')}",
            "x brings, for each job, as many rows of X as a row has elements; the next X may come while one is used."]


def _fields(layout: StructLayout, *names: str) -> str:
    """Where fields stand; without names, all."""
    return ", ".join(f"{name} [{field.offset} +: {field.width}]" for name, field in layout
                     if not names or name in names)


