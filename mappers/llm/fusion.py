"""Operators joined to stages: a matrix product with the functions that its results pass through on their way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hwsim.llm.isa import Function
from hwsim.workload.decoder import Operator

StageKind = Literal["linear", "scores", "values", "vector", "append"]
_KINDS: dict[str, StageKind] = {"linear": "linear", "router": "linear", "scores": "scores", "values": "values",
                                "append": "append"}  # fmt: skip
_FUSED = {"linear": ("activation", "rope", "add", "mul"), "router": (), "scores": ("softmax",)}
_FUNCTIONS = {"silu": Function.SILU, "gelu": Function.GELU, "relu": Function.RELU, "rms": Function.RMSNORM,
              "layer": Function.LAYERNORM}  # fmt: skip


@dataclass(frozen=True)
class Pass:
    """One run of the special function unit over a result; ``operands`` vectors are loaded for it."""

    function: Function
    operands: int = 0


@dataclass(frozen=True)
class Stage:
    """What is compiled as one: an operator and the functions fused behind it.

    Attributes:
        name: operators joined by ``+``.
        kind: decides the instructions.
        op: the first operator.
        passes: of the special function unit, in order.
        produces: names of its operators: who reads one of them reads this stage.
        reads: names of operators outside that it needs.
    """

    name: str
    kind: StageKind
    op: Operator
    passes: tuple[Pass, ...]
    produces: tuple[str, ...]
    reads: tuple[str, ...]


def stages(operators: Sequence[Operator], rope: Literal["unit", "element-wise"] = "unit",
           fuse: bool = True) -> tuple[Stage, ...]:
    """Stages of some operators in their order.

    A linear layer takes along the activation, rotation, sums and products that directly follow it and read it; scores
    take along their softmax; every other function is a stage of its own. Without
    ``fuse`` each operator is.
    """
    found: list[Stage] = []
    at = 0
    while at < len(operators):
        end = at + 1
        while fuse and end < len(operators) and _follows(operators[at:end], operators[end]):
            end += 1
        found.append(_stage(operators[at:end], rope))
        at = end
    return tuple(found)


def _follows(group: Sequence[Operator], op: Operator) -> bool:
    return op.kind in _FUSED.get(group[0].kind, ()) and group[-1].name in op.inputs


def _stage(group: Sequence[Operator], rope: Literal["unit", "element-wise"]) -> Stage:
    first = group[0]
    matrix = first.kind in _KINDS
    passes = [step for op in (group[1:] if matrix else group) for step in _passes(op, rope)]
    if first.kind == "router":
        passes.append(Pass(Function.SOFTMAX))
    names = tuple(op.name for op in group)
    reads = tuple(dict.fromkeys(name for op in group for name in op.inputs if name not in names))
    return Stage("+".join(names), _KINDS.get(first.kind, "vector"), first, tuple(passes), names, reads)


def _passes(op: Operator, rope: Literal["unit", "element-wise"]) -> list[Pass]:
    if op.kind == "rope":
        if rope == "unit":
            return [Pass(Function.ROPE)]
        return [Pass(Function.MUL, 1), Pass(Function.MUL, 1), Pass(Function.ADD)]
    if op.kind in ("add", "mul"):
        return [Pass(Function[op.kind.upper()], 1)]
    return [Pass(Function.SOFTMAX if op.kind == "softmax" else _FUNCTIONS[op.function])]
