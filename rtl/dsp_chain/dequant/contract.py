"""What a user of the dequantiser's Verilog needs: the bits of its ports and the driver's duties."""

from __future__ import annotations

from amaranth.lib.data import StructLayout

from hwsim.dsp_chain.dequant.config import WIDEST, WIDTHS, DequantConfig
from rtl.dsp_chain.dequant import layouts
from rtl.parts.stop import Fault

FAULTS = (Fault.HEADER, Fault.TRUNCATED, Fault.OVERLONG)


def contract(config: DequantConfig) -> list[str]:
    """Lines for the header of the text."""
    widths = ", ".join(f"{code}: {width} bits" for code, width in enumerate(WIDTHS))
    return [
        "payloads (field: its bits in the port; c lane):",
        f"  h__payload: {_fields(layouts.header(config))}; codes {widths}",
        f"  w__payload: {_fields(layouts.word_beat(config))}",
        f"  s__payload: {_fields(layouts.scale(config))}",
        f"  o__payload: weight of lane c at [{WIDEST}*c +: {WIDEST}], last [{WIDEST * config.lanes}]",
        f"  error__payload: {', '.join(f'{fault.value} {fault.name.lower()}' for fault in FAULTS)}",
        "the driver keeps:",
        "  - valid does not wait for ready; an offer stays, unchanged, until it is taken. The reset is synchronous.",
        f"  - h, a tensor: 1 <= weights <= {config.most_weights}.",
        "  - w: weight i in bits i*width and up of the tensor's words, two's complement; last: set on its last word;",
        "    bits behind the last weight do not count.",
        f"  - s: multiplier / 2^shift for every {config.group} weights of a tensor, shift <= {config.most_shift}.",
        "else the first fault is offered once at error, and no header or word is taken until the reset; what the words",
        "taken before are enough for still leaves.",
        f"the device gives: on o, {config.lanes} weights a beat, zeros in lanes behind the end of a tensor.",
    ]


def _fields(layout: StructLayout) -> str:
    """Where fields stand."""
    return ", ".join(f"{name} [{field.offset} +: {field.width}]" for name, field in layout)
