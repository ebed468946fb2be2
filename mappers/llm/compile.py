"""Compiler: a decoder-only model, an engine and an assignment of N:M and bits become the program of one step.

A *step* processes a prompt (prefill, MM mode) or one token (decode, MV mode). Operators are fused to stages
(`mappers.llm.fusion`), stages become instructions (`matvec`, `matmul`, `masked`, `vector`), and stages are put one
behind the other: with barriers, activations going through HBM (`surround`), or chained on the chip (`resident`).
Equal stages of different layers are compiled once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hwsim.config import in_range
from hwsim.errors import InputError
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import Instructions, instruction_bytes
from hwsim.llm.program import Program
from hwsim.workload.decoder import DecoderConfig, Operator, head_operators, operators
from hwsim.workload.decoder.assignment import ModelAssignment
from mappers.llm import resident
from mappers.llm.fusion import Stage, stages
from mappers.llm.masked import Mask
from mappers.llm.matvec import Stored
from mappers.llm.options import CompilerOptions
from mappers.llm.placement import Placement, placed
from mappers.llm.step import Machine, many_rows, one_row, stored
from mappers.llm.surround import linked


@dataclass(frozen=True)
class Place:
    """Where a part stands in the program: a stage of a layer (None: of the head)."""

    part: int
    layer: int | None


@dataclass(frozen=True, eq=False)
class Compiled:
    """The program of one step on one core, equal parts held once.

    Attributes:
        name: for reports.
        machine: engine and choices.
        names: of the parts: the operators of a stage.
        parts: instructions of different stages.
        order: parts in program order.
        separate: every part ends in a barrier, so that it runs as if it were alone.
        placement: where weights, cache and activations lie in HBM.
    """

    name: str
    machine: Machine
    names: tuple[str, ...]
    parts: tuple[Instructions, ...]
    order: tuple[Place, ...]
    separate: bool
    placement: Placement

    @cached_property
    def counts(self) -> list[int]:
        """How often each part stands in the program."""
        return np.bincount([place.part for place in self.order], minlength=len(self.parts)).tolist()

    @property
    def instructions(self) -> int:
        """Instructions of the program."""
        return sum(times * len(rows) for times, rows in zip(self.counts, self.parts, strict=True))

    @property
    def nbytes(self) -> int:
        """Bytes of its words."""
        return sum(times * instruction_bytes(rows["op"]) for times, rows in zip(self.counts, self.parts, strict=True))

    def program(self) -> Program:
        """All instructions, with the addresses of each layer's weights and cache."""
        kinds = {name: number for number, name in enumerate(dict.fromkeys(self.names))}
        rows = [self.parts[place.part].copy() for place in self.order]
        for place, part in zip(self.order, rows, strict=True):
            part["layer"] = kinds[self.names[place.part]]
            self.placement.address(part, self.names[place.part], place.layer)
        if self.separate:
            joined = linked(rows)
        else:
            joined = np.concatenate(rows)
            resident.unprimed(joined, self.machine.options.fills)
        return Program(joined, tuple(kinds), self.name)


class Compiler:
    """Compiles steps of one model on one machine; equal stages are kept from step to step of the same size."""

    def __init__(self, model: DecoderConfig, engine: EngineConfig, weights: ModelAssignment,
                 options: CompilerOptions | None = None):
        self.model, self.engine, self.weights = model, engine, weights
        self.machine = Machine(engine, options or CompilerOptions())
        self.placement = placed(model, weights, engine)
        self._stored: dict[str | None, Stored] = {}

    def prefill(self, tokens: int) -> Compiled:
        """The program of a prompt of `tokens`.

        Raises:
            InputError: no token, more than the engine's or the model's maximum, a model that does not fit in HBM.
        """
        self._in_range("prefill", tokens)
        return self._separate(f"{self.model.name} prefill {tokens}", tokens, tokens)

    def decode(self, context: int) -> Compiled:
        """The program of one token that makes the cache `context` tokens long; errors as `prefill`."""
        self._in_range("decode", context)
        name = f"{self.model.name} decode {context}"
        return self._resident(name, context) if self.engine.on_chip_decode else self._separate(name, 1, context)

    def _in_range(self, place: str, length: int) -> None:
        in_range(place, length, 1, min(self.engine.max_length, self.model.max_positions))

    def _blocks(self, tokens: int, context: int) -> list[tuple[int | None, tuple[Stage, ...]]]:
        """Stages of every layer and of the head."""
        rope = self.machine.options.rope
        body: list[tuple[int | None, tuple[Stage, ...]]] = [
            (layer, stages(operators(self.model, tokens, context, layer), rope)) for layer in range(self.model.layers)]
        logits = tokens if self.machine.options.logits == "all" else 1
        return [*body, (None, stages(head_operators(self.model, logits), rope))]

    def _weight(self, op: Operator) -> Stored:
        if op.kind not in ("linear", "router"):
            return Stored()
        if op.weight not in self._stored:
            self._stored[op.weight] = stored(op, self.weights, self.machine.options)
        return self._stored[op.weight]

    def _separate(self, name: str, tokens: int, context: int) -> Compiled:
        made: dict[tuple[object, ...], int] = {}
        names: list[str] = []
        parts: list[Instructions] = []
        order: list[Place] = []
        for layer, block in self._blocks(tokens, context):
            mask = self._mask(layer, context) if tokens > 1 and layer is not None else np.zeros((0, 0, 0), bool)
            for stage in block:
                masked = mask.tobytes() if stage.kind in ("scores", "values") else b""
                key = (stage.name, stage.op.m, self._weight(stage.op), masked)
                if key not in made:
                    rows = self._rows(stage, mask, context)
                    made[key] = _NOTHING if rows is None else len(parts)
                    if rows is not None:
                        names.append(stage.name)
                        parts.append(rows)
                if made[key] != _NOTHING:
                    order.append(Place(made[key], layer))
        return Compiled(name, self.machine, tuple(names), tuple(parts), tuple(order), True, self.placement)

    def _rows(self, stage: Stage, mask: Mask, context: int) -> Instructions | None:
        """A stage with its barrier; one row runs in MV mode, in the last product of a prompt too."""
        if stage.op.m == 1 and stage.kind != "vector" and not len(mask):
            return one_row(stage, self._weight(stage.op), self.machine, context - 1)
        return many_rows(stage, self._weight(stage.op), mask, self.machine)

    def _mask(self, layer: int, context: int) -> Mask:
        """Block mask of a layer: the heads of the core that computes most of it."""
        attention = self.weights.assignment.attention
        if attention.block != self.engine.mask_block:
            raise InputError("attention.block", f"the engine's {self.engine.mask_block}", attention.block)
        every = attention.mask(layer, self.model.heads, context)
        each = self.machine.heads(self.model.heads)
        shares = [every[start:start + each] for start in range(0, self.model.heads, each)]
        return max(shares, key=lambda share: int(share.sum()))

    def _resident(self, name: str, context: int) -> Compiled:
        made: dict[tuple[Stored, ...], list[resident.Named]] = {}
        blocks: list[list[resident.Named]] = []
        layers: list[int | None] = []
        for layer, block in self._blocks(1, context):
            key = (*(self._weight(stage.op) for stage in block), Stored(float(len(block))))
            if key not in made:
                made[key] = resident.chained(block, lambda stage: self._weight(stage.op), self.machine)
            blocks.append(made[key])
            layers += [layer] * len(made[key])
        rows = resident.whole(blocks, self.machine, self.machine.columns(self.model.vocabulary))
        layers += [None] * (len(rows) - len(layers))
        order = tuple(Place(number, layer) for number, layer in enumerate(layers))
        names, parts = zip(*rows, strict=True)
        return Compiled(name, self.machine, names, parts, order, False, self.placement)


_NOTHING = -1
"""Of a stage without instructions."""
