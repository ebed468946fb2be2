"""The report of a program in which some instruction waits for a token that never comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.llm.assembly import line_of
from hwsim.llm.isa import Instructions, Opcode


@dataclass(frozen=True, slots=True)
class TokenWait:
    """An instruction at the head of its queue, and one token that it waits for.

    Attributes:
        instruction: its number in the program.
        text: the instruction disassembled.
        queue: its queue.
        on: the queue that has to release the token.
        token: number of that token, from 0, among those from `on` to `queue`; so many have been released.
        on_instruction: the instruction at which `on` itself stands; None when it has ended.
    """

    instruction: int
    text: str
    queue: Opcode
    on: Opcode
    token: int
    on_instruction: int | None

    def __str__(self) -> str:
        state = "has ended" if self.on_instruction is None else f"stands at instruction {self.on_instruction}"
        return (f"instruction {self.instruction} ({self.text}) in queue {self.queue.name} waits for token {self.token} "
                f"of {self.on.name}, which {state}")


class ProgramDeadlock(RuntimeError):
    """No queue can go on and not all have ended.

    Attributes:
        program: name of the program.
        waits: every wait of every queue that stands still; root causes, queues that have ended, first.
    """

    def __init__(self, program: str, waits: Sequence[TokenWait]):
        self.program = program
        self.waits = tuple(sorted(waits, key=lambda wait: wait.on_instruction is not None))
        super().__init__(f"deadlock in {program}: {'; '.join(str(wait) for wait in self.waits)}")

    def __reduce__(self) -> tuple[type[ProgramDeadlock], tuple[str, tuple[TokenWait, ...]]]:
        return ProgramDeadlock, (self.program, self.waits)


def waits(program: Instructions, standing: Mapping[Opcode, int], given: npt.NDArray[np.int64],
          taken: npt.NDArray[np.int64]) -> list[TokenWait]:
    """The waits of queues that stand still.

    Args:
        program: the instructions.
        standing: instruction at which each queue that has not ended stands.
        given: tokens released, shape (queues, queues): [from, to].
        taken: tokens taken, the same shape.
    """
    return [TokenWait(number, line_of(program[number]), queue, on, int(given[on, queue]), standing.get(on))
            for queue, number in standing.items() for on in Opcode
            if int(program["wait"][number]) >> on & 1 and given[on, queue] == taken[on, queue]]
