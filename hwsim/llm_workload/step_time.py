"""Time, traffic and energy of one step of a model: of its program, or of its parts added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hwsim.energy import EnergyTree
from hwsim.energy.account import Leaf
from hwsim.llm.account import energy
from hwsim.llm.isa import Opcode
from hwsim.llm.simulate import PS_PER_MS, Run

ENGINES = (Opcode.LD, Opcode.ST, Opcode.MM, Opcode.MV, Opcode.MISC, Opcode.SYS)


@dataclass(frozen=True, kw_only=True)
class StepTime:
    """One step on one board. Counts, bytes and MACs are of one core, energy and utilization of the board.

    Attributes:
        total_ps: picoseconds.
        counts: instructions by queue.
        busy: picoseconds by queue; `starved`: by queue and the queue waited for; what is left of the total is idle:
            no instruction of that queue was left in the part of the program that ran.
        instruction_bytes: of the words.
        hbm_bytes: over the pins, both directions; `ddr_bytes`: tables.
        macs: that the chains computed.
        layer_ps: by kind of layer; adds up to the total.
        energy: of the board.
        peak_bytes_per_s: of the board's HBM; `cores`: of the board.
    """

    total_ps: int
    counts: Mapping[Opcode, int]
    busy: Mapping[Opcode, int]
    starved: Mapping[tuple[Opcode, Opcode], int]
    instruction_bytes: int
    hbm_bytes: float
    ddr_bytes: float
    macs: float
    layer_ps: Mapping[str, int]
    energy: EnergyTree
    peak_bytes_per_s: float
    cores: int

    @classmethod
    def of(cls, run: Run) -> StepTime:
        """A program that ran."""
        queues, moved = run.queues, run.traffic
        return cls(
            total_ps=run.total, counts={op: queues[op].instructions for op in Opcode},
            busy={op: queues[op].busy for op in Opcode},
            starved={(op, by): time for op in Opcode for by, time in queues[op].starved.items()},
            instruction_bytes=run.program.nbytes, hbm_bytes=moved.hbm_read + moved.hbm_written,
            ddr_bytes=moved.ddr_read, macs=sum(run.macs.values()),
            layer_ps={name: round(time * PS_PER_MS) for name, time in run.layer_ms.items()}, energy=energy(run),
            peak_bytes_per_s=run.config.memory.bytes_per_s, cores=run.config.slrs)  # fmt: skip

    @classmethod
    def added(cls, parts: Sequence[tuple[StepTime, int]]) -> StepTime:
        """Parts that run one after the other, each so many times; all of one board."""
        first = parts[0][0]
        return cls(
            total_ps=sum(part.total_ps * times for part, times in parts),
            counts=_sum((part.counts, times) for part, times in parts),
            busy=_sum((part.busy, times) for part, times in parts),
            starved=_sum((part.starved, times) for part, times in parts),
            instruction_bytes=sum(part.instruction_bytes * times for part, times in parts),
            hbm_bytes=sum(part.hbm_bytes * times for part, times in parts),
            ddr_bytes=sum(part.ddr_bytes * times for part, times in parts),
            macs=sum(part.macs * times for part, times in parts),
            layer_ps=_sum((part.layer_ps, times) for part, times in parts),
            energy=EnergyTree.summed(_scaled(leaf, times) for part, times in parts for leaf in part.energy.leaves),
            peak_bytes_per_s=first.peak_bytes_per_s, cores=first.cores)  # fmt: skip

    @property
    def total_ms(self) -> float:
        """Milliseconds."""
        return self.total_ps / PS_PER_MS

    @property
    def instructions(self) -> int:
        """All queues together."""
        return sum(self.counts.values())

    @property
    def hbm_utilization(self) -> float:
        """Bytes over the pins of HBM / what its peak would have moved in the same time."""
        return self.cores * self.hbm_bytes / (self.peak_bytes_per_s * self.total_ps * 1e-12)

    def share(self, queue: Opcode) -> float:
        """Busy part of the total."""
        return self.busy[queue] / self.total_ps

    def stalls(self, queue: Opcode) -> dict[str, float]:
        """Parts of the total in which a queue was busy, starved by another, or idle; they add up to 1."""
        waits = {f"starved by {by.name}": time / self.total_ps
                 for (op, by), time in self.starved.items() if op == queue and time}
        spent = {"busy": self.share(queue), **waits}
        return {**spent, "idle": 1 - sum(spent.values())}

    def to_dict(self) -> dict[str, Any]:
        """Plain data; queues without instructions are left out."""
        used = [op for op in ENGINES if self.counts[op]]
        return {
            "total_ms": self.total_ms,
            "busy_ms": {op.name: self.busy[op] / PS_PER_MS for op in used},
            "instructions": self.instructions,
            "instruction_bytes": self.instruction_bytes,
            "instructions_by_queue": {op.name: self.counts[op] for op in used},
            "stalls": {op.name: self.stalls(op) for op in used},
            "layers_ms": {name: time / PS_PER_MS for name, time in self.layer_ps.items()},
            "hbm_bytes_per_core": self.hbm_bytes,
            "ddr_bytes_per_core": self.ddr_bytes,
            "hbm_utilization": self.hbm_utilization,
            "macs_per_core": self.macs,
            "cores": self.cores,
            "energy": self.energy.to_dict(),
        }


def _sum(parts: Iterable[tuple[Mapping[Any, int], int]]) -> dict[Any, int]:
    total: dict[Any, int] = {}
    for figures, times in parts:
        for key, value in figures.items():
            total[key] = total.get(key, 0) + value * times
    return total


def _scaled(leaf: Leaf, times: int) -> Leaf:
    return Leaf(component=leaf.component, action=leaf.action, count=leaf.count * times, cost=leaf.cost)
