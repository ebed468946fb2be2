"""What a user of the pruner's Verilog needs: bits of the ports, and the driver's duties."""

from __future__ import annotations

from amaranth.lib.data import StructLayout

from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from rtl.bitmap_decoder import layouts as family_layouts
from rtl.bitmap_decoder.pruner import layouts


def contract(config: PrunerConfig) -> list[str]:
    """Lines for the header."""
    bits, flag = config.element_bits, family_layouts.value_beat(config)["last"].offset
    return [
        "payloads (field: its bits in the port; e element):",
        f"  p__payload: {_fields(layouts.descriptor(config))}",
        f"  i__payload: element of lane e at [{bits}*e +: {bits}]",
        f"  h__payload: {_fields(family_layouts.header())}",
        f"  b__payload: {config.tile} bits, element e at [{config.tile - 1} - e]",
        f"  c__payload: {_fields(layouts.record(config))}",
        f"  v__payload: value e at [{bits}*e +: {bits}], last [{flag}]",
        "  error__payload: 1 header",
        "the driver keeps:",
        "  - valid does not wait for ready; an offer stays, unchanged, until it is taken. The reset is synchronous.",
        f"  - p, a batch: vectors >= 1; 1 <= elements <= {config.length}; keep <= elements. Else error is offered",
        "    once, what was taken before is finished, and nothing more is taken until the reset.",
        "  - i: each vector from a new beat on; lanes behind its end do not count.",
        *(_keys(config) if config.side == "keys" else _values(config)),
        "the non-zeros among the keep largest; each tile is filled up with zeros to a multiple of "
        f"{config.pad}, the last beat too.",
        "  c: count of the tile's non-zeros; offset: values of the batch before them, whole beats of port v counted;",
        "  end: the header's last; last: the batch's last.",
        "  nan: of the vectors of this header one has a NaN, which counts as larger than infinity.",
    ]


def _values(config: PrunerConfig) -> list[str]:
    return ["the pruner gives, for each vector: a header (rows 1), a bitmap and a record of each tile of "
            f"{config.tile} elements,"]


def _keys(config: PrunerConfig) -> list[str]:
    return [f"the pruner gives, for each group of {config.tile} vectors, or what is left of a batch: a header (rows:",
            "elements of a vector; elements: vectors of the group), a bitmap and a record of each row,"]


def _fields(layout: StructLayout) -> str:
    return ", ".join(f"{name} [{field.offset} +: {field.width}]" for name, field in layout)
