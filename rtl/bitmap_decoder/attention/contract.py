"""What the header of the Verilog tells about ports and the driver's duties."""

from __future__ import annotations

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from rtl.bitmap_decoder.attention import layouts
from rtl.bitmap_decoder.layouts import value_beat
from rtl.parts.stop import Fault


def contract(config: AttentionConfig) -> list[str]:
    """Lines for the header of the text."""
    fields = [f"{name} [{field.offset} +: {field.width}]" for name, field in layouts.header(config)]
    bits = config.element_bits
    return [
        "payloads (field: its bits in the port; e element, c channel, t token):",
        f"  h__payload: {', '.join(fields)}",
        "  q__payload: number e at [16*e +: 16]",
        f"  b__payload: {config.tile} bits, element e at [{config.tile - 1} - e]",
        f"  v__payload: value e at [{bits}*e +: {bits}], last [{value_beat(config)['last'].offset}]",
        "  o__payload: value [0 +: 16], last [16]; s__payload: maximum [0 +: 32], total [32 +: 32]",
        f"  error__payload: {', '.join(f'{fault.value} {fault.name.lower()}' for fault in Fault if fault.value)}",
        "the driver keeps:",
        "  - valid does not wait for ready; an offer stays, unchanged, until it is taken. The reset is synchronous.",
        f"  - h, a block: 1 <= tokens <= {config.tile}; first and last of a query; scale: FP32, log2(e) times the",
        "    usual one, the same in all blocks of a query; values: stored ones, with those that fill up tiles.",
        *_scales(config),
        f"  - q: {config.channels} channels of each query. b: tiles of the keys, one a channel, then those of the",
        f"    values, {config.segments} a token; bits behind the tokens are 0. No bitmaps for a dense block.",
        f"  - v: stored values without gaps, tiles filled up to a multiple of {config.pad} (dense blocks: not); the",
        "    last beat of a block filled up with zeros; last: set on that beat. All numbers finite.",
        "else (but for numbers and scale) the first fault is offered once at error, and nothing more is taken until",
        "the reset.",
    ]


def _scales(config: AttentionConfig) -> list[str]:
    """Lines about the scales of whole numbers."""
    if config.data_type == "fp16":
        return []
    return ["    scale is multiplied with 2^24 times what a key of 1 stands for; value_factor: FP32, 2^24 times what a",
            "    value of 1 stands for; that of a query's last block counts."]
