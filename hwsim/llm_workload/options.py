"""Choices of the compiler by name. Preset ``artifact``: those of FlightLLM's public demo; the default is our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from hwsim.config import Configuration, in_range

ARTIFACT: Mapping[str, Any] = {
    "loads": "channel", "credits": "stage", "split": "floor", "append": "reload", "ragged": False,
    "operand": "channel", "rope": "element-wise", "fused_rows": "one", "values": "zero-fill",
    "logits": "all", "attention_bias": True, "metadata": False,
    "last_store": "lines", "through_memory": "stages",
}
"""Read in the demo's ``inst_gen/layer_support`` (github.com/FlightLLM/flightllm_test_demo)."""


@dataclass(frozen=True, kw_only=True)
class CompilerOptions(Configuration):
    """How operators become instructions; what is left out of it follows from the engine.

    Args:
        loads: one LD ``group`` for all channels of a fill, or one for each ``channel`` (eight times the instructions).
        credits: how far loads run ahead of the matrix engine. ``exact``: ``fills`` parts of the buffer, one a fill,
            counted through heads and stages. ``stage``: as the demo counts, by the share of one channel and from
            nothing again at each stage and head, which lets loads overtake the buffer.
        fills: parts of the buffer when exact; a fill is at most one part.
        split: K in ``even`` parts, or in parts of ``floor(K / parts)`` with a small rest behind them.
        append: a new token's keys and values are stored (``row``), or the whole cache is loaded too, as the demo
            does to join the two (``reload``).
        ragged: the last load of a matrix ends where the matrix ends; else it is as long as the others.
        operand: second operands of fused functions are loaded once (``tile``), or as much by every ``channel``.
        rope: by the special function unit in one pass (``unit``), or as two products and a sum with two loads of
            tables (``element-wise``).
        fused_rows: functions fused to an MM pass over ``all`` rows of its result, or over ``one`` of the sixteen
            columns of it, as the demo counts.
        values: block-masked products with V contract the ``kept`` blocks of their rows only, or all of them, with
            zeros written into the buffer where the mask leaves gaps (``zero-fill``).
        logits: of the ``last`` token of a prompt, or of ``all``.
        attention_bias: biases of the four projections of attention are loaded even where the model has none.
        metadata: positions, block tables and scales are loaded with the weights; the demo counts kept values alone.
        last_store: the store of a linear layer's last block of rows is ``whole``, or has one byte a line (``lines``),
            as in the demo.
        through_memory: what reads its input from HBM and writes its output there when decoding does not stay on the
            chip: every one of the ``operators``, or ``stages`` of fused operators as in the demo.
    """

    loads: Literal["group", "channel"] = "group"
    credits: Literal["exact", "stage"] = "exact"
    fills: int = 2
    split: Literal["even", "floor"] = "even"
    append: Literal["row", "reload"] = "row"
    ragged: bool = True
    operand: Literal["tile", "channel"] = "tile"
    rope: Literal["unit", "element-wise"] = "unit"
    fused_rows: Literal["all", "one"] = "all"
    values: Literal["kept", "zero-fill"] = "kept"
    logits: Literal["last", "all"] = "last"
    attention_bias: bool = False
    metadata: bool = True
    last_store: Literal["whole", "lines"] = "whole"
    through_memory: Literal["operators", "stages"] = "operators"

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"default": {}, "artifact": ARTIFACT}

    def check(self) -> None:
        """Refuse a buffer that cannot be filled while it is read."""
        in_range("fills", self.fills, 2, 64)
