"""Compiler: a decoder-only model, an engine and an assignment of N:M and bits become the program of one step.

A *step* processes a prompt (prefill, MM mode) or one token (decode, MV mode). Operators are fused to stages
(`mappers.llm.fusion`), stages become instructions (`matvec`, `matmul`, `masked`, `vector`), and stages are put one
behind the other: with barriers, activations going through HBM (`surround`), or chained on the chip (`resident`).
Equal stages of different layers are compiled once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hwsim.config import in_range
from hwsim.errors import InputError
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import Instructions, instruction_bytes
from hwsim.llm.program import Program
from hwsim.llm_workload.options import CompilerOptions
from hwsim.workload.decoder import DecoderConfig, Operator, head_operators, operators
from hwsim.workload.decoder.assignment import ModelAssignment
from mappers.llm import resident
from mappers.llm.buffers import fills_in_turn
from mappers.llm.capacity import checked
from mappers.llm.fusion import Stage, stages
from mappers.llm.masked import Mask
from mappers.llm.matvec import Stored
from mappers.llm.placement import Placement, placed
from mappers.llm.step import Machine, many_rows, one_row, stored
from mappers.llm.surround import link


@dataclass(frozen=True)
class Place:
    """Where a part stands in the program; of which layer (None: of the head)."""

    part: int
    layer: int | None


@dataclass(frozen=True, eq=False)
class Compiled:
    """The program of one step on one core, equal parts held once.

    Attributes:
        name: for reports.
        machine: engine and choices.
        kinds: stages by name; the instructions' ``layer`` points to them.
        parts: instructions of different stages (`separate`), or of different decoder blocks and the head.
        stages: of each part, the stages in it by their full names, and how many instructions each has.
        order: parts in program order.
        separate: every part ends in a barrier, so that it runs as if it were alone.
        placement: where weights, cache and activations lie in HBM.
    """

    name: str
    machine: Machine
    kinds: tuple[str, ...]
    parts: tuple[Instructions, ...]
    stages: tuple[tuple[tuple[str, int], ...], ...]
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

    def program(self, *, addresses: bool = True) -> Program:
        """All instructions; with addresses of HBM, A and B, which time does not depend on."""
        parts = [self.parts[place.part] for place in self.order]
        rows = np.concatenate(parts)
        ends = np.cumsum([len(part) for part in parts])
        if self.separate:
            link(rows, ends[:-1])
        else:
            resident.begin(rows, self.machine)
        if addresses:
            fills_in_turn(rows, self.machine.target)
            begin = 0
            for place in self.order:
                for stage, count in self.stages[place.part]:
                    self.placement.address(rows[begin:begin + count], stage, place.layer)
                    begin += count
        notes = {"engine": self.machine.engine.to_mapping(), "compiler": self.machine.options.to_mapping()}
        return Program(rows, self.kinds, self.name, notes)


class Compiler:
    """Compiles steps of one model on one machine; equal stages are kept from step to step of the same size."""

    def __init__(self, model: DecoderConfig, engine: EngineConfig, weights: ModelAssignment,
                 options: CompilerOptions | None = None):
        self.model, self.engine, self.weights = model, engine, weights
        self.machine = Machine(engine, options or CompilerOptions())
        self.placement = placed(model, weights, engine, self.machine.options)
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
        fuse = tokens > 1 or self.engine.on_chip_decode or self.machine.options.through_memory == "stages"
        body: list[tuple[int | None, tuple[Stage, ...]]] = [
            (layer, stages(operators(self.model, tokens, context, layer), rope, fuse))
            for layer in range(self.model.layers)]
        logits = tokens if self.machine.options.logits == "all" else 1
        head = stages(head_operators(self.model, logits), rope, fuse)
        return checked([*body, (None, head)], tokens, self._weight, self.machine)

    def _weight(self, op: Operator) -> Stored:
        if op.kind not in ("linear", "router"):
            return Stored()
        if op.weight not in self._stored:
            self._stored[op.weight] = stored(op, self.weights, self.machine.options)
        return self._stored[op.weight]

    def _separate(self, name: str, tokens: int, context: int) -> Compiled:
        made: dict[tuple[object, ...], int] = {}
        kinds: dict[str, int] = {}
        parts: list[Instructions] = []
        names: list[tuple[tuple[str, int], ...]] = []
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
                        rows["layer"] = kinds.setdefault(kind_of(stage.name), len(kinds))
                        parts.append(rows)
                        names.append(((stage.name, len(rows)),))
                if made[key] != _NOTHING:
                    order.append(Place(made[key], layer))
        return Compiled(name, self.machine, tuple(kinds), tuple(parts), tuple(names), tuple(order), True,
                        self.placement)

    def _rows(self, stage: Stage, mask: Mask, context: int) -> Instructions | None:
        """A stage with its barrier; one row runs in MV mode, in the last product of a prompt too."""
        if stage.op.m == 1 and stage.kind != "vector" and not len(mask):
            return one_row(stage, self._weight(stage.op), self.machine, context - 1)
        return many_rows(stage, self._weight(stage.op), mask, self.machine, self.model.head_dim)

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
        made: dict[tuple[object, ...], int] = {}
        kinds: dict[str, int] = {}
        parts: list[Instructions] = []
        names: list[tuple[tuple[str, int], ...]] = []
        order: list[Place] = []
        for layer, block in self._blocks(1, context):
            key = (layer is None, *(self._weight(stage.op) for stage in block))
            if key not in made:
                made[key] = len(parts)
                rows = resident.chained(block, lambda stage: self._weight(stage.op), self.machine)
                rows += resident.logits(rows, self.machine.columns(self.model.vocabulary)) if layer is None else []
                for stage, part in rows:
                    part["layer"] = kinds.setdefault(kind_of(stage), len(kinds))
                parts.append(np.concatenate([part for _, part in rows]))
                names.append(tuple((stage, len(part)) for stage, part in rows))
            order.append(Place(made[key], layer))
        return Compiled(name, self.machine, tuple(kinds), tuple(parts), tuple(names), tuple(order), False,
                        self.placement)


def kind_of(stage: str) -> str:
    """A stage's name without the number of an expert."""
    return re.sub(r"expert\d+\.", "", stage)


_NOTHING = -1
"""Of a stage without instructions."""
