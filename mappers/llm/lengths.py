"""Instruction bytes for all lengths: a program for every length, or one for each bucket of lengths.

Only counts matter here, so the model is cut to one layer and scaled up, its weights are dense and its attention
causal (a block mask leaves instructions out of long prompts, in both cases alike).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import BLOCK
from hwsim.llm.isa import instruction_bytes as bytes_of
from hwsim.llm_workload.generation import InstructionBytes
from hwsim.llm_workload.options import CompilerOptions
from hwsim.workload.decoder import DecoderConfig, operators
from hwsim.workload.decoder.assignment import Assignment, Rule
from mappers.llm.compile import Compiled, Compiler
from mappers.llm.fusion import stages
from mappers.llm.step import Machine, functions
from mappers.llm.surround import with_barrier
from mappers.llm.tiling import ceil_div

BLOCK_NORMS, HEAD_NORM = ("input_norm", "mlp_norm"), "final_norm"
PERIODS = 4
"""Tiles of rows up to which prompts are compiled; longer ones follow."""


def continued(sizes: npt.NDArray[np.int64], period: int, count: int) -> npt.NDArray[np.int64]:
    """Bytes by blocks of rows, continued to `count` rows of the array.

    A tile of rows more adds the same instructions to every linear layer, and to causal attention one column of blocks
    more than the tile before it did: bytes are quadratic in the tiles for each number of rows in the last one, so their
    third difference at a distance of one tile is 0.
    """
    found = [*sizes[:count]]
    while len(found) < count:
        found.append(3 * found[-period] - 3 * found[-2 * period] + found[-3 * period])
    return np.array(found)


class ProgramBytes:
    """Bytes of the programs of one model on one engine, with activations on the chip and without.

    Raises:
        InputError: a model with experts, whose rows do not follow from the blocks of a prompt.
    """

    def __init__(self, model: DecoderConfig, engine: EngineConfig, options: CompilerOptions):
        if model.experts > 1:
            raise InputError("instruction bytes", "a model without experts", f"{model.name} with {model.experts}")
        self.model, self.engine, self.options = model, engine, options
        self.small = model.replace(layers=1)
        self.most = min(engine.max_length, model.max_positions)
        self.lengths = [min(number * BLOCK, self.most) for number in range(1, ceil_div(self.most, BLOCK) + 1)]
        compiler = self._compiler(engine)
        tile = engine.mm_tile[1] // BLOCK
        first = [compiler.prefill(length) for length in self.lengths[:PERIODS * tile]]
        sizes = np.array([self._sizes(program, norms=False) for program in first])
        self._by_blocks = continued(sizes, tile, len(self.lengths)).tolist()
        one, two = (self._norm(compiler.machine, lines * engine.slrs) for lines in (1, 2))
        self._norm_bytes = two - one, 2 * one - two
        self._one_token = self._sizes(compiler.prefill(1))
        self._known: dict[bool, InstructionBytes] = {}

    def _compiler(self, engine: EngineConfig) -> Compiler:
        plain = Assignment(name="plain", rules=(Rule(match="*"),))
        return Compiler(self.small, engine, plain.of(self.small), self.options)

    def prefill(self, length: int) -> tuple[int, int]:
        """Bytes of the program of a prompt, and of its different parts: products by blocks of rows, norms line by line.

        One token runs in MV mode.
        """
        if length == 1:
            return self._one_token
        each, whole_norm = self._norm_bytes
        norm = whole_norm + each * ceil_div(length, self.engine.slrs)
        whole, once = self._by_blocks[ceil_div(length, BLOCK) - 1]
        many, head = len(BLOCK_NORMS), int(self.options.logits == "all")
        return whole + (many * self.model.layers + head) * norm, once + (many + head) * norm

    def _norm(self, machine: Machine, length: int) -> int:
        """Bytes of a norm of a prompt; each line adds the same instructions."""
        norm = stages(operators(self.small, length, length))[0]
        return bytes_of(with_barrier(functions(norm, machine))["op"])

    def _sizes(self, program: Compiled, norms: bool = True) -> tuple[int, int]:
        """Bytes of a program of the whole model, and of its different parts: equal layers share theirs.

        Without ``norms`` those whose rows cores share out are left out.
        """
        shared = () if norms else (*BLOCK_NORMS, *([HEAD_NORM] if self.options.logits == "all" else []))
        counted = [number for number, rows in enumerate(program.parts)
                   if program.kinds[rows["layer"][0]] not in shared]
        sizes = {number: bytes_of(program.parts[number]["op"]) for number in counted}
        places = [place for place in program.order if place.part in sizes]
        whole = sum(sizes[place.part] * (1 if place.layer is None else self.model.layers) for place in places)
        once = {program.parts[number].tobytes(): size for number, size in sizes.items()}
        return whole, sum(once.values())

    def of(self, *, on_chip: bool) -> InstructionBytes:
        """Bytes for every length to the maximum; counted once."""
        if on_chip not in self._known:
            self._known[on_chip] = self._counted(on_chip)
        return self._known[on_chip]

    def _counted(self, on_chip: bool) -> InstructionBytes:
        """The same, counted.

        Contexts of as many blocks of 16 need as many instructions to decode, but for the first, which has no old cache
        to load; one of each was compiled.
        """
        engine = self.engine
        compiler = self._compiler(engine.replace(on_chip_decode=on_chip))
        first, *blocks = (self._sizes(compiler.decode(length)) for length in (1, *self.lengths))

        def decode(length: int) -> tuple[int, int]:
            return first if length == 1 else blocks[ceil_div(length, BLOCK) - 1]

        stages = ((self.prefill, engine.prefill_bucket), (decode, engine.decode_bucket))
        every = [tuple(found(length)[0] for length in range(1, self.most + 1)) for found, _ in stages]
        buckets = [found(min(length, self.most)) for found, unit in stages
                   for length in range(unit, self.most + unit, unit)]
        return InstructionBytes(
            prefill=every[0], decode=every[1], every_length=engine.slrs * (sum(every[0]) + sum(every[1])),
            buckets=engine.slrs * sum(whole for whole, _ in buckets), adaptive=sum(once for _, once in buckets))
