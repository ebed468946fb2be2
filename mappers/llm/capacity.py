"""Whether the vectors and biases of a step fit in the buffers that the design keeps them in: one byte an activation,
four a bias. What streams through A and B in parts is cut to fit where it is compiled (`tiling`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hwsim.errors import InputError
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import BLOCK
from hwsim.workload.decoder import Operator
from hwsim.workload.decoder.operators import INPUT
from mappers.llm.fusion import Stage
from mappers.llm.matvec import Stored, spread
from mappers.llm.resident import target
from mappers.llm.step import Machine, matrix
from mappers.llm.surround import BIAS_BYTES

Blocks = list[tuple[int | None, tuple[Stage, ...]]]
_MATRICES = ("linear", "scores", "values")
_WHOLE = ("linear", "vector")
"""Stages that read the whole vector, other cores' shares too."""


def checked(blocks: Blocks, tokens: int, weight: Callable[[Operator], Stored], machine: Machine) -> Blocks:
    """The stages of a step of `tokens` rows, as they were given.

    Layers are alike in their sizes, so the first one and the head are looked at.

    Raises:
        InputError: biases, or the vectors of a step of one row, that do not fit; it names the stage.
    """
    for layer, stages in (blocks[0], blocks[-1]):
        resident = tokens == 1 and machine.engine.on_chip_decode
        _check_biases(stages, weight, machine, resident)
        if tokens == 1:
            _check_operand(stages, machine, resident)
            (_check_live_set if resident else _check_results)(stages, machine, layer is None)
    return blocks


def global_bytes(engine: EngineConfig) -> int:
    """The global buffer of one core: all banks, however many of them a mode reads at once."""
    buffers = engine.buffers
    return engine.memory.a_channels * buffers.global_depth * buffers.global_banks * BLOCK


def live_sets(stages: Sequence[Stage], machine: Machine, head: bool) -> list[int]:
    """Bytes of the global buffer in use on one core while each stage runs: its result, and the results that it or a
    later one still reads. A result is whole where a stage reads all of it, else the core's share of heads or columns.
    """
    maker = {INPUT: 0} | {name: number for number, stage in enumerate(stages, 1) for name in stage.produces}
    readers: list[list[int]] = [[] for _ in range(len(stages) + 1)]
    for number, stage in enumerate(stages, 1):
        for name in stage.reads:
            readers[maker[name]].append(number)
    first = stages[0].op
    sizes = [first.n if stages[0].kind == "vector" else first.k]
    for number, stage in enumerate(stages, 1):
        whole = any(stages[reader - 1].kind in _WHOLE for reader in readers[number])
        sizes.append(_result(stage, machine, whole or (number == len(stages) and not head)))
    until = [max([number, *reading]) for number, reading in enumerate(readers)]
    return [sum(size for made, (size, last) in enumerate(zip(sizes, until, strict=True)) if made <= now <= last)
            for now in range(1, len(stages) + 1)]


def _result(stage: Stage, machine: Machine, whole: bool) -> int:
    """Bytes of a stage's result on one core."""
    op = stage.op
    if stage.kind == "append":
        return 0  # goes to HBM
    if stage.kind in ("scores", "values"):
        return (op.heads if whole else machine.heads(op.heads)) * op.n
    return op.n * op.heads if whole else machine.columns(op.n * op.heads)


def _check_live_set(stages: Sequence[Stage], machine: Machine, head: bool) -> None:
    """Decoding on the chip."""
    for stage, size in zip(stages, live_sets(stages, machine, head), strict=True):
        _fit("global", size, global_bytes(machine.engine), f"activations at {stage.name}")


def _check_results(stages: Sequence[Stage], machine: Machine, head: bool) -> None:
    """Decoding through HBM: a result, which one ST takes away, and the second operands of its functions."""
    for stage in stages:
        if stage.kind in _MATRICES:
            size = _result(stage, machine, False) * (1 + sum(step.operands for step in stage.passes))
            _fit("global", size, global_bytes(machine.engine), f"results and operands of {stage.name}")


def _check_operand(stages: Sequence[Stage], machine: Machine, resident: bool) -> None:
    """The vectors that a matrix is multiplied with lie in B: those of all heads, or on the chip of the users of one."""
    buffers = machine.engine.buffers
    for stage in stages:
        if stage.kind in _MATRICES:
            source = spread(matrix(stage.op, Stored(), machine), target(machine))
            rows = source.users if resident else source.users * source.batch
            _fit("B", rows * source.k, buffers.b_depth * buffers.b_bytes, f"the operand of {stage.name}")


def _check_biases(stages: Sequence[Stage], weight: Callable[[Operator], Stored], machine: Machine,
                  resident: bool) -> None:
    """Those of one stage; without barriers, of a whole layer: loads run ahead of the stages that use them."""
    buffers = machine.engine.buffers
    sizes = [BIAS_BYTES * machine.columns(stage.op.n) for stage in stages if weight(stage.op).bias]
    if sizes:
        _fit("bias", sum(sizes) if resident else max(sizes), buffers.bias_depth * buffers.bias_bytes,
             "biases of a layer" if resident else "biases of a stage")


def _fit(buffer: str, size: int, capacity: int, what: str) -> None:
    if size > capacity:
        raise InputError(f"engine: {buffer} buffer of a core", f"room for {size} bytes: {what}", capacity)
